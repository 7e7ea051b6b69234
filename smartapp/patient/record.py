"""Who the patient is, as far as the record tells: what crosses from reading to judging."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from smartapp.fhir.model import Gap, Quarantined
from smartapp.labs.reading import Series, Unused
from smartapp.labs.rows import LabHistory

Sex = Literal["male", "not-male", "unknown"]
YesNo = Literal["yes", "no", "unknown"]
MatchedBy = Literal["code", "text", "local"]
TakingState = Literal["active", "stopped", "uncertain", "not-taken"]


@dataclass(frozen=True, slots=True)
class Demographics:
    """Identity and the data that decide whether the rules apply (clinical-rules 1).

    `sex` is what the rules go by; `sex_basis` says in one sentence which data decided it.
    Where a diagnosis did, `since` is the day from which it was known (None: nobody wrote it down)
    and `stated` what the Patient resource alone says: the answer for an earlier day.
    """

    reference: str
    name: str
    birth_date: date | None
    gender: str | None
    birth_sex: str | None
    sex: Sex
    sex_basis: str
    deceased: bool = False
    stated: tuple[Sex, str] | None = None
    since: date | None = None

    def sex_on(self, day: date) -> tuple[Sex, str]:
        """`sex` and `sex_basis` as they were known on that day."""
        if self.stated is not None and self.since is not None and day < self.since:
            return self.stated
        return self.sex, self.sex_basis

    def age(self, on: date) -> int | None:
        """Completed years on that day; None when the birth date is unknown."""
        if self.birth_date is None:
            return None
        born = self.birth_date
        return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


@dataclass(frozen=True, slots=True)
class Problem:
    """A diagnosis, procedure or status that matches at least one concept of the catalogue.

    concepts   keys of knowledge/conditions.toml it matches
    codes      "system|code" as sent
    active     clinicalStatus active, recurrence or relapse; None when not stated
    refuted    verificationStatus refuted or entered-in-error (kept only to be shown)
    onset      onset, else performed date; recorded: recordedDate; abated: abatement
    laterality "left" | "right" | "both" | None, from body site, modifier or text
    kind       "condition" | "procedure"
    """

    reference: str
    concepts: frozenset[str]
    codes: tuple[str, ...]
    text: str
    active: bool | None
    refuted: bool
    onset: date | None
    recorded: date | None
    abated: date | None
    laterality: Literal["left", "right", "both"] | None
    kind: Literal["condition", "procedure"]
    matched_by: MatchedBy

    @property
    def known(self) -> date | None:
        """The day from which the record tells of it; None: nobody wrote one down."""
        return self.recorded or self.onset


@dataclass(frozen=True, slots=True)
class Dose:
    """A dose as far as it could be read; `text` is always as sent.

    amount   per administration, in `unit` ("mg", "[IU]"); None when unreadable
    per_day  daily average in `unit`; None when the timing is unparsable
    per_week the same over seven days, exact where 7 x per_day would carry a rounding
    """

    amount: Decimal | None
    unit: str | None
    per_day: Decimal | None
    text: str
    per_week: Decimal | None = None


class DrugMatch(NamedTuple):
    """A drug of the catalogue and what it was recognised by."""

    agent: str
    matched_by: MatchedBy


@dataclass(frozen=True, slots=True)
class Taking:
    """What one record says about one drug, before the records of that drug are joined.

    kind        "word": somebody says that it is, was or was not taken (order, statement);
                "supply": it was handed over; "given": a dose was administered
    start/stop  of a word its period; of a supply the day it was handed over and the day it lasts
                until; of a dose the day, or days, it was given on
    state       stopped only with a date; `undated`: a change of state that carries no date
    stated      the state as the record's status has it, whatever its dates say
    ends        every end the record states or implies, the best first
    known       the newest day on which the record is known to have been true: between records
                that disagree, the newest tells
    disputed    over by its newest record, while an older one goes on by its own words
    at          the moment (aware) at which a dose was given, where one is told
    """

    drug: DrugMatch
    label: str
    references: tuple[str, ...]
    start: date | None
    stop: date | None
    state: TakingState
    dose: Dose | None
    recorded: date | None
    known: date | None
    kind: Literal["word", "supply", "given"] = "word"
    undated: bool = False
    disputed: bool = False
    stated: TakingState = "uncertain"
    ends: tuple[date, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """One stretch of one drug, merged from the records that tell of it.

    agent      key of knowledge/drugs.toml; `drug_class` its class
    start/stop local dates; stop None while it goes on or is unknown
    status     "active" | "stopped" | "uncertain" (an end is probable; `stop` is then the probable
               one, the day the supply lasts until or the last dose known, else None)
    recorded   when the first of its records became known
    last_dose  the end, dated or probable, else the last dose known to have been given
    supplied   the day until which the supply handed over lasts, if all of it is taken
    gaps       days from the end of one supply to the next, each a pair; longer ones than the drug's
               wash-out separate episodes instead
    undated    its status changed on a day nobody wrote down: known only as it stands today
    known      the newest day on which a record of it is known to have been true
    disputed   it is over by its newest record, while an older one still stands as active: whether
               it is taken now cannot be told for certain
    """

    agent: str
    drug_class: str
    references: tuple[str, ...]
    start: date | None
    stop: date | None
    status: Literal["active", "stopped", "uncertain"]
    dose: Dose | None
    recorded: date | None
    matched_by: MatchedBy
    label: str
    last_dose: date | None = None
    supplied: date | None = None
    gaps: tuple[tuple[date, date], ...] = ()
    undated: bool = False
    known: date | None = None
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class TherapyTimeline:
    """Every episode of a drug of the catalogue, oldest start first.

    `takings` are the records it was made from, and `newest` the last day any of them names: what
    `patient.therapy.as_known` needs to tell the timeline of an earlier day.
    """

    episodes: tuple[Episode, ...] = ()
    takings: tuple[Taking, ...] = ()
    newest: date | None = None


@dataclass(frozen=True, slots=True)
class Allergy:
    """An allergy or intolerance to a drug of the catalogue. `agents`: drug keys it names."""

    reference: str
    agents: frozenset[str]
    type: Literal["allergy", "intolerance"]
    active: bool
    text: str
    recorded: date | None


@dataclass(frozen=True, slots=True)
class WishWord:
    """One datum about a wish.

    day       of the word itself; None: undated, older than anything dated
    known     when it first became known; the engine's as-of cut
    lasting   it does not grow old: a sterilization, or a diagnosis that is still active
    """

    about: Literal["fertility", "endogenous"]
    answer: YesNo
    day: date | None
    known: date | None
    source: str
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the man wants, from Goal, Condition, Observation or our form (clinical-rules 11).

    The newest word on each, however old. `history` holds every word, oldest first, for
    `patient.wishes.wishes_on`, which answers for a day and forgets words too old for it.
    """

    fertility: YesNo = "unknown"
    endogenous: YesNo = "unknown"
    source: str | None = None
    date: date | None = None
    history: tuple[WishWord, ...] = ()


