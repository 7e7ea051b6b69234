"""Writes docs/conformance.md: each clause, the tests that name it, what the last run said.

    python -m pytest -m clause --clause-results=build/clauses.json
    python tests/conformance/clause_matrix.py build/clauses.json

`make conformance` does both, with ARGS for a part of the suite: clauses that this part did not try
keep their result. Exit code 1 when a test that names a clause did not pass.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clause_marks import Marked, marked_tests

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "conformance.md"
CLAUSES = Path(__file__).with_name("clauses.toml")

BINDING = frozenset(("MUST", "MUST NOT", "SHALL", "SHALL NOT", "REQ", "COND"))
LOOSER = frozenset(("SHOULD", "SHOULD NOT", "RECOMMENDED", "MAY", "OPTIONAL"))
STRENGTHS = BINDING | LOOSER | {"practice", "ours", "quirk", "note"}
DUTIES = frozenset(("service", "app", "client", "server", "suite", "note"))

_SECTIONS = {
    "A": "CDS Hooks 2.0.1: the service",
    "B": "SMART App Launch 2.2: the app",
    "C": "What validators and demo clients check and send",
    "D": "What EHRs do",
    "Z": "What the suite must hold",
}
_TOP = """# Conformance

Written by `make conformance`; a test fails when it is out of date. A clause is named as in our list
of what the standards ask (`tests/conformance/clauses.toml`, in our own words). *Strength* is the
standard's own word; *practice* a best-practice page; *ours* a rule of our own; *quirk* what another
side does. *Duty* says whose it is: where it is a client's or a server's, the tests show that this
product survives a side that neglects it, or the reason says why nothing depends on it.
"""
_RESULT = re.compile(r"\| (?P<clause>[A-Z][0-9.]+) \|.*\| (?P<result>[^|]*) \|")


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause. `reason`: why no test names it, or what stands behind another's duty."""

    id: str
    strength: str
    duty: str
    title: str
    reason: str | None = None

    @property
    def binds(self) -> bool:
        """Whether the standard leaves no choice."""
        return self.strength in BINDING


def clauses() -> tuple[Clause, ...]:
    """The list in the order of the standards. Refuses (TypeError) unknown or missing keys."""
    rows = tomllib.loads(CLAUSES.read_text("utf-8"))
    return tuple(Clause(id=name, **row) for name, row in rows.items())


def by_clause(marked: Iterable[Marked]) -> Mapping[str, Sequence[Marked]]:
    """The tests of each clause."""
    found: dict[str, list[Marked]] = defaultdict(list)
    for test in marked:
        found[test.clause].append(test)
    return found


def page(tests: Mapping[str, Sequence[Marked]], results: Mapping[str, str]) -> str:
    """The whole page; `results` by clause, one without a result shows a dash."""
    every = clauses()
    lines = [_TOP, _count(every, tests)]
    for letter, heading in _SECTIONS.items():
        lines += [
            "",
            f"## {letter}. {heading}",
            "",
            "| Clause | Strength | Duty | In our words | Tests, or why none | Result |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_row(c, tests.get(c.id, ()), results) for c in every if c.id[0] == letter]
    return "\n".join(lines) + "\n"


def results_of(text: str) -> dict[str, str]:
    """The results that a page shows."""
    found = (_RESULT.fullmatch(line) for line in text.splitlines())
    return {row["clause"]: row["result"] for row in found if row}


def _count(every: Sequence[Clause], tests: Mapping[str, Sequence[Marked]]) -> str:
    binding = [c for c in every if c.binds]
    tested = sum(c.id in tests for c in every)
    firmly = sum(c.id in tests for c in binding)
    return (
        f"{len(every)} clauses, {tested} of them named by tests; of {len(binding)} that leave no "
        f"choice {firmly} are tested and {len(binding) - firmly} have their reason here."
    )


def _row(clause: Clause, tests: Sequence[Marked], results: Mapping[str, str]) -> str:
    shown = [f"[{t.test}](../tests/{t.file})" for t in tests]
    if clause.reason:
        shown.append(clause.reason)
    result = results.get(clause.id, "–") if tests else "–"
    cells = (clause.id, clause.strength, clause.duty, clause.title, "<br>".join(shown), result)
    return f"| {' | '.join(cells)} |"


def told(outcomes: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The result of each clause, from the outcome of each case that names it."""
    counted = {name: Counter(cases.values()) for name, cases in outcomes.items()}
    return {
        name: "FAILED" if count["failed"] else "skipped" if not count["passed"] else "passed"
        for name, count in counted.items()
    }


def main() -> int:
    outcomes = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    results = told(outcomes)
    before = results_of(PAGE.read_text("utf-8")) if PAGE.exists() else {}
    PAGE.write_text(page(by_clause(marked_tests()), {**before, **results}), "utf-8")
    bad = sorted(name for name, result in results.items() if result == "FAILED")
    print(f"{PAGE.relative_to(ROOT)}: {len(results)} clauses tried; failed: {bad or 'none'}")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
