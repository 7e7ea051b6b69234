"""The follow-up: what is due when, what is overdue, and the plan that goes with an order.

Safety tests count from the start of the course, tests of the response from the last change of
dose. A result inside or after a step's window serves that step and every one before it; after the
year the next one counts from the last result (clinical rules 9, evidence base 4.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from smartapp.engine.abstain import Abstention
from smartapp.engine.assessment import Due, Evidence, Fix
from smartapp.engine.case import Case, days_before
from smartapp.engine.change import own_baseline
from smartapp.engine.course import Course
from smartapp.engine.evidence import evidence_of_course
from smartapp.engine.report import Report
from smartapp.engine.samples import evidence_of
from smartapp.engine.standing import Standing
from smartapp.engine.treatment import Treatment
from smartapp.knowledge.schedule import Check
from smartapp.labs.reading import Reading

_PLANNED = ("candidate", "on-therapy")
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
    steps = _steps(case, "clomiphene" in treatment.agents)
    for check in case.knowledge.schedule:
        if (check.analyte or check.key) in found or not _applies(case, treatment, check):
            continue
        item = _item(case, treatment, check, steps)
        if item is not None:
            found[check.analyte or check.key] = item
    return tuple(sorted(found.values(), key=lambda i: (i.due.due, i.key)))


def say_followup(report: Report, treatment: Treatment | None, items: tuple[Item, ...]) -> None:
    """`monitoring-due`: what is overdue, with everything that the same sample can serve."""
    if treatment is not None and treatment.begun is None:
        report.open(
            Abstention("R-MON-01", "monitoring-due", "start-unknown", "state-start", decisive=False)
        )
        return
    overdue = [i for i in items if i.due.overdue and not i.quiet]
    if not overdue:
        return
    late = any(i.late and i.safety for i in overdue)
    courses = treatment.courses if treatment is not None else _stopped(report.case)
    agents = tuple(dict.fromkeys(c.episode.agent for c in courses))
    variant = "after-stop" if treatment is None else "late" if late else "default"
    report.finding(
        "monitoring-due",
        "R-MON-01",
        level="late" if late else "default",
        variant=variant,
        state="after-stop" if treatment is None else "",
        evidence=_evidence(overdue, courses),
        fixes=_orders(report, items),
        words={
            "agents": report.names(agents),
            "tests": ", ".join(i.due.test for i in overdue),
            "rows": "; ".join(_row(report, i) for i in overdue),
            "sample": _sample(report, overdue),
            "vision": _vision(report, treatment is not None and treatment.of_class("serm")),
        },
    )


def say_plan(report: Report, standing: Standing, items: tuple[Item, ...]) -> None:
    """`monitoring-plan`: the follow-up of an order against which nothing graver stands."""
    drafts = report.occasion.roles("recalibration", "adjunct")
    if not drafts or standing.status not in _PLANNED:
        return
    if any(f.card and f.severity != "info" for f in report.findings):
        return
    case, lead = report.case, drafts[0]
    names = report.names(d.agent for d in drafts)
    vision = _vision(report, any(d.draft.drug_class == "serm" for d in drafts))
    open_ = [i for i in items if i.analytes]
    if all(case.taking(agent=d.agent) is not None for d in drafts) and open_:
        soonest = min(i.due.due for i in ([i for i in open_ if not i.quiet] or open_))
        planned = [i for i in open_ if i.due.window[0] <= max(soonest, case.today)]
        report.finding(
            "monitoring-plan",
            "R-MON-02",
            variant="running",
            evidence=_evidence(planned, ()),
            fixes=_labs(report, planned),
            about=lead,
            words={
                "agents": names,
                "when": soonest.isoformat(),
                "tests": ", ".join(i.due.test for i in planned),
                "vision": vision,
            },
        )
        return
    step = _steps(case, any(d.agent == "clomiphene" for d in drafts))["first"]
    classes = {d.draft.drug_class for d in drafts}
    checks = tuple(_first_checks(case, classes))
    analytes = dict.fromkeys(c.analyte for c in checks if c.analyte is not None)
    report.finding(
        "monitoring-plan",
        "R-MON-02",
        fixes=report.order_lab(*_with(checks)),
        about=lead,
        words={
            "agents": names,
            "days": str(step.day),
            "low": str(step.low),
            "high": str(step.high),
            "tests": ", ".join(case.knowledge.catalogue.analytes[a].name for a in analytes),
            "vision": vision,
        },
    )


# -- What is due


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


def _first_checks(case: Case, classes: Iterable[str | None]) -> Iterator[Check]:
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


def _steps(case: Case, clomiphene: bool) -> dict[str, Step]:
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


def _stopped(case: Case) -> tuple[Course, ...]:
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
    courses = _stopped(case)
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


# -- Words and orders


def _row(report: Report, item: Item) -> str:
    wording = report.case.knowledge.wording
    words = {
        "test": item.due.test,
        "due": item.due.due.isoformat(),
        "days": str(item.step.day),
        "anchor": wording.say("due", item.anchor),
    }
    return wording.say("due", "row", words)


def _sample(report: Report, overdue: list[Item]) -> str:
    """That one draw serves several of these tests, where it does."""
    drawn = sum(1 for item in overdue if not item.apart)
    if drawn < 2:
        return ""
    return report.case.knowledge.wording.say(
        "due", "sample" if drawn == len(overdue) else "sample-blood"
    )


def _vision(report: Report, serm: bool) -> str:
    return report.case.knowledge.wording.say("due", "ask-vision") if serm else ""


def _evidence(items: Iterable[Item], courses: Iterable[Course]) -> tuple[Evidence, ...]:
    last = tuple(i.last for i in items if i.last is not None)
    return last + tuple(evidence_of_course(c, "under") for c in courses)


def _orders(report: Report, items: Iterable[Item]) -> tuple[Fix, ...]:
    """Everything whose window has opened: one sample serves them all."""
    today = report.case.today
    return _labs(report, [i for i in items if i.due.window[0] <= today])


def _labs(report: Report, items: Iterable[Item]) -> tuple[Fix, ...]:
    return report.order_lab(*dict.fromkeys(a for i in items for a in i.analytes))


def _with(checks: Iterable[Check]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for check in checks:
        if check.analyte is not None:
            found |= dict.fromkeys((check.analyte, *check.together))
    return tuple(found)
