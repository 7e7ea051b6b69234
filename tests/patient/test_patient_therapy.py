"""Which drug, from when to when: one timeline from records that overlap and disagree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from smartapp.patient.record import Episode, PatientRecord

ReadMan = Callable[..., PatientRecord]
RX = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"


def request(identity: str = "r1", text: str = "Clomiphene 50 mg tablet", **more: Any) -> Any:
    return {
        "resourceType": "MedicationRequest",
        "id": identity,
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/m"},
        "medicationCodeableConcept": {"text": text},
        "authoredOn": "2026-01-10",
        **more,
    }


def statement(identity: str = "s1", text: str = "clomiphene", **more: Any) -> Any:
    return {
        "resourceType": "MedicationStatement",
        "id": identity,
        "status": "active",
        "subject": {"reference": "Patient/m"},
        "medicationCodeableConcept": {"text": text},
        **more,
    }


def drug(system: str, code: str, text: str | None = None) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


def sig(text: str, start: str | None = None, end: str | None = None) -> list[dict[str, Any]]:
    bounds = {k: v for k, v in (("start", start), ("end", end)) if v}
    timing = {"timing": {"repeat": {"boundsPeriod": bounds}}} if bounds else {}
    return [{"text": text, **timing}]


def spans(record: PatientRecord) -> list[tuple[str, date | None, date | None, str]]:
    return [(e.agent, e.start, e.stop, e.status) for e in record.therapy.episodes]


def only(record: PatientRecord) -> Episode:
    (episode,) = record.therapy.episodes
    return episode


@pytest.mark.parametrize(
    ("concept", "agent", "matched_by"),
    [
        (drug(RX, "1093060"), "clomiphene", "code"),
        (drug("urn:oid:2.16.840.1.113883.6.88", "142431"), "clomiphene", "code"),
        (drug(ATC, "G03GB02"), "clomiphene", "code"),
        ({"text": "CLOMID 50 mg"}, "clomiphene", "text"),
        ({"text": "Enclomiphene citrate 12.5 mg capsule (compounded)"}, "enclomiphene", "text"),
        ({"text": "Clomifene"}, "clomiphene", "text"),
        (drug(RX, "4986"), "hcg", "code"),
        (drug(RX, "999999999", "Pregnyl 10,000 unit vial"), "hcg", "text"),
        (drug(RX, "727505"), "hcg-alfa", "code"),
        (drug(RX, "4986", "Ovidrel 250 mcg syringe"), "hcg-alfa", "code"),
        (drug(RX, "999999999", "Pregnyl (choriogonadotropin alfa) 10,000 unit"), "hcg", "text"),
        (drug(RX, "283550", "Pregnyl 10,000 unit kit"), "hcg", "code"),
        (drug(RX, "10379"), "testosterone", "code"),
        (drug(RX, "10379", "Testosterone cypionate 200 mg/mL"), "testosterone-short", "code"),
        (drug(ATC, "G03BA03", "Testosterone 1.62 % gel pump"), "testosterone-topical", "code"),
        ({"text": "Testopel testosterone pellets"}, "testosterone-long", "text"),
        (drug(ATC, "A14AA04"), "anabolic-steroid", "code"),
        (drug(ATC, "A14AA07"), "prasterone", "code"),
        (drug(RX, "2596", "Testosterone gel"), "clomiphene", "code"),
        ({"text": "Xarelto (rivaroxaban) 20 mg"}, "anticoagulant", "text"),
        ({"text": "Xyosted (testosterone) autoinjector"}, "testosterone-short", "text"),
    ],
)
def test_a_drug_is_known_by_code_else_by_its_words(
    read_man: ReadMan, concept: dict[str, Any], agent: str, matched_by: str
) -> None:
    episode = only(read_man(request(medicationCodeableConcept=concept)))
    assert episode.agent == agent
    assert episode.matched_by == matched_by


def test_strangers_leave_no_trace(read_man: ReadMan) -> None:
    record = read_man(request(text="Lisinopril 10 mg tablet"), statement(text="aspirin"))
    assert record.therapy.episodes == ()
    assert record.unused == ()


def test_the_drug_may_stand_in_a_contained_or_separate_medication(read_man: ReadMan) -> None:
    inside = request("r1", medicationReference={"reference": "#med"})
    inside["contained"] = [{"resourceType": "Medication", "id": "med", "code": {"text": "Clomid"}}]
    beside = request("r2", medicationReference={"reference": "https://ehr/fhir/Medication/b"})
    for row in (inside, beside):
        del row["medicationCodeableConcept"]
    medication = {"resourceType": "Medication", "id": "b", "code": drug(RX, "4986")}
    record = read_man(inside, beside, medication)
    assert {e.agent for e in record.therapy.episodes} == {"clomiphene", "hcg"}


def test_a_medication_nobody_sent_is_told(read_man: ReadMan) -> None:
    row = request(medicationReference={"reference": "Medication/lost"})
    del row["medicationCodeableConcept"]
    (unused,) = read_man(row).unused
    assert unused.reference == "MedicationRequest/r1"
    assert "not sent" in unused.reason


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ({"status": "cancelled"}, "cancelled"),
        ({"status": "entered-in-error"}, "entered in error"),
        ({"status": "draft"}, "draft"),
        ({"intent": "proposal"}, "proposal"),
        ({"doNotPerform": True}, "not to be taken"),
    ],
)
def test_what_was_never_taken_is_unused_with_its_reason(
    read_man: ReadMan, elements: dict[str, Any], words: str
) -> None:
    record = read_man(request(**elements))
    assert record.therapy.episodes == ()
    assert words in record.unused[0].reason


def test_what_the_patient_reports_to_take_counts(read_man: ReadMan) -> None:
    assert only(read_man(request(intent="plan"))).status == "active"


def test_bounds_outrank_the_day_of_writing(read_man: ReadMan) -> None:
    row = request(dosageInstruction=sig("25 mg daily", "2026-02-01", "2026-03-01"))
    episode = only(read_man(row))
    assert (episode.start, episode.stop, episode.recorded) == (
        date(2026, 2, 1),
        date(2026, 3, 1),
        date(2026, 1, 10),
    )


def test_an_active_order_does_not_end_with_its_prescription(read_man: ReadMan) -> None:
    validity = {"validityPeriod": {"start": "2026-01-10", "end": "2026-04-10"}}
    assert only(read_man(request(dispenseRequest=validity))).stop is None
    done = only(read_man(request(dispenseRequest=validity, status="completed")))
    assert (done.stop, done.status) == (date(2026, 4, 10), "stopped")


@pytest.mark.parametrize("status", ["stopped", "completed", "on-hold", "unknown"])
def test_an_end_without_a_date_is_uncertain(read_man: ReadMan, status: str) -> None:
    episode = only(read_man(request(status=status)))
    assert (episode.status, episode.stop) == ("uncertain", None)


def test_orders_without_an_end_keep_the_day_of_the_last_one(read_man: ReadMan) -> None:
    rows = (
        request("a", status="stopped", authoredOn="2025-06-10"),
        request("b", status="stopped", authoredOn="2026-03-10"),
    )
    episode = only(read_man(*rows))
    assert (episode.start, episode.known) == (date(2025, 6, 10), date(2026, 3, 10))


def test_an_end_in_the_year_9999_is_none(read_man: ReadMan) -> None:
    row = request(dosageInstruction=sig("25 mg", "2026-02-01", "9999-12-31"))
    assert only(read_man(row)).stop is None


@pytest.mark.parametrize("day", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_the_edges_of_the_calendar_break_nothing(read_man: ReadMan, day: str) -> None:
    record = read_man(request(authoredOn=day), timezone="America/New_York")
    assert only(record).agent == "clomiphene"


def test_an_end_before_the_start_is_not_believed(read_man: ReadMan) -> None:
    row = request(status="stopped", dosageInstruction=sig("25 mg", "2026-02-01", "2025-02-01"))
    assert only(read_man(row)).status == "uncertain"


def test_whoever_says_it_is_over_knew_of_the_end(read_man: ReadMan) -> None:
    row = statement(
        status="stopped", effectivePeriod={"start": "2025-03-01"}, dateAsserted="2025-09-01"
    )
    episode = only(read_man(row))
    assert (episode.stop, episode.status) == (date(2025, 9, 1), "stopped")


def test_order_and_statement_of_one_therapy_are_one_episode(read_man: ReadMan) -> None:
    record = read_man(
        request(dosageInstruction=sig("25 mg every other day")),
        statement(effectivePeriod={"start": "2026-01-12"}, dateAsserted="2026-05-01"),
    )
    episode = only(record)
    assert episode.references == ("MedicationRequest/r1", "MedicationStatement/s1")
    assert episode.start == date(2026, 1, 10)
    assert episode.recorded == date(2026, 1, 10)
    assert episode.dose is not None
    assert episode.dose.amount == 25


def test_renewals_go_on(read_man: ReadMan) -> None:
    first = request("r1", status="completed",
                    dosageInstruction=sig("25 mg daily", "2026-01-10", "2026-04-10"))  # fmt: skip
    second = request("r2", authoredOn="2026-04-02", dosageInstruction=sig("25 mg daily"))
    assert spans(read_man(first, second)) == [
        ("clomiphene", date(2026, 1, 10), None, "active"),
    ]


def test_a_pause_makes_two_episodes(read_man: ReadMan) -> None:
    first = request("r1", status="completed",
                    dosageInstruction=sig("25 mg daily", "2025-01-10", "2025-04-10"))  # fmt: skip
    second = request("r2", authoredOn="2026-04-02")
    assert [e.start for e in read_man(first, second).therapy.episodes] == [
        date(2025, 1, 10),
        date(2026, 4, 2),
    ]


def test_a_dose_step_ends_the_old_dose_the_day_the_new_one_begins(read_man: ReadMan) -> None:
    low = request("r1", dosageInstruction=sig("25 mg every other day", "2026-01-10"))
    high = request("r2", dosageInstruction=sig("50 mg every other day", "2026-03-01"))
    record = read_man(high, low)
    assert spans(record) == [
        ("clomiphene", date(2026, 1, 10), date(2026, 3, 1), "stopped"),
        ("clomiphene", date(2026, 3, 1), None, "active"),
    ]


def test_an_unreadable_dose_is_no_step(read_man: ReadMan) -> None:
    record = read_man(
        request("r1", dosageInstruction=sig("25 mg daily", "2026-01-10")),
        request("r2", dosageInstruction=sig("as directed", "2026-03-01")),
    )
    assert only(record).dose is not None
    assert only(record).status == "active"


def test_the_newest_record_tells_the_end(read_man: ReadMan) -> None:
    forgotten = request("r1", authoredOn="2026-01-10")
    told = statement(status="stopped", effectivePeriod={"start": "2026-01-10", "end": "2026-06-01"})
    assert spans(read_man(forgotten, told)) == [
        ("clomiphene", date(2026, 1, 10), date(2026, 6, 1), "stopped"),
    ]
    resumed = request("r2", authoredOn="2026-05-20")
    assert spans(read_man(forgotten, told, resumed))[-1][3] == "active"


def test_not_taken_ends_what_it_contradicts(read_man: ReadMan) -> None:
    record = read_man(request(), statement(status="not-taken", dateAsserted="2026-04-01"))
    assert spans(record) == [("clomiphene", date(2026, 1, 10), date(2026, 4, 1), "stopped")]
    assert record.unused == ()


def test_not_taken_that_contradicts_nothing_is_told(read_man: ReadMan) -> None:
    record = read_man(statement(status="not-taken", dateAsserted="2026-04-01"))
    assert record.therapy.episodes == ()
    assert "not taken" in record.unused[0].reason


def test_an_old_open_end_says_nothing_about_a_new_order(read_man: ReadMan) -> None:
    record = read_man(
        request("r1", status="stopped", authoredOn="2021-01-10"),
        request("r2", authoredOn="2026-01-10"),
    )
    assert [e.status for e in record.therapy.episodes] == ["uncertain", "active"]


def test_the_order_of_the_rows_changes_nothing(read_man: ReadMan) -> None:
    rows = [
        request("r1", dosageInstruction=sig("25 mg every other day", "2026-01-10")),
        request("r2", dosageInstruction=sig("50 mg every other day", "2026-03-01")),
        request("r3", text="hCG 1500 IU", authoredOn="2026-02-01"),
        statement("s1", effectivePeriod={"start": "2026-03-01"}),
    ]
    assert read_man(*rows) == read_man(*reversed(rows))
    assert read_man(*rows, *rows) == read_man(*rows)


def test_an_older_order_that_still_stands_is_not_silenced_by_a_newer_end(read_man: ReadMan) -> None:
    older = request("a", authoredOn="2025-01-10")
    ended = {"status": "stopped", "authoredOn": "2025-06-10"}
    newer = request("b", **ended, dosageInstruction=sig("25 mg daily", end="2025-09-10"))
    episode = only(read_man(older, newer))
    assert (episode.status, episode.stop, episode.disputed) == ("stopped", date(2025, 9, 10), True)
    stepped = request("b", **ended, dosageInstruction=sig("50 mg daily", end="2025-09-10"))
    dosed = {**older, "dosageInstruction": sig("25 mg daily")}
    steps = read_man(dosed, stepped).therapy.episodes
    assert [(e.status, e.disputed) for e in steps] == [("stopped", False), ("stopped", True)]


def test_an_end_is_undisputed_where_nothing_older_goes_on(read_man: ReadMan) -> None:
    ended = request("a", status="stopped", dosageInstruction=sig("25 mg", end="2026-03-10"))
    assert not only(read_man(ended)).disputed
    renewed = request("b", authoredOn="2026-02-10")
    assert not only(read_man(ended, renewed)).disputed
    lapsed = request("c", authoredOn="2025-12-01", dosageInstruction=sig("x", end="2026-02-01"))
    assert not only(read_man(lapsed, ended)).disputed
    denied = statement(status="not-taken", dateAsserted="2026-05-01")
    assert not only(read_man(request("d", authoredOn="2025-12-01"), ended, denied)).disputed
