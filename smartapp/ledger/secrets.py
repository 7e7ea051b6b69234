"""Secrets at rest: AES-256-GCM under keys derived from `SECRET_KEYS`.

A sealed value is `version (1) | key id (4) | nonce (12) | ciphertext and tag`. What it belongs to
(a launch id, a page's place) is authenticated with it, so that one row's secret cannot be moved to
another row. Each launch has a data key of its own, sealed here: deleting that row makes every copy
of the launch's data unreadable, in backups too.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from smartapp.errors import ConfigError, LedgerError

_VERSION = b"\x01"
_ID_BYTES = 4
_NONCE_BYTES = 12
_HEADER = len(_VERSION) + _ID_BYTES + _NONCE_BYTES


class Sealer:
    """Seals and opens with one 256-bit key."""

    __slots__ = ("_cipher", "_prefix", "key_id")

    def __init__(self, key: bytes) -> None:
        self.key_id = hashlib.sha256(b"hpg key id" + key).digest()[:_ID_BYTES]
        self._prefix = _VERSION + self.key_id
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, place: str) -> bytes:
        """`plain` encrypted, bound to `place`."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._prefix + nonce + self._cipher.encrypt(nonce, plain, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """What was sealed for `place`. Refuses (LedgerError) another key, place or content."""
        if len(sealed) < _HEADER or sealed[: len(self._prefix)] != self._prefix:
            raise LedgerError("A secret in the ledger was sealed with another key.")
        nonce = sealed[len(self._prefix) : _HEADER]
        try:
            return self._cipher.decrypt(nonce, sealed[_HEADER:], place.encode())
        except InvalidTag:
            raise LedgerError("A secret in the ledger was altered or moved.") from None


class Vault:
    """The deployment's keys: the first seals, all open."""

    __slots__ = ("_by_id", "_first")

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ConfigError("SMARTAPP_SECRET_KEYS holds no key")
        sealers = [Sealer(_derive(key)) for key in keys]
        self._first = sealers[0]
        self._by_id = {sealer.key_id: sealer for sealer in sealers}

    def seal(self, plain: bytes, place: str) -> bytes:
        """`plain` encrypted with the first key, bound to `place`."""
        return self._first.seal(plain, place)

    def open(self, sealed: bytes, place: str) -> bytes:
        """What was sealed for `place` under any of the keys.

        Refuses (LedgerError) when its key is no longer listed, or it was altered or moved.
        """
        sealer = self._by_id.get(sealed[len(_VERSION) : len(_VERSION) + _ID_BYTES])
        if sealer is None:
            raise LedgerError("A secret's key is no longer in SMARTAPP_SECRET_KEYS.")
        return sealer.open(sealed, place)

    def new_data_key(self, place: str) -> tuple[bytes, Sealer]:
        """A fresh key for one launch: sealed, as it is stored, and ready to use."""
        key = os.urandom(32)
        return self.seal(key, place), Sealer(key)

    def data_key(self, sealed: bytes, place: str) -> Sealer:
        """The key that `new_data_key` sealed. Refuses like `open`."""
        return Sealer(self.open(sealed, place))


def _derive(key: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"hpg ledger secrets 1").derive(key.encode())
