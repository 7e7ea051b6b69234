"""Who sits at the EHR: a physician chosen from the fixtures, no password in a sandbox."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Response, request

from smartapp.demo.dig import human_name
from smartapp.demo.memory import Clock, Memory

COOKIE = "demo_ehr"
_SECONDS = 12 * 3600


class Sessions:
    """EHR sessions by cookie. Without one the first practitioner is at work."""

    def __init__(self, practitioners: list[dict[str, Any]], clock: Clock) -> None:
        self.names = {f"Practitioner/{p['id']}": human_name(p) for p in practitioners}
        self.default = next(iter(self.names))
        self._users: Memory[str] = Memory(clock)

    def known(self) -> str | None:
        """The user of this browser's session, None without a session."""
        return self._users.get(request.cookies.get(COOKIE))

    def user(self) -> str:
        """Who is at work: "Practitioner/<id>"."""
        return self.known() or self.default

    def switch(self, user: str, response: Response) -> None:
        """Start a session of `user`, who must be one of `names`."""
        key = secrets.token_urlsafe(24)
        self._users.put(key, user, _SECONDS)
        response.set_cookie(COOKIE, key, max_age=_SECONDS, httponly=True, samesite="Lax")
