"""A signed token in compact form (RFC 7515): read before it is believed, then checked by a key."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jws import CompactSignature

from smartapp.jose.keys import ALGORITHMS, PublicKey

MOST_BYTES = 16_384

_is_compact = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+").fullmatch


class _Registry(jws.JWSRegistry):
    """Our algorithms and no other; header members we do not know are ignored (RFC 7515, 4)."""

    max_header_length = MOST_BYTES
    max_payload_length = MOST_BYTES
    max_signature_length = 2048

    def get_alg(self, name: str) -> Any:
        # The library's own look-up warns at each use of EdDSA, which a list of ours allows.
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


_REGISTRY = _Registry(algorithms=tuple(ALGORITHMS), strict_check_header=False)


@dataclass(frozen=True, slots=True)
class Signed:
    """A token, read and not yet believed: only `is_by` says whose it is."""

    algorithm: str
    kid: str | None
    header: Mapping[str, Any]
    payload: bytes
    _signature: CompactSignature

    def is_by(self, key: PublicKey) -> bool:
        """Whether the signature is this key's, by the algorithm that the token names."""
        if not key.fits(self.algorithm, self.kid):
            return False
        try:
            return jws.validate_compact(self._signature, key.key, registry=_REGISTRY)
        except (JoseError, ValueError):
            return False


def read_signed(token: str) -> Signed | None:
    """The token, unverified; None for what is no signed token by an algorithm of ours.

    Header members that would name a key (`jwk`, `x5c`, `x5u`) are ignored: whoever checks knows
    the keys already. A token that demands an extension (`crit`, `b64`) is none, as we know of none;
    nor is one that says its signature in more than one way (base64url with stray bits).
    """
    if len(token) > MOST_BYTES or not _is_compact(token):
        return None
    try:
        read = jws.extract_compact(token.encode("ascii"), registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, RecursionError):
        return None
    header = read.headers()
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        return None
    if not isinstance(kid, str | None) or "crit" in header or "b64" in header:
        return None
    if not _is_canonical(token.rpartition(".")[2]):
        return None
    return Signed(algorithm, kid, header, read.payload or b"", read)


def _is_canonical(segment: str) -> bool:
    """Whether base64url writes these bytes in just this way; its last character has spare bits."""
    try:
        content = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        return False
    return urlsafe_b64encode(content).rstrip(b"=") == segment.encode("ascii")
