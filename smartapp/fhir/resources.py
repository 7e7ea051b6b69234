"""The elements of incoming FHIR R4 resources that this product uses, and no others.

Structs are lenient (unknown elements are skipped) and narrow (a known element of the wrong JSON
type sends the row, and only the row, to quarantine; see reading.py). A quantity's number stays
`Raw` until `numbers.py` has matched it, because a Decimal field would take "NaN" or "1_000".

`fhir.resources` models are not used here: its root package is R5, one unknown element rejects a
whole Bundle, and `19.00` becomes `19.0`. They validate what we send out (R4B, the R4-compatible
package).
"""

from __future__ import annotations

from msgspec import Raw, Struct


class Coding(Struct, frozen=True):
    system: str | None = None
    code: str | None = None
    display: str | None = None


class CodeableConcept(Struct, frozen=True):
    coding: list[Coding] | None = None
    text: str | None = None


class Reference(Struct, frozen=True):
    reference: str | None = None
    type: str | None = None
    display: str | None = None


class Period(Struct, frozen=True):
    start: str | None = None
    end: str | None = None


class Quantity(Struct, frozen=True):
    value: Raw | None = None
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Range(Struct, frozen=True):
    low: Quantity | None = None
    high: Quantity | None = None


class Annotation(Struct, frozen=True):
    text: str | None = None


class ReferenceRange(Struct, frozen=True):
    low: Quantity | None = None
    high: Quantity | None = None
    type: CodeableConcept | None = None
    appliesTo: list[CodeableConcept] | None = None
    text: str | None = None


class Extension(Struct, frozen=True):
    url: str | None = None
    valueCode: str | None = None
    valueString: str | None = None
    valueCodeableConcept: CodeableConcept | None = None
    valueCoding: Coding | None = None
    extension: list[Extension] | None = None


class HumanName(Struct, frozen=True):
    use: str | None = None
    text: str | None = None
    family: str | None = None
    given: list[str | None] | None = None


class Meta(Struct, frozen=True):
    versionId: str | None = None
    lastUpdated: str | None = None


class Patient(Struct, frozen=True):
    id: str | None = None
    name: list[HumanName] | None = None
    gender: str | None = None
    birthDate: str | None = None
    deceasedBoolean: bool | None = None
    deceasedDateTime: str | None = None
    extension: list[Extension] | None = None


class ObservationComponent(Struct, frozen=True):
    code: CodeableConcept | None = None
    valueQuantity: Quantity | None = None
    valueString: str | None = None
    valueInteger: int | None = None
    valueCodeableConcept: CodeableConcept | None = None
    dataAbsentReason: CodeableConcept | None = None
    referenceRange: list[ReferenceRange] | None = None


class Observation(Struct, frozen=True):
    id: str | None = None
    meta: Meta | None = None
    status: str | None = None
    category: list[CodeableConcept] | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    effectiveInstant: str | None = None
    issued: str | None = None
    performer: list[Reference] | None = None
    valueQuantity: Quantity | None = None
    valueString: str | None = None
    valueInteger: int | None = None
    valueBoolean: bool | None = None
    valueCodeableConcept: CodeableConcept | None = None
    dataAbsentReason: CodeableConcept | None = None
    interpretation: list[CodeableConcept] | None = None
    note: list[Annotation] | None = None
    bodySite: CodeableConcept | None = None
    method: CodeableConcept | None = None
    referenceRange: list[ReferenceRange] | None = None
    component: list[ObservationComponent] | None = None


class Condition(Struct, frozen=True):
    id: str | None = None
    clinicalStatus: CodeableConcept | None = None
    verificationStatus: CodeableConcept | None = None
    category: list[CodeableConcept] | None = None
    code: CodeableConcept | None = None
    bodySite: list[CodeableConcept] | None = None
    subject: Reference | None = None
    onsetDateTime: str | None = None
    onsetPeriod: Period | None = None
    onsetString: str | None = None
    abatementDateTime: str | None = None
    abatementPeriod: Period | None = None
    abatementString: str | None = None
    recordedDate: str | None = None
    note: list[Annotation] | None = None


