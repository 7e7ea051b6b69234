"""Public keys as others publish them (RFC 7517), and which of them may check which signature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

# Algorithm -> key type and curve. Asymmetric only: `none` and HS* do not exist here (CDS Hooks
# 2.0.1, JWT signing algorithm), so that a published key can never serve as a shared secret.
ALGORITHMS: Mapping[str, tuple[str, str | None]] = {
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "PS256": ("RSA", None),
    "PS384": ("RSA", None),
    "PS512": ("RSA", None),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}

_MAX_KEYS = 50
_MODULUS = range(342, 2732)  # base64url characters of 2048 to 16384 bits
# What of a published key is needed to check a signature; anything else (a private member that
# should never have been published, a certificate) is not even read.
_PARTS: Mapping[str, tuple[type[RSAKey] | type[ECKey] | type[OKPKey], frozenset[str]]] = {
    "RSA": (RSAKey, frozenset(("kty", "n", "e"))),
    "EC": (ECKey, frozenset(("kty", "crv", "x", "y"))),
    "OKP": (OKPKey, frozenset(("kty", "crv", "x"))),
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key of a set, ready to verify with. `curve` is None for RSA.

    `kid` is compared as it is written: some EHRs' hold `+`, `/` and `=`. `thumbprint` names the
    key by its own content (RFC 7638, SHA-256).
    """

    key: RSAKey | ECKey | OKPKey
    kid: str | None
    kind: str
    curve: str | None
    algorithm: str | None
    thumbprint: str

    def fits(self, algorithm: str, kid: str | None) -> bool:
        """Whether a signature by `algorithm` under `kid` may be this key's.

        A key without a `kid`, or a signature without one, excludes nothing.
        """
        kind, curve = ALGORITHMS.get(algorithm, ("", None))
        return (
            self.kind == kind
            and self.curve == curve
            and self.algorithm in (None, algorithm)
            and (kid is None or self.kid is None or self.kid == kid)
        )


def read_key_set(document: Mapping[str, Any]) -> tuple[PublicKey, ...]:
    """The usable signing keys of a JWK Set, in its order.

    One odd entry hides no other: what is no key, not for signatures, of an unknown curve, or an
    RSA key of fewer than 2048 bits is left out.
    """
    entries = document.get("keys")
    if not isinstance(entries, list):
        return ()
    found = (_public_key(entry) for entry in entries[:_MAX_KEYS] if isinstance(entry, dict))
    return tuple(key for key in found if key is not None)


def _public_key(entry: Mapping[str, Any]) -> PublicKey | None:
    kind, kid, algorithm = entry.get("kty"), entry.get("kid"), entry.get("alg")
    if not isinstance(kind, str) or kind not in _PARTS or not _may_verify(entry):
        return None
    if not isinstance(algorithm, str | None) or not isinstance(kid, str | None):
        return None
    if kind == "RSA" and not _is_long(entry.get("n")):
        return None
    maker, names = _PARTS[kind]
    try:
        key = maker.import_key({name: entry[name] for name in names})
        curve = None if isinstance(key, RSAKey) else key.curve_name
    except (JoseError, ValueError, TypeError, KeyError, OverflowError):
        return None
    return PublicKey(key, kid or None, kind, curve, algorithm, key.thumbprint())


def _may_verify(entry: Mapping[str, Any]) -> bool:
    """Whether the key is for signatures, as far as it says: `use` and `key_ops` are optional."""
    operations = entry.get("key_ops")
    return entry.get("use", "sig") == "sig" and (
        operations is None or (isinstance(operations, list) and "verify" in operations)
    )


def _is_long(modulus: object) -> bool:
    """Whether an RSA key is long enough to trust and short enough to check in time."""
    return isinstance(modulus, str) and len(modulus.lstrip("A")) in _MODULUS
