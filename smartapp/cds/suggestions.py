"""What a card offers to do. Every action waits for the clinician's choice; none is recommended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from smartapp.cds.card import Action, Suggestion
from smartapp.cds.outgoing import Template, fill, lab_templates, referral, regimen_templates
from smartapp.cds.request import HookRequest
from smartapp.engine.assessment import Assessment, Finding, Fix
from smartapp.knowledge import Knowledge
from smartapp.patient.record import DraftOrder

MOST = 9

ACTIONABLE = frozenset({"order-lab", "remove-order", "start-regimen", "refer"})


@dataclass(frozen=True, slots=True)
class Offer:
    """A suggestion before it has its UUID. `exclusive`: it stands against the others."""

    label: str
    actions: list[Action]
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Templates of everything that may be offered; made once, when the knowledge is compiled."""

    labs: Mapping[str, Template]
    starts: Mapping[str, Template]
    knowledge: Knowledge

    @classmethod
    def compile(cls, knowledge: Knowledge) -> Suggestions:
        """Refuses (KnowledgeError) a template that is not valid R4."""
        return cls(lab_templates(knowledge), regimen_templates(knowledge), knowledge)

    def offers(
        self,
        findings: Sequence[Finding],
        assessment: Assessment,
        request: HookRequest,
        drafts: Sequence[DraftOrder],
    ) -> list[Offer]:
        """What one card's findings suggest: removal first, then replacement, labs, referral."""
        fixes = [fix for finding in findings for fix in finding.fixes if fix.kind in ACTIONABLE]
        starts = self._starts(findings, fixes, assessment)
        removals = _removals(fixes, drafts)
        offers = [Offer(r.description, [r]) for r in removals]
        offers += [self._start(key, removals, request) for key in starts]
        if labs := self._labs(fixes, request):
            offers.append(labs)
        offers += [
            _refer(fix, request) for fix in _once(fix for fix in fixes if fix.kind == "refer")
        ]
        return offers[:MOST]

    def _starts(
        self, findings: Sequence[Finding], fixes: Sequence[Fix], assessment: Assessment
    ) -> list[str]:
        """Published starts that may be drafted: only for a candidate, only of an eligible agent."""
        if assessment.recommendation.status != "candidate":
            return []
        allowed = [
            key
            for option in assessment.recommendation.options
            if option.eligible
            for key in option.regimens
            if key in self.starts
        ]
        if any(finding.code == "recalibration-candidate" for finding in findings):
            return allowed
        wanted = {fix.code for fix in fixes if fix.kind == "start-regimen"}
        return [key for key in allowed if key in wanted]

    def _start(self, key: str, removals: Sequence[Action], request: HookRequest) -> Offer:
        regimen = self.knowledge.regimens[key]
        drug = self.knowledge.catalogue.drugs[regimen.agent]
        label = f"{drug.name}, {regimen.text}"
        create = Action(
            "create",
            f"Draft {label}. {drug.regulatory}",
            resource=fill(self.starts[key], request.patient_id, request.user, request.encounter_id),
        )
        verb = "Replace the draft by" if removals else "Draft"
        return Offer(f"{verb} {label}", [*removals, create], exclusive=True)

    def _labs(self, fixes: Iterable[Fix], request: HookRequest) -> Offer | None:
        codes = dict.fromkeys(
            fix.code for fix in fixes if fix.kind == "order-lab" and fix.code in self.labs
        )
        actions = []
        names = []
        for code in codes:
            template = self.labs[code]
            name = template["code"]["text"]
            names.append(name)
            resource = fill(template, request.patient_id, request.user, request.encounter_id)
            actions.append(Action("create", f"Order {name}", resource=resource))
        return Offer(f"Order {', '.join(names)}", actions) if actions else None


def _removals(fixes: Iterable[Fix], drafts: Sequence[DraftOrder]) -> list[Action]:
    """Deletions of drafts; only of drafts that the client sent with an id (standards A10.9)."""
    known = {draft.reference: draft for draft in drafts if "/" in draft.reference}
    return [
        Action("delete", fix.text, resourceId=fix.code)
        for fix in _once(fix for fix in fixes if fix.kind == "remove-order")
        if fix.code in known
    ]


def _refer(fix: Fix, request: HookRequest) -> Offer:
    resource = fill(referral(fix.text), request.patient_id, request.user, request.encounter_id)
    return Offer(fix.text, [Action("create", fix.text, resource=resource)])


def _once(fixes: Iterable[Fix]) -> list[Fix]:
    return list({fix.code: fix for fix in fixes}.values())


def with_uuids(offers: Sequence[Offer], uuids: Iterable[str]) -> list[Suggestion]:
    """The offers as the standard writes them."""
    return [
        Suggestion(offer.label, uuid, offer.actions)
        for offer, uuid in zip(offers, uuids, strict=False)
    ]