class Procedure(Struct, frozen=True):
    id: str | None = None
    status: str | None = None
    code: CodeableConcept | None = None
    bodySite: list[CodeableConcept] | None = None
    subject: Reference | None = None
    performedDateTime: str | None = None
    performedPeriod: Period | None = None
    note: list[Annotation] | None = None


class TimingRepeat(Struct, frozen=True):
    boundsPeriod: Period | None = None
    frequency: Raw | None = None
    frequencyMax: Raw | None = None
    period: Raw | None = None
    periodMax: Raw | None = None
    periodUnit: str | None = None
    dayOfWeek: list[str] | None = None
    timeOfDay: list[str] | None = None


class Timing(Struct, frozen=True):
    event: list[str] | None = None
    repeat: TimingRepeat | None = None
    code: CodeableConcept | None = None


class DoseAndRate(Struct, frozen=True):
    doseQuantity: Quantity | None = None
    doseRange: Range | None = None


class Dosage(Struct, frozen=True):
    text: str | None = None
    patientInstruction: str | None = None
    timing: Timing | None = None
    asNeededBoolean: bool | None = None
    route: CodeableConcept | None = None
    doseAndRate: list[DoseAndRate] | None = None


class DispenseRequest(Struct, frozen=True):
    validityPeriod: Period | None = None


class Medication(Struct, frozen=True):
    id: str | None = None
    code: CodeableConcept | None = None


class MedicationRequest(Struct, frozen=True):
    id: str | None = None
    meta: Meta | None = None
    status: str | None = None
    intent: str | None = None
    doNotPerform: bool | None = None
    medicationCodeableConcept: CodeableConcept | None = None
    medicationReference: Reference | None = None
    contained: list[Raw] | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    authoredOn: str | None = None
    dosageInstruction: list[Dosage] | None = None
    dispenseRequest: DispenseRequest | None = None
    note: list[Annotation] | None = None


class MedicationStatement(Struct, frozen=True):
    id: str | None = None
    meta: Meta | None = None
    status: str | None = None
    medicationCodeableConcept: CodeableConcept | None = None
    medicationReference: Reference | None = None
    contained: list[Raw] | None = None
    subject: Reference | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    dateAsserted: str | None = None
    dosage: list[Dosage] | None = None
    note: list[Annotation] | None = None


class Reaction(Struct, frozen=True):
    substance: CodeableConcept | None = None
    manifestation: list[CodeableConcept] | None = None


class AllergyIntolerance(Struct, frozen=True):
    id: str | None = None
    clinicalStatus: CodeableConcept | None = None
    verificationStatus: CodeableConcept | None = None
    type: str | None = None
    code: CodeableConcept | None = None
    patient: Reference | None = None
    onsetDateTime: str | None = None
    recordedDate: str | None = None
    reaction: list[Reaction] | None = None


class GoalTarget(Struct, frozen=True):
    measure: CodeableConcept | None = None
    dueDate: str | None = None


class Goal(Struct, frozen=True):
    id: str | None = None
    lifecycleStatus: str | None = None
    category: list[CodeableConcept] | None = None
    description: CodeableConcept | None = None
    subject: Reference | None = None
    startDate: str | None = None
    statusDate: str | None = None


class AnswerItem(Struct, frozen=True):
    linkId: str | None = None
    answer: list[Raw] | None = None
    item: list[AnswerItem] | None = None


class QuestionnaireResponse(Struct, frozen=True):
    id: str | None = None
    status: str | None = None
    questionnaire: str | None = None
    subject: Reference | None = None
    authored: str | None = None
    item: list[AnswerItem] | None = None


Resource = (
    Patient
    | Observation
    | Condition
    | Procedure
    | Medication
    | MedicationRequest
    | MedicationStatement
    | AllergyIntolerance
    | Goal
    | QuestionnaireResponse
)
