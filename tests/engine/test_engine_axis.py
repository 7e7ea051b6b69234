"""Clinical rules 4: the state of the axis, step by step, both sides of every limit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from men import Man, Number, knowledge, low_man, man

from smartapp.engine.assessment import Assessment
from smartapp.engine.axis import judge_axis

D = Decimal
LH = knowledge().catalogue.analytes["lh"].default_range
FSH = knowledge().catalogue.analytes["fsh"].default_range
AXIS = knowledge().protocol.axis
assert LH.low is not None
assert LH.high is not None
assert FSH.high is not None
TINY = D("0.01")


def pair(t: Number, lh: Number | None, fsh: Number | None = 4) -> Man:
    one = man().testosterone(t, -30).testosterone(t, -60).shbg(30)
    if lh is not None:
        one.lh(lh)
    return one if fsh is None else one.fsh(fsh)


def state(one: Man) -> str:
    return one.judged().axis.state


# -- 1: drugs


@pytest.mark.parametrize(
    "agent",
    ["clomiphene", "enclomiphene", "hcg", "fsh", "anastrozole", "tamoxifen", "testosterone-short",
     "anabolic-steroid", "gnrh-analogue"],
)  # fmt: skip
def test_a_drug_that_acts_forbids_classification(agent: str) -> None:
    one = low_man().drug(agent, -400)
    assert state(one) == "on-therapy"
    assert "taken" in one.judged().axis.reason


def test_other_drugs_do_not() -> None:
    assert state(low_man().drug("levothyroxine", -400)) == "secondary"


@pytest.mark.parametrize(
    ("agent", "washout"),
    [("clomiphene", 84), ("enclomiphene", 14), ("tamoxifen", 84), ("anastrozole", 28), ("hcg", 42),
     ("fsh", 42), ("testosterone-topical", 28), ("testosterone-short", 84),
     ("testosterone-long", 182), ("anabolic-steroid", 182)],
)  # fmt: skip
def test_the_wash_out_has_an_end(agent: str, washout: int) -> None:
    def stopped(days: int) -> Man:
        one = man().testosterone(210, 0).testosterone(215, -1 if days > washout else 0)
        return one.lh(3, 0).fsh(4, 0).shbg(30, 0).drug(agent, -800, -days)

    assert state(stopped(washout - 1)) == "indeterminate"
    assert "may still act" in stopped(washout - 1).judged().axis.reason
    assert state(stopped(washout + 1)) == "secondary"


def test_an_unknown_end_counts_as_wash_out_for_a_year() -> None:
    assert state(low_man().drug("clomiphene", -364, status="uncertain")) == "indeterminate"
    assert state(low_man().drug("clomiphene", -365 - 60, status="uncertain")) == "secondary"


def test_a_drug_of_unknown_beginning_acts_all_the_same() -> None:
    assert state(low_man().drug("clomiphene", None)) == "on-therapy"


def test_medications_unread_leave_the_axis_open() -> None:
    found = low_man().gap("MedicationRequest").judged()
    assert found.axis.state == "indeterminate"
    assert found.recommendation.status == "confirm-first"
    # A server without MedicationStatement is an ordinary server.
    assert state(low_man().gap("MedicationStatement")) == "secondary"


# -- 2: suppressed


def test_suppression_needs_neither_fsh_nor_low_testosterone() -> None:
    limit = AXIS.suppressed_lh
    assert state(pair(600, limit - TINY, None)) == "suppressed"
    assert state(pair(600, limit, None)) == "eugonadal"
    assert state(pair(200, limit - TINY, 0.3)) == "suppressed"
    assert state(pair(200, limit, 0.3)) == "secondary"


def test_a_known_deficiency_explains_a_low_lh() -> None:
    assert state(pair(100, "0.2", "0.3").problem("pituitary-deficiency")) == "secondary"
    assert state(pair(100, "0.2", "0.3").gap("Condition")) == "indeterminate"


def test_a_censored_lh_across_the_line_is_not_to_be_told() -> None:
    one = low_man().without("lh").lh(1, comparator="<")
    assert state(one) == "indeterminate"
    assert state(low_man().without("lh").lh(AXIS.suppressed_lh, comparator="<")) == "suppressed"


# -- 4 to 10


def test_low_testosterone_by_lh() -> None:
    assert LH.low is not None
    assert LH.high is not None
    assert state(pair(200, LH.high + TINY)) == "primary"
    assert state(pair(200, LH.high)) == "secondary"
    frank = pair(200, LH.low - TINY).judged()
    assert (frank.axis.state, "below its lower" in frank.axis.reason) == ("secondary", True)
    functional = pair(200, LH.low).judged()
    assert (functional.axis.state, "in its range" in functional.axis.reason) == ("secondary", True)


def test_low_testosterone_with_fsh_above_its_limit_is_mixed() -> None:
    assert FSH.high is not None
    assert state(pair(200, 4, FSH.high + TINY)) == "mixed"
    assert state(pair(200, 4, FSH.high)) == "secondary"


def test_testosterone_not_low() -> None:
    assert LH.high is not None
    assert FSH.high is not None
    assert state(pair(600, LH.high + TINY)) == "compensated"
    assert state(pair(600, LH.high)) == "eugonadal"
    assert state(pair(600, 4, FSH.high + TINY)) == "isolated-fsh"
    assert state(pair(600, 4, FSH.high)) == "eugonadal"


def test_a_laboratorys_range_is_used_before_the_default() -> None:
    def with_range(low: Number, high: Number) -> Man:
        return pair(200, None).lh("8.7", lab_range=(low, high))

    assert state(with_range("1.7", "8.6")) == "primary"
    assert state(with_range("1.7", "9.0")) == "secondary"


def test_lh_in_its_upper_part_adds_a_caution() -> None:
    assert LH.high is not None
    edge = LH.high * AXIS.high_normal_lh

    def cautions(lh: Decimal) -> tuple[str, ...]:
        return pair(200, lh).judged().recommendation.options[0].cautions

    assert "lh-high-normal" in cautions(edge)
    assert "lh-high-normal" not in cautions(edge - TINY)


def test_a_compensated_axis_above_the_range_goes_to_the_specialist() -> None:
    top = AXIS.compensated_high_t

    def codes(t: Decimal) -> set[str]:
        return {f.code for f in pair(t, 12).judged().findings}

    assert "specialist-review" in codes(top + 1)
    assert "specialist-review" not in codes(top)


# -- What is missing


def reason(found: Assessment) -> tuple[str, str]:
    return found.axis.state, found.axis.reason


def test_missing_hormones() -> None:
    assert state(man()) == "insufficient"
    assert state(man().testosterone(210, clock="provisional")) == "insufficient"
    assert state(man().testosterone(210)) == "indeterminate"
    assert state(pair(290, 4).without("shbg").problem("obesity")) == "indeterminate"
    assert state(pair(200, None)) == "insufficient"
    assert state(low_man().unusable("lh")) == "insufficient"
    assert state(low_man().unusable("testosterone")) == "insufficient"


def test_without_fsh_the_steps_that_need_it_are_open() -> None:
    found = pair(200, 4, None).judged()
    assert (found.axis.state, found.recommendation.status) == ("secondary", "confirm-first")
    assert any(n.rule == "R-DX-03" and "FSH" in n.reason for n in found.not_evaluable)
    assert pair(600, 4, None).judged().recommendation.status == "not-indicated"


def test_the_state_before_treatment_is_kept() -> None:
    one = man().testosterone(600, -500).testosterone(610, -520).lh(4, -500).fsh(4, -500)
    view = judge_axis(one.drug("clomiphene", -490).case())
    assert (view.now.state, view.untreated.state) == ("on-therapy", "eugonadal")


def test_earlier_drugs_belong_to_the_present_treatment_while_they_wash_out() -> None:
    one = man().testosterone(600, -500).testosterone(610, -520).lh(4, -500).fsh(4, -500)
    one.testosterone(150, -301).lh("0.1", -301)
    one.drug("testosterone-short", -490, -300).drug("clomiphene", -290)
    assert judge_axis(one.case()).untreated.state == "eugonadal"


def test_the_axis_shows_its_evidence() -> None:
    found = low_man().judged().axis.evidence
    assert [e.analyte for e in found] == ["testosterone", "testosterone", "lh", "fsh"]
    assert "default range" in str(found[-1].note)


@pytest.mark.parametrize(
    "concept", ["pituitary-deficiency", "pituitary-tumor", "hyperprolactinemia", "pituitary-other"]
)
def test_a_pituitary_diagnosis_explains_a_very_low_lh(concept: str) -> None:
    one = low_man().without("lh").lh("0.3")
    assert one.judged().axis.state == "suppressed"
    assert one.problem(concept).judged().axis.state == "secondary"
