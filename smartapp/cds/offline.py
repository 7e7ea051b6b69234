"""What a hook would have answered, for `smartapp assess --format cards`: no server, no ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import NAMESPACE_URL, uuid5

from msgspec import Raw, Struct
from msgspec.json import Encoder

from smartapp.cds.card import Card
from smartapp.cds.cards import Occasion, Speaker
from smartapp.cds.discovery import SERVICES
from smartapp.cds.request import HookRequest
from smartapp.cds.suggestions import Suggestions
from smartapp.engine.assessment import Assessment
from smartapp.fhir.model import Gap
from smartapp.knowledge import Knowledge
from smartapp.patient.record import DraftOrder


class _Reply(Struct, frozen=True):
    cards: list[Card]


Writer = Callable[[Assessment, Sequence[Gap]], bytes]


def cards_writer(
    knowledge: Knowledge,
    launch_url: str,
    drafts: tuple[DraftOrder, ...] = (),
    rows: tuple[Raw | bytes, ...] = (),
) -> Writer:
    """What turns an assessment into the JSON of a hook's answer.

    With `drafts` (and `rows`, the same as received) the answer is that of order-sign, else that of
    patient-view. Nothing is snoozed. The same assessment gives the same UUIDs.
    """
    speaker = Speaker(knowledge, Suggestions.compile(knowledge), launch_url)
    encode = Encoder().encode
    hook = "order-sign" if drafts else "patient-view"
    service = next(service for service in SERVICES if service.hook == hook)

    def write(assessment: Assessment, gaps: Sequence[Gap]) -> bytes:
        call = str(uuid5(NAMESPACE_URL, f"{assessment.patient} {assessment.as_of.isoformat()}"))
        request = HookRequest(
            service=service,
            hook_instance=call,
            patient_id=assessment.patient.removeprefix("Patient/"),
            user=None,
            encounter_id=None,
            drafts=rows,
            focus=None,
            fhir_server=None,
            token=None,
        )
        shown = [finding for finding in assessment.findings if finding.card]
        spoken = speaker.speak(shown, Occasion(assessment, request, drafts, tuple(gaps)), call)
        return encode(_Reply([one.card for one in spoken]))

    return write
