"""Calling the app's CDS services over HTTP, as an EHR does (CDS Hooks 2.0.1)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import requests
from joserfc import jwt

from smartapp.demo.config import DemoConfig
from smartapp.demo.developer.log import WireLog, json_message
from smartapp.demo.dig import dig, rows, text
from smartapp.demo.fhir.api import FhirApi
from smartapp.demo.memory import Clock
from smartapp.demo.oauth.keys import Keys
from smartapp.demo.oauth.records import Context, Grant
from smartapp.demo.oauth.vault import Vault
from smartapp.demo.ward.prefetch import fill
from smartapp.stories import wire

# Every type the app may need; the sandbox's services get no more than the app itself would.
_SCOPE = " ".join(
    f"patient/{name}.rs"
    for name in (
        "Patient", "Observation", "Condition", "Procedure", "MedicationRequest",
        "MedicationStatement", "AllergyIntolerance", "Goal", "Encounter", "Medication",
        "MedicationDispense", "MedicationAdministration", "QuestionnaireResponse",
    )
)  # fmt: skip
_SUBJECT = "hpg-monitor"
_TOKEN_SECONDS = 120
_TIMEOUT = (2, 10)
_JWT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call to one service: what was sent, what came back.

    `status` is None when no answer came; `problem` then says why, in words for the chart.
    `answer` is the decoded JSON object, empty when there was none.
    """

    service: str
    title: str
    url: str
    sent: bytes
    status: int | None
    received: bytes
    milliseconds: int
    problem: str | None
    answer: dict[str, Any]


class CdsServices:
    """The app's services as this EHR knows them: found by discovery, called by hook."""

    def __init__(
        self,
        config: DemoConfig,
        api: FhirApi,
        vault: Vault,
        keys: Keys,
        clock: Clock,
        log: WireLog,
    ) -> None:
        self._config = config
        self._api = api
        self._vault = vault
        self._keys = keys
        self._clock = clock
        self._log = log
        self._base = f"{config.app_base_url}/cds-services"

    def fire(self, hook: str, context: dict[str, Any], who: Context) -> list[Exchange]:
        """Call every service of `hook` with its prefetch filled and a short-lived token.

        Never raises for what the other side does: an unreachable service or a wrong answer is an
        Exchange with a `problem`, and the chart goes on without its advice.
        """
        found = self._exchange("discovery", "Discovery", self._base, None)
        if found.problem:
            return [found]
        services = [s for s in rows(found.answer, "services") if s.get("hook") == hook]
        instance = str(uuid.uuid4())
        return [self._call(service, hook, instance, context, who) for service in services]

    def feedback(self, service_url: str, item: Mapping[str, Any]) -> Exchange:
        """Tell a service what became of one of its cards."""
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        body = wire.encode({"feedback": [{**item, "outcomeTimestamp": moment}]})
        return self._exchange("feedback", "Feedback", f"{service_url}/feedback", body)

    def _call(
        self,
        service: dict[str, Any],
        hook: str,
        instance: str,
        context: dict[str, Any],
        who: Context,
    ) -> Exchange:
        grant = Grant(_SUBJECT, _SCOPE, who, family=instance)
        body: dict[str, Any] = {
            "hook": hook,
            "hookInstance": instance,
            "fhirServer": self._config.fhir_base,
            "context": context,
        }
        if self._config.behaviour.fhir_authorization:
            body["fhirAuthorization"] = self._authorization(grant)
        templates = {k: t for k, t in _object(service, "prefetch").items() if isinstance(t, str)}
        if templates and self._config.behaviour.prefetch:
            body["prefetch"] = fill(templates, context, grant, self._api, self._config.fhir_root)
        name = text(service, "id") or "unnamed"
        title = text(service, "title") or name
        try:
            return self._exchange(name, title, f"{self._base}/{name}", wire.encode(body))
        finally:
            self._vault.revoke_family(instance)

    def _authorization(self, grant: Grant) -> dict[str, Any]:
        return {
            "access_token": self._vault.short_token(grant, _TOKEN_SECONDS),
            "token_type": "Bearer",
            "expires_in": _TOKEN_SECONDS,
            "scope": grant.scope,
            "subject": grant.client_id,
            "patient": grant.context.patient,
        }

    def _exchange(self, service: str, title: str, url: str, body: bytes | None) -> Exchange:
        started = time.perf_counter()
        status, received, problem = None, b"", None
        headers = {"Authorization": f"Bearer {self._jwt(url)}", "Accept": "application/json"}
        headers |= {"Content-Type": "application/json"} if body else {}
        method = "GET" if body is None else "POST"
        said: list[tuple[str, str]] = []
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.request(
                    method,
                    url,
                    data=body,
                    headers=headers,
                    timeout=_TIMEOUT,
                    allow_redirects=False,
                )
            status, received = answer.status_code, answer.content
            said = list(answer.headers.items())
        except requests.Timeout:
            problem = "The decision support service did not answer in time."
        except requests.RequestException:
            problem = "The decision support service could not be reached."
        decoded = _decoded(received)
        if problem is None:
            problem = _complaint(status, decoded, feedback=service == "feedback")
        elapsed = round((time.perf_counter() - started) * 1000)
        self._log.add(
            kind=service if service in ("discovery", "feedback") else "hook",
            step=service,
            method=method,
            url=url,
            request=json_message(headers.items(), body or b""),
            status=status,
            response=json_message(said, received),
            milliseconds=elapsed,
        )
        return Exchange(
            service, title, url, body or b"", status, received, elapsed, problem, decoded or {}
        )

    def _jwt(self, audience: str) -> str:
        """The token with which CDS Hooks clients say who they are: one call, one audience."""
        key = self._keys.hooks
        now = int(self._clock())
        header = {"alg": "ES384", "typ": "JWT", "kid": key.kid, "jku": self._config.jwks_url}
        claims = {
            "iss": self._config.fhir_base,
            "aud": audience,
            "iat": now,
            "exp": now + _JWT_SECONDS,
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode(header, claims, key, algorithms=["ES384"])


def _object(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = dig(value, name)
    return found if isinstance(found, dict) else {}


def _decoded(received: bytes) -> dict[str, Any] | None:
    try:
        value = wire.decode(received)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _complaint(status: int | None, answer: dict[str, Any] | None, *, feedback: bool) -> str | None:
    if feedback:
        fine = status is not None and 200 <= status < 300
        return None if fine else f"The feedback was answered with {status}."
    if status != 200:
        return f"The decision support service answered {status}."
    return None if answer is not None else "The decision support service did not answer in JSON."
