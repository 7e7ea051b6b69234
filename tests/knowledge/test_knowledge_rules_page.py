"""The page of rules is the rules: none without source or cases, and no page of yesterday."""

from __future__ import annotations

from pathlib import Path

import pytest
from rules_page import KINDS, PAGE, Cases, collect, lacking, page

from smartapp.knowledge import load


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Cases:
    return collect(tmp_path_factory.mktemp("rules") / "cases.json")


def test_every_rule_has_a_source_and_a_case_of_each_kind(cases: Cases) -> None:
    assert lacking(load(), cases) == []


def test_a_rule_without_a_case_is_found(cases: Cases) -> None:
    short = {rule: {k: v for k, v in kinds.items() if (rule, k) != ("A-PSA", KINDS[2])}
             for rule, kinds in cases.items()}  # fmt: skip
    assert lacking(load(), short) == ["A-PSA: no boundary case"]
    assert lacking(load(), {**cases, "R-NO-01": {}}) == [
        "R-NO-01: is marked in a test and is no rule"
    ]


def test_the_page_is_not_stale(cases: Cases) -> None:
    assert Path(PAGE).read_text("utf-8") == page(load(), cases), (
        "docs/rules.md is stale: run python tests/knowledge/rules_page.py"
    )
