"""Two values of one date that disagree: the worse one acts, both are told, and none hides behind a
mean or behind the order in which they came."""

from __future__ import annotations

import pytest
from men import Man, candidate, codes, draft, man, the

from smartapp.engine.differing import one_a_date

START = -200
# analyte, the value that acts, one that does not, and the finding that speaks of it on clomiphene
ACTING = {
    "hematocrit": ("59.6", "47.5", "hematocrit-high"),
    "psa": ("12", "1", "psa-rise"),
    "alt": ("180", "30", "liver-enzymes-high"),
    "ast": ("180", "30", "liver-enzymes-high"),
    "bilirubin": ("4", "0.6", "liver-enzymes-high"),
    "triglycerides": ("1200", "120", "triglycerides-high"),
    "estradiol": ("110", "30", "estradiol-high"),
    "sperm-concentration": ("2", "50", "semen-decline"),
}


def treated() -> Man:
    one = man(45).testosterone(210, START - 10).testosterone(220, START - 40)
    one.lh(3, START - 10).fsh(4, START - 10).hematocrit(45, START - 10)
    return one.drug("clomiphene", START).testosterone(520, -20)


def both(one: Man, analyte: str, *values: str, offset: int = -5) -> Man:
    for place, value in enumerate(values):
        one.lab(analyte, value, offset, reference=f"Observation/{analyte}-{place}")
    return one


@pytest.mark.parametrize("analyte", ACTING)
@pytest.mark.parametrize("turned", [False, True])
def test_the_worse_of_two_values_of_one_draw_acts_and_both_are_told(
    analyte: str, turned: bool
) -> None:
    acting, quiet, code = ACTING[analyte]
    alone = the(treated().lab(analyte, acting, -5).judged(), code)
    values = (quiet, acting) if turned else (acting, quiet)
    found = the(both(treated(), analyte, *values).judged(), code)
    assert found.severity == alone.severity
    assert found.detail.startswith(alone.detail)
    assert "values of one draw disagree" in found.detail
    told = {e.role: e.original for e in found.evidence if e.analyte == analyte}
    assert told["fired"].startswith(acting)
    assert told["disagrees"].startswith(quiet)


def test_an_order_is_stopped_by_the_worse_hematocrit_of_one_draw() -> None:
    """Their mean, 53.55 %, would lie below the limit."""
    found = both(candidate(), "hematocrit", "59.6", "47.5").judged(draft("hcg"))
    stop = the(found, "contraindication")
    assert (stop.severity, stop.card) == ("critical", True)
    assert "Hematocrit: values of one draw disagree (59.6 and 47.5 %)" in stop.detail


def test_a_value_told_twice_and_one_behind_a_limit_disagree_with_nothing() -> None:
    same = both(treated(), "hematocrit", "52.5", "52.5").judged()
    assert "disagree" not in the(same, "hematocrit-high").detail
    near = treated().lab("estradiol", 70, -5).lab("estradiol", 80, -5, comparator="<")
    assert "disagree" not in the(near.judged(), "estradiol-high").detail


def test_a_limit_beside_a_value_leaves_open_what_it_may_hide() -> None:
    one = candidate().hematocrit("47.5", -5).hematocrit(60, -5, comparator="<")
    found = one.judged()
    assert found.recommendation.status == "confirm-first"
    assert all("not-excluded" in o.blocked_by for o in found.recommendation.options)


def test_two_draws_of_one_day_are_told_as_such() -> None:
    one = treated().hematocrit("55", -5).hematocrit("50", -5, clock="not-morning")
    found = the(one.judged(), "hematocrit-high")
    assert found.summary.startswith("Hematocrit 55 %")
    assert "values of one day disagree" in found.detail


def test_a_second_value_of_a_date_does_not_break_the_run_that_confirms() -> None:
    one = both(treated().hematocrit("55", -40), "hematocrit", "54.5", "49")
    assert "on two dates" in the(one.judged(), "hematocrit-high").summary


def test_a_rise_is_not_hidden_by_the_higher_of_two_baselines() -> None:
    plain = man(45).drug("clomiphene", START).lab("psa", "0.8", START - 5).lab("psa", "2.4", -5)
    assert "psa-rise" in codes(plain.judged())
    assert "psa-rise" in codes(plain.lab("psa", "2.3", START - 5).judged())


def test_a_low_estradiol_under_an_inhibitor_is_not_hidden_by_a_higher_one() -> None:
    one = both(treated().drug("anastrozole", -100), "estradiol", "5", "30")
    assert "estradiol-low" in codes(one.judged())


@pytest.mark.parametrize("far", ["0.05", "14"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_tsh_far_out_of_range_on_either_side_is_not_hidden_by_a_normal_one(
    far: str, turned: bool
) -> None:
    values = ("1.8", far) if turned else (far, "1.8")
    found = both(candidate(), "tsh", *values).judged(draft("clomiphene"))
    stop = the(found, "contraindication")
    assert stop.severity == "critical"
    assert "values of one draw disagree" in stop.detail


def test_a_low_count_reaches_as_far_down_as_any_of_its_date_may() -> None:
    """Behind "< 15" there may be less than the 12 beside it; behind 18 there is not."""
    counts = "sperm-concentration"
    limited = man().lab(counts, 12, -5).lab(counts, 15, -5, comparator="<")
    ((lowest,), apart) = one_a_date(limited.record().series[counts].readings, "low")
    assert (lowest.value, lowest.low, apart) == (12, None, ())
    ((lowest,), (pair,)) = one_a_date(
        both(man(), counts, "18", "12").record().series[counts].readings, "low"
    )
    assert (lowest.value, lowest.low) == (12, 12)
    assert [one.value for one in pair] == [12, 18]
