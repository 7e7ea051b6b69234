"""The follow-up: what is due when, and what is overdue.

Safety tests count from the start of the course, tests of the response from the last change of
dose. A result inside or after a step's window serves that step and every one before it; after the
year the next one counts from the last result (clinical rules 9, evidence base 4.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from smartapp.engine.assessment import Due, Evidence
from smartapp.engine.case import Case, days_before
from smartapp.engine.change import own_baseline
from smartapp.engine.course import Course
from smartapp.engine.samples import evidence_of
from smartapp.engine.treatment import Treatment
from smartapp.knowledge.schedule import Check
from smartapp.labs.reading import Reading

_AFTER_STOP = ("testosterone", "lh")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the schedule, in days from what it is counted from."""

    day: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Item:
    """One test of the schedule and when it is due.

    anchor   what it is counted from: "start", "change", "last" or "stop"
    step     in days from that
    late     overdue by more than a whole interval
    last     the result it is counted from, or that came before it
    """

    key: str
    analytes: tuple[str, ...]
    due: Due
    anchor: str
    step: Step
    late: bool = False
    safety: bool = False
    quiet: bool = False
    apart: bool = False
    last: Evidence | None = None


def judge_followup(case: Case, treatment: Treatment | None) -> tuple[Item, ...]:
    """What is due, soonest first: on treatment by the schedule, after a stop once."""
    if treatment is None:
        return tuple(_after_stop(case))
    found: dict[str, Item] = {}
    steps = steps_of(case, "clomiphene" in treatment.agents)
    for check in case.knowledge.schedule:
        key = check.analyte or check.key
        if key in found or not _applies(case, treatment, check):
            continue
        item = _item(case, treatment, check, steps)
        if item is not None:
            found[key] = item
    return tuple(sorted(found.values(), key=lambda i: (i.due.due, i.key)))


def _applies(case: Case, treatment: Treatment, check: Check) -> bool:
    if check.drug_class is not None and not treatment.of_class(check.drug_class):
        return False
    if check.analyte is not None:
        plan = case.knowledge.catalogue.analytes[check.analyte].plan
        if ("labs" if plan == "hormones" else "safety-labs") in case.unread:
            return False
    return _for_this_man(case, check)


def _for_this_man(case: Case, check: Check) -> bool:
    if check.concepts and not any(True for _ in case.with_concepts(check.concepts)):
        return False
    if check.analyte == "psa":
        return case.age is None or case.age >= case.protocol.orders.psa_age
    return check.analyte != "sperm-concentration" or case.wishes.fertility == "yes"


def first_checks(case: Case, classes: Iterable[str | None]) -> Iterator[Check]:
    """What belongs to the first step of a treatment about to begin, each analyte once."""
    taken, seen = set(classes), set()
    for check in case.knowledge.schedule:
        fits = check.drug_class is None or check.drug_class in taken
        if fits and "first" in check.steps and _for_this_man(case, check):
            if check.analyte not in seen:
                yield check
            seen.add(check.analyte)


def _item(case: Case, treatment: Treatment, check: Check, steps: Mapping[str, Step]) -> Item | None:
    anchor = treatment.changed if check.from_change else treatment.begun
    if anchor is None:
        return None
    names = _names(case, treatment, check)
    last = _last(case, check, anchor)
    done = None if last is None else (last[0] - anchor).days
    before = 0
    for name in names:
        if done is None or steps[name].low > max(done, 0 if check.before else done):
            word = "change" if check.from_change else "start"
            return _made(case, check, anchor, word, steps[name], steps[name].day - before, last)
        before = steps[name].day
    step = steps[check.repeat]
    day = last[0] if last is not None else anchor
    return _made(case, check, day, "last", step, step.day, last)


def _names(case: Case, treatment: Treatment, check: Check) -> tuple[str, ...]:
    """The steps of this man: a hematocrit high before the start is looked at from the first on."""
    if check.analyte != "hematocrit" or "first" in check.steps or treatment.begun is None:
        return check.steps
    baseline = own_baseline(case, "hematocrit", treatment.begun)
    early = baseline is not None and baseline.span.above(case.protocol.monitoring.hematocrit_early)
    return ("first", *check.steps) if early else check.steps


