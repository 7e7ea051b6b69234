"""The envelope of an answer: entries still unread, and where the next page is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from msgspec import MsgspecError, Raw, Struct, ValidationError
from msgspec.json import Decoder

from smartapp.errors import InputError
from smartapp.fhir.quarantine import ROW_ERRORS, explain
from smartapp.fhir.resources import ABSENT

_BOM = b"\xef\xbb\xbf"
# Any escape; `half` is a surrogate without its other half.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a FHIR server, as received. `key` names the search it belongs to."""

    key: str
    body: bytes


class Envelope(Struct, frozen=True):
    """The outside of a Bundle, or of any other resource (which has no entries)."""

    resourceType: str | None = None
    entry: list[Raw] | None = None
    link: Raw = ABSENT

    @property
    def is_bundle(self) -> bool:
        """A Bundle; or a list of entries that forgot to say so."""
        return self.resourceType in ("Bundle", None)


class _Link(Struct, frozen=True):
    relation: str | None = None
    url: str | None = None


_envelope = Decoder(Envelope).decode
_links = Decoder(list[_Link]).decode


def open_body(raw: bytes | Raw) -> tuple[Envelope, bytes]:
    """The envelope of a body, and the body without a byte order mark.

    Refuses (InputError, naming the problem and never the content) what is not one JSON object in
    UTF-8, is nested absurdly deep, or does not say what it is.
    """
    body = bytes(raw).removeprefix(_BOM)
    try:
        envelope = _opened(body)
    except InputError:
        # Free text cut in the middle of an emoji leaves half a surrogate pair: one note in one row
        # must not cost the page.
        repaired = _ESCAPE.sub(_whole, body)
        if repaired == body:
            raise
        envelope, body = _opened(repaired), repaired
    if envelope.resourceType is None and envelope.entry is None:
        raise InputError("the JSON has no resourceType, so it is not FHIR")
    return envelope, body


def _opened(body: bytes) -> Envelope:
    try:
        return _envelope(body)
    except ValidationError as error:
        path, reason = explain(error)
        raise InputError(f"this is not FHIR: at {path} {reason}") from None
    except MsgspecError:
        raise InputError("this is not JSON") from None
    except RecursionError:
        raise InputError("the JSON is nested too deep to be FHIR") from None
    except UnicodeDecodeError:
        raise InputError("the text is not UTF-8") from None


def _whole(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape["half"] else escape[0]


def next_link(raw: bytes | Raw) -> str | None:
    """The address of the page after this one, as the server wrote it; None when it is the last.

    Refuses (InputError) like `open_body`.
    """
    return next_of(open_body(raw)[0])


def next_of(envelope: Envelope) -> str | None:
    """The same for an envelope already open. Links of an odd shape count as none."""
    return next_in(envelope.link) if envelope.is_bundle else None


def next_in(link: Raw) -> str | None:
    """The same for the `link` of a Bundle."""
    if not bytes(link):
        return None
    try:
        links = _links(link)
    except ROW_ERRORS:
        return None
    return next((link.url for link in links if link.relation == "next" and link.url), None)
