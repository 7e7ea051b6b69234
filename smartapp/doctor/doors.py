"""Is the server there, where is its sign-in, and who may ask without one?"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from smartapp.doctor.check import Check, untried
from smartapp.doctor.published import Heard, Published, is_open
from smartapp.doctor.tls import Tls, Untrusted
from smartapp.doctor.visit import Visit
from smartapp.doctor.wire import Answer, Silence
from smartapp.jose.documents import is_safe
from smartapp.smart.id_token import LEEWAY_S

# DEFAULT: time enough to get a new certificate in a hospital.
RENEW = timedelta(days=30)

# A server's Date has whole seconds, and an answer takes its time.
NOTICED_S = 5
_SET = "set both clocks by NTP"

OPEN = "an open test server: nobody signs in"
UNKNOWN = "nothing is known of the sign-in"
_REACH = "check the address, name resolution and the firewall between here and the EHR"


def no_sign_in(name: str, visit: Visit, published: Published) -> Check | None:
    """The answer of every check of the sign-in where there is none to look at."""
    if is_open(visit, published):
        return untried(name, OPEN)
    return untried(name, UNKNOWN) if published.configuration is None else None


def issuer(visit: Visit, published: Published) -> Check:
    """Whether this deployment knows the EHR."""
    name = "issuers file"
    if visit.issuer is None:
        todo = "to launch from here, add a table for it to SMARTAPP_ISSUERS_FILE"
        auth = 'auth = "none"' if is_open(visit, published) else 'client_id = "…"'
        lines = ("[[issuer]]", f'fhir_base = "{visit.base}"', auth)
        return Check(name, "not tried", "this FHIR base has no table", todo, lines)
    heard = published.stranger
    if visit.issuer.auth == "none" and isinstance(heard, Answer) and heard.status in (401, 403):
        said = 'the table says auth = "none", but the server wants a token'
        return Check(name, "fail", said, "register the app and give its client_id and auth")
    auth = f"profile {visit.issuer.profile}, auth {visit.issuer.auth}"
    return Check(name, "pass", auth)


def tls(_visit: Visit, published: Published) -> Check:
    """Encryption and certificates of the FHIR server and of the sign-in."""
    name = "tls"
    if not is_safe(_visit.base):
        said = "plain http: tokens and results would travel readable by anybody"
        return Check(name, "fail", said, "use the server's https address; the app refuses this one")
    if not published.tls:
        return Check(name, "pass", "plain http, which never leaves this machine")
    refused = [met for met in published.tls if isinstance(met, Untrusted)]
    if refused:
        said = "; ".join(f"{met.host}: {met.reason}" for met in refused)
        todo = (
            "let the server send its whole chain from a known authority, or name the hospital's "
            "own authorities in REQUESTS_CA_BUNDLE"
        )
        return Check(name, "fail", said, todo)
    silent = [met for met in published.tls if isinstance(met, Silence)]
    if silent:
        return untried(name, silent[0].reason)
    met = [m for m in published.tls if isinstance(m, Tls)]
    days = {m.host: (m.ends - _visit.clock()).days for m in met}
    said = "; ".join(
        f"{m.host}: {m.version}, certificate good for {days[m.host]} days" for m in met
    )
    if min(days.values()) < RENEW.days:
        return Check(name, "warn", said, "renew the certificate in time")
    return Check(name, "pass", said)


def discovery(visit: Visit, published: Published) -> Check:
    """Whether and where the server says how to sign in."""
    name = "discovery"
    if not published.reachable:
        return Check(name, "fail", _silence(published), _REACH)
    if is_open(visit, published):
        return Check(name, "pass", f"{OPEN}; never put anything real there")
    if published.configuration is None:
        if published.lets_strangers_ask:
            todo = 'if it is an open test server, say auth = "none" in its table'
            return Check(name, "fail", "no sign-in is published, and strangers may search", todo)
        said = published.problem.rstrip(".")
        return Check(name, "fail", said, "let the EHR publish .well-known/smart-configuration")
    match published.place:
        case "host-root":
            said = "smart-configuration lies at the host's root, not below the FHIR base"
            return Check(name, "warn", said, "nothing: the app looks there too")
        case "metadata":
            said = "SMART 1.0: only the CapabilityStatement names the endpoints"
            return Check(name, "warn", said, "nothing: the app reads it there")
    if not published.configuration.capabilities:
        said = "smart-configuration, but it lists no capabilities"
        todo = "ask the EHR what it supports; the app assumes version 1 scopes"
        return Check(name, "warn", said, todo)
    if "launch-ehr" not in published.configuration.capabilities:
        said = "smart-configuration, but launch-ehr is not among its capabilities"
        return Check(name, "warn", said, "ask whether apps can be opened from the chart")
    return Check(name, "pass", "smart-configuration below the FHIR base")


def _silence(published: Published) -> str:
    reasons = {
        heard.reason
        for heard in (published.metadata, published.well_known)
        if isinstance(heard, Silence)
    }
    return f"the server cannot be read: {'; '.join(sorted(reasons))}"


def authorization(visit: Visit, published: Published) -> Check:
    """Whether the page on which users sign in is there."""
    name = "authorization"
    if (none := no_sign_in(name, visit, published)) is not None:
        return none
    assert published.configuration is not None
    endpoint, heard = published.configuration.authorization_endpoint, published.authorize
    if endpoint is None or heard is None:
        said = "no authorization endpoint is published: no user can sign in"
        return Check(name, "fail", said, "this base is for backend services; launch from another")
    return _door(name, endpoint, heard, visit)


def token_endpoint(visit: Visit, published: Published) -> Check:
    """Whether the token endpoint is there and refuses an empty request as OAuth says."""
    name = "token endpoint"
    if (none := no_sign_in(name, visit, published)) is not None:
        return none
    assert published.configuration is not None
    heard = published.token
    assert heard is not None
    check = _door(name, published.configuration.token_endpoint, heard, visit)
    if check.verdict == "pass" and isinstance(heard, Answer):
        error = (heard.document or {}).get("error")
        if heard.status == 200 or not isinstance(error, str):
            said = f"it answers an empty request with {heard.status} and no OAuth error"
            return Check(name, "warn", said, "check that this is the token endpoint")
    return check


def _door(name: str, url: str, heard: Heard, visit: Visit) -> Check:
    if isinstance(heard, Silence):
        return Check(name, "fail", heard.reason, _REACH)
    if heard.status >= 500 or heard.status == 404:
        return Check(name, "fail", f"it answers {heard.status}", "tell the EHR's administrators")
    if _origin(url) == _origin(visit.base):
        return Check(name, "pass", "reachable, on the host of the FHIR server")
    return Check(name, "pass", f"reachable, on another host: {urlsplit(url).netloc}")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def protection(visit: Visit, published: Published) -> Check:
    """Whether the FHIR server refuses who has no token."""
    name = "protection"
    if is_open(visit, published):
        return untried(name, OPEN)
    heard = published.stranger
    if isinstance(heard, Silence):
        return untried(name, heard.reason)
    if heard.status in (401, 403):
        return Check(name, "pass", f"a search without a token is refused ({heard.status})")
    if heard.status == 200:
        said = "a search without a token is answered"
        todo = "right for a simulator only; a real EHR must not do so: tell its administrators"
        return Check(name, "warn", said, todo)
    said = f"a search without a token is answered with {heard.status}, where 401 is due"
    return Check(name, "warn", said, "tell the EHR's administrators")


def clock(visit: Visit, published: Published) -> Check:
    """Whether server and app agree on the time: tokens are judged by it."""
    name = "clock"
    answers = (published.token, published.stranger, published.metadata, published.well_known)
    told = [a.ahead_s for a in answers if isinstance(a, Answer) and a.ahead_s is not None]
    if not told:
        return untried(name, "no answer tells the server's time")
    seconds = round(told[0])
    if abs(seconds) <= NOTICED_S:
        return Check(name, "pass", "the server's clock and ours agree")
    said = f"the server's clock is {abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} ours"
    if abs(seconds) <= LEEWAY_S:
        return Check(name, "warn", f"{said} (up to {LEEWAY_S} s are tolerated)", _SET)
    return Check(name, "fail", f"{said}: its tokens and our key assertions are refused", _SET)
