"""What the census means for the issuer's table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from smartapp.doctor.access import Access
from smartapp.doctor.census import NO_UNIT, UNKNOWN_UNIT, Census, Local, count
from smartapp.doctor.check import Check, untried
from smartapp.doctor.searches import Searched, run
from smartapp.doctor.visit import Visit
from smartapp.fhir.plans import SearchPlan
from smartapp.fhir.quirks import quirks_of
from smartapp.fhir.reading import read_pages
from smartapp.fhir.resources import Observation
from smartapp.knowledge.catalogue import Analyte

_USABLE = frozenset({"final", "amended", "corrected"})
_NO_RESULT = "this chart has no result that the app reads"

Analytes = Mapping[str, Analyte]


def codes(visit: Visit, access: Access, searched: Searched) -> Iterator[Check]:
    """What the chart's results are coded as, measured in, marked with, and timed by."""
    others = _other_results(visit, access)
    found = [r for key in ("hormones", "safety") for r in searched.found[key].observations]
    census = count(visit, found + (others or []), searched.found["patient"].patients)
    analytes = visit.catalogue.analytes
    yield _loinc(census, analytes)
    yield _local(census, analytes, tried=others is not None)
    yield _units(census, analytes)
    yield _statuses(census)
    yield _draw_times(visit, census)


def _other_results(visit: Visit, access: Access) -> list[Observation] | None:
    """Results by category, whatever their code; None where the server gives none so."""
    patient = quote(visit.patient or "", safe="")
    tail = f"_count={quirks_of(visit.asked_as.profile).count}"
    for head in (f"patient={patient}&category=laboratory", f"patient={patient}"):
        fetched = run(visit, access, (SearchPlan("results", f"Observation?{head}&{tail}"),))
        rows = read_pages(fetched.pages).observations
        if rows or not fetched.gaps:
            return rows
    return None


def _loinc(census: Census, analytes: Analytes) -> Check:
    name = "codes"
    if not census.loinc and not census.mapped:
        return untried(name, _NO_RESULT)
    told = [f"{analytes[key].short} {code}" for key, code in sorted(census.loinc)]
    said = f"LOINC: {', '.join(told) or 'none'}"
    if census.mapped:
        told = [f"{analytes[key].short} {token}" for key, token in sorted(census.mapped)]
        said += f"; by the map: {', '.join(told)}"
    if census.mislabelled:
        said += f"; never read, as labels of it are wrong: {', '.join(sorted(census.mislabelled))}"
        return Check(name, "warn", said, "ask the laboratory what is measured under these codes")
    return Check(name, "pass", said)


def _local(census: Census, analytes: Analytes, *, tried: bool) -> Check:
    name = "local codes"
    if census.local:
        entries = sorted(census.local.values(), key=lambda e: (e.analyte.key, e.token))
        said = f"{len(entries)} that the app does not read, but named like what it reads"
        todo = "check each with the laboratory, then add to the issuer's table:"
        lines = ("[issuer.local_codes]", *(line for entry in entries for line in _lines(entry)))
        return Check(name, "warn", said, todo, lines)
    if census.uncoded:
        told = ", ".join(sorted(analytes[key].name for key in census.uncoded))
        said = f"results without any code, named like {told}"
        return Check(name, "warn", said, "let the laboratory send codes: names are never read")
    if not tried:
        said = "the server gives no results by category or patient alone"
        return untried(name, said, "ask the laboratory for the codes of its hormone results")
    return Check(name, "pass", "no result that is named like ours has another code")


def _lines(entry: Local) -> Iterator[str]:
    """The entry of the map, its unit only where every row is in one that we know."""
    known = {unit for unit in entry.units if unit not in (NO_UNIT, UNKNOWN_UNIT)}
    unit = next(iter(known)) if len(known) == 1 and set(entry.units) == known else None
    given = f', unit = "{unit}"' if unit else ""
    note = "" if unit else "; add the unit, if rows come without"
    rows = "1 row" if entry.rows == 1 else f"{entry.rows} rows"
    yield f"# {entry.analyte.name}? {rows}{note}"
    yield f'"{entry.token}" = {{ loinc = "{_code(entry.analyte, unit)}"{given} }}'


def _code(analyte: Analyte, unit: str | None) -> str:
    """The analyte's first LOINC code of the unit's kind; its key where LOINC has none."""
    kind = analyte.units[unit].kind if unit else None
    fitting = [code for code in analyte.loinc.values() if kind in (None, code.kind)]
    first = next(iter(fitting or analyte.loinc.values()), None)
    return first.code if first else analyte.key


def _units(census: Census, analytes: Analytes) -> Check:
    name = "units"
    if not census.units:
        return untried(name, _NO_RESULT)
    told = "; ".join(f"{analytes[k].short} {', '.join(u)}" for k, u in _grouped(census.units))
    odd = [
        f"{analytes[key].short} {unit.removeprefix(UNKNOWN_UNIT)}".rstrip()
        for key, unit in sorted(census.units)
        if unit == NO_UNIT or unit.startswith(UNKNOWN_UNIT)
    ]
    if odd:
        todo = "these results are not used; tell the laboratory, or give the unit in the map"
        return Check(name, "warn", f"not readable: {', '.join(odd)}; all: {told}", todo)
    return Check(name, "pass", told)


def _statuses(census: Census) -> Check:
    name = "statuses"
    if not census.statuses:
        return untried(name, _NO_RESULT)
    counts: Counter[str] = Counter()
    for (_key, status), rows in census.statuses.items():
        counts[status] += rows
    said = ", ".join(f"{status} {rows}" for status, rows in counts.most_common())
    usable = sum(rows for status, rows in counts.items() if status in _USABLE)
    if 2 * usable < counts.total():
        todo = "only final, amended and corrected results are used: ask why most are not"
        return Check(name, "warn", said, todo)
    return Check(name, "pass", said)


def _draw_times(visit: Visit, census: Census) -> Check:
    name = "draw times"
    clocks = census.clocks
    if not clocks:
        return untried(name, "this chart has no hormone result that the app reads")
    told = {
        "local": "with the patient's offset",
        "utc": "in UTC",
        "date": "as dates only",
        "missing": "without time",
    }
    said = ", ".join(f"{clocks[kind]} {words}" for kind, words in told.items() if clocks[kind])
    if clocks["utc"] and (visit.issuer is None or visit.issuer.timezone is None):
        todo = (
            "say in the issuer's table which clock the hospital goes by, else no draw is morning:"
        )
        return Check(name, "warn", said, todo, ('timezone = "Area/City"',))
    if 2 * (clocks["date"] + clocks["missing"]) > clocks.total():
        todo = "ask for the time of collection: without it testosterone is never confirmed"
        return Check(name, "warn", said, todo)
    return Check(name, "pass", said)


def _grouped(pairs: Counter[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    groups: dict[str, list[str]] = {}
    for key, value in sorted(pairs):
        groups.setdefault(key, []).append(value.removeprefix(UNKNOWN_UNIT))
    yield from groups.items()
