"""Reading one JSON document from a server, in bounded time and size."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec
import requests

from smartapp.settings import is_loopback

MAX_BYTES = 1_000_000

_max_age = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE).search
_is_visible = re.compile(r"[\x21-\x7e]+").fullmatch


class Unreadable(Exception):
    """The document could not be had. The text says why, without any of its content."""


class NoDocument(Unreadable):
    """The server is there and answered, but has no such document: it may be elsewhere."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a server gave: one JSON object, and how long it said that it may be kept."""

    content: dict[str, Any]
    max_age: timedelta | None


def is_safe(url: str) -> bool:
    """Whether a secret may travel to `url`: https, or this machine; no user, nothing unreadable."""
    parts = _parts(url)
    if parts is None or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def is_here(url: str) -> bool:
    """Whether `url` can only be on this machine, where other services may trust whoever asks."""
    parts = _parts(url)
    return parts is not None and is_loopback(parts.hostname or "")


def _parts(url: str) -> SplitResult | None:
    """The parts of an absolute address; None where a host name or a port is none, or where two
    readers could read it differently (blanks, control and other signs, `\\`)."""
    if not _is_visible(url) or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
        host = (parts.hostname or "").encode("idna")
    except ValueError:
        return None
    return parts if host else None


def fetch_object(url: str, timeout_s: float) -> dict[str, Any]:
    """The JSON object at `url`; see `fetch_document`."""
    return fetch_document(url, timeout_s).content


def fetch_document(url: str, timeout_s: float, *, max_bytes: int = MAX_BYTES) -> Document:
    """The JSON object at `url`, and for how long it may be kept.

    Sends no credential (not even from a `.netrc`), follows no redirect, reads at most `max_bytes`
    within `timeout_s`, and does not mind the media type. Refuses (Unreadable) the rest.
    """
    if not is_safe(url):
        raise Unreadable("its address is not https")
    deadline = monotonic() + timeout_s
    try:
        with requests.get(
            url,
            headers={"Accept": "application/json"},
            auth=_no_credentials,
            timeout=timeout_s,
            allow_redirects=False,
            stream=True,
        ) as response:
            if response.status_code != 200:
                error = NoDocument if response.status_code < 500 else Unreadable
                raise error(f"the server answered {response.status_code}")
            content = parse_object(read_body(response, deadline, max_bytes=max_bytes))
            return Document(content, _age(response.headers.get("Cache-Control", "")))
    except requests.Timeout:
        raise Unreadable(f"no answer within {timeout_s:g} s") from None
    except requests.RequestException:
        raise Unreadable("no connection") from None


def read_body(response: requests.Response, deadline: float, *, max_bytes: int = MAX_BYTES) -> bytes:
    """The body of a streamed response. Refuses (Unreadable) beyond `max_bytes` or `deadline`."""
    body = bytearray()
    for chunk in response.iter_content(16_384):
        body += chunk
        if len(body) > max_bytes:
            raise Unreadable("the answer is too long")
        if monotonic() > deadline:
            raise Unreadable("the answer came too slowly")
    return bytes(body)


def parse_object(body: bytes) -> dict[str, Any]:
    """`body` as a JSON object. Refuses (Unreadable) HTML, other JSON, broken text."""
    try:
        return msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"), type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NoDocument("the answer is not a JSON object") from None


def _age(cache_control: str) -> timedelta | None:
    """What `Cache-Control` allows: nothing where it forbids keeping, None where it does not say."""
    if "no-store" in cache_control.lower() or "no-cache" in cache_control.lower():
        return timedelta(0)
    found = _max_age(cache_control)
    return timedelta(seconds=int(found[1])) if found else None


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
