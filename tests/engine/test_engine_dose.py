"""Doses against the published range: the daily average, hCG at once and in the week."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from men import Man, candidate, cards, codes, draft, knowledge, low_man, man, taking, the

from smartapp.engine.dose import bounds_of
from smartapp.patient.record import Dose

RANGE = knowledge().protocol.dose
TINY = Decimal("0.01")
WEEK = 7
RULE, CODE = "R-DOSE-01", "dose-outside-regimen"


def lines() -> Iterator[Any]:
    """Each range of the protocol: on both lines and just beyond each."""
    daily = {
        "clomiphene": (RANGE.clomiphene_low, RANGE.clomiphene_high),
        "enclomiphene": (RANGE.enclomiphene_low, RANGE.enclomiphene_high),
        "anastrozole": (RANGE.anastrozole_low, RANGE.anastrozole_high),
    }
    for agent, (low, high) in daily.items():
        text = "citrate" if agent == "enclomiphene" else ""
        for value, out in (
            (low, None), (high, None), (low - TINY, "below"), (high + TINY, "above")
        ):  # fmt: skip
            dose = taking(value, WEEK, text=text)
            yield pytest.param(agent, dose, out, id=f"{agent} {value}", marks=_mark(out))
    week_low, week_high = RANGE.hcg_week_low, RANGE.hcg_week_high
    once_low, once_high = RANGE.hcg_dose_low, RANGE.hcg_dose_high
    for amount, times, out in (
        (once_low, week_low / once_low, None),
        (once_high, week_high / once_high, None),
        (once_low - 1, 3, "below"),
        (once_high + 1, 1, "above"),
        (once_low, week_low / once_low - TINY, "below"),
        (Decimal(3000), week_high / 3000 + TINY, "above"),
    ):
        dose = taking(amount, times, "[IU]")
        yield pytest.param("hcg", dose, out, id=f"hcg {amount} x {times:.2f}", marks=_mark(out))


def _mark(out: str | None) -> pytest.MarkDecorator:
    return pytest.mark.rule(RULE, "boundary" if out else "negative")


@pytest.mark.parametrize(("agent", "dose", "out"), list(lines()))
def test_the_published_range_of_a_drug_ordered_and_taken(
    agent: str, dose: Dose, out: str | None
) -> None:
    ordered = candidate().judged(draft(agent, dose=dose))
    taken = low_man().drug(agent, -100, dose=dose).judged()
    for found in (ordered, taken):
        assert codes(found).get(CODE) == (None if out is None else "warning")
        assert (CODE in cards(found)) is (out is not None)
        if out is not None:
            assert f"is {out} the published range" in the(found, CODE).summary
        assert not any(n.rule == RULE for n in found.not_evaluable)


@pytest.mark.rule(RULE, "positive")
def test_a_dose_far_beyond_names_dose_and_range_and_offers_to_remove_the_draft() -> None:
    found = the(candidate().judged(draft("clomiphene", dose=taking(100, WEEK))), CODE)
    assert found.summary == "clomiphene: 100 mg a day is above the published range (12.5 to 50)"
    assert [fix.kind for fix in found.fixes] == ["remove-order"]


def test_every_other_day_is_half_of_it() -> None:
    qod = Dose(Decimal(25), "mg", Decimal("12.5"), "25 mg every other day", Decimal("87.5"))
    assert CODE not in codes(low_man().drug("clomiphene", -100, dose=qod).judged())


@pytest.mark.rule(RULE, "not-evaluable")
@pytest.mark.parametrize(
    ("agent", "dose", "word"),
    [
        ("clomiphene", None, "No dose"),
        ("clomiphene", Dose(Decimal(25), "mg", None, "25 mg as needed"), "could not be read"),
        ("clomiphene", taking(1, WEEK, "tablet"), "could not be read"),
        ("hcg", taking(5, 2, "mL"), "could not be read"),
        ("hcg", Dose(None, "[IU]", None, "as told", Decimal(3000)), "could not be read"),
        ("enclomiphene", taking("8.5", WEEK), "base or citrate"),
    ],
)
def test_a_dose_that_cannot_be_told_is_not_judged(agent: str, dose: Dose, word: str) -> None:
    found = candidate().judged(draft(agent, dose=dose))
    assert CODE not in codes(found)
    (open_,) = (n for n in found.not_evaluable if n.rule == RULE)
    assert word in open_.reason
    assert open_.fix


def test_one_bound_broken_is_enough_although_the_other_cannot_be_told() -> None:
    once = Dose(Decimal(10000), "[IU]", None, "10,000 units", None)
    assert codes(candidate().judged(draft("hcg", dose=once)))[CODE] == "warning"


@pytest.mark.parametrize(
    ("words", "milligrams", "out"),
    [
        ("base", RANGE.enclomiphene_base_low, None),
        ("base", RANGE.enclomiphene_base_low - TINY, "below"),
        ("base", RANGE.enclomiphene_base_high, None),
        ("base", RANGE.enclomiphene_base_high + TINY, "above"),
        ("citrate", RANGE.enclomiphene_base_low, "below"),
        ("", RANGE.enclomiphene_high, None),
    ],
)
def test_enclomiphene_as_base_and_as_citrate(
    words: str, milligrams: Decimal, out: str | None
) -> None:
    (bound,) = bounds_of(RANGE, "enclomiphene", taking(milligrams, WEEK), words)
    assert bound.out == out


def test_a_drug_without_a_published_range_is_not_judged() -> None:
    found = candidate().judged(draft("letrozole", dose=taking(100, WEEK)))
    assert CODE not in codes(found)
    assert not any(n.rule == RULE for n in found.not_evaluable)


def test_what_is_ordered_anew_is_not_told_of_the_old_dose() -> None:
    one = low_man().drug("clomiphene", -100, dose=taking(100, WEEK))
    found = one.judged(draft("clomiphene", dose=taking(25, WEEK)))
    assert CODE not in codes(found)


def test_a_dose_at_the_top_is_a_near_miss() -> None:
    one = man().drug("clomiphene", -100, dose=taking(RANGE.clomiphene_high, WEEK))
    (near,) = (n for n in one.judged().near_misses if n.rule == RULE)
    assert near.text == "clomiphene 50 mg a day, acts above 50 mg a day."
    lower = man().drug("clomiphene", -100, dose=taking(25, WEEK))
    assert not any(n.rule == RULE for n in lower.judged().near_misses)


def test_the_range_is_the_sites_to_change() -> None:
    site = replace(
        knowledge(),
        protocol=replace(knowledge().protocol, dose=replace(RANGE, clomiphene_high=Decimal(25))),
    )
    one: Man = low_man().drug("clomiphene", -100, dose=taking(50, WEEK))
    assert codes(one.judged(site=site))[CODE] == "warning"
    assert CODE not in codes(one.judged())
