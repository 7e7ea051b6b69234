"""The doctor's house: keys, a published key set, and sandbox EHRs that deviate as told."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import requests
from flask import Flask

from smartapp.demo import Behaviour, ClientRegistration, DemoConfig
from smartapp.demo.serve import start
from smartapp.doctor import Report, Visit, examine
from smartapp.doctor.check import Check
from smartapp.knowledge import Knowledge, load
from smartapp.ledger.secrets import Vault
from smartapp.serve import Running
from smartapp.settings import Settings
from smartapp.smart import Issuer, Issuers
from smartapp.smart.keyring import KeyRing

PATIENT = "gregor-halloran"
LOCAL = {"https://sandbox-ehr.example/exam-codes|TESTIS-VOL": ("testis-volume", None)}


@cache
def knowledge() -> Knowledge:
    return load()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class House:
    """A deployment: its home, its keys, and the address at which it publishes them."""

    home: Path
    ring: KeyRing
    url: str

    def settings(self, **changes: Any) -> Settings:
        usual = {"public_base_url": self.url, "home_dir": self.home, "fhir_timeout_ms": 3000}
        return Settings(**{**usual, **changes})

    def visit(self, base: str, issuer: Issuer | None = None, **changes: Any) -> Visit:
        settings = self.settings(**changes.pop("settings", {}))
        usual: dict[str, Any] = {"patient": PATIENT, "ring": self.ring}
        return Visit(
            base=base,
            catalogue=knowledge().catalogue,
            settings=settings,
            issuers=Issuers([issuer] if issuer else []),
            clock=utc_now,
            **{**usual, **changes},
        )

    @contextmanager
    def ehr(self, behaviour: Behaviour) -> Iterator[DemoConfig]:
        """A sandbox EHR that knows this deployment by its key."""
        port = free_port()
        client = ClientRegistration(
            client_id="hpg-doctor",
            redirect_uris=(f"{self.url}/callback",),
            auth="key",
            jwks=self.ring.published(),
        )
        config = DemoConfig(
            origin=f"http://localhost:{port}",
            app_base_url=self.url,
            launch_url=f"{self.url}/launch",
            redirect_uris=(f"{self.url}/callback",),
            clients=(client,),
            behaviour=behaviour,
        )
        running = start(config, port=port)
        try:
            yield config
        finally:
            running.stop()

    def report(self, behaviour: Behaviour, *, settings: Any = None, **table: Any) -> Report:
        """What the doctor says of a sandbox EHR, with `table` in the issuers file."""
        with self.ehr(behaviour) as config:
            usual: dict[str, Any] = {
                "auth": "key" if behaviour.oauth else "none",
                "client_id": "hpg-doctor",
                "timezone": "America/New_York",
                "local_codes": LOCAL,
            }
            issuer = Issuer(fhir_base=config.fhir_base, **{**usual, **table})
            return examine(self.visit(config.fhir_base, issuer, settings=settings or {}))


@contextmanager
def open_house(home: Path) -> Iterator[House]:
    ring = KeyRing(home, Vault(("k" * 48,)), utc_now)
    ring.generate()
    site = Flask("published_keys")
    site.add_url_rule("/.well-known/jwks.json", "jwks", lambda: json.dumps(ring.published()))
    running = Running(site, "127.0.0.1", 0)
    try:
        yield House(home, ring, f"http://127.0.0.1:{running.port}")
    finally:
        running.stop()


def by_name(report: Report) -> dict[str, Check]:
    return {check.name: check for check in report.checks}


def verdicts(report: Report) -> dict[str, str]:
    return {check.name: check.verdict for check in report.checks}


def put(base: str, resource: dict[str, Any]) -> None:
    """Write one resource to an open sandbox EHR."""
    address = f"{base}/{resource['resourceType']}/{resource['id']}"
    requests.put(address, json=resource, timeout=5).raise_for_status()
