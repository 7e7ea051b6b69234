"""Left and right are two results, even when they measure the same."""

from __future__ import annotations

import json
from decimal import Decimal

from smartapp.fhir.reading import read_bundle
from smartapp.knowledge.catalogue_files import load_catalogue
from smartapp.labs import read_labs

CATALOGUE = load_catalogue()
LOCAL = {"TESTIS-VOL": ("testis-volume", None)}


def volume_of(id_: str, side: str, volume: str) -> dict[str, object]:
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"coding": [{"system": "urn:local", "code": "TESTIS-VOL"}]},
        "effectiveDateTime": "2026-03-02T09:50:00-05:00",
        "bodySite": {"text": side},
        "valueQuantity": {"value": float(volume), "unit": "mL"},
    }


def volumes(*rows: dict[str, object]) -> list[Decimal]:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": row} for row in rows]}
    found = read_bundle(json.dumps(bundle).encode())
    labs = read_labs(found.observations, CATALOGUE, timezone=None, local_codes=LOCAL)
    return [reading.value for reading in labs.series["testis-volume"].readings]


def test_two_small_testes_of_one_size_are_two() -> None:
    assert volumes(volume_of("a", "Left testis", "4"), volume_of("b", "Right testis", "4")) == [
        4,
        4,
    ]


def test_the_same_testis_told_twice_is_one() -> None:
    assert volumes(volume_of("a", "Left testis", "4"), volume_of("b", "Left testis", "4")) == [4]
