"""What the chart's pages do: fire hooks, follow or override cards, sign orders."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from smartapp.demo.config import DemoConfig
from smartapp.demo.dig import text
from smartapp.demo.fhir.repository import Repository
from smartapp.demo.oauth.records import Context
from smartapp.demo.oauth.vault import Vault
from smartapp.demo.ward.cards import CardView, LinkView
from smartapp.demo.ward.firing import Firing, Firings
from smartapp.demo.ward.formulary import MenuItem, load_menu
from smartapp.demo.ward.pad import CannotApply, Pad, Pads
from smartapp.demo.ward.services import CdsServices
from smartapp.stories import wire


class Desk:
    """One EHR's work with CDS. `user` is always "Practitioner/<id>", `patient` a bare id."""

    def __init__(
        self,
        config: DemoConfig,
        repository: Repository,
        services: CdsServices,
        vault: Vault,
        firings: Firings,
    ) -> None:
        self._config = config
        self._repository = repository
        self._services = services
        self._vault = vault
        self.firings = firings
        self.pads = Pads()
        self.menu: dict[str, MenuItem] = load_menu()

    def open_chart(self, user: str, patient: str) -> Firing:
        """Fire patient-view."""
        return self._fire("patient-view", user, patient, {}, b"")

    def add_order(self, user: str, patient: str, choice: MenuItem) -> Firing:
        """Write a draft and fire order-select about it."""
        pad = self.pads.of(patient)
        encounter = self._encounter(patient)
        draft = choice.draft(pad.new_id(), patient, encounter, user, _now())
        return self._order_hook("order-select", user, pad, [pad.put(draft)])

    def sign(self, user: str, patient: str, seen: Firing | None) -> Firing | None:
        """Sign the pad's drafts; None when they are signed, else the cards that come first.

        Fires order-sign unless `seen` is the order-sign firing about these very drafts; then the
        user has seen its cards, and signing goes on once every critical one is decided.
        """
        pad = self.pads.of(patient)
        seen_these = seen is not None and seen.hook == "order-sign" and seen.subject == _frozen(pad)
        firing = seen if seen_these and seen else self._order_hook("order-sign", user, pad, None)
        if firing.undecided_critical or (firing.cards and not seen_these):
            return firing
        for draft in pad.take_all():
            signed = {**draft, "id": str(uuid.uuid4()), "status": "active"}
            self._repository.add(signed, patient)
        return None

    def accept(self, firing: Firing, card: CardView, place: int) -> str:
        """Follow a suggestion: do its actions on the pad and tell the service.

        Refuses (CannotApply) what does not fit; then nothing was done and nothing told.
        """
        if not 0 <= place < len(card.suggestions):
            raise CannotApply("There is no such suggestion on the card.")
        suggestion = card.suggestions[place]
        said = " ".join(self.pads.of(firing.patient).apply(suggestion.actions))
        said = said or f"Accepted: {suggestion.label}."
        item: dict[str, Any] = {"outcome": "accepted"}
        if suggestion.uuid:
            item["acceptedSuggestions"] = [{"id": suggestion.uuid}]
        told = self._tell(card, item)
        firing.outcomes[card.key] = f"{said} {told}"
        return said

    def override(self, firing: Firing, card: CardView, reason_code: str, comment: str) -> None:
        """Override a card, with a reason of the card's own list where one was chosen."""
        item: dict[str, Any] = {"outcome": "overridden"}
        reason = next((r for r in card.reasons if r.get("code") == reason_code), None)
        given = ({"reason": reason} if reason else {}) | (
            {"userComment": comment} if comment else {}
        )
        if given:
            item["overrideReason"] = given
        told = self._tell(card, item)
        why = reason["display"] if reason else (comment or "no reason given")
        firing.outcomes[card.key] = f"Overridden: {why}. {told}"

    def launch_address(self, user: str, patient: str, link: LinkView | None) -> str:
        """The app's launch URL with `iss` and a fresh launch token bound to user and patient.

        A smart link's appContext travels with the token and comes out in the token response. An
        open test server has no launch: there it is the app's address for such a patient.
        """
        if not self._config.behaviour.oauth:
            query = urlencode({"iss": self._config.fhir_base, "patient": patient})
            return f"{self._config.open_url}?{query}"
        context = Context(
            user=user,
            patient=patient,
            encounter=self._encounter(patient),
            app_context=link.app_context if link else None,
        )
        query = urlencode(
            {"iss": self._config.fhir_base, "launch": self._vault.new_launch(context)}
        )
        joint = "&" if "?" in self._config.launch_url else "?"
        return f"{self._config.launch_url}{joint}{query}"

    def _tell(self, card: CardView, item: dict[str, Any]) -> str:
        if not card.uuid:
            return "No feedback: the card has no uuid."
        done = self._services.feedback(card.service_url, {"card": card.uuid, **item})
        return done.problem or "Feedback sent."

    def _order_hook(self, hook: str, user: str, pad: Pad, selected: list[str] | None) -> Firing:
        bundle = {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"resource": draft} for draft in pad.drafts.values()],
        }
        extra: dict[str, Any] = {"draftOrders": bundle}
        if selected is not None:
            extra["selections"] = selected
        return self._fire(hook, user, pad.patient, extra, _frozen(pad))

    def _fire(
        self, hook: str, user: str, patient: str, extra: dict[str, Any], subject: bytes
    ) -> Firing:
        encounter = self._encounter(patient)
        context: dict[str, Any] = {"userId": user, "patientId": patient, **extra}
        if encounter:
            context["encounterId"] = encounter
        who = Context(user=user, patient=patient, encounter=encounter)
        exchanges = self._services.fire(hook, context, who)
        return self.firings.keep(hook, user, patient, exchanges, subject)

    def _encounter(self, patient: str) -> str | None:
        """Today's visit: the encounter in progress."""
        for row in self._repository.of("Encounter", patient):
            if text(row.resource, "status") == "in-progress" and row.id:
                return row.id
        return None


def _frozen(pad: Pad) -> bytes:
    return wire.encode(list(pad.drafts.values()))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
