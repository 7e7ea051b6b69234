"""The factory: the only place where every room meets."""

from __future__ import annotations

import gc
import hashlib
import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from flask import Flask, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from smartapp import __version__, cds, dashboard, picker, site, smart
from smartapp.cds.clients import Clients, load_clients
from smartapp.cds.discovery import offered
from smartapp.cds.openapi import openapi
from smartapp.cds.outcome import operation_outcome
from smartapp.cds.override import CODES
from smartapp.cds.prefetch import REQUIRED
from smartapp.cds.sites import Site, Sites
from smartapp.charts import Charts
from smartapp.errors import ConfigError, SmartAppError
from smartapp.exchange import ExchangeLog, Redactor, Tap, vocabulary
from smartapp.fhir.plans import KEYS, prefetch_templates
from smartapp.knowledge import Knowledge, load
from smartapp.ledger import Ledger, open_ledger, start_sweeper
from smartapp.logs import places
from smartapp.settings import Settings, from_environ
from smartapp.share import share
from smartapp.smart import Issuers, Sessions, load_issuers

# A page that holds no patient's data may be framed by anyone: inside an EHR nobody would see an
# error otherwise (architecture, decision 10).
PUBLIC_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors *"

_log = logging.getLogger("smartapp.app")


def utc_now() -> datetime:
    """The clock of the deployment, unless another is given."""
    return datetime.now(UTC)


def create_app(
    settings: Settings | None = None, *, clock: Callable[[], datetime] = utc_now
) -> Flask:
    """The app of one deployment.

    Everything a request needs is made here: knowledge compiled, ledger open, tables there. Refuses
    (ConfigError, KnowledgeError, LedgerError) to start on a wrong setting, pack or store.
    """
    settings = settings or from_environ()
    knowledge, issuers, clients, ledger = ground(settings)
    tap = _tap(settings, knowledge, issuers, clock)
    sessions = Sessions(
        settings, issuers, ledger, clock, listener=tap.token_answered if tap else None
    )
    charts = Charts(sessions, knowledge)
    sites = sites_of(issuers)
    facts = _facts(settings, knowledge, issuers)
    metrics = site.Metrics()

    static = share("static")
    app = Flask(
        "smartapp", static_folder=str(static), static_url_path=f"{settings.base_path}/static"
    )
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_mb * 1024 * 1024
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = timedelta(hours=1)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    if tap is not None:
        app.wsgi_app = tap.around(app.wsgi_app)  # type: ignore[assignment,method-assign]
    metrics.install(app)
    for room in (
        site.blueprint(settings, knowledge, facts, metrics, _needs(sessions)),
        smart.blueprint(sessions),
        picker.blueprint(settings, sessions),
        cds.blueprint(
            settings=settings,
            knowledge=knowledge,
            ledger=ledger,
            sites=sites,
            clients=clients,
            clock=clock,
        ),
        dashboard.blueprint(
            settings=settings,
            knowledge=knowledge,
            open_chart=charts.open,
            refresh_chart=charts.refresh,
            end_launch=charts.end,
            static_url=_static_url(settings, static),
        ),
    ):
        app.register_blueprint(room, url_prefix=settings.base_path or None)
    _error_pages(app, settings)
    app.after_request(_headers)
    app.extensions["ledger"] = ledger
    app.extensions["stop_sweeper"] = start_sweeper(
        ledger, clock, retention=timedelta(days=settings.retention_days)
    )
    # What start-up made lives as long as the process: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    return app


def ground(settings: Settings) -> tuple[Knowledge, Issuers, Clients, Ledger]:
    """What a deployment stands on: its knowledge, its EHRs, its CDS clients, its open ledger.

    No thread is started, so a server may look here before it makes its workers. Refuses like
    `create_app`.
    """
    knowledge = load(site_file=settings.protocol_file, rule_page=settings.url("/rules"))
    issuers = load_issuers(settings.issuers_file) if settings.issuers_file else Issuers()
    _check_local_codes(issuers, knowledge)
    clients = load_clients(settings.cds_clients_file) if settings.cds_clients_file else Clients()
    return knowledge, issuers, clients, open_ledger(settings)


