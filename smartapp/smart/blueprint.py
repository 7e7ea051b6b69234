"""The routes of the front door: `/launch`, `/standalone`, `/callback`, `/open`, our keys."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec
from flask import Blueprint, jsonify, make_response, redirect, request
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.wrappers import Response

from smartapp.errors import (
    AuthorizationRefused,
    CookieLost,
    LaunchError,
    MissingLaunch,
    NoPatient,
    StateRejected,
    UnknownIssuer,
)
from smartapp.grants import Grants
from smartapp.ledger import AuditEvent, audit
from smartapp.smart import id_token, scopes, tokens
from smartapp.smart.authorize import Attempt, authorization_request
from smartapp.smart.context import LaunchContext
from smartapp.smart.ids import bare_id
from smartapp.smart.keys import JWKS_MAX_AGE
from smartapp.smart.pages import choice_of_ehrs, going_on, launch_error, unstored
from smartapp.smart.sessions import JWKS_PATH, NewLaunch, Sessions, new_browser, set_cookie

_LONGEST = 8192
_STYLES = "/smart-static"
_ERROR_CODE = re.compile(r"[a-z_]{1,40}")

_log = logging.getLogger("smartapp.smart")


def blueprint(sessions: Sessions) -> Blueprint:
    """The front door of one deployment; registers the page of every LaunchError with the app."""
    door = Door(sessions)
    smart = Blueprint(
        "smart",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path=_STYLES,
    )
    smart.add_url_rule("/launch", view_func=door.launch, methods=["GET"])
    smart.add_url_rule("/standalone", view_func=door.standalone, methods=["GET"])
    smart.add_url_rule("/callback", view_func=door.callback, methods=["GET"])
    smart.add_url_rule("/open", view_func=door.open_server, endpoint="open", methods=["GET"])
    smart.add_url_rule(JWKS_PATH, view_func=door.jwks, methods=["GET"])
    smart.add_url_rule("/chart/<launch_id>/ehr-style.css", view_func=door.style, methods=["GET"])
    smart.before_request(_only_get)
    smart.app_errorhandler(LaunchError)(door.refused)
    return smart


@dataclass(frozen=True, slots=True)
class Door:
    """The views. All they know comes with `sessions`."""

    sessions: Sessions

    def launch(self) -> Response:
        """EHR launch: send the browser to the EHR's authorization server, with no stop between."""
        iss, launch = _one("iss"), _one("launch")
        if iss is None or launch is None:
            raise MissingLaunch("The EHR must open this app with `iss` and `launch`.")
        return self._begin(iss, launch)

    def standalone(self) -> Response:
        """Standalone launch at the EHR named by `iss`; without one at the only one there is, or
        from a list. The patient is chosen at the EHR's sign-in, or else afterwards here."""
        iss = _one("iss")
        if iss is not None:
            return self._begin(iss, None)
        if "iss" in request.args:
            raise MissingLaunch("`iss` must be given once: the FHIR address of the EHR.")
        # A prefix is no address of a server: who knows one below it names it.
        listed = [issuer for issuer in self.sessions.issuers if not issuer.prefix]
        if not listed:
            raise MissingLaunch("No EHR is configured here that could be listed; name it by `iss`.")
        if len(listed) == 1 and listed[0].auth != "none":
            return self._begin(listed[0].fhir_base, None)
        return choice_of_ehrs(listed, self.sessions.settings)

    def _begin(self, iss: str, launch: str | None) -> Response:
        """Send the browser to the sign-in of the EHR that is `iss`."""
        issuer = self.sessions.issuers.match(iss)
        if issuer.auth == "none":
            raise MissingLaunch("This is an open test server: it is opened at /open, not launched.")
        if launch is None and not issuer.prefix:
            # Typed by a person or kept in a bookmark: `aud` is the base as the site wrote it.
            iss = issuer.fhir_base
        config = self.sessions.discovery.smart(iss)
        # Refused now, where a key is missing, and not after the user has signed in.
        self.sessions.clients.user_client(issuer, config)
        asked = authorization_request(
            issuer,
            config,
            iss=iss,
            launch=launch,
            scope=scopes.wanted(issuer, config, standalone=launch is None),
            redirect_uri=self.sessions.settings.url("/callback"),
        )
        browser = self.sessions.browser() or new_browser()
        self.sessions.launches.remember_state(
            asked.state, browser, msgspec.json.encode(asked.attempt), self.sessions.clock()
        )
        if issuer.authorize == "post":
            page = going_on(asked, issuer, self.sessions.settings.url(_STYLES))
            set_cookie(page, browser)
            return page
        return _sent(asked.url, browser, 302)

    def callback(self) -> Response:
        """The EHR's answer: state first, then everything else; then a clean address."""
        attempt, browser = self._attempt()
        try:
            new = self._finish(attempt)
        except LaunchError as error:
            self._noted(attempt, error)
            raise
        context = self.sessions.begin(new, browser)
        _log.info("launch begun: issuer=%s", context.issuer)
        return self._to_chart(new, context, browser)

    def open_server(self) -> Response:
        """A patient of an open test server, by id or from a list, without any authorization; the
        pages say so."""
        iss, given = _one("iss"), "patient" in request.args
        if iss is None:
            raise MissingLaunch("An open test server needs `iss`, and may be given a `patient`.")
        issuer = self.sessions.issuers.match(iss)
        if issuer.auth != "none":
            raise UnknownIssuer(
                "This EHR is not an open test server: open the app from a patient's chart."
            )
        patient = bare_id(_one("patient"), "Patient")
        if given and patient is None:
            raise NoPatient("The patient's id is not a FHIR id.")
        browser = self.sessions.browser() or new_browser()
        new = NewLaunch(issuer, iss, patient)
        return self._to_chart(new, self.sessions.begin(new, browser), browser)

    def style(self, launch_id: str) -> Response:
        """The EHR's looks as a style sheet of ours; empty where there are none to be used."""
        context = self.sessions.current(launch_id)
        sheet = make_response(self.sessions.style(context))
        sheet.mimetype = "text/css"
        sheet.headers["X-Content-Type-Options"] = "nosniff"
        sheet.headers["Cache-Control"] = "private, max-age=600"
        return sheet

    def jwks(self) -> Response:
        """Our public keys, for anyone; kept by others no longer than a rotation waits for them."""
        response = jsonify(self.sessions.clients.ring.published())
        age = int(JWKS_MAX_AGE.total_seconds())
        response.headers["Cache-Control"] = f"public, max-age={age}"
        response.add_etag()
        return response.make_conditional(request)

    def refused(self, error: LaunchError) -> Response:
        """The page of a launch error, for this room's routes and the chart's alike."""
        return launch_error(error, self.sessions.settings.url(f"{_STYLES}/launch.css"))

    def _attempt(self) -> tuple[Attempt, str]:
        """The launch this callback belongs to, and the browser it belongs to: both or a refusal.

        The state is spent by the first look, whatever comes of it.
        """
        state = _one("state")
        taken = (
            None
            if state is None
            else self.sessions.launches.take_state(state, self.sessions.clock())
        )
        if taken is None:
            raise StateRejected("This sign-in is not known here, or was already completed.")
        attempt = msgspec.json.decode(taken.payload, type=Attempt)
        browser = self.sessions.browser()
        if browser is None:
            raise self._noted(
                attempt,
                CookieLost(
                    "The EHR signed you in, but the browser did not send this app's cookie back, "
                    "so the answer could not be matched to your launch.",
                    relaunch=self._relaunch(attempt),
                ),
            )
        if not taken.of_browser(browser):
            raise self._noted(attempt, StateRejected("This sign-in was begun in another browser."))
        if taken.expired:
            raise self._noted(attempt, StateRejected("This sign-in took too long to come back."))
        return attempt, browser

    def _finish(self, attempt: Attempt) -> NewLaunch:
        """The tokens, the user and the patient, or a refusal."""
        sessions = self.sessions
        issuer = sessions.issuers.named(attempt.issuer)
        config = sessions.discovery.smart(attempt.iss)
        named = {config.issuer, issuer.id_token_issuer, attempt.iss}
        code = _code(named, must_say=config.names_itself)
        granted = tokens.exchange_code(
            sessions.clients.user_client(issuer, config),
            config,
            code=code,
            verifier=attempt.verifier,
            redirect_uri=attempt.redirect_uri,
            timeout_s=sessions.timeout_s,
        )
        user = None
        if granted.id_token is not None:
            user = id_token.verify(
                granted.id_token, issuer, config, sessions.discovery,
                fhir_base=attempt.iss, nonce=attempt.nonce, now=sessions.clock(),
            )  # fmt: skip
        scope = attempt.scope if granted.scope is None else granted.scope
        if granted.patient is None and (granted.names_patient or not _may_choose(scope)):
            raise NoPatient(
                "The EHR signed you in, but named no patient, and gave no permission to look for "
                "one."
            )
        return NewLaunch(issuer, attempt.iss, granted.patient, user, scope, granted)

    def _relaunch(self, attempt: Attempt) -> str:
        if attempt.launch is None:
            return self.sessions.settings.url(f"/standalone?{urlencode({'iss': attempt.iss})}")
        query = urlencode({"iss": attempt.iss, "launch": attempt.launch})
        return self.sessions.settings.url(f"/launch?{query}")

    def _noted(self, attempt: Attempt, error: LaunchError) -> LaunchError:
        """`error`, after the audit has it. Strangers without a state write nothing there."""
        event = AuditEvent(
            kind=audit.LAUNCH_REFUSED,
            at=self.sessions.clock(),
            issuer=attempt.iss,
            detail={"error": type(error).__name__},
        )
        with self.sessions.ledger.transaction() as conn:
            audit.append(conn, event)
        return error

    def _to_chart(self, new: NewLaunch, context: LaunchContext, browser: str) -> Response:
        # 303 and a clean address: code and state leave the address bar.
        room = "choose" if new.patient_id is None else "chart"
        return _sent(self.sessions.settings.url(f"/{room}/{context.launch_id}/"), browser, 303)


