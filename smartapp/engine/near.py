"""Near misses of the diagnosis: a value that did not fire, and what would have."""

from __future__ import annotations

from decimal import Decimal

from smartapp.engine.axis import AxisView
from smartapp.engine.report import Report
from smartapp.engine.span import show, tenth, times
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
    prolactin = case.newest("prolactin", case.protocol.gate.prolactin_days)
    if prolactin is not None and now.state == "secondary":
        limit = case.range_of(prolactin).high
        _near_below(report, prolactin, limit, "axis-workup", "R-ELIG-GATE-01", "prolactin")


def _near_below(
    report: Report, reading: Reading, cut: Decimal | None, code: str, rule: str, key: str
) -> None:
    if cut is None or reading.censored or reading.value > cut:
        return
    if reading.value >= cut - cut * report.case.protocol.options.near_miss:
        report.near(code, rule, key, {"value": show(reading.value), "cut": show(cut)})


def _just_above(report: Report, value: Decimal, cut: Decimal) -> bool:
    return cut <= value <= cut + cut * report.case.protocol.options.near_miss
