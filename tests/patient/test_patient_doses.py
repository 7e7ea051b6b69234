"""Doses as prescribers write them, and those that cannot be read."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from msgspec.json import Decoder

from smartapp.fhir.resources import Dosage
from smartapp.knowledge.catalogue_files import load_catalogue
from smartapp.patient.doses import read_dose
from smartapp.patient.record import Dose
from smartapp.patient.timing import read_frequency

_decode = Decoder(Dosage).decode


DRUGS = load_catalogue().drugs


def dose(agent: str = "clomiphene", product: str = "", **elements: Any) -> Dose | None:
    return read_dose([_decode(json.dumps(elements))], DRUGS[agent], product)


def quantity(value: Any, unit: str, code: str | None = None) -> list[dict[str, Any]]:
    return [{"doseQuantity": {"value": value, "unit": unit, **({"code": code} if code else {})}}]


def repeat(**elements: Any) -> dict[str, Any]:
    return {"repeat": elements}


@pytest.mark.parametrize(
    ("text", "amount", "unit", "per_week"),
    [
        ("25 mg every other day", "25", "mg", "87.5"),
        ("25mg QOD", "25", "mg", "87.5"),
        ("Take 25 mg by mouth every-other-day", "25", "mg", "87.5"),
        ("50 mg daily", "50", "mg", "350"),
        ("50 mg once a day", "50", "mg", "350"),
        ("12.5 mg qd", "12.5", "mg", "87.5"),
        ("25 mg twice daily", "25", "mg", "350"),
        ("25 mg in the morning and at bedtime", "25", "mg", "350"),
        ("50 mg Monday, Wednesday and Friday", "50", "mg", "150"),
        ("50 mg MWF", "50", "mg", "150"),
        ("25 mg every 3 days", "25", "mg", "58.33333333333333333333333333"),
        ("1500 IU three times weekly", "1500", "[IU]", "4500"),
        ("1,500 units 3x/week subcutaneously", "1500", "[IU]", "4500"),
        ("2000 IU sc 2 times per week", "2000", "[IU]", "4000"),
        ("10,000 units IM once weekly", "10000", "[IU]", "10000"),
        ("200 mg IM q2w", "200", "mg", "100"),
        ("200 mg every 14 days", "200", "mg", "100"),
        ("200 mg every other week", "200", "mg", "100"),
        ("Take 0.5 tablet (25 mg total) by mouth every other day", "25", "mg", "87.5"),
        ("25 mg daily, avoid sun", "25", "mg", "175"),
    ],
)
def test_plain_words_are_read(text: str, amount: str, unit: str, per_week: str) -> None:
    found = dose(text=text)
    assert found is not None
    assert (found.amount, found.unit) == (Decimal(amount), unit)
    assert found.per_week == Decimal(per_week)
    assert found.text == text


@pytest.mark.parametrize(
    "text",
    [
        "as directed",
        "25 mg as needed",
        "25 mg 2-3 times a week",
        "25 mg every 2 to 3 days",
        "clomiphene 25 daily",
        "25 mg every other Monday",
        "25 mg or 50 mg daily",
    ],
)
def test_unclear_words_give_no_average_but_are_kept(text: str) -> None:
    found = dose(text=text)
    assert found is not None
    assert found.per_day is None
    assert found.per_week is None
    assert found.text == text


@pytest.mark.parametrize(
    ("text", "product", "amount"),
    [
        ("half a tablet every other day", "Clomiphene 50 mg tablet", "25"),
        ("1/2 tablet qod", "clomiphene citrate 50 MG Oral Tablet", "25"),
        ("Take 25 mg (half a tablet) every other day", "Clomiphene citrate 50 mg tablet", "25"),
        ("half of a 50 mg tablet every other day", "", "25"),
        ("2 tablets of 25 mg daily", "", "50"),
        ("one tablet daily", "Clomiphene 50 mg tablet", "50"),
    ],
)
def test_tablets_become_milligrams_by_their_strength(text: str, product: str, amount: str) -> None:
    found = dose(text=text, product=product)
    assert found is not None
    assert (found.amount, found.unit) == (Decimal(amount), "mg")


def test_tablets_without_a_strength_stay_tablets() -> None:
    found = dose(text="one tablet daily", product="Clomiphene")
    assert found is not None
    assert (found.amount, found.unit, found.per_day) == (1, "tablet", 1)


def test_words_that_contradict_the_strength_give_no_amount() -> None:
    found = dose(text="1 tablet (25 mg) daily", product="Clomiphene 50 mg tablet")
    assert found is not None
    assert found.amount == 25  # "(25 mg)" is how a total is written
    found = dose(text="1 tablet 25 mg daily", product="Clomiphene 50 mg and 25 mg tablets")
    assert found is not None
    assert found.amount == 25
    found = dose(text="2 tablets 25 mg daily", product="Clomiphene 50 mg tablet")
    assert found is not None
    assert found.amount is None


@pytest.mark.parametrize(
    ("timing", "per_week"),
    [
        (repeat(frequency=1, period=2, periodUnit="d"), "87.5"),
        (repeat(frequency=1, period="2", periodUnit="d"), "87.5"),
        (repeat(frequency=2, period=1, periodUnit="wk"), "50"),
        (repeat(period=12, periodUnit="h"), "350"),
        (repeat(dayOfWeek=["mon", "wed", "fri"]), "75"),
        (repeat(frequency=1, period=1, periodUnit="wk", dayOfWeek=["mon", "thu"]), "50"),
        (repeat(frequency=2, period=1, periodUnit="d", dayOfWeek=["mon", "thu"]), "100"),
        (repeat(timeOfDay=["08:00", "20:00"]), "350"),
        ({"code": {"coding": [{"code": "QOD"}]}}, "87.5"),
        ({"code": {"coding": [{"code": "BID"}]}}, "350"),
        ({"code": {"text": "every other day"}}, "87.5"),
    ],
)
def test_structured_timing_is_read(timing: dict[str, Any], per_week: str) -> None:
    found = dose(timing=timing, doseAndRate=quantity(25, "mg", "mg"))
    assert found is not None
    assert found.per_week == Decimal(per_week)


@pytest.mark.parametrize(
    "timing",
    [
        repeat(frequency=1, frequencyMax=3, period=1, periodUnit="d"),
        repeat(frequency=1, period=0, periodUnit="d"),
        repeat(frequency=1, period="soon", periodUnit="d"),
        repeat(frequency=1, period=1, periodUnit="fortnight"),
        repeat(frequency=1, period=2, periodUnit="wk", dayOfWeek=["mon", "thu"]),
        {"event": ["2026-01-01"]},
    ],
)
def test_timing_that_cannot_be_averaged_is_not(timing: dict[str, Any]) -> None:
    found = dose(timing=timing, doseAndRate=quantity(25, "mg", "mg"))
    assert found is not None
    assert found.amount == 25
    assert found.per_day is None


def test_a_weekly_dose_is_exact_where_seven_days_are_not() -> None:
    found = dose("hcg", text="4000 IU three times weekly")
    assert found is not None and found.per_day is not None
    assert found.per_week == 12000
    assert found.per_day * 7 != 12000 or found.per_day == Decimal(12000) / 7


def test_choriogonadotropin_alfa_by_weight_is_told_in_units() -> None:
    found = dose(
        "hcg-alfa", doseAndRate=quantity(250, "ug", "ug"), timing=repeat(timeOfDay=["08:00"])
    )
    assert found is not None
    assert (found.amount, found.unit) == (6500, "[IU]")


def test_urinary_hcg_is_not_dosed_by_weight() -> None:
    found = dose("hcg", text="250 mcg sc three times weekly")
    assert found is not None
    assert found.unit == "mg", "nobody can tell how many units were meant"


def test_gel_in_grams_is_no_milligrams_of_testosterone() -> None:
    found = dose("testosterone-topical", doseAndRate=quantity(5, "g", "g"), text="daily")
    assert found is not None
    assert (found.amount, found.unit) == (5, "g")


def test_steps_in_one_order_leave_the_dose_open() -> None:
    rows = [_decode(json.dumps({"text": t})) for t in ("25 mg daily", "then 50 mg daily")]
    found = read_dose(rows, DRUGS["clomiphene"], "")
    assert found == Dose(None, None, None, "25 mg daily; then 50 mg daily")


def test_a_dosage_without_words_gets_some() -> None:
    found = dose(timing=repeat(frequency=1, period=2, periodUnit="d"),
                 doseAndRate=quantity(25, "mg"))  # fmt: skip
    assert found is not None
    assert found.text == "25 mg, 1 x in 2 d"


def test_no_dosage_is_no_dose() -> None:
    assert read_dose([], DRUGS["clomiphene"], "") is None
    assert read_dose(None, DRUGS["clomiphene"], "") is None
    assert dose() is None


def test_a_lone_short_day_name_is_no_weekday() -> None:
    assert read_frequency("fri") is None
    rate = read_frequency("on Friday")
    assert rate is not None
    assert (rate.times, rate.days) == (1, 7)
