"""An EHR that signs its calls, and a forger who tries."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from uuid import uuid4

from hookwork import NOW
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

ISS = "https://ehr.example"
JKU = "https://ehr.example/jwks.json"
BASE = "https://app.example/hpg"
AUD = f"{BASE}/cds-services/hpg-patient-view"

Key = ECKey | RSAKey


@cache
def key(name: str) -> Key:
    """A key pair of this run by its name, which begins with its kind: "rsa", "p256", "p384"."""
    kind = name.partition("-")[0]
    if kind == "rsa":
        return RSAKey.generate_key(2048)
    return ECKey.generate_key({"p256": "P-256", "p384": "P-384", "p521": "P-521"}[kind])


# Some EHRs' kids are base64 with all its signs.
KIDS = {"p384": "ec-1", "rsa": "Zm9v+YmFy/cXV1eA=="}


def key_set(**kids: str) -> dict[str, Any]:
    """The published halves, by the name of the key: `key_set(rsa="kid")`."""
    return {
        "keys": [
            {**key(name.replace("_", "-")).as_dict(private=False), "kid": kid, "use": "sig"}
            for name, kid in (kids or KIDS).items()
        ]
    }


def claims(at: datetime = NOW, **changes: Any) -> dict[str, Any]:
    """Good claims of this moment; a change of None leaves the claim out."""
    now = int(at.timestamp())
    given = {"iss": ISS, "aud": AUD, "iat": now, "exp": now + 300, "jti": str(uuid4()), **changes}
    return {name: value for name, value in given.items() if value is not None}


def header(name: str = "p384", **changes: Any) -> dict[str, Any]:
    algorithm = {"rsa": "RS384", "p256": "ES256", "p384": "ES384", "p521": "ES512"}
    kind = name.partition("-")[0]
    given = {"alg": algorithm[kind], "typ": "JWT", "kid": KIDS.get(name), **changes}
    return {name: value for name, value in given.items() if value is not None}


def sign(
    head: Mapping[str, Any], payload: Mapping[str, Any] | bytes, by: str | Key = "p384"
) -> str:
    """The compact token of just this header and payload, however odd they are."""
    said = f"{part(head)}.{part(payload)}"
    made = key(by) if isinstance(by, str) else by
    signature = JWSRegistry.algorithms[head["alg"]].sign(said.encode(), made)
    return f"{said}.{part(signature)}"


def token(name: str = "p384", /, **changes: Any) -> str:
    """A good token, but for the changes of its claims."""
    return sign(header(name), claims(**changes), name)


def bearer(given: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {given}"}


def part(value: Any) -> str:
    """A segment: JSON of `value`, or just these bytes."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(segment: str) -> bytes:
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
