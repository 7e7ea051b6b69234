"""Units: every spelling that is met, exact conversion, and nothing guessed."""

from __future__ import annotations

import csv
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labs_writing import Lab

from smartapp.knowledge.catalogue import Catalogue, Unit
from smartapp.knowledge.catalogue_files import load_catalogue
from smartapp.labs.refusal import Refusal
from smartapp.labs.units import choose_unit, convert, find_unit

CATALOGUE = load_catalogue()


def unit(analyte: str, spelling: str) -> Unit:
    found = find_unit(CATALOGUE.analytes[analyte], spelling)
    assert found is not None, f"{spelling} of {analyte}"
    return found


@pytest.mark.parametrize(
    ("analyte", "spellings", "one", "canonical"),
    [
        ("testosterone", "ng/dL ng/dl NG/DL ng/100mL ng/100ml", "300", "300"),
        ("testosterone", "ng/mL ng/ml ug/L ug/l µg/L μg/L mcg/L", "3", "300"),
        ("testosterone", "nmol/L nmol/l NMOL/L nM", "10", "288.42"),
        ("free-testosterone", "pg/mL pg/ml ng/L ng/l", "65", "225.366"),
        ("free-testosterone", "ng/dL ng/dl", "6.5", "225.366"),
        ("free-testosterone", "pmol/L pmol/l", "225", "225"),
        ("free-testosterone", "nmol/L", "0.225", "225"),
        (
            "lh",
            "[IU]/L [iU]/L IU/L IU/l iu/l U/L u/l m[IU]/mL m[iU]/mL mIU/mL mIU/ml MIU/ML mU/mL",
            "5",
            "5",
        ),
        ("lh", "m[IU]/L mIU/L u[IU]/mL uIU/mL µIU/mL μIU/mL mcIU/mL", "5200", "5.2"),
        ("fsh", "m[IU]/mL mIU/mL IU/L", "5", "5"),
        ("fsh", "m[IU]/L", "5200", "5.2"),
        ("estradiol", "pg/mL pg/ml ng/L", "40", "40"),
        ("estradiol", "pmol/L pmol/l", "150", "40.857"),
        ("shbg", "nmol/L nmol/l", "30", "30"),
        ("prolactin", "ng/mL ug/L µg/L mcg/L", "15", "15"),
        ("prolactin", "m[IU]/L mIU/L uIU/mL µIU/mL u[IU]/mL mU/L", "318", "15"),
        ("albumin", "g/dL g/dl", "4.3", "4.3"),
        ("albumin", "g/L g/l", "43", "4.3"),
        ("hematocrit", "%", "45", "45"),
        ("hematocrit", "L/L l/l 1 {ratio}", "0.45", "45"),
        ("hemoglobin", "g/dL g/dl", "15", "15"),
        ("hemoglobin", "g/L", "150", "15"),
        ("hemoglobin", "mmol/L", "9.309", "15.0005"),
        ("psa", "ng/mL ug/L µg/L", "4", "4"),
        ("tsh", "m[IU]/L mIU/L uIU/mL µIU/mL u[IU]/mL mU/L", "2.5", "2.5"),
        ("alt", "U/L u/l IU/L", "40", "40"),
        ("bilirubin", "umol/L µmol/L", "20", "1.16932"),
        ("triglycerides", "mmol/L", "2", "177.148"),
        ("hba1c", "mmol/mol", "53", "7.00044"),
        ("sperm-concentration", "10*6/mL 10^6/mL x10^6/mL million/mL 10*9/L", "16", "16"),
        ("sperm-concentration", "/mL", "16000000", "16"),
        ("weight", "[lb_av] lb lbs", "200", "90.7185"),
        ("systolic", "mm[Hg] mmHg mm Hg", "130", "130"),
        ("bmi", "kg/m2 kg/m^2 kg/m²", "31", "31"),
    ],
)
def test_every_spelling(analyte: str, spellings: str, one: str, canonical: str) -> None:
    words = spellings.split() if analyte != "systolic" else ["mm[Hg]", "mmHg", "mm Hg"]
    for spelling in words:
        assert convert(Decimal(one), unit(analyte, spelling)) == Decimal(canonical), spelling


@pytest.mark.parametrize(
    ("analyte", "spelling"),
    [("testosterone", "mg/dL"), ("lh", "ng/mL"), ("shbg", "mg/L"), ("ferritin", "pmol/L")],
)
def test_what_cannot_be_converted_is_not(analyte: str, spelling: str) -> None:
    assert find_unit(CATALOGUE.analytes[analyte], spelling) is None


NAMES = {
    "testosterone": "testosterone",
    "free testosterone": "free-testosterone",
    "estradiol": "estradiol",
    "LH/FSH": "lh",
    "prolactin": "prolactin",
    "psa": "psa",
    "albumin": "albumin",
    "hematocrit": "hematocrit",
    "SHBG": "shbg",
}


