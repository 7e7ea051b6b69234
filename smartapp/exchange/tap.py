"""Listening at the door: hook calls and sign-in steps as they come in and are answered (WSGI)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from smartapp.exchange.log import Exchange, ExchangeLog, Kind, Message
from smartapp.exchange.redaction import Redactor

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_LONGEST = 10 * 1024 * 1024
_OAUTH_STEPS = frozenset(("launch", "standalone", "open", "callback"))
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_TYPES = frozenset(
    ("application/json", "application/fhir+json", "application/x-www-form-urlencoded", "text/html")
)


class Tap:
    """Tells the log of every hook call and sign-in step; what it hears stays as it was."""

    def __init__(
        self, log: ExchangeLog, redactor: Redactor, base_path: str, services: Collection[str]
    ) -> None:
        self._log = log
        self._redactor = redactor
        self._base = base_path
        self._services = frozenset(services)

    def around(self, app: WSGIApplication) -> WSGIApplication:
        """`app`, listened to."""

        def listened(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            named = self._named(environ.get("PATH_INFO", ""))
            if named is None:
                return app(environ, start_response)
            return self._hear(app, environ, start_response, *named)

        return listened

    def token_answered(
        self, step: str, form: str, status: int, document: object, milliseconds: int = 0
    ) -> None:
        """What a token endpoint was asked (a form) and what it answered (a JSON value)."""
        judged = self._redactor
        self._log.add(
            Exchange(
                "oauth", step, "POST", [],
                Message({}, judged.query(form), len(form)),
                status,
                Message({}, judged.json(document, oauth=True), 0),
                milliseconds,
            )
        )  # fmt: skip

    def _named(self, path: str) -> tuple[Kind, str] | None:
        if not path.startswith(f"{self._base}/"):
            return None
        first, *rest = path.removeprefix(f"{self._base}/").split("/")
        if first in _OAUTH_STEPS and not rest:
            return "oauth", first
        if first != "cds-services":
            return None
        service = rest[0] if rest and rest[0] in self._services else "other"
        match rest:
            case []:
                return "discovery", "discovery"
            case [_]:
                return "hook", service
            case [_, "feedback"]:
                return "feedback", service
        return None

    def _hear(
        self,
        app: WSGIApplication,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        kind: Kind,
        step: str,
    ) -> Iterable[bytes]:
        started = perf_counter()
        heard = environ["wsgi.input"] = _Ear(environ["wsgi.input"])
        head: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            head.update(status=int(status[:3]), headers=headers)
            return start_response(status, headers, exc_info)

        answer = app(environ, start)
        try:
            body = b"".join(answer)
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()
        method = environ["REQUEST_METHOD"]
        oauth = kind == "oauth"
        self._log.add(
            Exchange(
                kind,
                step,
                method if method in _METHODS else "other",
                self._redactor.query(environ.get("QUERY_STRING", "")),
                self._message(_asked(environ), bytes(heard.kept), heard.size, oauth),
                head.get("status"),
                _with_reason(self._message(head.get("headers", ()), body, len(body), oauth), body),
                round((perf_counter() - started) * 1000),
            )
        )
        return [body]

    def _message(
        self, headers: Iterable[tuple[str, str]], body: bytes, size: int, oauth: bool
    ) -> Message:
        kept = self._headers({name.title(): value for name, value in headers})
        if not size:
            return Message(kept, None, 0)
        if kept.get("Content-Type") == "text/html":
            return Message(kept, None, size)
        try:
            value = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
            return Message(kept, self._redactor.json(value, oauth=oauth), size)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return Message(kept, None, size, unread=True)

    def _headers(self, sent: dict[str, str]) -> dict[str, str]:
        kept = {}
        if said := sent.get("Content-Type"):
            kind = said.partition(";")[0].strip().lower()
            kept["Content-Type"] = kind if kind in _TYPES else "other"
        if said := sent.get("Authorization"):
            kept["Authorization"] = self._redactor.credentials(said)
        if said := sent.get("Location"):
            kept["Location"] = self._redactor.redirection(said)
        if sent.get("Www-Authenticate") == "Bearer":
            kept["WWW-Authenticate"] = "Bearer"
        return kept


class _Issue(msgspec.Struct):
    diagnostics: str


class _Refusal(msgspec.Struct, tag="OperationOutcome", tag_field="resourceType"):
    issue: list[_Issue]


_read_refusal = msgspec.json.Decoder(_Refusal).decode


def _with_reason(answered: Message, body: bytes) -> Message:
    """A refusal with its sentence: it is our own, made to be read by strangers (`errors.py`)."""
    try:
        (issue,) = _read_refusal(body).issue
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        return answered
    answered.body["issue"][0]["diagnostics"] = issue.diagnostics
    return answered


def _asked(environ: WSGIEnvironment) -> Iterator[tuple[str, str]]:
    if said := environ.get("CONTENT_TYPE"):
        yield "Content-Type", said
    if said := environ.get("HTTP_AUTHORIZATION"):
        yield "Authorization", said


class _Ear:
    """An input that remembers what was read from it, up to a length."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.kept = bytearray()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        return self._heard(self._source.read(size))

    def readline(self, size: int = -1) -> bytes:
        return self._heard(self._source.readline(size))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def _heard(self, data: bytes) -> bytes:
        self.size += len(data)
        if self.size <= _LONGEST:
            self.kept += data
        return data
