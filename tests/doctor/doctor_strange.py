"""A FHIR server that answers as it is told, in ways that no sandbox EHR of ours would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from doctor_house import PATIENT
from flask import Flask, request

Serve = Callable[["Strange"], str]


class Strange(Flask):
    """A FHIR server that is told answer by answer; remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__("strange")
        self.asked: list[tuple[str, str, bytes]] = []
        self.before_request(self._remember)

    def _remember(self) -> None:
        self.asked.append((request.method, request.path, request.get_data()))

    def says(self, path: str, answer: Any, method: str = "GET") -> Strange:
        view = answer if callable(answer) else lambda **_: answer
        self.add_url_rule(path, f"{method} {path}", view, methods=[method])
        return self

    def has_sign_in(self, **changes: Any) -> Strange:
        def configuration() -> dict[str, Any]:
            root = request.host_url + "oauth"
            usual = {
                "authorization_endpoint": f"{root}/authorize",
                "token_endpoint": f"{root}/token",
                "capabilities": ["launch-ehr", "client-public", "permission-v2"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["launch", "openid", "fhirUser", "patient/*.cruds"],
            }
            return {**usual, **changes}

        self.says("/fhir/.well-known/smart-configuration", configuration)
        self.says("/oauth/authorize", ("no", 400))
        return self.says("/oauth/token", ({"error": "invalid_request"}, 400), "POST")


def bundle(*rows: dict[str, Any], next_: str | None = None) -> dict[str, Any]:
    link = [{"relation": "next", "url": next_}] if next_ else []
    entry = [{"resource": row} for row in rows]
    return {"resourceType": "Bundle", "type": "searchset", "link": link, "entry": entry}


def open_server(patient: dict[str, Any] | None = None, **rows: Any) -> Strange:
    """Answers every search with nothing, but for what is given by type."""
    site = Strange()
    site.says("/fhir/Patient", bundle())
    man = {"resourceType": "Patient", "id": PATIENT, **(patient or {})}
    site.says(f"/fhir/Patient/{man['id']}", man)
    site.says("/fhir/<kind>", lambda kind: rows[kind]() if kind in rows else bundle())
    return site
