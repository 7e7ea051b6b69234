"""What the man reports, as a trend: endpoints against his own state before treatment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from smartapp.engine.assessment import Evidence
from smartapp.engine.case import Case


@dataclass(frozen=True, slots=True)
class Better:
    """Whether symptoms are better than before treatment, by what, and on which day last asked."""

    answer: bool
    evidence: tuple[Evidence, ...] = ()


def symptoms_better(case: Case, begun: date, since: date | None = None) -> Better | None:
    """The newest word on treatment (from `since` on); None while nobody asked: unknown."""
    return None
