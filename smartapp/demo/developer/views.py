"""The developer's page, and what listens to the authorization server."""

from __future__ import annotations

import time

import msgspec
from flask import Blueprint, Response, g, render_template, request

from smartapp.demo.developer.log import WireLog, form_message, json_message


def blueprint(log: WireLog) -> Blueprint:
    """`/developer`: every hook and OAuth step of late, newest first, and the same as JSON."""
    bp = Blueprint("developer", __name__)

    @bp.get("/developer")
    def page() -> str:
        return render_template("developer.html", entries=log.newest(), shown=_shown)

    @bp.get("/developer/wire-log.json")
    def download() -> Response:
        body = msgspec.json.format(msgspec.json.encode(log.document()), indent=1)
        response = Response(body, content_type="application/json")
        response.headers["Content-Disposition"] = 'attachment; filename="wire-log.json"'
        response.headers["Cache-Control"] = "no-store"
        return response

    return bp


def listen(oauth: Blueprint, log: WireLog) -> None:
    """Keep every request to the authorization server's endpoints, and its answer."""

    @oauth.before_request
    def begun() -> None:
        g.begun = time.perf_counter()

    @oauth.after_request
    def done(response: Response) -> Response:
        form = list(request.form.items(multi=True))
        answer = response.get_data() if response.is_json else b""
        log.add(
            kind="oauth",
            step=(request.endpoint or "").rpartition(".")[2],
            method=request.method,
            url=request.url,
            request=form_message(request.headers.items(), form, request.content_length or 0),
            status=response.status_code,
            response=json_message(response.headers.items(), answer, oauth=True),
            milliseconds=round((time.perf_counter() - g.begun) * 1000),
        )
        return response


def _shown(body: object) -> str:
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()
