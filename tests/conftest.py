"""What a run counted, printed at its end: also from workers, whose own output nobody sees."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Every property a test recorded as `counts`, under the name of the test."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, counts in getattr(report, "user_properties", ()):
                if name == "counts":
                    terminalreporter.section(f"counted by {report.nodeid.split('::')[-1]}")
                    for line in counts:
                        terminalreporter.write_line(line)
