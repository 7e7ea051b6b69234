"""Results, comparison by comparison: which limits apply, what is known when, what is the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from labs_writing import Lab
from msgspec import structs

from smartapp.knowledge.catalogue_files import load_catalogue
from smartapp.labs import Range
from smartapp.labs.free_testosterone import FreeTestosterone, free_testosterone
from smartapp.labs.reading import Reading
from smartapp.labs.timing import is_known

CATALOGUE = load_catalogue()
LH, TESTOSTERONE, ALT, HEMATOCRIT = "10501-5", "2986-8", "1742-6", "4544-3"
MALE = {"coding": [{"system": "http://snomed.info/sct", "code": "248153007"}]}
AS_OF = datetime(2026, 11, 22, 17, tzinfo=UTC)


def limits(low: object, high: object, unit: str | None = "IU/L", **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = dict(more)
    for name, value in (("low", low), ("high", high)):
        if value is not None:
            found[name] = {"value": value} if unit is None else {"value": value, "unit": unit}
    return found


def range_of(lab: Lab, *ranges: dict[str, Any], loinc: str = LH, **how: Any) -> Range:
    units = {LH: "mIU/mL", TESTOSTERONE: "ng/dL", ALT: "U/L", HEMATOCRIT: "%"}
    reading = lab.one(lab.row(loinc, 30, units[loinc], referenceRange=list(ranges)), **how)
    assert reading.range is not None
    return reading.range


def own(found: Range) -> tuple[Decimal | None, Decimal | None] | None:
    """The laboratory's limits; None when the default stood in."""
    return (found.low, found.high) if found.source == "laboratory" else None


# -- reference ranges

BOTH = (Decimal("1.7"), Decimal("8.6"))


def test_a_range_for_men_stands_before_one_for_anyone(lab: Lab) -> None:
    named, plain = limits(1.7, 8.6, text="Men"), limits(2, 9, text="Adults")
    assert own(range_of(lab, named, plain, sex="male")) == BOTH
    assert own(range_of(lab, plain, named, sex="male")) == BOTH
    assert own(range_of(lab, limits(1.7, 8.6), plain, sex="male")) is None


def test_of_one_range_written_twice_always_the_same_writing_is_shown(lab: Lab) -> None:
    ranges = limits(1.7, 8.6), limits("1.70", "8.60")
    told = {range_of(lab, *order).text for order in (ranges, ranges[::-1])}
    assert told == {"1.7 IU/L to 8.6 IU/L"}


@pytest.mark.parametrize(
    ("age", "low", "high", "applies"),
    [
        (40, {"value": 40, "unit": "a"}, None, True),
        (39, {"value": 40, "unit": "a"}, None, False),
        (40, None, {"value": 40, "unit": "years"}, True),
        (41, None, {"value": 40, "unit": "years"}, False),
        (40, None, {"value": 40, "unit": "mo"}, False),
        (40, {"value": 18, "unit": "mo"}, {"value": 90, "unit": "a"}, True),
        (None, {"value": 18, "unit": "a"}, None, False),
    ],
)
def test_a_range_for_an_age_includes_its_limits(
    lab: Lab, age: int | None, low: object, high: object, applies: bool
) -> None:
    bounds = {name: value for name, value in (("low", low), ("high", high)) if value is not None}
    found = range_of(lab, limits(1.7, 8.6, age=bounds), age=age)
    assert (found.source == "laboratory") is applies


def test_a_range_of_which_one_limit_cannot_be_read_is_not_used(lab: Lab) -> None:
    odd = {"low": {"value": 1.7, "unit": "furlong"}, "high": {"value": 8.6, "unit": "IU/L"}}
    turned = {"low": {"value": 1.7, "unit": "IU/L"}, "high": {"value": 8.6, "unit": "furlong"}}
    for one in (odd, turned):
        assert own(range_of(lab, one)) is None
    half = {"low": {"value": 5, "unit": "furlong"}, "high": {"value": 50, "unit": "U/L"}}
    assert own(range_of(lab, half, loinc=ALT)) is None
    open_ended = {"low": {"value": 39, "unit": "%"}, "high": {"value": 50, "unit": "furlong"}}
    assert own(range_of(lab, open_ended, loinc=HEMATOCRIT)) is None
    assert own(range_of(lab, limits(39, 50, "%"), loinc=HEMATOCRIT)) is not None
    assert own(range_of(lab, limits(None, 50, "U/L"), loinc=ALT)) == (None, Decimal(50))


