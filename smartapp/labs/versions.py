"""One record, several versions: the newest speaks."""

from __future__ import annotations

from collections.abc import Iterable

from smartapp.fhir.resources import Observation

_RANK = {"entered-in-error": 3, "corrected": 2, "amended": 1}


def newest_versions(
    observations: Iterable[Observation],
) -> tuple[list[Observation], list[Observation]]:
    """`observations` with each id once, and the older versions that had another content.

    The same record comes twice when a prefetch and a search, or two files, overlap. The order of
    arrival never decides: the later `meta.lastUpdated` does, then the version, then the status.
    """
    observations = list(observations)
    ids = {row.id for row in observations}
    if len(ids) == len(observations) and None not in ids:
        return observations, []
    rows: list[Observation] = []
    older: list[Observation] = []
    place: dict[str, int] = {}
    for row in observations:
        if row.id is None or row.id not in place:
            if row.id is not None:
                place[row.id] = len(rows)
            rows.append(row)
            continue
        at = place[row.id]
        if rows[at] == row:
            continue
        former, rows[at] = sorted((rows[at], row), key=_age)
        older.append(former)
    return rows, older


def _age(row: Observation) -> tuple[str, int, str, int, tuple[str, ...]]:
    meta = row.meta
    version = (meta.versionId if meta else None) or ""
    return (
        (meta.lastUpdated if meta else None) or "",
        len(version),
        version,
        _RANK.get(row.status or "", 0),
        _content(row),
    )


def _content(row: Observation) -> tuple[str, ...]:
    """Decides between versions that nothing else puts in order, the same way every time."""
    quantity = row.valueQuantity
    value = "" if quantity is None else bytes(quantity.value).decode("utf-8", "replace")
    unit = "" if quantity is None else f"{quantity.comparator}{quantity.code}{quantity.unit}"
    return row.issued or "", row.effectiveDateTime or "", value, unit, row.valueString or ""
