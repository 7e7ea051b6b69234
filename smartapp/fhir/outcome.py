"""What a server says went wrong: an OperationOutcome becomes a gap, or nothing.

Its own words (`diagnostics`, `details.text`) may quote the patient's data and are never repeated.
"""

from __future__ import annotations

from msgspec import Raw, Struct
from msgspec.json import Decoder

from smartapp.fhir.model import Gap
from smartapp.fhir.quarantine import ROW_ERRORS
from smartapp.fhir.resources import ABSENT

# Issue codes that mean data exist and were held back, however mild the severity: a warning that
# something was suppressed is not the same as "no results".
_HELD_BACK = {
    "forbidden": "the user or the app may not see all of it",
    "incomplete": "the server could not give all of it",
    "security": "the server's access rules withheld it",
    "suppressed": "the server withheld some of it",
    "throttled": "the server is limiting requests",
    "timeout": "the server took too long",
    "too-costly": "the server found the search too costly",
    "too-long": "the server found the answer too long",
    "transient": "the server had a passing problem",
}
_REFUSED = {
    **_HELD_BACK,
    "exception": "the server failed inside",
    "expired": "the session at the server has expired",
    "login": "the server wants a new login",
    "lock-error": "the record is locked",
    "no-store": "the server's store is unavailable",
    "not-found": "the server knows no such record",
    "not-supported": "the server does not support this search",
    "unknown": "the server's access rules hide the record",
}


class _Issue(Struct, frozen=True):
    severity: str | None = None
    code: str | None = None


class _Outcome(Struct, frozen=True):
    issue: Raw = ABSENT


_outcome = Decoder(_Outcome).decode
_issues = Decoder(list[_Issue]).decode


def gap_of(raw: bytes | Raw, what: str) -> Gap | None:
    """The gap an OperationOutcome stands for; None when it only informs or warns.

    An unreadable outcome counts as an error: the server tried to say something.
    """
    try:
        issues = _issues(_outcome(raw).issue)
    except ROW_ERRORS:
        return Gap(what, "partial", "the server reported a problem in a form that cannot be read")
    for issue in issues:
        if issue.severity in ("fatal", "error"):
            said = _REFUSED.get(issue.code or "", "the server reported an error")
            return Gap(what, "partial", said)
    for issue in issues:
        if issue.code in _HELD_BACK and issue.severity != "information":
            return Gap(what, "partial", _HELD_BACK[issue.code])
    return None
