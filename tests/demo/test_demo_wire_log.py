"""The wire log shows every step and no secret and no patient; what it holds can be sent again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from demo_sandbox import FHIR, ORIGIN, Ehr, make_config, story
from wire_replay import hooks_of

from smartapp.app import create_app
from smartapp.demo.developer import redaction
from smartapp.settings import from_environ
from smartapp.stories import load_stories

APP = "http://127.0.0.1:5000"
ANCHOR = make_config().anchor
TOLD = ("severe-primary", "si-units-oddities", "secondary-fertility")


@pytest.fixture
def walked(make_ehr: Any, serve_app: Any, tmp_path: Any) -> Iterator[Ehr]:
    """An EHR whose charts were opened against the real app, and a launch with a refresh."""
    settings = from_environ(
        {
            "SMARTAPP_HOME_DIR": str(tmp_path),
            "SMARTAPP_CDS_AUTH": "optional",
            "SMARTAPP_SECRET_KEYS": "k" * 40,
        },
        demo=True,
    )
    app = create_app(settings)
    stories = tuple(s for s in load_stories(ANCHOR) if s.key in TOLD)
    ehr: Ehr = make_ehr(stories, app_base_url=serve_app(app))
    browser = ehr.client()
    for told in stories:
        assert browser.get(f"/chart/{told.patient_id}", base_url=ORIGIN).status_code == 200
    patient = stories[0].patient_id
    tokens = ehr.tokens(launch=ehr.launch(patient))
    ehr.refresh(tokens["refresh_token"])
    ehr.refresh("a-stolen-refresh-token")
    ehr.app.extensions["test_tokens"] = tokens
    yield ehr
    app.extensions["stop_sweeper"]()
    app.extensions["ledger"].close()


def log_of(ehr: Ehr) -> str:
    answer = ehr.client().get("/developer/wire-log.json", base_url=ORIGIN)
    assert answer.mimetype == "application/json"
    return str(answer.text)


def test_every_step_is_there_newest_first(walked: Ehr) -> None:
    entries = json.loads(log_of(walked))["entries"]
    assert [e["number"] for e in entries] == sorted((e["number"] for e in entries), reverse=True)
    steps = [(e["kind"], e["step"], e["status"]) for e in reversed(entries)]
    assert steps[:2] == [("discovery", "discovery", 200), ("hook", "hpg-patient-view", 200)]
    assert steps[-4:] == [
        ("oauth", "authorize", 302),
        ("oauth", "token", 200),
        ("oauth", "token", 200),
        ("oauth", "token", 400),
    ]
    page = walked.client().get("/developer", base_url=ORIGIN).text
    assert page.count('data-testid="exchange"') == len(entries)


def test_neither_log_nor_page_holds_a_secret_or_a_patient(walked: Ehr) -> None:
    written = log_of(walked) + walked.client().get("/developer", base_url=ORIGIN).text
    tokens = walked.app.extensions["test_tokens"]
    for name in ("access_token", "refresh_token", "id_token"):
        assert tokens[name] not in written
    assert "a-stolen-refresh-token" not in written
    assert not re.search(r"eyJ[\w-]{10,}\.", written), "no token in clear"
    for told in load_stories(ANCHOR):
        if told.key not in TOLD:
            continue
        assert told.patient_id not in written
        for resource in told.resources():
            assert f'"{resource.get("id")}"' not in written
            assert f"/{resource.get('id')}" not in written
            for secret in private(resource):
                assert secret not in written, secret


def private(resource: dict[str, Any]) -> set[str]:
    """What nobody but those who treat the man may read: names, birth date, days and free text."""
    found = {n.get("family", "") for n in resource.get("name", []) if isinstance(n, dict)}
    found |= {str(resource.get(k, "")) for k in ("birthDate", "effectiveDateTime", "authoredOn")}
    found |= {n["text"] for n in resource.get("note", []) if isinstance(n, dict) and "text" in n}
    return {text for text in found if len(text) > 3}


def test_numbers_of_the_patient_are_kept_out_and_terms_stay(walked: Ehr) -> None:
    (first, *_) = hooks_of(log_of(walked))
    rows = [e["resource"] for e in first.body["prefetch"]["hormones"]["entry"]]
    assert {row["valueQuantity"]["value"] for row in rows if "valueQuantity" in row} == {0}
    assert {c["code"] for row in rows for c in row["code"]["coding"]} > {"10501-5"}
    assert "ng/dL" in {row["valueQuantity"]["unit"] for row in rows if "valueQuantity" in row}
    patient = first.body["context"]["patientId"]
    assert {row["subject"]["reference"] for row in rows} == {f"Patient/{patient}"}


def test_a_logged_call_can_be_sent_again(walked: Ehr, tmp_path: Any) -> None:
    replayed = list(hooks_of(log_of(walked)))
    assert len(replayed) == len(TOLD)
    settings = from_environ(
        {
            "SMARTAPP_HOME_DIR": str(tmp_path / "again"),
            "SMARTAPP_CDS_AUTH": "optional",
            "SMARTAPP_SECRET_KEYS": "k" * 40,
        },
        demo=True,
    )
    (tmp_path / "again").mkdir()
    app = create_app(settings)
    try:
        for call in replayed:
            answer = call.send(app.test_client(), APP)
            assert answer.status_code == call.status == 200
            assert isinstance((answer.json or {})["cards"], list)
    finally:
        app.extensions["stop_sweeper"]()
        app.extensions["ledger"].close()


def test_a_call_that_found_nobody_is_logged_too(make_ehr: Any) -> None:
    ehr = make_ehr((story("amos", "amos"),), app_base_url="http://127.0.0.1:9")
    ehr.client().get("/chart/amos", base_url=ORIGIN)
    (entry,) = json.loads(log_of(ehr))["entries"]
    assert (entry["kind"], entry["status"]) == ("discovery", None)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"name": [{"given": ["Amos"]}]}, {"name": [{"given": ["x"]}]}),
        ({"birthDate": "1985-04-02"}, {"birthDate": "2000-01-01"}),
        ({"issued": "2026-11-01T08:10:00-05:00"}, {"issued": "2000-01-01T00:00:00-05:00"}),
        ({"effectiveDateTime": "2026-11-1"}, {"effectiveDateTime": "9-9-9"}),
        ({"value": 210}, {"value": 0}),
        ({"value": "19,3"}, {"value": "9,9"}),
        ({"valueBoolean": True}, {"valueBoolean": False}),
        ({"code": "2986-8"}, {"code": "2986-8"}),
        ({"system": "http://loinc.org"}, {"system": "http://loinc.org"}),
        ({"code": "Amos Berg"}, {"code": "x"}),
        ({"type": ["a", None, 3]}, {"type": ["a", None, 0]}),
    ],
)  # fmt: skip
def test_shape_and_terms_stay_and_the_man_goes(value: Any, kept: Any) -> None:
    assert redaction.body(value) == kept


def test_an_id_has_one_hash_wherever_it_stands() -> None:
    read = redaction.body(
        {
            "patientId": "amos",
            "subject": {"reference": "Patient/amos"},
            "fullUrl": f"{FHIR}/Patient/amos",
            "link": [{"url": f"{FHIR}/Observation?patient=amos&_count=2"}],
        }
    )
    hashed = read["patientId"]
    assert re.fullmatch(r"h-[0-9a-f]{8}", hashed)
    assert read["subject"]["reference"] == f"Patient/{hashed}"
    assert read["fullUrl"] == f"{FHIR}/Patient/{hashed}"
    assert read["link"][0]["url"] == f"{FHIR}/Observation?patient={hashed}&_count=2"


def test_an_oauth_code_is_a_secret_and_a_loinc_code_is_none() -> None:
    assert redaction.body({"code": "abc123"}, oauth=True)["code"].startswith("h-")
    assert redaction.body({"code": "abc123"})["code"] == "abc123"
