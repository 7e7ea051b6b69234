"""What is kept of a token response: the tokens of a launch, and when to renew them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from smartapp.smart.token_response import TokenResponse

REFRESH_AHEAD_S = 90
DEFAULT_LIFE_S = 300


class TokenSet(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of a launch as the ledger keeps them, sealed.

    `renew_at` and `expires_at` are seconds since the epoch; None when the server said nothing
    and there is nothing to renew with: then only the FHIR server knows. `scope` as granted with
    this access token, None where the answer did not say: then as before.
    """

    access_token: str
    refresh_token: str | None
    renew_at: float | None
    expires_at: float | None
    scope: str | None = None

    def is_due(self, now: datetime, rejected: str | None) -> bool:
        """Whether the access token should be replaced: its end is near, or it was `rejected`."""
        if self.access_token == rejected:
            return True
        return self.renew_at is not None and now.timestamp() >= self.renew_at

    def is_usable(self, now: datetime, rejected: str | None) -> bool:
        """Whether the access token may still be sent."""
        alive = self.expires_at is None or now.timestamp() < self.expires_at
        return alive and self.access_token != rejected

    def without_refresh(self) -> TokenSet:
        """The same, once the refresh token may have been used: it is not sent a second time."""
        return msgspec.structs.replace(self, refresh_token=None)


def token_set(
    given: TokenResponse,
    now: datetime,
    *,
    kept: TokenSet | None = None,
    usual: int = DEFAULT_LIFE_S,
) -> TokenSet:
    """What is kept of `given`, after `kept` where it renews one.

    A response without a refresh token or a scope keeps the old ones. `usual` is the life in seconds
    of a token whose answer does not tell, where it can be renewed.
    """
    refresh_token = given.refresh_token or (kept.refresh_token if kept else None)
    scope = given.scope if given.scope is not None or kept is None else kept.scope
    life = given.expires_in
    if life is None and refresh_token is not None:
        life = usual
    at = now.timestamp()
    return TokenSet(
        access_token=given.access_token,
        refresh_token=refresh_token,
        # A token of a minute is not renewed before it is used.
        renew_at=None if life is None else at + life - min(REFRESH_AHEAD_S, life / 4),
        expires_at=None if life is None else at + life,
        scope=scope,
    )
