"""Vermeulen's free testosterone against worked examples, identities and guards."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labs_writing import Lab

from smartapp.knowledge.catalogue import Vermeulen
from smartapp.knowledge.catalogue_files import load_catalogue
from smartapp.labs.derived import NotComputable
from smartapp.labs.free_testosterone import FreeTestosterone, free_testosterone, vermeulen
from smartapp.labs.ratio import testosterone_to_estradiol as ratio


def constants() -> Vermeulen:
    found = load_catalogue().vermeulen
    assert found is not None
    return found


K = constants()


def computed(t: object, shbg: object, albumin: object | None = None) -> FreeTestosterone:
    result = vermeulen(
        Decimal(str(t)),
        Decimal(str(shbg)),
        None if albumin is None else Decimal(str(albumin)),
        K,
    )
    assert isinstance(result, FreeTestosterone)
    return result


def four(value: Decimal) -> Decimal:
    """Four significant digits."""
    return round(value, 3 - value.adjusted())


@pytest.mark.parametrize(
    ("t", "shbg", "albumin", "free", "bioavailable", "percent"),
    [
        ("288.42", "40", "4.3", "173.88", "117.53", "1.739"),  # ISSAM, step by step
        ("300", "16", "4.3", "290.26", "196.19", "2.791"),
        ("300", "30", "4.3", "216.24", "146.16", "2.079"),
        ("300", "60", "4.3", "136.45", "92.23", "1.312"),
        ("500", "40", "4.5", "315.91", "223.03", "1.822"),
        ("299.97", "30", "3.0", "256.6", None, None),  # albumin sensitivity, T 10.4 nmol/L
        ("299.97", "30", "3.8", "230.0", None, None),
        ("299.97", "30", "4.8", "204.1", None, None),
        ("299.97", "30", "5.2", "195.4", None, None),
    ],
)
def test_worked_rows(
    t: str, shbg: str, albumin: str, free: str, bioavailable: str | None, percent: str | None
) -> None:
    result = computed(t, shbg, albumin)
    assert four(result.free) == four(Decimal(free))
    if bioavailable and percent:
        assert four(result.bioavailable) == four(Decimal(bioavailable))
        assert four(result.percent) == Decimal(percent)


men = {
    "t": st.integers(20, 2000),
    "shbg": st.integers(5, 200),
    "albumin": st.integers(25, 55).map(lambda tenth: Decimal(tenth) / 10),
}


@given(**men)
def test_free_bound_to_albumin_and_bound_to_shbg_make_the_total(
    t: int, shbg: int, albumin: Decimal
) -> None:
    result = computed(t, shbg, albumin)
    free = result.free * Decimal("1e-12")
    occupied = K.k_shbg * free / (1 + K.k_shbg * free) * shbg * Decimal("1e-9")
    total = Decimal(t) / (K.testosterone_molar_mass * Decimal("1e8"))
    bioavailable = result.bioavailable / (K.testosterone_molar_mass * Decimal("1e8"))
    assert abs(bioavailable + occupied - total) <= total * Decimal("0.0001")


@given(**men)
def test_it_moves_the_right_way(t: int, shbg: int, albumin: Decimal) -> None:
    here = computed(t, shbg, albumin)
    assert computed(t + 50, shbg, albumin).free > here.free
    assert computed(t, shbg + 10, albumin).free < here.free
    more_albumin = computed(t, shbg, albumin + Decimal("0.3"))
    assert more_albumin.free < here.free
    assert more_albumin.bioavailable > here.bioavailable


def test_the_default_albumin_is_said() -> None:
    assert computed(300, 30) == computed(300, 30, "4.3")
    assert computed(300, 30).albumin == K.default_albumin


def test_without_shbg_free_is_total_over_n() -> None:
    result = computed(300, 0, "4.3")
    n = 1 + K.k_albumin * Decimal("43") / K.albumin_molar_mass
    expected = Decimal(300) / (K.testosterone_molar_mass * Decimal("1e8")) / n * Decimal("1e12")
    assert abs(result.free - expected) <= expected * Decimal("0.00001")


@pytest.mark.parametrize(
    ("t", "shbg", "albumin"),
    [
        ("0", "30", "4.3"),
        ("-1", "30", "4.3"),
        ("300", "0.9", "4.3"),
        ("300", "301", "4.3"),
        ("300", "30", "0.9"),
        ("300", "30", "6.1"),
    ],
)
def test_outside_the_guards_there_is_no_result(t: str, shbg: str, albumin: str) -> None:
    assert isinstance(vermeulen(Decimal(t), Decimal(shbg), Decimal(albumin), K), NotComputable)


DRAWN = date(2026, 5, 4)


def of(lab: Lab, *albumin: tuple[str, str]) -> FreeTestosterone:
    """A draw of 300 ng/dL with SHBG 30, and albumins (g/dL) of some days."""
    record = lab.read(
        lab.row("13967-5", 30, "nmol/L"),
        *(lab.row("1751-7", float(value), "g/dL", day) for value, day in albumin),
    )
    found = record.series["albumin"].readings if albumin else ()
    result = free_testosterone(Decimal(300), DRAWN, record.series["shbg"].readings[0], found, K)
    assert isinstance(result, FreeTestosterone)
    return result


def test_from_results_with_the_nearest_albumin(lab: Lab) -> None:
    result = of(lab, ("3.8", "2026-04-01"), ("5.2", "2025-04-01"), ("5.0", "2026-07-01"))
    assert result.albumin == Decimal("3.8")
    assert result.measured_albumin is not None
    assert result.measured_albumin.drawn == date(2026, 4, 1)
    assert result.free == computed(300, 30, "3.8").free


@pytest.mark.parametrize(("day", "used"), [("2026-02-03", True), ("2026-02-02", False)])
def test_an_albumin_of_another_season_is_not_this_draws(lab: Lab, day: str, used: bool) -> None:
    result = of(lab, ("3.8", day))
    assert (result.measured_albumin is not None) == used
    assert result.albumin == (Decimal("3.8") if used else K.default_albumin)


def test_an_albumin_of_which_only_a_limit_is_known_is_none(lab: Lab) -> None:
    record = lab.read(lab.row("13967-5", 30, "nmol/L"), lab.row("1751-7", valueString="< 2.6 g/dL"))
    shbg, albumin = record.series["shbg"].readings[0], record.series["albumin"].readings
    result = free_testosterone(Decimal(300), DRAWN, shbg, albumin, K)
    assert isinstance(result, FreeTestosterone)
    assert result.measured_albumin is None


def test_a_limit_gives_no_free_testosterone_and_no_ratio(lab: Lab) -> None:
    record = lab.read(
        lab.row("2986-8", valueString="< 20 ng/dL"),
        lab.row("13967-5", valueString="> 180 nmol/L"),
        lab.row("2243-4", 20, "pg/mL"),
    )
    t, shbg = record.series["testosterone"].readings[0], record.series["shbg"].readings[0]
    assert isinstance(free_testosterone(Decimal(300), DRAWN, shbg, (), K), NotComputable)
    assert isinstance(ratio(t, record.series["estradiol"].readings[0]), NotComputable)


@given(**men)
def test_the_parts_in_per_cent_are_the_parts(t: int, shbg: int, albumin: Decimal) -> None:
    result = computed(t, shbg, albumin)
    assert abs(result.bioavailable_percent * t / 100 - result.bioavailable) < Decimal("0.01")
    assert result.percent < result.bioavailable_percent <= 100


def test_bioavailable_testosterone_is_read_as_a_figure_and_as_a_part(lab: Lab) -> None:
    record = lab.read(
        lab.row("2990-0", 146, "ng/dL"),
        lab.row("41018-3", 5.068, "nmol/L", "2026-05-09"),
        lab.row("6891-6", 48.7, "%"),
        lab.row("41869-9", 48.7, "%", "2026-05-09"),
    )
    figures = [r.value for r in record.series["bioavailable-testosterone"].readings]
    assert figures == [146, Decimal("146.171")]
    assert len(record.series["bioavailable-testosterone-percent"].readings) == 2
    assert record.unused == ()
    assert "unit" in lab.refused(lab.row("6891-6", 146, "ng/dL")).reason


def test_the_ratio_is_ng_dl_over_pg_ml(lab: Lab) -> None:
    record = lab.read(
        lab.row("14913-8", 10, "nmol/L"),
        lab.row("14715-7", 100, "pmol/L"),
        lab.row("2243-4", 20, "pg/mL", "2026-05-09"),
    )
    t = record.series["testosterone"].readings[0]
    same_day, another_day = record.series["estradiol"].readings
    assert ratio(t, same_day) == Decimal("10.5889")
    assert isinstance(ratio(t, another_day), NotComputable)
