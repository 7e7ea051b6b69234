"""Starts servers: the production one, and the demo pair on this machine."""

from __future__ import annotations

import os
import secrets
import signal
import tempfile
import threading
import webbrowser
from pathlib import Path
from wsgiref.types import WSGIApplication

import click
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from smartapp.settings import PREFIX, Settings, from_environ


def application() -> WSGIApplication:
    """The app with settings from the environment: what a WSGI server imports and calls."""
    from smartapp.app import create_app

    return create_app(from_environ())


def serve(host: str, port: int, workers: int) -> None:
    """Run granian until stopped. Settings are checked first, so that a wrong one is one line.

    granian was chosen by measurement (`make bench`): less CPU a request than gunicorn, the same
    answers. Its access log is off; the app writes its own lines without query strings.
    """
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    from_environ()
    Server(
        "smartapp.serve:application",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=8,
        log_access=False,
        log_level=LogLevels.warning,
    ).serve()


class _QuietHandler(WSGIRequestHandler):
    """Werkzeug's access log holds query strings (code, state, launch): the demo keeps none."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class Running:
    """A WSGI app served from a thread of this process, on loopback."""

    def __init__(self, app: WSGIApplication, host: str, port: int) -> None:
        self._server: BaseWSGIServer = make_server(
            host, port, app, threaded=True, request_handler=_QuietHandler
        )
        self.port: int = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving; returns when the socket is closed."""
        self._server.shutdown()
        self._thread.join(timeout=5)
        self._server.server_close()
