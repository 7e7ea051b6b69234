"""The words that may stand in an exchange log: of FHIR, CDS Hooks, OAuth and our own knowledge."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fhir.resources.R4B import get_fhir_model_class

from smartapp.knowledge import Knowledge

# Resources that hooks bring; the names of their elements are read from their R4B models.
_RESOURCES = (
    "AllergyIntolerance", "Bundle", "CapabilityStatement", "Condition", "DeviceRequest",
    "Encounter", "Goal", "Medication", "MedicationAdministration", "MedicationDispense",
    "MedicationRequest", "MedicationStatement", "Observation", "OperationOutcome", "Patient",
    "Practitioner", "PractitionerRole", "Procedure", "QuestionnaireResponse", "ServiceRequest",
)  # fmt: skip
_DATATYPES = (
    "Address", "Annotation", "Attachment", "CodeableConcept", "Coding", "ContactPoint", "Dosage",
    "DosageDoseAndRate", "Extension", "HumanName", "Identifier", "Meta", "Narrative", "Period",
    "Quantity", "Range", "Ratio", "Reference", "SampledData", "Timing", "TimingRepeat",
    "AllergyIntoleranceReaction", "BundleEntry", "BundleEntryRequest", "BundleEntryResponse",
    "BundleEntrySearch", "BundleLink", "ConditionStage", "GoalTarget",
    "MedicationAdministrationDosage", "MedicationRequestDispenseRequest",
    "ObservationComponent", "ObservationReferenceRange", "OperationOutcomeIssue",
    "QuestionnaireResponseItem", "QuestionnaireResponseItemAnswer",
)  # fmt: skip
# Types of other FHIR versions and of orders that are none of ours.
_OTHER_TYPES = (
    "CommunicationRequest", "DiagnosticOrder", "MedicationOrder", "NutritionOrder",
    "ProcedureRequest", "ReferralRequest", "RelatedPerson", "Task", "VisionPrescription",
)  # fmt: skip

_HOOK_MEMBERS = (
    "accepted", "acceptedSuggestions", "access_token", "actions", "appContext", "appointments",
    "autolaunchable", "card", "cards", "context", "description", "detail", "dispatchedOrders",
    "draftOrders", "encounterId", "expires_in", "extension", "feedback", "fhirAuthorization",
    "fhirServer", "fulfillmentTasks", "hook", "hookInstance", "hookVersion", "icon", "indicator",
    "isRecommended", "label", "links", "order", "outcome", "outcomeTimestamp", "overrideReason",
    "overrideReasons", "patient", "patientId", "performer", "prefetch", "reason", "resource",
    "resourceId", "scope", "selectionBehavior", "selections", "services", "source", "subject",
    "suggestions", "summary", "systemActions", "task", "title", "token_type", "topic", "type",
    "url", "usageRequirements", "userComment", "userId", "uuid", "version",
    "example.hpg-recalibration.findings", "severity",
)  # fmt: skip
_OAUTH_MEMBERS = (
    "access_token", "aud", "client_assertion", "client_assertion_type", "client_id", "code",
    "code_challenge", "code_challenge_method", "code_verifier", "encounter", "error",
    "error_description", "error_uri", "expires_in", "fhirContext", "fhirUser", "grant_type",
    "id_token", "intent", "iss", "launch", "need_patient_banner", "nonce", "patient",
    "redirect_uri", "refresh_token", "response_type", "scope", "smart_style_url", "state",
    "tenant", "token", "token_type", "token_type_hint",
)  # fmt: skip

# Element → the words it may hold. Together those of several resources where the name is shared.
_WORDS: dict[str, tuple[str, ...]] = {
    "hook": (
        "patient-view", "order-select", "order-sign", "order-dispatch", "encounter-start",
        "encounter-discharge", "appointment-book", "medication-prescribe", "order-review",
    ),
    "status": (
        "active", "amended", "appended", "cancelled", "completed", "corrected", "declined",
        "draft", "ended", "entered-in-error", "final", "generated", "in-progress", "intended",
        "not-done", "not-taken", "on-hold", "preliminary", "preparation", "registered", "revoked",
        "stopped", "unknown", "additional", "empty", "extensions",
    ),
    "lifecycleStatus": (
        "proposed", "planned", "accepted", "active", "on-hold", "completed", "cancelled",
        "entered-in-error", "rejected",
    ),
    "intent": (
        "proposal", "plan", "directive", "order", "original-order", "reflex-order",
        "filler-order", "instance-order", "option",
    ),
    "type": (
        "searchset", "collection", "batch", "batch-response", "transaction",
        "transaction-response", "history", "document", "message", "create", "update", "delete",
        "absolute", "smart", "allergy", "intolerance",
    ),
    "mode": ("match", "include", "outcome"),
    "relation": ("self", "first", "next", "previous", "prev", "last"),
    "severity": ("fatal", "error", "warning", "information", "critical", "info"),
    "comparator": ("<", "<=", ">=", ">"),
    "gender": ("male", "female", "other", "unknown"),
    "indicator": ("info", "warning", "critical"),
    "selectionBehavior": ("at-most-one", "any"),
    "outcome": ("accepted", "overridden"),
    "token_type": ("Bearer", "bearer"),
    "token_type_hint": ("access_token", "refresh_token"),
    "response_type": ("code",),
    "code_challenge_method": ("S256", "plain"),
    "grant_type": ("authorization_code", "refresh_token", "client_credentials"),
    "client_assertion_type": ("urn:ietf:params:oauth:client-assertion-type:jwt-bearer",),
    "error": (
        "access_denied", "invalid_client", "invalid_grant", "invalid_request", "invalid_scope",
        "login_required", "server_error", "temporarily_unavailable", "unauthorized_client",
        "unsupported_grant_type", "unsupported_response_type", "interaction_required",
    ),
}  # fmt: skip
# Codes of FHIR's own small code systems, and of issues and findings' reasons.
_CODES = (
    "active", "recurrence", "relapse", "inactive", "remission", "resolved", "confirmed",
    "unconfirmed", "provisional", "differential", "refuted", "entered-in-error", "laboratory",
    "vital-signs", "social-history", "survey", "exam", "procedure", "imaging", "therapy",
    "problem-list-item", "encounter-diagnosis", "outpatient", "inpatient", "community",
    "H", "L", "N", "A", "HH", "LL", "HU", "LU", "asked-declined", "unknown", "not-performed",
    "invalid", "structure", "required", "value", "security", "login", "expired", "forbidden",
    "suppressed", "processing", "not-supported", "not-found", "too-long", "business-rule",
    "transient", "timeout", "exception", "incomplete", "throttled", "informational",
)  # fmt: skip
_SYSTEMS = (
    "http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org",
    "http://www.nlm.nih.gov/research/umls/rxnorm", "http://www.whocc.no/atc",
    "http://hl7.org/fhir/sid/icd-10", "http://hl7.org/fhir/sid/icd-10-cm",
    "http://hl7.org/fhir/sid/icd-9-cm", "http://hl7.org/fhir/sid/ndc",
    "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
    "http://terminology.hl7.org/CodeSystem/condition-category",
    "http://terminology.hl7.org/CodeSystem/condition-clinical",
    "http://terminology.hl7.org/CodeSystem/condition-ver-status",
    "http://terminology.hl7.org/CodeSystem/data-absent-reason",
    "http://terminology.hl7.org/CodeSystem/observation-category",
    "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "https://hpg-recalibration.example/fhir/CodeSystem/finding",
    "https://hpg-recalibration.example/fhir/CodeSystem/override-reason",
)  # fmt: skip

# Codes that no catalogue of ours holds, by what they look like under their own system.
_SHAPES = {
    "http://loinc.org": re.compile(r"\d{3,5}-\d|LA\d{1,5}-\d"),
    "http://hl7.org/fhir/sid/icd-10": re.compile(r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,2})?"),
    "http://hl7.org/fhir/sid/icd-10-cm": re.compile(r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?"),
    "http://www.whocc.no/atc": re.compile(r"[A-Z]\d{2}[A-Z]{2}\d{2}"),
}
_SCOPE = re.compile(
    r"openid|fhirUser|profile|launch(/patient|/encounter)?|online_access|offline_access"
    r"|(patient|user|system)/([A-Z][A-Za-z]{2,40}|\*)\.(read|write|\*|c?r?u?d?s?)"
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What may be kept, by kind. `own` holds the deployment's own and its EHRs' addresses."""

    members: frozenset[str]
    types: frozenset[str]
    words: dict[str, frozenset[str]]
    codes: frozenset[str]
    systems: frozenset[str]
    units: frozenset[str]
    own: frozenset[str]

    def is_code(self, code: str, system: object) -> bool:
        shape = _SHAPES.get(system) if isinstance(system, str) else None
        return code in self.codes or bool(shape and shape.fullmatch(code))

    def is_scope(self, word: str) -> bool:
        kind = _SCOPE.fullmatch(word)
        return kind is not None and (kind[3] in (None, "*") or kind[3] in self.types)