def _last(case: Case, check: Check, anchor: date) -> tuple[date, Evidence] | None:
    """The newest result, or answer, after `anchor` that serves: a testosterone of the afternoon
    does not. Where one from before serves too, its own rule says how old it may be."""
    if check.before:
        anchor = days_before(anchor, case.protocol.bone.window)
    if check.answers is not None:
        told = case.told.get(check.answers, ())
        if not told or told[-1].day <= anchor:
            return None
        newest = told[-1]
        return newest.day, Evidence(
            newest.reference, None, None, None, None, newest.effective, "last", newest.item
        )
    found: Reading | None = None
    for analyte in (check.analyte, *check.substitutes):
        for reading in reversed(case.readings.get(analyte or "", ())):
            if reading.drawn <= anchor:
                break
            if analyte == "testosterone" and reading.clock == "not-morning":
                continue
            if found is None or reading.drawn > found.drawn:
                found = reading
            break
    return None if found is None else (found.drawn, evidence_of(found, "last"))


def _made(
    case: Case,
    check: Check,
    anchor: date,
    word: str,
    step: Step,
    interval: int,
    last: tuple[date, Evidence] | None,
) -> Item:
    due = anchor + timedelta(days=step.day)
    window = (anchor + timedelta(days=step.low), anchor + timedelta(days=step.high))
    catalogue, wording = case.knowledge.catalogue, case.knowledge.wording
    if check.analyte is not None:
        analyte = catalogue.analytes[check.analyte]
        name, loinc = analyte.name, analyte.order_loinc or ""
        analytes: tuple[str, ...] = (check.analyte, *check.together)
    else:
        name, loinc, analytes = wording.say("due", check.question or ""), "", ()
    return Item(
        key=check.key,
        analytes=analytes,
        due=Due(name, loinc, due, window, case.today > window[1]),
        anchor=word,
        step=step,
        late=(case.today - due).days > interval,
        safety=check.safety,
        quiet=check.quiet,
        apart=check.apart or not analytes,
        last=None if last is None else last[1],
    )


def steps_of(case: Case, clomiphene: bool) -> Mapping[str, Step]:
    """The steps by name. The first one of `clomiphene` comes later: it takes longer to settle."""
    m = case.protocol.monitoring
    first = Step(m.first, m.first_low, m.first_high)
    if clomiphene:
        first = Step(m.clomiphene_first, m.clomiphene_first_low, m.clomiphene_first_high)
    return {
        "first": first,
        "quarter": Step(m.quarter, m.quarter_low, m.quarter_high),
        "half": Step(m.half, m.half_low, m.half_high),
        "year": Step(m.year, m.year_low, m.year_high),
        "repeat": Step(m.repeat, m.repeat_low, m.repeat_high),
        "often": Step(m.often, m.often_low, m.often_high),
        "base": Step(0, 0, m.quarter_high),
        "bone": Step(m.bone, m.bone_low, m.bone_high),
    }


def stopped(case: Case) -> tuple[Course, ...]:
    """The recalibration drugs whose stop is the last word of the treatment; none while a drug
    acts, and none when the stop is long past."""
    if any(c.active and c.acts_on_axis for c in case.courses):
        return ()
    ended = [
        c
        for c in case.courses
        if c.drug.role == "recalibration"
        and c.episode.status == "stopped"
        and c.episode.stop is not None
    ]
    if not ended:
        return ()
    last = max(c.episode.stop for c in ended if c.episode.stop is not None)
    if (case.today - last).days > case.protocol.monitoring.stop_until:
        return ()
    return tuple(c for c in ended if c.episode.stop == last)


def _after_stop(case: Case) -> Iterator[Item]:
    courses = stopped(case)
    if not courses or "labs" in case.unread:
        return
    stop = courses[0].episode.stop
    if stop is None:
        return
    rules, catalogue = case.protocol.monitoring, case.knowledge.catalogue
    step = Step(rules.stop, rules.stop_low, rules.stop_high)
    window = (stop + timedelta(days=step.low), stop + timedelta(days=step.high))
    for key in _AFTER_STOP:
        served = any(
            r.drawn >= window[0] and (key != "testosterone" or r.clock != "not-morning")
            for r in reversed(case.readings.get(key, ()))
        )
        if not served:
            analyte = catalogue.analytes[key]
            due = stop + timedelta(days=step.day)
            overdue = case.today > window[1]
            yield Item(
                f"{key}-after-stop",
                (key,),
                Due(analyte.name, analyte.order_loinc or "", due, window, overdue),
                "stop",
                step,
            )
