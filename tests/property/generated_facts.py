"""The facts of a man: what is true of him and what was written down of it.

Nothing here knows the catalogue, the laboratory or the engine. Days are counted from the day of
the assessment (day 0); a man's story is over by then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Lab:
    """One result. `true` is what was in the blood, in the unit in which rules compare.

    clock       local clock of the draw; "" when only the day was written down
    comparator  "<" or ">": the laboratory printed `printed` instead of the value
    issued      day of the report; None when it was not told
    limits      the laboratory's reference range; unit False: sent without a unit
    corrects    the id of the result of this draw that this one replaces
    mislabelled `printed` is nmol/L and says ng/dL
    """

    id: str
    analyte: str
    true: Decimal
    day: int
    clock: str = "08:30"
    comparator: str = ""
    printed: Decimal | None = None
    issued: int | None = None
    status: str = "final"
    limits: tuple[str, str] | None = None
    site: str = ""
    unit: bool = True
    corrects: str = ""
    mislabelled: bool = False

    @property
    def reported(self) -> int:
        return self.day if self.issued is None else self.issued


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`name` is a key of generated_fhir.DIAGNOSES; `pick` chooses among codes that mean it."""

    id: str
    name: str
    onset: int | None
    recorded: int | None
    status: str | None = "active"
    abated: int | None = None
    refuted: bool = False
    pick: int = 0


@dataclass(frozen=True, slots=True)
class Operation:
    """A removed testis. `side`: "left", "right", "both" or "" when nobody wrote it down."""

    id: str
    side: str
    day: int | None
    done: bool = True
    pick: int = 0


@dataclass(frozen=True, slots=True)
class Drug:
    """One prescription, or what was said to be taken (`stated`).

    `stop` None with status "active": it goes on; with another status the end is not known.
    """

    id: str
    name: str
    start: int
    stop: int | None = None
    authored: int | None = None
    status: str = "active"
    dose: str = ""
    stated: bool = False

    @property
    def undated(self) -> bool:
        return self.stop is None and self.status != "active"


@dataclass(frozen=True, slots=True)
class Supply:
    """What was handed over for so many days (None: nobody said for how many), or given at once."""

    id: str
    drug: str
    day: int
    days: int | None = None
    given: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What the man answered: figures of one tool. `apart`: each figure as a result of its own.

    reported    the day each figure became known, in the order of the figures; all the same unless
                they came apart
    """

    id: str
    tool: str
    day: int
    figures: tuple[tuple[str, int], ...]
    reported: tuple[int, ...]
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Allergy:
    id: str
    drug: str
    type: str = "allergy"
    active: bool = True
    recorded: int | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    id: str
    kind: str
    day: int


@dataclass(frozen=True, slots=True)
class Man:
    """All the facts of one man. `gaps` are kinds of data that the EHR did not let us read."""

    seed: int
    stratum: str
    age: int
    gender: str = "male"
    birth_sex: str = "M"
    labs: tuple[Lab, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    operations: tuple[Operation, ...] = ()
    drugs: tuple[Drug, ...] = ()
    allergies: tuple[Allergy, ...] = ()
    wishes: tuple[Wish, ...] = ()
    supplies: tuple[Supply, ...] = ()
    told: tuple[Told, ...] = ()
    gaps: tuple[str, ...] = ()
    hazards: tuple[str, ...] = ()


def known_on(man: Man, day: int) -> Man:
    """The record as it stood at the end of that day: nothing first recorded later, no later end."""
    return replace(
        man,
        labs=tuple(x for x in man.labs if x.reported <= day and x.day <= day),
        diagnoses=tuple(
            _not_ended(x, day)
            for x in man.diagnoses
            if (first := x.recorded if x.recorded is not None else x.onset) is None or first <= day
        ),
        operations=tuple(x for x in man.operations if x.day is None or x.day <= day),
        drugs=tuple(
            replace(x, stop=None, status="active") if x.stop is not None and x.stop > day else x
            for x in man.drugs
            if (x.authored if x.authored is not None else x.start) <= day
        ),
        allergies=tuple(x for x in man.allergies if x.recorded is None or x.recorded <= day),
        wishes=tuple(x for x in man.wishes if x.day <= day),
        supplies=tuple(x for x in man.supplies if x.day <= day),
        told=tuple(y for x in man.told if x.day <= day and (y := _reported_by(x, day)).figures),
    )


def _reported_by(told: Told, day: int) -> Told:
    known = [n for n, reported in enumerate(told.reported) if reported <= day]
    return replace(
        told,
        figures=tuple(told.figures[n] for n in known),
        reported=tuple(told.reported[n] for n in known),
    )


def _not_ended(diagnosis: Diagnosis, day: int) -> Diagnosis:
    if diagnosis.abated is None or diagnosis.abated <= day:
        return diagnosis
    return replace(diagnosis, abated=None, status="active")


LISTS = (
    "labs", "diagnoses", "operations", "drugs", "allergies", "wishes", "supplies", "told", "gaps",
)  # fmt: skip


def shrunk(man: Man, fails: Callable[[Man], bool]) -> Man:
    """The least of the man's facts with which `fails` still says so."""
    again = True
    while again:
        again = False
        for name in LISTS:
            for fact in getattr(man, name):
                less = replace(man, **{name: tuple(x for x in getattr(man, name) if x is not fact)})
                if fails(less):
                    man, again = less, True
    return man


def told(man: Man) -> str:
    """The facts, a line each, for a failing test."""
    lines = [f"seed {man.seed}, {man.stratum}, {man.age} y, {man.gender}/{man.birth_sex or '-'}"]
    for name in LISTS:
        lines += [f"  {fact!r}" for fact in getattr(man, name)]
    return "\n".join(lines)
