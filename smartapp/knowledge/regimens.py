"""Published regimens: what was given in trials and labels. Shown as such, never as a default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from smartapp.knowledge.rules import Source, cite
from smartapp.knowledge.table import MARKS, read_toml


@dataclass(frozen=True, slots=True)
class Regimen:
    """One published regimen. `frequency` doses of `amount` `unit` every `period` `period_unit`.

    `start`: a published starting regimen, which a suggestion may offer (clinical-rules 10).
    """

    key: str
    agent: str
    text: str
    amount: Decimal
    unit: str
    frequency: int
    period: int
    period_unit: str
    route: str
    start: bool
    mark: str
    sources: tuple[Source, ...]

    @property
    def per_week(self) -> Decimal:
        """The dose over seven days, in `unit`."""
        days = self.period * (7 if self.period_unit == "wk" else 1)
        return self.amount * self.frequency * 7 / days


def load_regimens(
    path: Path, sources: Mapping[str, Source], drugs: frozenset[str]
) -> Mapping[str, Regimen]:
    """Every regimen of regimens.toml. Refuses an unknown drug and one without a source."""
    regimens: dict[str, Regimen] = {}
    for key, row in read_toml(path).tables():
        regimens[key] = Regimen(
            key,
            row.choice("agent", drugs),
            row.text("text"),
            row.number("amount"),
            row.text("unit"),
            row.whole("frequency"),
            row.whole("period"),
            row.choice("period-unit", frozenset({"d", "wk"})),
            row.text("route"),
            row.flag("start"),
            row.choice("mark", MARKS),
            cite(row.texts("citations"), sources, f"{path.name}: {key}"),
        )
        row.done()
    return regimens
