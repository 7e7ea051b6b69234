"""The way to a candidate, comparison by comparison: what is left open, said, and passed over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from men import (
    Man,
    candidate,
    day,
    knowledge,
    low_man,
    man,
    open_codes,
    taking,
    the,
)

from smartapp.engine.assessment import Assessment
from smartapp.labs.reading import Unused
from smartapp.patient.record import Wishes

TINY = Decimal("0.001")
PROTOCOL = knowledge().protocol
NEAR = PROTOCOL.options.near_miss
UNDATED_EYE = {"onset": None, "recorded": None}


def say(section: str, key: str) -> str:
    """The wording up to its first place to fill."""
    return knowledge().wording.phrases[section][key].text.partition("{")[0]


def fixes(found: Assessment, code: str) -> set[str]:
    return {fix.code for fix in the(found, code).fixes}


def loinc(analyte: str) -> str:
    return knowledge().catalogue.analytes[analyte].order_loinc or ""


def left_open(found: Assessment, rule: str) -> str:
    """The reason and the fix of a rule left open; nothing when it is not."""
    return " ".join(f"{n.reason} {n.fix}" for n in found.not_evaluable if n.rule == rule)


# -- what is left open

THYROID = "R-CI-thyroid-adrenal"
EYE = "R-CI-eye-on-serm"


@pytest.mark.parametrize(
    ("one", "rule", "told"),
    [
        pytest.param(candidate().without("tsh").unusable("tsh"), THYROID, True,
                     id="an option hangs on the thyroid"),
        pytest.param(man().testosterone(210).lh(3).unusable("tsh").problem("low-libido"), THYROID,
                     False, id="one sample: no option to weigh yet"),
        pytest.param(candidate().problem("klinefelter").unusable("tsh"), THYROID, False,
                     id="the specialist's: no option to weigh"),
        pytest.param(man().drug("hcg", -100, per_week=5000).unusable("tsh"), THYROID, True,
                     id="hCG is taken"),
        pytest.param(candidate().drug("clomiphene", -800, -700)
                     .problem("visual-disturbance", None), EYE, True,
                     id="an undated visual event after a SERM: the option hangs on it"),
        pytest.param(candidate().drug("clomiphene", -100).problem("visual-disturbance", None),
                     EYE, False, id="on the SERM the visual rule itself asks for the date"),
        pytest.param(candidate().drug("clomiphene", -100).problem("visual-disturbance", None),
                     "A-VIS", True, id="which is asked for"),
        pytest.param(candidate().drug("clomiphene", -100).drug("hcg", -100)
                     .problem("visual-disturbance", None), "A-VIS", True,
                     id="beside hCG as well"),
        pytest.param(candidate().drug("clomiphene", -800, -700).drug("hcg", -100)
                     .problem("visual-disturbance", None), "A-VIS", False,
                     id="not when only hCG is taken now"),
        pytest.param(low_man().without("fsh"), "R-CI-severe-primary", False,
                     id="severe failure is left open by its own rule, not by its row"),
        pytest.param(low_man().without("lh", "fsh").lh(12).lab("testis-volume", 4),
                     "R-ELIG-STOP-01", True, id="LH raised, FSH unknown: the testes would tell"),
        pytest.param(low_man().without("lh", "fsh"), "R-ELIG-STOP-01", False,
                     id="LH unknown: LH is asked for, not the testes"),
        pytest.param(low_man().without("lh").lh(10, comparator=">"), "R-ELIG-STOP-01", False,
                     id="LH at least raised, FSH in range: the testes would not tell"),
    ],
)  # fmt: skip
def test_a_rule_is_left_open_only_where_an_answer_hangs_on_it(
    one: Man, rule: str, told: bool
) -> None:
    assert (rule in open_codes(one.judged())) is told


def test_what_cannot_be_used_is_repeated_and_what_is_not_there_is_measured() -> None:
    repeat, measure = say("fix", "repeat"), say("fix", "measure")
    unusable = candidate().without("tsh").unusable("tsh").judged()
    lacking = candidate().without("tsh").problem("hypothyroidism").judged()
    assert repeat in left_open(unusable, THYROID)
    assert measure in left_open(lacking, THYROID)


def test_a_hematocrit_that_was_sent_was_measured() -> None:
    never = say("reason", "hematocrit-missing")
    rule = "R-CI-hematocrit-stop"
    assert never in left_open(candidate().without("hematocrit").judged(), rule)
    assert never not in left_open(candidate().judged(), rule)
    sent = candidate().without("hematocrit").unusable("hematocrit")
    assert never not in left_open(sent.judged(), rule)


def test_an_fsh_that_was_sent_was_measured() -> None:
    lacking, sent = low_man().without("fsh"), low_man().without("fsh").unusable("fsh")
    assert say("reason", "fsh-missing") in left_open(lacking.judged(), "R-DX-03")
    assert say("reason", "fsh-withheld") in left_open(sent.judged(), "R-DX-03")


def test_lh_told_only_as_more_than_a_value_in_its_range_may_be_raised() -> None:
    found = low_man().without("lh").lh(2, comparator=">").judged()
    assert found.axis.state == "indeterminate"


@pytest.mark.parametrize(("stop", "role"), [(None, "acts"), (-5, "wash-out")])
def test_the_drug_that_hides_the_axis_is_named(stop: int | None, role: str) -> None:
    axis = low_man().drug("clomiphene", -20, stop).judged().axis
    assert [e.role for e in axis.evidence] == [role]
    assert "clomiphene" in axis.reason


# -- the case as it was known


def answered(effective: int, recorded: int) -> Man:
    one = man().told("ams", "total", 40)
    one.answers = [
        replace(
            one.answers[0],
            effective=datetime(2026, 11, 22 + effective, 9, tzinfo=UTC),
            recorded=datetime(2026, 11, 22 + recorded, 9, tzinfo=UTC),
        )
    ]
    return one


def test_an_answer_is_known_once_given_and_recorded() -> None:
    assert answered(0, 0).case().told
    assert not answered(0, 1).case().told
    assert not answered(1, 0).case().told


def test_a_wish_written_down_today_is_known_today_and_one_of_tomorrow_is_not() -> None:
    def wish(offset: int) -> str:
        one = candidate()
        one.wish = Wishes("yes", source="Goal/child", date=day(offset))
        return one.case().wishes.fertility

    assert wish(0) == "yes"
    assert wish(1) == "unknown"


def test_an_unusable_result_without_a_date_holds_nothing_back() -> None:
    one = man()
    one.unusables.append(Unused("Observation/undated", "no date", "psa", None, None))
    assert "psa" not in one.case().withheld


def test_of_two_unusable_results_of_one_day_the_first_is_told() -> None:
    one = man().unusable("psa", -5)
    one.unusables.append(replace(one.unusables[0], reference="Observation/other"))
    assert one.case().withheld["psa"].reference == "Observation/psa-unusable"


def test_a_diagnosis_is_dated_by_its_onset_before_its_recording() -> None:
    def told(onset: int | None) -> object:
        one = candidate().problem("liver-severe", onset, recorded=day(-3))
        found = the(one.judged("clomiphene"), "contraindication")
        (evidence,) = (e for e in found.evidence if e.reference.startswith("Condition/liver"))
        return evidence.effective

    assert told(-40) == day(-40)
    assert told(None) == day(-3)


# -- what is said of suitability


def test_an_order_beside_another_drug_is_spoken_of_for_both() -> None:
    one = low_man().drug("hcg", -30, per_week=5000).problem("prostate-cancer")
    assert "prostate-cancer" in {c for p in one.problems for c in p.concepts}
    found = the(one.judged("clomiphene"), "contraindication")
    assert "clomiphene" in found.summary
    assert "hCG" in found.summary


def test_a_stop_of_an_order_is_told_with_each_datum_once_though_the_drug_is_taken() -> None:
    one = low_man().drug("clomiphene", -30).problem("liver-severe")
    found = the(one.judged("clomiphene"), "contraindication")
    assert [e.reference for e in found.evidence] == ["Condition/liver-severe-0"]
    assert found.severity == "critical"


def test_baseline_tests_are_offered_for_the_options_that_are_left() -> None:
    def offered(*allergic: str) -> set[str]:
        one = candidate().without("alt")
        if allergic:
            one.allergy(*allergic)
        return fixes(one.judged(), "recalibration-candidate")

    assert loinc("alt") in offered()
    assert loinc("alt") not in offered("clomiphene", "enclomiphene")


def test_the_axis_stands_in_a_review_only_where_it_could_be_judged() -> None:
    untreated = the(candidate().problem("klinefelter").judged(), "specialist-review")
    assert "testosterone" in {e.analyte for e in untreated.evidence}
    treated = candidate().problem("klinefelter").drug("clomiphene", -5)
    ordered = the(treated.judged("hcg"), "specialist-review")
    assert "testosterone" not in {e.analyte for e in ordered.evidence}
    assert "210 and 220 ng/dL" in untreated.detail
    assert "210 and 220 ng/dL" not in ordered.detail


@pytest.mark.parametrize(("wish", "shown"), [("yes", True), ("no", False), ("unknown", False)])
def test_only_a_wish_for_a_child_is_evidence(wish: str, shown: bool) -> None:
    found = the(candidate().wishes(wish).judged(), "recalibration-candidate")
    assert ("wish" in {e.role for e in found.evidence}) is shown


def test_only_hcg_in_a_recorded_deficiency_is_on_label() -> None:
    on_label = knowledge().wording.say("regulatory", "hcg-on-label")

    def labelled(one: Man) -> set[str]:
        options = one.judged().recommendation.options
        return {o.agent for o in options if o.regulatory == on_label}

    assert labelled(candidate().problem("pituitary-deficiency")) == {"hcg"}
    assert labelled(candidate()) == set()


# -- low testosterone


def test_one_diagnosis_of_two_kinds_that_alter_shbg_is_named_by_the_first() -> None:
    both = frozenset({"obesity", "type-2-diabetes"})
    one = man().testosterone(250, -30).testosterone(255, -60).lh(3).fsh(4)
    one.problem("obesity", concepts=both)
    names = knowledge().catalogue.conditions
    assert names["obesity"].name in left_open(one.judged(), "R-DX-02")


def dialysed(value: Decimal) -> str:
    """Two mornings whose SHBG sends them to free testosterone, and one measured by dialysis."""
    one = man().testosterone(320, -30).testosterone(320, -60).lh(3).fsh(4).shbg(45)
    one.lab("free-testosterone", value, -30, method="dialysis")
    axis = one.judged().axis
    (note,) = (e.note for e in axis.evidence if e.role == "compared")
    return note or ""


def test_a_measured_free_testosterone_agrees_when_it_lies_on_the_same_side_of_the_cut() -> None:
    cut = PROTOCOL.low_t.free_t_cut
    assert dialysed(cut) != dialysed(cut - TINY)
    assert dialysed(cut) == dialysed(cut + 200)


# -- close to a line


def near(one: Man, rule: str, *orders: str) -> str:
    return " ".join(n.text for n in one.judged(*orders).near_misses if n.rule == rule)


def mri(*values: Decimal | int) -> str:
    one = low_man(t=[str(v) for v in values]).lab("prolactin", 8)
    return near(one, "R-ELIG-GATE-01")


def test_the_higher_of_two_testosterones_says_how_near_an_mri_is() -> None:
    cut = PROTOCOL.gate.mri_t
    assert f"{cut + 2}" in mri(cut - 10, cut + 2)
    one = man().testosterone(cut + 2, -30).testosterone(cut + 2, -60, comparator="<")
    assert near(one.lh(3).fsh(4).shbg(30).lab("prolactin", 8), "R-ELIG-GATE-01") == ""


def alt(value: Decimal | int) -> Man:
    return candidate().without("alt").lab("alt", value)


def test_a_row_nearly_met_is_told_as_stop_or_precaution_and_on_the_line_it_is_met() -> None:
    limit = knowledge().catalogue.analytes["alt"].default_range.high
    assert limit is not None
    told = [
        n for n in alt(limit * 3 - TINY).judged().near_misses if n.rule == "R-CI-liver-tests-stop"
    ]
    assert [n.code for n in told] == ["contraindication"]
    relative = candidate().without("hematocrit").hematocrit("49.5").judged()
    (row,) = (n for n in relative.near_misses if n.rule == "R-CI-hematocrit-relative")
    assert row.code == "precaution"


def test_enclomiphene_at_the_lower_end_of_the_citrate_is_citrate() -> None:
    low = PROTOCOL.dose.enclomiphene_low

    def reason(one: Man) -> str:
        return left_open(one.judged(), "R-DOSE-01")

    salt = say("fix", "state-salt")
    assert salt not in reason(low_man().drug("enclomiphene", -30, dose=taking(low, 7)))
    assert salt in reason(low_man().drug("enclomiphene", -30, dose=taking(low - 1, 7)))
    unclear = replace(taking(low, 7), per_day=None, per_week=None)
    unread = low_man().drug("enclomiphene", -30, dose=unclear)
    assert salt not in reason(unread)
    assert say("fix", "state-dose") in reason(unread)


def test_a_dose_is_near_its_bound_from_the_margin_on() -> None:
    high = PROTOCOL.dose.clomiphene_high
    edge = high - high * NEAR

    def said(daily: Decimal) -> bool:
        one = low_man().drug("clomiphene", -30, dose=taking(daily, 7))
        return "R-DOSE-01" in {n.rule for n in one.judged().near_misses}

    assert said(edge)
    assert not said(edge - TINY)