def test_the_reference_conversions(shared_data: Callable[[str], Path]) -> None:
    """As computed by the US National Library of Medicine's UCUM library, where it could."""
    compared = 0
    for row in csv.DictReader(shared_data("unit-conversions.csv").open()):
        if row["analyte"] not in NAMES or row["status"] != "succeeded":
            continue
        analyte = NAMES[row["analyte"]]
        source = unit(analyte, row["from_unit"])
        target = find_unit(CATALOGUE.analytes[analyte], row["to_unit"])
        if target is None or "{ratio}" in row["to_unit"]:
            continue
        canonical = convert(Decimal(row["value"]), source)
        expected = Decimal(row["result"])
        assert abs(canonical / target.factor - expected) <= expected * Decimal("0.00001"), row
        compared += 1
    assert compared >= 25


@given(
    st.decimals(min_value="20", max_value="2000", places=1, allow_nan=False, allow_infinity=False)
)
def test_a_man_is_the_same_in_both_unit_systems(value: Decimal) -> None:
    """Conventional to SI and back changes nothing that six digits can show."""
    conventional = unit("testosterone", "ng/dL")
    si = unit("testosterone", "nmol/L")
    back = convert(value / si.factor, si)
    assert abs(back - convert(value, conventional)) <= back * Decimal("0.00001")


def test_rounding_is_half_even_at_six_digits() -> None:
    ng_dl = unit("testosterone", "ng/dL")
    assert str(convert(Decimal("123.4565"), ng_dl)) == "123.456"
    assert str(convert(Decimal("123.4575"), ng_dl)) == "123.458"
    assert str(convert(Decimal("19.00"), ng_dl)) == "19.00"


@pytest.mark.parametrize(
    ("code", "text", "factor"),
    [
        ("ng/dL", "ng/dL", "1"),
        ("nmol/L", None, "28.842"),
        (None, "nmol/L", "28.842"),
        ("", "nmol/L", "28.842"),
        ("nanomoles", "nmol/L", "28.842"),
        ("ng/dL", "nanograms", "1"),
        ("ug/L", "ng/mL", "100"),
    ],
)
def test_the_code_speaks_first_then_the_text(
    code: str | None, text: str | None, factor: str
) -> None:
    chosen = choose_unit(CATALOGUE.analytes["testosterone"], code, text)
    assert isinstance(chosen, Unit)
    assert chosen.factor == Decimal(factor)


def test_code_and_text_that_differ_are_both_not_believed() -> None:
    refusal = choose_unit(CATALOGUE.analytes["testosterone"], "ng/dL", "nmol/L")
    assert isinstance(refusal, Refusal)
    assert refusal.flag == "unit-conflict"


def test_a_missing_unit_is_never_assumed(lab: Lab) -> None:
    unused = lab.refused(lab.row("2986-8", 300))
    assert unused.flag == "no-unit"
    assert unused.analyte == "testosterone"
    assert not unused.void


def test_unless_the_site_says_what_it_is(lab: Lab) -> None:
    row = lab.row("x", 300)
    row["code"]["coding"] = [{"system": "urn:lab", "code": "TESTO"}]
    reading = lab.one(row, local_codes={"urn:lab|TESTO": ("2986-8", "ng/dL")})
    assert reading.value == 300
    assert {"local-code", "assumed-unit"} <= set(reading.flags)


def test_a_molar_unit_under_a_mass_code_is_trusted_and_flagged(lab: Lab) -> None:
    reading = lab.one(lab.row("2986-8", 10, "nmol/L"))
    assert reading.value == Decimal("288.42")
    assert "unit-over-code" in reading.flags
    assert reading.original == "10 nmol/L"


def test_a_mass_unit_under_a_molar_code_is_trusted_and_flagged(lab: Lab) -> None:
    reading = lab.one(lab.row("14715-7", 30, "pg/mL"))
    assert reading.value == 30
    assert "unit-over-code" in reading.flags


def test_shbg_as_a_mass_is_told_and_not_used(lab: Lab) -> None:
    unused = lab.refused(lab.row("2942-1", 3.1, "mg/L"))
    assert "not converted" in unused.reason
    assert lab.one(lab.row("2942-1", 31, "nmol/L")).value == 31


@pytest.mark.parametrize(
    ("sent", "means"), [("8", "230.7"), ("8.0", "230.7"), ("10.4", "300.0"), ("12", "346.1")]
)
def test_a_printed_cut_means_its_figure(lab: Lab, sent: str, means: str) -> None:
    reading = lab.one(lab.row("14913-8", float(sent), "nmol/L"))
    assert reading.value == Decimal(means)
    assert "on-the-limit" in reading.flags


def test_beside_a_printed_cut_the_value_is_converted(lab: Lab) -> None:
    assert lab.one(lab.row("14913-8", 10.41, "nmol/L")).value == Decimal("300.245")
    assert "on-the-limit" not in lab.one(lab.row("2986-8", 300, "ng/dL")).flags


def test_hematocrit_as_fraction_or_percent(lab: Lab) -> None:
    assert lab.one(lab.row("4544-3", 0.52, "L/L")).value == 52
    unused = lab.refused(lab.row("4544-3", 0.45, "%"))
    assert unused.flag == "hard-limit"
    assert "fraction" in unused.reason


def test_prolactin_in_units_says_that_the_factor_depends_on_the_assay(
    lab: Lab, catalogue: Catalogue
) -> None:
    reading = lab.one(lab.row("15081-3", 318, "mIU/L"))
    assert reading.value == 15
    assert "assay-dependent-factor" in reading.flags
