"""What a run found, beyond passed and failed: counts, printed; and of clauses, written down.

Both come as properties of the tests' reports, also from workers, whose own output nobody sees.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--clause-results", metavar="FILE", help="write which clause's tests passed and failed"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each report says which clauses of the standards its test names."""
    for item in items:
        names = sorted({str(arg) for mark in item.iter_markers("clause") for arg in mark.args})
        if names:
            item.user_properties.append(("clauses", names))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Every property a test recorded as `counts`, under the name of the test; then the clauses."""
    clauses: dict[str, dict[str, str]] = defaultdict(dict)
    for outcome in ("passed", "skipped", "failed", "error"):
        for report in terminalreporter.getreports(outcome):
            for name, told in getattr(report, "user_properties", ()):
                if name == "counts":
                    terminalreporter.section(f"counted by {report.nodeid.split('::')[-1]}")
                    for line in told:
                        terminalreporter.write_line(line)
                elif name == "clauses":
                    for clause in told:
                        clauses[clause][report.nodeid] = report.outcome
    if path := terminalreporter.config.getoption("--clause-results"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(json.dumps(clauses, indent=1, sort_keys=True), "utf-8")
