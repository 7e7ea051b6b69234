"""Hours since the last dose of hCG, beside a testosterone drawn under it.

After one dose testosterone rises for days and falls back, so the same man reads differently by the
hour of the draw (evidence base 4.3): told where the record has both times, it decides nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from smartapp.engine.assessment import Evidence
from smartapp.engine.case import Case

_CLASS = "hcg"
_HOUR = timedelta(hours=1)


def with_hours(case: Case, evidence: Evidence) -> Evidence:
    """The evidence with those hours in its note; as it was where they are not told."""
    drawn = evidence.effective
    if not isinstance(drawn, datetime) or drawn.tzinfo is None:
        return evidence
    drugs = case.knowledge.catalogue.drugs
    ages = [
        drawn - taking.at
        for taking in case.record.therapy.takings
        if taking.at is not None
        and taking.at <= drawn
        and drugs[taking.drug.agent].drug_class == _CLASS
        and (drawn - taking.at).days <= (drugs[taking.drug.agent].washout_days or 0)
    ]
    if not ages:
        return evidence
    words = {"hours": str(min(ages) // _HOUR)}
    said = case.knowledge.wording.say("evidence", "hours-since-hcg", words)
    return replace(evidence, note=f"{evidence.note}; {said}" if evidence.note else said)
