"""What a user has set aside, and when it comes back (contract, section 5).

A critical finding is never hidden. On patient-view an overridden finding stays away for 90 days
for that user and patient, unless the firing result has a newer value, severity rose, or the drug
list, the rule or the protocol version changed. On order hooks it stays away for 12 hours, only for
the same ingredient and dose in the same encounter. Reasons that dispute the data need identical
evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from hashlib import blake2b

from smartapp.cds.override import NEED_SAME_EVIDENCE
from smartapp.engine.assessment import Assessment, Evidence, Finding
from smartapp.ledger.cards import ShownFinding, Snooze
from smartapp.patient.record import DraftOrder, PatientRecord

ON_VIEW = timedelta(days=90)
ON_ORDER = timedelta(hours=12)

_RANK = {"info": 0, "warning": 1, "critical": 2}


def firing_key(finding: Finding) -> str:
    """The newest result that fired the finding: changes with a newer, or a corrected, value."""
    fired = [e for e in finding.evidence if e.role == "fired"] or finding.evidence
    if not fired:
        return ""
    newest = max(fired, key=_day)
    return _hash(str(newest.effective), str(newest.value), newest.unit or "", newest.note or "")


def context_key(record: PatientRecord, assessment: Assessment) -> str:
    """The drug list and the version of the knowledge."""
    drugs = [
        f"{e.agent} {e.status} {e.start} {e.dose.text if e.dose else ''}"
        for e in record.therapy.episodes
    ]
    protocol = assessment.protocol
    return _hash(protocol.profile, protocol.version, *protocol.overridden, *drugs)


def finding_context(finding: Finding, context: str) -> str:
    """A finding's own context: the shared one and the rule that fired."""
    return f"{context}:{finding.rule}"


def order_keys(
    findings: Iterable[Finding], drafts: Sequence[DraftOrder], encounter: str | None
) -> dict[str, str]:
    """For each finding the ingredient and dose it is about, in this encounter (else draft)."""
    return {f.id: _order_key(f, drafts, encounter) for f in findings}


def _order_key(finding: Finding, drafts: Sequence[DraftOrder], encounter: str | None) -> str:
    focus = [d for d in drafts if d.in_focus and d.agent is not None]
    about = [d for d in focus if d.agent == finding.agent] or focus
    parts = sorted(
        f"{d.agent} {d.dose.per_day} {d.dose.unit} {d.dose.text}" if d.dose else f"{d.agent}"
        for d in about
    )
    place = [f"Encounter/{encounter}"] if encounter else sorted(d.reference for d in about)
    return _hash(*parts, *place)


def visible(
    findings: Sequence[Finding],
    snoozes: Sequence[Snooze],
    context: str,
    orders: dict[str, str] | None,
) -> tuple[Finding, ...]:
    """The findings not set aside. `orders` are the order keys on an order hook, None on view."""
    if not snoozes:
        return tuple(findings)
    by_place = {(s.finding, s.order_key): s for s in snoozes}
    return tuple(
        f
        for f in findings
        if f.severity == "critical"
        or not _holds(by_place.get((f.id, orders[f.id] if orders else "")), f, context)
    )


def _holds(snooze: Snooze | None, finding: Finding, context: str) -> bool:
    if snooze is None or _RANK[finding.severity] > _RANK[snooze.severity]:
        return False
    if snooze.reason in NEED_SAME_EVIDENCE and snooze.fingerprint != finding.fingerprint:
        return False
    if snooze.order_key:
        return True
    return (snooze.firing, snooze.context) == (
        firing_key(finding),
        finding_context(finding, context),
    )


def snoozes_from(
    findings: Iterable[ShownFinding], reason: str | None, now: datetime
) -> tuple[Snooze, ...]:
    """What overriding a card with these findings sets aside, and until when."""
    made: list[Snooze] = []
    for shown in findings:
        if shown.severity == "critical":
            continue
        made.append(_snooze(shown, "", reason, now, now + ON_VIEW))
        if shown.order_key:
            made.append(_snooze(shown, shown.order_key, reason, now, now + ON_ORDER))
    return tuple(made)


def _snooze(
    shown: ShownFinding, order_key: str, reason: str | None, since: datetime, until: datetime
) -> Snooze:
    return Snooze(
        shown.finding,
        order_key,
        shown.severity,
        shown.fingerprint,
        shown.firing,
        shown.context,
        reason,
        since,
        until,
    )


def _day(evidence: Evidence) -> tuple[date, str]:
    when = evidence.effective
    if when is None:
        return date.min, ""
    return (when.date(), str(when)) if isinstance(when, datetime) else (when, "")


def _hash(*parts: str) -> str:
    return blake2b("\x1f".join(parts).encode(), digest_size=12).hexdigest()
