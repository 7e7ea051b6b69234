"""The action table (clinical rules 9, evidence 4.4): every rule that looks at a man under drugs."""

from __future__ import annotations

from smartapp.engine.bone import say_bone
from smartapp.engine.breast import say_breast
from smartapp.engine.estradiol import say_estradiol
from smartapp.engine.exposure import exposure_of
from smartapp.engine.fluid import say_fluid
from smartapp.engine.injection import say_injection
from smartapp.engine.lipids import say_lipids
from smartapp.engine.liver import say_liver
from smartapp.engine.mood import say_mood
from smartapp.engine.prostate import say_prostate
from smartapp.engine.report import Report
from smartapp.engine.semen import say_semen


def say_actions(report: Report) -> None:
    """Each row in turn. Off treatment nothing is said: there the matrix speaks."""
    say_bone(report)
    exposure = exposure_of(report.case)
    say_mood(report, exposure)
    if exposure is None:
        return
    say_prostate(report, exposure)
    say_liver(report, exposure)
    say_lipids(report, exposure)
    say_estradiol(report, exposure)
    say_breast(report, exposure)
    say_fluid(report, exposure)
    say_injection(report)
    say_semen(report, exposure)
