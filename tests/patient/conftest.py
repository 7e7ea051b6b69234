"""Small men, written as FHIR JSON and read by the real pipe."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from smartapp.fhir.model import Resources
from smartapp.fhir.reading import read_bundle
from smartapp.knowledge.catalogue import Catalogue
from smartapp.knowledge.catalogue_files import load_catalogue
from smartapp.patient import read_record
from smartapp.patient.index import Index, index_of
from smartapp.patient.record import PatientRecord

ReadMan = Callable[..., PatientRecord]


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="session")
def index(catalogue: Catalogue) -> Index:
    return index_of(catalogue)


def resources(*rows: dict[str, Any]) -> Resources:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": row} for row in rows]}
    return read_bundle(json.dumps(bundle).encode())


def patient(identity: str = "m", **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": identity, "gender": "male", **elements}


@pytest.fixture
def read_man(catalogue: Catalogue) -> ReadMan:
    """Reads the given rows as those of one man called "m"."""

    def read(*rows: dict[str, Any], **options: Any) -> PatientRecord:
        kinds = {row["resourceType"] for row in rows}
        man = () if "Patient" in kinds else (patient(),)
        return read_record(resources(*man, *rows), catalogue, issuer="https://ehr", **options)

    return read
