"""The order pad's menu: each choice becomes a draft MedicationRequest."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from typing import Any

_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_UCUM = "http://unitsofmeasure.org"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/medicationrequest-category"


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One line of formulary.toml."""

    key: str
    label: str
    drug: str
    dosage: str
    amount: Decimal
    amount_unit: str
    frequency: int
    period: int
    unit: str
    route: str
    rxnorm: str | None = None

    def draft(
        self, draft_id: str, patient: str, encounter: str | None, user: str, authored: str
    ) -> dict[str, Any]:
        """A draft order for a patient. `user` is "Practitioner/<id>", `authored` a dateTime."""
        draft: dict[str, Any] = {
            "resourceType": "MedicationRequest",
            "id": draft_id,
            "status": "draft",
            "intent": "order",
            "category": [{"coding": [{"system": _CATEGORY, "code": "outpatient"}]}],
            "medicationCodeableConcept": self._drug(),
            "subject": {"reference": f"Patient/{patient}"},
            "authoredOn": authored,
            "requester": {"reference": user},
            "dosageInstruction": [self._dosage()],
        }
        if encounter:
            draft["encounter"] = {"reference": f"Encounter/{encounter}"}
        return draft

    def _drug(self) -> dict[str, Any]:
        concept: dict[str, Any] = {"text": self.drug}
        if self.rxnorm:
            concept["coding"] = [{"system": _RXNORM, "code": self.rxnorm, "display": self.drug}]
        return concept

    def _dosage(self) -> dict[str, Any]:
        return {
            "text": self.dosage,
            "timing": {
                "repeat": {
                    "frequency": self.frequency,
                    "period": self.period,
                    "periodUnit": self.unit,
                }
            },
            "route": {"text": self.route},
            "doseAndRate": [
                {
                    "doseQuantity": {
                        "value": self.amount,
                        "unit": self.amount_unit.strip("[]"),
                        "system": _UCUM,
                        "code": self.amount_unit,
                    }
                }
            ],
        }


def load_menu() -> dict[str, MenuItem]:
    """Every choice of the order pad, in the order of the file."""
    text = files(__package__).joinpath("formulary.toml").read_text(encoding="utf-8")
    return {
        key: MenuItem(key=key, **{**item, "amount": Decimal(item["amount"])})
        for key, item in tomllib.loads(text).items()
    }
