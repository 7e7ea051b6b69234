"""Completing what the client sent: each key is given, empty, missing, failed or partial.

`null` and an empty Bundle mean "looked, found nothing" and are never asked again. What is missing,
failed or partial is fetched with the request's own token, in parallel and inside the deadline, and
only from a FHIR server on the allow-list. What could not be had at all stays as a gap with its
reason, for the engine to abstain on and for the card to name.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from smartapp.cds.request import HookRequest
from smartapp.cds.sites import Site
from smartapp.errors import FhirUnauthorized, InputError
from smartapp.fhir.bundle import next_of, open_body
from smartapp.fhir.client import REFERENCING, Fetched, FhirClient
from smartapp.fhir.model import Gap, Resources
from smartapp.fhir.outcome import gap_of
from smartapp.fhir.parcel import Parcel, WholeBundle, unpack
from smartapp.fhir.permitted import permitted
from smartapp.fhir.plans import SearchPlan, medication_plans, search_plans
from smartapp.fhir.reading import read_bundle
from smartapp.fhir.resources import ABSENT
from smartapp.grants import Grants
from smartapp.knowledge.catalogue import Catalogue

log = logging.getLogger(__name__)

State = Literal["given", "empty", "missing", "failed", "partial"]
Source = Literal["prefetch", "fetched", "nowhere"]

REQUIRED = ("patient", "hormones")

# Refusals that asking again with the same token cannot change.
_FINAL = frozenset({"forbidden", "login", "not-supported", "security", "suppressed"})

_NO_ACCESS = "the EHR did not send it and gave no access to ask for it"
# Searching another man's chart for this one would give empty answers that look like his record.
_ANOTHER_CHART = "the EHR did not send it, and the access it gave is to another patient's chart"
_UNKNOWN_SERVER = "the EHR did not send it, and its FHIR server is not one this service may ask"


class _Issue(Struct, frozen=True):
    code: str | None = None


class _Outcome(Struct, frozen=True):
    issue: list[_Issue] | None = None


class _Wrapped(Struct, frozen=True):
    resource: Raw = Raw()


_outcome = msgspec.json.Decoder(_Outcome)
_wrapped = msgspec.json.Decoder(_Wrapped)


@dataclass(slots=True)
class Key:
    """One prefetch key: how it came, where its data are from, and where a next page lies."""

    state: State
    source: Source
    next: str | None = None
    final: bool = False


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything that could be had, and for each key how."""

    resources: Resources
    keys: Mapping[str, Key]

    def had(self, key: str) -> bool:
        """Whether the key's data are there, if only in part. A known nothing counts."""
        return self.keys[key].source != "nowhere"

    def states(self) -> dict[str, str]:
        """Key by key what happened, for the record: "given", "missing, fetched" …"""
        return {
            name: key.state if key.source == "prefetch" else f"{key.state}, {key.source}"
            for name, key in self.keys.items()
            if (key.state, key.source) != ("given", "prefetch")
        }


def gather(
    request: HookRequest,
    names: Collection[str],
    catalogue: Catalogue,
    site: Site | None,
    *,
    timeout_ms: int,
    deadline_s: float,
) -> Gathered:
    """The request's resources, completed. Never refuses: what is missing is a gap.

    `names` are our own keys; any other key of the request is ignored, except that a Patient found
    under a foreign name is taken when ours is missing and it is the patient in context.
    """
    resources = Resources()
    if request.parcels is not None:
        parcels = request.parcels
        keys = {name: _take(name, parcels, resources) for name in names}
    else:
        raws = request.prefetch()
        keys = {name: _read_key(name, raws.get(name), resources) for name in names}
    _keep_own_patient(request.patient_id, resources, keys["patient"])
    access = bool(request.token) and not _is_strange(request)
    if site is not None and request.fhir_server and (access or site.open):
        _complete(request, keys, catalogue, site, resources, timeout_ms, deadline_s)
        _keep_own_patient(request.patient_id, resources, keys["patient"])
    if not resources.patients:
        _adopt_patient(request, names, resources, keys["patient"])
    _name_gaps(keys, resources, _why_absent(request, site))
    return Gathered(resources, keys)


