"""Every error this product raises on purpose, in one tree.

SmartAppError
├── ConfigError            a setting or a site's file is wrong; names variable, file and key
├── KnowledgeError         a knowledge pack contradicts itself; names file, key and reason
├── InputError             what was sent cannot be read at all (a body, a file)
│   └── AssessmentError    readable, but not one assessable man (two patients, none)
├── TrustError             a caller could not be verified; the answer never says why
├── PrefetchRequired       required data can be had neither from prefetch nor by FHIR
├── LaunchError            a SMART launch cannot go on
│   ├── UnknownIssuer · MissingLaunch · StateRejected · CookieLost · AuthorizationRefused
│   ├── IdTokenRejected · DiscoveryFailed · NoPatient · ClientKeyMissing · LaunchExpired
│   └── TokenExchangeFailed
│       └── TokenAnswerLost
├── FhirError              a FHIR server did not give what was asked
│   ├── FhirUnreachable · FhirTimeout · FhirUnauthorized · FhirForbidden · FhirNotFound
│   └── FhirServerError · FhirNotFhir · FhirPagingLoop
└── LedgerError            the ledger could not be written or read; never swallowed

`public` is the sentence a stranger may read: it holds no patient data, no token, no trace.
`status` is the HTTP status, `issue` the OperationOutcome issue code of the answer.
"""

from __future__ import annotations

from typing import ClassVar


class SmartAppError(Exception):
    """Root of the tree. `str(error)` equals `public` and is safe to show and to log."""

    status: ClassVar[int] = 500
    issue: ClassVar[str] = "exception"

    def __init__(self, public: str) -> None:
        super().__init__(public)
        self.public = public


class ConfigError(SmartAppError):
    """A setting is missing or wrong. The text names the variable or the file and key."""


class KnowledgeError(SmartAppError):
    """A knowledge pack is inconsistent. The text names file, key and reason."""


class InputError(SmartAppError):
    """What was sent cannot be read at all."""

    status = 400
    issue = "invalid"


class AssessmentError(InputError):
    """The input was read, but it does not describe exactly one patient."""

    status = 422
    issue = "business-rule"


class TrustError(SmartAppError):
    """The caller could not be verified. Answered by a bare 401 (CDS Hooks best practices, JWT).

    `reason` is for the log alone: it holds nothing of the token but what is registered here.
    """

    status = 401
    issue = "security"

    def __init__(self, reason: str) -> None:
        super().__init__("the caller could not be verified")
        self.reason = reason


class PrefetchRequired(SmartAppError):
    """Required data can be had neither from prefetch nor from the FHIR server (CDS Hooks 2.0.1)."""

    status = 412
    issue = "required"


class LaunchError(SmartAppError):
    """A SMART launch cannot go on.

    `relaunch` is an address of ours at which this launch may be tried again in a window of its
    own; `said` is what the EHR gave as its reason: untrusted text, shown escaped, never logged.
    """

    status = 400
    issue = "processing"

    def __init__(
        self, public: str, *, relaunch: str | None = None, said: str | None = None
    ) -> None:
        super().__init__(public)
        self.relaunch = relaunch
        self.said = said


class UnknownIssuer(LaunchError):
    """`iss` is not one of the configured EHRs; nothing was fetched from it."""

    status = 403


class MissingLaunch(LaunchError):
    """`iss` or `launch` is absent from an EHR launch."""


class StateRejected(LaunchError):
    """The callback's `state` is unknown, used, expired or of another browser."""


class CookieLost(LaunchError):
    """The state is known, but the browser did not send our cookie back."""


class AuthorizationRefused(LaunchError):
    """The authorization server answered the authorize request with an error."""


class TokenExchangeFailed(LaunchError):
    """The token endpoint could not be reached or refused the code."""

    status = 502


class TokenAnswerLost(TokenExchangeFailed):
    """The token endpoint was asked and gave no usable answer: what was sent may be spent."""


class ClientKeyMissing(LaunchError):
    """The EHR wants this app to sign in with a key, and there is none that it accepts."""

    status = 503


class IdTokenRejected(LaunchError):
    """The id_token failed a check; the launch is refused, not continued without identity."""

    status = 502


class DiscoveryFailed(LaunchError):
    """The EHR's SMART configuration could not be read."""

    status = 502


class NoPatient(LaunchError):
    """The token response names no patient."""


class LaunchExpired(LaunchError):
    """The launch is over; the app must be opened from the chart again."""

    status = 410


class FhirError(SmartAppError):
    """A FHIR server did not give what was asked."""

    status = 502
    issue = "transient"


class FhirUnreachable(FhirError):
    """No connection: name, network or TLS."""


class FhirTimeout(FhirError):
    """The deadline passed before the answer came."""

    status = 504
    issue = "timeout"


class FhirUnauthorized(FhirError):
    """401: the token is not accepted (any more)."""

    issue = "login"


class FhirForbidden(FhirError):
    """403: the token is good, its scope or the user's rights are not enough."""

    issue = "forbidden"


class FhirNotFound(FhirError):
    """404 or 410."""

    issue = "not-found"


class FhirServerError(FhirError):
    """Another 4xx or 5xx; the status is in the text."""


class FhirNotFhir(FhirError):
    """The answer is not FHIR JSON (an HTML login page, an empty body)."""

    issue = "structure"


class FhirPagingLoop(FhirError):
    """A next link leads back to a page already read, or to another origin."""

    issue = "processing"


class LedgerError(SmartAppError):
    """The ledger could not be written or read."""

    status = 503
    issue = "exception"
