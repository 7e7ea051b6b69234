"""The contraindication matrix: which condition, result or drug stands against which agent.

A row is true as soon as one of its tests is. Grades: A absolute stop, R relative (specialist),
P precaution. What a test means is judged in the engine; here it is only read and checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal, get_args

from smartapp.knowledge.catalogue import Catalogue
from smartapp.knowledge.protocol import Protocol
from smartapp.knowledge.rules import (
    BASES,
    Basis,
    Source,
    as_basis,
    cite,
    named_parameters,
)
from smartapp.knowledge.table import MARKS, Table, read_toml

Grade = Literal["A", "R", "P"]
ProblemWhen = Literal["ever", "active", "inactive", "recent", "past", "event"]

# Statements about the man that take more than a look-up; the engine has one function for each.
FACTS = frozenset(
    {
        "severe-primary",
        "thyroid-adrenal-uncontrolled",
        "thyroid-adrenal-watched",
        "eye-on-serm",
        "eye-before-serm",
        "chronic-opioid",
        "chronic-glucocorticoid",
        "lh-high-normal",
        "unapproved",
    }
)
# In `Row.touches`: an allergy of any kind; and a fact, which may rest on anything.
ALLERGY, ANYTHING = "allergy", "*"
_WHEN: Mapping[str, ProblemWhen] = {when: when for when in get_args(ProblemWhen)}
GRADES: Mapping[str, Grade] = {"A": "A", "R": "R", "P": "P"}


@dataclass(frozen=True, slots=True)
class ProblemTest:
    """A recorded problem. `days` bounds "recent" (active and young, or undated), "past" (what is
    not recent) and "event" (dated within, or undated and active)."""

    concepts: frozenset[str]
    when: ProblemWhen
    days: int


@dataclass(frozen=True, slots=True)
class LabTest:
    """The newest result within `days`, against limits in its unit or in multiples of the ULN."""

    analyte: str
    days: int
    of_uln: bool
    above: Decimal | None
    at_least: Decimal | None
    below: Decimal | None
    up_to: Decimal | None


@dataclass(frozen=True, slots=True)
class DrugTest:
    """A drug taken now, by class or by key."""

    classes: frozenset[str]
    agents: frozenset[str]


@dataclass(frozen=True, slots=True)
class AllergyTest:
    """An allergy or intolerance: to the agent's own group, or to a named group."""

    group: str | None
    type: Literal["allergy", "intolerance"]


@dataclass(frozen=True, slots=True)
class FactTest:
    fact: str


