"""Where a request came from, and what a page of this EHR may load."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from flask import Flask, Response, abort, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from smartapp.demo.config import DemoConfig
from smartapp.demo.memory import Clock

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def guard(app: Flask, config: DemoConfig, clock: Clock) -> None:
    """Hold requests to the EHR's one origin, and give every page its headers.

    The origin's host matters: opened as 127.0.0.1 while the app is there too, the frame would be
    same-site and hide what happens in a real EHR. So other loopback names redirect.
    """
    netloc = urlsplit(config.origin).netloc
    policy = _policy(config)

    @app.before_request
    def one_origin() -> AnyResponse | None:
        if request.host == netloc:
            return None
        if urlsplit(f"//{request.host}").hostname in _LOOPBACK:
            return redirect(config.origin + request.full_path.removesuffix("?"), 307)
        return abort(421)

    @app.after_request
    def headers(response: Response) -> Response:
        if response.mimetype == "text/html":
            response.headers.setdefault("Content-Security-Policy", policy)
            # Not no-referrer: a same-origin form would then post with `Origin: null`.
            response.headers.setdefault("Referrer-Policy", "same-origin")
            response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        if config.behaviour.clock_skew:
            response.date = datetime.fromtimestamp(clock(), UTC)
        return response


def is_same_origin(config: DemoConfig) -> bool:
    """Whether a page of this EHR sent the form (the browser says so; scripts cannot)."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    return request.headers.get("Origin") == config.origin


def _policy(config: DemoConfig) -> str:
    # The frame starts at the app, passes through our authorize endpoint and ends at the app;
    # the patient choice of a standalone launch is a form that ends in a redirect to the app.
    return (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"frame-src 'self' {config.app_origin}; form-action 'self' {config.app_origin}; "
        "frame-ancestors 'self'"
    )
