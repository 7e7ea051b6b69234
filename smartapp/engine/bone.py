"""Bone under an aromatase inhibitor (A-BMD): low density or a fracture without real trauma."""

from __future__ import annotations

from smartapp.engine.evidence import evidence_of_problem
from smartapp.engine.exposure import INHIBITOR, Exposure, exposure_of
from smartapp.engine.report import Report
from smartapp.engine.samples import evidence_of
from smartapp.engine.span import show, span_of
from smartapp.engine.watch import Watch

_ANALYTE = "bone-t-score"
_FRACTURE = frozenset({"fracture-low-trauma"})


def say_bone(report: Report) -> None:
    """`bone-loss`: an inhibitor is taken or being ordered."""
    drafts = tuple(o for o in report.occasion.ordered if o.agent in INHIBITOR)
    taken = exposure_of(report.case, INHIBITOR)
    if taken is None and not drafts:
        return
    watch = Watch(report, taken or Exposure((), report.case.today), "bone-loss", "A-BMD")
    days = report.case.protocol.bone.window
    cut = -report.case.protocol.bone.t_score
    score = report.case.newest(_ANALYTE, days)
    if _ANALYTE in report.case.withheld:
        watch.open("result-withheld", "repeat", _ANALYTE)
        score = None
    elif score is None and not report.case.unread:
        watch.open("not-measured", "measure", _ANALYTE)
    low = score is not None and watch.gravest(_ANALYTE, (("low", span_of(score).up_to(cut)),))
    broken = watch.events(_FRACTURE) if taken is not None else ()
    if not low and not broken:
        if score is not None:
            watch.near_low_score(score, cut)
        return
    found = (evidence_of(score, "fired"),) if low and score is not None else ()
    report.finding(
        watch.code,
        watch.rule,
        variant="fracture" if broken else "default",
        evidence=(
            *(evidence_of_problem(p, "fired") for p in broken),
            *found,
            *watch.exposure.evidence(),
        ),
        fixes=report.remove(*drafts),
        about=drafts[0] if drafts else None,
        bears=INHIBITOR,
        words={"cut": show(cut)},
    )
