"""One question to a server, and what came back. Only GET, and one POST without content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from smartapp.jose.documents import Unreadable, is_safe, parse_object

# A CapabilityStatement of a large server has a few megabytes.
MAX_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """`document` is None when the body is not a JSON object; `ahead_s`: how far the server's
    clock is ahead of ours, None when the answer does not tell (no date, or a cache's)."""

    status: int
    document: dict[str, Any] | None
    ahead_s: float | None


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer; the reason in a few words."""

    reason: str


class Wire:
    """Asks, without any credential, until `limit_s` is over for all questions together."""

    def __init__(self, timeout_s: float, limit_s: float, clock: Callable[[], datetime]) -> None:
        self._timeout_s = timeout_s
        self._end = monotonic() + limit_s
        self._clock = clock

    def get(self, url: str) -> Answer | Silence:
        """The answer to a GET. Follows no redirect; asks no plain http beyond this machine."""
        return self._ask("GET", url)

    def post_nothing(self, url: str) -> Answer | Silence:
        """The answer to an empty form: what a token endpoint refuses and does not act upon."""
        return self._ask("POST", url)

    def _ask(self, method: str, url: str) -> Answer | Silence:
        if not is_safe(url):
            return Silence("its address is not https")
        left = min(self._timeout_s, self._end - monotonic())
        if left <= 0:
            return Silence("the time for this examination is over")
        until = monotonic() + left
        try:
            with requests.request(
                method,
                url,
                headers=_headers(method),
                auth=_nobody,
                timeout=left,
                allow_redirects=False,
                stream=True,
            ) as response:
                ahead = self._ahead(response)
                body = _body(response, until)
                return Answer(response.status_code, _parsed(body), ahead)
        except requests.exceptions.SSLError:
            return Silence("its certificate or TLS is not accepted")
        except requests.Timeout:
            return Silence(f"no answer within {self._timeout_s:g} s")
        except (requests.RequestException, HTTPError, ValueError):
            return Silence("no connection")
        except Unreadable as error:
            return Silence(str(error))

    def _ahead(self, response: requests.Response) -> float | None:
        # A cache's answer is dated when it was kept; two dates are of two clocks.
        if "Age" in response.headers or response.headers.get("Date", "").count(",") != 1:
            return None
        try:
            there = parsedate_to_datetime(response.headers["Date"])
        except (KeyError, ValueError):
            return None
        aware = there if there.tzinfo else there.replace(tzinfo=UTC)
        # A Date has whole seconds: on average it is half a second old when it is written.
        return (aware - self._clock()).total_seconds() + 0.5


def _headers(method: str) -> dict[str, str]:
    accept = {"Accept": "application/fhir+json, application/json;q=0.9, */*;q=0.1"}
    form = {"Content-Type": "application/x-www-form-urlencoded"} if method == "POST" else {}
    return {**accept, **form}


def _body(response: requests.Response, until: float) -> bytes:
    """Piece by piece, so that a slow drip meets the deadline. Refuses (Unreadable) beyond it."""
    body = bytearray()
    while chunk := response.raw.read1(65_536, decode_content=True):
        body += chunk
        if len(body) > MAX_BYTES:
            raise Unreadable("its answer is too long")
        if monotonic() > until:
            raise Unreadable("its answer came too slowly")
    return bytes(body)


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        return parse_object(body)
    except Unreadable:
        return None


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No credential, not even one of a `.netrc`."""
    return request
