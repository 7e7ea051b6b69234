"""Numbers, units and dates read the same wherever the program runs."""

from __future__ import annotations

import locale
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from smartapp.dashboard import figures


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("579.740", "579.7"),
        ("0.80000", "0.8"),
        ("1234.56", "1235"),
        ("12345.6", "12346"),
        ("1E+3", "1000"),
        ("0.00012345", "0.0001234"),
        ("300", "300"),
        ("0", "0"),
        ("-2.50", "-2.5"),
    ],
)
def test_numbers(value: str, text: str) -> None:
    assert figures.number(Decimal(value)) == text


def test_figures_do_not_follow_the_machines_language() -> None:
    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
    except locale.Error:
        pytest.skip("locale de_DE.UTF-8 is not installed")
    try:
        assert figures.day(date(2026, 3, 2)) == "2 Mar 2026"
        assert figures.number(Decimal("579.740")) == "579.7"
    finally:
        locale.setlocale(locale.LC_ALL, before)


def test_no_figure_is_formatted_by_the_machines_language() -> None:
    """What follows the locale is not used at all, whatever locale this machine has."""
    for path in sorted(Path(figures.__file__).parent.glob("*.py")):
        assert not re.search(r"strftime|import locale|:n\}|:%[aAbBcxXp]", path.read_text()), (
            path.name
        )


def test_an_offset_is_the_patients_own_clock() -> None:
    drawn = datetime(2026, 3, 2, 8, 10, tzinfo=timezone(timedelta(hours=-5)))
    assert figures.moment(drawn, ZoneInfo("Europe/Berlin")) == "2 Mar 2026, 08:10"


def test_utc_is_read_in_the_issuers_zone_and_named_without_one() -> None:
    drawn = datetime(2026, 3, 2, 3, 10, tzinfo=UTC)
    assert figures.moment(drawn, ZoneInfo("America/New_York")) == "1 Mar 2026, 22:10"
    assert figures.moment(drawn, None) == "2 Mar 2026, 03:10 UTC"


def test_a_date_has_no_hour() -> None:
    assert figures.moment(date(2026, 3, 2), None) == "2 Mar 2026"
    assert figures.moment(None, None) == "no date"


@pytest.mark.parametrize(
    ("original", "value", "unit", "beside"),
    [
        ("20.1 nmol/L", "579.740", "ng/dL", "579.7 ng/dL"),
        ("312 ng/dL", "312", "ng/dL", None),
        ("19.00 ng/dL", "19", "ng/dL", None),
        ("4.2 mIU/mL", "4.2", "IU/L", None),
        ("< 10 pg/mL", "10", "pg/mL", None),
        ("<10 pg/mL", "10", "pg/mL", None),
        (None, "10", "[IU]/L", "10 IU/L"),
    ],
)
def test_the_converted_figure_stands_only_where_it_differs(
    original: str | None, value: str, unit: str, beside: str | None
) -> None:
    assert figures.converted(original, Decimal(value), unit) == beside
