"""Both sides of every day: what was known on the day, and the first and last day that counts."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from men import TODAY, Man, candidate, codes, day, knowledge, low_man, man, open_codes, taking, the

from smartapp.engine.case import days_before
from smartapp.engine.course import began, disturbing, untreated_until
from smartapp.engine.endpoints import list_endpoints, symptoms_better
from smartapp.engine.treatment import lowered, same_dose_since, treatment_of
from smartapp.patient.record import Allergy

PROTOCOL = knowledge().protocol
HCT, RESP, MON, MOOD = PROTOCOL.hematocrit, PROTOCOL.response, PROTOCOL.monitoring, PROTOCOL.mood
ORDERS, GAP = PROTOCOL.orders, PROTOCOL.axis.episode_gap
DRUGS = knowledge().catalogue.drugs
START = -200


def treated(agent: str = "clomiphene", start: int = START, *, daily: Decimal | int = 25) -> Man:
    one = man().testosterone(210, start - 10).testosterone(220, start - 40)
    one.lh(3, start - 10).fsh(4, start - 10).lab("prolactin", 8, start - 10)
    one.hematocrit(45, start - 10).lab("alt", 25, start - 10)
    return one.drug(agent, start, dose=taking(daily, 7))


# -- known on the day of the assessment


def allergic(offset: int) -> Man:
    one = candidate()
    one.allergies.append(
        Allergy(
            "AllergyIntolerance/a", frozenset({"clomiphene"}), "allergy", True, "x", day(offset)
        )
    )
    return one


def test_what_is_recorded_today_is_known_today_and_what_is_recorded_tomorrow_is_not() -> None:
    def stopped(one: Man) -> bool:
        return "contraindication" in codes(one.judged("clomiphene"))

    assert stopped(allergic(0))
    assert not stopped(allergic(1))
    assert stopped(candidate().problem("thrombophilia", 0))
    assert not stopped(candidate().problem("thrombophilia", 1))
    assert not stopped(candidate().problem("thrombophilia", -9, recorded=day(1)))
    assert stopped(candidate().problem("thrombophilia", None, recorded=day(0)))
    assert stopped(candidate().problem("thrombophilia", None))


def test_a_drug_begun_or_recorded_today_is_taken_today() -> None:
    def state(start: int, recorded: int | None = None) -> str:
        return low_man().drug("clomiphene", start, recorded=recorded).judged().axis.state

    assert state(0) == "on-therapy"
    assert state(1) != "on-therapy"
    assert state(-5, recorded=0) == "on-therapy"
    assert state(-5, recorded=1) != "on-therapy"


def test_a_drug_stopped_today_is_no_longer_taken_and_one_stopped_tomorrow_is() -> None:
    def status(stop: int) -> str:
        return low_man().drug("clomiphene", -10, stop).judged().axis.state

    assert status(0) == "indeterminate"
    assert status(1) == "on-therapy"


@pytest.mark.parametrize("void", [False, True])
def test_an_unusable_result_of_the_same_day_holds_the_rule_back(void: bool) -> None:
    def one(offset: int) -> Man:
        return treated().hematocrit(53, -5).unusable("hematocrit", offset, void=void)

    assert ("hematocrit-high" in codes(one(-5).judged())) is void
    assert "hematocrit-high" in codes(one(-6).judged())


def test_the_newest_result_counts_to_the_last_day_of_its_window() -> None:
    def said(offset: int) -> bool:
        one = man().drug("clomiphene", -900).lab("triglycerides", 1100, offset)
        return "triglycerides-high" in codes(one.judged())

    assert said(-PROTOCOL.lipids.window)
    assert not said(-PROTOCOL.lipids.window - 1)


def test_a_problem_active_or_recorded_within_the_days_is_recent() -> None:
    def symptomatic(active: bool, onset: int | None, recorded: int | None) -> bool:
        one = low_man().lab("prolactin", 8)
        told = None if recorded is None else day(recorded)
        one.problem("low-libido", onset, active=active, recorded=told)
        return one.judged().recommendation.status == "candidate"

    old = -PROTOCOL.gate.recent_days - 1
    assert symptomatic(True, old, old)
    assert symptomatic(False, old + 1, old)
    assert symptomatic(False, old, old + 1)
    assert symptomatic(False, None, old + 1)
    assert not symptomatic(False, old, old)


# -- the baseline of an order


@pytest.mark.parametrize("first", [-ORDERS.baseline_days, -ORDERS.baseline_days - 1])
def test_the_baseline_counts_two_mornings_of_its_days(first: int) -> None:
    one = candidate().without("testosterone").testosterone(210, -30).testosterone(220, first)
    lacking = "baseline-incomplete" in codes(one.judged("clomiphene"))
    assert lacking is (first < -ORDERS.baseline_days)


def test_the_baseline_of_a_course_ends_with_its_first_day() -> None:
    def lacking(offset: int) -> bool:
        one = man().testosterone(210, START).testosterone(220, START - 40).lh(3, START)
        one.fsh(4, START).lab("prolactin", 8, START).lab("alt", 25, START)
        one.hematocrit(45, START + offset).drug("clomiphene", START)
        found = one.judged()
        return "baseline-incomplete" in codes(found) or "hematocrit" in " ".join(
            f.detail for f in found.findings if f.code == "baseline-incomplete"
        )

    assert not lacking(0)
    assert lacking(1)


# -- courses


def course_case(*spans: tuple[str, int, int | None]) -> Man:
    one = low_man()
    for agent, start, stop in spans:
        one.drug(agent, start, stop)
    return one


def test_a_course_disturbs_after_its_first_day_and_before_the_end_of_its_wash_out() -> None:
    washout = DRUGS["clomiphene"].washout_days
    assert washout is not None
    courses = course_case(("clomiphene", -300, -200)).case().courses
    assert disturbing(courses, day(-300)) is None
    assert disturbing(courses, day(-299)) is not None
    assert disturbing(courses, day(-200 + washout - 1)) is not None
    assert disturbing(courses, day(-200 + washout)) is None


def test_the_untreated_past_ends_before_every_drug_that_ran_into_the_present_one() -> None:
    def until(*spans: tuple[str, int, int | None]) -> date | None:
        return untreated_until(course_case(*spans).case().courses, TODAY)

    washout = DRUGS["enclomiphene"].washout_days
    assert washout is not None
    assert until(("clomiphene", -100, None)) == day(-100)
    assert until(("clomiphene", -100, None), ("hcg", -150, None)) == day(-150)
    assert until(("clomiphene", -100, None), ("enclomiphene", -300, -100 - washout)) == day(-300)
    assert until(("clomiphene", -100, None), ("enclomiphene", -300, -101 - washout)) == day(-100)
    assert until(("levothyroxine", -100, None)) is None
    assert until(("clomiphene", -600, -500)) is None
    assert until(("clomiphene", -100, -2)) == day(-100)


def test_a_refill_within_the_gap_is_one_run() -> None:
    def run(*spans: tuple[str, int, int | None]) -> date | None:
        return began(course_case(*spans).case().courses, frozenset({"clomiphene"}), GAP)

    now = ("clomiphene", -100, None)
    assert run(now, ("clomiphene", -200, -100 - GAP)) == day(-200)
    assert run(now, ("clomiphene", -200, -100 - GAP - 1)) == day(-100)
    assert run(now, ("hcg", -200, -100)) == day(-100)
    assert run(now, ("clomiphene", -50, None)) == day(-100)
    assert run(now, ("clomiphene", -100, -90)) == day(-100)
    assert run(("clomiphene", -200, -100)) is None


# -- the treatment and its last change


def dosed(*steps: tuple[int, int | None, int], agent: str = "clomiphene") -> Man:
    one = man()
    for start, stop, daily in steps:
        one.drug(agent, start, stop, dose=taking(daily, 7))
    return one


def changed(one: Man) -> date | None:
    found = treatment_of(one.case())
    assert found is not None
    return found.changed


def test_the_last_change_is_that_of_a_dose_or_of_a_drug_that_ended() -> None:
    assert changed(dosed((START, None, 25))) == day(START)
    assert changed(dosed((START, -101, 25), (-100, None, 50))) == day(-100)
    assert changed(dosed((START, -101, 25), (-100, None, 25))) == day(START)
    assert changed(dosed((START, -101 - GAP, 25), (-100, None, 25))) == day(-100)
    base = (START, None, 25)
    assert changed(dosed(base).drug("anastrozole", -300, -50)) == day(-50)
    assert changed(dosed(base).drug("anastrozole", -300, 0)) == TODAY
    assert changed(dosed(base).drug("anastrozole", -300, START)) == day(START)
    assert changed(dosed(base).drug("anastrozole", -300, START + 1)) == day(START + 1)
    assert changed(dosed(base).drug("levothyroxine", -300, -50)) == day(START)
    assert changed(dosed(base).drug("anastrozole", -150)) == day(-150)


def test_the_same_dose_goes_back_over_gaps_that_are_no_change() -> None:
    def since(*steps: tuple[int, int | None, int]) -> date | None:
        courses = dosed(*steps).case().courses
        present = next(c for c in courses if c.active)
        return same_dose_since(courses, present, GAP)

    assert since((-100, None, 25), (-200, -100 - GAP, 25)) == day(-200)
    assert since((-100, None, 25), (-200, -101 - GAP, 25)) == day(-100)
    assert since((-100, None, 25), (-200, -100, 50)) == day(-100)
    assert since((-100, None, 25), (-200, -100, 50), (-300, -200, 25)) == day(-100)


def test_a_dose_lowered_between_two_days() -> None:
    def between(first: int, last: int, *steps: tuple[int, int | None, int]) -> bool | None:
        return lowered(dosed(*steps).case(), day(first), day(last))

    down = ((-300, -100, 50), (-100, None, 25))
    assert between(-150, -50, *down) is True
    assert between(-100, -50, *down) is False
    assert between(-101, -100, *down) is True
    assert between(-150, -101, *down) is False
    assert between(-150, -50, (-300, -100, 25), (-100, None, 25)) is False
    assert between(-150, -50, (-300, -100, 25), (-100, None, 50)) is False
    assert between(-150, -50, (-300, -100, 25), (-100 + GAP, None, 25)) is False
    assert between(-150, -50, (-300, -100, 25), (-99 + GAP, None, 25)) is True
    assert between(-150, -50, (-300, -100, 25)) is True


# -- the response


def test_a_testosterone_tells_of_the_dose_from_the_day_it_has_settled() -> None:
    def said(begun: int, drawn: int) -> bool:
        one = treated(start=-begun).testosterone(600, -drawn)
        return "response-in-target" in codes(one.judged(), course=True)

    wait = RESP.settle_clomiphene
    assert said(wait + 5, 5)
    assert not said(wait + 4, 5)
    assert said(400, RESP.age)
    assert not said(400, RESP.age + 1)


def test_before_the_dose_has_settled_nothing_is_asked_for() -> None:
    def orders(begun: int) -> bool:
        one = treated(start=-begun)
        (item,) = (n for n in one.judged().not_evaluable if n.rule == "R-RESP-01")
        return bool(item.fixes)

    assert not orders(RESP.settle_clomiphene - 1)
    assert orders(RESP.settle_clomiphene)


def falling(earlier: int, *, first: int = 600, last: int = 320) -> Man:
    return treated().testosterone(first, earlier).testosterone(last, -5)


def test_an_earlier_response_is_one_after_the_start_and_before_the_newest_morning() -> None:
    def lost(one: Man) -> bool:
        return "response-lost" in codes(one.judged())

    assert lost(falling(START + 1))
    assert not lost(falling(START))
    assert lost(falling(-6))
    assert lost(falling(-60, first=int(RESP.target) + 100))
    assert not lost(treated().testosterone(600, -60, clock="not-morning").testosterone(320, -5))
    assert lost(falling(-60, first=int(RESP.over)))
    assert not lost(falling(-60, first=int(RESP.over) + 1))
    assert lost(falling(-60, first=int(RESP.target), last=250))
    assert not lost(falling(-60, first=int(RESP.target) - 1, last=250))


def test_an_afternoon_in_the_band_tells_and_one_below_it_does_not() -> None:
    def told(value: Decimal | int) -> bool:
        one = treated().testosterone(value, -5, clock="not-morning")
        return "response-in-target" in codes(one.judged(), course=True)

    assert told(RESP.target)
    assert not told(RESP.target - 1)


def test_lh_that_explains_a_failure_is_as_young_as_the_testosterone() -> None:
    def said(offset: int, *, held_back: bool = False) -> set[str]:
        one = treated("enclomiphene", -120).testosterone(220, -5).lh(15, offset)
        if held_back:
            one.unusable("lh", -1)
        return set(codes(one.judged())) | open_codes(one.judged())

    settled = -120 + RESP.settle
    assert "response-testicular-failure" in said(settled)
    assert "response-testicular-failure" not in said(settled - 1)
    assert "response-testicular-failure" not in said(-10, held_back=True)


def at_maximum(first: int, second: int) -> bool:
    """Two low testosterone values on the greatest published dose, LH low."""
    one = treated(start=-80, daily=50)
    one.testosterone(220, first).testosterone(230, second).lh(3, second)
    return "response-central-failure" in codes(one.judged())


def test_two_failures_at_the_maximum_lie_far_enough_apart_and_after_it_has_settled() -> None:
    apart, settle = RESP.evaluations_apart, RESP.settle_clomiphene
    assert at_maximum(-5 - apart, -5)
    assert not at_maximum(-5 - apart + 1, -5)
    assert at_maximum(-80 + settle, -5)
    assert not at_maximum(-80 + settle - 1, -5)


def test_a_testosterone_on_the_line_is_no_failure_at_the_maximum() -> None:
    def twice(earlier: Decimal) -> bool:
        one = treated(start=-80, daily=50).testosterone(earlier, -35).testosterone(230, -5)
        return "response-central-failure" in codes(one.lh(3, -5).judged())

    assert twice(RESP.low - 1)
    assert not twice(RESP.low)


def test_enough_hcg_is_counted_over_a_short_gap() -> None:
    def failed(stop: int, weekly: int = 5000, start: int = -300) -> bool:
        one = man().testosterone(210, -320).testosterone(220, -350).lh(3, -320)
        one.drug("hcg", start, stop, per_week=weekly).drug("hcg", -40, per_week=5000)
        one.testosterone(220, -5)
        return "response-testicular-failure" in codes(one.judged())

    assert failed(-40)
    assert failed(-40 - GAP)
    assert not failed(-40 - GAP - 1)
    assert not failed(-40, weekly=2000)


# -- what he reports


def asked(*answers: tuple[int, int]) -> Man:
    one = treated()
    for value, offset in answers:
        one.told("nrs", "energy", value, offset)
    return one


def better(one: Man, since: int | None = None) -> bool | None:
    found = symptoms_better(one.case(), day(START), None if since is None else day(since))
    return None if found is None else found.answer


NRS = knowledge().catalogue.questionnaires
assert NRS is not None and NRS.tools["nrs"].meaningful is not None
GAIN = int(NRS.tools["nrs"].meaningful)
WINDOW = PROTOCOL.samples.window


def test_better_is_judged_from_the_last_figure_before_to_the_newest_under_treatment() -> None:
    assert better(asked((3, START), (3 + GAIN, -5))) is True
    assert better(asked((3, START), (2 + GAIN, -5))) is False
    assert better(asked((3, START - 1), (3 + GAIN, START))) is None
    assert better(asked((3, START - 1), (3 + GAIN, START + 1))) is True
    assert better(asked((3, START - WINDOW), (9, -5))) is True
    assert better(asked((3, START - WINDOW - 1), (9, -5))) is None
    assert better(asked((3, START - 1), (9, -50)), since=-50) is True
    assert better(asked((3, START - 1), (9, -51)), since=-50) is None


def test_a_figure_older_than_the_window_tells_nothing_of_today() -> None:
    def answer(offset: int) -> bool | None:
        one = treated(start=-500).told("nrs", "energy", 3, -505).told("nrs", "energy", 9, offset)
        found = symptoms_better(one.case(), day(-500))
        return None if found is None else found.answer

    assert answer(-WINDOW) is True
    assert answer(-WINDOW - 1) is None


def test_a_gain_and_a_loss_side_by_side_are_no_answer() -> None:
    both = asked((3, START - 1), (3 + GAIN, -5))
    both.told("nrs", "libido", 5, START - 1).told("nrs", "libido", 5 - GAIN, -5)
    assert better(both) is None
    mild = asked((3, START - 1), (3 + GAIN, -5))
    mild.told("nrs", "libido", 5, START - 1).told("nrs", "libido", 6 - GAIN, -5)
    assert better(mild) is True


def test_an_endpoint_is_compared_only_when_it_is_from_after_the_start() -> None:
    def change(offset: int, value: int = 3 + GAIN) -> tuple[Decimal | None, bool | None]:
        one = asked((3, START - 1), (value, offset))
        last = list_endpoints(one.case(), day(START))[-1]
        return last.change, last.meaningful

    assert change(START) == (None, None)
    assert change(START + 1) == (GAIN, True)
    assert change(START + 1, 2 + GAIN) == (GAIN - 1, False)


# -- mood


def test_a_total_without_its_item_is_asked_about() -> None:
    def open_(total: int, item_offset: int | None) -> bool:
        one = treated().told("phq-9", "total", total, -10)
        if item_offset is not None:
            one.told("phq-9", "self-harm", 0, item_offset)
        return "A-MOOD" in open_codes(one.judged())

    assert open_(1, None)
    assert not open_(0, None)
    assert not open_(3, -10)
    assert open_(3, -11)


def test_the_total_of_the_first_day_is_the_baseline() -> None:
    def rise(offset: int) -> bool:
        one = treated().told("phq-9", "total", 0, offset).told("phq-9", "self-harm", 0, -5)
        one.told("phq-9", "total", MOOD.rise, -5)
        return the(one.judged(), "mood-change").severity == "warning"

    assert rise(START)
    assert not rise(START + 1)


# -- clots


def test_a_clot_of_the_first_day_under_treatment_counts() -> None:
    def said(offset: int) -> bool:
        one = treated(start=-100).problem("vte", offset)
        return "thromboembolism" in codes(one.judged())

    assert said(-100)
    assert not said(-101)
    assert "thromboembolism" in codes(treated(start=-100).problem("vte", None).judged())
    one = man().drug("clomiphene", None).problem("vte", -150)
    assert "thromboembolism" in codes(one.judged())


# -- follow-up


def due(one: Man) -> dict[str, bool]:
    return {d.test: d.overdue for d in one.judged().due}


def orders(one: Man) -> set[str]:
    loincs = {a.order_loinc: a.key for a in knowledge().catalogue.analytes.values()}
    found = the(one.judged(), "monitoring-due")
    return {loincs[f.code] for f in found.fixes if f.kind == "order-lab"}


def test_a_result_of_the_day_it_began_is_no_follow_up_and_one_of_the_day_after_is() -> None:
    def alt(offset: int) -> str:
        one = man().drug("clomiphene", -50).lab("alt", 25, offset)
        (found,) = (d for d in one.judged().due if "lanine" in d.test)
        return found.due.isoformat()

    none = man().drug("clomiphene", -50).judged().due
    (first,) = (d.due.isoformat() for d in none if "lanine" in d.test)
    assert alt(-50) == first
    assert alt(-1) != first


def test_what_can_be_drawn_today_is_ordered_with_what_is_overdue() -> None:
    """PSA and hematocrit of the quarter open on the day their window does."""
    opened = man(50).drug("clomiphene", -MON.quarter_low)
    closed = man(50).drug("clomiphene", -MON.quarter_low + 1)
    assert "hematocrit" in orders(opened)
    assert "hematocrit" not in orders(closed)


def after_stop(*, drawn: int | None = None, clock: str = "morning", stop: int = 120) -> Man:
    one = man().drug("clomiphene", -400, -stop)
    if drawn is not None:
        one.testosterone(400, -drawn, clock=clock).lh(4, -drawn)
    return one


def test_after_a_stop_a_morning_from_the_window_on_serves() -> None:
    opening = 120 - MON.stop_low
    assert due(after_stop())
    assert not due(after_stop(drawn=opening))
    assert due(after_stop(drawn=opening + 1))
    assert len(due(after_stop(drawn=opening, clock="not-morning"))) == 1
    assert due(after_stop(stop=MON.stop_until))
    assert not due(after_stop(stop=MON.stop_until + 1))


def test_after_two_stops_the_last_one_counts() -> None:
    one = after_stop(stop=150).drug("hcg", -500, -120)
    days = {d.due for d in one.judged().due}
    assert days == {day(-120) + timedelta(days=MON.stop)}


def test_days_before_the_calendar_stop_at_its_first_day() -> None:
    assert days_before(date.fromordinal(6), 5) == date.min
    assert days_before(date.fromordinal(5), 5) == date.min
    assert days_before(date.fromordinal(5), 900) == date.min
