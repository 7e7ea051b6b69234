"""What was known on an earlier day: no row issued later has a say in it, not even about others."""

from __future__ import annotations

import random
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from labs_writing import Lab, observations

from smartapp.labs import LabHistory, LabRecord, LabRows

DRAWN = "2026-05-04T08:15:00-04:00"
FIRST = "2026-05-04T15:00:00-04:00"
BETWEEN = "2026-05-05T12:00:00-04:00"
LATER = "2026-05-06T15:00:00-04:00"
AFTER = "2026-05-07T12:00:00-04:00"


class Shelf:
    """Rows kept so that any day of them can be read."""

    def __init__(self, lab: Lab, *rows: dict[str, Any]) -> None:
        read = LabRows(tuple(observations(*rows)), lab.catalogue, None, {})
        self.history = LabHistory(read, read.read())

    def at(self, moment: str) -> LabRecord:
        return self.history.as_of(datetime.fromisoformat(moment))

    def values(self, moment: str, analyte: str = "testosterone") -> list[Decimal]:
        series = self.at(moment).series.get(analyte)
        return [reading.value for reading in series.readings] if series else []


def test_one_draw_reported_on_two_days(lab: Lab) -> None:
    """The figure that came later is nearer to what was measured; the earlier day saw the other."""
    shelf = Shelf(
        lab,
        lab.row("14913-8", 10.7, "nmol/L", issued=FIRST),
        lab.row("2986-8", 308, "ng/dL", issued=LATER),
    )
    assert shelf.values(BETWEEN) == [Decimal("308.609")]
    assert shelf.at(BETWEEN).unused == ()
    assert shelf.values(AFTER) == [308]
    assert "the same draw as" in shelf.at(AFTER).unused[0].reason


@pytest.mark.parametrize("status", ["corrected", "amended"])
def test_a_correction_does_not_reach_back(lab: Lab, status: str) -> None:
    shelf = Shelf(
        lab,
        lab.row("2986-8", 308, "ng/dL", issued=FIRST),
        lab.row("2986-8", 803, "ng/dL", issued=LATER, status=status),
    )
    assert shelf.values(BETWEEN) == [308]
    assert shelf.values(AFTER) == [803]


def test_the_older_version_of_a_record_spoke_until_the_newer_was_issued(lab: Lab) -> None:
    old = lab.row("2986-8", 308, "ng/dL", issued=FIRST, meta={"lastUpdated": FIRST})
    new = lab.row(
        "2986-8", 803, "ng/dL", issued=LATER, status="corrected", meta={"lastUpdated": LATER}
    )
    new["id"] = old["id"]
    for rows in ((old, new), (new, old)):
        shelf = Shelf(lab, *rows)
        assert shelf.values(BETWEEN) == [308]
        assert shelf.at(BETWEEN).unused == ()
        assert shelf.values(AFTER) == [803]


def test_a_corrected_result_alone_is_not_used_before_it_was_issued(lab: Lab) -> None:
    """What it said before the correction is not in the data: the later value is not put in."""
    shelf = Shelf(lab, lab.row("2986-8", 803, "ng/dL", issued=LATER, status="corrected"))
    assert shelf.at(BETWEEN).series == {}
    assert shelf.values(AFTER) == [803]


def test_a_correction_without_a_day_is_known_only_as_it_stands_today(lab: Lab) -> None:
    shelf = Shelf(lab, lab.row("2986-8", 803, "ng/dL", status="corrected"))
    (reading,) = shelf.at(BETWEEN).series["testosterone"].readings
    assert {"corrected", "correction-undated"} <= set(reading.flags)
    dated = Shelf(lab, lab.row("2986-8", 803, "ng/dL", status="corrected", issued=FIRST))
    assert "correction-undated" not in dated.at(BETWEEN).series["testosterone"].readings[0].flags


def test_entered_in_error_says_that_its_day_is_unknown(lab: Lab) -> None:
    shelf = Shelf(lab, lab.row("2986-8", 803, "ng/dL", status="entered-in-error", issued=FIRST))
    (unused,) = shelf.at(BETWEEN).unused
    assert "only as it stands today" in unused.reason


