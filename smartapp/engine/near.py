"""Near misses: a value that did not fire, and what would have. Here those of the diagnosis, of its
work-up and of the matrix; a rule of the action table tells its own."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from smartapp.engine.axis import AxisView
from smartapp.engine.evidence import name_of_answer
from smartapp.engine.report import Report
from smartapp.engine.span import show, tenth, times
from smartapp.engine.standing import Standing
from smartapp.engine.symptoms import answers
from smartapp.knowledge.matrix import LabTest, Row
from smartapp.labs.reading import Reading


def say_near_misses(report: Report, view: AxisView) -> None:
    """Testosterone just not low, LH just below its limit or the stop, prolactin just within."""
    case, now = report.case, view.now
    if view.acting is not None or view.washing is not None:
        return
    low_t = case.protocol.low_t
    if now.low.answer == "not-low" and now.low.mean is not None:
        for key, value, cut in (
            ("testosterone", now.low.mean, low_t.low_if_shbg_normal),
            ("free-testosterone", now.low.free_t, now.low.free_t_cut),
            ("free-testosterone-band", now.low.mean, low_t.free_t_top),
        ):
            if value is not None and cut is not None and _just_above(report, value, cut):
                words = {"value": tenth(value), "cut": show(cut)}
                report.near("recalibration-candidate", "R-DX-02", key, words)
                break
    lh = now.samples.lh.reading
    if lh is not None and now.low.answer == "low":
        stop = times(case.range_of(lh).high, case.protocol.severe.lh_multiple)
        _near_below(report, lh, stop, "severe-primary-failure", "R-ELIG-STOP-01", "lh-stop")
        _near_below(report, lh, case.range_of(lh).high, "specialist-review", "R-DX-03", "lh")
        suppressed = case.protocol.axis.suppressed_lh
        if not lh.censored and _just_above(report, lh.value, suppressed):
            words = {"value": show(lh.value), "cut": show(suppressed)}
            report.near("suppressed-axis", "R-DX-05", "lh-suppressed", words)
    if now.state == "secondary":
        _say_workup(report, view)
        _say_symptoms(report)


def _say_symptoms(report: Report) -> None:
    """Answers that are no symptom yet, by one point at least."""
    case = report.case
    told = answers(case) if case.told else ()
    if any(answer.symptom for answer in told):
        return
    for answer in told:
        reading, cut = answer.reading, answer.cut
        if abs(reading.value - cut) <= max(Decimal(1), cut * case.protocol.options.near_miss):
            words = {"answer": name_of_answer(case, reading), "value": show(reading.value)}
            key = "symptom-low" if reading.better == "high" else "symptom-high"
            report.near("recalibration-candidate", "R-ELIG-SYM", key, {**words, "cut": show(cut)})


def _say_workup(report: Report, view: AxisView) -> None:
    """Prolactin, iron, and a testosterone just above the line for an MRI."""
    case = report.case
    gate, rules = case.protocol.gate, case.protocol.workup
    for key, days, cut in (
        ("prolactin", gate.prolactin_days, None),
        ("ferritin", rules.iron_days, rules.ferritin),
        ("transferrin-saturation", rules.iron_days, rules.transferrin_saturation),
    ):
        reading = case.newest(key, days)
        if reading is not None and key not in case.withheld:
            rule = "R-WU-01" if cut is not None else "R-ELIG-GATE-01"
            limit = case.range_of(reading).high if cut is None else cut
            _near_below(report, reading, limit, "axis-workup", rule, key)
    pair = [s.span.value for s in view.now.samples.valid[:2]]
    known = [value for value in pair if value is not None]
    if len(known) > 1 and _just_above(report, max(known), gate.mri_t):
        words = {"value": show(max(known)), "cut": show(gate.mri_t)}
        report.near("axis-workup", "R-ELIG-GATE-01", "mri", words)


def say_near_rows(report: Report, standing: Standing, agents: Iterable[str]) -> None:
    """Laboratory rows of the matrix that a result nearly meets, each once, for `agents`."""
    agents = frozenset(agents)
    if not agents:
        return
    case = report.case
    new = agents - {course.episode.agent for course in case.courses if course.active}
    hit = {hit.row.key for agent in agents for hit in standing.against[agent].hits}
    for row in case.knowledge.matrix:
        for test in row.lab_tests:
            if test.analyte not in case.readings or row.key in hit:
                continue
            if not row.grades.keys().isdisjoint(new if row.new_only else agents):
                _near_row(report, row, test)


def _near_row(report: Report, row: Row, test: LabTest) -> None:
    case, wording = report.case, report.case.knowledge.wording
    reading = case.newest(test.analyte, test.days)
    bound = test.above if test.above is not None else test.at_least
    if reading is None or bound is None or reading.censored or test.analyte in case.withheld:
        return
    cut = times(case.range_of(reading).high, bound) if test.of_uln else bound
    if cut is None or not _just_below(report, reading.value, cut):
        return
    analyte = case.knowledge.catalogue.analytes[test.analyte]
    words = {
        "analyte": analyte.name,
        "value": show(reading.value),
        "cut": show(cut),
        "unit": analyte.unit,
        "row": wording.say("row", row.key),
    }
    code = "contraindication" if "A" in row.grades.values() else "precaution"
    report.near(code, row.rule, "row-above" if test.above is not None else "row-from", words)


def _near_below(
    report: Report, reading: Reading, cut: Decimal | None, code: str, rule: str, key: str
) -> None:
    if cut is not None and not reading.censored and _just_below(report, reading.value, cut):
        report.near(code, rule, key, {"value": show(reading.value), "cut": show(cut)})


def _just_above(report: Report, value: Decimal, cut: Decimal) -> bool:
    return cut <= value <= cut + cut * report.case.protocol.options.near_miss


def _just_below(report: Report, value: Decimal, cut: Decimal) -> bool:
    return cut - cut * report.case.protocol.options.near_miss <= value <= cut
