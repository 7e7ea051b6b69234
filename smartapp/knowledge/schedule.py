"""The follow-up schedule: which test is due at which step of a treatment (evidence base 4.3)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from smartapp.knowledge.table import Table, read_toml

STEPS = ("base", "first", "quarter", "half", "year")
_REPEATS = {"yearly": "repeat", "often": "often", "bone": "bone"}
_DRUGS = frozenset({"any", "serm", "aromatase-inhibitor"})


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the schedule.

    analyte     what is measured; None: `question`, a key of the wording, is asked instead, and
                `answers` are the (tool, item) under which the answer is recorded
    substitutes  analytes whose result does as well
    steps       names of the steps, in order; `repeat` the step after them
    from_change counted from the last change of dose, else from the start of the course
    drug_class  only while a drug of this class is taken; None: always
    safety      whether a long delay is a warning
    quiet       listed as due, and offered with the others, but no finding by itself
    together    analytes of the same sample that belong to it
    apart       not of the blood sample that serves the others
    before      a result from before the start serves the first step too
    concepts    asked for only with one of them on record; empty: always
    """

    key: str
    analyte: str | None
    question: str | None
    answers: tuple[str, str] | None
    substitutes: tuple[str, ...]
    steps: tuple[str, ...]
    repeat: str
    from_change: bool
    drug_class: str | None
    safety: bool
    quiet: bool
    together: tuple[str, ...]
    apart: bool = False
    before: bool = False
    concepts: frozenset[str] = frozenset()


def load_schedule(
    path: Path, analytes: Collection[str], conditions: Collection[str]
) -> tuple[Check, ...]:
    """Every row of schedule.toml. Refuses an unknown analyte, step, repeat, anchor, drug or
    condition."""
    return tuple(_check(key, row, analytes, conditions) for key, row in read_toml(path).tables())


def _check(key: str, row: Table, analytes: Collection[str], conditions: Collection[str]) -> Check:
    analyte = row.choice("analyte", analytes) if "analyte" in row else None
    question = row.text("asks") if "asks" in row else None
    if (analyte is None) == (question is None):
        row.refuse("analyte", "a test has either an analyte or a question")
    steps = row.texts("steps")
    for step in steps:
        if step not in STEPS:
            row.refuse("steps", f"{step!r} is not one of {', '.join(STEPS)}")
    if not steps or list(steps) != sorted(steps, key=STEPS.index):
        row.refuse("steps", "must name steps in their order")
    drug_class = row.choice("of", _DRUGS) if "of" in row else "any"
    check = Check(
        key,
        analyte,
        question,
        _answers(row) if question is not None else None,
        _known(row, "or", analytes, "an analyte"),
        steps,
        _REPEATS[row.choice("repeat", _REPEATS)],
        row.choice("anchor", ("start", "change")) == "change",
        None if drug_class == "any" else drug_class,
        row.flag("safety"),
        row.flag("quiet"),
        _known(row, "with", analytes, "an analyte"),
        row.flag("apart"),
        row.flag("before"),
        frozenset(_known(row, "for", conditions, "a condition")),
    )
    row.done()
    return check


def _known(row: Table, name: str, known: Collection[str], kind: str) -> tuple[str, ...]:
    keys = row.texts(name) if name in row else ()
    for key in keys:
        if key not in known:
            row.refuse(name, f"{key!r} is not {kind}")
    return keys


def _answers(row: Table) -> tuple[str, str]:
    tool, _, item = row.text("answers").partition(".")
    if not tool or not item:
        row.refuse("answers", "must be tool.item of questionnaires.toml")
    return tool, item
