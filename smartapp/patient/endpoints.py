"""How the man is, in figures: answers to questionnaires, and Observations that report them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal

from smartapp.errors import InputError
from smartapp.fhir.dates import Partial, parse
from smartapp.fhir.resources import (
    AnswerItem,
    Coding,
    Observation,
    ObservationComponent,
    QuestionnaireResponse,
)
from smartapp.knowledge.questionnaires import LOINC, TOTAL, Field, Questionnaires, Tool
from smartapp.labs.matching import LocalCodes, is_loinc
from smartapp.labs.reading import Unused
from smartapp.labs.timing import when_of
from smartapp.patient.answers import Answer, open_answer, value_of, value_of_result
from smartapp.patient.days import first_day
from smartapp.patient.record import EndpointReading, WishWord

_DONE = frozenset({"completed", "amended"})
_NOT_DONE = {
    "in-progress": "it is not completed",
    "stopped": "it was broken off",
    "entered-in-error": "it was entered in error",
}
_FINAL = frozenset({"final", "amended", "corrected"})


@dataclass(frozen=True, slots=True)
class Told:
    """What questionnaires and Observations tell: figures, words about wishes, and what was odd."""

    readings: tuple[EndpointReading, ...]
    wishes: tuple[WishWord, ...]
    unused: tuple[Unused, ...]


NOTHING = Told((), (), ())


def read_endpoints(
    responses: Iterable[QuestionnaireResponse],
    observations: Iterable[Observation],
    known: Questionnaires | None,
    local: tzinfo | None,
    local_codes: LocalCodes,
) -> Told:
    """Every figure of a tool we know, oldest first, each once; what is on another scale is told.

    A questionnaire is read by the links of our own forms, or by LOINC codes for links; one that is
    called like a tool of ours and cannot be read is told. A total is taken as given, or added up
    when every item is answered; one that is not the sum of its items is not used.
    """
    if known is None:
        return NOTHING
    reader = _Reader(known, local, local_codes)
    for response in responses:
        reader.response(response)
    for row in observations:
        if row.code is not None and row.code.coding is not None:
            reader.observation(row)
    return reader.told()


def lab_codes(local_codes: LocalCodes, known: Questionnaires | None) -> LocalCodes:
    """The site's codes that do not stand for something asked: those are no laboratory's."""
    if known is None or not local_codes:
        return local_codes
    return {code: meant for code, meant in local_codes.items() if meant[0] not in known.by_code}


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What the figures of one response, or of one Observation, share."""

    reference: str
    effective: datetime | date
    day: date
    recorded: datetime | date
    questionnaire: bool
    flags: tuple[str, ...]


