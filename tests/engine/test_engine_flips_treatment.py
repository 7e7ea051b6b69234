"""Treatment, comparison by comparison: courses, follow-up, response, and the action table."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from men import Man, candidate, codes, day, knowledge, low_man, man, open_codes, taking, the

from smartapp.engine.assessment import Assessment
from smartapp.engine.change import change_of, percent_of
from smartapp.engine.course import began
from smartapp.engine.exposure import day_of, exposure_of
from smartapp.engine.free_t import calculate
from smartapp.engine.samples import sample_of, take_samples
from smartapp.engine.treatment import treatment_of
from smartapp.patient.record import DraftOrder

TINY = Decimal("0.001")
PROTOCOL = knowledge().protocol
RESP, MON, PSA = PROTOCOL.response, PROTOCOL.monitoring, PROTOCOL.psa
GAP = PROTOCOL.axis.episode_gap
NEAR = PROTOCOL.options.near_miss
START = -200


def treated(agent: str = "clomiphene", start: int = START, daily: Decimal | int = 25) -> Man:
    one = man().testosterone(210, start - 10).testosterone(220, start - 40)
    one.lh(3, start - 10).fsh(4, start - 10).lab("prolactin", 8, start - 10)
    one.hematocrit(45, start - 10).lab("alt", 25, start - 10)
    return one.drug(agent, start, dose=taking(daily, 7))


def say(section: str, key: str) -> str:
    """The wording up to its first place to fill."""
    return knowledge().wording.phrases[section][key].text.partition("{")[0]


def name(analyte: str) -> str:
    return knowledge().catalogue.analytes[analyte].name


def loinc(analyte: str) -> str:
    return knowledge().catalogue.analytes[analyte].order_loinc or ""


def left_open(found: Assessment, rule: str) -> str:
    return " ".join(f"{n.reason} {n.fix}" for n in found.not_evaluable if n.rule == rule)


def rests_on(found: Assessment, code: str) -> list[str]:
    return [e.reference for e in the(found, code).evidence]


# -- courses


def test_courses_stand_oldest_first_whatever_the_drug() -> None:
    one = man().drug("hcg", -300, -200).drug("clomiphene", -100).drug("anastrozole", None)
    assert [c.episode.agent for c in one.case().courses] == ["anastrozole", "hcg", "clomiphene"]


def test_refills_are_one_run_however_many_and_one_of_unknown_start_joins_none() -> None:
    one = man().drug("clomiphene", -100).drug("clomiphene", -200, -100 - GAP)
    one.drug("clomiphene", -300, -200 - GAP).drug("clomiphene", None, -300)
    assert began(one.case().courses, frozenset({"clomiphene"}), GAP) == day(-300)


def test_of_two_drugs_one_of_unknown_start_hides_when_it_all_began() -> None:
    one = man().drug("clomiphene", -100).drug("hcg", None)
    exposure, treatment = exposure_of(one.case()), treatment_of(one.case())
    assert exposure is not None
    assert treatment is not None
    assert exposure.begun is None
    assert treatment.begun is None


def test_what_is_judged_is_the_treatment_not_what_goes_with_it() -> None:
    one = man().drug("clomiphene", -100, dose=taking(25, 7)).drug("anastrozole", -300)
    treatment = treatment_of(one.case())
    assert treatment is not None
    assert treatment.begun == day(-100)


@pytest.mark.parametrize(
    ("onset", "recorded", "told"), [(-9, -5, -9), (None, -5, -5), (-9, None, -9)]
)
def test_a_problem_is_dated_by_its_onset_else_by_its_recording(
    onset: int | None, recorded: int | None, told: int
) -> None:
    written = None if recorded is None else day(recorded)
    (problem,) = man().problem("edema", onset, recorded=written).problems
    assert day_of(problem) == day(told)


def test_an_ended_drug_asks_nothing_of_the_matrix() -> None:
    one = candidate().problem("klinefelter").drug("clomiphene", -800, -700).unusable("tsh")
    assert "R-CI-thyroid-adrenal" not in open_codes(one.judged())


# -- what was known when


def test_an_unusable_result_is_known_from_its_recording_on() -> None:
    def known(recorded: int) -> tuple[int, bool]:
        one = man().unusable("psa", -5)
        when = one.unusables[0].recorded
        assert when is not None
        late = when.replace(day=22 + recorded)  # type: ignore[call-arg]
        one.unusables = [replace(one.unusables[0], recorded=late)]
        case = one.case()
        return len(case.unused), "psa" in case.withheld

    assert known(0) == (1, True)
    assert known(1) == (0, False)


# -- change


def test_a_change_is_broken_by_one_draw_from_another_laboratory() -> None:
    one = treated().testosterone(600, -60, performer="A").testosterone(610, -60, performer="B")
    one.testosterone(300, -5, performer="A")
    case = one.case()
    draws = case.readings["testosterone"]
    newest = sample_of(day(-5), [r for r in draws if r.drawn == day(-5)])
    before = sample_of(day(-60), [r for r in draws if r.drawn == day(-60)])
    assert change_of(case, newest, before).broken


def test_nothing_is_told_in_per_cent_of_nothing() -> None:
    readings = man().testosterone(0, -60).testosterone(300, -5).labs
    zero, newest = (sample_of(r.drawn, [r]) for r in readings)
    assert percent_of(newest, zero) is None
    assert percent_of(zero, newest) == -100


# -- visual events


@pytest.mark.parametrize(
    ("one", "told"),
    [
        pytest.param(treated().problem("visual-disturbance", None, recorded=day(-9)), True,
                     id="recorded on the SERM, onset not told"),
        pytest.param(treated().problem("visual-disturbance", -9, recorded=None), True,
                     id="begun on the SERM"),
        pytest.param(treated().problem("visual-disturbance", START - 1), False,
                     id="before the SERM"),
    ],
)  # fmt: skip
def test_a_visual_event_on_a_serm(one: Man, told: bool) -> None:
    assert ("visual-symptoms" in codes(one.judged())) is told


@pytest.mark.parametrize(
    ("start", "problem", "blocked"),
    [
        pytest.param(-700, -700 + PROTOCOL.axis.unknown_stop - 1, True, id="may still act"),
        pytest.param(-700, -700 + PROTOCOL.axis.unknown_stop, False, id="acts no more"),
        pytest.param(None, -300, False, id="taken nobody knows when"),
    ],
)
def test_a_visual_event_after_a_serm_whose_end_is_unknown(
    start: int | None, problem: int, blocked: bool
) -> None:
    one = candidate().drug("clomiphene", start, status="stopped")
    one.problem("visual-disturbance", problem)
    hits = {o.agent: o for o in one.judged("clomiphene").recommendation.options}
    assert ("eye-on-serm" in hits["clomiphene"].blocked_by) is blocked


def test_an_event_recorded_after_a_serm_is_dated_though_its_onset_is_not_told() -> None:
    one = candidate().drug("clomiphene", -800, -700)
    one.problem("visual-disturbance", None, recorded=day(-9))
    assert "R-CI-eye-on-serm" not in open_codes(one.judged())


# -- follow-up


def items(one: Man) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for due in one.judged().due:
        found.setdefault(due.test, []).append(due.due)
    return found


def test_under_an_inhibitor_estradiol_is_due_once_and_as_a_safety_test() -> None:
    one = treated(start=-400).drug("anastrozole", -400, dose=taking(1, 7))
    assert len(items(one)[name("estradiol")]) == 1
    one.testosterone(600, -5).lh(8, -5).fsh(5, -5).hematocrit(45, -5).lab("alt", 25, -5)
    found = the(one.judged(), "monitoring-due")
    assert name("estradiol") in found.summary
    assert found.severity == "warning"


def test_one_safety_test_long_overdue_makes_all_of_it_graver() -> None:
    one = treated(start=-800).testosterone(600, -400).lab("alt", 25, -5).hematocrit(45, -5)
    late = one.judged()
    assert the(late, "monitoring-due").severity == "info"
    both = treated(start=-800).testosterone(600, -400).lab("alt", 25, -5).judged()
    assert name("testosterone") in the(both, "monitoring-due").detail
    assert the(both, "monitoring-due").severity == "warning"


def test_the_follow_up_after_a_stop_is_another_finding_than_that_of_the_treatment() -> None:
    def identity(one: Man) -> str:
        return the(one.judged(), "monitoring-due").id

    on, off = treated(), man().testosterone(210, -400).drug("clomiphene", -390, -200)
    again = treated(start=-800)
    assert identity(on) == identity(again) != identity(off)


def test_after_a_stop_what_is_due_can_be_ordered() -> None:
    one = man().testosterone(210, -400).drug("clomiphene", -390, -200)
    assert {d.loinc for d in one.judged().due} == {loinc("testosterone"), loinc("lh")}


def test_a_precaution_is_no_reason_to_withhold_the_plan_of_an_order() -> None:
    found = candidate().problem("obesity").judged("clomiphene")
    assert codes(found)["precaution"] == "info"
    assert "monitoring-plan" in codes(found, course=True)


def plan(*orders: str) -> str:
    return the(candidate().judged(*orders), "monitoring-plan").detail


def test_the_plan_of_two_drugs_asks_what_either_of_them_needs() -> None:
    days = f"{MON.clomiphene_first_low} to {MON.clomiphene_first_high} days"
    for orders in (("clomiphene",), ("clomiphene", "hcg")):
        assert say("due", "ask-vision") in plan(*orders)
        assert days in plan(*orders)
    assert say("due", "ask-vision") not in plan("hcg")
    assert days not in plan("hcg")
    assert name("testosterone") in plan("hcg")
    assert plan("hcg").count(name("estradiol")) == 1


def test_the_plan_of_a_running_drug_names_what_falls_on_its_first_day() -> None:
    one = treated(start=-1).drug("hcg", -1, per_week=5000)
    detail = the(one.judged("clomiphene", "hcg"), "monitoring-plan").detail
    assert name("testosterone") in detail
    assert name("alt") in detail


def test_a_hematocrit_high_before_the_start_is_looked_at_early_and_nothing_else_is() -> None:
    early = int(MON.hematocrit_early) + 1

    def due(value: int, analyte: str) -> object:
        one = man(50).testosterone(210, -20).testosterone(220, -40).hematocrit(value, -20)
        one.drug("clomiphene", -10, dose=taking(25, 7))
        return items(one)[name(analyte)][0]

    assert due(early, "hematocrit") == day(-10 + MON.clomiphene_first)
    assert due(early - 2, "hematocrit") == day(-10 + MON.quarter)
    assert due(early, "psa") == due(early - 2, "psa") == day(-10 + MON.quarter)


def test_what_was_told_or_drawn_on_the_first_day_serves_no_step() -> None:
    def vision(offset: int) -> object:
        one = treated().told("signs", "visual", 0, offset)
        return items(one)[knowledge().wording.say("due", "vision")][0]

    def alt(offset: int) -> object:
        return items(treated().lab("alt", 25, offset))[name("alt")][0]

    after = START + MON.clomiphene_first_low
    for due in (vision, alt):
        assert due(START) == due(START - 1) == day(START + MON.clomiphene_first)
        assert due(after) == day(START + MON.quarter)


def test_of_two_tests_of_one_day_that_serve_alike_the_one_asked_for_is_named() -> None:
    one = treated(start=-800).lab("alt", 25, -500).lab("ast", 20, -500)
    told = rests_on(one.judged(), "monitoring-due")
    assert any("alt" in reference for reference in told)
    assert not any("ast-" in reference for reference in told)


def test_one_draw_is_told_of_where_it_serves_two_tests_and_not_for_one() -> None:
    sample = say("due", "sample")

    def detail(*done: str) -> str:
        one = man().testosterone(210, -400).drug("clomiphene", -390, -200)
        for analyte in done:
            one.lab(analyte, 5, -20)
        return the(one.judged(), "monitoring-due").detail

    assert sample in detail()
    assert sample not in detail("lh")


# -- response


def test_a_response_told_only_as_at_most_the_line_is_left_open() -> None:
    def open_(comparator: str) -> bool:
        one = treated().testosterone(RESP.low, -5, comparator=comparator)
        return say("reason", "response-censored") in left_open(one.judged(), "R-RESP-05")

    assert open_("<=")
    assert not open_("<")


def test_a_treatment_of_which_one_start_is_unknown_is_not_judged() -> None:
    one = treated().drug("anastrozole", None).testosterone(600, -5)
    assert say("reason", "start-unknown") in left_open(one.judged(), "R-RESP-01")


def failing(agent: str = "clomiphene", start: int = -120) -> Man:
    """Low on a SERM for long enough."""
    return treated(agent, start).testosterone(220, -5)


def test_lh_from_two_laboratories_is_repeated_in_one_of_them() -> None:
    same, again = say("fix", "same-laboratory"), say("fix", "repeat")

    def fix(here: str, there: str) -> str:
        one = treated(start=-120).without("lh").lh(3, -130, performer=here)
        return left_open(one.testosterone(220, -5).lh(4, -5, performer=there).judged(), "R-RESP-03")

    assert same in fix("A", "B")
    limit = treated(start=-120).without("lh").lh(3, -130).testosterone(220, -5)
    assert again in left_open(limit.lh(5, -5, comparator=">").judged(), "R-RESP-03")


def test_a_central_failure_shows_lh_from_before_and_on_treatment() -> None:
    found = failing().lh(3, -5).judged()
    shown = [(e.analyte, e.role) for e in the(found, "response-central-failure").evidence]
    assert ("lh", "baseline") in shown
    assert ("lh", "fired") in shown


def test_the_failure_of_a_serm_is_counted_from_the_serm() -> None:

    def failed(days: int) -> bool:
        one = man().testosterone(210, START - 10).lh(3, START - 10).drug("anastrozole", START)
        one.drug("clomiphene", -5 - days, dose=taking(25, 7))
        return "response-central-failure" in codes(one.testosterone(220, -5).lh(3, -5).judged())

    assert failed(RESP.failure_days)
    assert not failed(RESP.failure_days - 1)


def at_maximum(one: Man) -> bool:
    """Whether two low evaluations 30 days apart count as a failure at the maximum."""
    one.testosterone(220, -35).testosterone(230, -5).lh(3, -5)
    return "response-central-failure" in codes(one.judged())


def test_the_maximum_is_that_of_the_recalibration_drug_until_the_day_it_ends() -> None:
    full = taking(PROTOCOL.dose.clomiphene_high, 7)
    assert at_maximum(treated(start=-80, daily=50))
    half = treated(start=-80, daily=25)
    half.drug("tamoxifen", -80, dose=full)
    assert not at_maximum(half)
    switched = treated(start=-80, daily=50)
    switched.episodes = [replace(switched.episodes[0], stop=day(-5), status="stopped")]
    switched.drug("clomiphene", -5, dose=full)
    assert at_maximum(switched)


def test_one_low_evaluation_at_the_maximum_is_not_two() -> None:
    one = treated(start=-80, daily=50).testosterone(230, -5).lh(3, -5)
    assert "response-central-failure" not in codes(one.judged())


def enough_hcg(*courses: tuple[int | None, int | None, int]) -> bool:
    one = man().testosterone(210, -500).testosterone(220, -530).lh(3, -500)
    for start, stop, weekly in courses:
        one.drug("hcg", start, stop, per_week=weekly)
    return "response-testicular-failure" in codes(one.testosterone(220, -5).judged())


def test_enough_hcg_is_counted_back_to_the_last_course_that_was_too_little() -> None:
    assert enough_hcg((-80, None, 5000))
    assert not enough_hcg((-40, None, 5000))
    assert enough_hcg((-80, -40, 5000), (-40, None, 5000))
    assert not enough_hcg((None, -40, 5000), (-40, None, 5000))


def test_symptoms_are_asked_for_from_the_protocols_day_on() -> None:
    def asked(begun: int, *, told: bool = False) -> bool:
        one = treated(start=-begun).testosterone(600, -5)
        if told:
            one.told("qadam", "total", 20, -begun - 5).told("qadam", "total", 40, -1)
        return "R-RESP-07" in open_codes(one.judged())

    assert asked(RESP.symptom_day)
    assert not asked(RESP.symptom_day - 1)
    assert not asked(RESP.symptom_day + 10, told=True)


def test_symptoms_are_asked_for_below_the_band_but_not_where_nothing_hangs_on_them() -> None:
    def asked(value: int, *, told: bool = False) -> bool:
        one = treated().testosterone(value, -5)
        if told:
            one.told("qadam", "total", 30, START - 5).told("qadam", "total", 31, -1)
        return "R-RESP-06" in open_codes(one.judged())

    assert asked(400)
    assert not asked(250)
    assert not asked(400, told=True)


def test_a_fall_with_lh_raised_is_the_specialists() -> None:
    def detail(lh: int) -> str:
        one = treated().testosterone(600, -60).testosterone(320, -5).lh(lh, -5)
        return the(one.judged(), "response-lost").detail

    assert say("step", "specialist") in detail(15)
    assert say("step", "specialist") not in detail(5)


# -- the action table


def on_inhibitor(score: str) -> Man:
    one = low_man().drug("anastrozole", START, dose=taking(1, 7))
    return one.lab("bone-t-score", score, -100)


def test_a_sound_bone_density_is_neither_asked_for_nor_shown_as_a_reason() -> None:
    sound = on_inhibitor("-0.5")
    assert "A-BMD" not in open_codes(sound.judged())
    broken = on_inhibitor("-0.5").problem("fracture-low-trauma", -50).judged()
    assert not any("bone-t-score" in r for r in rests_on(broken, "bone-loss"))


def test_one_item_of_a_sum_is_no_endpoint() -> None:
    one = man().told("phq-9", "self-harm", 1).told("phq-9", "total", 12)
    assert [e.item for e in one.judged().endpoints] == ["total"]


def ratio(testosterone: Decimal | int, estradiol: Decimal | int) -> bool:
    one = treated().testosterone(testosterone, -5).lab("estradiol", estradiol, -5)
    return "A-TE" in {n.rule for n in one.judged().near_misses}


def test_the_ratio_to_estradiol_is_near_its_line_up_to_the_margin() -> None:
    cut = PROTOCOL.estradiol.ratio
    edge = (cut + cut * NEAR) * 40
    assert ratio(edge, 40)
    assert not ratio(edge + 1, 40)


def test_free_testosterone_measured_just_as_far_as_allowed_agrees() -> None:
    base = man().testosterone(320, -30).testosterone(320, -60).lh(3).fsh(4).shbg(45)
    case = base.case()
    samples = take_samples(case)
    calculated = calculate(case, samples, samples.valid[:2])
    constants = knowledge().catalogue.vermeulen
    assert calculated is not None
    assert constants is not None
    own = calculated.bioavailable
    room = own * constants.measured_apart / 100

    def note(value: Decimal, comparator: str | None = None) -> str:
        one = man().testosterone(320, -30).testosterone(320, -60).lh(3).fsh(4).shbg(45)
        one.lab("bioavailable-testosterone", value, -30, comparator=comparator)
        (said,) = (e.note for e in one.judged().axis.evidence if e.role == "compared")
        return said or ""

    assert note(own + room) == note(own) == note(own - room)
    assert note(own + room + TINY) != note(own)
    assert note(own - room - TINY) != note(own)


def test_a_rise_of_hematocrit_needs_a_start_and_a_whole_value() -> None:
    def said(start: int | None, comparator: str | None = None) -> bool:
        one = man().hematocrit(42, START - 10).drug("clomiphene", start)
        one.hematocrit(50, -5, comparator=comparator)
        return "hematocrit-high" in codes(one.judged())

    assert said(START)
    assert not said(None)
    assert not said(START, "<")


def test_on_a_serm_one_liver_enzyme_is_asked_for_where_neither_was_measured() -> None:
    def asked(*done: str, agent: str = "clomiphene") -> set[str]:
        one = low_man().drug(agent, -100)
        for enzyme in done:
            one.lab(enzyme, 25, -5)
        found = one.judged()
        return {f.code for n in found.not_evaluable if n.rule == "A-LIV" for f in n.fixes}

    assert asked() == {loinc("alt")}
    assert asked("ast") == set()
    assert asked("alt") == set()
    assert asked(agent="hcg") == set()


def test_lh_of_the_day_testosterone_began_tells_nothing_of_its_effect() -> None:
    def said(offset: int) -> bool:
        one = low_man().without("lh").lh("0.9", offset).drug("testosterone-topical", -20)
        return "suppressed-axis" in codes(one.judged())

    assert not said(-20)
    assert said(-19)


def test_a_duplicate_names_and_removes_only_what_belongs_to_it() -> None:
    found = candidate().drug("tamoxifen", -900, -800).judged("hcg", "clomiphene", "enclomiphene")
    duplicate = the(found, "duplicate-therapy")
    removed = {f.code for f in duplicate.fixes if f.kind == "remove-order"}
    assert removed == {
        "MedicationRequest/draft-clomiphene", "MedicationRequest/draft-enclomiphene",
    }  # fmt: skip
    assert duplicate.agent == "clomiphene"
    taken = candidate().drug("tamoxifen", -900, -800).drug("clomiphene", -30)
    taken.drug("levothyroxine", -30).drug("tamoxifen", -30)
    assert rests_on(taken.judged(), "duplicate-therapy") == [
        "MedicationRequest/clomiphene-1", "MedicationRequest/tamoxifen-3",
    ]  # fmt: skip


def test_a_draft_of_a_drug_nobody_knows_is_no_duplicate() -> None:
    strange = DraftOrder("MedicationRequest/strange", "strange", None, None, True, "strange")
    found = low_man().drug("clomiphene", -30).judged(strange)
    assert "duplicate-therapy" not in codes(found)


def test_hcg_beside_testosterone_is_published_when_every_dose_of_it_is() -> None:
    def severity(*weekly: int | None) -> str:
        one = low_man().drug("testosterone-topical", -30)
        for dose in weekly:
            one.drug("hcg", -30, per_week=dose)
        return codes(one.judged())["duplicate-therapy"]

    most = int(PROTOCOL.orders.hcg_beside_testosterone)
    assert severity(most) == "info"
    assert severity(most, most + 1) == "warning"
    assert severity(most, None) == "warning"


@pytest.mark.parametrize(
    ("agent", "stop", "told"),
    [
        ("testosterone-topical", None, True),
        ("testosterone-topical", -5, False),
        ("clomiphene", None, False),
    ],
)
def test_a_wish_speaks_against_testosterone_taken_now(
    agent: str, stop: int | None, told: bool
) -> None:
    one = low_man().wishes("yes").drug(agent, -30, stop)
    assert ("testosterone-fertility" in codes(one.judged())) is told


def test_psa_from_before_the_treatment_is_enough() -> None:
    assert "A-PSA" in open_codes(man(50).drug("clomiphene", START).lab("psa", 1, -5).judged())
    one = man(50).drug("clomiphene", START).lab("psa", 1, START - 5).lab("psa", 1, -5)
    assert "A-PSA" not in open_codes(one.judged())


def psa(*values: tuple[str, int], start: int = START) -> Man:
    one = man(50).drug("clomiphene", start)
    for value, offset in values:
        one.lab("psa", value, offset)
    return one


PSAS: list[tuple[str, Man, str, list[int]]] = [
    ("above the limit twice",
     psa(("3", START - 5), ("4.1", -40), ("4.2", -5)), "warning", [-5, -40]),
    ("above the limit once, risen twice",
     psa(("1", START - 5), ("3.5", -40), ("4.2", -5)), "warning", [-5, -40]),
    ("above the limit once", psa(("3.5", START - 5), ("3.6", -40), ("4.2", -5)), "info", [-5]),
    ("risen twice", psa(("1", START - 5), ("2.6", -40), ("2.7", -5)), "warning", [-5, -40]),
    ("the run ends at the start", psa(("4.2", START - 5), ("4.2", -5)), "info", [-5]),
    ("the run ends with the window",
     psa(("4.2", -PSA.window - 1), ("4.2", -5), start=-700), "info", [-5]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "severity", "fired"), [p[1:] for p in PSAS], ids=[p[0] for p in PSAS]
)
def test_psa_and_the_results_it_rests_on(one: Man, severity: str, fired: list[int]) -> None:
    found = the(one.judged(), "psa-rise")
    assert found.severity == severity
    days = [
        e.effective.date()  # type: ignore[union-attr]
        for e in found.evidence
        if e.analyte == "psa" and e.role == "fired"
    ]
    assert days == [day(offset) for offset in fired]


def test_psa_told_only_as_more_than_a_value_under_an_inhibitor_is_doubled() -> None:
    one = man(50).drug("clomiphene", START).drug("5ari", -900)
    found = one.lab("psa", "2.1", -5, comparator=">").judged()
    assert "psa-rise" in codes(found)


def test_a_testosterone_order_says_when_to_draw_it() -> None:
    (fix,) = (
        f
        for n in man().testosterone(210).lh(3).judged().not_evaluable
        for f in n.fixes
        if f.code == loinc("testosterone")
    )
    assert fix.text == knowledge().wording.say(
        "fix", "order-testosterone", {"analyte": name("testosterone")}
    )


def test_a_finding_of_the_course_keeps_its_gravity_while_something_is_ordered() -> None:
    one = treated(start=-800)
    assert the(one.judged("hcg"), "monitoring-due").severity == "warning"
    assert the(one.judged(), "monitoring-due").decision == "monitoring"
    stop = man().drug("clomiphene", -30).problem("liver-severe")
    assert the(stop.judged(), "contraindication").decision == "safety"
    assert the(candidate().problem("liver-severe").judged(), "contraindication").decision == (
        "suitability"
    )
