"""What was handed over and given: probable ends, gaps, dose steps, last doses, earlier days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import permutations
from typing import Any

import pytest

from smartapp.knowledge.catalogue import Catalogue
from smartapp.patient.record import Episode, PatientRecord
from smartapp.patient.therapy import as_known

ReadMan = Callable[..., PatientRecord]
DAILY = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}


def dose(amount: float, unit: str = "mg", timing: Any = None) -> list[dict[str, Any]]:
    return [{"timing": timing or DAILY, "doseAndRate": [{"doseQuantity": _of(amount, unit)}]}]


def _of(amount: float, unit: str) -> dict[str, Any]:
    return {"value": amount, "unit": unit}


def _row(kind: str, identity: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": kind,
        "id": identity,
        "status": "completed",
        "subject": {"reference": "Patient/m"},
        "medicationCodeableConcept": {"text": text},
        **more,
    }


def dispense(identity: str, day: str | None, days: float | None = 30, **more: Any) -> Any:
    supply = {"daysSupply": {"value": days, "unit": "d", "code": "d"}} if days else {}
    handed = {"whenHandedOver": day} if day else {}
    row = _row("MedicationDispense", identity, "Clomiphene 50 mg tablet")
    return {**row, **supply, **handed, **more}


def given(identity: str, day: str, text: str = "Pregnyl (hCG)", **more: Any) -> Any:
    return _row("MedicationAdministration", identity, text, effectiveDateTime=day, **more)


def order(identity: str = "r1", **more: Any) -> Any:
    row = _row("MedicationRequest", identity, "Clomiphene 50 mg tablet")
    return {**row, "status": "active", "intent": "order", "authoredOn": "2026-01-10", **more}


def statement(identity: str = "s1", **more: Any) -> Any:
    return _row("MedicationStatement", identity, "clomiphene", **more)


def only(record: PatientRecord) -> Episode:
    (episode,) = record.therapy.episodes
    return episode


def spans(record: PatientRecord) -> list[tuple[date | None, date | None, str]]:
    return [(e.start, e.stop, e.status) for e in record.therapy.episodes]


def test_a_dispense_alone_tells_a_start_and_a_probable_end(read_man: ReadMan) -> None:
    episode = only(read_man(dispense("d1", "2026-03-01")))
    assert (episode.agent, episode.start) == ("clomiphene", date(2026, 3, 1))
    assert (episode.stop, episode.status) == (date(2026, 3, 31), "uncertain")
    assert episode.supplied == episode.last_dose == date(2026, 3, 31)
    assert not episode.undated


def test_what_was_left_over_is_taken_first(read_man: ReadMan) -> None:
    early = read_man(dispense("d1", "2026-03-01"), dispense("d2", "2026-03-21"))
    assert only(early).stop == date(2026, 4, 30)
    assert only(early).gaps == ()


def test_supply_recorded_twice_is_one_supply(read_man: ReadMan) -> None:
    twice = read_man(dispense("d1", "2026-03-01"), dispense("copy", "2026-03-01"))
    assert only(twice).stop == date(2026, 3, 31)
    assert only(twice).references == ("MedicationDispense/copy", "MedicationDispense/d1")


def test_a_gap_within_the_wash_out_is_a_gap_in_one_course(read_man: ReadMan) -> None:
    episode = only(read_man(dispense("d1", "2026-03-01"), dispense("d2", "2026-06-23")))
    assert episode.gaps == ((date(2026, 3, 31), date(2026, 6, 23)),)  # 84 days, as long as it acts
    assert (episode.start, episode.stop) == (date(2026, 3, 1), date(2026, 7, 23))


def test_a_gap_beyond_the_wash_out_makes_two_courses(read_man: ReadMan) -> None:
    record = read_man(dispense("d1", "2026-03-01"), dispense("d2", "2026-06-24"))
    assert spans(record) == [
        (date(2026, 3, 1), date(2026, 3, 31), "uncertain"),
        (date(2026, 6, 24), date(2026, 7, 24), "uncertain"),
    ]


def test_another_dose_handed_over_is_a_dose_step(read_man: ReadMan) -> None:
    first = dispense("d1", "2026-03-01", dosageInstruction=dose(25))
    second = dispense("d2", "2026-03-25", dosageInstruction=dose(50))
    before, after = read_man(first, second).therapy.episodes
    assert (before.stop, before.status) == (date(2026, 3, 25), "stopped")
    assert before.dose and before.dose.amount == 25
    assert (after.start, after.stop) == (date(2026, 3, 25), date(2026, 4, 24))
    assert after.dose and after.dose.amount == 50


def test_a_dose_in_tablets_is_no_step_from_one_in_milligrams(read_man: ReadMan) -> None:
    plain = {"medicationCodeableConcept": {"text": "clomiphene"}}
    first = dispense("d1", "2026-03-01", dosageInstruction=dose(25), **plain)
    second = dispense("d2", "2026-03-25", dosageInstruction=dose(1, "tablet"), **plain)
    assert only(read_man(first, second)).start == date(2026, 3, 1)


def test_days_of_supply_follow_from_amount_and_dose(read_man: ReadMan) -> None:
    row = dispense("d1", "2026-03-01", None, quantity=_of(30, "tablet"), dosageInstruction=dose(25))
    assert only(read_man(row)).stop == date(2026, 4, 30)  # 30 x 50 mg at 25 mg a day


@pytest.mark.parametrize(
    "supply",
    [
        {"value": 0, "code": "d"},
        {"value": -30, "code": "d"},
        {"value": 30, "code": "mo?"},
        {"value": 30, "code": "d", "comparator": ">"},
        {"value": 90000, "code": "d"},
        {"value": "thirty"},
    ],
)
def test_a_supply_that_says_nothing_leaves_the_end_unknown(read_man: ReadMan, supply: Any) -> None:
    episode = only(read_man(dispense("d1", "2026-03-01", None, daysSupply=supply)))
    assert (episode.stop, episode.status, episode.supplied) == (None, "uncertain", None)
    assert episode.last_dose == date(2026, 3, 1)


def test_coming_for_more_tells_that_he_went_on(read_man: ReadMan) -> None:
    record = read_man(*(dispense(f"d{m}", f"2026-0{m}-01", None) for m in (1, 2, 3)))
    assert [e.stop for e in record.therapy.episodes] == [date(2026, 2, 1), date(2026, 3, 1), None]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (dispense("d1", "2026-03-01", status="cancelled"), "cancelled"),
        (dispense("d1", "2026-03-01", status="declined"), "declined"),
        (dispense("d1", None, status="preparation"), "not handed over"),
        (dispense("d1", None, status="in-progress", whenPrepared="2026-03-01"), "no day"),
        (dispense("d1", "yesterday"), "no day"),
        (given("a1", "2026-03-01", status="not-done"), "not given"),
        (given("a1", "soon"), "no day"),
    ],
)
def test_what_never_reached_him_is_told_with_its_reason(
    read_man: ReadMan, row: Any, reason: str
) -> None:
    record = read_man(row)
    assert record.therapy.episodes == ()
    (unused,) = record.unused
    assert reason in unused.reason


def test_another_mans_dispense_is_not_his(read_man: ReadMan) -> None:
    record = read_man(dispense("d1", "2026-03-01", subject={"reference": "Patient/other"}))
    assert record.therapy.episodes == ()
    assert record.unused[0].void


# ---- together with orders


def test_an_active_order_goes_on_though_no_supply_is_known(read_man: ReadMan) -> None:
    """Another pharmacy may have filled it: what is missing is told, not concluded from."""
    episode = only(read_man(order(), dispense("d1", "2026-01-12"), dispense("d2", "2026-03-20")))
    assert (episode.start, episode.stop, episode.status) == (date(2026, 1, 10), None, "active")
    assert episode.supplied == date(2026, 4, 19)
    assert episode.last_dose == date(2026, 3, 20)
    assert episode.gaps == ((date(2026, 2, 11), date(2026, 3, 20)),)
    assert episode.references == (
        "MedicationDispense/d1", "MedicationDispense/d2", "MedicationRequest/r1",
    )  # fmt: skip


def test_an_order_stopped_without_a_date_ends_probably_with_its_supply(read_man: ReadMan) -> None:
    episode = only(read_man(order(status="stopped"), dispense("d1", "2026-01-12")))
    assert (episode.stop, episode.status) == (date(2026, 2, 11), "uncertain")
    assert episode.undated


def test_a_dated_stop_outranks_the_supply_left_over(read_man: ReadMan) -> None:
    stop = statement(effectivePeriod={"start": "2026-01-10", "end": "2026-02-01"})
    episode = only(read_man(stop, dispense("d1", "2026-01-12")))
    assert (episode.stop, episode.status) == (date(2026, 2, 1), "stopped")
    assert episode.last_dose == date(2026, 2, 1)


def test_a_dispense_after_the_stop_tells_that_he_began_again(read_man: ReadMan) -> None:
    stop = statement(effectivePeriod={"start": "2026-01-10", "end": "2026-02-01"})
    record = read_man(stop, dispense("d1", "2026-02-10"))
    assert spans(record) == [
        (date(2026, 1, 10), date(2026, 2, 1), "stopped"),
        (date(2026, 2, 10), date(2026, 3, 12), "uncertain"),
    ]


def test_the_dose_on_the_label_is_the_dose_taken_from_then_on(read_man: ReadMan) -> None:
    ordered = order(dosageInstruction=dose(25))
    record = read_man(ordered, dispense("d1", "2026-04-01", dosageInstruction=dose(50)))
    before, after = record.therapy.episodes
    assert (before.stop, before.status) == (date(2026, 4, 1), "stopped")
    assert (after.start, after.stop, after.status) == (date(2026, 4, 1), None, "active")
    assert after.dose and after.dose.amount == 50


def test_an_order_without_a_dose_takes_it_from_the_label(read_man: ReadMan) -> None:
    episode = only(read_man(order(), dispense("d1", "2026-01-12", dosageInstruction=dose(25))))
    assert episode.dose and episode.dose.per_day == 25


def test_supply_before_the_order_is_the_same_course(read_man: ReadMan) -> None:
    episode = only(read_man(order(), dispense("d1", "2025-11-20")))
    assert (episode.start, episode.status) == (date(2025, 11, 20), "active")
    assert episode.gaps == ((date(2025, 12, 20), date(2026, 1, 10)),)


def test_supply_long_before_the_order_is_another_course(read_man: ReadMan) -> None:
    record = read_man(order(), dispense("d1", "2025-06-01"))
    assert spans(record) == [
        (date(2025, 6, 1), date(2025, 7, 1), "uncertain"),
        (date(2026, 1, 10), None, "active"),
    ]


def test_not_taken_ends_what_was_handed_over_before(read_man: ReadMan) -> None:
    denial = statement(status="not-taken", dateAsserted="2026-03-10")
    episode = only(read_man(dispense("d1", "2026-03-01"), denial))
    assert (episode.stop, episode.status) == (date(2026, 3, 10), "stopped")
    late = read_man(dispense("d1", "2026-03-01"), {**denial, "dateAsserted": "2026-08-10"})
    assert only(late).stop == date(2026, 3, 31)


# ---- administrations


def test_injections_tell_the_last_dose(read_man: ReadMan) -> None:
    days = ("2026-03-02", "2026-03-09", "2026-03-16")
    rows = [given(f"a{n}", day, dosage={"dose": _of(1500, "[IU]")}) for n, day in enumerate(days)]
    episode = only(read_man(*rows))
    assert (episode.agent, episode.start) == ("hcg", date(2026, 3, 2))
    assert episode.last_dose == episode.stop == date(2026, 3, 16)
    assert episode.status == "uncertain"
    assert episode.dose and (episode.dose.amount, episode.dose.unit) == (1500, "[IU]")
    assert (episode.supplied, episode.gaps) == (None, ())


def test_an_injection_under_an_order_is_its_last_dose(read_man: ReadMan) -> None:
    ordered = order(medicationCodeableConcept={"text": "Pregnyl"})
    episode = only(read_man(ordered, given("a1", "2026-02-03")))
    assert (episode.stop, episode.status, episode.last_dose) == (None, "active", date(2026, 2, 3))


def test_the_order_of_the_rows_changes_nothing(read_man: ReadMan) -> None:
    rows = (
        order(dosageInstruction=dose(25)),
        dispense("d1", "2026-01-12", dosageInstruction=dose(25)),
        dispense("d2", "2026-03-20", dosageInstruction=dose(50)),
        statement(status="not-taken", dateAsserted="2026-05-01"),
    )
    told = {read_man(*mixed).therapy.episodes for mixed in permutations(rows)}
    assert len(told) == 1


# ---- as of an earlier day


def test_an_earlier_day_knows_nothing_of_later_records(
    read_man: ReadMan, catalogue: Catalogue
) -> None:
    first, later = dispense("d1", "2026-03-01"), dispense("d2", "2026-03-25")
    record = read_man(first, later)
    then = as_known(record.therapy, catalogue, date(2026, 3, 10))
    assert then.episodes == read_man(first).therapy.episodes
    assert as_known(record.therapy, catalogue, date(2026, 3, 25)) == record.therapy


@pytest.mark.parametrize("day", ["2026-01-09", "2026-02-01", "2026-04-01", "2026-06-01"])
def test_a_day_is_told_as_by_records_without_what_came_later(
    read_man: ReadMan, catalogue: Catalogue, day: str
) -> None:
    """Records after the day are removed, ends after it not come yet: the same timeline."""
    ended = statement(effectivePeriod={"start": "2026-01-10", "end": "2026-05-01"})
    rows = [
        (ended, "2026-01-10"),
        (order(dosageInstruction=dose(25)), "2026-01-10"),
        (order("r2", authoredOn="2026-03-01", dosageInstruction=dose(50)), "2026-03-01"),
        (dispense("d1", "2026-01-12"), "2026-01-12"),
        (given("a1", "2026-05-15"), "2026-05-15"),
    ]
    known = [row for row, since in rows if since <= day]
    if day < "2026-05-01":
        known = [
            {**row, "status": "active", "effectivePeriod": {"start": "2026-01-10"}}
            if row is ended
            else row
            for row in known
        ]
    then = as_known(read_man(*(row for row, _ in rows)).therapy, catalogue, date.fromisoformat(day))
    assert then.episodes == read_man(*known).therapy.episodes


def test_a_stop_without_a_date_is_known_only_as_it_stands_today(
    read_man: ReadMan, catalogue: Catalogue
) -> None:
    undated = only(read_man(order(status="completed")))
    assert (undated.status, undated.undated) == ("uncertain", True)
    dated = read_man(statement(effectivePeriod={"start": "2026-01-10", "end": "2026-05-01"}))
    assert not only(dated).undated
    (then,) = as_known(dated.therapy, catalogue, date(2026, 3, 1)).episodes
    assert (then.stop, then.status, then.undated) == (None, "active", False)  # it ended later


def test_a_planned_end_of_what_is_active_is_no_end_yet(
    read_man: ReadMan, catalogue: Catalogue
) -> None:
    planned = statement(
        status="active", effectivePeriod={"start": "2026-01-10", "end": "2026-05-01"}
    )
    (then,) = as_known(read_man(planned).therapy, catalogue, date(2026, 3, 1)).episodes
    assert (then.stop, then.status, then.undated) == (None, "active", False)