def _why_absent(request: HookRequest, site: Site | None) -> str:
    """What is said of a key that was neither sent nor to be had."""
    if not request.token:
        return _NO_ACCESS
    if site is None:
        return _UNKNOWN_SERVER
    return _ANOTHER_CHART if _is_strange(request) else _NO_ACCESS


def _is_strange(request: HookRequest) -> bool:
    return request.chart not in (None, request.patient_id)


def _take(name: str, parcels: Mapping[str, Parcel], into: Resources) -> Key:
    """A key of which every row was read already."""
    if name not in parcels:
        return Key("missing", "nowhere")
    parcel = parcels[name]
    key = Key("given" if unpack(parcel, into) else "empty", "prefetch")
    if type(parcel) is WholeBundle and parcel.link is not ABSENT:
        key.next = parcel.next_link
        if key.next is not None:
            key.state = "partial"
    return key


def _read_key(name: str, raw: Raw | None, into: Resources) -> Key:
    if raw is None:
        return Key("missing", "nowhere")
    body = bytes(raw)
    if body == b"null":
        return Key("empty", "prefetch")
    # Two substring searches spare an ordinary Bundle a second pass over its bytes.
    if b'"OperationOutcome"' in body or b'"next"' in body:
        return _read_odd(name, body, into)
    return _read(name, body, into)


def _read(name: str, body: bytes, into: Resources) -> Key:
    try:
        read_bundle(body, into, what=name)
    except InputError as error:
        into.gaps.append(Gap(name, "failed", f"what the EHR sent cannot be read: {error.public}"))
        return Key("failed", "nowhere")
    return Key("given" if b'"resourceType"' in body[1:] else "empty", "prefetch")


def _read_odd(name: str, body: bytes, into: Resources) -> Key:
    """A key that is, or holds, an OperationOutcome, or that says there are more pages."""
    try:
        envelope, _ = open_body(body)
    except InputError:
        return _read(name, body, into)
    if envelope.resourceType == "OperationOutcome":
        gap = gap_of(body, name)
        if gap is None:
            # Only warnings: the search was made and found nothing.
            return Key("empty", "prefetch")
        into.gaps.append(Gap(name, "failed", gap.reason))
        return Key("failed", "nowhere", final=bool(_codes(body) & _FINAL))
    key = _read(name, body, into)
    if key.source == "prefetch":
        key.next = next_of(envelope)
        if key.next is not None or any(gap.what == name for gap in into.gaps):
            key.state = "partial"
    return key


def _codes(body: bytes) -> set[str]:
    try:
        issues = _outcome.decode(body).issue or ()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return set()
    return {issue.code for issue in issues if issue.code}


def _complete(
    request: HookRequest,
    keys: dict[str, Key],
    catalogue: Catalogue,
    site: Site,
    into: Resources,
    timeout_ms: int,
    deadline_s: float,
) -> None:
    """Ask for what is missing or failed, follow next pages, and read drugs named by reference."""
    base = request.fhir_server or site.fhir_base
    wanted = {name for name, key in keys.items() if key.source == "nowhere" and not key.final}
    plans: list[SearchPlan] = []
    if wanted:
        asked = search_plans(
            catalogue, request.patient_id, local_codes=site.local_codes, profile=site.profile
        )
        plans += [plan for plan in asked if plan.key in wanted]
    plans += [SearchPlan(name, key.next) for name, key in keys.items() if key.next]
    plans += medication_plans(_medication_bodies(request.prefetch()), base)
    grants = Grants.of((request.scope or "").split())
    # A client that names no resource scope at all says nothing of what its token permits.
    plans, short = permitted(grants, plans) if grants.permissions else (plans, ())
    refused = {gap.what for gap in short if gap.state == "missing"}
    into.gaps[:] = [gap for gap in into.gaps if gap.what not in refused]
    into.gaps.extend(gap for gap in short if gap.what in refused)
    if not plans:
        return
    names = {plan.key for plan in plans}
    try:
        client = FhirClient(base, token=request.token, timeout_ms=timeout_ms, profile=site.profile)
        fetched = client.run(plans, deadline_s, refreshed=True)
    except FhirUnauthorized as error:
        # A hook's token cannot be renewed here; what came by prefetch is still judged.
        fetched = Fetched((), tuple([Gap(name, "failed", error.public) for name in sorted(names)]))
    # Forgotten before the pages are read: a page may tell of gaps of its own (an OperationOutcome).
    into.gaps[:] = [gap for gap in into.gaps if gap.what not in names]
    for page in fetched.pages:
        try:
            read_bundle(page.body, into, what=page.key)
        except InputError as error:
            into.gaps.append(Gap(page.key, "failed", error.public))
    told = (gap for gap in into.gaps if gap.what in names)
    _settle(names, (*(gap for gap in short if gap.what in names), *fetched.gaps, *told), keys, into)


