"""The elements of incoming FHIR R4 resources that this product uses, and no others.

Structs are lenient (unknown elements are skipped) and narrow (a known element of the wrong JSON
type sends the row, and only the row, to quarantine; see reading.py). A number stays `Raw` until
`numbers.py` has matched it, because a Decimal field would take "NaN" or "1_000". An absent number
is the empty `ABSENT`, never None: msgspec does not read a number into `Raw | None`.

The tags let one pass tell the types apart; `gc=False` is safe because decoded JSON is a tree.

`fhir.resources` models are not used here: its root package is R5, one unknown element rejects a
whole Bundle, and `19.00` becomes `19.0`. They validate what we send out (R4B, the R4-compatible
package).
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Raw, Struct

ABSENT = Raw()

# FHIR's integer has 32 bits; a longer one is a mistake, and slow to compute with.
Integer = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]


class _Resource(Struct, frozen=True, gc=False, tag_field="resourceType"):
    """A resource of its own: carries its type as the tag."""


class Coding(Struct, frozen=True, gc=False):
    system: str | None = None
    code: str | None = None
    display: str | None = None


class CodeableConcept(Struct, frozen=True, gc=False):
    coding: list[Coding] | None = None
    text: str | None = None


class Reference(Struct, frozen=True, gc=False):
    reference: str | None = None
    type: str | None = None
    display: str | None = None


class Period(Struct, frozen=True, gc=False):
    start: str | None = None
    end: str | None = None


class Quantity(Struct, frozen=True, gc=False):
    value: Raw = ABSENT
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Range(Struct, frozen=True, gc=False):
    low: Quantity | None = None
    high: Quantity | None = None


class Annotation(Struct, frozen=True, gc=False):
    text: str | None = None


class ReferenceRange(Struct, frozen=True, gc=False):
    low: Quantity | None = None
    high: Quantity | None = None
    type: CodeableConcept | None = None
    appliesTo: list[CodeableConcept] | None = None
    age: Range | None = None
    text: str | None = None


class Extension(Struct, frozen=True, gc=False):
    url: str | None = None
    valueCode: str | None = None
    valueString: str | None = None
    valueCodeableConcept: CodeableConcept | None = None
    valueCoding: Coding | None = None
    extension: list[Extension] | None = None


class HumanName(Struct, frozen=True, gc=False):
    use: str | None = None
    text: str | None = None
    family: str | None = None
    given: list[str | None] | None = None


class Meta(Struct, frozen=True, gc=False):
    versionId: str | None = None
    lastUpdated: str | None = None


class Patient(_Resource, frozen=True, gc=False, tag="Patient"):
    id: str | None = None
    name: list[HumanName] | None = None
    gender: str | None = None
    birthDate: str | None = None
    deceasedBoolean: bool | None = None
    deceasedDateTime: str | None = None
    extension: list[Extension] | None = None


class ObservationComponent(Struct, frozen=True, gc=False):
    code: CodeableConcept | None = None
    valueQuantity: Quantity | None = None
    valueString: str | None = None
    valueInteger: Integer | None = None
    valueBoolean: bool | None = None
    valueCodeableConcept: CodeableConcept | None = None
    dataAbsentReason: CodeableConcept | None = None
    referenceRange: list[ReferenceRange] | None = None


class Observation(_Resource, frozen=True, gc=False, tag="Observation"):
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
    valueInteger: Integer | None = None
    valueBoolean: bool | None = None
    valueCodeableConcept: CodeableConcept | None = None
    dataAbsentReason: CodeableConcept | None = None
    interpretation: list[CodeableConcept] | None = None
    note: list[Annotation] | None = None
    bodySite: CodeableConcept | None = None
    method: CodeableConcept | None = None
    referenceRange: list[ReferenceRange] | None = None
    component: list[ObservationComponent] | None = None


class Condition(_Resource, frozen=True, gc=False, tag="Condition"):
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


class Procedure(_Resource, frozen=True, gc=False, tag="Procedure"):
    id: str | None = None
    status: str | None = None
    code: CodeableConcept | None = None
    bodySite: list[CodeableConcept] | None = None
    subject: Reference | None = None
    performedDateTime: str | None = None
    performedPeriod: Period | None = None
    note: list[Annotation] | None = None


class TimingRepeat(Struct, frozen=True, gc=False):
    boundsPeriod: Period | None = None
    frequency: Raw = ABSENT
    frequencyMax: Raw = ABSENT
    period: Raw = ABSENT
    periodMax: Raw = ABSENT
    periodUnit: str | None = None
    dayOfWeek: list[str] | None = None
    timeOfDay: list[str] | None = None


class Timing(Struct, frozen=True, gc=False):
    event: list[str] | None = None
    repeat: TimingRepeat | None = None
    code: CodeableConcept | None = None


class DoseAndRate(Struct, frozen=True, gc=False):
    doseQuantity: Quantity | None = None
    doseRange: Range | None = None


class Dosage(Struct, frozen=True, gc=False):
    text: str | None = None
    patientInstruction: str | None = None
    timing: Timing | None = None
    asNeededBoolean: bool | None = None
    route: CodeableConcept | None = None
    doseAndRate: list[DoseAndRate] | None = None


class DispenseRequest(Struct, frozen=True, gc=False):
    validityPeriod: Period | None = None


class Medication(_Resource, frozen=True, gc=False, tag="Medication"):
    id: str | None = None
    code: CodeableConcept | None = None


class MedicationRequest(_Resource, frozen=True, gc=False, tag="MedicationRequest"):
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


class MedicationStatement(_Resource, frozen=True, gc=False, tag="MedicationStatement"):
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


class MedicationDispense(_Resource, frozen=True, gc=False, tag="MedicationDispense"):
    id: str | None = None
    status: str | None = None
    medicationCodeableConcept: CodeableConcept | None = None
    medicationReference: Reference | None = None
    contained: list[Raw] | None = None
    subject: Reference | None = None
    quantity: Quantity | None = None
    daysSupply: Quantity | None = None
    whenPrepared: str | None = None
    whenHandedOver: str | None = None
    dosageInstruction: list[Dosage] | None = None


class DoseGiven(Struct, frozen=True, gc=False):
    text: str | None = None
    dose: Quantity | None = None


class MedicationAdministration(_Resource, frozen=True, gc=False, tag="MedicationAdministration"):
    id: str | None = None
    status: str | None = None
    medicationCodeableConcept: CodeableConcept | None = None
    medicationReference: Reference | None = None
    contained: list[Raw] | None = None
    subject: Reference | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    dosage: DoseGiven | None = None


class Reaction(Struct, frozen=True, gc=False):
    substance: CodeableConcept | None = None
    manifestation: list[CodeableConcept] | None = None


class AllergyIntolerance(_Resource, frozen=True, gc=False, tag="AllergyIntolerance"):
    id: str | None = None
    clinicalStatus: CodeableConcept | None = None
    verificationStatus: CodeableConcept | None = None
    type: str | None = None
    code: CodeableConcept | None = None
    patient: Reference | None = None
    onsetDateTime: str | None = None
    recordedDate: str | None = None
    reaction: list[Reaction] | None = None


class GoalTarget(Struct, frozen=True, gc=False):
    measure: CodeableConcept | None = None
    dueDate: str | None = None


class Goal(_Resource, frozen=True, gc=False, tag="Goal"):
    id: str | None = None
    lifecycleStatus: str | None = None
    category: list[CodeableConcept] | None = None
    description: CodeableConcept | None = None
    subject: Reference | None = None
    startDate: str | None = None
    statusDate: str | None = None


class AnswerItem(Struct, frozen=True, gc=False):
    linkId: str | None = None
    answer: list[Raw] | None = None
    item: list[AnswerItem] | None = None


class QuestionnaireResponse(_Resource, frozen=True, gc=False, tag="QuestionnaireResponse"):
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
    | MedicationDispense
    | MedicationAdministration
    | AllergyIntolerance
    | Goal
    | QuestionnaireResponse
)
