"""Why a physician may set a card aside: the reasons offered, and what each does to a snooze."""

from __future__ import annotations

from smartapp.cds.card import Coding

SYSTEM = "https://hpg-recalibration.example/fhir/CodeSystem/override-reason"

REASONS: tuple[Coding, ...] = tuple(
    Coding(code, SYSTEM, display)
    for code, display in (
        ("benefit-exceeds-risk", "Benefit exceeds risk for this patient"),
        ("already-addressed", "Already addressed"),
        ("patient-declines", "Patient declines"),
        ("data-wrong", "The data shown are wrong"),
        ("not-applicable", "Does not apply to this patient"),
        ("will-monitor", "Will monitor"),
        ("specialist-plan", "Following a specialist's plan"),
    )
)

CODES = frozenset(str(reason.code) for reason in REASONS)

# These two dispute the evidence itself, so they hold only while it stays as it was.
NEED_SAME_EVIDENCE = frozenset({"data-wrong", "not-applicable"})