Test = ProblemTest | LabTest | DrugTest | AllergyTest | FactTest


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    lab_tests   those of its tests that read a result
    spoken_by   a finding code that may say it already; where it does, the row joins it
    settled_by  analytes that would tell, where the row could not be judged
    refer       specialty that a row which holds is for, a key of the wording's [refer]
    new_only    holds only for an agent the man is not taking now
    per_agent   asks something of the agent itself, and must be judged for each
    parameters  keys of the protocol its limits and days are taken from
    touches     concepts, analytes, drugs of which one must be on record for the row to hold;
                ANYTHING where that cannot be said
    """

    key: str
    rule: str
    grades: Mapping[str, Grade]
    tests: tuple[Test, ...]
    lab_tests: tuple[LabTest, ...]
    basis: Basis
    mark: str
    sources: tuple[Source, ...]
    settled_by: tuple[str, ...]
    refer: str | None
    spoken_by: str | None
    new_only: bool
    per_agent: bool
    touches: frozenset[str]
    parameters: tuple[str, ...]


def load_matrix(
    path: Path, catalogue: Catalogue, protocol: Protocol, sources: Mapping[str, Source]
) -> tuple[Row, ...]:
    """Every row, numbers resolved from the protocol. Refuses unknown names of any kind."""
    rows = []
    for key, row in read_toml(path).tables():
        tests = row.raw("any")
        if not isinstance(tests, list) or not tests:
            row.refuse("any", "a row needs at least one test")
        reader = _Tests(catalogue, protocol)
        read = tuple(reader.read(Table(row.file, f"{key}.any", test)) for test in tests)
        rows.append(
            Row(
                key,
                f"R-CI-{key}",
                _grades(row, catalogue),
                read,
                tuple(test for test in read if isinstance(test, LabTest)),
                as_basis(row.choice("basis", BASES)),
                row.choice("mark", MARKS),
                cite(row.texts("citations"), sources, f"{path.name}: {key}"),
                _settled_by(row, read, catalogue),
                row.text("refer", "") or None,
                row.text("spoken-by", "") or None,
                row.flag("new-only"),
                any(isinstance(test, AllergyTest) and test.group is None for test in read),
                frozenset(name for test in read for name in _touched(test)),
                (*reader.asked, *named_parameters(row, protocol.parameters)),
            )
        )
        row.done()
    return tuple(rows)


def _settled_by(row: Table, tests: tuple[Test, ...], catalogue: Catalogue) -> tuple[str, ...]:
    """The analytes the row names, else those its tests ask for."""
    named = row.texts("settled-by", ())
    for key in named:
        if key not in catalogue.analytes:
            row.refuse("settled-by", f"{key!r} is not an analyte of the catalogue")
    return named or tuple(dict.fromkeys(t.analyte for t in tests if isinstance(t, LabTest)))


def _touched(test: Test) -> frozenset[str]:
    if isinstance(test, ProblemTest):
        return test.concepts
    if isinstance(test, LabTest):
        return frozenset({test.analyte})
    if isinstance(test, DrugTest):
        return test.classes | test.agents
    return frozenset({ALLERGY if isinstance(test, AllergyTest) else ANYTHING})


def _grades(row: Table, catalogue: Catalogue) -> Mapping[str, Grade]:
    """Grades by agent; a drug class stands for all its drugs that are ours to order."""
    grades: dict[str, Grade] = {}
    table = row.table("grades")
    for name in table.names:
        grade = GRADES.get(table.text(name))
        if grade is None:
            table.refuse(name, "must be A, R or P")
        agents = [
            d.key
            for d in catalogue.drugs.values()
            if d.key == name or (d.drug_class == name and d.role in ("recalibration", "adjunct"))
        ]
        if not agents:
            table.refuse(name, "is neither a drug nor a drug class")
        grades.update(dict.fromkeys(agents, grade))
    return grades


class _Tests:
    """Reads the tests of one row against the catalogue and the protocol."""

    def __init__(self, catalogue: Catalogue, protocol: Protocol) -> None:
        self._catalogue = catalogue
        self._protocol = protocol
        self.asked: dict[str, None] = {}

    def read(self, table: Table) -> Test:
        test = self._read(table)
        table.done()
        return test

    def _read(self, table: Table) -> Test:
        if "concepts" in table:
            return self._problem(table)
        if "analyte" in table:
            return self._lab(table)
        if "fact" in table:
            return FactTest(table.choice("fact", FACTS))
        if "allergy" in table:
            group = table.text("allergy")
            groups = {d.allergy_group for d in self._catalogue.drugs.values()}
            if group != "own" and group not in groups:
                table.refuse("allergy", f"{group!r} is not an allergy group")
            kind = table.choice("type", frozenset({"allergy", "intolerance"}))
            return AllergyTest(
                None if group == "own" else group,
                "allergy" if kind == "allergy" else "intolerance",
            )
        return self._drug(table)

    def _problem(self, table: Table) -> ProblemTest:
        concepts = table.texts("concepts")
        for concept in concepts:
            if concept not in self._catalogue.conditions:
                table.refuse("concepts", f"{concept!r} is not a condition of the catalogue")
        when = table.text("when")
        days = self._days(table) if "days" in table else 0
        if when not in _WHEN:
            table.refuse("when", f"{when!r} is not known here")
        if when in ("recent", "past", "event") and not days:
            table.refuse("days", f"{when!r} needs a number of days")
        return ProblemTest(frozenset(concepts), _WHEN[when], days)

    def _lab(self, table: Table) -> LabTest:
        analyte = table.text("analyte")
        if analyte not in self._catalogue.analytes:
            table.refuse("analyte", f"{analyte!r} is not an analyte of the catalogue")
        limits = {
            name: self._number(table, name) if name in table else None
            for name in ("above", "at-least", "below", "up-to")
        }
        if not any(limit is not None for limit in limits.values()):
            table.refuse("", "a laboratory test needs a limit")
        return LabTest(
            analyte,
            self._days(table),
            table.flag("of-uln"),
            limits["above"],
            limits["at-least"],
            limits["below"],
            limits["up-to"],
        )

    def _drug(self, table: Table) -> DrugTest:
        classes, agents = table.texts("classes", ()), table.texts("agents", ())
        known = {d.drug_class for d in self._catalogue.drugs.values()}
        for name in classes:
            if name not in known:
                table.refuse("classes", f"{name!r} is not a drug class")
        for name in agents:
            if name not in self._catalogue.drugs:
                table.refuse("agents", f"{name!r} is not a drug of the catalogue")
        if not classes and not agents:
            table.refuse("", "names neither concepts, analyte, fact, allergy, classes nor agents")
        return DrugTest(frozenset(classes), frozenset(agents))

    def _number(self, table: Table, name: str) -> Decimal:
        key = table.text(name)
        parameter = self._protocol.parameters.get(key)
        if parameter is None or isinstance(parameter.value, bool):
            table.refuse(name, f"{key!r} is not a number of the protocol")
        self.asked[key] = None
        return Decimal(parameter.value)

    def _days(self, table: Table) -> int:
        return int(self._number(table, "days"))
