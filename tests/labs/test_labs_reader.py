"""From rows to series: what is read, what is told, and in which order."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from labs_writing import Lab

LOINC = "http://loinc.org"


def coded(lab: Lab, *codings: dict[str, str], text: str | None = None) -> dict[str, Any]:
    row = lab.row("x", 300, "ng/dL")
    row["code"] = {"coding": list(codings)} | ({"text": text} if text else {})
    return row


@pytest.mark.parametrize(
    "system",
    [
        LOINC,
        "http://loinc.org/",
        "HTTP://LOINC.ORG",
        "https://loinc.org",
        "urn:oid:2.16.840.1.113883.6.1",
    ],
)
def test_loinc_in_its_spellings(lab: Lab, system: str) -> None:
    assert lab.one(coded(lab, {"system": system, "code": "2986-8"})).analyte == "testosterone"


@pytest.mark.parametrize("code", ["2986-8", "49041-7", "83116-4", "14913-8", "70239-9", "83115-6"])
def test_six_codes_are_one_testosterone(lab: Lab, code: str) -> None:
    assert lab.one(lab.row(code, 300, "ng/dL")).analyte == "testosterone"


@pytest.mark.parametrize(
    ("code", "label"),
    [
        ("2132-9", "FSH"),
        ("1854-9", "Bioavailable testosterone"),
        ("26454-9", "Dihydrotestosterone"),
        ("15432-8", "Free testosterone"),
        ("2578-3", "LH"),
    ],
)
def test_a_code_under_a_wrong_label_is_never_read(lab: Lab, code: str, label: str) -> None:
    unused = lab.refused(coded(lab, {"system": LOINC, "code": code, "display": label}, text=label))
    assert code in unused.reason


def test_bioavailable_called_total_is_read_as_what_its_code_says(lab: Lab) -> None:
    row = coded(lab, {"system": LOINC, "code": "2990-0", "display": "Testosterone, total"})
    assert lab.one(row).analyte == "bioavailable-testosterone"


def test_a_code_without_its_system_is_told(lab: Lab) -> None:
    unused = lab.refused(coded(lab, {"code": "2986-8"}))
    assert (unused.analyte, unused.void) == ("testosterone", False)


def test_codes_of_two_analytes_are_told(lab: Lab) -> None:
    both = ({"system": LOINC, "code": "2986-8"}, {"system": LOINC, "code": "2990-0"})
    assert "codes of" in lab.refused(coded(lab, *both)).reason


def test_a_row_called_testosterone_without_a_known_code_is_told(lab: Lab) -> None:
    unused = lab.refused(coded(lab, {"system": "urn:lab", "code": "T1"}, text="S-Testosterone"))
    assert "called like Total testosterone" in unused.reason
    assert unused.void, "nobody knows what it is, so it makes no rule abstain"


def test_what_is_none_of_ours_is_passed_over(lab: Lab) -> None:
    glucose = coded(lab, {"system": LOINC, "code": "2345-7"}, text="Glucose")
    local = coded(lab, {"system": "urn:lab", "code": "GLU"}, text="Glucose")
    stimulated = coded(lab, {"system": LOINC, "code": "47688-7"}, text="LH 0 min")
    record = lab.read(glucose, local, stimulated)
    assert (record.series, record.unused) == ({}, ())


def test_local_codes_with_and_without_system(lab: Lab) -> None:
    one = coded(lab, {"system": "urn:lab", "code": "T"})
    two = coded(lab, {"system": "urn:other", "code": "TT"})
    record = lab.read(
        one,
        two | {"effectiveDateTime": "2026-05-05T08:00:00-04:00"},
        local_codes={"urn:lab|T": ("2986-8", None), "TT": ("2986-8", None)},
    )
    assert len(record.series["testosterone"].readings) == 2


def test_an_analyte_without_loinc_is_mapped_by_its_key(lab: Lab) -> None:
    row = coded(lab, {"system": "urn:lab", "code": "TV"})
    row["valueQuantity"] = {"value": 5, "unit": "mL"}
    reading = lab.one(row, local_codes={"TV": ("testis-volume", None)})
    assert (reading.analyte, reading.loinc, reading.value) == ("testis-volume", None, 5)


def part(code: str, value: object = None, unit: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"code": {"coding": [{"system": LOINC, "code": code}]}}
    if value is None:
        return found | {"dataAbsentReason": {"text": "error"}}
    return found | {"valueQuantity": {"value": value, "unit": unit}}


def test_components_of_a_panel(lab: Lab) -> None:
    row = lab.row(
        "58952-3",
        component=[
            part("2986-8", 300, "ng/dL"),
            part("2991-8", 60, "pg/mL"),
            part("15432-8", 2, "%"),
        ],
    )
    record = lab.read(row)
    assert set(record.series) == {"testosterone", "free-testosterone"}
    assert [u.reference for u in record.unused] == ["Observation/o1"]


def test_blood_pressure(lab: Lab) -> None:
    row = lab.row("85354-9", component=[part("8480-6", 165, "mm[Hg]"), part("8462-4")])
    record = lab.read(row)
    assert record.series["systolic"].newest is not None
    assert record.series["diastolic"].newest is None
    assert len(record.series["diastolic"].unused) == 1


def test_series_stand_oldest_first(lab: Lab) -> None:
    days = ["2026-05-09T08:00:00-04:00", "2026-05-01", "2026-05-04T12:00:00Z"]
    record = lab.read(*(lab.row("2986-8", 300 + i, "ng/dL", d) for i, d in enumerate(days)))
    readings = record.series["testosterone"].readings
    assert [r.drawn.day for r in readings] == [1, 4, 9]
    assert record.series["testosterone"].newest is readings[-1]


def test_one_draw_told_in_two_units_is_one(lab: Lab) -> None:
    record = lab.read(lab.row("14913-8", 10.7, "nmol/L"), lab.row("2986-8", 308, "ng/dL"))
    (reading,) = record.series["testosterone"].readings
    assert reading.original == "308 ng/dL", "the SI figure is the rounded one"
    (unused,) = record.unused
    assert unused.void
    assert unused.reference == "Observation/o1"


def test_two_results_of_one_draw_that_differ_both_stay(lab: Lab) -> None:
    record = lab.read(lab.row("2986-8", 308, "ng/dL"), lab.row("2986-8", 340, "ng/dL"))
    assert len(record.series["testosterone"].readings) == 2


def test_the_same_record_twice_is_one_and_nothing_to_tell(lab: Lab) -> None:
    row = lab.row("2986-8", 308, "ng/dL")
    record = lab.read(row, row)
    assert len(record.series["testosterone"].readings) == 1
    assert record.unused == ()


def test_a_correction_replaces_the_result_of_the_same_draw(lab: Lab) -> None:
    record = lab.read(
        lab.row("2986-8", 308, "ng/dL"), lab.row("2986-8", 803, "ng/dL", status="corrected")
    )
    (reading,) = record.series["testosterone"].readings
    assert (reading.value, "corrected" in reading.flags) == (803, True)
    assert record.unused[0].void


def test_of_two_versions_of_a_record_the_later_counts(lab: Lab) -> None:
    old = lab.row("2986-8", 308, "ng/dL", meta={"lastUpdated": "2026-05-04T10:00:00Z"})
    new = old | {
        "status": "entered-in-error",
        "meta": {"lastUpdated": "2026-05-05T10:00:00Z"},
    }
    for rows in ((old, new), (new, old)):
        record = lab.read(*rows)
        assert record.series["testosterone"].readings == ()
        assert any("entered in error" in u.reason for u in record.unused)


def test_a_newer_unusable_result_stays_in_the_series(lab: Lab) -> None:
    record = lab.read(
        lab.row("10501-5", 3, "IU/L"),
        lab.row("10501-5", 3, None, "2026-06-04T08:00:00-04:00"),
    )
    (unused,) = record.series["lh"].unused
    assert unused in record.unused
    assert str(unused.effective).startswith("2026-06-04")


def test_a_habous_mistake_is_flagged_not_swallowed(lab: Lab) -> None:
    """A published abstract prints 2.31 nmol/L where 2.31 ng/mL was meant. Taken at its word it is
    castrate (66.6 ng/dL); the figure is used as sent, and 2.31 labelled ng/dL is not believed."""
    assert lab.one(lab.row("14913-8", 2.31, "nmol/L")).value == Decimal("66.6250")
    assert lab.one(lab.row("2986-8", 2.31, "ng/mL")).value == 231
    record = lab.read(lab.row("2986-8", 2.31, "ng/dL"), lab.row("10501-5", 4, "IU/L"))
    assert record.series["testosterone"].readings == ()
    (unused,) = record.series["testosterone"].unused
    assert (unused.flag, unused.void) == ("suspect-unit", False)


@pytest.mark.parametrize(
    ("value", "lh", "lh_day", "suspected"),
    [
        ("2.0", "4", "2026-05-04", True),
        ("19.9", "9.4", "2026-05-04", True),
        ("19.9", "9.41", "2026-05-04", False),
        ("20.0", "4", "2026-05-04", False),
        ("1.9", "4", "2026-05-04", False),
        ("12", "4", "2026-08-02", True),
        ("12", "4", "2026-08-03", False),
    ],
)
def test_suspicion_needs_a_low_lh_nearby(
    lab: Lab, value: str, lh: str, lh_day: str, suspected: bool
) -> None:
    record = lab.read(
        lab.row("2986-8", float(value), "ng/dL"), lab.row("10501-5", float(lh), "IU/L", lh_day)
    )
    assert (record.series["testosterone"].readings == ()) == suspected


def test_castrate_values_without_lh_or_with_a_limit_are_used(lab: Lab) -> None:
    assert "soft-limit" in lab.one(lab.row("2986-8", 12, "ng/dL")).flags
    record = lab.read(lab.row("2986-8", valueString="< 10 ng/dL"), lab.row("10501-5", 0.1, "IU/L"))
    assert record.series["testosterone"].newest is not None


def test_methods_make_classes(lab: Lab) -> None:
    assert lab.one(lab.row("49041-7", 300, "ng/dL")).method == "lc-ms"
    assert lab.one(lab.row("2986-8", 300, "ng/dL")).method is None
    said = lab.row("2986-8", 300, "ng/dL", method={"text": "ECLIA, Roche cobas"})
    assert lab.one(said).method == "immunoassay"
    dialysis = lab.row("2991-8", 60, "pg/mL", method={"text": "Equilibrium dialysis LC-MS/MS"})
    assert lab.one(dialysis).method == "dialysis"


def test_performer(lab: Lab) -> None:
    row = lab.row("2986-8", 300, "ng/dL", performer=[{"display": "North Lab"}])
    assert lab.one(row).performer == "North Lab"


def test_the_order_of_arrival_decides_nothing(lab: Lab) -> None:
    days = [f"2026-05-{day:02d}T08:00:00-04:00" for day in (1, 1, 2, 3, 3, 3)]
    rows = [lab.row("2986-8", 300 + i // 2, "ng/dL", day) for i, day in enumerate(days)]
    rows += [lab.row("14913-8", 10.4, "nmol/L", days[0]), lab.row("10501-5", 3, None, days[0])]
    expected = lab.read(*rows)
    shuffler = random.Random(7)
    for _ in range(20):
        shuffler.shuffle(rows)
        assert lab.read(*rows) == expected


def test_nothing_vanishes(lab: Lab) -> None:
    """Every recognised row is in a series or in `unused`."""
    rows = [
        lab.row("2986-8", 300, "ng/dL"),
        lab.row("2986-8", 300, None),
        lab.row("2986-8", None),
        lab.row("2986-8", 300, "ng/dL", "2026"),
        lab.row("2986-8", 9000, "ng/dL"),
        lab.row("2986-8", 300, "ng/dL", status="cancelled"),
    ]
    record = lab.read(*rows)
    told = {r.reference for s in record.series.values() for r in s.readings}
    assert told | {u.reference for u in record.unused} == {f"Observation/{r['id']}" for r in rows}
