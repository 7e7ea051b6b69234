"""The door's own pages: on to the EHR by POST, and what a launch that cannot go on says.

Error pages hold no patient data and offer no action, so any page may frame them: inside an EHR's
frame nobody would see them otherwise (architecture, decision 10). The page that goes on to the
sign-in acts, so only the EHR's own origins may frame it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import make_response, render_template
from werkzeug.wrappers import Response

from smartapp import errors
from smartapp.errors import LaunchError
from smartapp.settings import Settings
from smartapp.smart.authorize import AuthorizationRequest
from smartapp.smart.issuers import Issuer

_log = logging.getLogger("smartapp.smart")

CSP = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"
_OPEN_PAGE = CSP.replace("frame-ancestors *", "frame-ancestors 'none'")
# No form-action: browsers hold a form's redirects to it too, and where the sign-in leads from the
# authorization endpoint (its login pages, back to us) is the EHR's business.
_GOING_ON = "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'"


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
    errors.ClientKeyMissing: Advice(
        "The app cannot sign in to the EHR",
        "Ask whoever looks after this app to look at its keys (`smartapp keys list`).",
    ),
    errors.TokenAnswerLost: Advice("The EHR did not complete the sign-in", f"{_AGAIN} {_TELL}"),
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


def going_on(asked: AuthorizationRequest, issuer: Issuer, styles: str) -> Response:
    """The page that carries the authorization request by POST: by script, or by its button."""
    response = make_response(render_template("smart/authorize.html", asked=asked, styles=styles))
    ancestors = " ".join(issuer.frame_ancestors) or "'none'"
    response.headers["Content-Security-Policy"] = f"{_GOING_ON}; frame-ancestors {ancestors}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    unstored(response)
    # With no referrer at all the POST would say `Origin: null`, which servers may refuse. The
    # origin alone shows nothing of this page's address.
    response.headers["Referrer-Policy"] = "strict-origin"
    return response


def choice_of_ehrs(issuers: Sequence[Issuer], settings: Settings) -> Response:
    """The configured EHRs, each with the way in: sign-in, or the list of an open test server."""
    rows = [
        (
            issuer,
            settings.url("/open" if issuer.auth == "none" else "/standalone")
            + f"?{urlencode({'iss': issuer.fhir_base})}",
        )
        for issuer in issuers
    ]
    styles = settings.url("/smart-static")
    response = make_response(render_template("smart/ehrs.html", rows=rows, styles=styles))
    response.headers["Content-Security-Policy"] = _OPEN_PAGE
    response.headers["X-Content-Type-Options"] = "nosniff"
    return unstored(response)


def unstored(response: Response) -> Response:
    """Keep what the address bar held out of caches and out of the next site's Referer."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