def _only_get() -> None:
    """Refuses (405) a HEAD, which Flask answers like a GET: a link checker must spend no state."""
    if request.method == "HEAD" and request.endpoint not in ("smart.static", "smart.jwks"):
        raise MethodNotAllowed(["GET"])


def _one(name: str) -> str | None:
    """A query parameter given exactly once, not empty and not absurdly long; else None."""
    values = request.args.getlist(name)
    return values[0] if len(values) == 1 and 0 < len(values[0]) <= _LONGEST else None


def _may_choose(scope: str) -> bool:
    """Whether the user's own rights let him look for a patient, and the app read the one found."""
    granted = Grants.of(scope.split())
    return granted.by_user("Patient", "s") and granted.by_user("Patient", "r")


def _code(issuers: set[str | None], *, must_say: bool) -> str:
    """The authorization code of this callback.

    Refuses (AuthorizationRefused) an error, an error beside a code, neither, and an `iss`
    (RFC 9207) that is none of `issuers`, or absent where the server says that it sends one.
    """
    code, error, iss = _one("code"), request.args.get("error"), request.args.get("iss")
    if iss is None and must_say:
        raise AuthorizationRefused("The answer does not say which server it comes from.")
    if iss is not None and iss not in issuers:
        raise AuthorizationRefused("The answer came from another server than the one asked.")
    if error is not None:
        named = error if _ERROR_CODE.fullmatch(error) else "error"
        said = request.args.get("error_description", "")[:300]
        beside = " beside a code" if request.args.get("code") is not None else ""
        raise AuthorizationRefused(f"The EHR answered {named}{beside}.", said=said or None)
    if code is None:
        raise AuthorizationRefused("The EHR's answer holds neither a code nor an error.")
    return code


def _sent(address: str, browser: str, status: int) -> Response:
    response = unstored(redirect(address, status))
    set_cookie(response, browser)
    return response