class _Reader:
    """Reads the rows of one man, and collects what they tell."""

    def __init__(
        self, known: Questionnaires, local: tzinfo | None, local_codes: LocalCodes
    ) -> None:
        self._known = known
        self._local = local
        self._local_codes = {
            code: meant[0] for code, meant in local_codes.items() if meant[0] in known.by_code
        }
        self._readings: list[EndpointReading] = []
        self._wishes: list[WishWord] = []
        self._unused: list[Unused] = []

    def told(self) -> Told:
        self._readings += self._summed()
        # The same figure of the same moment is one figure, whoever recorded it twice; it is known
        # since it was first told.
        once: dict[tuple[object, ...], EndpointReading] = {}
        for reading in sorted(self._readings, key=lambda r: (_as_told(r.recorded), _order(r))):
            once.setdefault((reading.tool, reading.item, reading.effective, reading.value), reading)
        return Told(
            tuple(sorted(once.values(), key=_order)),
            tuple(sorted(self._wishes, key=lambda w: (w.about, w.source))),
            tuple(self._unused),
        )

    # ---- responses

    def response(self, row: QuestionnaireResponse) -> None:
        reference = (
            f"QuestionnaireResponse/{row.id}" if row.id else "QuestionnaireResponse without id"
        )
        answers = list(self._answers(row.item or ()))
        if not answers:
            self._look_at_name(row, reference)
            return
        name = " and ".join(dict.fromkeys(field.tool.name for field, _ in answers))
        status = (row.status or "").strip().lower()
        if status not in _DONE:
            reason = _NOT_DONE.get(status, "its status does not say that it is completed")
            self._refuse(reference, name, reason, row.authored)
            return
        flags = ("amended",) if status == "amended" else ()
        sheet = self._sheet(reference, row.authored, None, True, flags)
        if sheet is None:
            self._refuse(reference, name, "no day on which it was filled in", None)
            return
        given: dict[str, dict[str, Decimal]] = {}
        for field, answer in answers:
            value = value_of(answer, field.item.answers if field.item else None)
            if (checked := self._checked(field, value, sheet)) is not None:
                given.setdefault(field.tool.key, {})[field.key] = checked
        for key, figures in given.items():
            self._sheet_of(self._known.tools[key], figures, sheet)

    def _answers(self, items: Iterable[AnswerItem]) -> Iterator[tuple[Field, Answer]]:
        """Every answer to a question of ours, questions within questions included."""
        waiting = list(items)
        for item in waiting:  # grows while it is read
            waiting += item.item or ()
            field = self._field_of_link(item.linkId)
            answers = [a for raw in item.answer or () if (a := open_answer(raw))]
            for answer in answers:
                waiting += answer.item or ()
            if field is not None and answers:
                yield field, answers[0]

    def _field_of_link(self, link: str | None) -> Field | None:
        """A question of our forms, or one that is linked by its LOINC code ("/44249-1/44250-9")."""
        if link is None:
            return None
        field = self._known.by_link.get(link)
        if field is not None:
            return field
        field = self._known.by_code.get(link.rpartition("/")[2])
        return field if field is not None and field.system == LOINC else None

    def _sheet_of(self, tool: Tool, figures: dict[str, Decimal], sheet: _Sheet) -> None:
        """The figures of one tool on one sheet; a total that contradicts its items goes."""
        items = [figures[key] for key in tool.items if key in figures]
        if tool.kind == "sum" and tool.items and len(items) == len(tool.items):
            total, added = figures.get(TOTAL), sum(items, Decimal(0))
            if total is not None and total != added:
                reason = f"the total given, {total}, is not the sum of its items, {added}"
                self._refuse(sheet.reference, tool.name, reason, sheet.effective)
                del figures[TOTAL]
            elif total is None:
                self._take(tool, TOTAL, added, sheet, ("from-items",))
        for key, value in figures.items():
            self._take(tool, key, value, sheet)

    def _look_at_name(self, row: QuestionnaireResponse, reference: str) -> None:
        name = (row.questionnaire or "").rpartition("/")[2].lower()
        for tool in self._known.tools.values():
            if any(word in name for word in tool.words):
                reason = "its questions are linked by no code that is known"
                self._refuse(reference, tool.name, reason, row.authored)
                return

    # ---- Observations

    def observation(self, row: Observation) -> None:
        field = self._field_of(row.code.coding if row.code else None)
        for component in row.component or ():
            part = self._field_of(component.code.coding if component.code else None)
            if part is not None:
                self._result(row, component, part)
        if field is not None and (not row.component or _has_value(row)):
            self._result(row, row, field)

    def _field_of(self, codings: Iterable[Coding] | None) -> Field | None:
        for coding in codings or ():
            code = coding.code
            if code is None:
                continue
            field = self._known.by_code.get(code)
            if field is not None and (
                coding.system == field.system or (field.system == LOINC and is_loinc(coding.system))
            ):
                return field
            if self._local_codes:
                meant = self._local_codes.get(f"{coding.system or ''}|{code}")
                meant = meant or self._local_codes.get(code)
                if meant is not None:
                    return self._known.by_code[meant]
        return None

    def _result(
        self, row: Observation, part: Observation | ObservationComponent, field: Field
    ) -> None:
        reference = f"Observation/{row.id}" if row.id else "Observation without id"
        when = when_of(row)
        if row.status not in _FINAL:
            reason = f"its status is {row.status or 'not stated'}"[:60]
            self._refuse(reference, _name(field), reason, when)
            return
        flags = (row.status,) if row.status and row.status != "final" else ()
        sheet = self._sheet(reference, when, row.issued, False, flags)
        if sheet is None:
            self._refuse(reference, _name(field), "no day to which it belongs", None)
            return
        value = value_of_result(part, field.item.answers if field.item else None)
        if (checked := self._checked(field, value, sheet)) is not None:
            self._take(field.tool, field.key, checked, sheet)

    def _summed(self) -> Iterator[EndpointReading]:
        """Totals of items that came as single Observations of one moment, unless one was given by
        then. Until a total is told the sum stands in for it; the engine lets it go after that."""
        groups: dict[tuple[str, datetime | date], dict[str, EndpointReading]] = {}
        single = [
            reading
            for reading in self._readings
            if reading.source == "observation" and self._known.tools[reading.tool].kind == "sum"
        ]
        for reading in sorted(single, key=_order):
            key = (reading.tool, reading.effective)
            groups.setdefault(key, {}).setdefault(reading.item, reading)
        for (name, _), items in groups.items():
            tool = self._known.tools[name]
            if tool.items and tool.items.keys() <= items.keys():
                first = next(iter(items.values()))
                # The sum is known as soon as the last of its parts is.
                last = max((items[key].recorded for key in tool.items), key=_as_told)
                given = items.get(TOTAL)
                if given is not None and _as_told(given.recorded) <= _as_told(last):
                    continue
                total = sum((items[key].value for key in tool.items), Decimal(0))
                sheet = _Sheet(first.reference, first.effective, first.day, last, False, ())
                yield _reading(tool, TOTAL, total, sheet, ("from-items",))

    # ---- both

    def _sheet(
        self,
        reference: str,
        when: str | None,
        issued: str | None,
        questionnaire: bool,
        flags: tuple[str, ...],
    ) -> _Sheet | None:
        effective, day = _moment(when), first_day(when, self._local)
        if effective is None or day is None:
            return None
        recorded = _moment(issued) or effective
        return _Sheet(reference, effective, day, recorded, questionnaire, flags)

    def _checked(self, field: Field, value: Decimal | None, sheet: _Sheet) -> Decimal | None:
        """The value if it lies on the scale; else it goes to `unused` with the reason."""
        tool, item = field.tool, field.item
        if value is None:
            reason = "the answer is none that this question has"
            self._refuse(sheet.reference, _name(field), reason, sheet.effective)
            return None
        low, high = (tool.low, tool.high) if item is None else (item.low, item.high)
        if low <= value <= high:
            return value
        trap = f"; {tool.trap}" if tool.trap else ""
        reason = f"{value:f} is outside its scale of {low} to {high}{trap}"
        self._refuse(sheet.reference, _name(field), reason, sheet.effective)
        return None

    def _take(
        self, tool: Tool, key: str, value: Decimal, sheet: _Sheet, flags: tuple[str, ...] = ()
    ) -> None:
        if tool.kind == "wishes":
            recorded = sheet.recorded
            known = recorded.date() if isinstance(recorded, datetime) else recorded
            self._wishes.append(
                WishWord(
                    "fertility" if key == "fertility" else "endogenous",
                    "yes" if value else "no",
                    sheet.day,
                    known,
                    sheet.reference,
                )
            )
        else:
            self._readings.append(_reading(tool, key, value, sheet, flags))

    def _refuse(
        self, reference: str, name: str, reason: str, when: str | datetime | date | None
    ) -> None:
        effective = _moment(when) if isinstance(when, str) else when
        self._unused.append(Unused(reference, f"{name}: {reason}", effective=effective))


