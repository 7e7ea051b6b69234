"""The sandbox EHR as a running server, for `smartapp demo` and for tests."""

from __future__ import annotations

import logging
import socket
import threading

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from smartapp.demo.app import create_ehr
from smartapp.demo.config import DemoConfig
from smartapp.demo.fhir.repository import Repository

_log = logging.getLogger(__name__)


class _DiscreetHandler(WSGIRequestHandler):
    """Logs method, first path segment and status: paths and queries hold ids, codes and tokens."""

    _dated = True

    def send_response(self, code: int, message: str | None = None) -> None:
        """The status alone: an EHR whose clock is wrong dates its answers itself, and only once."""
        self.log_request(code)
        self.send_response_only(code, message)
        self._dated = False

    def send_header(self, keyword: str, value: str) -> None:
        """The header; whether it is the date is remembered."""
        self._dated = self._dated or keyword.lower() == "date"
        super().send_header(keyword, value)

    def end_headers(self) -> None:
        """The end, after the date where there was none."""
        if not self._dated:
            self.send_header("Date", self.date_time_string())
        super().end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        first = self.path.partition("?")[0].split("/")[1:2]
        _log.info("%s /%s %s", self.command, first[0] if first else "", code)

    def log_error(self, format: str, *args: object) -> None:
        """Keep quiet: the text may quote the request line."""


class RunningEhr:
    """A sandbox EHR that answers until `stop()`.

    `repository` is what it holds: a test that plays the laboratory corrects a result there.
    """

    def __init__(self, config: DemoConfig, server: BaseWSGIServer, repository: Repository) -> None:
        self.config = config
        self.repository = repository
        self.port = server.port
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and free the port; returns when it is done."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def start(
    config: DemoConfig, host: str = "127.0.0.1", port: int = 5001, *, empty: bool = False
) -> RunningEhr:
    """Serve the sandbox EHR in threads of this process; `empty`: without the fixture patients.

    Refuses (OSError) a busy port.
    """
    app = create_ehr(config, stories=() if empty else None)
    # Bound here, because the server's own constructor ends the process when the port is busy.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(128)
        server = make_server(
            host,
            bound.getsockname()[1],
            app,
            threaded=True,
            request_handler=_DiscreetHandler,
            fd=bound.fileno(),
        )
    return RunningEhr(config, server, app.extensions["demo_repository"])
