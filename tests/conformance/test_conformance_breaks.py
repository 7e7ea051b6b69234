"""The breaks in `tests/mutations/clauses` still fit the code; breaking them is another run."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from clause_marks import marked_tests
from clause_matrix import ROOT

sys.path.append(str(Path(__file__).parents[1] / "mutations"))

from breaks import Break, breaks

BREAKS = tuple(breaks())


@pytest.mark.parametrize("broken", BREAKS, ids=lambda b: f"{b.clause}-{Path(b.file).stem}")
def test_the_text_to_break_stands_there_once(broken: Break) -> None:
    source = (ROOT / broken.file).read_text("utf-8")
    assert source.count(broken.before) == 1, f"{broken.file}: write the break of it anew"
    assert broken.before != broken.after
    # What cannot be read at all breaks everything, and shows nothing of this clause.
    ast.parse(source.replace(broken.before, broken.after))


def test_thirty_can_be_drawn_and_each_has_tests_that_may_notice() -> None:
    tested = {m.clause for m in marked_tests()}
    clauses = {b.clause for b in BREAKS}
    assert len(clauses) >= 45
    assert clauses <= tested
