"""What every page of a launch tells the browser: no foreign code, no frame but the EHR's."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response, request

from smartapp.errors import TrustError

_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'"
)


def content_policy(frame_ancestors: Iterable[str]) -> str:
    """The Content-Security-Policy; without an ancestor the page may not be framed at all."""
    ancestors = " ".join(frame_ancestors) or "'none'"
    return f"{_POLICY}; frame-ancestors {ancestors}"


def guard(response: Response, frame_ancestors: Iterable[str]) -> Response:
    """Puts the headers of a patient's page on a response."""
    response.headers["Content-Security-Policy"] = content_policy(frame_ancestors)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    return response


def from_our_own_page() -> None:
    """Refuses (TrustError) a form sent by another site.

    The launch id in the address is the secret no other site knows; this is the second lock. (The
    Origin header is "null" here, by our own Referrer-Policy.)
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise TrustError("This action can only be started from the app's own page.")
