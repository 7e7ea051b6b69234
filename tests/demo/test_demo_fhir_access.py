"""Every FHIR call is held to the token: 401 without one, 403 beyond it."""

from __future__ import annotations

from typing import Any

import pytest
from demo_sandbox import ORIGIN, Ehr


def outcome(answer: Any) -> dict[str, Any]:
    assert answer.content_type == "application/fhir+json; charset=utf-8"
    body: dict[str, Any] = answer.json
    assert body["resourceType"] == "OperationOutcome"
    issue: dict[str, Any] = body["issue"][0]
    return issue


@pytest.mark.parametrize(
    "authorization", [None, "Bearer", "Bearer nothing", "Basic YTpi", "bearer  ", "token x"]
)
def test_without_a_good_token_it_is_401(ehr: Ehr, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = ehr.client().get("/fhir/Patient/amos", headers=headers, base_url=ORIGIN)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert outcome(answer)["code"] == "login"


@pytest.mark.parametrize(
    ("scope", "path", "status"),
    [
        ("patient/Patient.r", "Patient/amos", 200),
        ("patient/Patient.s", "Patient/amos", 403),
        ("patient/Patient.s", "Patient?_id=amos", 200),
        ("patient/Patient.r", "Patient?_id=amos", 403),
        ("patient/Patient.read", "Patient?_id=amos", 200),
        ("patient/Observation.rs", "Patient/amos", 403),
        ("patient/*.rs", "Patient/boris", 403),
        ("patient/*.rs", "Observation/b1", 403),
        ("patient/*.rs", "Observation?patient=boris&code=2986-8", 403),
        ("patient/*.rs", "Observation?subject=Patient/boris&code=2986-8", 403),
        ("patient/*.rs", "Observation/unknown", 404),
        ("patient/Patient.rs", "Observation/unknown", 403),
        ("patient/*.rs", "Practitioner/okafor", 200),
        ("patient/Patient.rs fhirUser openid", "Practitioner/okafor", 200),
        ("patient/Patient.rs fhirUser openid", "Practitioner/lindqvist", 403),
        ("patient/Patient.rs", "Practitioner/okafor", 403),
        ("user/*.rs", "Patient/boris", 200),
        ("user/Observation.rs", "Observation?patient=boris&code=2986-8", 200),
    ],
)
def test_scopes_are_enforced(ehr: Ehr, scope: str, path: str, status: int) -> None:
    token = ehr.tokens(scope=f"launch {scope}")["access_token"]
    answer = ehr.fhir(path, token)
    assert answer.status_code == status
    if status == 403:
        assert outcome(answer)["code"] == "forbidden"
        assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_a_search_without_a_patient_stays_with_the_patient_in_context(ehr: Ehr) -> None:
    token = ehr.tokens(scope="launch patient/*.rs")["access_token"]
    bundle = ehr.fhir("Observation?code=2986-8", token).json or {}
    ids = {entry["resource"]["id"] for entry in bundle["entry"]}
    assert ids == {"t1", "t2", "t3"}


def test_metadata_is_open_and_lists_what_can_be_searched(ehr: Ehr) -> None:
    answer = ehr.fhir("metadata", None)
    assert answer.status_code == 200
    body = answer.json or {}
    types = {resource["type"] for resource in body["rest"][0]["resource"]}
    assert {"Patient", "Observation", "MedicationRequest", "Goal"} <= types


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written(ehr: Ehr, method: str) -> None:
    token = ehr.tokens()["access_token"]
    answer = ehr.fhir("Patient/amos", token, method=method)
    assert answer.status_code == 405
    assert outcome(answer)["code"] == "not-supported"


@pytest.mark.parametrize("path", ["Device", "Device/1", "Patient/amos/_history", "$export", ""])
def test_what_is_not_served_is_404(ehr: Ehr, path: str) -> None:
    answer = ehr.fhir(path, ehr.tokens()["access_token"])
    assert answer.status_code == 404
    outcome(answer)


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/fhir+json", 200),
        ("application/json", 200),
        ("*/*", 200),
        ("application/fhir+xml;q=0.9, */*;q=0.1", 200),
        ("application/fhir+xml", 406),
    ],
)
def test_only_json_is_served(ehr: Ehr, accept: str, status: int) -> None:
    token = ehr.tokens()["access_token"]
    answer = ehr.fhir("Patient/amos", token, headers={"Accept": accept})
    assert answer.status_code == status


def test_patient_data_is_not_cached(ehr: Ehr) -> None:
    answer = ehr.fhir("Patient/amos", ehr.tokens()["access_token"])
    assert answer.headers["Cache-Control"] == "no-store"
