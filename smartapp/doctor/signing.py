"""Would the app's way of signing in be accepted, and the server's signatures readable?"""

from __future__ import annotations

from smartapp.doctor.check import Check, untried
from smartapp.doctor.doors import no_sign_in
from smartapp.doctor.published import Published, is_this_machine
from smartapp.doctor.visit import Visit
from smartapp.doctor.wire import Answer, Wire
from smartapp.errors import IdTokenRejected
from smartapp.jose import Unreadable
from smartapp.smart.discovery import SmartConfiguration
from smartapp.smart.id_token import issuer_and_keys
from smartapp.smart.issuers import Issuer
from smartapp.smart.keys import ALGORITHMS
from smartapp.smart.scopes import wanted

# RFC 8414: what a server that lists nothing accepts.
_METHODS = {"public": None, "secret": "client_secret_basic", "key": "private_key_jwt"}
_CAPABILITY = {
    "public": "client-public",
    "secret": "client-confidential-symmetric",
    "key": "client-confidential-asymmetric",
}


def pkce(visit: Visit, published: Published) -> Check:
    """Whether codes are bound to who asked for them (PKCE by S256)."""
    name = "pkce"
    if (none := no_sign_in(name, visit, published)) is not None:
        return none
    assert published.configuration is not None
    methods = published.configuration.challenge_methods
    if not methods:
        said = "the server does not say whether it takes S256"
        return Check(name, "warn", said, "nothing: the app sends S256, which older servers ignore")
    if "S256" not in methods:
        said = "the server lists code challenge methods without S256"
        return Check(name, "fail", said, "ask the EHR for S256; the app sends no other")
    if "plain" in methods:
        said = "S256 is listed, and plain beside it, which SMART forbids"
        return Check(name, "warn", said, "nothing here: the app uses S256; tell the EHR")
    return Check(name, "pass", "S256")


def sign_in(visit: Visit, published: Published) -> Check:
    """Whether the server accepts the way in which the app proves who it is."""
    name = "client sign-in"
    if (none := no_sign_in(name, visit, published)) is not None:
        return none
    assert published.configuration is not None
    if visit.issuer is None:
        return _any_way(name, published.configuration)
    ways = {visit.issuer.auth} | ({"key"} if visit.issuer.has_key else set())
    for way in sorted(ways):
        check = _one_way(name, way, published.configuration, visit.issuer)
        if check.verdict != "pass":
            return check
    return check


def _any_way(name: str, config: SmartConfiguration) -> Check:
    if not config.auth_methods and not config.capabilities:
        return Check(name, "warn", "the server does not say how clients sign in", _ASK)
    fit = [
        way
        for way, method in _METHODS.items()
        if (method in config.auth_methods if method else _CAPABILITY[way] in config.capabilities)
    ]
    if not fit:
        said = f"the server takes {', '.join(sorted(config.auth_methods))}; the app has none of it"
        return Check(name, "fail", said, _ASK)
    return Check(name, "pass", f"the app can be registered with auth {', '.join(fit)}")


_ASK = "ask the EHR how an app is registered"


def _one_way(name: str, way: str, config: SmartConfiguration, issuer: Issuer) -> Check:
    method = _METHODS[way]
    if method is not None and config.auth_methods and method not in config.auth_methods:
        said = f'auth "{way}" needs {method}; the server takes {_list(config.auth_methods)}'
        return Check(name, "fail", said, "register the app another way, and say so in its table")
    if config.capabilities and _CAPABILITY[way] not in config.capabilities:
        said = f"{_CAPABILITY[way]} is not among the server's capabilities"
        return Check(name, "warn", said, _ASK)
    if way != "key":
        return Check(name, "pass", method or "public: the client id alone, with PKCE")
    return _algorithms(name, config.signing_algorithms, issuer)


def _algorithms(name: str, listed: frozenset[str], issuer: Issuer) -> Check:
    if not listed:
        said = "private_key_jwt, but the server does not list its algorithms"
        todo = 'nothing: the app signs by RS384; assertion_alg = "ES384" in its table changes it'
        return Check(name, "warn", said, todo)
    ours = [alg for alg in ALGORITHMS if alg in listed]
    if not ours or (issuer.assertion_alg and issuer.assertion_alg not in listed):
        said = f"the server takes signatures by {_list(listed)}, the app makes "
        made = issuer.assertion_alg or _list(ALGORITHMS)
        return Check(name, "fail", said + made, "ask the EHR for ES384 or RS384 (SMART wants both)")
    return Check(name, "pass", f"private_key_jwt by {issuer.assertion_alg or ours[0]}")


