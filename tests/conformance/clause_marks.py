"""Which test names which clause, read from the source: `@pytest.mark.clause("A13.4")`.

Reading costs a second; collecting the whole suite costs many, and a worker that runs one folder
has not collected the rest. `test_conformance.py` holds this reading against what pytest collects.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, order=True)
class Marked:
    """One test function and one clause that it names. `file` is relative to `tests/`."""

    file: str
    test: str
    clause: str


def marked_tests() -> tuple[Marked, ...]:
    """Every marked test of the suite. Refuses (ValueError) a clause that is no plain text."""
    return tuple(
        sorted(
            Marked(str(path.relative_to(TESTS)), name, clause)
            for path in TESTS.rglob("test_*.py")
            for name, clause in _of_file(path)
        )
    )


def _of_file(path: Path) -> Iterator[tuple[str, str]]:
    source = path.read_text("utf-8")
    if "mark.clause" not in source:
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                for clause in _clauses(decorator):
                    yield node.name, clause


def _clauses(decorator: ast.expr) -> Iterator[str]:
    """The clauses of a decorator: of the marker itself, or of a `pytest.param(..., marks=…)`."""
    for node in ast.walk(decorator):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr != "clause":
            continue
        for given in node.args:
            if not isinstance(given, ast.Constant) or not isinstance(given.value, str):
                raise ValueError("write a clause's id out, so that it can be found")
            yield given.value
