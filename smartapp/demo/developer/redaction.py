"""Taking secrets and patient data out of what is logged, and leaving its shape.

An allow-list: a text stays only where its member's name says that it is a code, a system, a unit
or a word of the protocol. Ids become short hashes, the same for the same id, so that two messages
about one patient can be told to be so. Every other text, number and truth value becomes a stand-in
of its kind and shape, so that a redacted call can be sent again and is odd where it was odd.
"""

from __future__ import annotations

import re
import secrets
from hashlib import blake2s
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from joserfc import jws
from joserfc.errors import JoseError

# Words of a protocol or a terminology, never a person's: kept where they look like what they are.
_KEPT = frozenset(
    {
        "resourceType", "hook", "hookInstance", "fhirServer", "token_type", "scope", "error",
        "system", "code", "unit", "status", "intent", "type", "use", "mode",
        "relation", "indicator", "selectionBehavior", "uuid", "card", "outcome", "severity",
        "linkId", "response_type", "client_id", "redirect_uri", "aud", "code_challenge_method",
        "grant_type", "client_assertion_type", "iss", "issuer", "token_type_hint", "comparator",
    }
)  # fmt: skip
_KEPT_NUMBERS = frozenset({"total", "expires_in"})
_KEPT_FLAGS = frozenset({"need_patient_banner", "isRecommended"})
_IDS = frozenset(
    {
        "id", "reference", "fullUrl", "patient", "encounter", "patientId", "encounterId", "userId",
        "resourceId", "selections", "finding",
    }
)  # fmt: skip
# In OAuth messages `code` is a secret, not a term.
_SECRETS = frozenset(
    {
        "access_token", "refresh_token", "id_token", "client_assertion", "code", "code_verifier",
        "code_challenge", "launch", "state", "nonce", "token",
    }
)  # fmt: skip
_SEARCH = frozenset({"_count", "_sort", "_format", "category"})
_TERM = re.compile(r"[A-Za-z0-9%\[{(µμ][\w.%/()\[\]{}*^:|+#-]{0,79}")
_ADDRESS = re.compile(r"https?://|urn:|openid|launch|patient/|user/")
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?)?)?(Z|[+-]\d{2}:\d{2})?")
_STAND_IN_DATE = "2000-01-01T00:00:00.000000000"
_SALT = secrets.token_bytes(16)


def body(value: Any, *, oauth: bool = False, name: str = "") -> Any:
    """A JSON value without what must not be logged; `oauth`: of an OAuth message."""
    if isinstance(value, dict):
        return {key: body(item, oauth=oauth, name=key) for key, item in value.items()}
    if isinstance(value, list):
        return [body(item, oauth=oauth, name=name) for item in value]
    if isinstance(value, str):
        return _text(value, name, oauth)
    if isinstance(value, bool):
        return value if name in _KEPT_FLAGS else False
    if value is None or name in _KEPT_NUMBERS:
        return value
    return 0


def form(pairs: list[tuple[str, str]]) -> list[list[str]]:
    """The parameters of an OAuth request, in their order."""
    return [[name, _text(value, name, oauth=True)] for name, value in pairs]


def address(url: str) -> str:
    """A URL with the ids in it hashed and its query's values judged like an OAuth request's."""
    parts = urlsplit(url)
    steps = parts.path.split("/")
    # Type/id: what follows a resource type is an id.
    path = "/".join(
        short(step) if before[:1].isupper() and step and step != "_search" else step
        for before, step in zip(["", *steps], steps, strict=False)
    )
    query = [
        (name, value if name in _SEARCH else _text(value, name, oauth=True))
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return urlunsplit(parts._replace(path=path, query=urlencode(query, safe="/:-., "), fragment=""))


def authorization(header: str) -> str:
    """An Authorization header: its scheme, and of a token its hash and what a JWT says openly."""
    scheme, _, credentials = header.partition(" ")
    return f"{scheme} {secret(credentials)}" if credentials else short(header)


def secret(value: str) -> str:
    """A secret as a short hash; of a JWT also algorithm, key id and the names of its claims."""
    try:
        header = jws.extract_compact(value.encode("ascii")).headers()
    except (JoseError, ValueError, RecursionError):
        return short(value)
    said = ",".join(f"{k}={short(str(v)) if k == 'kid' else v}" for k, v in sorted(header.items()))
    return f"{short(value)} (JWT {said})"


def short(value: str) -> str:
    """A hash of a text, the same while this process lives; it has the shape of a FHIR id."""
    return f"h-{blake2s(value.encode(), key=_SALT, digest_size=4).hexdigest()}"


def _text(value: str, name: str, oauth: bool) -> str:
    if oauth and name in _SECRETS:
        return secret(value)
    if name in ("access_token", "refresh_token", "id_token"):
        return secret(value)
    if name in _IDS:
        return _identity(value)
    if oauth and name == "error_description":
        return value
    if name in _KEPT and (_TERM.fullmatch(value) or _ADDRESS.match(value)):
        return value
    if name in ("url", "valueUri", "appContext") and value.startswith(("http://", "https://")):
        return address(value)
    return _shape(value)


def _identity(value: str) -> str:
    """`Type/id` with the id hashed; a whole address is judged as one."""
    if value.startswith(("http://", "https://")):
        return address(value)
    kind, slash, identity = value.rpartition("/")
    if value.startswith("#"):
        return f"#{short(value)}"
    return f"{kind}/{short(identity)}" if slash and kind.isalpha() else short(value)


def _shape(value: str) -> str:
    """A stand-in: a date stays a date of its precision, other text only says where digits were."""
    if match := _DATE.fullmatch(value):
        zone = match[6] or ""
        return _STAND_IN_DATE[: len(value) - len(zone)] + zone
    masked = re.sub(r"\d+", "9", re.sub(r"[^\W\d_]+(?:[ '’.-]+[^\W\d_]+)*", "x", value))
    return masked[:40]
