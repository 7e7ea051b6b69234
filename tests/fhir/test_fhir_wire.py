"""The same client against a real socket: slow, dripping, cut off, compressed, chunked."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from smartapp.fhir import transport
from smartapp.fhir.client import FhirClient
from smartapp.fhir.plans import SearchPlan

BUNDLE = b'{"resourceType":"Bundle","entry":[]}'


class Ehr(BaseHTTPRequestHandler):
    """Behaves as the path says."""

    protocol_version = "HTTP/1.1"
    release = threading.Event()
    connections: set[tuple[str, int]] = set()  # noqa: RUF012 - reset by the fixture

    def do_GET(self) -> None:
        self.connections.add(self.client_address)
        way = self.path.rsplit("/", 1)[1]
        try:
            getattr(self, f"_{way}")()
        except OSError:  # the client hung up, as it should
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def _answer(self, body: bytes, length: int | None = None, **headers: str) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def _plain(self) -> None:
        self._answer(BUNDLE)

    def _gzip(self) -> None:
        self._answer(gzip.compress(BUNDLE), Content_Encoding="gzip")

    def _notgzip(self) -> None:
        self._answer(BUNDLE, Content_Encoding="gzip")

    def _chunked(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in (BUNDLE[:5], BUNDLE[5:]):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _cut(self) -> None:
        self._answer(BUNDLE, length=len(BUNDLE) + 100)
        self.close_connection = True

    def _silent(self) -> None:
        self.release.wait(5)

    def _drip(self) -> None:
        self._answer(b"", length=10_000)
        while not self.release.wait(0.02):
            self.wfile.write(b" ")
            self.wfile.flush()

    def _large(self) -> None:
        self._answer(gzip.compress(b" " * 4_000_000), Content_Encoding="gzip")


@pytest.fixture
def base() -> Iterator[str]:
    Ehr.release.clear()
    Ehr.connections.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ehr)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/fhir"
    Ehr.release.set()
    server.shutdown()
    server.server_close()


def plan(way: str) -> SearchPlan:
    return SearchPlan(way, way)


@pytest.mark.parametrize("way", ["plain", "gzip", "chunked"])
def test_bodies_arrive_however_they_travel(base: str, way: str) -> None:
    [page] = FhirClient(base).run([plan(way)], 5).pages
    assert page.body == BUNDLE


@pytest.mark.parametrize(
    ("way", "says"), [("notgzip", "compressed in a broken way"), ("cut", "broke off")]
)
def test_a_damaged_answer_is_a_gap_and_not_half_a_bundle(base: str, way: str, says: str) -> None:
    fetched = FhirClient(base).run([plan(way)], 5)
    assert fetched.pages == ()
    assert says in fetched.gaps[0].reason


@pytest.mark.parametrize("way", ["silent", "drip"])
def test_a_slow_server_holds_nobody_beyond_the_deadline(base: str, way: str) -> None:
    started = time.monotonic()
    fetched = FhirClient(base).run([plan(way), plan("plain")], 0.4)
    assert time.monotonic() - started < 2
    assert [p.key for p in fetched.pages] == ["plain"]
    [gap] = fetched.gaps
    assert (gap.what, gap.state) == (way, "failed")
    assert gap.reason == "the EHR did not answer in time"


def test_the_timeout_of_one_request_is_shorter_than_the_deadline(base: str) -> None:
    started = time.monotonic()
    fetched = FhirClient(base, timeout_ms=200).run([plan("silent")], 30)
    assert time.monotonic() - started < 5
    assert "in time" in fetched.gaps[0].reason


def test_a_body_without_end_is_not_swallowed(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_BODY", 1_000_000)
    [gap] = FhirClient(base).run([plan("large")], 5).gaps
    assert "too large" in gap.reason


def test_nobody_at_home_is_a_gap() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ehr)
    server.server_close()
    fetched = FhirClient(f"http://127.0.0.1:{server.server_port}/fhir").run([plan("plain")], 2)
    assert "no connection" in fetched.gaps[0].reason


def test_connections_are_kept_for_the_next_launch(base: str) -> None:
    for _ in range(3):
        FhirClient(base, token="another").run([plan("plain")], 5)
    assert len(Ehr.connections) == 1


def test_searches_run_side_by_side(base: str) -> None:
    started = time.monotonic()
    fetched = FhirClient(base, timeout_ms=300).run([plan("silent")] * 6, 10)
    assert time.monotonic() - started < 1.5
    assert fetched.gaps[0].state == "failed"


def test_loopback_is_never_sent_to_a_proxy(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert len(FhirClient(base).run([plan("plain")], 5).pages) == 1
