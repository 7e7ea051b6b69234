"""One firing of a hook and what has become of its cards since."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

import msgspec

from smartapp.demo.memory import Clock, Memory
from smartapp.demo.ward.cards import INDICATORS, CardView, cards_of
from smartapp.demo.ward.services import Exchange

_SECONDS = 3600
_TOKEN = re.compile(rb'("access_token"\s*:\s*)"[^"]*"')


@dataclass(slots=True)
class Firing:
    """All answers to one hook, shown together.

    `outcomes` says, by card key, what the user did with a card; `subject` is what the hook was
    fired about (the drafts at that moment), to tell whether its cards still speak of the pad.
    """

    key: str
    hook: str
    user: str
    patient: str
    exchanges: list[Exchange]
    cards: list[CardView]
    problems: list[str]
    subject: bytes = b""
    outcomes: dict[str, str] = field(default_factory=dict)

    def card(self, key: str) -> CardView | None:
        return next((card for card in self.cards if card.key == key), None)

    @property
    def undecided_critical(self) -> list[CardView]:
        """Critical cards that the user has neither followed nor overridden."""
        return [c for c in self.cards if c.indicator == "critical" and c.key not in self.outcomes]


class Firings:
    """The firings of the last hour."""

    def __init__(self, launch_url: str, clock: Clock) -> None:
        self._launch_url = launch_url
        self._kept: Memory[Firing] = Memory(clock)

    def keep(
        self, hook: str, user: str, patient: str, exchanges: list[Exchange], subject: bytes = b""
    ) -> Firing:
        """Read the cards out of the answers and remember them together."""
        cards: list[CardView] = []
        problems: list[str] = []
        for exchange in exchanges:
            shown, wrong = cards_of(exchange, self._launch_url)
            cards += shown
            problems += ([exchange.problem] if exchange.problem else []) + wrong
        cards.sort(key=lambda card: INDICATORS.index(card.indicator))
        firing = Firing(
            secrets.token_urlsafe(12), hook, user, patient, exchanges, cards, problems, subject
        )
        self._kept.put(firing.key, firing, _SECONDS)
        return firing

    def find(self, key: str | None, user: str, patient: str) -> Firing | None:
        """A firing of this user for this patient, None for any other."""
        firing = self._kept.get(key)
        return firing if firing and (firing.user, firing.patient) == (user, patient) else None


def shown_json(body: bytes) -> str:
    """A body as a person reads it: indented, digits as sent, the access token blotted out."""
    try:
        pretty = msgspec.json.format(body, indent=2)
    except msgspec.DecodeError:
        pretty = body
    return _TOKEN.sub(rb'\1"(hidden)"', pretty).decode("utf-8", "replace")
