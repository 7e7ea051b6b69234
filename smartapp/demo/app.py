"""The sandbox EHR put together: authorization server, FHIR API, pages."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask

from smartapp.demo.config import DemoConfig
from smartapp.demo.developer import views as developer_views
from smartapp.demo.developer.log import WireLog
from smartapp.demo.developer.views import listen
from smartapp.demo.fhir import views as fhir_views
from smartapp.demo.fhir.api import FhirApi
from smartapp.demo.fhir.repository import Repository
from smartapp.demo.memory import Clock
from smartapp.demo.oauth import views as oauth_views
from smartapp.demo.oauth.keys import process_keys
from smartapp.demo.oauth.server import build_server
from smartapp.demo.oauth.vault import Vault
from smartapp.demo.origin import guard
from smartapp.demo.ward import views as ward_views
from smartapp.demo.ward.desk import Desk
from smartapp.demo.ward.firing import Firings
from smartapp.demo.ward.services import CdsServices
from smartapp.demo.ward.session import Sessions
from smartapp.share import share
from smartapp.stories import Story, load_practitioners, load_stories


def create_ehr(
    config: DemoConfig,
    *,
    stories: tuple[Story, ...] | None = None,
    clock: Clock = time.time,
) -> Flask:
    """A sandbox EHR over the fixture patients (or over `stories`), all state in memory.

    Refuses (ConfigError) fixtures that cannot be read. `clock` tells the time for everything that
    expires.
    """
    clock = _skewed(clock, config.behaviour.clock_skew)
    stories = load_stories(config.anchor) if stories is None else stories
    practitioners = load_practitioners()
    app = Flask(__name__, static_folder=str(share("static") / "demo"), static_url_path="/static")
    repository = app.extensions["demo_repository"] = Repository(stories, practitioners)
    _open_visits(repository, stories, config)
    guard(app, config, clock)
    keys = process_keys()
    vault = app.extensions["demo_vault"] = Vault(config.behaviour, clock)
    sessions = Sessions(practitioners, clock)
    log = WireLog(clock)
    api = FhirApi(config, repository, clock)
    services = CdsServices(config, api, vault, keys, clock, log)
    desk = Desk(config, repository, services, vault, Firings(config.launch_url, clock))

    server = build_server(app, config, vault, keys, clock)
    oauth = oauth_views.blueprint(
        config, server, vault, keys, sessions.known, sessions.default, repository.patients
    )
    listen(oauth, log)
    app.register_blueprint(oauth)
    app.register_blueprint(developer_views.blueprint(log))
    app.register_blueprint(fhir_views.blueprint(config, api, repository, vault))
    app.register_blueprint(ward_views.blueprint(config, stories, repository, desk, sessions))
    return app


def _skewed(clock: Clock, seconds: int) -> Clock:
    return clock if not seconds else lambda: clock() + seconds


def _open_visits(repository: Repository, stories: tuple[Story, ...], config: DemoConfig) -> None:
    """Give each patient without one a visit in progress today: an open chart has an encounter."""
    for story in stories:
        visits = repository.of("Encounter", story.patient_id)
        if not any(visit.resource.get("status") == "in-progress" for visit in visits):
            repository.add(_visit(story.patient_id, config.anchor.isoformat()), story.patient_id)


def _visit(patient: str, day: str) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": f"visit-{patient}"[:64],
        "status": "in-progress",
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": "AMB",
            "display": "ambulatory",
        },
        "type": [{"text": "Clinic visit"}],
        "subject": {"reference": f"Patient/{patient}"},
        "period": {"start": day},
    }
