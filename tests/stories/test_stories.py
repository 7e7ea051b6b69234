"""Fixture patients never go stale: their dates are counted from the anchor."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from smartapp.errors import ConfigError
from smartapp.stories import load_stories, set_dates

ANCHOR = date(2026, 3, 2)


def write(folder: Path, bundle: str, about: str = 'title = "T"\ntext = "One."\n') -> Path:
    story = folder / "someone"
    story.mkdir()
    (story / "story.toml").write_text(about)
    (story / "bundle.json").write_text(bundle)
    return folder


@pytest.mark.parametrize(
    ("placeholder", "expected"),
    [
        ("{{day+0}}", "2026-03-02"),
        ("{{day-1}}", "2026-03-01"),
        ("{{day-2}}", "2026-02-28"),
        ("{{day+30}}", "2026-04-01"),
        ("{{day-30T08:10-05:00}}", "2026-01-31T08:10:00-05:00"),
        ("{{day-30T08:10:45+01:00}}", "2026-01-31T08:10:45+01:00"),
        ("{{day-30T08:10Z}}", "2026-01-31T08:10:00Z"),
        ("{{day-30T08:10}}", "2026-01-31T08:10:00"),
        ("{{day-30}}T08:10", "2026-01-31T08:10"),
        ("{{day-14610}}", "1986-03-02"),
    ],
)
def test_a_placeholder_becomes_its_date(placeholder: str, expected: str) -> None:
    assert set_dates(f'"{placeholder}"', ANCHOR) == f'"{expected}"'


@pytest.mark.parametrize("wrong", ["{{day30}}", "{{days-3}}", "{{day-3T8:10}}", "{{today}}"])
def test_a_placeholder_outside_the_grammar_is_not_served(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a date placeholder"):
        set_dates(wrong, ANCHOR)


def test_a_story_keeps_digits_and_odd_rows(tmp_path: Path) -> None:
    write(
        tmp_path,
        '{"resourceType":"Bundle","type":"collection","entry":['
        '{"resource":{"resourceType":"Patient","id":"p1","birthDate":"{{day-14610}}"}},'
        '{"resource":{"resourceType":"Observation","valueQuantity":{"value":19.00}}},'
        'null,{"resource":"odd"}]}',
        'title = "A man"\ntext = "One."\n[expected]\nstatus = "candidate"\n',
    )
    (story,) = load_stories(ANCHOR, tmp_path)
    assert (story.key, story.title, story.patient_id) == ("someone", "A man", "p1")
    assert story.expected == {"status": "candidate"}
    assert b'"value":19.00' in story.json()
    assert b'"birthDate":"1986-03-02"' in story.json()
    assert [r["resourceType"] for r in story.resources()] == ["Patient", "Observation"]


@pytest.mark.parametrize(
    "bundle",
    [
        '{"resourceType":"Bundle","entry":[]}',
        '{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"}}]}',
        '{"resourceType":"Bundle"}',
        "not json",
        '{"resourceType":"Bundle","entry":["{{daily}}"]}',
    ],
)
def test_a_broken_fixture_is_named(tmp_path: Path, bundle: str) -> None:
    with pytest.raises(ConfigError, match=r"bundle\.json"):
        load_stories(ANCHOR, write(tmp_path, bundle))


def test_a_story_without_its_title_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    with pytest.raises(ConfigError, match=r"story\.toml"):
        load_stories(ANCHOR, tmp_path)
