"""Discovery and CORS, clause by clause (standards A2, A5, A14.2, Z1)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hookwork import Door

from smartapp.knowledge import Knowledge

ORIGIN = "https://ehr.example"


def services(door: Door) -> list[dict[str, Any]]:
    answer = door.web.get("/cds-services")
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    found: list[dict[str, Any]] = answer.get_json()["services"]
    return found


@pytest.mark.clause("A2.1")
@pytest.mark.clause("A2.2")
def test_discovery_lists_the_three_services(door: Door) -> None:
    assert {(s["id"], s["hook"]) for s in services(door)} == {
        ("hpg-patient-view", "patient-view"),
        ("hpg-order-select", "order-select"),
        ("hpg-order-sign", "order-sign"),
    }


@pytest.mark.clause("A2.1")
def test_the_base_may_have_a_path(tmp_path: Path, knowledge: Knowledge) -> None:
    door = Door(tmp_path, knowledge, settings={"public_base_url": "https://h.example/hpg"})
    assert door.web.get("/hpg/cds-services").status_code == 200


@pytest.mark.clause("A2.3")
@pytest.mark.clause("A2.4")
@pytest.mark.clause("A2.5")
@pytest.mark.clause("A2.6")
@pytest.mark.clause("A2.8")
def test_each_service_says_what_it_is(door: Door) -> None:
    for service in services(door):
        for member in ("hook", "id", "title", "description", "usageRequirements"):
            assert isinstance(service[member], str)
            assert service[member].strip()
        assert re.fullmatch(r"[A-Za-z0-9._~-]+", service["id"]), "it is a path segment"


@pytest.mark.clause("A1.2")
@pytest.mark.clause("A1.3")
def test_discovery_holds_nothing_empty(door: Door) -> None:
    def walk(value: Any) -> None:
        assert value not in (None, "", [], {})
        for part in value.values() if isinstance(value, dict) else value:
            if isinstance(part, dict | list):
                walk(part)

    walk(services(door))


@pytest.mark.clause("A2.7")
@pytest.mark.clause("A5.1")
@pytest.mark.clause("A5.2")
@pytest.mark.clause("A5.3")
@pytest.mark.clause("A5.7")
@pytest.mark.clause("A5.9")
@pytest.mark.clause("A5.10")
def test_prefetch_keeps_to_what_every_client_can_follow(door: Door) -> None:
    for service in services(door):
        for template in service["prefetch"].values():
            assert not template.startswith(("/", "http"))
            assert set(re.findall(r"{{(.*?)}}", template)) == {"context.patientId"}
            _, _, query = template.partition("?")
            names = [pair.split("=")[0] for pair in query.split("&") if pair]
            assert len(names) == len(set(names))
            assert set(names) <= {"patient", "code", "category", "_count", "_sort"}
            if template.startswith("Observation"):
                assert "code" in names or "category" in names


@pytest.mark.clause("A2.15")
def test_discovery_may_be_kept_a_little_and_asked_again_cheaply(door: Door) -> None:
    first = door.web.get("/cds-services")
    assert "max-age" in first.headers["Cache-Control"]
    again = door.web.get("/cds-services", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.clause("A2.12")
def test_discovery_is_public_and_holds_no_patient_data(
    tmp_path: Path, knowledge: Knowledge
) -> None:
    strict = Door(tmp_path, knowledge, settings={"cds_auth": "required"})
    assert len(services(strict)) == 3
    answer = strict.web.get("/cds-services", headers={"Authorization": "Bearer x.y.z"})
    assert answer.status_code == 200


@pytest.mark.clause("A13.15")
@pytest.mark.clause("A14.2")
@pytest.mark.parametrize(
    "path",
    ["/cds-services", "/cds-services/hpg-order-sign", "/cds-services/hpg-order-sign/feedback"],
)
def test_a_browser_may_ask_before_it_is_trusted(
    tmp_path: Path, knowledge: Knowledge, path: str
) -> None:
    door = Door(
        tmp_path,
        knowledge,
        settings={"cds_auth": "required", "cors_origins": (ORIGIN,), "demo": True},
    )
    headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = door.web.options(path, headers=headers)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
    assert answer.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    assert int(answer.headers["Access-Control-Max-Age"]) > 0
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.clause("A14.2")
@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (ORIGIN, True),
        ("https://ehr.example.evil.example", False),
        ("http://localhost:5001", False),
        ("null", False),
    ],
)
def test_only_listed_origins_may_read_the_answer(
    tmp_path: Path, knowledge: Knowledge, origin: str, allowed: bool
) -> None:
    door = Door(
        tmp_path,
        knowledge,
        settings={"cors_origins": (ORIGIN,), "demo": False, "secret_keys": ("k" * 32,)},
    )
    answer = door.web.get("/cds-services", headers={"Origin": origin})
    assert ("Access-Control-Allow-Origin" in answer.headers) is allowed


@pytest.mark.clause("A14.2")
def test_in_the_demo_this_machine_may_read_the_answer(door: Door) -> None:
    answer = door.web.get("/cds-services", headers={"Origin": "http://localhost:5001"})
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:5001"
    other = door.web.get("/cds-services", headers={"Origin": "https://elsewhere.example"})
    assert "Access-Control-Allow-Origin" not in other.headers