def test_a_limit_is_read_by_its_unit_where_its_code_says_nothing(lab: Lab) -> None:
    def told(low: dict[str, Any]) -> Range:
        return range_of(lab, {"low": low, "high": {"value": 8.6, "unit": "IU/L"}})

    assert own(told({"value": 1.7, "code": "x", "unit": "IU/L"})) == BOTH
    assert own(told({"value": 1700, "code": "m[IU]/L", "unit": "IU/L"})) == BOTH
    assert own(told({"value": 1.7, "code": "x"})) is None


def test_a_limit_is_shown_with_the_unit_it_was_sent_with(lab: Lab) -> None:
    def text(**unit: str) -> str:
        return range_of(
            lab, {"low": {"value": 1.7, **unit}, "high": {"value": 8.6, "unit": "IU/L"}}
        ).text

    assert text(unit="IU/L", code="[IU]/L").startswith("1.7 IU/L to")
    assert text(code="[IU]/L").startswith("1.7 [IU]/L to")
    assert text().startswith("1.7 to")


def test_a_range_in_words_is_read_up_to_a_length(lab: Lab) -> None:
    def told(length: int) -> Range:
        return range_of(lab, {"text": "1.7 - 8.6 IU/L".ljust(length)})

    assert own(told(60)) == BOTH
    assert own(told(61)) is None


def test_a_range_without_width_is_empty(lab: Lab) -> None:
    assert "empty" in range_of(lab, limits(8, 8)).text


def test_a_default_with_one_limit_is_a_range(lab: Lab) -> None:
    found = range_of(lab, loinc=ALT)
    assert (found.source, found.low) == ("default", None)
    assert found.high is not None


# -- the short way never reads what is not plain


@pytest.mark.parametrize("unit", ["ng/dL", "nmol/L"])
def test_a_limit_sent_as_a_comparator_stays_a_limit(lab: Lab, unit: str) -> None:
    row = lab.row(TESTOSTERONE, 25, unit)
    row["valueQuantity"].update(comparator="<", code=unit)
    assert lab.one(row).comparator == "<"


def test_a_result_with_parts_is_not_read_as_one_number(lab: Lab) -> None:
    part = {"code": {"coding": [{"system": "http://loinc.org", "code": "10501-5"}]},
            "valueQuantity": {"value": 5, "unit": "IU/L"}}  # fmt: skip
    rows = [lab.row(TESTOSTERONE, 300, "ng/dL"), lab.row(TESTOSTERONE, 300, "ng/dL")]
    rows[1]["component"] = [part]
    plain = lab.read(rows[0])
    parted = lab.read(rows[1])
    assert set(plain.series) == {"testosterone"}
    assert set(parted.series) >= {"lh"}


# -- known when


@pytest.mark.parametrize(
    ("moment", "known"),
    [
        (AS_OF, True),
        (AS_OF.replace(second=1), False),
        (date(2026, 11, 22), True),
        (date(2026, 11, 23), False),
        (datetime(2026, 11, 22, 23), True),  # noqa: DTZ001  as sent, without an offset
        (datetime(2026, 11, 23, 1), False),  # noqa: DTZ001
        (None, True),
    ],
)
def test_what_is_told_at_the_moment_is_known_at_it(moment: datetime | None, known: bool) -> None:
    assert is_known(moment, AS_OF, AS_OF.date()) is known


# -- free testosterone


