"""Every resource the sandbox holds, by type, by patient and by id."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from smartapp.demo.dig import human_name
from smartapp.errors import ConfigError
from smartapp.stories import Story, wire

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One resource. `patient` is the man whose story it belongs to, None for shared ones.

    The story decides, not the subject written in the row: an odd row that names another subject
    is served in the search result it was made for.
    """

    resource: dict[str, Any]
    patient: str | None
    raw: bytes

    @property
    def type(self) -> str:
        return str(self.resource["resourceType"])

    @property
    def id(self) -> str | None:
        value = self.resource.get("id")
        return value if isinstance(value, str) else None


class Repository:
    """The resources of all stories plus those shared; signed orders are added while it runs."""

    def __init__(self, stories: tuple[Story, ...], shared: list[dict[str, Any]]) -> None:
        self._lock = threading.RLock()
        self._by_type: dict[str, tuple[Row, ...]] = {}
        self._by_id: dict[tuple[str, str], Row] = {}
        for resource in shared:
            self.add(resource, None)
        for story in stories:
            for resource in story.resources():
                self.add(resource, story.patient_id)

    def add(self, resource: dict[str, Any], patient: str | None) -> None:
        """Hold one more resource. Two rows of one man may share an id (a row sent twice).

        Refuses (ConfigError) an id that another patient's row of that type has already.
        """
        row = Row(resource, patient, wire.encode(resource))
        with self._lock:
            if row.id is not None:
                known = self._by_id.setdefault((row.type, row.id), row)
                if known.patient != patient:
                    raise ConfigError(f"{row.type}/{row.id} is in two patients' fixtures")
            self._by_type[row.type] = (*self._by_type.get(row.type, ()), row)

    def replace(self, resource: dict[str, Any]) -> None:
        """Put a corrected version where the resource of that type and id was.

        Refuses (KeyError) a resource that is not held.
        """
        key = (str(resource["resourceType"]), str(resource["id"]))
        with self._lock:
            old = self._by_id[key]
            new = Row(resource, old.patient, wire.encode(resource))
            self._by_id[key] = new
            self._by_type[old.type] = tuple(
                new if row is old else row for row in self._by_type[old.type]
            )

    @contextmanager
    def writing(self) -> Iterator[Mapping[Key, Row]]:
        """What is held by type and id, while nobody else can change it."""
        with self._lock:
            yield self._by_id

    def change(self, puts: Mapping[Key, tuple[dict[str, Any], str | None]], gone: Set[Key]) -> None:
        """Put and take out at once: readers see the state before or the state after."""
        new = {key: Row(res, patient, wire.encode(res)) for key, (res, patient) in puts.items()}
        touched = gone | new.keys()
        with self._lock:
            kept = {key: row for key, row in self._by_id.items() if key not in touched}
            by_type = dict(self._by_type)
            for kind in {kind for kind, _ in touched}:
                stays = [r for r in by_type.get(kind, ()) if (r.type, r.id) not in touched]
                by_type[kind] = (*stays, *(row for row in new.values() if row.type == kind))
            self._by_id, self._by_type = kept | new, by_type

    def everything(self) -> Iterator[Row]:
        """Every row there is."""
        for rows in list(self._by_type.values()):
            yield from rows

    def patients(self) -> list[tuple[str, str]]:
        """(id, name) of every patient."""
        return [(row.id, human_name(row.resource)) for row in self.rows("Patient") if row.id]

    def rows(self, resource_type: str) -> tuple[Row, ...]:
        """All resources of a type, in the order they were added."""
        return self._by_type.get(resource_type, ())

    def of(self, resource_type: str, patient: str) -> tuple[Row, ...]:
        """One patient's resources of a type."""
        return tuple(row for row in self.rows(resource_type) if row.patient == patient)

    def read(self, resource_type: str, resource_id: str) -> Row | None:
        return self._by_id.get((resource_type, resource_id))
