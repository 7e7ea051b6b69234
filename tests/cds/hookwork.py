"""Hook calls by hand: small patients, bodies, and a service with a clock that stands still."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from smartapp.cds import Client, Clients, Site, Sites, blueprint
from smartapp.knowledge import Knowledge
from smartapp.ledger import Ledger, open_ledger
from smartapp.settings import Settings

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
PATIENT = "smith"
EHR = "http://127.0.0.1:9/fhir"
KEYS = (
    "hormones",
    "safety",
    "conditions",
    "procedures",
    "medicationRequests",
    "medicationStatements",
    "allergies",
    "goals",
    "dispenses",
    "administrations",
    "questionnaires",
)

# What draws of a day measure, by LOINC, for a man whose axis is the point of the story.
T, LH, FSH, PROLACTIN, HEMATOCRIT = "2986-8", "10501-5", "15067-2", "2842-3", "4544-3"

Json = dict[str, Any]


class Clock:
    """A clock that a test turns by hand."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


class Door:
    """A running service and its ledger."""

    def __init__(
        self,
        home: Path,
        knowledge: Knowledge,
        *,
        settings: dict[str, Any] | None = None,
        sites: Sequence[Site] = (),
        clients: Sequence[Client] = (),
    ) -> None:
        chosen: dict[str, Any] = {"home_dir": home, "demo": True, "cds_auth": "optional"}
        self.settings = Settings(**{**chosen, **(settings or {})})
        self.clock = Clock()
        self.ledger: Ledger = open_ledger(self.settings)
        app = Flask("door")
        app.register_blueprint(
            blueprint(
                self.settings,
                knowledge,
                self.ledger,
                sites=Sites(sites),
                clients=Clients(clients),
                clock=self.clock,
            ),
            url_prefix=self.settings.base_path or None,
        )
        self.web: FlaskClient = app.test_client()

    def post(self, service: str, body: Json | bytes, **headers: str) -> TestResponse:
        where = f"{self.settings.base_path}/cds-services/{service}"
        if isinstance(body, bytes):
            return self.web.post(where, data=body, content_type="application/json", headers=headers)
        return self.web.post(where, json=body, headers=headers)

    def cards(self, body: Json) -> list[Json]:
        """The cards of a call that must be answered."""
        answer = self.post(f"hpg-{body['hook']}", body)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        cards: list[Json] = answer.get_json()["cards"]
        return cards


def patient(**changes: Any) -> Json:
    return {
        "resourceType": "Patient",
        "id": PATIENT,
        "gender": "male",
        "birthDate": "1986-04-01",
        "name": [{"family": "Smith", "given": ["John"]}],
        **changes,
    }


def result(loinc: str, value: float | str, unit: str, *, day: int, id_: str | None = None) -> Json:
    """A final result drawn at 08:10 New York time, `day` days from now."""
    drawn = (NOW + timedelta(days=day)).date().isoformat()
    return {
        "resourceType": "Observation",
        "id": id_ or f"o-{loinc}-{-day}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "effectiveDateTime": f"{drawn}T08:10:00-05:00",
        "valueQuantity": {
            "value": value,
            "unit": unit,
            "system": "http://unitsofmeasure.org",
            "code": unit,
        },
    }


def draw(day: int, *, t: float, lh: float, fsh: float) -> list[Json]:
    """One morning's testosterone (ng/dL), LH and FSH (IU/L)."""
    return [
        result(T, t, "ng/dL", day=day),
        result(LH, lh, "[IU]/L", day=day),
        result(FSH, fsh, "[IU]/L", day=day),
    ]


def severe() -> list[Json]:
    """Severe primary failure: low testosterone twice, LH far above twice its upper limit."""
    return [*draw(-40, t=120, lh=31, fsh=44), *draw(-10, t=110, lh=33, fsh=46)]


def condition(code: str, text: str, *, system: str = "icd-10-cm", **changes: Any) -> Json:
    active = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    return {
        "resourceType": "Condition",
        "id": f"c-{code.replace('.', '')}",
        "clinicalStatus": {"coding": [{"system": active, "code": "active"}]},
        "code": {
            "coding": [{"system": f"http://hl7.org/fhir/sid/{system}", "code": code}],
            "text": text,
        },
        "subject": {"reference": f"Patient/{PATIENT}"},
        "recordedDate": "2026-10-01",
        **changes,
    }


def bundle(*resources: Json, **members: Any) -> Json:
    """A searchset; without resources it has no `entry` at all, as the standard wants."""
    found: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(resources)}
    if resources:
        found["entry"] = [{"resource": resource} for resource in resources]
    return {**found, **members}


def prefetch(hormones: Sequence[Json] = (), **keys: Any) -> Json:
    """Every key answered: the given ones, and empty Bundles for the rest."""
    return {
        "patient": patient(),
        **{key: bundle() for key in KEYS},
        "hormones": bundle(*hormones),
        **keys,
    }


def view(data: Json | None = None, **members: Any) -> Json:
    """A patient-view call. `data` is its prefetch; None leaves the member out."""
    body: Json = {
        "hook": "patient-view",
        "hookInstance": str(uuid4()),
        "context": {"userId": "Practitioner/ada", "patientId": PATIENT, "encounterId": "e1"},
        **members,
    }
    return body if data is None else {**body, "prefetch": data}


def draft(text: str = "clomiphene citrate 50 mg tablet", id_: str = "draft-1", **more: Any) -> Json:
    return {
        "resourceType": "MedicationRequest",
        "id": id_,
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {"text": text},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "dosageInstruction": [{"text": "25 mg by mouth once a day"}],
        **more,
    }


def order(
    data: Json | None, *drafts: Json, hook: str = "order-sign", select: Sequence[str] = ()
) -> Json:
    """An order hook with these drafts (without a Bundle type, as the public sandbox sends them)."""
    body = view(data)
    body["hook"] = hook
    body["context"]["draftOrders"] = {
        "resourceType": "Bundle",
        "entry": [{"resource": resource} for resource in drafts],
    }
    if hook == "order-select":
        body["context"]["selections"] = list(select)
    return body


def codes(cards: Sequence[Json]) -> list[str]:
    """The finding codes of all cards, in order."""
    return [f["code"] for card in cards for f in findings_of(card)]


def findings_of(card: Json) -> list[Json]:
    found: list[Json] = card["extension"]["example.hpg-recalibration.findings"]
    return found
