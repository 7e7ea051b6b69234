"""Results as they were sent: to be read as they stand now, or as they stood at an earlier moment.

Reading looks at several rows at once (of one draw told twice only one counts, a correction replaces
what it corrects, a low LH casts doubt on a unit). What was known earlier is therefore not a part of
what is read now: it is read again, from the rows that were there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from smartapp.fhir.resources import Observation
from smartapp.knowledge.catalogue import Catalogue
from smartapp.labs.matching import LocalCodes
from smartapp.labs.reader import read_labs
from smartapp.labs.reading import LabRecord, Unused
from smartapp.labs.timing import first_known, is_known

# A date without an offset may mean any day of the world's clocks.
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LabRows:
    """The rows of one man and all that it takes to read them (see `read_labs`)."""

    observations: tuple[Observation, ...]
    catalogue: Catalogue
    timezone: str | None
    local_codes: LocalCodes
    sex: str = "male"
    lost: tuple[Unused, ...] = ()

    def read(self) -> LabRecord:
        """What they say. Refuses (ConfigError) an unknown `timezone`."""
        return read_labs(
            self.observations,
            self.catalogue,
            timezone=self.timezone,
            local_codes=self.local_codes,
            sex=self.sex,
            lost=self.lost,
        )


@dataclass(frozen=True, slots=True)
class LabHistory:
    """What all rows say `now`, and the `rows` it was read from."""

    rows: LabRows
    now: LabRecord

    def as_of(self, moment: datetime) -> LabRecord:
        """What was to be read at `moment` (aware), when nothing issued later was there.

        It is `now` itself when no row is later.
        """
        latest = self.now.latest
        if latest is None or latest <= _naive(moment) - _A_DAY:
            return self.now
        today, rows = moment.date(), self.rows.observations
        known = tuple([row for row in rows if is_known(first_known(row), moment, today)])
        if len(known) == len(rows):
            return self.now
        return replace(self.rows, observations=known).read()


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
