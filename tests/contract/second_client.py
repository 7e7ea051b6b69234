"""A CDS client that knows the standard and nothing of this product: requests, joserfc, JSON.

It signs, calls, answers cards, and judges what comes back by CDS Hooks 2.0.1 alone.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import requests
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

Json = dict[str, Any]

ISS = "https://second.example/cds"
JKU = "https://second.example/cds/jwks.json"


@dataclass(frozen=True)
class SecondClient:
    """One EHR. `algorithm` None: it does not sign."""

    base: str
    algorithm: str | None = "ES384"
    ec: ECKey = field(default_factory=lambda: ECKey.generate_key("P-384", {"kid": "second/ec+1="}))
    rsa: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "second-rsa"}))
    session: requests.Session = field(default_factory=requests.Session)

    def jwks(self) -> Json:
        """What it publishes."""
        return dict(KeySet([self.ec, self.rsa]).as_dict(private=False))

    def discover(self) -> list[Json]:
        answer = self.session.get(f"{self.base}/cds-services", headers=self._signed(""), timeout=20)
        answer.raise_for_status()
        services: list[Json] = answer.json()["services"]
        return services

    def post(self, path: str, body: Json | bytes) -> requests.Response:
        """A call to `path` below /cds-services; only a Content-Type is sent beside the token."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **self._signed(f"/{path}")}
        return self.session.post(
            f"{self.base}/cds-services/{path}", data=data, headers=headers, timeout=20
        )

    def preflight(self, path: str, origin: str) -> requests.Response:
        """What a browser asks before it sends the call itself."""
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type",
        }
        return self.session.options(f"{self.base}/cds-services/{path}", headers=headers, timeout=20)

    def _signed(self, path: str) -> dict[str, str]:
        if self.algorithm is None:
            return {}
        key = self.ec if self.algorithm.startswith("ES") else self.rsa
        now = round(time.time())
        claims = {
            "iss": ISS,
            "aud": f"{self.base}/cds-services{path}",
            "iat": now,
            "exp": now + 300,
            "jti": (uuid4().hex + uuid4().hex),
        }
        header = {"alg": self.algorithm, "typ": "JWT", "kid": key.kid, "jku": JKU}
        token = jwt.encode(header, claims, key, algorithms=[self.algorithm])
        return {"Authorization": f"Bearer {token}"}


def faults(answer: Any) -> list[str]:
    """What is wrong with a 200's body, by the standard and by the stricter test kits."""
    if not isinstance(answer, dict) or not isinstance(answer.get("cards"), list):
        return ["no array of cards"]
    found = [f"{where} is empty" for where in _empty(answer) if where not in _MAY_BE_EMPTY]
    for place, card in enumerate(answer["cards"]):
        found += [f"cards[{place}]: {fault}" for fault in _card_faults(card)]
    for action in answer.get("systemActions", ()):
        found += _action_faults(action)
    return found


# A card list may be empty; the other only for kits that insist on the member.
_MAY_BE_EMPTY = ("$.cards", "$.systemActions")


def _empty(value: Any, path: str = "$") -> Iterator[str]:
    if value is None or value == "" or value == [] or value == {}:
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _empty(item, f"{path}.{key}")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _empty(item, f"{path}[{place}]")


def _card_faults(card: Json) -> Iterator[str]:
    if not _is_uuid(card.get("uuid")):
        yield "no uuid"
    if not (isinstance(card.get("summary"), str) and len(card["summary"]) < 140):
        yield "summary"
    if card.get("indicator") not in ("info", "warning", "critical"):
        yield "indicator"
    source = card.get("source", {})
    if not isinstance(source.get("label"), str) or not _is_coding(source.get("topic")):
        yield "source"
    if re.search(r"<[A-Za-z/!]", card.get("detail", "")):
        yield "detail holds HTML"
    for reason in card.get("overrideReasons", ()):
        if not (_is_coding(reason) and isinstance(reason.get("display"), str)):
            yield "overrideReasons"
    suggestions = card.get("suggestions", ())
    if bool(suggestions) != (card.get("selectionBehavior") in ("at-most-one", "any")):
        yield "selectionBehavior"
    for suggestion in suggestions:
        if not (isinstance(suggestion.get("label"), str) and _is_uuid(suggestion.get("uuid"))):
            yield "suggestion"
        for action in suggestion.get("actions", ()):
            yield from _action_faults(action)
    for link in card.get("links", ()):
        if link.get("type") not in ("absolute", "smart") or not urlsplit(link["url"]).netloc:
            yield "link"
        if "appContext" in link and link["type"] != "smart":
            yield "appContext"


def _action_faults(action: Json) -> Iterator[str]:
    kind = action.get("type")
    if not isinstance(action.get("description"), str):
        yield "action without description"
    if kind == "delete":
        if not re.fullmatch(r"[A-Z]\w+/[\w.-]+", action.get("resourceId", "")):
            yield "delete without resourceId"
    elif kind not in ("create", "update") or "resourceType" not in action.get("resource", {}):
        yield f"{kind} without resource"


def _is_coding(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(value.get(name), str) for name in ("code", "system")
    )


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False


def extended(value: Any) -> Any:
    """The same with an `extension` in every object, as clients add their own."""
    if isinstance(value, list):
        return [extended(item) for item in value]
    if not isinstance(value, dict):
        return value
    more = {key: extended(item) for key, item in value.items()}
    if "resourceType" in value:
        own = {"url": "https://second.example/ext", "valueString": "x"}
        return {**more, "extension": [*more.get("extension", []), own]}
    if value.keys() & {"hook", "patientId", "access_token"}:
        return {**more, "extension": {"com.example.second": {"note": ["x", None]}}}
    return more