@pytest.mark.parametrize("end", ["low", "high"])
def test_the_model_holds_up_to_its_limits(end: str) -> None:
    constants = CATALOGUE.vermeulen
    assert constants is not None
    edge = getattr(constants.shbg_limits, end)
    assert edge is not None
    step = Decimal("0.001") if end == "high" else Decimal("-0.001")

    lab = Lab(CATALOGUE)
    sent = lab.one(lab.row("13967-5", 30, "nmol/L"))

    def computed(shbg: Decimal) -> bool:
        reading = structs.replace(sent, value=shbg, low=shbg, high=shbg)
        found = free_testosterone(Decimal(300), reading.drawn, reading, (), constants)
        return isinstance(found, FreeTestosterone)

    assert computed(edge)
    assert not computed(edge + step)


# -- one draw told twice


def twice(lab: Lab, first: dict[str, Any], second: dict[str, Any]) -> tuple[Reading, ...]:
    record = lab.read(first, second)
    return record.series["testosterone"].readings


def test_one_draw_in_both_units_is_one_result_within_the_rounding(lab: Lab) -> None:
    def kept(nmol: str) -> int:
        return len(
            twice(
                lab,
                lab.row(TESTOSTERONE, 1000, "ng/dL"),
                lab.row("14913-8", nmol, "nmol/L"),
            )
        )

    # Six in a thousand of the greater one: 1000 ng/dL is the same as 994, not as 993.999.
    assert kept("34.67") == 1
    assert kept("34.464") == 1
    assert kept("34.46363") == 1
    assert kept("34.46360") == 2


def test_two_figures_in_one_unit_are_two_results_however_near(lab: Lab) -> None:
    rows = [lab.row(TESTOSTERONE, value, "ng/dL") for value in (1000, 1001)]
    assert len(twice(lab, *rows)) == 2


def test_a_limit_and_a_figure_of_one_draw_are_two_results(lab: Lab) -> None:
    limit = lab.row(TESTOSTERONE, 300, "ng/dL")
    limit["valueQuantity"]["comparator"] = "<"
    assert len(twice(lab, lab.row(TESTOSTERONE, 300, "ng/dL"), limit)) == 2


def test_a_correction_replaces_and_a_repetition_is_only_the_same(lab: Lab) -> None:
    def reason(value: int) -> str:
        record = lab.read(
            lab.row(TESTOSTERONE, 300, "ng/dL"),
            lab.row(TESTOSTERONE, value, "ng/dL", status="corrected"),
        )
        (unused,) = record.unused
        return unused.reason

    assert "replaced by" in reason(310)
    assert "the same draw" in reason(300)


def test_of_one_draw_told_twice_the_figure_whose_unit_fits_its_code_is_kept(lab: Lab) -> None:
    odd = lab.row("14913-8", 1000, "ng/dL")
    fit = lab.row(TESTOSTERONE, 1000, "ng/dL")
    for rows in ((odd, fit), (fit, odd)):
        (kept,) = twice(lab, *rows)
        assert kept.loinc == TESTOSTERONE


def test_results_not_used_stand_in_order_of_what_was_sent(lab: Lab) -> None:
    part = {"code": {"coding": [{"system": "http://loinc.org", "code": LH}]}}
    row = lab.row("99999-9")
    row["component"] = [{**part, "valueQuantity": {"value": value}} for value in (6, 5)]
    unused = [u for u in lab.read(row).unused if u.analyte == "lh"]
    assert [u.original for u in unused] == ["5", "6"]


def test_a_doubtful_unit_is_judged_by_the_range_that_came_with_lh(lab: Lab) -> None:
    def doubted(lh: int) -> bool:
        witness = lab.row(LH, lh, "IU/L", referenceRange=[limits(1.7, 12)])
        record = lab.read(lab.row(TESTOSTERONE, 12, "ng/dL"), witness)
        return any(u.flag == "suspect-unit" for u in record.unused)

    assert doubted(11)
    assert doubted(12)
    assert not doubted(13)
