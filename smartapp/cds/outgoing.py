"""FHIR resources we propose: templates validated once, filled per request.

`fhir.resources.R4B` is the R4-compatible package (the root package is R5). Building and validating
one resource costs about 0.3 ms, so it happens when the knowledge is compiled and not on a call.
What a call fills in are references and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fhir.resources.R4B.medicationrequest import MedicationRequest
from fhir.resources.R4B.servicerequest import ServiceRequest
from pydantic import ValidationError

from smartapp.cds.words import MORNING_DRAW
from smartapp.errors import KnowledgeError
from smartapp.knowledge import Knowledge
from smartapp.knowledge.catalogue import Analyte, Drug
from smartapp.knowledge.regimens import Regimen

Template = Mapping[str, Any]

_MODELS: Mapping[str, Any] = {
    "ServiceRequest": ServiceRequest,
    "MedicationRequest": MedicationRequest,
}
_SUBJECT = {"reference": "Patient/template"}
_SNOMED = "http://snomed.info/sct"
_LABORATORY = {"system": _SNOMED, "code": "108252007", "display": "Laboratory procedure"}
_REFERRAL = {"system": _SNOMED, "code": "3457005", "display": "Patient referral"}


def lab_templates(knowledge: Knowledge) -> Mapping[str, Template]:
    """LOINC code → draft ServiceRequest, for every code of every analyte."""
    return {
        code: _checked(_lab(analyte, code))
        for analyte in knowledge.catalogue.analytes.values()
        for code in {analyte.order_loinc, *analyte.loinc} - {""}
    }


def regimen_templates(knowledge: Knowledge) -> Mapping[str, Template]:
    """Regimen key → draft MedicationRequest, for every published start."""
    return {
        regimen.key: _checked(_prescription(regimen, knowledge.catalogue.drugs[regimen.agent]))
        for regimen in knowledge.regimens.values()
        if regimen.start
    }


def referral(text: str) -> Template:
    """A draft referral in words. Not validated here: only `text` varies, and a test covers it."""
    return {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "category": [{"coding": [_REFERRAL]}],
        "code": {"coding": [_REFERRAL], "text": text},
        "subject": _SUBJECT,
    }


def fill(
    template: Template, patient: str, user: str | None, encounter: str | None
) -> dict[str, Any]:
    """The template for this patient, asked for by this user in this encounter."""
    resource = {**template, "subject": {"reference": f"Patient/{patient}"}}
    if encounter:
        resource["encounter"] = {"reference": f"Encounter/{encounter}"}
    if user and user.startswith(("Practitioner/", "PractitionerRole/")):
        resource["requester"] = {"reference": user}
    return resource


def _lab(analyte: Analyte, code: str) -> dict[str, Any]:
    known = analyte.loinc.get(code)
    coding = {"system": "http://loinc.org", "code": code}
    if known is not None:
        coding["display"] = known.display
    request: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "category": [{"coding": [_LABORATORY]}],
        "code": {"coding": [coding], "text": analyte.name},
        "subject": _SUBJECT,
    }
    # The axis is read from morning draws; T, LH and FSH belong to one draw.
    if analyte.required:
        request["note"] = [{"text": MORNING_DRAW}]
    return request


def _prescription(regimen: Regimen, drug: Drug) -> dict[str, Any]:
    concept: dict[str, Any] = {"text": drug.name}
    if drug.atc:
        concept["coding"] = [{"system": "http://www.whocc.no/atc", "code": drug.atc[0]}]
    return {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": concept,
        "subject": _SUBJECT,
        "note": [{"text": f"Published regimen, not a default. {drug.regulatory}"}],
        "dosageInstruction": [
            {
                "text": regimen.text,
                "timing": {
                    "repeat": {
                        "frequency": regimen.frequency,
                        "period": regimen.period,
                        "periodUnit": regimen.period_unit,
                    }
                },
                "route": {"text": regimen.route},
                "doseAndRate": [{"doseQuantity": _quantity(regimen.amount, regimen.unit)}],
            }
        ],
    }


def _quantity(amount: Decimal, unit: str) -> dict[str, Any]:
    value = int(amount) if amount == int(amount) else float(amount)
    words = "IU" if unit == "[IU]" else unit
    return {
        "value": value,
        "unit": words,
        "system": "http://unitsofmeasure.org",
        "code": unit,
    }


def _checked(resource: dict[str, Any]) -> Template:
    """`resource`, after R4B accepted it. Refuses (KnowledgeError) what R4B does not."""
    try:
        _MODELS[resource["resourceType"]].model_validate(resource)
    except ValidationError as error:
        raise KnowledgeError(
            f"the draft made for {resource['resourceType']} is not valid FHIR: {error}"
        ) from None
    return resource
