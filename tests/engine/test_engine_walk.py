"""Every rule, without exception: what is told when it cannot be judged, and when it just fails."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
import test_engine_actions as actions
import test_engine_rules as rules
from men import Man, candidate, knowledge, low_man, man, open_codes, taking

from smartapp.engine.assessment import Assessment

PROTOCOL = knowledge().protocol
ROWS = {row.rule: row for row in knowledge().matrix}

# Where a rule waits for another one, that other one tells why.
TOLD_BY = {
    "A-VTE": "R-CA-01",
    "R-BASE-01": "R-ELIG-GATE-01",
    "R-DUP-01": "R-DOSE-01",
    "R-DX-01": "R-DX-02",
    "R-DX-04": "R-CA-01",
    "R-DX-05": "R-DX-03",
    "R-ELIG-01": "R-ELIG-SYM",
    "R-ELIG-02": "R-DX-03",
    "R-ELIG-03": "R-DX-03",
    "R-ELIG-04": "R-DX-03",
    "R-MON-02": "R-ELIG-GATE-01",
    "R-REF-01": "R-DX-03",
    "R-WU-01": "R-ELIG-GATE-01",
}
# Decided by what is recorded or ordered, by a day, by answers in whole points, or by another rule:
# there is no number of their own that a result could nearly reach.
NO_NUMBER = frozenset({
    "R-APP-01", "R-DX-01", "R-DX-04", "R-REF-01", "R-ELIG-01", "R-ELIG-02", "R-ELIG-03",
    "R-ELIG-04", "R-FERT-01", "R-DUP-01", "R-BASE-01", "R-CA-01", "R-MON-01",
    "R-MON-02", "R-RESP-03", "R-RESP-04", "R-RESP-06", "R-RESP-07", "A-VIS", "A-GYN",
    "A-FLU", "A-INJ", "A-MOOD",
})  # fmt: skip


def not_evaluable() -> Iterator[tuple[str, str, Assessment]]:
    for rule, kind, label, one, orders, _ in rules.CASES:
        if kind == "not-evaluable":
            yield rule, label, one.judged(*orders)
    for rule, one, label in actions.OPEN:
        yield rule, label, one.judged()


def test_no_rule_is_silent_where_it_cannot_be_judged() -> None:
    for rule, label, found in not_evaluable():
        told = {item.rule: item for item in found.not_evaluable}
        assert rule in told or TOLD_BY.get(rule) in told, (rule, label)
        for item in found.not_evaluable:
            assert item.reason.endswith(".") and item.fix.endswith("."), (rule, label)


ANALYTES_OF_ROWS = sorted({(rule, key) for rule, row in ROWS.items() for key in row.settled_by})


@pytest.mark.parametrize(("rule", "analyte"), ANALYTES_OF_ROWS)
def test_a_row_whose_result_cannot_be_used_is_told_open(rule: str, analyte: str) -> None:
    one = candidate(55).without(analyte).unusable(analyte, -3)
    for agent in ROWS[rule].grades:
        found = one.judged(agent)
        item = next(n for n in found.not_evaluable if n.rule == rule)
        assert item.reason and item.fix


def near_rows() -> Iterator[tuple[str, str, Decimal]]:
    for rule, row in ROWS.items():
        for test in row.lab_tests:
            bound = test.above if test.above is not None else test.at_least
            if bound is None:
                continue
            limit = knowledge().catalogue.analytes[test.analyte].default_range.high
            assert limit is not None or not test.of_uln
            cut = bound * limit if test.of_uln and limit is not None else bound
            yield rule, test.analyte, cut if test.above is not None else cut - Decimal("0.1")


@pytest.mark.parametrize(("rule", "analyte", "value"), near_rows())
def test_a_result_just_short_of_a_row_is_told(rule: str, analyte: str, value: Decimal) -> None:
    one = candidate(55).without(analyte).lab(analyte, value, -20)
    agent = next(iter(ROWS[rule].grades))
    (near,) = (n for n in one.judged(agent).near_misses if n.rule == rule)
    assert f"{value.normalize():f}" in near.text


def just(analyte: str, value: Decimal) -> Man:
    return candidate().without(analyte).lab(analyte, value, -20)


STOP = rules.STOP
NEAR: dict[str, Man] = {
    "R-DX-02": low_man(t=(302, 304)).without("shbg").shbg(25),
    "R-DX-03": low_man().without("lh").lh(rules.LH_HIGH),
    "R-DX-05": low_man().without("lh").lh(PROTOCOL.axis.suppressed_lh),
    "R-ELIG-SYM": low_man().told("qadam", "total", PROTOCOL.symptoms.qadam + 1),
    "R-ELIG-STOP-01": low_man().without("lh").lh(STOP),
    "R-ELIG-GATE-01": low_man(t=(PROTOCOL.gate.mri_t, PROTOCOL.gate.mri_t - 10)),
    "R-WU-01": just("ferritin", PROTOCOL.workup.ferritin),
    "R-DOSE-01": man().drug("clomiphene", -200, dose=taking(PROTOCOL.dose.clomiphene_high, 7)),
    "R-RESP-01": rules.response(PROTOCOL.response.over),
    "R-RESP-02": rules.response(PROTOCOL.response.target),
    "R-RESP-05": rules.response(PROTOCOL.response.low),
    "A-VTE": rules.on_drug().problem("vte-symptom", -PROTOCOL.safety.vte_symptom - 1),
    "A-HCT": rules.on_drug()
    .without("hematocrit")
    .hematocrit(50, -210)
    .hematocrit(PROTOCOL.hematocrit.warning - Decimal("0.1"), -5),
    "A-E2": actions.e2(PROTOCOL.estradiol.limit),
    "A-E2lo": actions.on_inhibitor(PROTOCOL.estradiol.low),
    "A-TE": actions.ratio(40),
    "A-PSA": actions.treated(age=55)
    .without("psa")
    .lab("psa", 3, -210)
    .lab("psa", PROTOCOL.psa.limit, -5),
    "A-LIV": actions.alt(PROTOCOL.liver.enzyme_raised),
    "A-TG": actions.tg(PROTOCOL.lipids.raised),
    "A-SEM": actions.semen(PROTOCOL.semen.concentration, 20),
    "A-BMD": actions.bone(-PROTOCOL.bone.t_score + Decimal("0.1")),
}


@pytest.mark.parametrize("rule", NEAR)
def test_a_value_just_short_of_a_rule_is_told(rule: str) -> None:
    assert rule in {near.rule for near in NEAR[rule].judged().near_misses}


def test_every_rule_is_walked() -> None:
    walked = {rule for rule, _, _ in not_evaluable()}
    assert walked | ROWS.keys() == knowledge().rules.keys()
    by_result = {rule for rule, _, _ in near_rows()}
    by_record = {rule for rule, row in ROWS.items() if not row.lab_tests}
    # Rows that only hold between two lines come near the lower one; a diagnosis has no near.
    assert NEAR.keys() | NO_NUMBER | by_result | by_record == knowledge().rules.keys()
    assert not NEAR.keys() & NO_NUMBER


def test_a_person_of_unknown_age_leaves_the_rules_open() -> None:
    assert open_codes(low_man(None).judged()) == {"R-APP-01"}
    assert not low_man(12).judged().not_evaluable
    assert not man(40, "not-male").judged().not_evaluable