def scopes(visit: Visit, published: Published) -> Check:
    """Whether the server lists what the app will ask for; the list need not be whole."""
    name = "scopes"
    if (none := no_sign_in(name, visit, published)) is not None:
        return none
    config = published.configuration
    assert config is not None
    asked = wanted(visit.asked_as, config).split()
    syntax = "version 2 (.rs)" if any(s.endswith(".rs") for s in asked) else "version 1 (.read)"
    if not config.scopes_supported:
        said = f"the server lists no scopes; the app asks in {syntax}"
        return Check(
            name, "warn", said, "nothing, if the registration grants what launch.json asks"
        )
    missing = [s for s in asked if not any(_covers(have, s) for have in config.scopes_supported)]
    if missing:
        todo = "check that the registration grants them; the server's list need not be whole"
        return Check(name, "warn", f"not listed by the server: {' '.join(missing)}", todo)
    return Check(name, "pass", f"all {len(asked)} that the app asks for are listed, in {syntax}")


def _covers(have: str, asked: str) -> bool:
    """Whether a scope that a server lists is or holds the one asked for."""
    if have == asked:
        return True
    level, _, rest = asked.partition("/")
    kind, _, verb = rest.partition(".")
    has_level, _, has_rest = have.partition("/")
    has_kind, _, has_verb = has_rest.partition(".")
    if has_level != level or has_kind not in (kind, "*") or not verb:
        return False
    has_verb = has_verb.partition("?")[0]
    if has_verb in (verb, "*"):
        return True
    return verb == "rs" and set("rs") <= set(has_verb) <= set("cruds")


def their_keys(visit: Visit, published: Published) -> Check:
    """Whether the keys that sign id_tokens can be read from here."""
    name = "EHR's keys"
    if (none := no_sign_in(name, visit, published)) is not None:
        return none
    config = published.configuration
    assert config is not None
    try:
        _, url = issuer_and_keys(visit.asked_as, config, visit.discovery, visit.base)
        keys = visit.discovery.key_sets.keys(url)
    except IdTokenRejected:
        said = "no key set is named, neither by smart-configuration nor by openid-configuration"
        todo = "ask the EHR for its jwks_uri or its issuer (id_token_issuer in the table)"
        return Check(name, "fail", said, todo)
    except Unreadable as error:
        return Check(name, "fail", f"the key set cannot be read: {error}", "tell the EHR")
    if not keys:
        return Check(name, "fail", "the key set holds no key that signs", "tell the EHR")
    said = f"key set read, {len(keys)} keys"
    if config.jwks_uri is not None:
        return Check(name, "pass", said)
    if "sso-openid-connect" not in config.capabilities:
        return Check(name, "pass", f"{said}, named in the openid-configuration")
    said = f"{said}, but smart-configuration does not name them; openid-configuration does"
    return Check(name, "warn", said, "nothing: the app reads both")


def own_keys(visit: Visit, published: Published) -> Check:
    """Whether the app's public keys can be read at the address that the EHR was given."""
    name = "our keys"
    if (none := no_sign_in(name, visit, published)) is not None:
        return none
    if not visit.asked_as.has_key:
        return untried(name, "the app has no key registered here")
    if visit.ring is None:
        return untried(name, "without SMARTAPP_SECRET_KEYS they cannot be opened")
    kids = {key["kid"] for key in visit.ring.published()["keys"]}
    if not kids:
        return Check(name, "fail", "this deployment has no keys", "run `smartapp keys generate`")
    url = visit.settings.url("/.well-known/jwks.json")
    if is_this_machine(url) and not is_this_machine(visit.base):
        said = f"{url} is this machine: the EHR cannot read it"
        return Check(name, "fail", said, "set SMARTAPP_PUBLIC_BASE_URL to the app's public address")
    heard = Wire(visit.timeout_s, visit.timeout_s, visit.clock).get(url)
    if not isinstance(heard, Answer):
        todo = "start the app; check PUBLIC_BASE_URL and the way from outside"
        return Check(name, "fail", f"{url}: {heard.reason}", todo)
    listed = (heard.document or {}).get("keys")
    shown = (
        {k.get("kid") for k in listed if isinstance(k, dict)} if isinstance(listed, list) else ()
    )
    if not kids <= set(shown):
        said = f"{url} answers {heard.status}, without this deployment's keys"
        return Check(name, "fail", said, "the app there has another HOME_DIR, or it is not the app")
    said = f"read at {url} from here; the EHR must reach it too"
    return Check(name, "pass", said)


def _list(words: frozenset[str] | tuple[str, ...]) -> str:
    return ", ".join(sorted(words))
