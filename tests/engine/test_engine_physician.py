"""What a physician stumbled over: men judged or worded wrongly once, one case each."""

from __future__ import annotations

import pytest
from men import Man, candidate, cards, codes, low_man, man, open_codes


def rows_against(one: Man, agent: str, *orders: str) -> tuple[str, ...]:
    (option,) = (o for o in one.judged(*orders).recommendation.options if o.agent == agent)
    return (*option.blocked_by, *option.cautions)


def test_a_present_cancer_is_not_called_a_past_one() -> None:
    one = candidate().problem("prostate-cancer")
    assert "prostate-cancer-history" not in rows_against(one, "hcg")
    over = candidate().problem("prostate-cancer", active=False)
    assert "prostate-cancer-history" in rows_against(over, "hcg")


def test_an_allergy_to_the_drug_itself_is_no_allergy_to_a_related_one() -> None:
    one = candidate().allergy("clomiphene")
    against = rows_against(one, "clomiphene")
    assert "hypersensitivity" in against
    assert "allergy-related-serm" not in against


def test_an_lh_told_only_as_a_limit_below_its_range_asks_for_the_work_up() -> None:
    found = low_man().without("lh").lh("1.0", comparator="<").judged()
    assert found.recommendation.status == "specialist"
    assert codes(found)["axis-workup"] == "warning"


def test_nothing_more_is_asked_for_where_both_testes_are_absent() -> None:
    found = man().problem("testes-absent-both").judged()
    assert found.axis.state == "severe-primary"
    assert not found.not_evaluable


def test_low_samples_drawn_under_a_drug_of_unknown_end_are_spoken_of() -> None:
    found = low_man().drug("clomiphene", -370, status="uncertain").judged()
    assert found.axis.state == "insufficient"
    assert "cannot-assess" in cards(found)


def test_replacement_in_pituitary_deficiency_is_no_cause_to_settle_first() -> None:
    one = low_man().without("lh").lh("1.0").lab("prolactin", 8).lab("tsh", 2).lab("ferritin", 90)
    one.problem("pituitary-deficiency", -900).drug("glucocorticoid", -800)
    found = one.judged()
    assert found.recommendation.status == "candidate"
    assert rows_against(one, "hcg") == ()


@pytest.mark.parametrize("clock", ["not-morning", "provisional"])
def test_a_severe_failure_still_open_is_no_contraindication_of_its_own(clock: str) -> None:
    one = man().testosterone(210, clock=clock).hematocrit(44)
    assert "R-DX-02" in open_codes(one.judged())
    assert rows_against(one, "clomiphene") == ("confirm-first",)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (low_man(t=(346.2, 346.2)), "up to 346.1 ng/dL free testosterone decides"),
        (low_man(t=(302, 304)).without("shbg").shbg(25), "low below 300 ng/dL"),
        (low_man(t=(320, 322)).without("shbg").shbg(33), "free testosterone"),
    ],
)
def test_a_near_miss_names_what_would_have_decided(one: Man, said: str) -> None:
    found = one.judged()
    assert found.recommendation.status == "not-indicated"
    (near,) = (n for n in found.near_misses if n.rule == "R-DX-02")
    assert said in near.text
