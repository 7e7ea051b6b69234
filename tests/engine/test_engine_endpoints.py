"""Endpoints as a trend, wishes that grow old, and a past that is told as it was known."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from men import AS_OF, Man, day, knowledge, low_man, man, taking

from smartapp.engine import assess, to_json
from smartapp.patient.record import Wishes, WishWord

DAYS = knowledge().protocol.gate.recent_days


def treated() -> Man:
    return man().testosterone(200, -205).drug("clomiphene", -200, dose=taking(25, 3.5))


def test_each_figure_stands_against_the_mans_own_before_treatment() -> None:
    one = treated().told("nrs", "libido", 2, -220).told("nrs", "libido", 3, -205)
    one.told("nrs", "libido", 4, -100).told("nrs", "libido", 6, -10)
    first, second, third, fourth = one.judged().endpoints
    assert [e.value for e in (first, second, third, fourth)] == [2, 3, 4, 6]
    assert (first.baseline, second.baseline) == (None, None)
    assert (third.baseline, third.change, third.meaningful) == (3, 1, False)
    assert (fourth.baseline, fourth.change, fourth.meaningful) == (3, 3, True)
    assert fourth.scale == "0-10, higher is better"
    assert (fourth.tool, fourth.item) == ("nrs", "libido")


def test_a_change_nobody_has_set_a_measure_for_is_neither_meaningful_nor_not() -> None:
    one = treated().told("ams", "total", 50, -205).told("ams", "total", 30, -10)
    last = one.judged().endpoints[-1]
    assert (last.change, last.meaningful) == (-20, None)
    assert "lower is better" in last.scale


def test_signs_and_wishes_are_no_endpoints_and_without_treatment_there_is_no_baseline() -> None:
    one = treated().told("signs", "visual", 0).told("wishes", "fertility", 1)
    assert one.judged().endpoints == ()
    (alone,) = low_man().told("qadam", "total", 28).judged().endpoints
    assert (alone.baseline, alone.change, alone.meaningful) == (None, None, None)


def test_endpoints_are_in_the_json_and_cut_at_as_of() -> None:
    one = treated().told("nrs", "mood", 3, -205).told("nrs", "mood", 6, -10)
    told = json.loads(to_json(one.judged()), parse_float=Decimal)["endpoints"]
    assert [e["value"] for e in told] == [3, 6]
    before = assess(one.record(), knowledge(), AS_OF - timedelta(days=11))
    assert [e.value for e in before.endpoints] == [3]


def wish(offset: int, *, lasting: bool = False, answer: str = "yes") -> Wishes:
    word = WishWord("fertility", answer, day(offset), day(offset), "Goal/child", lasting)  # type: ignore[arg-type]
    return Wishes(answer, "unknown", word.source, word.day, (word,))  # type: ignore[arg-type]


def test_a_wish_is_forgotten_after_two_years_unless_it_lasts() -> None:
    def known(wishes: Wishes) -> str:
        record = replace(low_man().record(), wishes=wishes)
        return assess(record, knowledge(), AS_OF).wishes.fertility

    assert known(wish(-DAYS)) == "yes"
    assert known(wish(-DAYS - 1)) == "unknown"
    assert known(wish(-DAYS - 1, lasting=True, answer="no")) == "no"
    assert known(wish(1)) == "unknown"


def test_the_wish_for_his_own_testosterone_is_told() -> None:
    word = WishWord("endogenous", "yes", day(-10), day(-10), "Goal/own")
    wishes = Wishes("unknown", "yes", word.source, word.day, (word,))
    record = replace(low_man().record(), wishes=wishes)
    assert assess(record, knowledge(), AS_OF).wishes.endogenous == "yes"


def test_an_end_nobody_dated_is_marked_as_known_only_today() -> None:
    one = treated()
    one.episodes[0] = replace(one.episodes[0], status="uncertain", undated=True)
    found = one.judged()
    assert any("known only as it stands today" in n.reason for n in found.not_evaluable)
    assert not any(
        "known only as it stands today" in n.reason for n in treated().judged().not_evaluable
    )
