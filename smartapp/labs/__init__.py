"""What was measured: results read, converted, dated, with the range that applies to them."""

from __future__ import annotations

from smartapp.labs.reader import read_labs
from smartapp.labs.reading import LabRecord, Range, Reading, Series, Unused
from smartapp.labs.rows import LabHistory, LabRows

__all__ = [
    "LabHistory",
    "LabRecord",
    "LabRows",
    "Range",
    "Reading",
    "Series",
    "Unused",
    "read_labs",
]
