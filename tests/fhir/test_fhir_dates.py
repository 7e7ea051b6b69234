"""Dates as EHRs write them: what they lack is never filled in."""

# ruff: noqa: DTZ001 - a moment without a zone is what some EHRs send

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartapp.errors import InputError
from smartapp.fhir.dates import Partial, When, parse

EAST = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("sent", "means"),
    [
        ("2025", Partial(2025)),
        ("2025-02", Partial(2025, 2)),
        ("2025-02-03", date(2025, 2, 3)),
        ("2025-02-03T08:15:30+05:30", datetime(2025, 2, 3, 8, 15, 30, tzinfo=EAST)),
        ("2025-02-03T08:15:30Z", datetime(2025, 2, 3, 8, 15, 30, tzinfo=UTC)),
        ("2025-02-03T08:15:30.250Z", datetime(2025, 2, 3, 8, 15, 30, 250000, tzinfo=UTC)),
        ("2025-02-03T08:15:30.1234567+05:30", datetime(2025, 2, 3, 8, 15, 30, 123456, tzinfo=EAST)),
        ("2025-02-03T08:15Z", datetime(2025, 2, 3, 8, 15, tzinfo=UTC)),
        ("2025-02-03T08:15+05:30", datetime(2025, 2, 3, 8, 15, tzinfo=EAST)),
        ("2025-02-03T08:15:30+0530", datetime(2025, 2, 3, 8, 15, 30, tzinfo=EAST)),
        ("2025-02-03 08:15", datetime(2025, 2, 3, 8, 15)),
        ("2025-02-03T08:15:30", datetime(2025, 2, 3, 8, 15, 30)),
        ("2025-02-03t08:15:30z", datetime(2025, 2, 3, 8, 15, 30, tzinfo=UTC)),
        ("2025-02-03T08:15:30+14:00",
         datetime(2025, 2, 3, 8, 15, 30, tzinfo=timezone(timedelta(hours=14)))),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (" 2025-02-03 ", date(2025, 2, 3)),
    ],
)  # fmt: skip
def test_reads_what_ehrs_send(sent: str, means: When) -> None:
    found = parse(sent)
    assert found == means
    assert type(found) is type(means)
    if isinstance(found, datetime) and isinstance(means, datetime):
        assert found.utcoffset() == means.utcoffset()


@pytest.mark.parametrize(
    "sent",
    [
        "", "yesterday", "2025-02-30", "2025-13", "2025-00-10", "20250203", "2025-W01-1",
        "2025-02-03T24:00:00Z", "2025-02-03T08", "2025-02-03T08Z", "2025-02-03T0815Z",
        "2025-02-03T08:61:00Z", "2025-02-03T08:15:61Z", "2025-02-03T08:15:30+15:00",
        "2025-02-03T08:15:30+05:75", "2025-02-03T08:15:30-23:59", "0001-01-01", "9999-12-31",
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "２０２５-01-01", "1" * 500,
        "2025-02-03T08:15:30.5Z" + " " * 60,
    ],
)  # fmt: skip
def test_refuses_nonsense_with_a_reason_that_does_not_repeat_it(sent: str) -> None:
    with pytest.raises(InputError) as refusal:
        parse(sent)
    assert not sent or sent not in refusal.value.public


def test_a_partial_date_knows_the_days_it_can_mean() -> None:
    assert (Partial(2024, 2).first, Partial(2024, 2).last) == (date(2024, 2, 1), date(2024, 2, 29))
    assert (Partial(2024).first, Partial(2024).last) == (date(2024, 1, 1), date(2024, 12, 31))


OFFSETS = st.one_of(
    st.none(), st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2999, 12, 30), timezones=OFFSETS))
def test_every_moment_comes_back_with_its_own_clock(moment: datetime) -> None:
    found = parse(moment.isoformat())
    assert isinstance(found, datetime)
    assert found == moment
    assert found.utcoffset() == moment.utcoffset()
    if found.tzinfo:
        found.astimezone(timezone(timedelta(hours=-14)))  # never overflows


@given(st.text(alphabet="0123456789-:TZ+. W", max_size=35))
def test_anything_is_a_date_or_a_clear_refusal(text: str) -> None:
    try:
        found = parse(text)
    except InputError:
        return
    assert isinstance(found, date | Partial)
