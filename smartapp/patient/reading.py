"""One record of one man, from everything that was read about him."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, tzinfo
from typing import Protocol, TypeVar

from smartapp.errors import AssessmentError, InputError
from smartapp.fhir.dates import Partial, parse
from smartapp.fhir.model import Quarantined, Resources
from smartapp.fhir.resources import Patient, Reference
from smartapp.knowledge.catalogue import Catalogue
from smartapp.labs import LabHistory, LabRows
from smartapp.labs.reading import Unused
from smartapp.patient.allergies import read_allergy
from smartapp.patient.days import zone
from smartapp.patient.demographics import read_demographics
from smartapp.patient.endpoints import lab_codes, read_endpoints
from smartapp.patient.handing import read_administration, read_dispense
from smartapp.patient.index import Index, index_of
from smartapp.patient.medication import medications_by_id
from smartapp.patient.past import in_order
from smartapp.patient.problems import read_condition, read_procedure
from smartapp.patient.record import Allergy, PatientRecord, Problem, Taking, TherapyTimeline
from smartapp.patient.subject import Subject, stranger
from smartapp.patient.taking import Shelf, read_request, read_statement
from smartapp.patient.therapy import timeline
from smartapp.patient.wishes import read_wishes


class _OfSubject(Protocol):
    @property
    def id(self) -> str | None: ...
    @property
    def subject(self) -> Reference | None: ...


_Row = TypeVar("_Row", bound=_OfSubject)


def read_record(
    resources: Resources,
    catalogue: Catalogue,
    *,
    issuer: str,
    timezone: str | None = None,
    local_codes: Mapping[str, tuple[str, str | None]] | None = None,
    patient_id: str | None = None,
    fetched: datetime | None = None,
) -> PatientRecord:
    """All that the engine may know of the one man in `resources`, the same in whatever order the
    rows came.

    `patient_id` tells which Patient is meant when several were sent; rows of the others go to
    `unused`. Refuses (AssessmentError) no Patient, several without `patient_id`, or none with that
    id; refuses (InputError) a time zone that does not exist.
    """
    reader = _Reader(resources, index_of(catalogue), zone(timezone), patient_id)
    problems = reader.problems()
    demographics = read_demographics(reader.patient, problems)
    # A diagnosis may be of later than the day that is asked about: ranges go by the Patient alone.
    stated, _ = demographics.stated or (demographics.sex, "")
    observations = reader.own(resources.observations, "Observation")
    site_codes = local_codes or {}
    quarantined = sorted(set(resources.quarantined), key=lambda row: (row.reference, row.path))
    rows = LabRows(
        tuple(observations),
        catalogue,
        timezone,
        lab_codes(site_codes, catalogue.questionnaires),
        "female" if stated == "not-male" else "male",
        tuple(_lost_results(quarantined, catalogue)),
    )
    labs = rows.read()
    told = read_endpoints(
        reader.own(_once(resources.questionnaire_responses), "QuestionnaireResponse"),
        observations,
        catalogue.questionnaires,
        reader.local,
        site_codes,
    )
    return PatientRecord(
        issuer=issuer,
        demographics=demographics,
        problems=problems,
        therapy=reader.therapy(),
        allergies=reader.allergies(),
        wishes=read_wishes(
            problems, reader.own(resources.goals, "Goal"), observations, reader.local, told.wishes
        ),
        series=labs.series,
        unused=in_order({*reader.unused, *labs.unused, *told.unused}),
        quarantined=tuple(quarantined),
        gaps=tuple(sorted(resources.gaps, key=lambda gap: (gap.what, gap.state, gap.reason))),
        timezone=timezone,
        fetched=fetched,
        endpoints=told.readings,
        labs=LabHistory(rows, labs),
    )


class _Reader:
    """Reads the rows of one patient kind by kind, and collects what was not used."""

    def __init__(
        self, resources: Resources, index: Index, local: tzinfo | None, patient_id: str | None
    ) -> None:
        self.patient = _the_patient(resources.patients, patient_id)
        self.local = local
        self.unused: list[Unused] = []
        self._resources = resources
        self._index = index
        alone = len({patient.id for patient in resources.patients}) == 1
        self._subject = Subject(self.patient.id, alone=alone)

    def own(self, rows: Iterable[_Row], kind: str) -> list[_Row]:
        """The patient's rows; those of others go to `unused`."""
        mine: list[_Row] = []
        for row in rows:
            if self._subject.owns(row.subject):
                mine.append(row)
            else:
                self._stranger(kind, row.id)
        return mine

    def problems(self) -> tuple[Problem, ...]:
        found: list[Problem] = []
        for condition in self.own(_once(self._resources.conditions), "Condition"):
            self._keep(read_condition(condition, self._index, self.local), found)
        for procedure in self.own(_once(self._resources.procedures), "Procedure"):
            self._keep(read_procedure(procedure, self._index, self.local), found)
        return tuple(sorted(found, key=lambda p: (p.reference, p.text)))

    def therapy(self) -> TherapyTimeline:
        resources = self._resources
        shelf = Shelf(self._index, medications_by_id(resources.medications), self.local)
        takings: list[Taking] = []
        rows: list[Taking | Unused | None] = [
            read_request(row, shelf)
            for row in self.own(_once(resources.medication_requests), "MedicationRequest")
        ]
        rows += [
            read_statement(row, shelf)
            for row in self.own(_once(resources.medication_statements), "MedicationStatement")
        ]
        rows += [
            read_dispense(row, shelf)
            for row in self.own(_once(resources.medication_dispenses), "MedicationDispense")
        ]
        rows += [
            read_administration(row, shelf)
            for row in self.own(
                _once(resources.medication_administrations), "MedicationAdministration"
            )
        ]
        for read in rows:
            if isinstance(read, Unused):
                self.unused.append(read)
            elif read is not None:
                takings.append(read)
        told, idle = timeline(takings, self._index)
        self.unused += idle
        return told

    def allergies(self) -> tuple[Allergy, ...]:
        found: list[Allergy] = []
        for row in _once(self._resources.allergies):
            if not self._subject.owns(row.patient):
                self._stranger("AllergyIntolerance", row.id)
                continue
            read = read_allergy(row, self._index, self.local)
            if isinstance(read, Allergy):
                found.append(read)
            elif read is not None:
                self.unused.append(read)
        return tuple(sorted(found, key=lambda a: (a.reference, a.text)))

    def _keep(self, read: tuple[Problem, Unused | None] | None, found: list[Problem]) -> None:
        if read is None:
            return
        found.append(read[0])
        if read[1] is not None:
            self.unused.append(read[1])

    def _stranger(self, kind: str, identity: str | None) -> None:
        self.unused.append(stranger(kind, identity))


