"""One HTTP GET to a FHIR server: bounded in time and size, patient with a busy server, silent.

Nothing here logs an address, a token or a body: an address holds the patient's id.
"""

from __future__ import annotations

import logging
import os
import random
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.cookies import RequestsCookieJar
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError

from smartapp.errors import (
    FhirError,
    FhirForbidden,
    FhirNotFhir,
    FhirNotFound,
    FhirServerError,
    FhirTimeout,
    FhirUnauthorized,
    FhirUnreachable,
)

MAX_BODY = 32 * 1024 * 1024
POOL = 8

_CONNECT_S = 3.05
_CHUNK = 64 * 1024
_TRIES = 4
_FIRST_WAIT_S = 0.2
_is_token = re.compile(r"[\x21-\x7e]{1,16384}").fullmatch
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

# At DEBUG urllib3 writes every path and query it requests, patient ids included.
logging.getLogger("urllib3").setLevel(logging.WARNING)


class Bearer(AuthBase):
    """The access token, set last, so that no `.netrc` entry can take its place.

    Refuses (FhirUnauthorized) a token that no header can carry.
    """

    def __init__(self, token: str | None) -> None:
        if token and not _is_token(token):
            raise FhirUnauthorized("the access token that came for the EHR is none")
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def __repr__(self) -> str:
        return "Bearer(…)"


class Deadline:
    """A moment on the monotonic clock by which everything must be over."""

    __slots__ = ("_end",)

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - time.monotonic())


@lru_cache(maxsize=64)
def session_for(base: str) -> requests.Session:
    """The pooled session of one FHIR base. It keeps connections and nothing else: no cookies."""
    session = requests.Session()
    session.cookies = RequestsCookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    # Proxy and CA settings of the machine are honoured, but loopback is never sent to a proxy.
    session.trust_env = urlsplit(base).hostname not in _LOOPBACK
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=POOL, max_retries=0)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


# A forked worker must not share its parent's sockets (there is no fork on Windows).
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=session_for.cache_clear)


def get(
    session: requests.Session,
    url: str,
    *,
    auth: Bearer,
    headers: Mapping[str, str],
    timeout_s: float,
    deadline: Deadline,
) -> bytes:
    """The body of a 200, asked again while the server says it is busy (429, 503) and time is left.

    Refuses (a FhirError of the fitting kind, its text safe to show): no connection, deadline,
    401, 403, 404, 410, any other status, a redirect, and a body beyond 32 MB.
    """
    for attempt in range(_TRIES):
        last = attempt == _TRIES - 1
        try:
            status, body, wait = _once(session, url, auth, headers, timeout_s, deadline)
        except FhirUnreachable:
            # A pooled connection the server had closed looks like this; a read may be repeated.
            if attempt or not deadline.left:
                raise
            continue
        if status not in (429, 503):
            return _checked(status, body)
        pause = _FIRST_WAIT_S * 2**attempt if wait is None else wait
        pause += random.uniform(0, _FIRST_WAIT_S)  # noqa: S311 - spreads retries, no secret
        if last or pause >= deadline.left:
            break
        time.sleep(pause)
    raise FhirServerError(f"the EHR is too busy to answer now ({status})")


def _once(
    session: requests.Session,
    url: str,
    auth: Bearer,
    headers: Mapping[str, str],
    timeout_s: float,
    deadline: Deadline,
) -> tuple[int, bytes, float | None]:
    """Status, body and what Retry-After asks for (seconds)."""
    left = deadline.left
    if not left:
        raise FhirTimeout("the EHR did not answer in time")
    try:
        with session.get(
            url,
            auth=auth,
            headers=headers,
            timeout=(min(_CONNECT_S, left), min(timeout_s, left)),
            allow_redirects=False,
            stream=True,
        ) as response:
            wait = _retry_after(response.headers.get("Retry-After"))
            return response.status_code, _body(response, deadline), wait
    except (requests.Timeout, ReadTimeoutError):
        raise FhirTimeout("the EHR did not answer in time") from None
    except DecodeError:
        raise FhirNotFhir("the EHR's answer is compressed in a broken way") from None
    except (requests.RequestException, HTTPError) as error:
        raise FhirUnreachable(_unreachable(error)) from None


def _body(response: requests.Response, deadline: Deadline) -> bytes:
    """The decoded body, piece by piece, so that a slow drip meets the deadline too."""
    chunks: list[bytes] = []
    size = 0
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        size += len(chunk)
        if size > MAX_BODY:
            raise FhirNotFhir("the EHR's answer is too large to be read")
        if not deadline.left:
            raise FhirTimeout("the EHR did not answer in time")
        chunks.append(chunk)
    return b"".join(chunks)


def _checked(status: int, body: bytes) -> bytes:
    if status == 200:
        return body
    error: type[FhirError]
    match status:
        case 401:
            error, text = FhirUnauthorized, "the EHR does not accept the login (any more)"
        case 403:
            error, text = FhirForbidden, "the EHR does not let this app or this user read it"
        case 404 | 410:
            error, text = FhirNotFound, "the EHR does not have it"
        case _ if 300 <= status < 400:
            error, text = FhirServerError, "the EHR points to another address; it is not followed"
        case _ if status < 500:
            error, text = FhirServerError, "the EHR does not accept the question"
        case _:
            error, text = FhirServerError, "the EHR failed to answer"
    raise error(f"{text} ({status})")


def _unreachable(error: Exception) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "no trusted (TLS) connection to the EHR"
    return "no connection to the EHR, or it broke off"


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait, from a number or an HTTP date; None when absent or unreadable."""
    if value is None:
        return None
    if value.strip().isdecimal() and len(value) < 10:
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
