"""What the deployment says about itself: the front page, registration data, health, metrics."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from flask import Blueprint, Flask, Response, g, render_template, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest

from smartapp import __version__
from smartapp.cds.discovery import Service
from smartapp.knowledge import Knowledge
from smartapp.knowledge.show import BASIS_WORDS, MARK_WORDS, source_text, value_text
from smartapp.settings import Settings, is_loopback
from smartapp.share import share

_log = logging.getLogger("smartapp.site")

BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)


def manifest(settings: Settings) -> dict[str, Any]:
    """The registration manifest: `launch.json` with this deployment's addresses filled in."""
    text = (share("launch.json")).read_text(encoding="utf-8")
    filled: dict[str, Any] = json.loads(text.replace("{base}", settings.public_base_url))
    return filled


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What the front page tells an integration engineer."""

    manifest: dict[str, Any]
    openapi: dict[str, Any]
    services: tuple[Service, ...]
    prefetch: Mapping[str, str]
    required: tuple[str, ...]
    issuers: int
    protocol: str
    version: str = __version__


class Metrics:
    """Counts and times requests by endpoint: no tenant, no patient, no path in a label."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "smartapp_http_requests_total",
            "Requests answered, by endpoint and status class.",
            ("endpoint", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "smartapp_http_request_seconds",
            "Time to answer, by endpoint.",
            ("endpoint",),
            registry=self.registry,
            buckets=BUCKETS,
        )
        # A label look-up locks and hashes; a request finds its two children ready.
        self._counters: dict[tuple[str, int], Counter] = {}
        self._timers: dict[str, Histogram] = {}

    def install(self, app: Flask) -> None:
        """Hook into every request of `app`."""
        app.before_request(self._start)
        app.after_request(self._finish)

    def page(self) -> Response:
        """The Prometheus text page."""
        return Response(generate_latest(self.registry), content_type=CONTENT_TYPE_LATEST)

    @staticmethod
    def _start() -> None:
        g.started = perf_counter()

    def _finish(self, response: Response) -> Response:
        endpoint = request.endpoint or "unknown"
        key = (endpoint, response.status_code // 100)
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = self._requests.labels(endpoint, f"{key[1]}xx")
        timer = self._timers.get(endpoint)
        if timer is None:
            timer = self._timers[endpoint] = self._seconds.labels(endpoint)
        counter.inc()
        timer.observe(perf_counter() - g.started)
        return response


def blueprint(
    settings: Settings,
    knowledge: Knowledge,
    facts: SiteFacts,
    metrics: Metrics,
    needs: Mapping[str, Callable[[], bool]],
) -> Blueprint:
    """The routes of contract, section 2, that are of no room, `/openapi.json`, and `/rules`.

    `/rules` is where a statement that rests on our own default leads: every rule with its basis,
    evidence mark and sources, and every number with its own. `needs` names what must hold before
    this worker is ready.
    """
    site = Blueprint("site", __name__)

    @site.get("/")
    def index() -> str:
        return render_template("site/index.html", facts=facts, settings=settings)

    @site.get("/rules")
    def rules() -> str:
        return render_template(
            "site/rules.html",
            knowledge=knowledge,
            marks=MARK_WORDS,
            bases=BASIS_WORDS,
            source_text=source_text,
            value_text=value_text,
            settings=settings,
        )

    @site.get("/launch.json")
    def launch_manifest() -> dict[str, Any]:
        return facts.manifest

    @site.get("/openapi.json")
    def description() -> dict[str, Any]:
        return facts.openapi

    @site.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "up"}

    @site.get("/readyz")
    def readyz() -> tuple[dict[str, str], int]:
        missing = [name for name, holds in needs.items() if not holds()]
        if not missing:
            return {"status": "ready"}, 200
        # No details to strangers.
        _log.warning("not ready: %s", ", ".join(missing))
        return {"status": "not ready"}, 503

    @site.get("/metrics")
    def metrics_page() -> Response:
        return metrics.page() if _may_read(settings.metrics) else Response(status=404)

    return site


def _may_read(rule: str) -> bool:
    if rule == "off":
        return False
    if rule == "loopback":
        # A proxy on this machine that TRUSTED_PROXIES does not count is at loopback too; what it
        # passes on comes from a stranger.
        passed_on = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
        return is_loopback(request.remote_addr or "") and not passed_on
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return hmac.compare_digest(given.encode(), rule.encode())
