"""The values behind an answer as words for its sentence: which value decided, as it was sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from smartapp.engine.assessment import Evidence
from smartapp.engine.axis import Classification
from smartapp.engine.case import Case
from smartapp.engine.low_t import Risk
from smartapp.engine.samples import Hormone
from smartapp.engine.span import show, tenth
from smartapp.knowledge import Knowledge
from smartapp.knowledge.spelling import readable_unit
from smartapp.labs.reading import Reading, Unused

# More than so many data in a sentence are no longer read.
_MOST = 3


def tell_axis(case: Case, judged: Classification, agent: str = "") -> str:
    """Why the axis is in that state, with the values it rests on. `agent`: the drug that acts."""
    words = {**axis_words(case, judged), "agent": agent}
    if judged.severe.criterion is not None:
        words["criterion"] = tell_criterion(case, judged)
    return case.knowledge.wording.say("axis", judged.reason, words)


def tell_criterion(case: Case, judged: Classification) -> str:
    """The criterion of severe primary failure that holds, with its values."""
    severe = judged.severe
    named = any(e.analyte is None for e in severe.evidence)
    key = "f-named" if severe.criterion == "f" and named else str(severe.criterion)
    words = {
        **axis_words(case, judged),
        "what": tell_evidence(case.knowledge, _said(severe.evidence)),
    }
    words["volume"] = show(case.protocol.severe.testis_volume)
    return case.knowledge.wording.say("criterion", key, words)


def axis_words(case: Case, judged: Classification) -> Mapping[str, str]:
    """Every value a sentence about this state may name."""
    samples, low, wording = judged.samples, judged.low, case.knowledge.wording
    t = tell_readings(r for sample in low.used for r in sample.readings)
    words = {"t": t, "suppressed": show(case.protocol.axis.suppressed_lh)}
    for name, hormone in (("lh", samples.lh), ("fsh", samples.fsh), ("shbg", samples.shbg)):
        words |= _hormone(case, name, hormone)
    if low.free_t is not None and low.free_t_cut is not None:
        words |= {"free": tenth(low.free_t), "free_cut": show(low.free_t_cut)}
    words["why"] = why_not_usable(samples.withheld)
    words["lh_why"] = why_not_usable(samples.lh.withheld)
    reasons = dict.fromkeys(reason for _, reason in samples.invalid)
    words["invalid"] = " or ".join(wording.say("invalid", reason) for reason in reasons)
    words["risk"] = tell_risk(case, low.risk)
    key = low.reason if low.reason in wording.phrases["level"] else "default"
    words["level"] = wording.say("level", key, words) if t else ""
    return words


def _hormone(case: Case, name: str, hormone: Hormone) -> dict[str, str]:
    if hormone.reading is None:
        return {name: "", f"{name}_low": "", f"{name}_high": ""}
    used = case.range_of(hormone.reading)
    low, high = (None if end is None else show(end) for end in (used.low, used.high))
    return {
        name: tell_reading(hormone.reading),
        f"{name}_low": low or "",
        f"{name}_high": high or "",
    }


def tell_risk(case: Case, risk: Risk | None) -> str:
    """Why an SHBG that is not known may not be taken for normal; nothing where it may."""
    if risk is None:
        return ""
    return case.knowledge.wording.say("shbg-risk", risk.key, {"name": risk.name})


def why_not_usable(row: Unused | None) -> str:
    """Why a result is not used, without the name it begins with."""
    return "" if row is None else row.reason.partition(": ")[2] or row.reason


def tell_reading(reading: Reading) -> str:
    """A value with its unit, as sent."""
    return readable_unit(reading.original or f"{show(reading.value)} {reading.unit}")


def tell_readings(readings: Iterable[Reading]) -> str:
    """Values as sent, the newest first; a unit they share is said once."""
    return _listed([tell_reading(r) for r in readings])


def tell_analytes(knowledge: Knowledge, keys: Iterable[str]) -> str:
    """Tests to be done, by their names; of testosterone two samples."""
    return ", ".join(
        knowledge.wording.say("missing", "testosterone")
        if key == "testosterone"
        else knowledge.catalogue.analytes[key].name
        for key in keys
    )


def tell_evidence(knowledge: Knowledge, evidence: Iterable[Evidence]) -> str:
    """What a finding rests on, in few words: values as sent, of a diagnosis only the day.

    The record's own words stay in the evidence: free text has no place in our sentences.
    """
    told = list(dict.fromkeys(_datum(knowledge, e) for e in evidence))
    left = f" and {len(told) - _MOST} more" if len(told) > _MOST else ""
    return ", ".join(told[:_MOST]) + left


def tell_values(evidence: Iterable[Evidence]) -> str:
    """The laboratory values among the evidence, as sent; without those, nothing."""
    return _listed([readable_unit(e.original) for e in evidence if e.analyte and e.original])


def and_more(count: int) -> str:
    """ " (+2)" after the first of several."""
    return f" (+{count - 1})" if count > 1 else ""


def _datum(knowledge: Knowledge, evidence: Evidence) -> str:
    when = evidence.effective
    date = when.date() if isinstance(when, datetime) else when
    day = "" if date is None else date.isoformat()
    analyte = knowledge.catalogue.analytes.get(evidence.analyte or "")
    if analyte is None:
        return knowledge.wording.say("record", "dated" if day else "undated", {"day": day})
    sent = readable_unit(evidence.original or "")
    said = f"{analyte.short} {sent}"
    return f"{said} ({day})" if day else said


def _said(evidence: Iterable[Evidence]) -> Iterable[Evidence]:
    return (e for e in evidence if e.analyte is None)


def _listed(values: list[str]) -> str:
    """ "215 and 225 ng/dL": the unit once where all have the same."""
    if not values:
        return ""
    units = {value.rpartition(" ")[2] for value in values}
    if len(units) == 1:
        values = [*(v.rpartition(" ")[0] for v in values[:-1]), values[-1]]
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} and {values[-1]}"