def vocabulary(
    knowledge: Knowledge, *, keys: Iterable[str], codes: Iterable[str], own: Iterable[str]
) -> Vocabulary:
    """All of it. `keys`: of our prefetch; `codes`: more words of our own, as override reasons."""
    catalogue = knowledge.catalogue
    units = {
        spelling for analyte in catalogue.analytes.values()
        for spelling in (analyte.unit, analyte.ucum, *analyte.units)
    }  # fmt: skip
    known: set[str] = {*_CODES, *catalogue.by_loinc, *catalogue.by_rxnorm, *catalogue.by_snomed}
    known.update(code for drug in catalogue.drugs.values() for code in drug.atc)
    known.update(code for rule in knowledge.rules.values() for code in rule.codes)
    known.update(catalogue.not_ours)
    return Vocabulary(
        members=frozenset((*_elements(), *_HOOK_MEMBERS, *_OAUTH_MEMBERS, *keys)),
        types=frozenset((*_RESOURCES, *_OTHER_TYPES)),
        words={name: frozenset(words) for name, words in _WORDS.items()},
        codes=frozenset((*known, *codes, *units)),
        systems=frozenset(_SYSTEMS),
        units=frozenset(units),
        own=frozenset(own),
    )


def _elements() -> set[str]:
    names: set[str] = {"resourceType", "fullUrl"}
    for model in (*_RESOURCES, *_DATATYPES):
        fields: dict[str, Any] = get_fhir_model_class(model).model_fields
        names.update(field.alias or name for name, field in fields.items())
    return names
