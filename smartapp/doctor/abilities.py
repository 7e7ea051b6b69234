"""What the CapabilityStatement says the server can do, against what the app asks of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from smartapp.doctor.check import Check
from smartapp.doctor.published import Published
from smartapp.doctor.visit import Visit
from smartapp.doctor.wire import Silence
from smartapp.fhir.quirks import quirks_of
from smartapp.smart.scopes import RESOURCE_TYPES

REQUIRED = frozenset({"Patient", "Observation"})
# Read by their id; everything else is searched.
_READ = frozenset({"Patient", "Medication"})


def statement(_visit: Visit, published: Published) -> Check:
    """Whether the server says what it is, and that it speaks FHIR R4."""
    name = "capabilities"
    if isinstance(published.metadata, Silence):
        said = f"/metadata cannot be read: {published.metadata.reason}"
        return Check(name, "fail", said, "check the address: is it the FHIR base?")
    document = published.statement
    if document is None:
        said = f"/metadata answers {published.metadata.status} and no CapabilityStatement"
        return Check(name, "fail", said, "check the address: is it the FHIR base?")
    version = document.get("fhirVersion")
    if not isinstance(version, str) or not version.startswith("4."):
        told = f"FHIR {version:.12}" if isinstance(version, str) else "no FHIR version"
        return Check(name, "fail", f"the server says {told}", "give the address of its R4 endpoint")
    return Check(name, "pass", f"FHIR {version:.12}")


def abilities(visit: Visit, published: Published) -> Check:
    """Whether the resources, interactions and search parameters that the app uses are listed."""
    name = "resources"
    if published.statement is None:
        return Check(name, "not tried", "there is no CapabilityStatement")
    listed = _listed(published.statement)
    if not listed:
        said = "the CapabilityStatement lists no resources"
        return Check(name, "warn", said, "nothing, if the searches below work")
    category = "category" in quirks_of(visit.asked_as.profile).extra.get("Observation", "")
    lacking = [
        what
        for kind in RESOURCE_TYPES
        for what in _lacking(kind, listed.get(kind), category=category)
    ]
    if not lacking:
        return Check(
            name, "pass", f"all {len(RESOURCE_TYPES)} types, with what the app asks of them"
        )
    lost = sorted(kind for kind in REQUIRED if kind not in listed)
    said = f"not listed: {', '.join(lacking)}"
    if lost:
        return Check(name, "fail", said, f"the app cannot work without {' and '.join(lost)}")
    todo = "ask whether the server has them all the same; what it lacks is told as a gap"
    return Check(name, "warn", said, todo)


def _listed(statement: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        resource["type"]: resource
        for rest in _objects(statement, "rest")
        for resource in _objects(rest, "resource")
        if isinstance(resource.get("type"), str)
    }


def _lacking(kind: str, resource: dict[str, Any] | None, *, category: bool) -> Iterator[str]:
    if resource is None:
        yield kind
        return
    interaction = "read" if kind in _READ else "search-type"
    if interaction not in {i.get("code") for i in _objects(resource, "interaction")}:
        yield f"{kind} {interaction}"
    elif kind not in _READ:
        offered = {p.get("name") for p in _objects(resource, "searchParam")}
        needed = {"patient"}
        if kind == "Observation":
            needed |= {"code"} | ({"category"} if category else set())
        yield from (f"{kind}?{parameter}=" for parameter in sorted(needed - offered))


def _objects(value: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    found = value.get(name)
    return (
        (item for item in found if isinstance(item, dict)) if isinstance(found, list) else iter(())
    )
