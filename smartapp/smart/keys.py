"""A key pair of the app's own, and what it is good for at which time.

What a pair is good for follows from when it and its successor were made, so there is no state that
two workers could disagree about:

    made ......... LEAD ......... signs ......... successor signs ......... TRAIL ......... ended
    |<------------------------------- published ------------------------------------------>|

The oldest pair of an algorithm has no lead: no server can know another key set of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise, zip_longest
from typing import Any, Literal, get_args

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from smartapp.errors import ClientKeyMissing

Algorithm = Literal["ES384", "RS384"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)

# What we tell servers that read our key set, and how long we wait for those that do not listen.
JWKS_MAX_AGE = timedelta(hours=1)
LEAD = timedelta(hours=24)
TRAIL = timedelta(hours=24)

_RSA_BITS = 3072
_PUBLIC = ("kty", "n", "e", "crv", "x", "y")


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    alg: Algorithm
    made: int
    private: dict[str, str]


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key with its name (RFC 7638 thumbprint) and the second it was made."""

    kid: str
    alg: Algorithm
    made: datetime
    key: RSAKey | ECKey = field(repr=False)

    @classmethod
    def new(cls, alg: Algorithm, now: datetime) -> PrivateKey:
        """A fresh one: P-384, or RSA of 3072 bits."""
        key = RSAKey.generate_key(_RSA_BITS) if alg == "RS384" else ECKey.generate_key("P-384")
        return cls(key.thumbprint(), alg, now.replace(microsecond=0), key)

    @classmethod
    def read(cls, plain: bytes) -> PrivateKey:
        """What `plain` wrote. Refuses (ValueError) anything else."""
        try:
            stored = msgspec.json.decode(plain, type=_Stored)
            members: Any = stored.private
            key = (RSAKey if stored.alg == "RS384" else ECKey).import_key(members)
        except (JoseError, msgspec.MsgspecError, KeyError) as error:
            raise ValueError("not a private key of this app") from error
        return cls(key.thumbprint(), stored.alg, datetime.fromtimestamp(stored.made, UTC), key)

    def plain(self) -> bytes:
        """The key as it is to be sealed."""
        members: Any = dict(self.key.as_dict(private=True))
        made = int(self.made.timestamp())
        return msgspec.json.encode(_Stored(alg=self.alg, made=made, private=members))


@dataclass(frozen=True, slots=True)
class KeyPair:
    """One pair with its times. `ends` is None while it has no successor."""

    kid: str
    alg: Algorithm
    made: datetime
    signs_from: datetime
    ends: datetime | None
    key: RSAKey | ECKey = field(repr=False)

    @property
    def public(self) -> dict[str, Any]:
        """The public JWK: no private member, and the `alg` that some servers insist on."""
        shown = self.key.as_dict(private=False)
        return {
            **{name: shown[name] for name in _PUBLIC if name in shown},
            "kid": self.kid,
            "alg": self.alg,
            "use": "sig",
            "key_ops": ["verify"],
        }

    def is_published(self, now: datetime) -> bool:
        """Whether the public half belongs in the key set."""
        return self.ends is None or now < self.ends


def scheduled(keys: Iterable[PrivateKey]) -> Iterator[KeyPair]:
    """The pairs with their times, those of each algorithm oldest first."""
    ordered = sorted(keys, key=lambda key: (key.made, key.kid))
    for alg in ALGORITHMS:
        mine = [key for key in ordered if key.alg == alg]
        starts = [key.made + (LEAD if n else timedelta()) for n, key in enumerate(mine)]
        ends = [after + TRAIL for _, after in pairwise(starts)]
        for key, start, end in zip_longest(mine, starts, ends):
            yield KeyPair(key.kid, alg, key.made, start, end, key.key)


def signing_pair(pairs: Iterable[KeyPair], alg: Algorithm, now: datetime) -> KeyPair:
    """The newest pair that every server has had time to read.

    Refuses (ClientKeyMissing) when there is none of this algorithm.
    """
    mine = [pair for pair in pairs if pair.alg == alg]
    if not mine:
        raise ClientKeyMissing(f"This deployment has no {alg} key to sign in to the EHR with.")
    ready = [pair for pair in mine if pair.signs_from <= now]
    return ready[-1] if ready else mine[0]


def algorithm_for(accepted: Iterable[str], wanted: Algorithm | None) -> Algorithm:
    """The algorithm to sign with, of those a server says it accepts (SMART: at least one of two).

    The site's own choice goes first. A server that says nothing gets RS384; one that lists both
    gets ES384, which is much quicker to make. Refuses (ClientKeyMissing) a list with neither.
    """
    if wanted is not None:
        return wanted
    listed = frozenset(accepted)
    if not listed:
        return "RS384"
    for alg in ALGORITHMS:
        if alg in listed:
            return alg
    raise ClientKeyMissing("The EHR says that it accepts neither ES384 nor RS384 from this app.")