def test_a_later_lh_casts_no_doubt_on_an_earlier_day(lab: Lab) -> None:
    shelf = Shelf(
        lab,
        lab.row("2986-8", 12, "ng/dL", issued=FIRST),
        lab.row("10501-5", 4, "IU/L", issued=LATER),
    )
    assert shelf.values(BETWEEN) == [12]
    assert shelf.values(AFTER) == []
    assert shelf.at(AFTER).unused[0].flag == "suspect-unit"


def test_a_later_high_lh_does_not_lift_the_doubt_of_an_earlier_day(lab: Lab) -> None:
    shelf = Shelf(
        lab,
        lab.row("2986-8", 12, "ng/dL", issued=FIRST),
        lab.row("10501-5", 4, "IU/L", "2026-04-20T08:15:00-04:00", issued=FIRST),
        lab.row("10501-5", 22, "IU/L", issued=LATER),
    )
    assert shelf.at(BETWEEN).unused[0].flag == "suspect-unit"
    assert shelf.values(AFTER) == [12]


def test_a_later_row_that_cannot_be_read_is_not_told_earlier(lab: Lab) -> None:
    shelf = Shelf(
        lab,
        lab.row("2986-8", 308, "ng/dL", issued=FIRST),
        lab.row("2986-8", 308, None, issued=LATER),
        lab.row("2986-8", 308, "ng/dL", "2027-03"),
    )
    assert shelf.at(BETWEEN).unused == ()
    assert len(shelf.at(AFTER).unused) == 1


def test_a_record_of_which_nothing_is_later_is_not_read_again(lab: Lab) -> None:
    shelf = Shelf(lab, lab.row("2986-8", 308, "ng/dL", issued=FIRST))
    assert shelf.at(AFTER) is shelf.history.now
    assert shelf.at("2026-05-04T20:00:00-04:00") is shelf.history.now
    assert Shelf(lab).at(AFTER).series == {}


def test_a_date_without_a_clock_is_known_from_its_day_wherever_that_is(lab: Lab) -> None:
    shelf = Shelf(lab, lab.row("2986-8", 308, "ng/dL", "2026-05-04", issued="2026-05-06"))
    assert shelf.values("2026-05-05T22:00:00-05:00") == []
    assert shelf.values("2026-05-06T00:30:00+10:00") == [308]


def test_the_past_is_what_its_rows_alone_would_say(lab: Lab) -> None:
    """Any rows, any moment: as of then is the same as without everything that came after."""
    pen = random.Random(20261122)
    days = [f"2026-05-{day:02d}" for day in range(1, 15)]
    for _ in range(150):
        rows: list[tuple[str, dict[str, Any]]] = []
        for _ in range(pen.randint(2, 9)):
            drawn = pen.randrange(6)
            issued = pen.choice([None, drawn, drawn, drawn + pen.randrange(8)])
            known = days[drawn if issued is None else issued]
            code, value, unit = pen.choice([
                ("2986-8", pen.choice([12, 308, 340]), "ng/dL"),
                ("14913-8", 10.7, "nmol/L"),
                ("10501-5", pen.choice([4, 22]), "IU/L"),
                ("2986-8", 308, None),
            ])  # fmt: skip
            row = lab.row(
                code,
                value,
                unit,
                f"{days[drawn]}T08:15:00-04:00",
                status=pen.choice(["final", "final", "corrected", "entered-in-error"]),
            )
            if issued is not None:
                row["issued"] = f"{known}T09:00:00-04:00"
            if rows and pen.random() < 0.3:
                row["id"] = pen.choice(rows)[1]["id"]
                row["meta"] = {"lastUpdated": f"{known}T10:00:00Z"}
            rows.append((known, row))
        shelf = Shelf(lab, *(row for _, row in rows))
        for day in pen.sample(days, 4):
            moment = f"{day}T12:00:00-04:00"
            alone = Shelf(lab, *(row for known, row in rows if known <= day)).history.now
            then = shelf.at(moment)
            assert then.unused == alone.unused
            assert then.series == alone.series
