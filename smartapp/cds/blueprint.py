"""The routes of CDS Hooks 2.0.1: discovery, services, feedback, and CORS before anything else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from flask import Blueprint, Response, request
from werkzeug.exceptions import (
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)

from smartapp.cds.cards import Speaker
from smartapp.cds.clients import Clients
from smartapp.cds.discovery import discovery, offered, registry
from smartapp.cds.feedback import FeedbackDesk
from smartapp.cds.outcome import operation_outcome
from smartapp.cds.request import read_request
from smartapp.cds.service import HookService
from smartapp.cds.sites import Sites
from smartapp.cds.suggestions import Suggestions
from smartapp.cds.trust import Trust
from smartapp.errors import SmartAppError, TrustError
from smartapp.fhir.plans import prefetch_templates
from smartapp.knowledge import Knowledge
from smartapp.ledger import Ledger
from smartapp.settings import Settings, is_loopback

log = logging.getLogger(__name__)

DISCOVERY_AGE_S = 300
PREFLIGHT_AGE_S = 600

_JSON = "application/json"
# Every method reaches the view, so that a wrong one is refused in FHIR's words and not in HTML.
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_ISSUES = {404: "not-found", 405: "not-supported", 413: "too-long", 415: "invalid"}


def now_utc() -> datetime:
    """The clock of a running deployment."""
    return datetime.now(UTC)


def blueprint(
    settings: Settings,
    knowledge: Knowledge,
    ledger: Ledger,
    *,
    sites: Sites | None = None,
    clients: Clients | None = None,
    clock: Callable[[], datetime] = now_utc,
) -> Blueprint:
    """`/cds-services` and everything under it (contract, section 2).

    Everything that does not depend on a request is made here, once: the discovery document, the
    templates of suggestions (refuses KnowledgeError), the service itself.
    """
    door = Blueprint("cds", __name__)
    offer = offered(settings.cds_extra_hooks)
    services = registry(offer)
    document = discovery(prefetch_templates(knowledge.catalogue), offer)
    speaker = Speaker(knowledge, Suggestions.compile(knowledge), settings.url("/launch"))
    sites = sites or Sites()
    trust = Trust(settings, clients or Clients(), ledger, sites, clock)
    hooks = HookService(settings, knowledge, ledger, sites, speaker, clock)
    desk = FeedbackDesk(ledger, clock)
    # Of the public address, never of the Host header: a token is meant for this deployment.
    here = settings.url("/cds-services")
    # Discovery holds nothing that our documentation does not, and engineers read it by hand.
    public = settings.cds_discovery == "public"
    keep = "public" if public else "private"
    most_bytes = settings.max_body_mb * 1024 * 1024

    @door.route("/cds-services", methods=_METHODS, provide_automatic_options=False)
    def discover() -> Response:
        if request.method == "OPTIONS":
            return _preflight("GET")
        _only("GET", "HEAD")
        if not public:
            trust.caller(request.headers.get("Authorization"), here)
        response = Response(document.body, content_type=_JSON)
        response.set_etag(document.etag)
        response.headers["Cache-Control"] = f"{keep}, max-age={DISCOVERY_AGE_S}"
        # A cache must not give one origin the answer that was made for none.
        response.headers["Vary"] = "Origin"
        response.make_conditional(request)
        return response

    @door.route("/cds-services/<service>", methods=_METHODS, provide_automatic_options=False)
    def call(service: str) -> Response:
        if request.method == "OPTIONS":
            return _preflight("POST")
        _only("POST")
        by = trust.caller(request.headers.get("Authorization"), f"{here}/{service}")
        answered = services.get(service)
        if answered is None:
            raise NotFound("there is no such service; see /cds-services")
        answer = hooks.answer(read_request(_body(most_bytes), answered), by)
        response = Response(answer.body, content_type=_JSON)
        response.headers["Server-Timing"] = (
            f"read;dur={answer.read_ms:.2f}, assess;dur={answer.assess_ms:.2f}, "
            f"ledger;dur={answer.ledger_ms:.2f}"
        )
        return _unstored(response)

    @door.route(
        "/cds-services/<service>/feedback", methods=_METHODS, provide_automatic_options=False
    )
    def feedback(service: str) -> Response:
        if request.method == "OPTIONS":
            return _preflight("POST")
        _only("POST")
        # Some clients name the service they were answered by (standards A12.7).
        to = f"{here}/{service}"
        by = trust.caller(request.headers.get("Authorization"), f"{to}/feedback", to)
        if service not in services:
            raise NotFound("there is no such service; see /cds-services")
        desk.receive(_body(most_bytes), service, by)
        return _unstored(Response(status=200))

    @door.errorhandler(TrustError)
    def untrusted(error: TrustError) -> Response:
        log.warning("%s refused: %s", request.endpoint, error.reason)
        # No body and no reason: whoever may not call learns nothing (best practices, JWT).
        return _unstored(Response(status=401, headers={"WWW-Authenticate": "Bearer"}))

    @door.errorhandler(SmartAppError)
    def refused(error: SmartAppError) -> Response:
        log.info("%s refused with %d: %s", request.endpoint, error.status, type(error).__name__)
        return _outcome(error.status, error.issue, error.public)

    @door.errorhandler(HTTPException)
    def refused_by_http(error: HTTPException) -> Response:
        code = error.code or 500
        said = error.description or "the request was refused"
        response = _outcome(code, _ISSUES.get(code, "processing"), said)
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(error.valid_methods)
        return response

    @door.after_request
    def share(response: Response) -> Response:
        origin = request.headers.get("Origin")
        if origin is not None:
            response.headers["Vary"] = "Origin"
            if _is_allowed(origin, settings):
                response.headers["Access-Control-Allow-Origin"] = origin
                response.headers["Access-Control-Expose-Headers"] = "Server-Timing"
        return response

    return door


def _only(*methods: str) -> None:
    if request.method not in methods:
        allowed = [*methods, "OPTIONS"]
        raise MethodNotAllowed(allowed, f"this address answers {methods[0]}")


def _body(most_bytes: int) -> bytes:
    """The body of the call. Refuses (415) what is not JSON, (413) more than the setting allows."""
    if not _is_json(request.mimetype):
        raise UnsupportedMediaType("the body must be application/json")
    request.max_content_length = most_bytes
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise RequestEntityTooLarge(
            f"the body is larger than {most_bytes // 1_048_576} MB"
        ) from None


def _is_json(mimetype: str) -> bool:
    return mimetype == _JSON or (mimetype.startswith("application/") and mimetype.endswith("+json"))


def _preflight(method: str) -> Response:
    """The answer to a browser's question, given to anyone: it holds nothing and needs no trust."""
    headers = {
        "Allow": f"{method}, OPTIONS",
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Allow-Headers": "Authorization, Content-Type",
        "Access-Control-Max-Age": str(PREFLIGHT_AGE_S),
    }
    return Response(status=204, headers=headers)


def _is_allowed(origin: str, settings: Settings) -> bool:
    """Listed origins; in the demo also any of this machine."""
    if origin in settings.cors_origins or "*" in settings.cors_origins:
        return True
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:  # "http://[" and the like
        return False
    return settings.demo and is_loopback(host)


def _outcome(status: int, issue: str, said: str) -> Response:
    body = operation_outcome(issue, said)
    return _unstored(Response(body, status=status, content_type="application/fhir+json"))


def _unstored(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