class _WithId(Protocol):
    @property
    def id(self) -> str | None: ...


_Any = TypeVar("_Any", bound=_WithId)


def _once(rows: Iterable[_Any]) -> list[_Any]:
    """Each id once, as received last: overlapping pages send a row twice."""
    return list({row.id or id(row): row for row in rows}.values())


def _the_patient(patients: list[Patient], patient_id: str | None) -> Patient:
    known = {patient.id: patient for patient in patients}
    if patient_id is not None:
        if patient_id not in known:
            raise AssessmentError("the Patient asked for is not among the resources")
        return known[patient_id]
    if not known:
        raise AssessmentError("there is no Patient among the resources")
    if len(known) > 1:
        raise AssessmentError(f"there are {len(known)} Patients among the resources, not one")
    return patients[-1]


def _lost_results(rows: Iterable[Quarantined], catalogue: Catalogue) -> list[Unused]:
    """The quarantined rows that were results of ours: a rule must not go on without them."""
    lost: list[Unused] = []
    for row in rows:
        keys = {catalogue.by_loinc.get(code.rpartition("|")[2]) for code in row.codes}
        for analyte in sorted(key for key in keys if key):
            reason = f"the row cannot be read: {row.reason} ({row.path})"
            drawn, issued = _moment(row.effective), _moment(row.issued)
            lost.append(Unused(row.reference, reason, analyte, drawn, issued))
    return lost


def _moment(text: str | None) -> datetime | date | None:
    if text is None:
        return None
    try:
        when = parse(text)
    except InputError:
        return None
    return when.last if isinstance(when, Partial) else when
