"""Findings as cards: at most three, by decision, the critical ones always.

A finding is the engine's; nothing here changes what it says or how severe it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from smartapp.cds.card import Card, Coding, Link, Source
from smartapp.cds.detail import detail
from smartapp.cds.override import REASONS
from smartapp.cds.request import HookRequest
from smartapp.cds.suggestions import ACTIONABLE, Suggestions, with_uuids
from smartapp.cds.words import LAUNCH_LABEL, SUMMARY_LIMIT, cut
from smartapp.engine.assessment import Assessment, Finding
from smartapp.fhir.model import Gap
from smartapp.knowledge import Knowledge
from smartapp.patient.record import DraftOrder

MOST_CARDS = 3
FINDING_SYSTEM = "https://hpg-recalibration.example/fhir/CodeSystem/finding"
EXTENSION = "example.hpg-recalibration.findings"

_RANK = {"critical": 0, "warning": 1, "info": 2}
_OVERRIDE_REASONS = list(REASONS)

Group = tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a call is about, beside the findings."""

    assessment: Assessment
    request: HookRequest
    drafts: tuple[DraftOrder, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A card and the findings in it."""

    card: Card
    findings: Group


@dataclass(frozen=True, slots=True)
class Speaker:
    """Turns findings into cards. Made once; holds the knowledge's words and templates."""

    knowledge: Knowledge
    suggestions: Suggestions
    launch_url: str

    def speak(
        self, findings: Sequence[Finding], occasion: Occasion, call: str
    ) -> tuple[Spoken, ...]:
        """The cards of one call. Their UUIDs are made from `call`, the UUID of the call."""
        groups, left_out = arrange(findings)
        last = len(groups) - 1
        return tuple(
            Spoken(
                self._card(group, occasion, call, place, left_out if place == last else ()), group
            )
            for place, group in enumerate(groups)
        )

    def _card(
        self,
        group: Group,
        occasion: Occasion,
        call: str,
        place: int,
        left_out: Sequence[Finding],
    ) -> Card:
        lead = group[0]
        source = lead.citations[0]
        uuid = card_uuid(call, place)
        offers = self.suggestions.offers(
            group, occasion.assessment, occasion.request, occasion.drafts
        )
        link = Link(LAUNCH_LABEL, self.launch_url, "smart", _app_context(lead.id, uuid))
        card = Card(
            uuid=uuid,
            summary=_summary(group),
            indicator=lead.severity,
            source=Source(source.label, source.url, _topic(lead.code)),
            detail=detail(
                group,
                occasion.assessment,
                self.knowledge,
                occasion.drafts,
                occasion.gaps,
                left_out,
            ),
            overrideReasons=_OVERRIDE_REASONS,
            links=[link],
            extension={EXTENSION: [_reference(finding) for finding in group]},
        )
        if not offers:
            return card
        exclusive = any(offer.exclusive for offer in offers)
        return msgspec.structs.replace(
            card,
            suggestions=with_uuids(offers, _suggestion_uuids(call, place)),
            selectionBehavior="at-most-one" if exclusive else "any",
        )


def arrange(findings: Iterable[Finding]) -> tuple[list[Group], tuple[Finding, ...]]:
    """The findings by card, most severe first, and those for which there was no room.

    Findings of one decision share a card. Of equal severity, what can be acted on goes first. If
    more than three cards would be critical, the third holds all the rest of those.
    """
    by_decision: dict[str, list[Finding]] = {}
    for finding in findings:
        by_decision.setdefault(finding.decision, []).append(finding)
    groups = [tuple(sorted(group, key=_severity)) for group in by_decision.values()]
    groups.sort(key=lambda group: (_severity(group[0]), not _actionable(group)))
    kept, rest = groups[:MOST_CARDS], groups[MOST_CARDS:]
    urgent = [finding for group in rest for finding in group if finding.severity == "critical"]
    if urgent:
        kept[-1] = tuple(sorted((*kept[-1], *urgent), key=_severity))
    left_out = tuple(
        finding for group in rest for finding in group if finding.severity != "critical"
    )
    return kept, left_out


def card_uuid(call: str, place: int) -> str:
    """The UUID of the card at that place: the call's, but for its last two digits."""
    return f"{call[:-2]}{place:x}0"


def _suggestion_uuids(call: str, place: int) -> Iterable[str]:
    return (f"{call[:-2]}{place:x}{number:x}" for number in range(1, 16))


def _severity(finding: Finding) -> int:
    return _RANK[finding.severity]


def _actionable(group: Group) -> bool:
    return any(fix.kind in ACTIONABLE for finding in group for fix in finding.fixes)


def _summary(group: Group) -> str:
    more = f" (+{len(group) - 1} more)" if len(group) > 1 else ""
    return cut(group[0].summary, SUMMARY_LIMIT - len(more)) + more


def _topic(code: str) -> Coding:
    return Coding(code, FINDING_SYSTEM, code.replace("-", " ").capitalize())


def _reference(finding: Finding) -> dict[str, str]:
    return {"id": finding.id, "code": finding.code, "severity": finding.severity}


def _app_context(finding: str, card: str) -> str:
    return msgspec.json.encode({"finding": finding, "card": card}).decode()
