"""Where a drug is injected (A-INJ): pain or redness, infection, anaphylaxis."""

from __future__ import annotations

from smartapp.engine.evidence import evidence_of_problem
from smartapp.engine.exposure import INJECTED, exposure_of
from smartapp.engine.report import Report
from smartapp.engine.watch import Watch

_LEVELS = {
    "anaphylaxis": frozenset({"anaphylaxis"}),
    "infection": frozenset({"skin-infection"}),
    "default": frozenset({"injection-site"}),
}


def say_injection(report: Report) -> None:
    """`injection-site-reaction`, under an injected drug."""
    exposure = exposure_of(report.case, INJECTED)
    if exposure is None:
        return
    watch = Watch(report, exposure, "injection-site-reaction", "A-INJ")
    for level, concepts in _LEVELS.items():
        found = watch.events(concepts)
        told = watch.sign("injection-site") if level == "default" else ()
        if not found and not told:
            continue
        report.finding(
            watch.code,
            watch.rule,
            level=level,
            variant=level,
            evidence=(
                *(evidence_of_problem(p, "fired") for p in found),
                *told,
                *exposure.evidence(),
            ),
            bears=INJECTED,
        )
        return
