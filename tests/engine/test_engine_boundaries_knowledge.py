"""The numbers of the knowledge as the whole engine feels them, and what a finding rests on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from men import Man, candidate, codes, day, draft, knowledge, low_man, man, taking, the

from smartapp.engine.low_t import judge_low_t, judge_shbg
from smartapp.engine.samples import take_samples
from smartapp.patient.record import Dose

PROTOCOL = knowledge().protocol
CI, DOSE, WORKUP = PROTOCOL.contraindications, PROTOCOL.dose, PROTOCOL.workup
LOW_T, ORDERS, SHBG, MON = PROTOCOL.low_t, PROTOCOL.orders, PROTOCOL.shbg, PROTOCOL.monitoring
ANALYTES = knowledge().catalogue.analytes
TINY = Decimal("0.01")
START = -200


def pair(value: Decimal | int, shbg: int | None = 30, age: int = 35) -> Man:
    one = man(age).testosterone(value, -30).testosterone(value, -60).lh(3).fsh(4)
    return one if shbg is None else one.shbg(shbg)


def reason(one: Man) -> str:
    case = one.case()
    return judge_low_t(case, take_samples(case)).reason


# -- low testosterone


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (pair(LOW_T.clearly_low - TINY), "clearly-low"),
        (pair(LOW_T.clearly_low), "low"),
        (pair(LOW_T.free_t_top_diabetes + TINY).problem("type-2-diabetes"), "not-low"),
        (pair(LOW_T.low_if_shbg_normal - TINY, None, SHBG.risk_age - 1), "low"),
        (pair(LOW_T.low_if_shbg_normal - TINY, None, SHBG.risk_age), "shbg-at-risk"),
        (pair(250, None).lab("bmi", SHBG.risk_bmi), "shbg-at-risk"),
        (pair(250, None).lab("bmi", SHBG.risk_bmi - TINY), "low"),
    ],
)
def test_the_numbers_of_low_testosterone(one: Man, expected: str) -> None:
    assert reason(one) == expected


def test_just_above_the_top_for_a_candidate_is_the_specialists() -> None:
    now = knowledge()
    low_t = replace(now.protocol.low_t, free_t_top=Decimal(400), free_t_top_diabetes=Decimal(400))
    wider = replace(now, protocol=replace(now.protocol, low_t=low_t))

    def status(value: Decimal) -> str:
        one = candidate().without("testosterone", "shbg").testosterone(value, -30)
        return one.testosterone(value, -60).shbg(60).judged(site=wider).recommendation.status

    assert status(LOW_T.candidate_top) == "candidate"
    assert status(LOW_T.candidate_top + TINY) == "specialist"


def test_shbg_at_the_limit_of_older_men_is_normal() -> None:
    case = low_man(SHBG.older_age).without("shbg").shbg(SHBG.high_older).case()
    assert judge_shbg(case, take_samples(case)) == "normal"


# -- the work-up


def crossed(one: Man) -> bool:
    return codes(one.judged()).get("axis-workup") == "warning"


def test_the_lines_and_days_of_the_work_up() -> None:
    def iron(value: Decimal, offset: int = -30) -> Man:
        return candidate().without("ferritin").lab("transferrin-saturation", value, offset)

    line = WORKUP.transferrin_saturation
    assert not crossed(iron(line))
    assert crossed(iron(line + TINY))
    assert crossed(iron(line + 20, -WORKUP.iron_days))
    assert not crossed(iron(line + 20, -WORKUP.iron_days - 1))

    def thyroid(offset: int) -> Man:
        return candidate().without("tsh").lab("tsh", 8, offset)

    assert crossed(thyroid(-WORKUP.tsh_days))
    assert not crossed(thyroid(-WORKUP.tsh_days - 1))


def test_iron_is_missing_only_when_neither_was_measured() -> None:
    def summary(one: Man) -> str:
        found = one.judged()
        return " ".join(f.summary + f.detail for f in found.findings if f.code == "axis-workup")

    saturation = candidate().without("ferritin").lab("transferrin-saturation", 30)
    assert summary(candidate()) == summary(saturation) == ""
    assert summary(candidate().without("ferritin"))


# -- the days of the matrix


MATRIX: list[tuple[str, Decimal | int, int, str]] = [
    ("alt", 400, CI.liver_days, "contraindication"),
    ("tsh", 12, CI.thyroid_days, "contraindication"),
    ("psa", 6, CI.psa_days, "precaution"),
    ("hematocrit", 55, CI.hematocrit_days, "contraindication"),
    ("hematocrit", 51, CI.hematocrit_days, "precaution"),
    ("triglycerides", 700, CI.triglycerides_days, "precaution"),
    ("bmi", 35, CI.bmi_days, "precaution"),
]


@pytest.mark.parametrize(("analyte", "value", "days", "code"), MATRIX)
def test_a_result_stands_against_a_drug_to_the_last_of_its_days(
    analyte: str, value: Decimal | int, days: int, code: str
) -> None:
    def said(offset: int) -> bool:
        one = candidate().without(analyte).lab(analyte, value, offset)
        return code in codes(one.judged("clomiphene"))

    assert said(-days)
    assert not said(-days - 1)


# -- doses, through the whole engine


def hcg(at_once: Decimal | int, weekly: Decimal | int) -> Dose:
    return Dose(Decimal(at_once), "[IU]", None, "as told", Decimal(weekly))


DOSES: list[tuple[str, Dose, bool]] = [
    ("hcg", hcg(DOSE.hcg_dose_low, DOSE.hcg_week_low), False),
    ("hcg", hcg(DOSE.hcg_dose_low, DOSE.hcg_week_low - 1), True),
    ("hcg", hcg(DOSE.hcg_dose_low - 1, DOSE.hcg_week_low), True),
    ("hcg", hcg(DOSE.hcg_dose_high, DOSE.hcg_week_high), False),
    ("hcg", hcg(DOSE.hcg_dose_high, DOSE.hcg_week_high + 1), True),
    ("hcg", hcg(DOSE.hcg_dose_high + 1, DOSE.hcg_week_high), True),
    ("enclomiphene", taking(DOSE.enclomiphene_base_low, 7, text="as base"), False),
    ("enclomiphene", taking(DOSE.enclomiphene_base_low - TINY, 7, text="as base"), True),
    ("enclomiphene", taking(DOSE.enclomiphene_base_high, 7, text="as base"), False),
    ("enclomiphene", taking(DOSE.enclomiphene_base_high + TINY, 7, text="as base"), True),
    ("enclomiphene", taking(DOSE.enclomiphene_low - TINY, 7, text="as citrate"), True),
    ("enclomiphene", taking(DOSE.enclomiphene_base_low - TINY, 7), True),
]


@pytest.mark.parametrize(("agent", "dose", "outside"), DOSES)
def test_the_published_ranges_reach_the_order(agent: str, dose: Dose, outside: bool) -> None:
    found = candidate().judged(draft(agent, dose=dose))
    assert ("dose-outside-regimen" in codes(found)) is outside


# -- orders and follow-up


def test_the_wish_is_asked_for_below_its_age() -> None:
    def asked(age: int) -> bool:
        found = the(candidate(age).judged("testosterone-short"), "recalibration-alternative")
        return any(fix.kind == "questionnaire" for fix in found.fixes)

    assert asked(ORDERS.wish_age - 1)
    assert not asked(ORDERS.wish_age)


def test_the_first_step_of_other_drugs_has_its_own_window() -> None:
    one = man().testosterone(210, -15).lh(3, -15).drug("hcg", -10)
    (due,) = (d for d in one.judged().due if d.test == ANALYTES["testosterone"].name)
    start = day(-10)
    assert due.due == start + timedelta(days=MON.first)
    assert due.window == (
        start + timedelta(days=MON.first_low),
        start + timedelta(days=MON.first_high),
    )


# -- what a finding rests on


def treated(agent: str = "clomiphene", **more: Any) -> Man:
    one = man(55).testosterone(210, START - 10).testosterone(220, START - 40)
    one.lh(3, START - 10).fsh(4, START - 10).hematocrit(45, START - 10)
    return one.drug(agent, START, **more)


FIRED: list[tuple[str, Man, set[str]]] = [
    ("bone-loss", treated().drug("anastrozole", -100).lab("bone-t-score", "-2.6", -30),
     {"bone-t-score"}),
    ("semen-decline", treated().lab("sperm-concentration", 1, -5), {"sperm-concentration"}),
    ("semen-decline", treated().lab("sperm-total", 10, -5), {"sperm-total"}),
    ("semen-decline",
     treated().lab("sperm-concentration", 20, -5).lab("sperm-total", 10, -5), {"sperm-total"}),
    ("hematocrit-high", treated().hematocrit(53, -5), {"hematocrit"}),
    ("psa-rise", treated().lab("psa", 6, -5), {"psa"}),
    ("liver-enzymes-high", treated().lab("alt", 200, -5).lab("ast", 20, -5), {"alt"}),
    ("liver-enzymes-high", treated().lab("alt", 20, -5).lab("ast", 200, -5), {"ast"}),
    ("triglycerides-high", treated().lab("triglycerides", 600, -5), {"triglycerides"}),
    ("estradiol-high", treated().lab("estradiol", 70, -5), {"estradiol"}),
    ("t-e2-ratio-low", treated().testosterone(400, -5).lab("estradiol", 50, -5),
     {"testosterone", "estradiol"}),
    ("response-over", treated().testosterone(1000, -5), {"testosterone"}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "one", "analytes"), FIRED)
def test_the_results_that_fired_are_the_evidence(code: str, one: Man, analytes: set[str]) -> None:
    finding = the(one.judged(), code)
    assert {e.analyte for e in finding.evidence if e.role == "fired"} == analytes


def test_a_drug_no_longer_taken_is_under_nothing() -> None:
    stopped = (
        man().drug("clomiphene", START, -100).hematocrit(56, -5).lab("triglycerides", 1200, -5)
    )
    found = codes(stopped.problem("vte-symptom", -5).judged())
    assert not {"hematocrit-high", "triglycerides-high", "thromboembolism"} & found.keys()
    other = man().drug("levothyroxine", START).hematocrit(56, -5).lab("triglycerides", 1200, -5)
    found = codes(other.problem("vte-symptom", -5).judged())
    assert not {"hematocrit-high", "triglycerides-high", "thromboembolism"} & found.keys()


def test_a_symptom_of_a_clot_that_is_over_or_undated_warns_nobody() -> None:
    assert "thromboembolism" in codes(treated().problem("vte-symptom", -5).judged())
    assert "thromboembolism" not in codes(
        treated().problem("vte-symptom", -5, active=False).judged()
    )


def test_the_far_estradiol_asks_for_a_better_method_and_the_near_one_does_not() -> None:
    def orders(value: int) -> set[str]:
        return {f.kind for f in the(treated().lab("estradiol", value, -5).judged(),
                                    "estradiol-high").fixes}  # fmt: skip

    assert "order-lab" in orders(110)
    assert "order-lab" not in orders(70)


def test_a_fallen_response_asks_for_lh_where_there_is_none_and_for_the_specialist_where_high() -> (
    None
):
    def lost(lh: int | None) -> tuple[set[str], str]:
        one = treated().testosterone(600, -60).testosterone(320, -5)
        if lh is not None:
            one.lh(lh, -5)
        finding = the(one.judged(), "response-lost")
        return {f.code for f in finding.fixes if f.kind == "order-lab"}, finding.detail

    assert lost(None)[0] and not lost(5)[0]
    details = {lost(None)[1], lost(1)[1], lost(5)[1], lost(15)[1]}
    assert len(details) == 4
    at_the_low_end = ANALYTES["lh"].default_range.low
    assert at_the_low_end is not None

    def where(lh: Decimal) -> str:
        one = treated().testosterone(600, -60).testosterone(320, -5).lh(lh, -5)
        return the(one.judged(), "response-lost").detail

    high = ANALYTES["lh"].default_range.high
    assert high is not None
    assert where(at_the_low_end) == where(Decimal(5))
    assert where(at_the_low_end - TINY) != where(Decimal(5))
    assert where(high) == where(Decimal(5))
    assert where(high + TINY) != where(Decimal(5))


def test_a_renewal_plans_what_opens_until_the_soonest_is_due() -> None:
    def planned(start: int) -> str:
        one = candidate(55).drug("clomiphene", start, dose=taking(25, 7))
        return the(one.judged(draft("clomiphene", dose=taking(25, 7))), "monitoring-plan").detail

    early = planned(-10)
    assert ANALYTES["testosterone"].name in early
    assert ANALYTES["psa"].name not in early


def test_an_order_beside_a_drug_already_taken_plans_the_first_step() -> None:
    """Only where every drug ordered is taken already is it a renewal."""
    one = candidate().drug("clomiphene", -10, dose=taking(25, 7))
    both = one.judged("clomiphene", "hcg")
    alone = one.judged("clomiphene")
    told = [
        next((f.detail for f in found.findings if f.code == "monitoring-plan"), None)
        for found in (both, alone)
    ]
    assert told[1] is not None
    assert told[0] != told[1]


# -- the action table, through the whole engine


def long_treated(agent: str = "clomiphene") -> Man:
    return man(55).drug(agent, -900, dose=taking(25, 7))


WINDOWS: list[tuple[str, str, Decimal | int, int]] = [
    ("estradiol", "estradiol-high", 70, PROTOCOL.estradiol.window),
    ("psa", "psa-rise", 12, PROTOCOL.psa.window),
    ("alt", "liver-enzymes-high", 200, PROTOCOL.liver.window),
    ("triglycerides", "triglycerides-high", 600, PROTOCOL.lipids.window),
    ("sperm-concentration", "semen-decline", 1, PROTOCOL.semen.window),
    ("hematocrit", "hematocrit-high", 53, PROTOCOL.hematocrit.window),
]


@pytest.mark.parametrize(("analyte", "code", "value", "days"), WINDOWS)
def test_a_result_on_therapy_speaks_to_the_last_of_its_days(
    analyte: str, code: str, value: Decimal | int, days: int
) -> None:
    assert code in codes(long_treated().lab(analyte, value, -days).judged())
    assert code not in codes(long_treated().lab(analyte, value, -days - 1).judged())


SEMEN = PROTOCOL.semen


@pytest.mark.parametrize(
    ("analyte", "line"),
    [
        ("sperm-concentration", SEMEN.concentration),
        ("sperm-total", SEMEN.total),
        ("sperm-motility", SEMEN.motile),
        ("sperm-progressive", SEMEN.progressive),
        ("sperm-morphology", SEMEN.morphology),
    ],
)
def test_semen_on_its_reference_limit_is_not_below_it(analyte: str, line: Decimal) -> None:
    assert "semen-decline" not in codes(treated().lab(analyte, line, -5).judged())
    assert "semen-decline" in codes(treated().lab(analyte, line - TINY, -5).judged())


def test_psa_on_its_limit_and_doubled_under_the_inhibitor() -> None:
    line, factor = PROTOCOL.psa.limit, PROTOCOL.psa.inhibitor_factor

    def said(value: Decimal, *, inhibited: bool = False) -> bool:
        one = man(55).drug("clomiphene", START)
        if inhibited:
            one.drug("5ari", -900)
        return "psa-rise" in codes(one.lab("psa", value, -5).judged())

    assert not said(line)
    assert said(line + TINY)
    assert not said(line / factor, inhibited=True)
    assert said(line / factor + TINY, inhibited=True)


def test_hcg_has_failed_from_the_weekly_dose_on_that_is_enough() -> None:
    def failed(weekly: Decimal) -> bool:
        one = treated("hcg", per_week=weekly).testosterone(220, -5)
        return "response-testicular-failure" in codes(one.judged())

    assert failed(PROTOCOL.response.hcg_week)
    assert not failed(PROTOCOL.response.hcg_week - 1)


def test_the_window_of_the_first_step_ends_a_day_before_it_is_overdue() -> None:
    def overdue(days: int) -> bool:
        one = man().drug("hcg", -days)
        (due,) = (d for d in one.judged().due if d.test == ANALYTES["testosterone"].name)
        return due.overdue

    assert not overdue(MON.first_high)
    assert overdue(MON.first_high + 1)
