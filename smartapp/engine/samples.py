"""Samples: which draws of testosterone count, and which LH, FSH and SHBG go with them (rules 2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from smartapp.engine.assessment import Evidence
from smartapp.engine.case import Case, days_before
from smartapp.engine.course import disturbing
from smartapp.engine.span import Span, mean, show, span_of
from smartapp.labs.reading import Range, Reading, Unused

Invalid = Literal["not-morning", "provisional", "treated"]
Missing = Literal["none", "unpaired", "withheld"]

_UNDATED = "corrected on a day nobody wrote down: known only as it stands today"


@dataclass(frozen=True, slots=True)
class Sample:
    """One valid testosterone sample: all valid draws of one local date, their mean if they differ.

    `span.value` is None when a draw was censored.
    """

    drawn: date
    span: Span
    readings: tuple[Reading, ...]

    @property
    def averaged(self) -> bool:
        return len(self.readings) > 1


@dataclass(frozen=True, slots=True)
class Hormone:
    """The LH, FSH or SHBG that counts, or why none does ("withheld": the newest is unusable)."""

    reading: Reading | None
    span: Span | None
    missing: Missing | None
    withheld: Unused | None = None


@dataclass(frozen=True, slots=True)
class Samples:
    """What the axis may be judged on, as of one day.

    valid     newest first, one a date, within the window
    invalid   draws of the window that do not count, newest first, and why
    withheld  the newest testosterone result, when it cannot be used: the rules abstain
    """

    valid: tuple[Sample, ...]
    invalid: tuple[tuple[Reading, Invalid], ...]
    withheld: Unused | None
    lh: Hormone
    fsh: Hormone
    shbg: Hormone


def take_samples(case: Case, until: date | None = None) -> Samples:
    """The samples of the window that ends today, or on the day `until` (pre-treatment state)."""
    rules = case.protocol.samples
    end = until or case.today
    first = days_before(end, rules.window)
    valid: dict[date, list[Reading]] = {}
    invalid: list[tuple[Reading, Invalid]] = []
    for reading in reversed(case.readings.get("testosterone", ())):
        if reading.drawn < first or (until is not None and reading.drawn > until):
            continue
        reason = _objection(case, reading)
        if reason is None:
            valid.setdefault(reading.drawn, []).append(reading)
        else:
            invalid.append((reading, reason))
    days = sorted(valid, reverse=True)
    return Samples(
        tuple(sample_of(day, valid[day]) for day in days),
        tuple(invalid),
        case.withheld.get("testosterone") if until is None else None,
        *(_counted(case, analyte, days, until) for analyte in ("lh", "fsh", "shbg")),
    )


def _objection(case: Case, reading: Reading) -> Invalid | None:
    if disturbing(case.courses, reading.drawn) is not None:
        return "treated"
    if reading.clock == "provisional":
        return "provisional"
    return None if reading.clock == "morning" else "not-morning"


def sample_of(day: date, readings: Iterable[Reading]) -> Sample:
    """One date's draws as one sample: a value told twice once, different ones as their mean."""
    distinct: dict[tuple[str, str | None], Reading] = {}
    for reading in sorted(readings, key=lambda r: r.reference):
        distinct.setdefault((str(reading.value), reading.comparator), reading)
    used = tuple(distinct.values())
    spans = tuple(span_of(r) for r in used)
    return Sample(day, spans[0] if len(spans) == 1 else mean(spans), used)


def _counted(case: Case, analyte: str, days: list[date], until: date | None) -> Hormone:
    """The newest result of `analyte` that goes with a valid sample (rules 2.3)."""
    withheld = case.withheld.get(analyte) if until is None else None
    if withheld is not None:
        return Hormone(None, None, "withheld", withheld)
    pair = case.protocol.samples.pair
    seen = False
    for reading in reversed(case.readings.get(analyte, ())):
        if until is not None and reading.drawn > until:
            continue
        seen = True
        for day in days:
            first, last = min(day, reading.drawn), max(day, reading.drawn)
            if (last - first).days <= pair and disturbing(case.courses, first, last) is None:
                return Hormone(reading, span_of(reading), None)
    return Hormone(None, None, "unpaired" if seen else "none")


def evidence_of(
    reading: Reading, role: str, note: str | None = None, *, ranged: bool = False
) -> Evidence:
    """A reading as evidence; `ranged` says which reference range was used."""
    if ranged and reading.range is not None:
        used = _range_used(reading.range, reading.unit)
        note = f"{note}; {used}" if note else used
    if "correction-undated" in reading.flags:
        note = f"{note}; {_UNDATED}" if note else _UNDATED
    return Evidence(
        reading.reference,
        reading.analyte,
        reading.value,
        reading.unit,
        reading.original,
        reading.effective,
        role,
        note,
    )


def evidence_of_unusable(row: Unused) -> Evidence:
    """A result that was sent and is not used, with the reason."""
    return Evidence(
        row.reference, row.analyte, None, None, row.original, row.effective, "not-usable",
        row.reason,
    )  # fmt: skip


def _range_used(used: Range, unit: str) -> str:
    if used.source == "laboratory":
        return f"laboratory's range {used.text}"
    ends = [None if end is None else show(end) for end in (used.low, used.high)]
    if None in ends:
        limits = f"up to {ends[1]}" if ends[0] is None else f"from {ends[0]}"
    else:
        limits = f"{ends[0]} to {ends[1]}"
    return f"default range {limits} {unit} ({used.text})"


def evidence_of_samples(samples: Iterable[Sample], role: str) -> tuple[Evidence, ...]:
    """Every draw behind the samples, in their order."""
    return tuple(
        evidence_of(r, role, "mean of the draws of one day" if sample.averaged else None)
        for sample in samples
        for r in sample.readings
    )