def _settle(asked: set[str], gaps: Iterable[Gap], keys: dict[str, Key], into: Resources) -> None:
    """What a fetch changed: a key that came whole loses its gaps, one that did not gets its own."""
    broken = {gap.what: gap for gap in gaps}
    into.gaps[:] = [gap for gap in into.gaps if gap.what not in asked]  # given anew below
    for name in asked & keys.keys():
        key, gap = keys[name], broken.get(name)
        if gap is None:
            key.source, key.next = "fetched", None
        elif key.source == "prefetch":
            into.gaps.append(Gap(name, "partial", gap.reason))
            key.next = None
        else:
            into.gaps.append(gap)
            key.source = "fetched" if gap.state == "partial" else "nowhere"
    into.gaps.extend(gap for what, gap in broken.items() if what not in keys)


def _medication_bodies(prefetch: Mapping[str, Raw]) -> list[bytes]:
    """Prefetched orders that name their drug by reference only (a Medication to be read)."""
    found = (prefetch.get(name) for name in REFERENCING)
    return [body for raw in found if raw and b'"medicationReference"' in (body := bytes(raw))]


def _keep_own_patient(patient_id: str, into: Resources, key: Key) -> None:
    """Drop any Patient that is not the one in context (wrong-patient guard, standards A6.10)."""
    sent = list(into.patients)
    if len(sent) == 1 and sent[0].id == patient_id:
        return
    into.patients[:] = [patient for patient in sent if patient.id == patient_id][:1]
    if into.patients:
        return
    key.source = "nowhere"
    if sent:
        reason = "the Patient that was sent is not the one in context"
        log.warning("prefetch: %s", reason)
        into.gaps.append(Gap("patient", "failed", reason))


def _adopt_patient(request: HookRequest, names: Collection[str], into: Resources, key: Key) -> None:
    """The patient in context, sent under a name that is not ours (keys mapped by hand)."""
    for name, raw in request.prefetch().items():
        if name in names or b'"Patient"' not in bytes(raw):
            continue
        found = Resources()
        try:
            read_bundle(_unwrapped(raw), found, what=name)
        except InputError:
            continue
        own = [patient for patient in found.patients if patient.id == request.patient_id]
        if own:
            into.patients[:] = own[:1]
            into.gaps[:] = [gap for gap in into.gaps if gap.what != "patient"]
            key.source = "prefetch"
            return


def _unwrapped(raw: Raw) -> bytes:
    """The resource; some clients send it inside a batch entry, beside its `response`."""
    try:
        resource = bytes(_wrapped.decode(raw).resource)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return bytes(raw)
    return resource or bytes(raw)


def _name_gaps(keys: Mapping[str, Key], into: Resources, reason: str) -> None:
    told = {gap.what for gap in into.gaps}
    for name, key in keys.items():
        if name in told:
            continue
        if key.source == "nowhere":
            into.gaps.append(Gap(name, "missing", reason))
        elif key.next is not None:
            into.gaps.append(Gap(name, "partial", "more pages exist that could not be read"))
