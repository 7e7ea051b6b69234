"""Writing to an open test server: one resource, or a whole transaction that happens or does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from smartapp.demo.dig import dig, rows, text
from smartapp.demo.fhir.outcome import Refused
from smartapp.demo.fhir.parameters import PARAMETERS
from smartapp.demo.fhir.repository import Key, Repository
from smartapp.stories import wire

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of a transaction: `resource` is what to put, None to delete."""

    key: Key
    resource: Resource | None


def write(repository: Repository, body: bytes, key: Key) -> bool:
    """PUT one resource; whether it is new. Refuses like `transact`."""
    resource = _decoded(body)
    return _apply(repository, [_put(key, resource)])[0] == "201 Created"


def delete(repository: Repository, key: Key) -> None:
    """DELETE one resource; one that is not there is as good as deleted. Refuses like `transact`."""
    _apply(repository, [Change(key, None)])


def transact(repository: Repository, body: bytes) -> Resource:
    """Do a transaction Bundle of PUT and DELETE, all of it or nothing; its response Bundle.

    Refuses (Refused) with 400 what is no such Bundle, names a resource twice or leaves a
    reference that leads nowhere; with 422 a resource that is not valid R4; with 409 the deletion
    of something that others still refer to.
    """
    bundle = _decoded(body)
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "transaction":
        raise Refused(400, "invalid", "A Bundle of type transaction is needed here.")
    entries = dig(bundle, "entry")
    found = [_change(entry) for entry in entries] if isinstance(entries, list) else []
    if len({change.key for change in found}) != len(found):
        raise Refused(400, "invalid", "The transaction names a resource twice.")
    answered = [{"response": {"status": status}} for status in _apply(repository, found)]
    response: Resource = {"resourceType": "Bundle", "type": "transaction-response"}
    return response | ({"entry": answered} if answered else {})


def _change(entry: Any) -> Change:
    method, url = text(entry, "request", "method"), text(entry, "request", "url") or ""
    kind, _, identity = url.partition("/")
    if not kind or not identity or "/" in identity or "?" in url:
        raise Refused(400, "invalid", "Each entry needs request.url as Type/id.")
    if method == "DELETE":
        return Change((kind, identity), None)
    if method != "PUT":
        raise Refused(400, "not-supported", "Only PUT and DELETE are done in a transaction here.")
    return _put((kind, identity), dig(entry, "resource"))


def _put(key: Key, resource: Any) -> Change:
    if (text(resource, "resourceType"), text(resource, "id")) != key:
        raise Refused(400, "invalid", "The resource is another than its address says.")
    if key[0] not in PARAMETERS:
        raise Refused(404, "not-supported", "This resource type is not served here.")
    try:
        get_fhir_model_class(key[0]).model_validate_json(wire.encode(resource))
    except ValidationError:
        raise Refused(422, "invariant", "The resource is not valid R4.") from None
    return Change(key, resource)


def _apply(repository: Repository, changes: list[Change]) -> list[str]:
    with repository.writing() as held:
        _refuse_dangling(held.keys(), changes, repository)
        said = []
        for change in changes:
            there = change.key in held
            if change.resource is None:
                said.append("204 No Content")
            else:
                said.append("200 OK" if there else "201 Created")
        puts = {c.key: (c.resource, _patient(c.resource)) for c in changes if c.resource}
        repository.change(puts, {c.key for c in changes if c.resource is None})
    return said


def _refuse_dangling(held: Any, changes: list[Change], repository: Repository) -> None:
    """Referential integrity, as sandboxes keep it: after the change every reference leads on."""
    gone = {change.key for change in changes if change.resource is None}
    put = {change.key for change in changes if change.resource is not None}
    after = (held - gone) | put
    for change in changes:
        if change.resource is not None and not set(references(change.resource)) <= after:
            raise Refused(400, "invalid", "A reference leads to something that is not here.")
    if gone:
        for row in repository.everything():
            key = (row.type, row.id or "")
            if key not in gone | put and not gone.isdisjoint(references(row.resource)):
                raise Refused(409, "conflict", "Other resources still refer to it.")


def references(value: Any) -> Iterator[Key]:
    """Every reference `Type/id` in a resource; absolute and contained ones are not ours."""
    if isinstance(value, dict):
        kind, slash, identity = (text(value, "reference") or "").partition("/")
        if slash and kind in PARAMETERS and "/" not in identity:
            yield kind, identity
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for member in value:
            yield from references(member)


def _patient(resource: Resource) -> str | None:
    """Whose row it is: the patient himself, or the one its subject names."""
    if resource["resourceType"] == "Patient":
        return str(resource["id"])
    for name in ("subject", "patient"):
        for row in rows(resource, name):
            kind, _, identity = (text(row, "reference") or "").partition("/")
            if kind == "Patient" and identity:
                return identity
    return None


def _decoded(body: bytes) -> Resource:
    try:
        value = wire.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(400, "structure", "The body is not JSON.") from None
    if not isinstance(value, dict):
        raise Refused(400, "structure", "The body is not a resource.")
    return value
