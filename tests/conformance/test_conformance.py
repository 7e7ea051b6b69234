"""The build fails when a clause is neither tested nor accounted for, or the page says otherwise."""

from __future__ import annotations

import re

import pytest
from clause_marks import TESTS, Marked, marked_tests
from clause_matrix import DUTIES, PAGE, STRENGTHS, Clause, by_clause, clauses, page, results_of

OTHERS = {"client", "server", "note"}


@pytest.fixture(scope="module")
def marked() -> tuple[Marked, ...]:
    return marked_tests()


def test_the_list_of_clauses_is_written_as_agreed() -> None:
    for clause in clauses():
        assert clause.strength in STRENGTHS, clause
        assert clause.duty in DUTIES, clause
        assert re.fullmatch(r"[ABCZ]\d+(\.\d+)?|D\d+", clause.id), clause
        assert clause.title and "|" not in f"{clause.title}{clause.reason}", clause


def test_no_test_names_a_clause_that_is_none(marked: tuple[Marked, ...]) -> None:
    known = {clause.id for clause in clauses()}
    assert [m for m in marked if m.clause not in known] == []


@pytest.mark.parametrize("clause", clauses(), ids=lambda c: c.id)
def test_each_clause_is_tested_or_accounted_for(clause: Clause, marked: tuple[Marked, ...]) -> None:
    tested = any(m.clause == clause.id for m in marked)
    assert tested or clause.reason, f"{clause.id} ({clause.title}): no test names it"
    if clause.duty == "suite":
        assert tested, "what the suite must hold is a test, whatever the reason"
    if tested and clause.duty not in OTHERS:
        assert not clause.reason, f"{clause.id} is tested now: its reason has gone"


def test_the_tests_read_are_the_tests_collected(
    request: pytest.FixtureRequest, marked: tuple[Marked, ...]
) -> None:
    """Every test of this very run carries the markers that were read from its source."""
    read = set(marked)
    for item in request.session.items:
        names = {str(arg) for mark in item.iter_markers("clause") for arg in mark.args}
        if names:
            file = str(item.path.relative_to(TESTS))
            test = getattr(item, "originalname", item.name)
            assert {Marked(file, test, name) for name in names} <= read, item.nodeid


def test_the_page_is_of_today_and_all_of_it_passed(marked: tuple[Marked, ...]) -> None:
    text = PAGE.read_text("utf-8")
    results = results_of(text)
    assert page(by_clause(marked), results) == text, "run `make conformance`"
    tested = {m.clause for m in marked}
    late = sorted(name for name in tested if results.get(name) not in ("passed", "skipped"))
    assert late == [], "these did not pass when the page was written: run `make conformance`"
