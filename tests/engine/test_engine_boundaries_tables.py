"""Every wash-out, published amount, default range and cut of a profile, on both sides of it.

The tables are read once, when the cases are collected; the engine is asked later.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from men import Man, candidate, codes, day, knowledge, low_man, man, taking
from msgspec import structs

from smartapp.engine.course import disturbing
from smartapp.engine.low_t import judge_low_t
from smartapp.engine.samples import take_samples
from smartapp.engine.steps import next_steps

TINY = Decimal("0.001")
DRUGS = knowledge().catalogue.drugs
ANALYTES = knowledge().catalogue.analytes
BONE, FLUID = knowledge().protocol.bone, knowledge().protocol.fluid
WASHOUTS = [
    pytest.param(key, drug.washout_days, id=key)
    for key, drug in DRUGS.items()
    if drug.hpg_active and drug.washout_days is not None
]
PUBLISHED = [
    pytest.param(key, regimen.agent, regimen.per_week, id=key)
    for key, regimen in knowledge().regimens.items()
]
RANGES = [
    pytest.param(key, analyte.default_range.low, analyte.default_range.high, id=key)
    for key, analyte in ANALYTES.items()
    if analyte.default_range.low is not None or analyte.default_range.high is not None
]


@pytest.mark.parametrize(("agent", "days"), WASHOUTS)
def test_a_draw_counts_again_from_the_day_the_wash_out_is_over(agent: str, days: int) -> None:
    courses = man().drug(agent, -900, -800).case().courses
    assert disturbing(courses, day(-800 + days - 1)) is not None
    assert disturbing(courses, day(-800 + days)) is None


@pytest.mark.parametrize(("key", "agent", "weekly"), PUBLISHED)
def test_a_published_amount_is_a_step_up_from_less_and_down_from_more(
    key: str, agent: str, weekly: Decimal
) -> None:
    def steps(dose: Decimal, way: str) -> set[str]:
        return {r.key for r in next_steps(knowledge(), agent, dose, way)}  # type: ignore[arg-type]

    assert key in steps(weekly - TINY, "up")
    assert key in steps(weekly + TINY, "down")
    assert key not in steps(weekly, "up") | steps(weekly, "down")


@pytest.mark.parametrize(("analyte", "low", "high"), RANGES)
def test_a_result_without_a_range_is_held_against_the_default(
    analyte: str, low: Decimal | None, high: Decimal | None
) -> None:
    one = man().lab(analyte, 5)
    bare = structs.replace(one.labs[0], range=None)
    used = one.case().range_of(bare)
    assert (used.low, used.high, used.source) == (low, high, "default")


def answer(one: Man, profile: str) -> str:
    case = one.case(profile)
    return judge_low_t(case, take_samples(case)).answer


def pair(value: Decimal, shbg: int | None = 30, *, diabetic: bool = False) -> Man:
    one = man().testosterone(value, -30).testosterone(value, -60).lh(3).fsh(4)
    if diabetic:
        one.problem("type-2-diabetes")
    return one if shbg is None else one.shbg(shbg)


@pytest.mark.parametrize("profile", ["eau", "bssm"])
def test_a_profile_without_a_band_for_shbg_sends_everything_above_its_line_to_free_testosterone(
    profile: str,
) -> None:
    cut = knowledge(profile).protocol.low_t.clearly_low
    assert answer(pair(cut - TINY, None), profile) == "low"
    assert answer(pair(cut, None), profile) == "unknown"
    assert answer(pair(cut, 5), profile) == "not-low"


TOPS = [
    (profile, top, diabetic)
    for profile in ("aua", "es", "eau", "bssm")
    for diabetic in (False, True)
    for rules in (knowledge(profile).protocol.low_t,)
    for top in (rules.free_t_top_diabetes if diabetic else rules.free_t_top,)
]


@pytest.mark.parametrize(("profile", "top", "diabetic"), TOPS)
def test_free_testosterone_decides_up_to_the_top_of_the_profiles_band(
    profile: str, top: Decimal, diabetic: bool
) -> None:
    assert answer(pair(top, 50 if profile == "es" else 200, diabetic=diabetic), profile) == (
        answer(pair(top - 1, 50 if profile == "es" else 200, diabetic=diabetic), profile)
    )
    assert answer(pair(top, None, diabetic=diabetic), profile) == "unknown"
    assert answer(pair(top + TINY, None, diabetic=diabetic), profile) == "not-low"


@pytest.mark.parametrize("profile", ["aua", "es", "eau", "bssm"])
def test_each_profile_holds_free_testosterone_against_its_own_cut(profile: str) -> None:
    case = pair(Decimal(310), 60).case(profile)
    judged = judge_low_t(case, take_samples(case))
    assert judged.free_t_cut == CUTS[profile]


CUTS = {p: knowledge(p).protocol.low_t.free_t_cut for p in ("aua", "es", "eau", "bssm")}


def test_a_bone_density_counts_to_the_last_day_of_its_window() -> None:
    def measured(offset: int) -> bool:
        one = low_man().drug("anastrozole", -200, dose=taking(1, 7))
        found = one.lab("bone-t-score", "-3", offset).judged()
        return "bone-loss" in codes(found)

    # Under treatment begun 200 days ago every score is told, from before it or not.
    assert measured(-BONE.window)
    assert not measured(-BONE.window - 1)


def test_a_weight_counts_to_the_last_day_of_its_window() -> None:
    def gained(offset: int) -> bool:
        one = candidate().drug("hcg", -300, per_week=5000)
        one.lab("weight", 80, offset - FLUID.weight_days)
        return "fluid-retention" in codes(one.lab("weight", 80 + FLUID.weight, offset).judged())

    assert gained(-FLUID.weight_window)
    assert not gained(-FLUID.weight_window - 1)