@dataclass(frozen=True, slots=True)
class EndpointReading:
    """One figure the man gave: a total, or one item, of a tool of knowledge/questionnaires.toml.

    item       key of the item, "total" for the total of a tool
    value      as given, within `low`..`high`; of a sign 1 for yes and 0 for no
    better     the end of the scale where he is well
    effective  as sent, parsed; `day` is the local date
    recorded   when it first became known; the engine's as-of cut
    flags      "from-items" (a total we added up; of single results it stands until the total itself
               is told), "corrected", "amended"
    """

    reference: str
    tool: str
    item: str
    value: Decimal
    low: Decimal
    high: Decimal
    better: Literal["high", "low"]
    effective: datetime | date
    day: date
    recorded: datetime | date
    source: Literal["questionnaire", "observation"]
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DraftOrder:
    """A draft in an order hook or `assess --order`, as far as it could be read.

    `reference` as the client wrote it ("MedicationRequest/draft-1"); `in_focus` by the hook's
    rules (order-select: listed in selections; order-sign: all). `agent` is None for a drug that is
    not in the catalogue.
    """

    reference: str
    agent: str | None
    drug_class: str | None
    dose: Dose | None
    in_focus: bool
    label: str


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """All the engine may know of one man. Independent of the clock: the engine cuts it at `as_of`.

    `series` is keyed by analyte; an analyte never seen has no entry. `gaps` are the data that
    could not be read: absence of a diagnosis means nothing while Condition is a gap. `labs` is
    what `series` was read from; None in a record that was not read from FHIR.
    """

    issuer: str
    demographics: Demographics
    problems: tuple[Problem, ...]
    therapy: TherapyTimeline
    allergies: tuple[Allergy, ...]
    wishes: Wishes
    series: Mapping[str, Series]
    unused: tuple[Unused, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    gaps: tuple[Gap, ...] = ()
    timezone: str | None = None
    fetched: datetime | None = None
    endpoints: tuple[EndpointReading, ...] = ()
    labs: LabHistory | None = field(default=None, compare=False, repr=False)
