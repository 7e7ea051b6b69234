"""Results as an EHR sends them, small enough to read in a test."""

from __future__ import annotations

import json
from typing import Any

from smartapp.fhir.reading import read_bundle
from smartapp.fhir.resources import Observation
from smartapp.knowledge.catalogue import Catalogue
from smartapp.labs import LabRecord, Reading, Unused, read_labs

MORNING = "2026-05-04T08:15:00-04:00"


class Lab:
    """Writes Observations and reads them back through the same pipe as production."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._count = 0

    def row(
        self,
        loinc: str,
        value: object = None,
        unit: str | None = None,
        when: str | None = MORNING,
        **more: Any,
    ) -> dict[str, Any]:
        self._count += 1
        row: dict[str, Any] = {
            "resourceType": "Observation",
            "id": f"o{self._count}",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
        }
        if when is not None:
            row["effectiveDateTime"] = when
        if value is not None:
            row["valueQuantity"] = {"value": value}
            if unit is not None:
                row["valueQuantity"]["unit"] = unit
        return {**row, **more}

    def read(self, *rows: dict[str, Any], **how: Any) -> LabRecord:
        how.setdefault("timezone", None)
        return read_labs(observations(*rows), self.catalogue, **how)

    def one(self, *rows: dict[str, Any], **how: Any) -> Reading:
        """The only reading of the only series; nothing may be left unused."""
        record = self.read(*rows, **how)
        assert record.unused == ()
        (series,) = record.series.values()
        (reading,) = series.readings
        return reading

    def refused(self, *rows: dict[str, Any], **how: Any) -> Unused:
        """The only row not used; nothing may have been read."""
        record = self.read(*rows, **how)
        assert not any(series.readings for series in record.series.values())
        (unused,) = record.unused
        return unused


def observations(*rows: dict[str, Any]) -> list[Observation]:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": row} for row in rows]}
    found = read_bundle(json.dumps(bundle).encode())
    assert not found.quarantined
    return found.observations
