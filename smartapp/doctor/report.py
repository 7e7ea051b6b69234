"""The report, for an engineer at a terminal and for a script."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from itertools import groupby

from smartapp.doctor.check import Check
from smartapp.doctor.examine import Report

_MARKS = {"pass": "ok", "warn": "warn", "fail": "FAIL", "not tried": "-"}
_WIDTH = 100


def as_json(report: Report) -> str:
    """The same as an object, with the verdict of the whole."""
    verdict = "fail" if report.failed else "warn" if report.count("warn") else "pass"
    checks = [asdict(check) for check in report.checks]
    return json.dumps({"issuer": report.base, "verdict": verdict, "checks": checks}, indent=2)


def as_text(report: Report) -> str:
    """One paragraph a check, a line where that is enough; what to do stands below an arrow."""
    checks = list(_folded(report.checks))
    width = max(len(check.name) for check in checks) + 2
    lines = [report.base, ""]
    for check in checks:
        lines += _paragraph(check, width)
    return "\n".join([*lines, "", _sum(report)])


def _folded(checks: Iterable[Check]) -> Iterator[Check]:
    """Neighbours that could not be tried for the same reason are one."""
    for (verdict, said, _), group in groupby(checks, lambda c: (c.verdict, c.said, c.todo)):
        same = list(group)
        if verdict == "not tried" and len(same) > 1:
            names = ", ".join(check.name for check in same)
            yield replace(same[0], name="not tried", said=f"{names}: {said}")
        else:
            yield from same


def _sum(report: Report) -> str:
    told = (
        f"{report.count('pass')} ok, {report.count('warn')} to look at, "
        f"{report.count('fail')} failed, {report.count('not tried')} not tried."
    )
    return f"{told} Nothing was changed on the server."


def _paragraph(check: Check, width: int) -> Iterator[str]:
    margin = " " * (6 + width)
    head = f"{_MARKS[check.verdict]:<6}{check.name:<{width}}"
    said = _wrapped(check.said, _WIDTH - len(margin))
    yield head + said[0]
    yield from (margin + line for line in said[1:])
    if check.todo:
        todo = _wrapped(check.todo, _WIDTH - len(margin) - 3)
        yield f"{margin}-> {todo[0]}"
        yield from (f"{margin}   {line}" for line in todo[1:])
    # Ready to copy: neither wrapped nor far from the margin.
    yield from (f"          {_plain(line)}" for line in check.lines)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(_plain(text), width, break_on_hyphens=False, break_long_words=False)


def _plain(text: str) -> str:
    """Without what would steer a terminal: parts of it were written by the server."""
    return "".join(c if c.isprintable() else " " for c in text)