def _check_local_codes(issuers: Issuers, knowledge: Knowledge) -> None:
    """Refuses (ConfigError) a local code that leads to nothing this product reads."""
    catalogue = knowledge.catalogue
    for issuer in issuers:
        for local, (loinc, _unit) in issuer.local_codes.items():
            if loinc not in catalogue.by_loinc and loinc not in catalogue.analytes:
                raise ConfigError(
                    f"issuers file: {issuer.fhir_base}: local_codes.{local}: {loinc} is not a "
                    "code this product reads"
                )


def sites_of(issuers: Issuers) -> Sites:
    """The FHIR servers that hooks may ask: the same EHRs that may launch, read the same way."""
    return Sites(
        Site(
            fhir_base=issuer.fhir_base,
            prefix=issuer.prefix,
            open=issuer.auth == "none",
            profile=issuer.profile,
            timezone=issuer.timezone,
            local_codes=issuer.local_codes,
        )
        for issuer in issuers
    )


def _facts(settings: Settings, knowledge: Knowledge, issuers: Issuers) -> site.SiteFacts:
    protocol = knowledge.protocol
    services = offered(settings.cds_extra_hooks)
    templates = prefetch_templates(knowledge.catalogue)
    return site.SiteFacts(
        manifest=site.manifest(settings),
        openapi=openapi(settings.public_base_url, services, templates, __version__),
        services=services,
        prefetch=templates,
        required=REQUIRED,
        issuers=len(issuers),
        protocol=f"{protocol.profile} {protocol.version}",
    )


def _tap(
    settings: Settings, knowledge: Knowledge, issuers: Issuers, clock: Callable[[], datetime]
) -> Tap | None:
    """What listens on the wire, where the site wants an exchange log. Refuses (ConfigError)."""
    if settings.exchange_log is None:
        return None
    bases = (issuer.fhir_base.rstrip("/") for issuer in issuers)
    ours = (settings.url(path).rstrip("/") for path in ("/", "/launch", "/callback", "/rules"))
    known = vocabulary(knowledge, keys=KEYS, codes=CODES, own=(*bases, *ours))
    services = [service.id for service in offered(settings.cds_extra_hooks)]
    log = ExchangeLog(settings.exchange_log, clock)
    return Tap(log, Redactor(known), settings.base_path, services)


def _needs(sessions: Sessions) -> dict[str, Callable[[], bool]]:
    """What a worker must have before it is ready: the store, and keys where an EHR wants them."""
    needs = {"the ledger's store": sessions.ledger.reachable}
    if any(issuer.has_key for issuer in sessions.issuers):
        needs["a key to sign in to an EHR with"] = sessions.clients.ring.complete
    return needs


def _static_url(settings: Settings, folder: Path) -> Callable[[str], str]:
    """Addresses of static files that change with their content, so that they may be cached."""

    @cache
    def url(name: str) -> str:
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()[:12]
        return f"{settings.base_path}/static/{name}?v={digest}"

    return url


def _headers(response: Response) -> Response:
    """What every answer says to a browser, unless its own room has said more."""
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    if response.mimetype == "text/html":
        headers.setdefault("Content-Security-Policy", PUBLIC_POLICY)
        headers.setdefault("Referrer-Policy", "no-referrer")
    return response


def _error_pages(app: Flask, settings: Settings) -> None:
    """Every error ends in a page with a sentence and a reference; the log has the same reference.

    Launch errors have pages of their own (`smart/`), and so have the CDS services (`cds/`).
    """

    def page(status: int, sentence: str, kind: str) -> Response:
        reference = secrets.token_hex(4)
        _log.warning(
            "request failed: reference=%s status=%s kind=%s endpoint=%s",
            reference, status, kind, request.endpoint,
        )  # fmt: skip
        html = render_template(
            "site/error.html",
            sentence=sentence,
            reference=reference,
            stylesheet=settings.url("/smart-static/launch.css"),
        )
        answer = make_response(html, status)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @app.errorhandler(SmartAppError)
    def named(error: SmartAppError) -> Response:
        return page(error.status, error.public, type(error).__name__)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        code = error.code or 500
        sentence = {
            404: "There is nothing at this address.",
            405: "This address does not take that kind of request.",
            413: "What was sent is too large.",
        }.get(code, "The request could not be answered.")
        return page(code, sentence, error.name)

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        _log.error("unforeseen error: %s", places(error))
        if (request.endpoint or "").startswith("cds."):
            said = operation_outcome("exception", "Something went wrong here; nothing was judged.")
            return Response(said, 500, content_type="application/fhir+json")
        return page(500, "Something went wrong here; nothing was changed.", "unforeseen")
