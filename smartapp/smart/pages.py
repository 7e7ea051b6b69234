"""What a launch that cannot go on says: what happened, what to do, and a reference.

These pages hold no patient data and offer no action, so any page may frame them: inside an EHR's
frame nobody would see them otherwise (architecture, decision 10).
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass

from flask import make_response, render_template
from werkzeug.wrappers import Response

from smartapp import errors
from smartapp.errors import LaunchError

_log = logging.getLogger("smartapp.smart")

CSP = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"


@dataclass(frozen=True, slots=True)
class Advice:
    """A title for the physician, and what to do next."""

    title: str
    step: str


_AGAIN = "Close this window and open the app from the patient's chart again."
_TELL = "If it happens again, tell whoever looks after this app and give the reference below."

_ADVICE: dict[type[LaunchError], Advice] = {
    errors.UnknownIssuer: Advice(
        "This EHR is not set up for the app",
        "Ask whoever looks after this app to add the EHR's FHIR address to its issuers file.",
    ),
    errors.MissingLaunch: Advice(
        "The app was opened without a chart",
        "Open it from a patient's chart in the EHR; its address alone is not enough.",
    ),
    errors.StateRejected: Advice("This sign-in cannot be continued", _AGAIN),
    errors.CookieLost: Advice(
        "The browser did not keep this app's cookie",
        "Inside the EHR's frame some browsers block it. Try in a window of its own, or open the "
        "app from the patient's chart again.",
    ),
    errors.AuthorizationRefused: Advice("The EHR did not give access", f"{_AGAIN} {_TELL}"),
    errors.TokenExchangeFailed: Advice("The EHR did not complete the sign-in", f"{_AGAIN} {_TELL}"),
    errors.IdTokenRejected: Advice(
        "The EHR's statement of who you are did not pass the check",
        f"The launch was stopped for safety. {_AGAIN} {_TELL}",
    ),
    errors.DiscoveryFailed: Advice(
        "The EHR's sign-in service is out of reach", f"Wait a moment. {_AGAIN} {_TELL}"
    ),
    errors.NoPatient: Advice(
        "No patient was chosen", "Open a patient's chart in the EHR, then the app from there."
    ),
    errors.LaunchExpired: Advice("This launch is over", _AGAIN),
}
_DEFAULT = Advice("The app could not be opened", f"{_AGAIN} {_TELL}")


def launch_error(error: LaunchError, stylesheet: str) -> Response:
    """The page of a launch error, and one log line with the same reference.

    Neither holds a patient, a token, a state or what the browser sent.
    """
    reference = secrets.token_hex(4)
    _log.warning(
        "launch stopped: reference=%s kind=%s reason=%s",
        reference,
        type(error).__name__,
        error.public,
    )
    page = render_template(
        "smart/error.html",
        advice=_ADVICE.get(type(error), _DEFAULT),
        error=error,
        reference=reference,
        stylesheet=stylesheet,
    )
    response = make_response(page, error.status)
    response.headers["Content-Security-Policy"] = CSP
    response.headers["X-Content-Type-Options"] = "nosniff"
    return unstored(response)


def unstored(response: Response) -> Response:
    """Keep what the address bar held out of caches and out of the next site's Referer."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
