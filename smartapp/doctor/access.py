"""How the chart may be read from here: openly, by a token of the app's own, or not at all."""

from __future__ import annotations

from dataclasses import dataclass, field

from smartapp.doctor.check import Check, untried
from smartapp.doctor.published import Published, is_open
from smartapp.doctor.visit import Visit
from smartapp.errors import LaunchError
from smartapp.smart.scopes import RESOURCE_TYPES, wanted

_NAME = "access"


@dataclass(frozen=True, slots=True)
class Access:
    """Whether searches can be tried, with which token (None: without), and the check of that."""

    check: Check
    granted: bool = False
    token: str | None = field(default=None, repr=False)


def gain(visit: Visit, published: Published) -> Access:
    """Access to the chart, asking for a token where the issuer's table registers a key."""
    if not published.reachable:
        return Access(untried(_NAME, "the server cannot be read"))
    if published.lets_strangers_ask:
        said = "no token needed" if is_open(visit, published) else "searched without a token"
        return Access(Check(_NAME, "pass", said), granted=True)
    launch = visit.settings.url("/launch")
    if visit.issuer is None:
        said = "the server wants a token, and the app is not registered here"
        return Access(untried(_NAME, said, f"register it, then open {launch} from the EHR"))
    if published.configuration is None:
        return Access(untried(_NAME, "nothing is known of the sign-in"))
    if not visit.issuer.has_key:
        said = "needs a launch: the app gets a token only for a user who signs in"
        return Access(
            untried(_NAME, said, f"open {launch} from the EHR; or register a backend key")
        )
    return _by_key(visit, published)


def _by_key(visit: Visit, published: Published) -> Access:
    assert published.configuration is not None
    if visit.tokens is None:
        said = "the key that signs in here is not at hand"
        return Access(Check(_NAME, "fail", said, "set SMARTAPP_SECRET_KEYS and SMARTAPP_HOME_DIR"))
    usual = wanted(visit.asked_as, published.configuration)
    verb = "rs" if ".rs" in usual else "read"
    asked = {kind: f"system/{kind}.{verb}" for kind in RESOURCE_TYPES}
    try:
        given = visit.tokens.token(visit.base, " ".join(asked.values()))
    except LaunchError as error:
        todo = "check the client id, the registered key set and the registration for system scopes"
        return Access(Check(_NAME, "fail", error.public.rstrip("."), todo))
    withheld = [
        kind for kind, scope in asked.items() if not _holds(given.scopes, kind, verb, scope)
    ]
    if withheld:
        said = f"a token of the app's own, without {', '.join(withheld)}"
        todo = "add them to the registration; the app tells what it lacks"
        check = Check(_NAME, "warn", said, todo)
    else:
        check = Check(_NAME, "pass", "a token of the app's own, with every scope asked for")
    return Access(check, granted=True, token=given.access_token)


def _holds(granted: frozenset[str], kind: str, verb: str, scope: str) -> bool:
    return scope in granted or f"system/*.{verb}" in granted or f"system/{kind}.*" in granted
