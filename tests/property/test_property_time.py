"""Generated men over time: what is missing, and what was known on a past day."""

from __future__ import annotations

import pytest
from generated_facts import Man, shrunk, told
from generated_men import men
from hypothesis import Phase, given, settings
from property_laws import LAWS

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


@some
@given(men())
def test_the_past_stands(man: Man) -> None:
    hold(man, "the past stands")
    hold(man, "undated change is told")
