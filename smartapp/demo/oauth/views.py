"""The authorization server's endpoints, and the two discovery documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AccessDeniedError, OAuth2Error, OAuth2Request
from flask import Blueprint, Response, jsonify, render_template, request

from smartapp.demo.config import DemoConfig
from smartapp.demo.oauth import scopes
from smartapp.demo.oauth.discovery import STYLE, openid_configuration, smart_configuration
from smartapp.demo.oauth.keys import Keys
from smartapp.demo.oauth.records import Context
from smartapp.demo.oauth.vault import Vault
from smartapp.demo.origin import is_same_origin

ChoosePatient = Callable[[], list[tuple[str, str]]]
CurrentUser = Callable[[], str | None]


def blueprint(
    config: DemoConfig,
    server: AuthorizationServer,
    vault: Vault,
    keys: Keys,
    current_user: CurrentUser,
    default_user: str,
    patients: ChoosePatient,
) -> Blueprint:
    """Authorize, token, revoke, keys and discovery; of an open test server only the keys.

    `current_user` gives "Practitioner/<id>" of this browser's EHR session, None without one;
    `default_user` is who starts a standalone launch then, and `patients` the (id, name) pairs he
    may choose from.
    """
    bp = Blueprint("oauth", __name__)

    @bp.get("/oauth2/jwks.json")
    def jwks() -> Response:
        return _open(jsonify(keys.public()), seconds=300)

    if not config.behaviour.oauth:
        return bp
    authorizing = _Authorizing(config, server, vault, current_user, default_user, patients)

    bp.add_url_rule("/oauth2/authorize", "authorize", authorizing.view, methods=["GET", "POST"])

    @bp.post("/oauth2/token")
    def token() -> Any:
        return server.create_token_response()

    @bp.post("/oauth2/revoke")
    def revoke() -> Any:
        return server.create_endpoint_response("revocation")

    def openid() -> Response:
        return _open(jsonify(openid_configuration(config)))

    def smart() -> Response:
        return _open(jsonify(smart_configuration(config)))

    if config.behaviour.style:
        bp.add_url_rule("/smart-style.json", "style", lambda: _open(jsonify(STYLE)))
    for place in _openid_places(config):
        bp.add_url_rule(f"{place}/.well-known/openid-configuration", "openid", openid)
    if (base := _smart_place(config)) is not None:
        bp.add_url_rule(f"{base}/.well-known/smart-configuration", "smart", smart)
    return bp


class _Authorizing:
    """The authorize endpoint: an EHR launch goes straight through, a standalone one is asked."""

    def __init__(
        self,
        config: DemoConfig,
        server: AuthorizationServer,
        vault: Vault,
        current_user: CurrentUser,
        default_user: str,
        patients: ChoosePatient,
    ) -> None:
        self._config = config
        self._server = server
        self._vault = vault
        self._current_user = current_user
        self._default_user = default_user
        self._patients = patients

    def view(self) -> Any:
        try:
            return self._answer(self._server.create_oauth2_request(None))
        except ValueError:
            # Authlib refuses to quote non-ASCII request text in an error description.
            return _refusal("invalid_request", "The request holds characters it may not hold.")

    def _answer(self, oauth: OAuth2Request) -> Any:
        user = self._current_user()
        try:
            grant = self._server.get_consent_grant(end_user=user or self._default_user)
        except OAuth2Error as error:
            return self._refuse(oauth, error)
        context = self._context(grant.request, user)
        if context is None:
            denied = AccessDeniedError(
                "The launch belongs to another user",
                state=request.values.get("state"),
                redirect_uri=grant.redirect_uri,
            )
            return self._refuse(oauth, denied)
        if self._needs_patient(context, grant.request.scope):
            chosen = request.form.get("chosen_patient")
            if chosen not in dict(self._patients()) or not is_same_origin(self._config):
                return self._ask_for_patient()
            context = replace(context, patient=chosen)
        answer = self._server.create_authorization_response(grant_user=context, grant=grant)
        return answer if self._keeps_state() else _without_state(answer)

    def _context(self, oauth: OAuth2Request, user: str | None) -> Context | None:
        """The launch's context; None when the browser's EHR session is somebody else's.

        A frame may not carry the session cookie at all; then the launch token alone tells who
        launched, which is why it is random, short-lived and used once.
        """
        launch = oauth.payload.data.get("launch")
        if not launch:
            return Context(user=user or self._default_user)
        context = self._vault.launch(launch)
        if context is None or (user is not None and user != context.user):
            return None
        return context

    def _needs_patient(self, context: Context, scope: str) -> bool:
        asked = context.patient is None and scopes.wants_patient(scope)
        return asked and self._config.behaviour.standalone_patient

    def _keeps_state(self) -> bool:
        """Whether the answer repeats `state`: some servers look for it in the query only.

        The patient choice is a form of our own, which carries on what came in the query.
        """
        posted = request.method == "POST" and "chosen_patient" not in request.form
        return self._config.behaviour.posted_state or not posted

    def _ask_for_patient(self) -> str:
        asked = [(name, value) for name, value in request.values.items(multi=True)]
        return render_template("choose_patient.html", asked=asked, patients=self._patients())

    def _refuse(self, oauth: OAuth2Request, error: OAuth2Error) -> Any:
        if error.redirect_uri:
            return self._server.handle_error_response(oauth, error)
        return _refusal(error.error, error.get_error_description() or "")


def _refusal(code: str, text: str) -> Response:
    """A page, never a redirect: the redirect URI itself could not be trusted."""
    page = render_template("refused.html", code=code, text=text)
    return Response(page, 400, content_type="text/html; charset=utf-8")


def _without_state(answer: Response) -> Response:
    parts = urlsplit(answer.headers["Location"])
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name != "state"]
    answer.headers["Location"] = urlunsplit(parts._replace(query=urlencode(kept)))
    return answer


def _openid_places(config: DemoConfig) -> set[str]:
    """Paths under which the OpenID configuration is: of each issuer this EHR names."""
    named = {config.issuer, config.id_token_issuer}
    return {urlsplit(name).path.rstrip("/") for name in named}


def _smart_place(config: DemoConfig) -> str | None:
    place = config.behaviour.smart_configuration
    if place == "none":
        return None
    return urlsplit(config.fhir_root).path if place == "base" else ""


def _open(response: Response, seconds: int = 60) -> Response:
    """Discovery is open to every origin (SMART 2.2, App Launch, CORS)."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = f"public, max-age={seconds}"
    return response
