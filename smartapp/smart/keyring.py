"""The app's key pairs on the disk: one sealed file a pair, read alike by every worker."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from smartapp.errors import ClientKeyMissing, ConfigError, LedgerError
from smartapp.ledger.secrets import Vault
from smartapp.smart.keys import (
    ALGORITHMS,
    Algorithm,
    KeyPair,
    PrivateKey,
    scheduled,
    signing_pair,
)

_SUFFIX = ".key"

_log = logging.getLogger("smartapp.smart")


@dataclass(frozen=True, slots=True)
class _Read:
    names: tuple[str, ...] = ()
    keys: Mapping[str, PrivateKey] = field(default_factory=dict)
    pairs: tuple[KeyPair, ...] = ()
    unreadable: tuple[str, ...] = ()


class KeyRing:
    """The pairs of one deployment, in `keys/` of its home folder. Safe between threads.

    A file is named by its kid (RFC 7638 thumbprint) and never changes: it comes, and it goes. So a
    look at the names is enough to see what another process made. Every method refuses
    (ConfigError) a folder that cannot be read or written.
    """

    def __init__(self, home_dir: Path, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._folder = home_dir / "keys"
        self._vault = vault
        self._clock = clock
        self._read = _Read()

    def pairs(self) -> tuple[KeyPair, ...]:
        """Every pair that can be opened, of each algorithm oldest first, also those that ended."""
        return self._current().pairs

    def unreadable(self) -> tuple[str, ...]:
        """The kids of files that were altered, or sealed with a secret key no longer listed."""
        return self._current().unreadable

    def signing(self, alg: Algorithm) -> KeyPair:
        """The pair to sign with now. Refuses (ClientKeyMissing) when there is none."""
        return signing_pair(self.pairs(), alg, self._clock())

    def complete(self) -> bool:
        """Whether there is a pair of each algorithm to sign with; the log says what is missing."""
        try:
            for alg in ALGORITHMS:
                self.signing(alg)
        except (ClientKeyMissing, ConfigError) as error:
            _log.warning("keys: %s", error.public)
            return False
        return True

    def published(self) -> dict[str, Any]:
        """The JWK Set to publish: the pairs that sign, that soon will, and that just did."""
        now = self._clock()
        return {"keys": [pair.public for pair in self.pairs() if pair.is_published(now)]}

    def generate(self) -> tuple[KeyPair, ...]:
        """The first pairs, one an algorithm. Refuses (ConfigError) when there are some already."""
        if self._names():
            raise ConfigError("there are keys already; `smartapp keys rotate` replaces them")
        return self._add()

    def rotate(self, *, at_once: bool = False) -> tuple[KeyPair, ...]:
        """New pairs that sign after their lead; pairs that have ended are deleted.

        `at_once` is for a key that others may know: every older pair is deleted now, and a server
        that still keeps the old key set refuses us until it reads the new one. Refuses
        (ConfigError) when there is nothing to rotate.
        """
        old, now = self._current(), self._clock()
        if not old.names:
            raise ConfigError("there are no keys yet; `smartapp keys generate` makes them")
        new = {pair.kid for pair in self._add()}
        over = old.names if at_once else [p.kid for p in old.pairs if not p.is_published(now)]
        for kid in over:
            self._path(kid).unlink(missing_ok=True)
        return tuple(pair for pair in self.pairs() if pair.kid in new)

    def _add(self) -> tuple[KeyPair, ...]:
        new = [PrivateKey.new(alg, self._clock()) for alg in ALGORITHMS]
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for key in new:
                self._write(key.kid, key.plain())
        except OSError as error:
            raise ConfigError(f"{self._folder}: cannot be written: {error.strerror}") from error
        kids = {key.kid for key in new}
        return tuple(pair for pair in self.pairs() if pair.kid in kids)

    def _write(self, kid: str, plain: bytes) -> None:
        # Readers see the whole file or none: it gets its name when it is on the disk.
        draft = self._folder / f".{secrets.token_hex(8)}"
        handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(self._vault.seal(plain, _place(kid)))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path(kid))

    def _path(self, kid: str) -> Path:
        return self._folder / f"{kid}{_SUFFIX}"

    def _names(self) -> tuple[str, ...]:
        try:
            found = [path.name for path in self._folder.iterdir()]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise ConfigError(f"{self._folder}: cannot be read: {error.strerror}") from error
        kept = (n for n in found if n.endswith(_SUFFIX) and not n.startswith("."))
        return tuple(sorted(name.removesuffix(_SUFFIX) for name in kept))

    def _current(self) -> _Read:
        """What is in the folder now, opened anew only when its names changed."""
        names, read = self._names(), self._read
        if read.names != names:
            read = self._read = self._open(names)
        return read

    def _open(self, names: tuple[str, ...]) -> _Read:
        keys: dict[str, PrivateKey] = {}
        odd: list[str] = []
        for kid in names:
            # Reading an RSA key takes a tenth of a second and more: each is read once.
            key = self._read.keys.get(kid) or self._opened(kid)
            if key is None:
                odd.append(kid)
            else:
                keys[kid] = key
        return _Read(names, keys, tuple(scheduled(keys.values())), tuple(odd))

    def _opened(self, kid: str) -> PrivateKey | None:
        """The key of one file, None for an odd one: it hides no other, and the log names it."""
        try:
            return PrivateKey.read(self._vault.open(self._path(kid).read_bytes(), _place(kid)))
        except (OSError, LedgerError, ValueError):
            _log.warning("keys: a key file cannot be opened: kid=%s", kid)
            return None


def _place(kid: str) -> str:
    return f"client-key/{kid}"
