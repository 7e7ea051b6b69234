"""Results of one man, row by row: each becomes a Reading, or says why it is not used."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, tzinfo
from decimal import Decimal

from msgspec import Struct

from smartapp.fhir.resources import (
    CodeableConcept,
    Observation,
    ObservationComponent,
    Reference,
)
from smartapp.knowledge.catalogue import Analyte, Catalogue, Unit
from smartapp.labs.matching import (
    NO_LOCAL_CODES,
    LocalCodes,
    Match,
    NotMatched,
    is_loinc,
    match_code,
)
from smartapp.labs.methods import method_class
from smartapp.labs.ranges import Ranges
from smartapp.labs.reading import LabRecord, Reading, Unused
from smartapp.labs.refusal import Refusal
from smartapp.labs.series import Taken, build_series
from smartapp.labs.timing import Draw, first_known, read_draw, when_of, zone_of
from smartapp.labs.units import choose_unit, convert
from smartapp.labs.usual import UsualRows
from smartapp.labs.values import Value, read_value
from smartapp.labs.versions import newest_versions

_USABLE = frozenset({"final", "amended", "corrected"})
_STATUS = {
    "preliminary": Refusal("it is preliminary; the final result is to come"),
    "registered": Refusal("it is registered, not resulted yet", blocks=False),
    "cancelled": Refusal("it was cancelled", blocks=False),
    "entered-in-error": Refusal(
        "it was entered in error; nobody wrote down since when this is known, so that it is known "
        "only as it stands today",
        blocks=False,
    ),
    "unknown": Refusal("its status is unknown"),
}
_NO_STATUS = Refusal("it has no status")


def read_labs(
    observations: Iterable[Observation],
    catalogue: Catalogue,
    *,
    timezone: str | None,
    local_codes: LocalCodes = NO_LOCAL_CODES,
    sex: str = "male",
    age: int | None = None,
    lost: Iterable[Unused] = (),
) -> LabRecord:
    """Every Observation (and component) that is an analyte of the catalogue.

    Units are converted exactly, draws placed on the patient's clock (`timezone` is read for times
    sent in UTC), ranges chosen for `sex` and `age`. What cannot be used is returned with its
    reason, beside the results `lost` before they came here; rows that are none of our analytes are
    passed over. Duplicates of one draw are one.
    Refuses (ConfigError) an unknown `timezone`; nothing in a row is ever refused with an error.
    """
    reader = _Reader(catalogue, zone_of(timezone), local_codes, Ranges(sex, age))
    reader.unused.extend(lost)
    usual, take = reader.usual.read, reader.taken.append
    newest, older = newest_versions(observations)
    for row in older:
        reader.pass_over(row)
    for row in newest:
        taken = usual(row)
        if taken is None:
            reader.read(row)
        else:
            take(taken)
    return build_series(reader.taken, reader.unused, catalogue, reader.latest)


class _Row(Struct, frozen=True, gc=False):
    """What a result and its components share, as far as it was needed."""

    observation: Observation
    reference: str
    draw: Draw | Refusal
    recorded: datetime | date | None


class _Reader:
    """Holds what is the same for all rows of one man."""

    def __init__(
        self, catalogue: Catalogue, zone: tzinfo | None, local_codes: LocalCodes, ranges: Ranges
    ) -> None:
        self.taken: list[Taken] = []
        self.unused: list[Unused] = []
        self._catalogue = catalogue
        self._zone = zone
        self._local_codes = local_codes
        self._ranges = ranges
        self._draws: dict[str | None, Draw | Refusal] = {}
        self.usual = UsualRows(catalogue, ranges, self._draws, self._draw)

    @property
    def latest(self) -> datetime | None:
        """The last of all times that were told: every one of them was looked up on the way."""
        moments = [draw.moment for draw in self._draws.values() if isinstance(draw, Draw)]
        return max(moments, default=None)

    def read(self, observation: Observation) -> None:
        match = match_code(observation.code, self._catalogue, self._local_codes)
        components = observation.component
        if match is None and components is None:
            self._look_at_words(observation)
            return
        row = self._row(observation)
        found = False
        for component in components or ():
            part = match_code(component.code, self._catalogue, self._local_codes)
            if part is not None:
                found = True
                self._take(row, component, part)
        if match is not None and not (found and _is_empty(observation)):
            self._take(row, observation, match)

    def pass_over(self, older: Observation) -> None:
        """Tells of a version of a record that another one has replaced."""
        row = self._row(older)
        reason = f"an older version of {row.reference}"
        self.unused.append(Unused(row.reference, reason, recorded=row.recorded, void=True))

    def _row(self, observation: Observation) -> _Row:
        if observation.issued:
            self._draw(observation.issued)  # for `latest`
        return _Row(
            observation,
            f"Observation/{observation.id}" if observation.id else "Observation without id",
            self._draw(when_of(observation)),
            first_known(observation),
        )

    def _draw(self, text: str | None) -> Draw | Refusal:
        draw = self._draws.get(text)
        if draw is None:
            draw = self._draws[text] = read_draw(text, self._zone, self._catalogue.morning)
        return draw

    def _take(
        self, row: _Row, part: Observation | ObservationComponent, match: Match | NotMatched
    ) -> None:
        if isinstance(match, NotMatched):
            self._refuse(row, match.analyte, Refusal(match.reason), None)
            return
        status = row.observation.status
        if status not in _USABLE:
            refusal = _NO_STATUS if status is None else _STATUS.get(status)
            self._refuse(row, match.analyte.key, refusal or _odd_status(status), None)
            return
        value = read_value(part)
        if isinstance(value, Refusal):
            self._refuse(row, match.analyte.key, value, None)
            return
        taken = self._reading(row, part, match, value)
        if isinstance(taken, Refusal):
            self._refuse(row, match.analyte.key, taken, value.original)
        else:
            self.taken.append(taken)

    def _reading(
        self,
        row: _Row,
        part: Observation | ObservationComponent,
        match: Match,
        value: Value,
    ) -> Taken | Refusal:
        draw, observation = row.draw, row.observation
        if isinstance(draw, Refusal):
            return draw
        analyte = match.analyte
        unit = choose_unit(analyte, value.unit_code, value.unit_text, match.assumed_unit)
        if isinstance(unit, Refusal):
            return unit
        number = convert(value.number, unit)
        if not _believable(number, analyte):
            return _absurd(number, analyte)
        range_ = self._ranges.of(analyte, part.referenceRange, unit)
        flags = _flags(match, value, unit, number, observation)
        if range_ is not None and range_.source == "default" and part.referenceRange:
            flags += ("default-range",)
        if analyte.printed_cuts and unit.spelling == analyte.si_unit:
            cut = analyte.printed_cuts.get(value.number)
            if cut is not None:
                number = cut
                flags += ("on-the-limit",)
        comparator = value.comparator
        # In the order of the fields: this line runs for every row, and keywords cost more than it.
        reading = Reading(
            row.reference,
            analyte.key,
            match.loinc.code or None,
            number,
            analyte.unit,
            None if comparator in ("<", "<=") else number,
            None if comparator in (">", ">=") else number,
            comparator,
            value.original,
            draw.effective,
            draw.drawn,
            draw.clock,
            row.recorded or draw.effective,
            observation.status or "",
            range_,
            method_class(observation.method, match.loinc.method),
            _performer(observation.performer),
            flags,
            None if observation.bodySite is None else _site(observation.bodySite),
        )
        return Taken(reading, unit, draw.moment)

    def _refuse(
        self, row: _Row, analyte: str | None, refusal: Refusal, original: str | None
    ) -> None:
        reason = refusal.reason
        if analyte is not None:
            reason = f"{self._catalogue.analytes[analyte].name}: {reason}"
        self.unused.append(
            Unused(
                reference=row.reference,
                reason=reason,
                analyte=analyte,
                effective=None if isinstance(row.draw, Refusal) else row.draw.effective,
                recorded=row.recorded,
                original=original,
                void=not refusal.blocks,
                flag=refusal.flag,
            )
        )

    def _look_at_words(self, observation: Observation) -> None:
        """A row without any LOINC code that is called like one of ours is told, not read."""
        words = _words(observation.code)
        if words and (analyte := looks_like(words, self._catalogue)):
            row = self._row(observation)
            self.unused.append(
                Unused(
                    row.reference,
                    f"it is called like {analyte.name} but carries no code that is known; the "
                    "site's map of local codes can say what it is",
                    effective=None if isinstance(row.draw, Refusal) else row.draw.effective,
                    recorded=row.recorded,
                    void=True,
                )
            )


def looks_like(words: str, catalogue: Catalogue) -> Analyte | None:
    """The analyte whose name occurs in `words`; the longest name wins."""
    plain = words.lower()
    best: tuple[int, str] | None = None
    for key, analyte in catalogue.analytes.items():
        for name in analyte.names:
            if name in plain and re.search(rf"\b{re.escape(name)}", plain):
                short = len(name) <= 4 and not re.search(rf"\b{re.escape(name)}\b", plain)
                if not short and (best is None or len(name) > best[0]):
                    best = (len(name), key)
    return catalogue.analytes[best[1]] if best else None


def _words(concept: CodeableConcept | None) -> str:
    if concept is None or any(is_loinc(coding.system) for coding in concept.coding or ()):
        return ""
    words = [concept.text or "", *(coding.display or "" for coding in concept.coding or ())]
    return " ".join(words)[:200]


def _is_empty(row: Observation) -> bool:
    return (
        row.valueQuantity is None
        and row.valueInteger is None
        and row.valueString is None
        and row.valueCodeableConcept is None
    )


def _odd_status(status: str | None) -> Refusal:
    return Refusal(f"its status, {status!r:.30}, is not one that FHIR knows")


def _believable(number: Decimal, analyte: Analyte) -> bool:
    low, high = analyte.hard.low, analyte.hard.high
    return (low is None or number >= low) and (high is None or number <= high)


def _absurd(number: Decimal, analyte: Analyte) -> Refusal:
    trap = f" ({analyte.trap})" if analyte.trap else ""
    return Refusal(
        f"{number} {analyte.unit} is outside {analyte.hard.low} to {analyte.hard.high} "
        f"{analyte.unit} and is taken for an entry error{trap}",
        "hard-limit",
    )


def _flags(
    match: Match, value: Value, unit: Unit, number: Decimal, observation: Observation
) -> tuple[str, ...]:
    flags: tuple[str, ...] = ()
    if unit.kind != match.loinc.kind and match.loinc.code:
        flags += ("unit-over-code",)
    soft = match.analyte.soft
    if (soft.low is not None and number < soft.low) or (
        soft.high is not None and number > soft.high
    ):
        flags += ("soft-limit",)
    if value.quoted:
        flags += ("quoted-number",)
    if observation.status != "final" and observation.status is not None:
        flags += (observation.status,)
        if observation.issued is None:
            flags += ("correction-undated",)
    if match.local:
        flags += ("local-code",)
    if not value.unit_code and not value.unit_text:
        flags += ("assumed-unit",)
    if unit.note is not None:
        flags += (unit.note,)
    return flags


def _site(place: CodeableConcept) -> str | None:
    """Where on the body: the code, else the words."""
    for coding in place.coding or ():
        if coding.code:
            return coding.code
    return place.text


def _performer(performers: list[Reference] | None) -> str | None:
    if not performers:
        return None
    return performers[0].display or performers[0].reference
