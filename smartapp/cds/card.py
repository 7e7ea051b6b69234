"""The shapes of a CDS Hooks 2.0.1 answer, in the order and with the names of the standard."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType


class Coding(Struct, frozen=True, omit_defaults=True):
    code: str
    system: str
    display: str | UnsetType = UNSET


class Source(Struct, frozen=True, omit_defaults=True):
    label: str
    url: str | UnsetType = UNSET
    topic: Coding | UnsetType = UNSET


class Action(Struct, frozen=True, omit_defaults=True):
    type: Literal["create", "update", "delete"]
    description: str
    resource: dict[str, Any] | UnsetType = UNSET
    resourceId: str | UnsetType = UNSET


class Suggestion(Struct, frozen=True, omit_defaults=True):
    label: str
    uuid: str
    actions: list[Action] | UnsetType = UNSET


class Link(Struct, frozen=True, omit_defaults=True):
    label: str
    url: str
    type: Literal["absolute", "smart"]
    appContext: str | UnsetType = UNSET


class Card(Struct, frozen=True, omit_defaults=True):
    """One card. `summary` at most 139 code points; empty members are left out (A1.3)."""

    uuid: str
    summary: str
    indicator: Literal["info", "warning", "critical"]
    source: Source
    detail: str | UnsetType = UNSET
    suggestions: list[Suggestion] | UnsetType = UNSET
    selectionBehavior: Literal["at-most-one", "any"] | UnsetType = UNSET
    overrideReasons: list[Coding] | UnsetType = UNSET
    links: list[Link] | UnsetType = UNSET
    extension: dict[str, Any] | UnsetType = UNSET


class Reply(Struct, frozen=True, omit_defaults=True):
    """The body of a 200. Nothing is ever done unasked: `systemActions` is left out or empty."""

    cards: list[Card]
    systemActions: list[Action] | UnsetType = UNSET
