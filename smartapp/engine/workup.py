"""What is said about the way to a diagnosis: samples, work-up, baseline, and what is not known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from smartapp.engine.abstain import Abstention
from smartapp.engine.assessment import Evidence, Fix
from smartapp.engine.axis import AxisView, Classification
from smartapp.engine.baseline import lacking
from smartapp.engine.case import Case
from smartapp.engine.course import began
from smartapp.engine.gate import Item, undiagnosed_low_lh
from smartapp.engine.reasons import say_point
from smartapp.engine.report import Ordered, Report
from smartapp.engine.samples import evidence_of, evidence_of_unusable
from smartapp.engine.span import span_of
from smartapp.engine.standing import Standing
from smartapp.engine.telling import and_more, axis_words, tell_axis, tell_readings
from smartapp.labs.reading import Reading

_HYPOGONADISM = frozenset({"hypogonadism", "pituitary-deficiency"})
# Statuses in which an open rule could still change the recommendation.
_UNSETTLED = ("confirm-first", "cannot-assess", "on-therapy")


def say_confirm(report: Report, view: AxisView) -> None:
    """`confirm-testosterone`: another morning sample would settle the matter."""
    low = view.now.low
    if low.confirm is None or view.acting is not None or view.washing is not None:
        return
    if view.now.severe.holds:
        return
    wanted = ["testosterone"]
    if low.confirm == "discordant":
        wanted += ["shbg", "albumin"]
    if view.now.samples.lh.reading is None:
        wanted += ["lh", "fsh"]
    invalid = view.now.samples.invalid
    quiet = low.confirm == "invalid" and _unremarkable(report.case, view)
    report.finding(
        "confirm-testosterone",
        "R-DX-01" if low.confirm == "invalid" else "R-DX-02",
        level="unremarkable" if quiet and not report.occasion.ordering else "default",
        variant=low.confirm,
        evidence=low.evidence,
        fixes=report.order_lab(*wanted),
        words={
            **axis_words(report.case, view.now),
            **({"t": tell_readings(r for r, _ in invalid)} if low.confirm == "invalid" else {}),
        },
    )


def _unremarkable(case: Case, view: AxisView) -> bool:
    """Whether every draw, though it does not count, lies above the line for a second sample."""
    top = case.protocol.low_t.single_top
    return all(span_of(r).above(top) is True for r, _ in view.now.samples.invalid)


def say_workup(report: Report, view: AxisView, standing: Standing) -> None:
    """`axis-workup`: what is missing or abnormal after "secondary"."""
    if not _central(view.now):
        return
    items = [*standing.gate, *_low_lh(report.case, view), *_causes(report.case)]
    if not items:
        return
    wording = report.case.knowledge.wording
    analytes = dict.fromkeys(key for item in items for key in item.orders)
    specialties = dict.fromkeys(item.refer for item in items if item.refer is not None)
    report.finding(
        "axis-workup",
        "R-WU-01",
        level="crossed" if any(item.crossed for item in items) else "default",
        evidence=(*(e for item in items for e in item.evidence), *view.now.evidence),
        fixes=(*report.order_lab(*analytes), *(report.refer(s) for s in specialties)),
        words={
            "first": wording.say("gate", items[0].key),
            "more": and_more(len(items)),
            "points": "; ".join(say_point(report, item) for item in items),
            "axis": tell_axis(report.case, view.now),
        },
    )


def _central(now: Classification) -> bool:
    """Secondary; or low with an LH told only as a limit that lies below its own lower limit."""
    told = now.reason == "lh-censored" and now.low.answer == "low" and now.lh_below is True
    return now.state == "secondary" or told


def _low_lh(case: Case, view: AxisView) -> Iterator[Item]:
    lh = view.now.samples.lh.reading
    if lh is not None and undiagnosed_low_lh(case, view):
        evidence = (evidence_of(lh, "fired", ranged=True),)
        yield Item("lh-undiagnosed", True, evidence, refer="endocrinology")


def _causes(case: Case) -> Iterator[Item]:
    """Iron and thyroid: abnormal crosses a threshold, missing is only missing."""
    rules = case.protocol.workup
    ferritin = case.newest("ferritin", rules.iron_days)
    saturation = case.newest("transferrin-saturation", rules.iron_days)
    high = [
        reading
        for reading, cut in (
            (ferritin, rules.ferritin),
            (saturation, rules.transferrin_saturation),
        )
        if reading is not None and span_of(reading).above(cut)
    ]
    if high:
        yield Item("iron-high", True, _fired(high), refer="endocrinology")
    elif ferritin is None and saturation is None:
        yield Item("iron-missing", False, orders=("ferritin", "transferrin-saturation"))
    tsh = case.newest("tsh", rules.tsh_days)
    if tsh is None:
        yield Item("tsh-missing", False, orders=("tsh",))
    elif outside := [end for end in case.both_ends(tsh) if _outside(case, end)]:
        yield Item("tsh-abnormal", True, _fired(outside))


def _outside(case: Case, reading: Reading) -> bool:
    used, span = case.range_of(reading), span_of(reading)
    low = used.low is not None and span.below(used.low) is True
    return low or (used.high is not None and span.above(used.high) is True)


def _fired(readings: Iterable[Reading]) -> tuple[Evidence, ...]:
    return tuple(evidence_of(r, "fired", ranged=True) for r in readings)


def say_baseline(report: Report, view: AxisView) -> None:
    """`baseline-incomplete`, for each drug ordered, else for each recalibration drug taken."""
    case = report.case
    ordered: dict[str, Ordered | None] = {
        o.agent: o for o in report.occasion.roles("recalibration", "adjunct")
    }
    if not report.occasion.ordering:
        taken = (c.episode.agent for c in case.courses if c.active)
        roles = case.knowledge.catalogue.drugs
        ordered = dict.fromkeys(a for a in taken if roles[a].role == "recalibration")
    for agent, about in ordered.items():
        begun = began(case.courses, frozenset({agent}), case.protocol.axis.episode_gap)
        missing = lacking(case, view, agent, begun)
        if not missing:
            continue
        analytes = [case.knowledge.catalogue.analytes[key] for key in missing]
        report.finding(
            "baseline-incomplete",
            "R-BASE-01",
            state=agent,
            fixes=() if begun is not None else report.order_lab(*missing),
            about=about,
            agent=agent,
            words={
                "agent": report.name(agent),
                "short": ", ".join(analyte.short for analyte in analytes),
                "missing": report.analytes(missing),
                "days": str(case.protocol.orders.baseline_days),
            },
        )


def say_cannot_assess(
    report: Report, view: AxisView, standing: Standing, open_rules: tuple[Abstention, ...]
) -> None:
    """`cannot-assess`: an open rule could change the recommendation of a man it matters to."""
    decisive = [a for a in open_rules if a.decisive]
    if not decisive or standing.status not in _UNSETTLED or not _matters(report.case, view):
        return
    said: dict[str, None] = {}
    fixes: dict[str, Fix] = {}
    for item in report.not_evaluable:
        if any(a.rule == item.rule and a.code == item.code for a in decisive):
            said[item.reason] = None
            fixes.update((fix.code, fix) for fix in item.fixes)
    report.finding(
        "cannot-assess",
        "R-CA-01",
        evidence=tuple(dict.fromkeys((*view.now.evidence, *_unusable(report.case, decisive)))),
        fixes=fixes.values(),
        words={"reasons": " ".join(said), "short": _short(report, decisive)},
    )


def _unusable(case: Case, open_rules: list[Abstention]) -> Iterator[Evidence]:
    """The results that the reasons speak of and that cannot be used."""
    for rule in open_rules:
        for analyte in rule.orders:
            if analyte in case.withheld:
                yield evidence_of_unusable(case.withheld[analyte])


def _short(report: Report, open_rules: list[Abstention]) -> str:
    """What is lacking, in a few words for the summary."""
    phrases = report.case.knowledge.wording.phrases["short"]
    known = dict.fromkeys(phrases[a.reason].text for a in open_rules if a.reason in phrases)
    first = list(known)[:2]
    return f": {', '.join(first)}{and_more(len(known) - 1)}" if first else ""


def _matters(case: Case, view: AxisView) -> bool:
    """On therapy, a diagnosis of hypogonadism, or testosterone low or borderline, valid or not."""
    if view.acting is not None or view.washing is not None:
        return True
    if any(True for _ in case.with_concepts(_HYPOGONADISM)):
        return True
    samples = view.now.samples
    if samples.withheld is not None or view.now.low.answer == "low":
        return True
    cut = case.protocol.low_t.single_top
    window = [s.span for s in samples.valid] + [span_of(r) for r, _ in samples.invalid]
    return any(span.up_to(cut) is True for span in window)
