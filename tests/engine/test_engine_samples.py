"""Clinical rules 2: which draws count."""

from __future__ import annotations

from decimal import Decimal

import pytest
from men import Man, day, knowledge, man

from smartapp.engine.samples import take_samples

WINDOW = knowledge().protocol.samples.window
PAIR = knowledge().protocol.samples.pair


def valid_days(one: Man) -> list[int]:
    return [(s.drawn - day(0)).days for s in take_samples(one.case()).valid]


def test_morning_draws_count_newest_first() -> None:
    assert valid_days(man().testosterone(210, -60).testosterone(220, -30)) == [-30, -60]


@pytest.mark.parametrize("clock", ["not-morning", "provisional"])
def test_a_draw_without_a_known_morning_does_not_count(clock: str) -> None:
    samples = take_samples(man().testosterone(210, clock=clock).case())
    assert not samples.valid
    assert [reason for _, reason in samples.invalid] == [clock]


def test_the_window_is_the_protocols() -> None:
    assert valid_days(man().testosterone(210, -WINDOW)) == [-WINDOW]
    assert valid_days(man().testosterone(210, -WINDOW - 1)) == []


@pytest.mark.parametrize(
    ("agent", "stop", "counts"),
    [
        ("clomiphene", -30 - 83, False),
        ("clomiphene", -30 - 84, True),
        ("enclomiphene", -30 - 13, False),
        ("enclomiphene", -30 - 14, True),
        ("tamoxifen", -30 - 83, False),
        ("anastrozole", -30 - 27, False),
        ("anastrozole", -30 - 28, True),
        ("hcg", -30 - 41, False),
        ("hcg", -30 - 42, True),
        ("fsh", -30 - 41, False),
        ("testosterone-topical", -30 - 28, True),
        ("testosterone-short", -30 - 83, False),
        ("testosterone-short", -30 - 84, True),
        ("testosterone-long", -30 - 181, False),
        ("testosterone-long", -30 - 182, True),
        ("anabolic-steroid", -30 - 181, False),
        ("opioid", -31, True),
    ],
)
def test_a_draw_in_the_wash_out_does_not_count(agent: str, stop: int, counts: bool) -> None:
    one = man().testosterone(210, -30).drug(agent, stop - 100, stop)
    samples = take_samples(one.case())
    assert bool(samples.valid) is counts
    assert [r for _, r in samples.invalid] == ([] if counts else ["treated"])


def test_a_draw_on_the_day_a_drug_was_begun_is_its_baseline() -> None:
    assert valid_days(man().testosterone(210, -30).drug("clomiphene", -30)) == [-30]
    assert valid_days(man().testosterone(210, -29).drug("clomiphene", -30)) == []


def test_an_unknown_end_spoils_a_year_from_the_start() -> None:
    year = knowledge().protocol.axis.unknown_stop
    spoiled = man().testosterone(210, -10).drug("clomiphene", -10 - year + 1, status="uncertain")
    assert valid_days(spoiled) == []
    clear = man().testosterone(210, -10).drug("clomiphene", -10 - year, status="uncertain")
    assert valid_days(clear) == [-10]


def test_one_date_is_one_sample() -> None:
    same = man().testosterone(210, -30).testosterone(210, -30)
    (sample,) = take_samples(same.case()).valid
    assert sample.span.value == 210
    assert not sample.averaged
    differing = man().testosterone(210, -30).testosterone(250, -30)
    (sample,) = take_samples(differing.case()).valid
    assert sample.span.value == Decimal(230)
    assert sample.averaged


def test_lh_goes_with_a_valid_sample_within_the_days() -> None:
    near = take_samples(man().testosterone(210, -100).lh(3, -100 + PAIR).case())
    assert near.lh.reading is not None
    far = take_samples(man().testosterone(210, -100).lh(3, -100 + PAIR + 1).case())
    assert far.lh.missing == "unpaired"
    assert take_samples(man().testosterone(210).case()).lh.missing == "none"


def test_no_axis_drug_may_lie_between_lh_and_the_sample() -> None:
    one = man().testosterone(210, -80).lh(3, -5).drug("enclomiphene", -70, -40)
    assert take_samples(one.case()).lh.missing == "unpaired"


def test_the_newest_result_withheld_makes_the_rule_abstain() -> None:
    one = man().testosterone(210, -30).lh(3, -30).unusable("lh", -5)
    assert take_samples(one.case()).lh.missing == "withheld"
    older = man().testosterone(210, -30).lh(3, -30).unusable("lh", -40)
    assert take_samples(older.case()).lh.reading is not None
    void = man().testosterone(210, -30).lh(3, -30).unusable("lh", -5, void=True)
    assert take_samples(void.case()).lh.reading is not None
    assert take_samples(man().testosterone(210).unusable("testosterone", -5).case()).withheld
