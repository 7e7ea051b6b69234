"""The fixture patients as FHIR transactions: to load into a sandbox, and to take out again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from smartapp.stories import wire
from smartapp.stories.story import Story

Resource = dict[str, Any]

# By which everything that was loaded can be found again on a shared server.
TAG = {
    "system": "https://hpg-recalibration.example/fhir/CodeSystem/tag",
    "code": "hpg-demo",
    "display": "Fictional patients of the HPG Recalibration Monitor",
}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that no transaction may hold, and why. The stories hold some odd rows on purpose."""

    reference: str
    reason: str


@dataclass(frozen=True, slots=True)
class Load:
    """What can be loaded: one group of resources a patient, each with those it refers to."""

    groups: tuple[tuple[Resource, ...], ...]
    left_out: tuple[LeftOut, ...]


def loadable(stories: Iterable[Story], shared: Sequence[Resource]) -> Load:
    """The stories' rows that an R4 server takes.

    Left out: a row without an id, one sent twice, one that is not valid R4, and one that refers to
    something no row here is (a server that checks references refuses the whole transaction).
    `shared` rows go with each patient who refers to them.
    """
    groups, left_out = [], []
    for story in stories:
        odd, kept = _sound(story.resources(), {_reference(row) for row in shared})
        left_out += odd
        named = {reference for row in kept for reference in _references(row)}
        groups.append((*(row for row in shared if _reference(row) in named), *kept))
    return Load(tuple(groups), tuple(left_out))


def putting(resources: Iterable[Resource]) -> Resource:
    """A transaction that writes each resource under its own id, tagged `hpg-demo`.

    A resource that is there already is replaced, so it may be sent again every day.
    """
    return _transaction(
        {"resource": _tagged(row), "request": {"method": "PUT", "url": _reference(row)}}
        for row in resources
    )


def deleting(resources: Iterable[Resource]) -> Resource:
    """A transaction that takes the same resources out, those that refer to others first."""
    rows = list(resources)
    return _transaction(
        {"request": {"method": "DELETE", "url": _reference(row)}} for row in reversed(rows)
    )


def once(groups: Iterable[Iterable[Resource]]) -> list[Resource]:
    """All groups in one list, what they share only once: one transaction may not repeat itself."""
    return list({_reference(row): row for group in groups for row in group}.values())


def _transaction(entries: Iterable[Resource]) -> Resource:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def _tagged(row: Resource) -> Resource:
    meta = row.get("meta", {})
    # `meta` where FHIR writes it: after the id.
    head = {"resourceType": row["resourceType"], "id": row["id"]}
    return head | {"meta": {**meta, "tag": [*meta.get("tag", []), TAG]}} | _without_meta(row)


def _without_meta(row: Resource) -> Resource:
    return {name: value for name, value in row.items() if name != "meta"}


def _sound(rows: Iterable[Resource], known: set[str]) -> tuple[list[LeftOut], list[Resource]]:
    odd: list[LeftOut] = []
    kept: dict[str, Resource] = {}
    for row in rows:
        reference = _reference(row)
        reason = "is there twice" if reference in kept else _refusal(row)
        if reason is None:
            kept[reference] = row
        else:
            odd.append(LeftOut(reference, reason))
    # A row left out takes those with it that refer to it, until none does.
    while lost := [row for row in kept.values() if not _references(row) <= kept.keys() | known]:
        for row in lost:
            del kept[_reference(row)]
            odd.append(LeftOut(_reference(row), "refers to something that is not here"))
    return odd, list(kept.values())


def _refusal(row: Resource) -> str | None:
    if not isinstance(row.get("id"), str):
        return "has no id"
    try:
        get_fhir_model_class(row["resourceType"]).model_validate_json(wire.encode(row))
    except (ValidationError, KeyError):
        return "is not valid R4"
    return None


def _reference(row: Resource) -> str:
    return f"{row['resourceType']}/{row.get('id')}"


def _references(row: Resource) -> set[str]:
    """Every literal reference to another resource; contained ones (`#…`) stay at home."""
    return {found for found in _found(row) if not found.startswith("#")}


def _found(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        reference = value.get("reference")
        if isinstance(reference, str):
            yield reference
        for member in value.values():
            yield from _found(member)
    elif isinstance(value, list):
        for member in value:
            yield from _found(member)
