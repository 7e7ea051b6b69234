"""Every row of the clinical rules has its cases: the index says which, and they are looked up."""

from __future__ import annotations

import tomllib
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

import pytest
from men import knowledge

HERE = Path(__file__).parent
TESTS = HERE.parent
ROOMS = ("engine", "labs", "patient")
# Cases that come from a table, told by the bracket of their parameters.
AT_LEAST = 120


class Collected:
    """The plugin of a run that only collects."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.failed: list[str] = []

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        self.names.append(item.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append(f"{report.nodeid}: {report.longreprtext}")


@cache
def cases() -> tuple[str, ...]:
    """Every collected case as the index writes it: engine_rules::a_rule[R-DX-01 low].

    In this process, which has imported most of those files: a process of its own takes ten times
    as long.
    """
    collected = Collected()
    rooms = [str(TESTS / room) for room in ROOMS]
    plain = ["--collect-only", "-q", "-q", "-s", "-p", "no:cacheprovider"]
    with redirect_stdout(StringIO()):
        pytest.main([*plain, *rooms], plugins=[collected])
    assert not collected.failed
    return tuple(n.partition("/test_")[2].replace(".py::test_", "::", 1) for n in collected.names)


def index() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((HERE / "coverage_index.toml").read_text("utf-8"))


def test_every_row_of_the_rules_has_a_case_and_every_case_of_the_index_is_there() -> None:
    wrong = []
    for section, rows in index().items():
        for row, named in rows.items():
            if not named:
                wrong.append(f"{section}.{row}: no case")
            wrong += [
                f"{section}.{row}: {name} fits nothing"
                for name in named
                if not any(case.startswith(name) for case in cases())
            ]
    assert not wrong


def test_the_index_knows_every_section() -> None:
    sections = {name.partition("-")[0] for name in index()}
    assert {str(number) for number in range(1, 11)} <= sections
    ruled = {rule.section.partition(".")[0] for rule in knowledge().rules.values()}
    assert ruled <= sections


def test_every_finding_code_is_given_by_a_rule_that_is_tried() -> None:
    told = " ".join(cases())
    rows = {row.rule: f"a_row_holds_for_its_agents_with_its_grade[{row.key}" for row in
            knowledge().matrix}  # fmt: skip
    untried = [
        code
        for code in knowledge().findings
        if not any(
            rows.get(rule.id, f"[{rule.id}") in told
            for rule in knowledge().rules.values()
            if code in rule.codes
        )
    ]
    assert not untried


def test_every_row_of_the_matrix_is_tried_on_both_sides() -> None:
    for row in knowledge().matrix:
        assert any(f"with_its_grade[{row.key}" in case for case in cases()), row.key


def test_there_are_tables_enough() -> None:
    told = [case for case in cases() if case.startswith(("engine_rules::", "engine_actions::"))]
    assert sum("[" in case for case in told) >= AT_LEAST
