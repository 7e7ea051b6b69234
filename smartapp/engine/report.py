"""The report: findings, near misses and open rules as they take words, severity and identity."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from smartapp.engine.abstain import Abstention
from smartapp.engine.assessment import (
    Citation,
    Evidence,
    Finding,
    Fix,
    NearMiss,
    NotEvaluable,
    Severity,
)
from smartapp.engine.case import Case
from smartapp.engine.differing import Differing
from smartapp.engine.samples import evidence_of
from smartapp.engine.telling import tell_analytes, tell_readings, why_not_usable
from smartapp.knowledge.severity import FindingKind
from smartapp.patient.record import DraftOrder

_GRAVITY: Mapping[Severity, int] = {"critical": 0, "warning": 1, "info": 2}
_SPOKEN_ROLES = frozenset({"recalibration", "adjunct", "androgen"})


@dataclass(frozen=True, slots=True)
class Ordered:
    """A draft in focus whose drug these rules speak of, with its role."""

    draft: DraftOrder
    agent: str
    role: str


@dataclass(frozen=True, slots=True)
class Occasion:
    """View or order: the drafts there are, and those this product speaks of."""

    drafts: tuple[DraftOrder, ...]
    ordered: tuple[Ordered, ...]

    @property
    def ordering(self) -> bool:
        """Whether this is an order hook at all, spoken of or not."""
        return bool(self.drafts)

    def roles(self, *roles: str) -> tuple[Ordered, ...]:
        return tuple(o for o in self.ordered if o.role in roles)


def occasion_of(case: Case, drafts: Sequence[DraftOrder]) -> Occasion:
    """The drafts in focus of a recalibration drug, an adjunct or an androgen, in their order."""
    drugs = case.knowledge.catalogue.drugs
    ordered = tuple(
        Ordered(draft, drug.key, drug.role)
        for draft in drafts
        if draft.in_focus
        and (drug := drugs.get(draft.agent or "")) is not None
        and drug.role in _SPOKEN_ROLES
    )
    return Occasion(tuple(drafts), ordered)


@dataclass(slots=True)
class Report:
    """Collects what the rules say of one man. Lives for one assessment and never leaves it."""

    case: Case
    occasion: Occasion
    findings: list[Finding] = field(default_factory=list)
    near_misses: list[NearMiss] = field(default_factory=list)
    not_evaluable: list[NotEvaluable] = field(default_factory=list)
    opened: list[Abstention] = field(default_factory=list)

    def finding(
        self,
        code: str,
        rule: str,
        *,
        level: str = "default",
        variant: str = "default",
        state: str = "",
        evidence: Iterable[Evidence] = (),
        fixes: Iterable[Fix] = (),
        about: Ordered | None = None,
        agent: str | None = None,
        bears: frozenset[str] | None = None,
        words: Mapping[str, str] | None = None,
    ) -> None:
        """Adds one finding. `state` tells apart findings of one rule; `about` is the draft it
        concerns (else the first draft the code speaks of), `bears` the agents it bears on."""
        knowledge = self.case.knowledge
        kind, basis = knowledge.findings[code], knowledge.rules[rule]
        text = knowledge.wording.findings[code, variant]
        used, said = _once(evidence), words or {}
        others, apart = self._differing(used)
        used += others
        severity, card, decision = self._face(kind, level, about, bears)
        if about is not None:
            agent = about.agent
        self.findings.append(
            Finding(
                id=self._identity(rule, code, state),
                code=code,
                severity=severity,
                summary=text.summary.fill(said),
                detail=" ".join(filter(None, (text.detail.fill(said), *apart))),
                rule=rule,
                basis=basis.basis,
                citations=tuple(Citation(s.label, s.url) for s in basis.sources),
                evidence=used,
                fingerprint=fingerprint(used),
                card=card,
                decision=decision,
                agent=agent,
                fixes=tuple(fixes),
            )
        )

    def join(
        self, speaker: Finding, rule: str, evidence: Iterable[Evidence], sentence: str
    ) -> None:
        """Lets a finding speak for another rule too: its evidence, its sources, a sentence."""
        sources = self.case.knowledge.rules[rule].sources
        known = {e.reference for e in speaker.evidence}
        new = _once(e for e in evidence if e.reference not in known)
        others, apart = self._differing(new)
        used = (*speaker.evidence, *new, *others)
        said = (*speaker.citations, *(Citation(s.label, s.url) for s in sources))
        self.findings[self.findings.index(speaker)] = replace(
            speaker,
            detail=" ".join(filter(None, (speaker.detail, sentence, *apart))),
            citations=tuple(dict.fromkeys(said)),
            evidence=used,
            fingerprint=fingerprint(used),
        )

    def near(self, code: str, rule: str, key: str, words: Mapping[str, str]) -> None:
        """Adds a near miss; `key` of the wording's [near]."""
        self.near_misses.append(
            NearMiss(rule, code, self.case.knowledge.wording.say("near", key, words))
        )

    def open(self, abstention: Abstention) -> None:
        """Adds a rule that could not be judged; for the same reason it is said once."""
        if abstention in self.opened:
            return
        wording = self.case.knowledge.wording
        words = dict(abstention.words or {})
        if abstention.row is not None:
            words["row"] = wording.say("row", abstention.row)
        self.opened.append(abstention)
        if abstention.orders:
            first = self.case.knowledge.catalogue.analytes[abstention.orders[0]]
            words["analyte"] = first.name
            words["why"] = why_not_usable(self.case.withheld.get(first.key))
        fixes = [fix for analyte in abstention.orders for fix in self.order_lab(analyte)]
        if abstention.asks is not None:
            said = wording.say("fix", abstention.fix, words)
            fixes.append(Fix("questionnaire", abstention.asks, said))
        self.not_evaluable.append(
            NotEvaluable(
                abstention.rule,
                abstention.code,
                wording.say("reason", abstention.reason, words),
                wording.say("fix", abstention.fix, words),
                tuple(fixes),
            )
        )

    def order_lab(self, *analytes: str) -> tuple[Fix, ...]:
        """A laboratory order for each; words only where no order code is agreed."""
        catalogue, wording = self.case.knowledge.catalogue, self.case.knowledge.wording
        fixes = []
        for key in analytes:
            analyte = catalogue.analytes[key]
            name = "order-testosterone" if key == "testosterone" else "order-lab"
            text = wording.say("fix", name, {"analyte": analyte.name})
            if analyte.order_loinc:
                fixes.append(Fix("order-lab", analyte.order_loinc, text))
            else:
                fixes.append(Fix("tell", key, text))
        return tuple(fixes)

    def refer(self, specialty: str) -> Fix:
        return Fix("refer", specialty, self.case.knowledge.wording.say("refer", specialty))

    def tell(self, key: str) -> Fix:
        return Fix("tell", key, self.case.knowledge.wording.say("fix", key))

    def remove(self, *ordered: Ordered) -> tuple[Fix, ...]:
        """Taking the draft away, as a choice."""
        wording = self.case.knowledge.wording
        return tuple(
            Fix(
                "remove-order",
                o.draft.reference,
                wording.say("fix", "remove-order", {"agent": self.name(o.agent)}),
            )
            for o in ordered
        )

    def name(self, agent: str) -> str:
        """What the drug is called in a sentence."""
        short = self.case.knowledge.wording.phrases["agent"].get(agent)
        return self.case.knowledge.catalogue.drugs[agent].name if short is None else short.text

    def analytes(self, keys: Iterable[str]) -> str:
        """Tests to be done, in a sentence."""
        return tell_analytes(self.case.knowledge, keys)

    def names(self, agents: Iterable[str]) -> str:
        """Several drugs in a sentence, in the order given."""
        known = [self.name(agent) for agent in dict.fromkeys(agents)]
        return known[0] if len(known) == 1 else f"{', '.join(known[:-1])} and {known[-1]}"

    def sorted_findings(self) -> tuple[Finding, ...]:
        """The gravest first, then in the order of findings.toml."""
        kinds = self.case.knowledge.findings
        return tuple(
            sorted(self.findings, key=lambda f: (_GRAVITY[f.severity], kinds[f.code].rank, f.id))
        )

    def _face(
        self,
        kind: FindingKind,
        level: str,
        about: Ordered | None,
        bears: frozenset[str] | None,
    ) -> tuple[Severity, bool, str]:
        """Severity, whether a card, and the decision it shares one with (contract 4)."""
        decision = kind.decision.get(level) or kind.decision["default"]
        if not self.occasion.ordering:
            severity = kind.view.get(level) or kind.view.get("default") or "info"
            return severity, bool(kind.view) and level not in kind.quiet, decision
        spoken = [about] if about is not None else self.occasion.ordered
        lead = next(
            (
                o
                for o in spoken
                if o.role in kind.order_roles and (bears is None or o.agent in bears)
            ),
            None,
        )
        if lead is None or not kind.order:
            severity = kind.view.get(level) or kind.view.get("default") or "info"
            return severity, False, decision
        severity = kind.order.get(level) or kind.order["default"]
        return severity, level not in kind.quiet, f"order:{lead.agent}"

    def _differing(
        self, evidence: Sequence[Evidence]
    ) -> tuple[tuple[Evidence, ...], tuple[str, ...]]:
        """Values that disagree with a datum of its own date, and a sentence on each such date."""
        if not self.case.differing:
            return (), ()
        known = {(e.reference, e.analyte or "") for e in evidence}
        found = set(filter(None, map(self.case.differing.get, known)))
        days = sorted(found, key=lambda values: (values[0].analyte, values[0].drawn))
        others = tuple(
            evidence_of(reading, "disagrees")
            for values in days
            for reading in values
            if (reading.reference, reading.analyte) not in known
        )
        return others, tuple(self._disagreement(values) for values in days)

    def _disagreement(self, values: Differing) -> str:
        one_draw = len({reading.effective for reading in values}) == 1
        words = {
            "analyte": self.case.knowledge.catalogue.analytes[values[0].analyte].name,
            "values": tell_readings(values),
        }
        key = "disagree-draw" if one_draw else "disagree-day"
        return self.case.knowledge.wording.say("evidence", key, words)

    def _identity(self, rule: str, code: str, state: str) -> str:
        record = self.case.record
        parts = (record.issuer, record.demographics.reference, rule, code, state)
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]


def fingerprint(evidence: Iterable[Evidence]) -> str:
    """A hash of the evidence: it changes when a value is corrected or a newer one speaks."""
    text = "\x1e".join(
        "\x1f".join((e.reference, e.analyte or "", str(e.value), str(e.effective), e.role))
        for e in evidence
    )
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _once(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Each datum once, in the order in which it was first named."""
    return tuple({(e.reference, e.analyte, e.role): e for e in evidence}.values())
