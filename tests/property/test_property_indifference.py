"""Generated men, each written down in other ways: the answer is of the man, not of the writing."""

from __future__ import annotations

import pytest
from generated_facts import Man, shrunk, told
from generated_men import men
from hypothesis import Phase, given, settings
from property_laws import indifferent

some = settings(
    max_examples=2_500, deadline=None, derandomize=True, database=None, phases=[Phase.generate]
)


@some
@given(men())
def test_units_order_company_repeats_and_vocabulary_change_nothing(man: Man) -> None:
    if indifferent(man) is not None:
        least = shrunk(man, lambda one: indifferent(one) is not None)
        pytest.fail(f"{indifferent(least)}\n{told(least)}", pytrace=False)
