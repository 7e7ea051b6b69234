"""20,000 generated men: recalibration is never recommended where it must not be."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from generated_facts import Man, shrunk, told
from generated_men import man_of, men
from hypothesis import Phase, given, settings
from property_judging import judged
from property_laws import LAWS, Met

MEN = 20_000
# No shrinking by Hypothesis: a smaller integer is no smaller man; `shrunk` takes facts away.
many = settings(
    max_examples=MEN, deadline=None, derandomize=True, database=None, phases=[Phase.generate]
)


def hold(man: Man, name: str) -> None:
    """Puts a man to a law; fails with the least facts that break it."""
    law = LAWS[name]
    if law(man) is not None:
        least = shrunk(man, lambda one: law(one) is not None)
        pytest.fail(f"{name}: {law(least)}\n{told(least)}", pytrace=False)


def test_never_recommended_never_silent(record_property: Callable[[str, object], None]) -> None:
    met = Met()

    @many
    @given(men())
    def every_man(man: Man) -> None:
        met.count(man)
        for name in ("never recommended", "never silent", "failure on a drug"):
            hold(man, name)

    every_man()
    record_property("counts", met.lines())
    assert met.men["men"] >= MEN
    rare = {name: n for name, n in met.men.items() if not name.startswith("+") and n < MEN // 40}
    assert not rare, f"antecedents met by too few men: {rare}"
    for criterion in "abcdef":
        assert met.men[f"severe primary: {criterion}"] >= MEN // 40


def test_the_plain_candidates_are_candidates() -> None:
    """Without a stop most of the men built as candidates are: the law above is no empty one."""
    built = [
        man
        for man in map(man_of, range(2_000))
        if man.stratum == "candidate" and not man.hazards and not man.gaps
    ]
    statuses = [judged(man).recommendation.status for man in built]
    assert len(built) > 150
    assert statuses.count("candidate") > 0.9 * len(built)
    assert set(statuses) <= {"candidate", "confirm-first", "specialist"}
