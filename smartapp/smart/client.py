"""How this app names itself to a token endpoint: openly, by a secret, or by a signed assertion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from authlib.common.urls import add_params_to_qs
from authlib.integrations.requests_client import OAuth2Session

from smartapp.errors import ClientKeyMissing
from smartapp.smart import assertion
from smartapp.smart.discovery import SmartConfiguration
from smartapp.smart.issuers import Issuer
from smartapp.smart.keyring import KeyRing
from smartapp.smart.keys import algorithm_for

# Is told of each request to a token endpoint: step, form sent, status, JSON value answered.
Listener = Callable[[str, str, int, object], None]


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """This app as one authorization server knows it. At most one of `secret` and `assertion`.

    `assertion` makes a new one each time: none is ever sent twice. `listener` hears secrets.
    """

    client_id: str
    secret: str | None = field(default=None, repr=False)
    assertion: Callable[[], str] | None = field(default=None, repr=False)
    listener: Listener | None = field(default=None, repr=False)

    def session(self) -> OAuth2Session:
        """A session for one request. Its client authentication is all it knows."""
        method = self._method()
        return OAuth2Session(
            client_id=self.client_id,
            client_secret=self.secret,
            token_endpoint_auth_method=method,
            revocation_endpoint_auth_method=method,
        )

    def _method(self) -> Any:
        if self.assertion is not None:
            return self._signed
        return "none" if self.secret is None else "client_secret_basic"

    def _signed(
        self, _auth: object, _method: str, uri: str, headers: Any, body: str | None
    ) -> tuple[str, Any, str]:
        # Authlib's own signer lets an assertion live an hour, and gives the second one the
        # first one's jti. The client's id stands in the assertion and nowhere else.
        assert self.assertion is not None
        added = [
            ("client_assertion_type", assertion.TYPE),
            ("client_assertion", self.assertion()),
        ]
        return uri, headers, add_params_to_qs(body or "", added)


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """The app's key ring, its published address and the clock: what assertions are made of."""

    ring: KeyRing
    jwks_url: str
    clock: Callable[[], datetime]
    listener: Listener | None = None

    def user_client(self, issuer: Issuer, config: SmartConfiguration) -> OAuthClient:
        """The client of launches, by the issuer's `auth`.

        Refuses (ClientKeyMissing) `auth = "key"` where there is no key that the server takes.
        """
        if issuer.auth == "key":
            return self._signing(issuer, config, issuer.client_id)
        return OAuthClient(issuer.client_id, issuer.client_secret, listener=self.listener)

    def backend_client(self, issuer: Issuer, config: SmartConfiguration) -> OAuthClient:
        """The client of SMART Backend Services: always by a key.

        Refuses (ClientKeyMissing) an issuer that registered none, or a key that is not there.
        """
        if not issuer.has_key:
            raise ClientKeyMissing("This EHR's table registers no client that signs in by a key.")
        return self._signing(issuer, config, issuer.backend_client_id or issuer.client_id)

    def _signing(self, issuer: Issuer, config: SmartConfiguration, client_id: str) -> OAuthClient:
        pair = self.ring.signing(algorithm_for(config.signing_algorithms, issuer.assertion_alg))

        def fresh() -> str:
            return assertion.client_assertion(
                pair,
                client_id=client_id,
                audience=config.token_endpoint,
                now=self.clock(),
                jku=self.jwks_url if issuer.assertion_jku else None,
            )

        return OAuthClient(client_id, assertion=fresh, listener=self.listener)
