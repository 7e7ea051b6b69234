"""The response to treatment (clinical rules 9): each row, both sides of each line, and unknown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from men import Man, Number, codes, knowledge, low_man, man, taking, the

from smartapp.engine.assessment import Assessment

RULES = knowledge().protocol.response
NOISE = knowledge().protocol.variation
ANALYTES = knowledge().catalogue.analytes
TINY = Decimal("0.1")
BASE_T, BASE_LH = Decimal(200), Decimal(3)
START = -300
RESPONSE = frozenset({
    "response-over", "response-lost", "response-testicular-failure", "response-central-failure",
    "response-partial", "response-in-target", "response-biochemical-only",
})  # fmt: skip


def uln(analyte: str) -> Decimal:
    high = ANALYTES[analyte].default_range.high
    assert high is not None
    return high


def on(agent: str = "clomiphene", start: int = START, per_week: Number = 3.5, mg: int = 25) -> Man:
    """A man whose baseline is known, some time on the drug; nothing measured on it yet."""
    one = man().testosterone(BASE_T, start - 5).testosterone(210, start - 40)
    one.lh(BASE_LH, start - 5).fsh(4, start - 5).shbg(30, start - 5).hematocrit(45, start - 5)
    unit, amount = ("[IU]", 1500) if agent == "hcg" else ("mg", mg)
    return one.drug(agent, start, dose=taking(amount, per_week, unit))


def said(assessment: Assessment) -> str | None:
    found = sorted(RESPONSE & codes(assessment, course=True).keys())
    assert len(found) < 2
    return found[0] if found else None


def opened(assessment: Assessment, rule: str) -> list[str]:
    return [n.reason for n in assessment.not_evaluable if n.rule == rule]


# -- When a testosterone tells of the response


@pytest.mark.rule("R-RESP-01", "not-evaluable")
@pytest.mark.parametrize(
    ("agent", "wait"),
    [("clomiphene", RULES.settle_clomiphene), ("enclomiphene", RULES.settle)],
)
def test_a_testosterone_tells_once_the_dose_has_settled(agent: str, wait: int) -> None:
    soon = on(agent, -wait + 1).testosterone(520, -1).judged()
    assert said(soon) is None
    assert "too recent" in opened(soon, "R-RESP-01")[0]
    assert said(on(agent, -wait - 10).testosterone(520, -11).judged()) is None
    assert said(on(agent, -wait - 10).testosterone(520, -10).judged()) == "response-in-target"


@pytest.mark.rule("R-RESP-01", "not-evaluable")
def test_a_testosterone_tells_while_it_is_new() -> None:
    assert said(on().testosterone(520, -RULES.age).judged()) == "response-in-target"
    old = on().testosterone(520, -RULES.age - 1).judged()
    assert said(old) is None
    (reason,) = opened(old, "R-RESP-01")
    assert "recent enough" in reason


def test_every_change_of_dose_begins_the_wait_anew() -> None:
    one = man().testosterone(200, -205).testosterone(210, -230).lh(3, -205).fsh(4, -205)
    one.drug("clomiphene", -200, -50, dose=taking(25, 3.5))
    one.drug("clomiphene", -50, dose=taking(25, 7))
    assert said(one.testosterone(520, -9).judged()) is None
    assert said(one.testosterone(530, -8).judged()) == "response-in-target"


def test_a_refill_is_no_change_of_dose_and_an_added_drug_is() -> None:
    one = on(start=-200)
    one.episodes.clear()
    one.drug("clomiphene", -200, -60, dose=taking(25, 3.5))
    one.drug("clomiphene", -50, dose=taking(25, 3.5)).testosterone(520, -20)
    assert said(one.judged()) == "response-in-target"
    one.drug("hcg", -30, dose=taking(1500, 2, "[IU]"))
    assert said(one.judged()) is None


@pytest.mark.rule("R-RESP-01", "not-evaluable")
def test_without_a_start_or_beside_testosterone_nothing_is_judged() -> None:
    for one in (
        low_man().drug("clomiphene", None).testosterone(520, -5),
        on().drug("testosterone-short", -100).testosterone(520, -5),
        on().testosterone(520, -20).unusable("testosterone", -5),
    ):
        found = one.judged()
        assert said(found) is None
        assert opened(found, "R-RESP-01")


def test_off_treatment_and_on_an_adjunct_alone_there_is_no_response() -> None:
    assert said(low_man().judged()) is None
    assert said(low_man().drug("anastrozole", -200).testosterone(520, -5).judged()) is None


# -- The clock


@pytest.mark.rule("R-RESP-05", "not-evaluable")
@pytest.mark.parametrize("clock", ["not-morning", "provisional"])
def test_another_hour_tells_of_what_is_high_but_not_of_what_is_low(clock: str) -> None:
    def at(value: int) -> Assessment:
        return on().testosterone(value, -20, clock=clock).judged()

    assert said(at(1000)) == "response-over"
    assert said(at(500)) == "response-in-target"
    low = at(400)
    assert said(low) is None
    assert "outside the morning" in opened(low, "R-RESP-05")[0]


def test_a_morning_counts_although_an_afternoon_came_later() -> None:
    one = on().testosterone(520, -30).testosterone(250, -10, clock="not-morning")
    assert said(one.judged()) == "response-in-target"


# -- Row 1


@pytest.mark.rule("R-RESP-01", "positive")
@pytest.mark.rule("R-RESP-01", "boundary")
def test_over_response() -> None:
    def at(value: Decimal) -> Assessment:
        return on().testosterone(value, -20).judged()

    assert said(at(RULES.over)) == "response-in-target"
    over = the(at(RULES.over + TINY), "response-over")
    assert (over.severity, over.card) == ("warning", True)
    assert "no lower step" in over.detail
    assert the(at(RULES.far_over), "response-over").severity == "warning"
    far = the(at(RULES.far_over + TINY), "response-over")
    assert far.severity == "critical"
    assert [fix.code for fix in far.fixes] == [ANALYTES["testosterone"].order_loinc]


@pytest.mark.rule("R-RESP-01", "negative")
def test_near_the_ceiling_is_a_near_miss() -> None:
    found = on().testosterone(900, -20).judged()
    assert any(n.text.startswith("Testosterone 900 ng/dL") for n in found.near_misses)
    far = on().testosterone(700, -20).judged()
    assert not any(n.rule == "R-RESP-01" for n in far.near_misses)


@pytest.mark.rule("R-RESP-01", "not-evaluable")
def test_a_testosterone_told_as_a_limit() -> None:
    beyond = on().testosterone(1500, -20, comparator=">").judged()
    assert the(beyond, "response-over").severity == "critical"
    open_ = on().testosterone(600, -20, comparator=">").judged()
    assert said(open_) is None
    assert "only as a limit" in opened(open_, "R-RESP-01")[0]
    below = on("hcg", per_week=2).testosterone(310, -20, comparator="<").judged()
    assert said(below) is None
    assert opened(below, "R-RESP-05")


def test_a_step_down_is_named_where_one_is_published() -> None:
    over = on(per_week=7, mg=50).testosterone(1000, -20).judged()
    assert "50 mg by mouth every other day, or 25 mg by mouth once a day" in (
        the(over, "response-over").detail
    )
    unread = on().without("testosterone")
    unread.episodes.clear()
    unread.drug("clomiphene", START).testosterone(1000, -20)
    assert "could not be read" in the(unread.judged(), "response-over").detail


# -- Row 2


def fallen(by: Decimal, before: int = 700) -> Man:
    now = before * (100 - by) / 100
    return on().testosterone(before, -100).testosterone(now, -20).lh("1.0", -20)


@pytest.mark.rule("R-RESP-02", "positive")
@pytest.mark.rule("R-RESP-02", "boundary")
def test_response_lost() -> None:
    fall = NOISE.testosterone_down
    found = the(fallen(fall).judged(), "response-lost")
    assert (found.severity, found.card) == ("warning", True)
    assert f"fallen by {fall} %" in found.detail
    assert "LH is below its range" in found.detail
    assert said(fallen(fall - TINY).judged()) == "response-partial"


@pytest.mark.rule("R-RESP-02", "boundary")
def test_lost_begins_below_the_band_and_had_to_be_in_it() -> None:
    high = int(RULES.over)
    in_band = on().testosterone(high, -100).testosterone(RULES.target, -20)
    assert said(in_band.judged()) == "response-in-target"
    out = on().testosterone(high, -100).testosterone(RULES.target - TINY, -20)
    assert said(out.judged()) == "response-lost"
    never = on().testosterone(RULES.target - TINY, -100).testosterone(150, -20).lh(4, -20)
    assert said(never.judged()) == "response-central-failure"
    before = low_man().testosterone(800, -400).drug("clomiphene", -100).testosterone(310, -20)
    assert said(before.judged()) == "response-partial"


def test_still_lost_at_the_next_look() -> None:
    one = on().testosterone(700, -100).testosterone(380, -60).testosterone(370, -10)
    assert said(one.judged()) == "response-lost"


@pytest.mark.rule("R-RESP-02", "negative")
def test_a_fall_after_a_lower_dose_is_no_loss() -> None:
    one = on()
    one.episodes.clear()
    one.drug("clomiphene", START, -90, dose=taking(50, 7))
    one.drug("clomiphene", -90, dose=taking(25, 7))
    one.testosterone(700, -100).testosterone(400, -20)
    assert said(one.judged()) == "response-partial"
    raised = on()
    raised.episodes.clear()
    raised.drug("clomiphene", START, -90, dose=taking(25, 7))
    raised.drug("clomiphene", -90, dose=taking(50, 7))
    raised.testosterone(700, -100).testosterone(400, -20)
    assert said(raised.judged()) == "response-lost"


@pytest.mark.rule("R-RESP-02", "not-evaluable")
def test_a_loss_cannot_be_told_across_assays_or_doses_unread() -> None:
    one = on().testosterone(700, -100, method="lc-ms")
    found = one.testosterone(400, -20, method="immunoassay").judged()
    assert said(found) == "response-partial"
    assert "change of assay" in opened(found, "R-RESP-02")[0]
    elsewhere = on().testosterone(700, -100, performer="A").testosterone(400, -20, performer="B")
    assert opened(elsewhere.judged(), "R-RESP-02")
    unread = on()
    unread.episodes.clear()
    unread.drug("clomiphene", START, -90).drug("clomiphene", -90, dose=taking(25, 7))
    unread.testosterone(700, -100).testosterone(400, -20)
    assert "could not be read" in opened(unread.judged(), "R-RESP-02")[0]


# -- Row 3


def failing(t: Any = 250, lh: Any = 4, **more: Any) -> Man:
    return on(**more).testosterone(t, -20).lh(lh, -20)


@pytest.mark.rule("R-RESP-03", "positive")
@pytest.mark.rule("R-RESP-03", "boundary")
def test_central_and_testicular_failure_part_at_the_rise_of_lh() -> None:
    risen = BASE_LH * (100 + NOISE.lh_up) / 100
    assert said(failing(lh=risen).judged()) == "response-testicular-failure"
    assert said(failing(lh=risen - TINY).judged()) == "response-central-failure"
    above = on(start=START).without("lh").lh(8, START - 5).testosterone(250, -20)
    assert said(above.lh(uln("lh") + TINY, -20).judged()) == "response-testicular-failure"
    within = on().without("lh").lh(8, START - 5).testosterone(250, -20).lh(uln("lh"), -20)
    assert said(within.judged()) == "response-central-failure"


def test_a_failure_warns_on_a_card_and_names_the_next_step() -> None:
    central = the(failing().judged(), "response-central-failure")
    assert (central.severity, central.card) == ("warning", True)
    assert "next published step for clomiphene is 50 mg by mouth every other day" in central.detail
    testes = the(failing(lh=12).judged(), "response-testicular-failure")
    assert (testes.severity, testes.card) == ("warning", True)
    assert "+25 %" in testes.detail
    assert "not a higher dose" in testes.detail
    assert {e.role for e in testes.evidence} == {"fired", "baseline", "under"}
    at_top = failing(per_week=7, mg=50).judged()
    assert "no higher step" in the(at_top, "response-central-failure").detail


@pytest.mark.rule("R-RESP-03", "boundary")
def test_testicular_failure_needs_a_testosterone_that_has_not_risen() -> None:
    base = Decimal(100)
    rise = base * (100 + NOISE.testosterone_up) / 100

    def at(t: Decimal) -> Man:
        one = on().without("testosterone").testosterone(base, START - 5)
        return one.testosterone(t, -20).lh(12, -20)

    assert said(at(rise).judged()) == "response-partial"
    assert said(at(rise - TINY).judged()) == "response-testicular-failure"


@pytest.mark.rule("R-RESP-03", "boundary")
def test_failure_is_not_named_at_once() -> None:
    days = RULES.failure_days

    def after(count: int) -> Assessment:
        one = on(start=-count - 5)
        return one.testosterone(250, -5).lh(4, -5).judged()

    assert said(after(days)) == "response-central-failure"
    assert said(after(days - 1)) == "response-partial"


@pytest.mark.rule("R-RESP-03", "boundary")
def test_failure_begins_below_its_line() -> None:
    assert said(failing(RULES.low - TINY).judged()) == "response-central-failure"
    assert said(failing(RULES.low).judged()) == "response-partial"


def at_maximum(apart: int, lh: int = 12) -> Man:
    """Two failed evaluations within twelve weeks, at the greatest published dose."""
    one = on("enclomiphene", -80, per_week=7, mg=25)
    return one.testosterone(250, -apart - 5).testosterone(240, -5).lh(lh, -5)


@pytest.mark.rule("R-RESP-03", "positive")
def test_two_failures_at_the_maximum_go_to_the_specialist() -> None:
    apart = RULES.evaluations_apart
    found = at_maximum(apart).judged()
    assert said(found) == "response-testicular-failure"
    assert "maximum dose" in the(found, "specialist-review").detail
    closer = at_maximum(apart - 1).judged()
    assert said(closer) == "response-partial"
    assert "specialist-review" not in codes(closer)
    lower = on("enclomiphene", -80, per_week=7, mg=12)
    lower.testosterone(250, -apart - 5).testosterone(240, -5).lh(12, -5)
    assert said(lower.judged()) == "response-partial"
    assert "specialist-review" not in codes(failing(lh=12).judged())


@pytest.mark.rule("R-RESP-03", "not-evaluable")
def test_without_lh_a_failure_cannot_be_told_and_lh_is_asked_for() -> None:
    found = on().testosterone(250, -20).judged()
    assert said(found) is None
    assert "no LH" in opened(found, "R-RESP-03")[0]
    cannot = the(found, "cannot-assess")
    lh = ANALYTES["lh"].order_loinc
    assert any(f.kind == "order-lab" and f.code == lh for f in cannot.fixes)
    stale = on().testosterone(250, -20).lh(4, -RULES.age - 1).judged()
    assert opened(stale, "R-RESP-03")
    withheld = failing().unusable("lh", -5).judged()
    assert opened(withheld, "R-RESP-03")


@pytest.mark.rule("R-RESP-03", "not-evaluable")
def test_without_a_baseline_a_rise_cannot_be_told() -> None:
    no_lh = on().without("lh").testosterone(250, -20).lh(4, -20).judged()
    assert said(no_lh) == "response-partial"
    assert "no LH from before" in opened(no_lh, "R-RESP-03")[0]
    no_t = on().without("testosterone").testosterone(250, -20).lh(12, -20).judged()
    assert said(no_t) == "response-partial"
    assert "no testosterone from before" in opened(no_t, "R-RESP-03")[0]
    broken = on().without("lh").lh(3, START - 5, method="a").testosterone(250, -20)
    found = broken.lh(4, -20, method="b").judged()
    assert "change of assay" in opened(found, "R-RESP-03")[0]
    limit = on().testosterone(250, -20).lh(5, -20, comparator="<").judged()
    assert opened(limit, "R-RESP-03")


@pytest.mark.rule("R-RESP-03", "negative")
def test_beside_hcg_a_low_lh_is_expected_and_no_failure_of_the_pituitary() -> None:
    one = failing().drug("hcg", START, dose=taking(500, 3, "[IU]"))
    assert said(one.judged()) == "response-partial"


# -- Row 4


def on_hcg(weekly: Decimal, days: int = 100, t: Any = 250) -> Man:
    one = on("hcg", -days - 5)
    one.episodes.clear()
    one.drug("hcg", -days - 5, dose=taking(weekly / 3, 3, "[IU]"))
    return one.testosterone(t, -5)


@pytest.mark.rule("R-RESP-04", "positive")
@pytest.mark.rule("R-RESP-04", "boundary")
def test_failure_on_enough_hcg_for_long_enough() -> None:
    enough, days = RULES.hcg_week, RULES.hcg_days
    found = the(on_hcg(enough).judged(), "response-testicular-failure")
    assert (found.rule, found.severity, found.card) == ("R-RESP-04", "warning", True)
    assert "antibodies" in found.detail and "under-dose" in found.detail
    assert said(on_hcg(enough - 3).judged()) == "response-partial"
    assert said(on_hcg(enough, days).judged()) == "response-testicular-failure"
    assert said(on_hcg(enough, days - 1).judged()) == "response-partial"
    assert said(on_hcg(enough, t=RULES.low).judged()) == "response-partial"


@pytest.mark.rule("R-RESP-04", "negative")
def test_hcg_raised_lately_has_not_failed_yet() -> None:
    one = on("hcg", -200)
    one.episodes.clear()
    one.drug("hcg", -200, -40, dose=taking(500, 3, "[IU]"))
    one.drug("hcg", -40, dose=taking(1500, 3, "[IU]"))
    assert said(one.testosterone(250, -5).judged()) == "response-partial"


@pytest.mark.rule("R-RESP-04", "not-evaluable")
def test_hcg_of_unknown_dose() -> None:
    one = on("hcg")
    one.episodes.clear()
    found = one.drug("hcg", START).testosterone(250, -5).judged()
    assert said(found) == "response-partial"
    assert "weekly dose" in opened(found, "R-RESP-04")[0]


# -- Rows 5 to 7


@pytest.mark.rule("R-RESP-05", "positive")
@pytest.mark.rule("R-RESP-05", "boundary")
def test_partial_below_the_band() -> None:
    found = on("hcg", per_week=2).testosterone(RULES.low - TINY, -20).judged()
    partial = the(found, "response-partial")
    assert (partial.rule, partial.severity, partial.card) == ("R-RESP-05", "info", False)
    assert "4000 IU" in partial.detail or "5000 IU" in partial.detail
    assert the(on().testosterone(RULES.low, -20).judged(), "response-partial").rule == "R-RESP-06"


@pytest.mark.rule("R-RESP-05", "negative")
def test_just_above_a_line_is_a_near_miss() -> None:
    texts = [n.text for n in on().testosterone(310, -20).judged().near_misses]
    assert "Testosterone 310 ng/dL, no response below 300 ng/dL." in texts
    texts = [n.text for n in on().testosterone(460, -20).judged().near_misses]
    assert "Testosterone 460 ng/dL, out of the band below 450 ng/dL." in texts


def felt(before: int, now: int, offset: int = -20, tool: str = "nrs", item: str = "libido") -> Man:
    return on().told(tool, item, before, START - 3).told(tool, item, now, offset)


@pytest.mark.rule("R-RESP-06", "positive")
@pytest.mark.rule("R-RESP-06", "boundary")
def test_below_the_band_better_symptoms_are_enough() -> None:
    better = felt(3, 5).testosterone(400, -20).judged()
    assert the(better, "response-in-target").rule == "R-RESP-06"
    assert any(e.role == "symptom" for e in the(better, "response-in-target").evidence)
    assert said(felt(3, 4).testosterone(400, -20).judged()) == "response-partial"
    assert said(felt(3, 5).testosterone(RULES.target - TINY, -20).judged()) == "response-in-target"
    assert said(felt(3, 5).testosterone(RULES.low, -20).judged()) == "response-in-target"
    failed = felt(3, 5).testosterone(RULES.low - TINY, -20).lh(4, -20).judged()
    assert said(failed) == "response-central-failure"


@pytest.mark.rule("R-RESP-06", "negative")
def test_worse_or_unasked_symptoms_leave_it_partial() -> None:
    assert said(felt(5, 3).testosterone(400, -20).judged()) == "response-partial"
    assert said(on().testosterone(400, -20).judged()) == "response-partial"


@pytest.mark.rule("R-RESP-06", "not-evaluable")
def test_symptoms_without_a_state_before_treatment_tell_nothing() -> None:
    one = on().told("nrs", "libido", 9, -20).testosterone(400, -20)
    assert said(one.judged()) == "response-partial"
    mixed = felt(3, 6).told("nrs", "energy", 8, START - 3).told("nrs", "energy", 4, -20)
    assert said(mixed.testosterone(400, -20).judged()) == "response-partial"


@pytest.mark.rule("R-RESP-07", "positive")
@pytest.mark.rule("R-RESP-07", "boundary")
def test_in_the_band_without_a_gain_is_biochemical_only_from_day_90_on() -> None:
    day90 = START + RULES.symptom_day
    same = felt(3, 4, day90).testosterone(520, -20).judged()
    only = the(same, "response-biochemical-only")
    assert (only.severity, only.card) == ("info", False)
    early = felt(3, 4, day90 - 1).testosterone(520, -20).judged()
    assert said(early) == "response-in-target"
    assert said(felt(3, 5, day90).testosterone(520, -20).judged()) == "response-in-target"
    assert said(felt(20, 24, day90, "qadam", "total").testosterone(520, -20).judged()) == (
        "response-biochemical-only"
    )
    assert said(felt(20, 25, day90, "qadam", "total").testosterone(520, -20).judged()) == (
        "response-in-target"
    )


@pytest.mark.rule("R-RESP-07", "negative")
@pytest.mark.rule("R-RESP-07", "not-evaluable")
def test_in_the_band_nobody_asked_is_in_target() -> None:
    found = on().testosterone(RULES.target, -20).judged()
    target = the(found, "response-in-target")
    assert (target.rule, target.severity, target.card) == ("R-RESP-07", "info", False)


def test_beside_a_stop_no_step_of_dose_is_named() -> None:
    one = on().testosterone(350, -20).problem("visual-disturbance", -10)
    assert "graver finding" in the(one.judged(), "response-partial").detail


# -- The past


def test_asked_for_a_past_day_only_what_was_known_then_speaks() -> None:
    one = on().testosterone(520, -20, recorded=5)
    assert said(one.judged()) is None
