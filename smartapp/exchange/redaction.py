"""Taking out of a message whatever the vocabulary does not hold, and leaving its shape.

Ids and UUIDs become hashes of their own shape, the same for the same id; dates a date of their
precision; other texts, numbers and truth values a stand-in of their kind. So a redacted call can
be sent again, and is odd where it was odd.
"""

from __future__ import annotations

import re
import secrets
from hashlib import blake2s
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from smartapp.exchange.vocabulary import Vocabulary
from smartapp.jose import ALGORITHMS, read_signed

ABSENT_ADDRESS = "https://elsewhere.invalid"

_COUNTS = frozenset(("total", "expires_in"))
_MOST = 100_000
_FLAGS = frozenset(("isRecommended", "need_patient_banner"))
_IDENTITIES = frozenset(
    (
        "id", "reference", "fullUrl", "patient", "encounter", "patientId", "encounterId", "userId",
        "resourceId", "selections", "fhirUser", "subject", "performer", "order",
        "dispatchedOrders",
    )
)  # fmt: skip
_ADDRESSES = frozenset(("fhirServer", "iss", "aud", "redirect_uri", "url"))
_CODES = frozenset(("code", "linkId"))
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?)?)?(Z|[+-]\d{2}:\d{2})?")
_ANY_DATE = "2000-01-01T00:00:00.000000000"
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


class Redactor:
    """Judges messages by one vocabulary. Its hashes hold as long as it lives."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._known = vocabulary
        self._salt = secrets.token_bytes(16)

    def json(self, value: Any, *, oauth: bool = False) -> Any:
        """A JSON value without what must not be kept. `oauth`: there, `code` is a secret."""
        return self._value(value, "", None, oauth)

    def parameters(self, pairs: list[tuple[str, str]]) -> list[list[str]]:
        """A form or a query of an OAuth request, in its order."""
        return [[self._member(name), self._text(value, name, None, True)] for name, value in pairs]

    def query(self, text: str) -> list[list[str]]:
        """The same, as it stands in an address or a body."""
        return self.parameters(parse_qsl(text, keep_blank_values=True))

    def address(self, url: str) -> str:
        """An address without its query: our own or a configured EHR's, or else a stand-in."""
        bare = url.partition("?")[0]
        return bare if bare.rstrip("/") in self._known.own else ABSENT_ADDRESS

    def redirection(self, url: str) -> str:
        """An address and what its query says."""
        said = self.query(url.partition("?")[2])
        query = "&".join(f"{name}={value}" for name, value in said)
        return f"{self.address(url)}?{query}" if query else self.address(url)

    def credentials(self, header: str) -> str:
        """An Authorization header: its scheme, and of a signed token how it was signed."""
        scheme, _, given = header.partition(" ")
        named = scheme if scheme in ("Bearer", "Basic") else "other"
        signed = read_signed(given.strip())
        if signed is None or signed.algorithm not in ALGORITHMS:
            return f"{named} (no signed token)" if given else named
        said = " ".join(name for name in ("kid", "jku", "typ") if name in signed.header)
        return f"{named} ({signed.algorithm} {said})".replace(" )", ")")

    def short(self, text: str) -> str:
        """A hash of `text` in the shape of a FHIR id."""
        return f"h-{self._digest(text).hex()[:8]}"

    def _digest(self, text: str) -> bytes:
        return blake2s(text.encode("utf-8", "replace"), key=self._salt, digest_size=16).digest()

    def _value(self, value: Any, name: str, system: object, oauth: bool) -> Any:
        if isinstance(value, dict):
            said = value.get("system")
            return {
                self._member(key): self._value(item, key, said, oauth)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self._value(item, name, system, oauth) for item in value]
        if isinstance(value, str):
            return self._text(value, name, system, oauth)
        if isinstance(value, bool):
            return value if name in _FLAGS else False
        if isinstance(value, int | float):
            return value if name in _COUNTS and 0 <= value <= _MOST and value == int(value) else 0
        return None

    def _member(self, name: str) -> str:
        return name if name in self._known.members else f"other-{self.short(name)[2:]}"

    def _text(self, text: str, name: str, system: object, oauth: bool) -> str:
        if not text.strip():
            return "" if not text else " "
        if oauth and name == "code":
            return "x"
        if name == "resourceType":
            return text if text in self._known.types else "Other"
        if text in self._known.words.get(name, ()):
            return text
        if name == "scope":
            words = (word if self._known.is_scope(word) else "x" for word in text.split())
            return " ".join(words)
        if name in _CODES and self._known.is_code(text, system):
            return text
        if name == "system":
            return text if text in self._known.systems else "urn:other"
        if name == "unit" and text in self._known.units:
            return text
        if name in _ADDRESSES and text.startswith(("http://", "https://")):
            return self.address(text)
        if _UUID.fullmatch(text):
            return str(UUID(bytes=self._digest(text.lower()), version=4))
        if name in _IDENTITIES:
            return self._identity(text)
        if match := _DATE.fullmatch(text):
            zone = match[6] or ""
            return _ANY_DATE[: len(text) - len(zone)] + ("Z" if zone == "Z" else zone and "+00:00")
        return "x"

    def _identity(self, text: str) -> str:
        """`Type/id` with the id hashed, wherever it stands; a bare or contained id likewise."""
        if text.startswith("#"):
            return f"#{self.short(text[1:])}"
        try:
            path = urlsplit(text).path if text.startswith(("http://", "https://")) else text
        except ValueError:  # "http://["
            return self.short(text)
        kind, _, identity = path.rpartition("/")
        kind = kind.rpartition("/")[2]
        if kind in self._known.types:
            return f"{kind}/{self.short(identity)}"
        return self.short(text)
