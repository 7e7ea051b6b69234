"""Whatever comes: answers of any shape, therapy records of any dates; nothing throws, and an
earlier day is always told as if what came later had not been written yet."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartapp.fhir.reading import read_bundle
from smartapp.knowledge.catalogue_files import load_catalogue
from smartapp.patient import read_record
from smartapp.patient.record import PatientRecord
from smartapp.patient.therapy import as_known

CATALOGUE = load_catalogue()
FIRST = date(2026, 1, 1)
Row = dict[str, Any]

days = st.integers(0, 400).map(lambda n: (FIRST + timedelta(days=n)).isoformat())
maybe_day = st.none() | days
drugs = st.sampled_from(["Clomiphene 50 mg tablet", "Pregnyl 10,000 unit vial"])
doses = st.sampled_from([None, "25 mg daily", "50 mg daily", "one tablet daily"])


def read(rows: list[Row]) -> PatientRecord:
    man = {"resourceType": "Patient", "id": "m", "gender": "male"}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": row} for row in (man, *rows)]}
    resources = read_bundle(json.dumps(bundle).encode())
    return read_record(resources, CATALOGUE, issuer="https://ehr")


@st.composite
def record(draw: st.DrawFn, number: int) -> Row:
    kind = draw(st.sampled_from(["Request", "Statement", "Dispense", "Administration"]))
    row: Row = {
        "resourceType": f"Medication{kind}",
        "id": f"x{number}",
        "medicationCodeableConcept": {"text": draw(drugs)},
    }
    dose, start, end = draw(doses), draw(maybe_day), draw(maybe_day)
    dosage: list[Row] = [{"text": dose}] if dose else []
    period = {k: v for k, v in (("start", start), ("end", end)) if v}
    states = st.sampled_from(["active", "completed", "stopped", "on-hold", "unknown"])
    if kind == "Request":
        bounds = {"text": dose or "as told", "timing": {"repeat": {"boundsPeriod": period}}}
        row |= {"status": draw(states), "authoredOn": draw(days), "dosageInstruction": [bounds]}
    elif kind == "Statement":
        taken = draw(st.booleans())
        row |= {"status": draw(states) if taken else "not-taken", "dateAsserted": draw(days)}
        row |= {"effectivePeriod": period, "dosage": dosage}
    elif kind == "Dispense":
        supply = draw(st.none() | st.integers(1, 120))
        row |= {"status": "completed", "whenHandedOver": draw(days), "dosageInstruction": dosage}
        row |= {"daysSupply": {"value": supply, "code": "d"}} if supply else {}
    else:
        row |= {"status": "completed", "effectivePeriod": period or {"start": draw(days)}}
    return row


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    return [draw(record(number)) for number in range(draw(st.integers(1, 6)))]


def as_of(rows: list[Row], day: str) -> list[Row]:
    """The rows as they would stand without what was first recorded after `day`, and without the
    ends after it."""
    kept = []
    for row in rows:
        period = row.get("effectivePeriod") or {}
        start = period.get("start")
        if row["resourceType"] == "MedicationRequest":
            period = row["dosageInstruction"][0]["timing"]["repeat"]["boundsPeriod"]
            start = period.get("start")
        written = row.get("authoredOn") or row.get("dateAsserted") or row.get("whenHandedOver")
        first = written or start or period.get("end")
        if (first and first > day) or (start and start > day):
            continue
        kept.append(_without_end(row, day))
    return kept


def _without_end(row: Row, day: str) -> Row:
    """What has a dated end after the day was still being taken, and said so."""
    ordered = row["resourceType"] == "MedicationRequest"
    dosage = row["dosageInstruction"][0] if ordered else {}
    period = dosage["timing"]["repeat"]["boundsPeriod"] if ordered else row.get("effectivePeriod")
    if not period or period.get("end", "") <= day:
        return row
    left = {name: value for name, value in period.items() if name != "end"}
    stopped = row["status"] in ("completed", "stopped")
    given = row["resourceType"] == "MedicationAdministration"
    status = {"status": "active"} if stopped and not given else {}
    if ordered:
        timing = {"timing": {"repeat": {"boundsPeriod": left}}}
        return {**row, **status, "dosageInstruction": [{**dosage, **timing}]}
    return {**row, **status, "effectivePeriod": left}


@settings(max_examples=400, deadline=None)
@given(rows=histories(), day=days)
def test_an_earlier_day_is_told_by_what_was_written_then(rows: list[Row], day: str) -> None:
    told = as_known(read(rows).therapy, CATALOGUE, date.fromisoformat(day))
    assert told.episodes == read(as_of(rows, day)).therapy.episodes


@settings(max_examples=200, deadline=None)
@given(rows=histories(), seed=st.randoms(use_true_random=False))
def test_order_and_repetition_change_no_timeline(rows: list[Row], seed: Any) -> None:
    mixed = rows * 2
    seed.shuffle(mixed)
    assert read(mixed).therapy.episodes == read(rows).therapy.episodes


@settings(max_examples=200, deadline=None)
@given(rows=histories())
def test_every_episode_is_whole(rows: list[Row]) -> None:
    for episode in read(rows).therapy.episodes:
        assert episode.references
        assert episode.status != "stopped" or episode.stop is not None
        assert not (episode.start and episode.stop) or episode.start <= episode.stop
        assert all(before < after for before, after in episode.gaps)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
ANSWERS = ("valueInteger", "valueDecimal", "valueBoolean", "valueString", "valueCoding",
           "valueQuantity", "item", "valueDate")  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    answers=st.lists(st.dictionaries(st.sampled_from(ANSWERS), anything, max_size=2), max_size=3),
    authored=st.none() | st.text(max_size=12) | days,
)
@pytest.mark.parametrize("link", ["nrs.mood", "signs.visual", "44260-8", "qadam.total"])
def test_any_answer_is_read_told_or_passed_over(
    link: str, answers: list[Row], authored: str | None
) -> None:
    row = {
        "resourceType": "QuestionnaireResponse",
        "id": "q",
        "status": "completed",
        "authored": authored,
        "item": [{"linkId": link, "answer": answers}],
    }
    told = read([row])
    assert len(told.endpoints) + len(told.unused) <= 1
    for reading in told.endpoints:
        assert reading.low <= reading.value <= reading.high
