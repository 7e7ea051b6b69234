"""Every resource the sandbox holds, by type, by patient and by id."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from smartapp.errors import ConfigError
from smartapp.stories import Story, wire


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
        self._lock = threading.Lock()
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

    def rows(self, resource_type: str) -> tuple[Row, ...]:
        """All resources of a type, in the order they were added."""
        return self._by_type.get(resource_type, ())

    def of(self, resource_type: str, patient: str) -> tuple[Row, ...]:
        """One patient's resources of a type."""
        return tuple(row for row in self.rows(resource_type) if row.patient == patient)

    def read(self, resource_type: str, resource_id: str) -> Row | None:
        return self._by_id.get((resource_type, resource_id))
