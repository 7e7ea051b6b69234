"""Searching: query parameters in, matching rows out, in the order asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from smartapp.demo.dig import text
from smartapp.demo.fhir.dates import date_test, element_span
from smartapp.demo.fhir.outcome import Refused
from smartapp.demo.fhir.parameters import CONTROLS, PARAMETERS, Parameter
from smartapp.demo.fhir.repository import Row

Test = Callable[[Row], bool]
_JSON_FORMATS = {"json", "application/json", "application/fhir+json"}
_COMMA = re.compile(r"(?<!\\),")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Query:
    """A search understood: tests to pass, order, page size asked for, patients named."""

    tests: tuple[Test, ...]
    sort: tuple[tuple[Parameter, bool], ...] = ()
    count: int | None = None
    patients: tuple[frozenset[str], ...] = field(default=())
    named: frozenset[str] = frozenset()


def understand(resource_type: str, pairs: Iterable[tuple[str, str]]) -> Query:
    """Read the query. Refuses (400) what it does not know, and values it cannot read.

    A parameter given twice must match twice (AND); commas in a value are alternatives (OR).
    """
    known = PARAMETERS[resource_type]
    tests: list[Test] = []
    patients: list[frozenset[str]] = []
    controls: dict[str, str] = {}
    names: set[str] = set()
    for name, value in pairs:
        if name in CONTROLS:
            if name in controls:
                raise _invalid(f"{name} is given twice.")
            controls[name] = value
            continue
        base, _, modifier = name.partition(":")
        parameter = known.get(base)
        if parameter is None:
            raise _unsupported(f"{resource_type} has no search parameter {_shown(base)} here.")
        if modifier and not (parameter.kind == "reference" and modifier == "Patient"):
            raise _unsupported(f"The modifier {_shown(modifier)} is not supported.")
        alternatives = _alternatives(base, value)
        names.add(base)
        if base in ("patient", "subject"):
            patients.append(frozenset(_patient_id(a) for a in alternatives))
        else:
            tests.append(_test(parameter, base, alternatives))
    return Query(
        tests=tuple(tests),
        sort=_sort(known, controls.get("_sort")),
        count=_count(controls.get("_count"), controls.get("_format")),
        patients=tuple(patients),
        named=frozenset(names),
    )


def run(query: Query, rows: Sequence[Row]) -> list[Row]:
    """The rows that pass every test, sorted; rows without the sort element come last."""
    found = [row for row in rows if _of_patients(query, row) and all(t(row) for t in query.tests)]
    for parameter, descending in reversed(query.sort):
        found = _ordered(found, parameter, descending)
    return found


def _of_patients(query: Query, row: Row) -> bool:
    return all(row.patient in wanted for wanted in query.patients)


def _ordered(rows: list[Row], parameter: Parameter, descending: bool) -> list[Row]:
    keyed = [(_sort_key(row, parameter), row) for row in rows]
    present = [(key, row) for key, row in keyed if key is not None]
    present.sort(key=lambda pair: pair[0], reverse=descending)
    return [row for _, row in present] + [row for key, row in keyed if key is None]


def _sort_key(row: Row, parameter: Parameter) -> tuple[datetime, str] | None:
    for value in _values(row.resource, parameter):
        if parameter.kind == "date":
            if found := element_span(value):
                return (found.start, "")
        elif isinstance(value, str):
            return (_LONG_AGO, value)
    return None


def _values(resource: Mapping[str, Any], parameter: Parameter) -> Iterator[Any]:
    for path in parameter.paths:
        yield from _walk(resource, path)


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """Every value at a path, going through lists; an odd shape has none."""
    if isinstance(value, list):
        for item in value:
            yield from _walk(item, path)
    elif not path:
        if value is not None:
            yield value
    elif isinstance(value, dict):
        yield from _walk(value.get(path[0]), path[1:])


def _test(parameter: Parameter, name: str, alternatives: tuple[str, ...]) -> Test:
    matches = _MATCHERS[parameter.kind](name, alternatives)
    return lambda row: any(matches(value) for value in _values(row.resource, parameter))


def _dates(name: str, alternatives: tuple[str, ...]) -> Callable[[Any], bool]:
    tests = [date_test(value) for value in alternatives]
    understood = [test for test in tests if test is not None]
    if len(understood) < len(tests):
        raise _invalid(f"{name} needs a date, with eq, lt, gt, le or ge before it or nothing.")

    def matches(value: Any) -> bool:
        found = element_span(value)
        return found is not None and any(test.matches(found) for test in understood)

    return matches


def _tokens(name: str, alternatives: tuple[str, ...]) -> Callable[[Any], bool]:
    wanted = [_token(value) for value in alternatives]

    def matches(value: Any) -> bool:
        if isinstance(value, str):
            return any(code in (value, None) for _, code in wanted)
        return any(
            (system is None or system == found_system) and (code is None or code == found_code)
            for found_system, found_code in _codings(value)
            for system, code in wanted
        )

    return matches


def _token(value: str) -> tuple[str | None, str | None]:
    """`system|code`, `|code` (no system), `system|` (any code) or `code` (any system)."""
    system, bar, code = value.partition("|")
    if not bar:
        return None, value
    return system, code or None


def _codings(value: Any) -> Iterator[tuple[str, str | None]]:
    """(system, code) of a CodeableConcept, a Coding or an Identifier; "" without a system."""
    if not isinstance(value, dict):
        return
    codings = value.get("coding")
    for coding in codings if isinstance(codings, list) else [value]:
        code = text(coding, "code") or text(coding, "value")
        if code is not None:
            yield text(coding, "system") or "", code


def _references(name: str, alternatives: tuple[str, ...]) -> Callable[[Any], bool]:
    def matches(value: Any) -> bool:
        reference = text(value, "reference") or ""
        return any(
            reference == wanted or ("/" not in wanted and reference.rpartition("/")[2] == wanted)
            for wanted in alternatives
        )

    return matches


def _strings(name: str, alternatives: tuple[str, ...]) -> Callable[[Any], bool]:
    """A string parameter matches the beginning of a word part, whatever its case."""
    wanted = [value.casefold() for value in alternatives]

    def matches(value: Any) -> bool:
        texts = [value] if isinstance(value, str) else list(_walk(value, ("family",)))
        if isinstance(value, dict):
            texts += [*_walk(value, ("given",)), *_walk(value, ("text",))]
        return any(
            isinstance(found, str) and found.casefold().startswith(start)
            for found in texts
            for start in wanted
        )

    return matches


_MATCHERS: dict[str, Callable[[str, tuple[str, ...]], Callable[[Any], bool]]] = {
    "date": _dates,
    "token": _tokens,
    "reference": _references,
    "string": _strings,
}


def _alternatives(name: str, value: str) -> tuple[str, ...]:
    parts = tuple(part.replace("\\,", ",") for part in _COMMA.split(value))
    if not all(parts):
        raise _invalid(f"{name} has an empty value.")
    return parts


def _patient_id(value: str) -> str:
    kind, slash, identity = value.rpartition("/")
    if slash and kind.rpartition("/")[2] != "Patient":
        raise _invalid("patient must name a Patient.")
    return identity


def _sort(known: Mapping[str, Parameter], value: str | None) -> tuple[tuple[Parameter, bool], ...]:
    keys = []
    for part in value.split(",") if value else ():
        parameter = known.get(part.removeprefix("-"))
        if parameter is None or (parameter.kind != "date" and part.removeprefix("-") != "_id"):
            raise _unsupported(f"Sorting by {_shown(part)} is not supported.")
        keys.append((parameter, part.startswith("-")))
    return tuple(keys)


def _count(value: str | None, wanted_format: str | None) -> int | None:
    if wanted_format is not None and wanted_format.lower() not in _JSON_FORMATS:
        raise Refused(406, "not-supported", "Only JSON is served.")
    if value is None:
        return None
    if not re.fullmatch(r"\d{1,6}", value):
        raise _invalid("_count must be a whole number.")
    return int(value)


def _shown(name: str) -> str:
    """Request text as it may be repeated in an answer: short and printable."""
    return "".join(ch for ch in name[:40] if ch.isprintable())


def _unsupported(reason: str) -> Refused:
    return Refused(400, "not-supported", reason)


def _invalid(reason: str) -> Refused:
    return Refused(400, "invalid", reason)
