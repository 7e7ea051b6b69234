"""The readings as a table for a spreadsheet: every result with its fate, nothing left out."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import date
from io import StringIO

from smartapp.dashboard.chart import Chart
from smartapp.dashboard.names import analyte_name
from smartapp.dashboard.results import Result, chart_results
from smartapp.knowledge.catalogue import Catalogue

COLUMNS = (
    "drawn", "analyte", "loinc", "value as sent", "converted value", "converted unit", "range",
    "range source", "place", "status", "flags", "used", "reason", "reference",
)  # fmt: skip

# A spreadsheet takes a cell that begins so for a formula; a plain number is none.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def readings_csv(chart: Chart, catalogue: Catalogue) -> bytes:
    """All results of a chart, used and not used, as UTF-8 CSV with a header (RFC 4180).

    Begins with a byte order mark, without which the commonest spreadsheet misreads "µ". Cells that
    a spreadsheet would run as a formula begin with an apostrophe.
    """
    out = StringIO(newline="")
    sheet = csv.writer(out)
    sheet.writerow(COLUMNS)
    for row in _rows(chart, catalogue):
        sheet.writerow([_safe(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")


def _rows(chart: Chart, catalogue: Catalogue) -> Iterator[tuple[str, ...]]:
    for group in chart_results(chart, catalogue):
        for result in group.results:
            yield _used(group.name, result)
    for row in chart.assessment.unused:
        name = analyte_name(catalogue, row.analyte) if row.analyte else ""
        yield (
            _moment(row.effective), name, "", row.original or "", "", "", "", "", "", "",
            row.flag or "", "no", row.reason, row.reference,
        )  # fmt: skip
    for malformed in chart.record.quarantined:
        reason = f"{malformed.path}: {malformed.reason}"
        yield (*[""] * 10, "malformed", "no", reason, malformed.reference)


def _used(name: str, result: Result) -> tuple[str, ...]:
    reading, within = result.reading, result.within
    return (
        _moment(reading.effective),
        name,
        reading.loinc or "",
        reading.original,
        f"{reading.comparator or ''}{reading.value:f}",
        reading.unit,
        result.range_text,
        within.source if within else "",
        result.place_word,
        reading.status,
        "; ".join(result.notes),
        "yes",
        "",
        reading.reference,
    )


def _moment(when: date | None) -> str:
    """As sent, with its own offset; a date without a time stays a date."""
    return when.isoformat() if when else ""


def _safe(cell: str) -> str:
    risky = cell.lstrip(" ").startswith(_FORMULA) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if risky else cell
