"""The pen with which men are written: dice, ids, and what is told beside a fact."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from generated_facts import (
    Allergy,
    Diagnosis,
    Drug,
    Lab,
    Operation,
    Supply,
    Told,
    Wish,
)

MORNINGS = ("07:00", "07:45", "08:30", "09:15", "10:20", "11:00")
OTHER_HOURS = ("06:40", "11:30", "14:10", "16:30", "")


@dataclass(slots=True)
class Pen:
    """A man being written. Every fact takes the next number as its id."""

    rng: random.Random
    labs: list[Lab] = field(default_factory=list)
    diagnoses: list[Diagnosis] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    drugs: list[Drug] = field(default_factory=list)
    allergies: list[Allergy] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)
    supplies: list[Supply] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    count: int = 0

    def id(self) -> str:
        """Ids in no order of time: the alphabet must decide nothing."""
        self.count += 1
        return f"{self.rng.randrange(1000):03d}-{self.count}"

    def number(self, low: float, high: float, places: int = 1) -> Decimal:
        scale = 10**places
        return Decimal(self.rng.randint(round(low * scale), round(high * scale))).scaleb(-places)

    def day(self, oldest: int, newest: int) -> int:
        return self.rng.randint(oldest, newest)

    def lab(self, analyte: str, true: Decimal, day: int, **more: Any) -> Lab:
        if "issued" not in more and self.rng.random() < 0.5:
            more["issued"] = min(0, day + self.rng.choice((0, 0, 1, 2, 5)))
        lab = Lab(self.id(), analyte, true, day, **more)
        self.labs.append(lab)
        return lab

    def diagnosis(self, name: str, onset: int | None, **more: Any) -> None:
        if "recorded" not in more:
            later = self.rng.choice((0, 0, 3, 40))
            more["recorded"] = None if onset is None else min(0, onset + later)
        more.setdefault("pick", self.rng.randrange(6))
        self.diagnoses.append(Diagnosis(self.id(), name, onset, **more))

    def drug(self, name: str, start: int, stop: int | None = None, **more: Any) -> None:
        more.setdefault("status", "active" if stop is None else "stopped")
        if self.rng.random() < 0.7:
            more.setdefault("authored", start)
        self.drugs.append(Drug(self.id(), name, start, stop, **more))

    def newest(self, analyte: str, value: Decimal, oldest: int = -50) -> None:
        """A result newer than all of its kind; now and then one that cannot be used."""
        last = max((x.day for x in self.labs if x.analyte == analyte), default=oldest)
        first = max(oldest, last + 1)
        if first > 0:
            self.labs = [x for x in self.labs if x.analyte != analyte]
            first = oldest
        # Half of them tell no time of report, so that they are known on the day they were drawn.
        self.lab(analyte, value, self.day(first, 0), clock=self.rng.choice(MORNINGS),
                 **self._printed(value))  # fmt: skip

    def _printed(self, value: Decimal) -> dict[str, Any]:
        chance = self.rng.random()
        if chance < 0.04:
            return {"status": self.rng.choice(("preliminary", "unknown"))}
        if chance < 0.07:
            return {"unit": False}
        if chance < 0.10 and value > 0:
            return {"comparator": "<", "printed": value * self.rng.choice((2, 3))}
        if chance < 0.13:
            return {"comparator": ">", "printed": value / 2}
        return {}
