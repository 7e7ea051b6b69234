"""To whom the rules apply: an adult man without contrary data (clinical rules 1)."""

from __future__ import annotations

from smartapp.engine.case import Case


def objection(case: Case) -> str | None:
    """Why the rules do not apply, as a sentence; None when they do.

    An unknown sex or age is an objection too: nothing is assumed of a person.
    """
    sex, basis = case.record.demographics.sex_on(case.today)
    if sex != "male":
        return f"{basis[:1].upper()}{basis[1:]}."
    wording = case.knowledge.wording
    if case.age is None:
        return wording.say("axis", "age-unknown")
    if case.age < case.protocol.applicability.adult_age:
        years = str(case.protocol.applicability.adult_age)
        return wording.say("axis", "under-age", {"years": years})
    return None
