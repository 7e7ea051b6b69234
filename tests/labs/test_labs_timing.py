"""The patient's own clock (contract 3): who says when it was morning."""

from __future__ import annotations

from datetime import date

import pytest
from labs_writing import Lab

from smartapp.errors import ConfigError

NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    ("when", "timezone", "clock", "drawn"),
    [
        # both bounds belong to the morning
        ("2026-05-04T07:00:00-04:00", None, "morning", "2026-05-04"),
        ("2026-05-04T11:00:00-04:00", None, "morning", "2026-05-04"),
        ("2026-05-04T06:59:59-04:00", None, "not-morning", "2026-05-04"),
        ("2026-05-04T11:00:01-04:00", None, "not-morning", "2026-05-04"),
        ("2026-05-04T11:00:00.001-04:00", None, "not-morning", "2026-05-04"),
        # an offset is the patient's, whatever the site's zone
        ("2026-05-04T08:00:00+05:30", NEW_YORK, "morning", "2026-05-04"),
        # UTC carries no local clock
        ("2026-05-04T12:00:00Z", None, "provisional", "2026-05-04"),
        ("2026-05-04T12:00:00+00:00", None, "provisional", "2026-05-04"),
        ("2026-05-04T12:00:00Z", NEW_YORK, "morning", "2026-05-04"),
        ("2026-05-04T12:00:00+00:00", NEW_YORK, "morning", "2026-05-04"),
        ("2026-05-04T08:00:00Z", NEW_YORK, "not-morning", "2026-05-04"),
        # winter and summer time: 11:00 UTC is 06:00 and 07:00
        ("2026-01-05T11:00:00Z", NEW_YORK, "not-morning", "2026-01-05"),
        ("2026-07-06T11:00:00Z", NEW_YORK, "morning", "2026-07-06"),
        # the local date, not the date in UTC
        ("2026-05-05T02:00:00Z", NEW_YORK, "not-morning", "2026-05-04"),
        # no time of day
        ("2026-05-04", NEW_YORK, "provisional", "2026-05-04"),
        ("2026-05-04T00:00:00-04:00", None, "provisional", "2026-05-04"),
        # a date stored as midnight in UTC keeps its date
        ("2026-05-04T00:00:00Z", NEW_YORK, "provisional", "2026-05-04"),
        # a date stored as local midnight and sent in UTC
        ("2026-05-04T04:00:00Z", NEW_YORK, "provisional", "2026-05-04"),
        # no offset at all: nobody's clock
        ("2026-05-04T08:00:00", NEW_YORK, "provisional", "2026-05-04"),
    ],
)
def test_the_clock_of_a_draw(
    lab: Lab, when: str, timezone: str | None, clock: str, drawn: str
) -> None:
    reading = lab.one(lab.row("2986-8", 300, "ng/dL", when), timezone=timezone)
    assert (reading.clock, reading.drawn) == (clock, date.fromisoformat(drawn))


@pytest.mark.parametrize("when", [None, "2026-05", "2026", "yesterday", "0001-01-01"])
def test_a_draw_without_a_day_is_not_used(lab: Lab, when: str | None) -> None:
    unused = lab.refused(lab.row("2986-8", 300, "ng/dL", when))
    assert unused.analyte == "testosterone"
    assert unused.effective is None


def test_of_a_period_the_start_counts(lab: Lab) -> None:
    row = lab.row("2986-8", 300, "ng/dL", None)
    row["effectivePeriod"] = {
        "start": "2026-05-04T08:00:00-04:00",
        "end": "2026-05-04T12:00:00-04:00",
    }
    assert lab.one(row).clock == "morning"


def test_recorded_is_when_it_was_issued(lab: Lab) -> None:
    row = lab.row("2986-8", 300, "ng/dL", issued="2026-05-06T10:00:00-04:00")
    assert lab.one(row).recorded.isoformat() == "2026-05-06T10:00:00-04:00"
    assert lab.one(lab.row("2986-8", 300, "ng/dL")).recorded.isoformat().startswith("2026-05-04")


def test_an_unknown_zone_is_refused_by_name(lab: Lab) -> None:
    with pytest.raises(ConfigError, match="Mars/Olympus"):
        lab.read(lab.row("2986-8", 300, "ng/dL"), timezone="Mars/Olympus")
