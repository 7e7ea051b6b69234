"""All secrets the authorization server has given out, in the memory of this one process."""

from __future__ import annotations

import secrets

from smartapp.demo.behaviour import Behaviour
from smartapp.demo.memory import Clock, Memory
from smartapp.demo.oauth.records import Code, Context, Grant


class Vault:
    """Launch tokens, codes and tokens: single use where the standards say so, revocable."""

    def __init__(self, behaviour: Behaviour, clock: Clock) -> None:
        self._behaviour = behaviour
        self._launches: Memory[Context] = Memory(clock)
        self._codes: Memory[Code] = Memory(clock)
        self._access: Memory[Grant] = Memory(clock)
        self._refresh: Memory[Grant] = Memory(clock)
        self._used: Memory[str] = Memory(clock)
        self._assertions: Memory[bool] = Memory(clock)

    def new_launch(self, context: Context) -> str:
        """A launch token bound to user, patient and encounter."""
        token = secrets.token_urlsafe(24)
        self._launches.put(token, context, self._behaviour.launch_seconds)
        return token

    def launch(self, token: str) -> Context | None:
        """What a launch token stands for, without using it up."""
        return self._launches.get(token)

    def use_launch(self, token: str) -> bool:
        """Use a launch token up; False when somebody was faster or it has expired."""
        return self._launches.take(token) is not None

    def keep_code(self, code: Code) -> None:
        self._codes.put(code.value, code, self._behaviour.code_seconds)

    def use_code(self, value: str) -> Code | None:
        """The code, once. A second use revokes every token that came from it."""
        code = self._codes.take(value)
        if code is None:
            self._revoke_replayed(value)
        else:
            self._used.put(value, code.family, self._behaviour.refresh_token_seconds)
        return code

    def keep_tokens(self, grant: Grant, access_token: str, refresh_token: str | None) -> None:
        self._access.put(access_token, grant, self._behaviour.access_token_seconds)
        if refresh_token:
            self._refresh.put(refresh_token, grant, self._behaviour.refresh_token_seconds)

    def short_token(self, grant: Grant, seconds: int) -> str:
        """An access token outside any authorization, for one call to a CDS service."""
        token = secrets.token_urlsafe(32)
        self._access.put(token, grant, seconds)
        return token

    def access(self, token: str) -> Grant | None:
        return self._access.get(token)

    def refresh(self, token: str) -> Grant | None:
        """What a refresh token stands for; asking with a used one revokes its family."""
        grant = self._refresh.get(token)
        if grant is None:
            self._revoke_replayed(token)
        return grant

    def use_refresh(self, token: str) -> bool:
        """Use a refresh token up; False for all callers but one."""
        grant = self._refresh.take(token)
        if grant is None:
            return False
        self._used.put(token, grant.family, self._behaviour.refresh_token_seconds)
        return True

    def find(self, token: str) -> Grant | None:
        """What any token stands for, of either kind."""
        return self._access.get(token) or self._refresh.get(token)

    def revoke_family(self, family: str) -> None:
        """End every token that came from one authorization."""
        self._access.drop_where(lambda grant: grant.family == family)
        self._refresh.drop_where(lambda grant: grant.family == family)

    def first_use(self, assertion_id: str, seconds: float) -> bool:
        """Whether a client assertion's id is seen for the first time within its life."""
        return self._assertions.add(assertion_id, True, seconds)

    def _revoke_replayed(self, value: str) -> None:
        family = self._used.get(value)
        if family:
            self.revoke_family(family)
