"""Generated men over time: what is missing, what gets worse, and what was known on a past day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from generated_facts import Man, shrunk, told
from generated_men import men
from hypothesis import Phase, given, settings
from property_laws import LAWS, worse_is_not_better

some = settings(
    max_examples=2_500, deadline=None, derandomize=True, database=None, phases=[Phase.generate]
)


def hold(man: Man, name: str) -> None:
    law = LAWS[name]
    if law(man) is not None:
        least = shrunk(man, lambda one: law(one) is not None)
        pytest.fail(f"{name}: {law(least)}\n{told(least)}", pytrace=False)


@some
@given(men())
def test_what_is_missing_is_not_normal(man: Man) -> None:
    hold(man, "missing is not normal")
    hold(man, "one missing is not normal")


def test_worse_is_not_better(record_property: Callable[[str, object], None]) -> None:
    met: Counter[str] = Counter()

    @settings(some, max_examples=4_000)
    @given(men())
    def every_man(man: Man) -> None:
        if worse_is_not_better(man, met) is not None:
            hold(man, "worse is not better")

    every_man()
    record_property("counts", [f"{n:6d}  {name}" for name, n in sorted(met.items())])
    assert met["later hematocrit beside a finding"] > 20


@some
@given(men())
def test_the_past_stands(man: Man) -> None:
    hold(man, "the past stands")