def _reading(
    tool: Tool, key: str, value: Decimal, sheet: _Sheet, flags: tuple[str, ...]
) -> EndpointReading:
    item = tool.items.get(key)
    return EndpointReading(
        reference=sheet.reference,
        tool=tool.key,
        item=key,
        value=value,
        low=tool.low if item is None else item.low,
        high=tool.high if item is None else item.high,
        better=tool.better,
        effective=sheet.effective,
        day=sheet.day,
        recorded=sheet.recorded,
        source="questionnaire" if sheet.questionnaire else "observation",
        flags=flags + sheet.flags,
    )


def _name(field: Field) -> str:
    return field.tool.name if field.item is None else field.item.name


def _order(reading: EndpointReading) -> tuple[date, str, str, str, str]:
    return reading.day, str(reading.effective), reading.tool, reading.item, reading.reference


def _as_told(moment: datetime | date) -> datetime:
    """To order moments by: naive UTC, a date as its beginning."""
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time())
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _moment(text: str | None) -> datetime | date | None:
    """The moment; None where the text names no day."""
    if not text:
        return None
    try:
        when = parse(text)
    except InputError:
        return None
    return None if isinstance(when, Partial) else when


def _has_value(row: Observation) -> bool:
    return not (
        row.valueQuantity is None
        and row.valueInteger is None
        and row.valueBoolean is None
        and row.valueString is None
        and row.valueCodeableConcept is None
    )


__all__ = ["Told", "lab_codes", "read_endpoints"]
