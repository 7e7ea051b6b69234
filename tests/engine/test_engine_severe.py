"""Clinical rules 5: severe primary testicular failure, criterion by criterion."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from men import Man, Number, codes, knowledge, low_man, man, the

from smartapp.engine.axis import judge_axis
from smartapp.engine.severe import Severe

D = Decimal
RULES = knowledge().protocol.severe
_LH, _FSH = (knowledge().catalogue.analytes[key].default_range.high for key in ("lh", "fsh"))
assert _LH is not None
assert _FSH is not None
LH_FAR, FSH_FAR = _LH * RULES.lh_multiple, _FSH * RULES.fsh_multiple
LH_HIGH: Decimal = _LH
TINY = D("0.01")


def severe(one: Man) -> Severe:
    return judge_axis(one.case()).untreated.severe


def labs(lh: Number, fsh: Number = 20, t: Number = 150) -> Man:
    return man().testosterone(t, -30).testosterone(t, -60).lh(lh).fsh(fsh).shbg(30)


# -- a


@pytest.mark.parametrize(
    ("concept", "laterality"),
    [
        ("testes-absent", "both"),
        ("testes-absent-both", None),
        ("orchiectomy-both", None),
        ("orchiectomy", "both"),
    ],
)
def test_a_both_testes_absent_needs_no_laboratory(concept: str, laterality: str | None) -> None:
    found = man().problem(concept, laterality=laterality).judged()
    assert found.axis.state == "severe-primary"
    assert found.recommendation.status == "not-suitable"
    assert codes(found) == {"severe-primary-failure": "warning"}


def test_a_right_and_left_in_two_operations() -> None:
    one = man().problem("orchiectomy", -900, laterality="left")
    assert severe(one).holds is not True
    assert severe(one.problem("orchiectomy", -300, laterality="right")).criterion == "a"


def test_a_one_side_is_no_stop_and_no_question() -> None:
    found = severe(low_man().problem("testes-absent", laterality="left"))
    assert (found.holds, found.side_unknown) == (False, ())


def test_a_side_unknown_is_for_the_specialist_unless_the_laboratory_tells() -> None:
    found = low_man().problem("testes-absent").judged()
    assert codes(found)["specialist-review"] == "info"
    assert found.recommendation.status == "specialist"
    assert severe(labs(30).problem("testes-absent")).criterion == "a"
    castrate = labs(5, 5, RULES.castrate_t - 1).problem("testes-absent")
    assert severe(castrate).criterion == "a"


def test_a_contradicted_by_testosterone_still_stops() -> None:
    one = labs(4, 4, 600).problem("orchiectomy-both")
    found = one.judged()
    assert found.axis.state == "eugonadal"
    assert found.recommendation.status == "not-suitable"


# -- b


def test_b_lh_beyond_twice_its_limit() -> None:
    assert severe(labs(LH_FAR + TINY)).criterion == "b"
    assert severe(labs(LH_FAR)).holds is not True
    assert labs(LH_FAR + TINY).judged().axis.state == "severe-primary"
    assert labs(LH_FAR).judged().axis.state == "primary"


def test_b_needs_low_testosterone() -> None:
    assert severe(labs(LH_FAR + 1, t=600)).holds is False
    assert severe(man().testosterone(150).lh(LH_FAR + 1)).holds is None
    assert severe(man().testosterone(150, -30).testosterone(150, -60)).holds is None


def test_b_censored_lh() -> None:
    assert severe(labs(LH_FAR).without("lh").lh(LH_FAR, comparator=">")).criterion == "b"
    assert severe(labs(1).without("lh").lh(LH_HIGH + 1, comparator=">")).holds is None


# -- c


def volumes(one: Man, left: Number, right: Number) -> Man:
    return one.lab("testis-volume", left, -10).lab("testis-volume", right, -10)


def test_c_small_testes_with_both_hormones_high() -> None:
    lh, fsh, small = LH_HIGH + 1, FSH_FAR + 1, RULES.testis_volume - TINY
    assert severe(volumes(labs(lh, fsh), small, small)).criterion == "c"
    assert severe(volumes(labs(lh, fsh), small, RULES.testis_volume)).holds is False
    assert severe(volumes(labs(lh, FSH_FAR), small, small)).holds is False
    assert severe(volumes(labs(LH_HIGH, fsh), small, small)).holds is False
    # One testis measured, or none: not to be told.
    assert severe(labs(lh, fsh).lab("testis-volume", small, -10)).holds is None
    assert severe(labs(lh, fsh)).open_criteria == ("c",)


@pytest.mark.parametrize("lh", [LH_HIGH - 1, LH_HIGH + 1])
def test_c_klinefelter_is_the_specialists(lh: Decimal) -> None:
    found = labs(lh, 11).problem("klinefelter").judged()
    assert found.recommendation.status == "specialist"
    assert labs(LH_FAR + 1).problem("klinefelter").judged().recommendation.status == "not-suitable"
    mosaic = labs(4, 4).problem("sex-chromosome-mosaic").judged()
    assert mosaic.recommendation.status == "specialist"


# -- d


def hcg_test(one: Man, before: Number, after: Number, key: str = "72h") -> Man:
    one.lab("testosterone-hcg-pre", before, -20)
    return one.lab(f"testosterone-hcg-{key}", after, -17)


@pytest.mark.parametrize("key", ["72h", "96h"])
def test_d_flat_hcg_test(key: str) -> None:
    flat, risen = 100 * RULES.hcg_ratio - 1, 100 * RULES.hcg_ratio
    assert severe(hcg_test(labs(LH_HIGH + 1), 100, flat, key)).criterion == "d"
    assert severe(hcg_test(labs(LH_HIGH + 1), 100, risen, key)).holds is False


def test_d_is_not_used_while_lh_is_in_range() -> None:
    one = hcg_test(low_man(), 100, 110)
    assert severe(one).holds is False
    assert one.judged().recommendation.status == "specialist"


# -- f


@pytest.mark.parametrize("concept", ["xx-male", "gonadal-dysgenesis"])
def test_f_dysgenesis_with_raised_lh(concept: str) -> None:
    assert severe(labs(LH_HIGH + 1, 11).problem(concept)).criterion == "f"
    assert severe(labs(LH_HIGH, 11).problem(concept)).holds is False


def test_f_castrate_testosterone_with_raised_lh() -> None:
    castrate = RULES.castrate_t - TINY
    assert severe(labs(LH_HIGH + 1, 11, castrate)).criterion == "f"
    assert severe(labs(LH_HIGH + 1, 11, RULES.castrate_t)).holds is False
    assert severe(labs(LH_HIGH, 11, castrate)).holds is False


def test_f_partial_dysgenesis_is_the_specialists() -> None:
    found = low_man().problem("gonadal-dysgenesis-partial").judged()
    assert found.recommendation.status == "specialist"


# -- On drugs


def test_laboratory_values_under_a_drug_prove_nothing() -> None:
    one = labs(LH_FAR + 10).drug("clomiphene", -100)
    assert "severe-primary-failure" not in codes(one.judged())


def test_values_from_before_the_drug_do() -> None:
    one = man().testosterone(150, -130).testosterone(150, -160).lh(LH_FAR + 1, -130)
    found = one.fsh(30, -130).drug("clomiphene", -100).judged()
    assert codes(found)["severe-primary-failure"] == "critical"
    assert found.recommendation.status == "on-therapy"


def test_an_uncertain_drug_does_not_make_it_critical() -> None:
    one = man().testosterone(150, -130).testosterone(150, -160).lh(LH_FAR + 1, -130)
    found = one.fsh(30, -130).drug("clomiphene", -100, status="uncertain").judged()
    assert codes(found)["severe-primary-failure"] == "warning"


def test_an_order_makes_it_critical_and_offers_to_remove_the_draft() -> None:
    for agent in ("clomiphene", "enclomiphene", "hcg", "anastrozole", "fsh"):
        finding = the(labs(LH_FAR + 1).judged(agent), "severe-primary-failure")
        assert (finding.severity, finding.card, finding.agent) == ("critical", True, agent)
        assert finding.fixes[0].kind == "remove-order"
    # Testosterone is what such a man may need.
    finding = the(labs(LH_FAR + 1).judged("testosterone-short"), "severe-primary-failure")
    assert not finding.card


def test_medications_unread_leave_it_open() -> None:
    assert severe(labs(LH_FAR + 1).gap("MedicationRequest")).holds is None
    assert severe(man().problem("orchiectomy-both").gap("MedicationRequest")).holds is True


def test_refuted_diagnoses_say_nothing() -> None:
    one = low_man().problem("orchiectomy-both")
    one.problems = [replace(p, refuted=True) for p in one.problems]
    assert severe(one).holds is False


def test_d_draws_of_two_tests_are_not_one_test() -> None:
    days = knowledge().protocol.severe.hcg_days

    def tested(before: int, after: int) -> Man:
        one = labs(LH_HIGH + 1).lab("testosterone-hcg-pre", 200, before)
        return one.lab("testosterone-hcg-72h", 210, after)

    assert severe(tested(-20 - days, -20)).criterion == "d"
    assert severe(tested(-21 - days, -20)).holds is False
    assert severe(tested(-20, -400)).holds is False, "a new baseline is no half of an old test"
