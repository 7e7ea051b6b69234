"""The follow-up: due, overdue, late; one sample for several tests; after a stop; with an order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from men import TODAY, Man, candidate, cards, codes, day, draft, knowledge, man, taking, the

from smartapp.engine.assessment import Assessment, Due

M = knowledge().protocol.monitoring
AGE = knowledge().protocol.orders.psa_age
ANALYTES = knowledge().catalogue.analytes
DOSE = {
    "clomiphene": taking(25, 3.5),
    "enclomiphene": taking("12.5", 7),
    "hcg": taking(1500, 2, "[IU]"),
}


def on(agent: str = "clomiphene", days: int = 100, age: int = 35) -> Man:
    """A man `days` into treatment, with his baseline and nothing measured since."""
    one = man(age).testosterone(200, -days - 5).testosterone(210, -days - 40)
    one.lh(3, -days - 5).fsh(4, -days - 5).hematocrit(45, -days - 5).lab("alt", 25, -days - 5)
    return one.drug(agent, -days, dose=DOSE.get(agent))


def seen(one: Man, offset: int, *analytes: str) -> Man:
    """Quiet results of these tests on one day."""
    values = {"testosterone": 550, "lh": 5, "fsh": 5, "estradiol": 30, "hematocrit": 45,
              "alt": 25, "psa": "0.8", "sperm-concentration": 40}  # fmt: skip
    for analyte in analytes or tuple(k for k in values if k != "sperm-concentration"):
        one.lab(analyte, values[analyte], offset)
    return one


def due_of(found: Assessment, analyte: str) -> Due | None:
    name = ANALYTES[analyte].name if analyte in ANALYTES else analyte
    rows = [d for d in found.due if d.test == name]
    assert len(rows) < 2
    return rows[0] if rows else None


def spoken(found: Assessment) -> str | None:
    return codes(found, course=True).get("monitoring-due")


# -- Each step of the schedule


def steps() -> Iterator[Any]:
    """analyte, day, window, of the steps of the schedule on clomiphene: first to last."""
    first = (M.clomiphene_first, M.clomiphene_first_low, M.clomiphene_first_high)
    quarter = (M.quarter, M.quarter_low, M.quarter_high)
    half = (M.half, M.half_low, M.half_high)
    year = (M.year, M.year_low, M.year_high)
    hormones = (first, quarter, half, year)
    table = {
        "testosterone": hormones, "lh": hormones, "fsh": hormones, "estradiol": hormones,
        "hematocrit": (quarter, half, year), "alt": (first, quarter, year), "psa": (quarter, year),
    }  # fmt: skip
    for analyte, row in table.items():
        before: int | None = None
        for step in row:
            yield pytest.param(
                analyte, before, *step, id=f"{analyte} {step[0]}",
                marks=pytest.mark.rule("R-MON-01", "boundary"),
            )  # fmt: skip
            before = step[1]


@pytest.mark.parametrize(("analyte", "last", "due", "low", "high"), list(steps()))
def test_a_step_is_due_on_its_day_and_overdue_after_its_window(
    analyte: str, last: int | None, due: int, low: int, high: int
) -> None:
    def after(days: int) -> Due:
        one = on(days=days, age=AGE)
        if last is not None:
            # The result at the first day of the window before serves that step.
            seen(one, last - days, analyte)
        row = due_of(one.judged(), analyte)
        assert row is not None
        return row

    row = after(high)
    start = day(-high)
    assert row.due == start + timedelta(days=due)
    assert row.window == (start + timedelta(days=low), start + timedelta(days=high))
    assert row.loinc == ANALYTES[analyte].order_loinc
    assert not row.overdue
    assert after(high + 1).overdue


@pytest.mark.parametrize(
    ("analyte", "repeat", "low", "high"),
    [
        ("testosterone", M.often, M.often_low, M.often_high),
        ("hematocrit", M.often, M.often_low, M.often_high),
        ("psa", M.repeat, M.repeat_low, M.repeat_high),
        ("alt", M.repeat, M.repeat_low, M.repeat_high),
        ("lh", M.repeat, M.repeat_low, M.repeat_high),
    ],
)
def test_after_the_year_the_next_counts_from_the_last_result(
    analyte: str, repeat: int, low: int, high: int
) -> None:
    one = seen(on(days=1000, age=AGE), -high, analyte)
    row = due_of(one.judged(), analyte)
    assert row is not None
    assert row.due == day(repeat - high)
    assert row.window == (day(low - high), TODAY)
    assert not row.overdue
    again = seen(on(days=1000, age=AGE), -high - 1, analyte)
    late = due_of(again.judged(), analyte)
    assert late is not None and late.overdue


def test_a_result_before_its_window_does_not_serve_and_one_after_it_does() -> None:
    early = seen(on(days=M.quarter_high + 1), M.quarter_low - 1 - M.quarter_high - 1, "hematocrit")
    row = due_of(early.judged(), "hematocrit")
    assert row is not None and row.overdue
    after = seen(on(days=150), -20, "hematocrit")
    row = due_of(after.judged(), "hematocrit")
    assert row is not None and row.due == day(-150 + M.half)


def test_the_first_step_depends_on_the_drug() -> None:
    for agent, first in (("clomiphene", M.clomiphene_first), ("enclomiphene", M.first)):
        row = due_of(on(agent, 10).judged(), "testosterone")
        assert row is not None and row.due == day(first - 10)


# -- What is asked for, of whom


def test_what_is_due_depends_on_drug_age_and_wish() -> None:
    def keys(one: Man) -> set[str]:
        names = {ANALYTES[k].name: k for k in ANALYTES}
        return {names.get(d.test, "vision") for d in one.judged().due}

    hormones = {"testosterone", "lh", "fsh", "estradiol", "hematocrit", "triglycerides", "hba1c"}
    assert keys(on()) == {*hormones, "alt", "vision"}
    assert keys(on("hcg")) == hormones
    assert keys(on(age=AGE)) == {*hormones, "alt", "vision", "psa"}
    assert keys(on(age=AGE - 1)) == {*hormones, "alt", "vision"}
    assert "sperm-concentration" in keys(on().wishes("yes"))
    assert "sperm-concentration" not in keys(on().wishes("no"))
    assert keys(man()) == set()
    assert keys(man().drug("testosterone-short", -300)) == set()


def test_ast_does_as_well_as_alt() -> None:
    row = due_of(on().lab("ast", 20, -20).judged(), "alt")
    assert row is not None and not row.overdue


def test_a_high_hematocrit_before_the_start_is_looked_at_first() -> None:
    high = on(days=10).without("hematocrit").hematocrit(M.hematocrit_early, -15)
    row = due_of(high.judged(), "hematocrit")
    assert row is not None and row.due == day(M.quarter - 10)
    higher = on(days=10).without("hematocrit").hematocrit(M.hematocrit_early + 1, -15)
    row = due_of(higher.judged(), "hematocrit")
    assert row is not None and row.due == day(M.clomiphene_first - 10)


def test_the_question_of_vision_is_answered_by_the_form() -> None:
    row = due_of(on().judged(), "Visual symptoms (question)")
    assert row is not None and row.overdue and row.loinc == ""
    told = on().told("signs", "visual", 0, -10).judged()
    row = due_of(told, "Visual symptoms (question)")
    assert row is not None and not row.overdue
    # It is asked for in words and makes no card by itself.
    quiet = seen(on(), -20)
    assert spoken(quiet.judged()) is None


def test_an_afternoon_testosterone_does_not_serve() -> None:
    one = on().testosterone(400, -20, clock="not-morning")
    row = due_of(one.judged(), "testosterone")
    assert row is not None and row.overdue


# -- From the start, and from the last change of dose


def test_safety_counts_from_the_start_and_response_from_the_last_change() -> None:
    one = man().testosterone(200, -205).lh(3, -205)
    one.drug("clomiphene", -200, -30, dose=taking(25, 3.5))
    one.drug("clomiphene", -30, dose=taking(25, 7))
    found = seen(one, -110).judged()
    t, hct = due_of(found, "testosterone"), due_of(found, "hematocrit")
    assert t is not None and t.due == day(M.clomiphene_first - 30)
    assert hct is not None and hct.due == day(M.half - 200)


# -- The finding


@pytest.mark.rule("R-MON-01", "negative")
def test_nothing_overdue_says_nothing() -> None:
    assert spoken(seen(on(), -20).judged()) is None
    assert spoken(on(days=20).judged()) is None


@pytest.mark.rule("R-MON-01", "positive")
def test_what_is_overdue_is_said_once_with_one_sample_for_all() -> None:
    one = seen(on(days=110), -50, "testosterone", "lh", "fsh", "estradiol", "alt")
    found = the(one.judged(), "monitoring-due")
    assert (found.severity, found.card) == ("info", True)
    assert "Hematocrit" in found.summary
    assert "One morning sample serves them all" in found.detail
    assert "visual symptoms" in found.detail
    ordered = {fix.code for fix in found.fixes if fix.kind == "order-lab"}
    # With what is overdue goes what may be drawn by now, and what belongs to its sample.
    for analyte in ("testosterone", "hematocrit", "alt", "lh", "estradiol", "shbg", "albumin"):
        assert ANALYTES[analyte].order_loinc in ordered
    assert ANALYTES["psa"].order_loinc not in ordered


@pytest.mark.rule("R-MON-01", "boundary")
def test_a_safety_test_late_by_more_than_a_whole_interval_warns() -> None:
    def after(days: int) -> str | None:
        return spoken(seen(on("hcg", days), -5, "testosterone", "lh", "fsh").judged())

    whole = 2 * M.quarter  # due after a quarter, the interval is a quarter
    assert after(whole) == "info"
    assert after(whole + 1) == "warning"


def test_a_late_testosterone_alone_is_no_warning() -> None:
    one = seen(on(days=400), -5, "hematocrit", "alt")
    assert spoken(one.judged()) == "info"


def test_an_inhibitor_makes_estradiol_a_safety_test() -> None:
    one = seen(on("hcg", 300).drug("anastrozole", -300), -5, "testosterone", "hematocrit")
    assert spoken(one.judged()) == "warning"
    without = seen(on("hcg", 300), -5, "testosterone", "hematocrit")
    assert spoken(without.judged()) is None


@pytest.mark.rule("R-MON-01", "not-evaluable")
def test_what_cannot_be_told() -> None:
    unknown = man().drug("clomiphene", None).judged()
    assert not unknown.due
    assert any(n.rule == "R-MON-01" and "begun" in n.reason for n in unknown.not_evaluable)
    unread = on(days=400).gap("Observation").judged()
    assert spoken(unread) == "warning"  # safety tests come by another search
    assert due_of(unread, "testosterone") is None
    assert any(n.rule == "R-CA-01" for n in unread.not_evaluable)


# -- After a stop


@pytest.mark.rule("R-MON-01", "boundary")
def test_after_a_stop_testosterone_and_lh_once() -> None:
    def stopped(days: int) -> Man:
        return man().drug("clomiphene", -days - 200, -days)

    found = stopped(M.stop_high).judged()
    assert {d.test for d in found.due} == {ANALYTES["testosterone"].name, ANALYTES["lh"].name}
    assert all(d.due == day(M.stop - M.stop_high) and not d.overdue for d in found.due)
    assert spoken(found) is None
    late = stopped(M.stop_high + 1).judged()
    assert spoken(late) == "info"
    assert "After stopping clomiphene" in the(late, "monitoring-due").summary
    assert spoken(stopped(M.stop_until).judged()) == "info"
    assert stopped(M.stop_until + 1).judged().due == ()
    served = seen(stopped(150), M.stop_low - 150, "testosterone", "lh")
    assert served.judged().due == ()
    early = seen(stopped(150), M.stop_low - 151, "testosterone", "lh")
    assert len(early.judged().due) == 2
    assert stopped(150).drug("testosterone-short", -100).judged().due == ()
    probable = man().drug("clomiphene", -350, -150, status="uncertain")
    assert probable.judged().due == ()


# -- With an order


@pytest.mark.rule("R-MON-02", "positive")
def test_an_order_that_is_fine_brings_its_follow_up() -> None:
    found = candidate().judged(draft("clomiphene", dose=DOSE["clomiphene"]))
    plan = the(found, "monitoring-plan")
    assert (plan.severity, plan.card, plan.decision) == ("info", True, "order:clomiphene")
    assert f"{M.clomiphene_first} days" in plan.summary
    assert "visual symptoms" in plan.detail
    ordered = {fix.code for fix in plan.fixes if fix.kind == "order-lab"}
    assert ANALYTES["testosterone"].order_loinc in ordered
    assert ANALYTES["alt"].order_loinc in ordered
    assert ANALYTES["hematocrit"].order_loinc not in ordered
    hcg = the(candidate().judged(draft("hcg", dose=DOSE["hcg"])), "monitoring-plan")
    assert f"{M.first} days" in hcg.summary
    assert "visual" not in hcg.detail


@pytest.mark.rule("R-MON-02", "negative")
@pytest.mark.rule("R-MON-02", "boundary")
def test_an_order_with_anything_graver_against_it_brings_no_plan() -> None:
    too_much = candidate().judged(draft("clomiphene", dose=taking(100, 7)))
    assert "monitoring-plan" not in codes(too_much, course=True)
    barely = candidate().judged(draft("clomiphene", dose=taking(50, 7)))
    assert "monitoring-plan" in codes(barely, course=True)
    for agent in ("testosterone-short", "amoxicillin"):
        assert "monitoring-plan" not in codes(candidate().judged(agent), course=True)
    assert "monitoring-plan" not in codes(candidate().judged(), course=True)


@pytest.mark.rule("R-MON-02", "not-evaluable")
def test_an_order_that_cannot_be_judged_brings_no_plan() -> None:
    found = candidate().gap("Condition").judged(draft("clomiphene", dose=DOSE["clomiphene"]))
    assert "monitoring-plan" not in codes(found, course=True)
    assert found.not_evaluable


def test_a_renewal_names_what_comes_next() -> None:
    one = seen(on(days=100).lab("prolactin", 8, -105).lab("alt", 20, -105), -15)
    found = one.judged(draft("clomiphene", dose=DOSE["clomiphene"]))
    plan = the(found, "monitoring-plan")
    assert day(M.half - 100).isoformat() in plan.summary


# -- Knowledge


def test_the_intervals_are_the_sites_to_change() -> None:
    protocol = replace(
        knowledge().protocol, monitoring=replace(M, quarter_high=M.quarter_high + 30)
    )
    site = replace(knowledge(), protocol=protocol)
    one = seen(on("hcg", M.quarter_high + 20), -50, "testosterone")
    assert spoken(one.judged()) == "info"
    assert spoken(one.judged(site=site)) is None


def test_due_says_nothing_of_men_the_rules_do_not_apply_to() -> None:
    assert on(age=15).judged().due == ()
    assert cards(on(age=15).judged()) == set()


# -- lipids, glucose, bone (evidence base 4.3)


def test_lipids_and_glucose_are_looked_at_in_the_quarter_and_by_the_year() -> None:
    young = all_due(man().drug("clomiphene", -20))
    assert (young["Triglycerides"].due, young["Hemoglobin A1c"].due) == (day(64), day(64))
    seen = all_due(man().drug("clomiphene", -120).lab("triglycerides", 150, -30))
    assert seen["Triglycerides"].due == day(245)
    assert seen["Hemoglobin A1c"].overdue
    found = man().drug("clomiphene", -120).judged()
    assert "Triglycerides" not in the(found, "monitoring-due").detail  # listed, no matter by itself
    assert "2571-8" in {fix.code for fix in the(found, "monitoring-due").fixes}


def test_bone_density_goes_with_an_inhibitor_or_with_weak_bones() -> None:
    assert "Bone density T-score" not in all_due(man().drug("clomiphene", -20))
    for one in (
        man().drug("clomiphene", -20).drug("anastrozole", -20),
        man().drug("clomiphene", -20).problem("osteoporosis"),
    ):
        first = all_due(one)["Bone density T-score"]
        assert (first.due, first.window[1], first.overdue) == (day(-20), day(81), False)
        again = all_due(one.lab("bone-t-score", -1, -300))["Bone density T-score"]
        assert (again.due, again.window[1]) == (day(65), day(430))


def test_one_sample_serves_the_blood_tests_and_no_others() -> None:
    blood = man().drug("clomiphene", -300)
    assert "serves them all" in the(blood.judged(), "monitoring-due").detail
    semen = the(blood.wishes("yes").judged(), "monitoring-due")
    assert "One morning sample serves the blood tests." in semen.detail


def all_due(one: Man) -> dict[str, Due]:
    return {item.test: item for item in one.judged().due}
