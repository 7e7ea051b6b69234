"""Fixtures of the sandbox EHR's tests: the EHR itself, threads, and small servers on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from demo_sandbox import Clock, Ehr, make_config, two_stories
from flask import Flask
from werkzeug.serving import make_server

from smartapp.demo import create_ehr
from smartapp.stories import Story


@pytest.fixture
def make_ehr() -> Any:
    def make(stories: tuple[Story, ...] | None = None, **changes: Any) -> Ehr:
        config, clock = make_config(**changes), Clock()
        app = create_ehr(config, stories=two_stories() if stories is None else stories, clock=clock)
        app.testing = True
        return Ehr(app, config, clock)

    return make


@pytest.fixture
def ehr(make_ehr: Any) -> Iterator[Ehr]:
    yield make_ehr()


@pytest.fixture
def in_threads() -> Any:
    """Run one function in several threads at once; their results."""

    def run(count: int, work: Callable[[], Any]) -> list[Any]:
        barrier = threading.Barrier(count)

        def start() -> Any:
            barrier.wait()
            return work()

        with ThreadPoolExecutor(count) as pool:
            return [future.result() for future in [pool.submit(start) for _ in range(count)]]

    return run


@pytest.fixture
def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def serve_app() -> Iterator[Callable[[Flask], str]]:
    """Serve Flask apps on loopback for one test; gives each one's address."""
    servers = []

    def serve(app: Flask) -> str:
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def serve_json(serve_app: Callable[[Flask], str]) -> Callable[[Any], str]:
    """Serve one JSON document on loopback; its address."""

    def serve(document: Any) -> str:
        app = Flask("one_document")
        app.add_url_rule("/it", "it", lambda: document)
        return serve_app(app) + "/it"

    return serve
