"""Reading a hook call: the envelope leniently, the context by what each hook promises.

Unknown members are ignored at every level (CDS Hooks 2.0.1, extensions and hook versions); what we
rely on must have the right type. FHIR inside stays raw: the pipe reads it row by row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from smartapp.cds.discovery import Service
from smartapp.errors import InputError
from smartapp.fhir.parcel import Parcel
from smartapp.fhir.quarantine import ROW_ERRORS
from smartapp.fhir.reading import draft_rows

T = TypeVar("T")

ABSENT = Raw()

LONGEST_REFERENCE = 200

_is_uuid = re.compile(
    r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
).fullmatch
# Wider than FHIR's id, as some EHRs' ids are, but nothing that could change an address.
_is_id = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9._\-]{1,128}").fullmatch


class Authorization(Struct, frozen=True, gc=False):
    """`fhirAuthorization`. Only the token is needed; older clients leave out the rest."""

    access_token: str
    scope: str | None = None
    patient: str | None = None


class _Envelope(Struct, frozen=True, gc=False):
    hook: str
    hookInstance: str
    context: Raw
    fhirServer: str | None = None
    fhirAuthorization: Authorization | None = None
    prefetch: dict[str, Raw] | None = None


class _Whole(Struct, frozen=True, gc=False):
    """The same when nothing in prefetch is odd: rows and all in one pass over the bytes."""

    hook: str
    hookInstance: str
    context: Raw
    fhirServer: str | None = None
    fhirAuthorization: Authorization | None = None
    prefetch: dict[str, Parcel] | None = None


class _Context(Struct, frozen=True, gc=False):
    patientId: str
    userId: str | None = None
    encounterId: str | None = None
    selections: list[str] | None = None
    draftOrders: Raw = ABSENT


_envelope = msgspec.json.Decoder(_Envelope)
_whole = msgspec.json.Decoder(_Whole)
_context = msgspec.json.Decoder(_Context)


@dataclass(frozen=True, slots=True)
class HookRequest:
    """One call, read. Ids are bare ("123"), `user` stays as the client wrote it.

    `focus` lists the drafts the user is choosing (order-select); None means every draft.
    `scope` is what `token` permits and `chart` the only patient whose chart it opens, as the client
    says; None where it does not.
    `parcels` is the prefetch, read, ours and other keys; None when something in it is odd, so that
    it has to be read key by key and row by row from `prefetch()`.
    """

    service: Service
    hook_instance: str
    patient_id: str
    user: str | None
    encounter_id: str | None
    drafts: tuple[Raw | bytes, ...]
    focus: frozenset[str] | None
    fhir_server: str | None
    token: str | None
    scope: str | None = None
    chart: str | None = None
    parcels: Mapping[str, Parcel] | None = None
    body: bytes = b"{}"

    def prefetch(self) -> Mapping[str, Raw]:
        """Whatever keys the client sent, ours and others, as raw JSON."""
        return _envelope.decode(self.body).prefetch or {}


def read_request(body: bytes, hooks: Mapping[str, Service]) -> HookRequest:
    """The call in `body`, which must be for one of `hooks`, the services behind one URL.

    Refuses (InputError) what is not a JSON object of the promised shape, a hook not answered here,
    a `hookInstance` that is no UUID, a context without a usable patient id, and on order hooks a
    context without readable drafts.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    envelope: _Envelope | _Whole
    try:
        envelope = whole = _whole.decode(body)
        parcels: Mapping[str, Parcel] | None = whole.prefetch or {}
    except ROW_ERRORS:
        envelope, parcels = decode(_envelope, body, "the request"), None
    service = hooks.get(envelope.hook)
    if service is None:
        raise InputError(f"this service answers only the hook {', '.join(hooks)}")
    if not _is_uuid(envelope.hookInstance):
        raise InputError("hookInstance is not a UUID")
    context = decode(_context, envelope.context, "context")
    patient_id = _bare(context.patientId, "Patient")
    if not _is_id(patient_id):
        raise InputError("context.patientId is not the id of a patient")
    for name, said in (("userId", context.userId), ("encounterId", context.encounterId)):
        if said is not None and len(said) > LONGEST_REFERENCE:
            raise InputError(f"context.{name} is too long to be a reference")
    drafts: tuple[Raw | bytes, ...] = ()
    focus: frozenset[str] | None = None
    if service.orders:
        drafts = _drafts(context.draftOrders)
        if service.hook == "order-select":
            if context.selections is None:
                raise InputError("context.selections is required by order-select")
            focus = frozenset(context.selections)
    authorization = envelope.fhirAuthorization
    return HookRequest(
        service=service,
        hook_instance=envelope.hookInstance.lower(),
        patient_id=patient_id,
        user=context.userId or None,
        encounter_id=_bare(context.encounterId or "", "Encounter") or None,
        drafts=drafts,
        focus=focus,
        fhir_server=envelope.fhirServer or None,
        token=authorization.access_token if authorization else None,
        scope=authorization.scope if authorization else None,
        chart=_bare((authorization and authorization.patient) or "", "Patient") or None,
        parcels=parcels,
        body=body,
    )


def decode(decoder: msgspec.json.Decoder[T], body: bytes | Raw, what: str) -> T:
    """`body` read by `decoder`; InputError names `what` and the JSON path, never the content."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        # An enumeration's error quotes the value that was sent.
        said = str(error)
        if said.startswith("Invalid enum value"):
            said = f"a value that is not allowed{said[said.rfind(' - at ') :]}"
        raise InputError(f"{what} has the wrong shape: {said}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise InputError(f"{what} is not JSON") from None
    except RecursionError:
        raise InputError(f"{what} is nested too deeply") from None


def _bare(reference: str, resource_type: str) -> str:
    """ "Patient/123" and "123" both name 123; some clients send the former."""
    return reference.strip().removeprefix(resource_type + "/")


def _drafts(raw: Raw) -> tuple[Raw | bytes, ...]:
    if not bytes(raw):
        raise InputError("context.draftOrders is required by this hook")
    try:
        return draft_rows(raw)
    except InputError as error:
        raise InputError(f"context.draftOrders: {error.public}") from None
