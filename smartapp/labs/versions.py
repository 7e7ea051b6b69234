"""One record, several versions: the newest speaks."""

from __future__ import annotations

from collections.abc import Iterable

from smartapp.fhir.resources import Observation
from smartapp.labs.reading import Unused

_RANK = {"entered-in-error": 3, "corrected": 2, "amended": 1}


def newest_versions(observations: Iterable[Observation], unused: list[Unused]) -> list[Observation]:
    """`observations` with each id once; older versions with another content go to `unused`.

    The same record comes twice when a prefetch and a search, or two files, overlap. The order of
    arrival never decides: the later `meta.lastUpdated` does, then the version, then the status.
    """
    observations = list(observations)
    ids = {row.id for row in observations}
    if len(ids) == len(observations) and None not in ids:
        return observations
    rows: list[Observation] = []
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
        rows[at] = max(rows[at], row, key=_age)
        reference = f"Observation/{row.id}"
        unused.append(Unused(reference, f"an older version of {reference}", void=True))
    return rows


def _age(row: Observation) -> tuple[str, int, str, int, str]:
    meta = row.meta
    version = (meta.versionId if meta else None) or ""
    return (
        (meta.lastUpdated if meta else None) or "",
        len(version),
        version,
        _RANK.get(row.status or "", 0),
        repr(row.valueQuantity) + repr(row.valueString),
    )
