"""The sieve may only ever drop what cannot match: shown on generated matches of every pattern."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smartapp.knowledge.catalogue import Catalogue
from smartapp.knowledge.catalogue_files import load_catalogue
from smartapp.patient.sieve import Sieve, needs


def patterns(catalogue: Catalogue) -> list[tuple[str, re.Pattern[str]]]:
    drugs = [(key, drug.pattern) for key, drug in catalogue.drugs.items()]
    concepts = [(key, concept.pattern) for key, concept in catalogue.conditions.items()]
    return [(key, pattern) for key, pattern in (*drugs, *concepts) if pattern]


PATTERNS = patterns(load_catalogue())
SIEVE = Sieve(PATTERNS)


@pytest.mark.parametrize(("key", "pattern"), PATTERNS, ids=[key for key, _ in PATTERNS])
def test_every_pattern_can_be_sieved(key: str, pattern: re.Pattern[str]) -> None:
    """Else every name in every chart would be tried against it."""
    assert needs(pattern.pattern), key
    assert all(len(letters) == 3 for letters in needs(pattern.pattern))


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_match_falls_through(data: st.DataObject) -> None:
    key, pattern = data.draw(st.sampled_from(PATTERNS))
    plain = re.compile(pattern.pattern, re.ASCII)
    text = data.draw(st.from_regex(plain)).lower()
    expected = [name for name, each in PATTERNS if each.search(text)]
    assert [name for name, _ in SIEVE.matching(text)] == expected, key


@pytest.mark.parametrize(
    ("pattern", "letters"),
    [
        ("clomi(?:ph|f)ene", {"clo"}),
        (r"\bhcg\b|chorionic", {"hcg", "cho"}),
        ("a?bc(?:def|ghi)", {"def", "ghi"}),
        ("abc?d", set()),
        ("x{2}abc", {"abc"}),
        ("(?<!en)clom", {"clo"}),
        ("[abc]def", {"def"}),
        (r"foo\.bar", {"foo"}),
        ("ab", set()),
        ("(?:abc)?de", set()),
        ("(abc|de)", set()),
        ("abc|.*", set()),
    ],
)
def test_what_a_pattern_needs(pattern: str, letters: set[str]) -> None:
    assert needs(pattern) == letters
