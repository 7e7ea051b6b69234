"""What dispenses and administrations add to the stretches that words tell of, and where no words
tell of anything, the stretches that follow from them alone.

Supply of one day counts once, whoever recorded it twice; what was left over is taken first. A gap
shorter than the drug's wash-out leaves it acting all the while and is one course with a gap; a
longer one ends the course.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from smartapp.patient.record import Dose, DrugMatch, Taking

# Beyond this an order without a known end says nothing about what comes next (clinical-rules 4.1).
OPEN_END = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of one drug: what is said of it, and what was handed over or given in it.

    `supplied`: the day the supply lasts until. `given`: the last day on which a dose was given or
    handed over. `probable`: the end that follows from both, where no end is said.
    """

    taking: Taking
    supplied: date | None = None
    given: date | None = None
    probable: date | None = None
    gaps: tuple[tuple[date, date], ...] = ()

    @property
    def end(self) -> date | None:
        """The end, said or probable; None while it goes on or nobody can tell."""
        if self.taking.stop is not None or self.taking.state != "uncertain":
            return self.taking.stop
        return self.probable


@dataclass(frozen=True, slots=True)
class _Hand:
    """All that was handed over or given of one drug on one day. `open`: how long some of it lasts
    is not known."""

    day: date
    until: date | None
    given: date | None
    open: bool
    dose: Dose | None
    records: tuple[Taking, ...]

    @property
    def references(self) -> tuple[str, ...]:
        return tuple(reference for record in self.records for reference in record.references)


def with_supply(
    words: Sequence[Taking], events: Sequence[Taking], washout: timedelta
) -> list[Stretch]:
    """The stretches of one drug, oldest first. `words` are joined and in order already."""
    stretches = [Stretch(taking) for taking in words]
    if not events:
        return stretches
    alone: list[_Hand] = []
    for hand in _by_day(events):
        place = _place(stretches, hand.day)
        if place is None:
            alone.append(hand)
        else:
            stretches[place : place + 1] = _add(stretches[place], hand)
    for run in _runs(alone, washout):
        _lay(run, stretches, washout)
    return sorted(stretches, key=lambda s: (s.taking.start or date.min, s.taking.references))


def is_step(before: Dose | None, after: Dose | None) -> bool:
    """Whether the dose changes. One that cannot be read, or compared, is no change."""
    if before is None or after is None or before.unit != after.unit:
        return False
    if before.amount is None or after.amount is None:
        return False
    if before.amount != after.amount:
        return True
    return None not in (before.per_day, after.per_day) and before.per_day != after.per_day


def _by_day(events: Iterable[Taking]) -> list[_Hand]:
    days: dict[date, list[Taking]] = {}
    for event in sorted(events, key=lambda e: (e.start or date.min, e.references)):
        if event.start is not None:
            days.setdefault(event.start, []).append(event)
    return [_hand(day, records) for day, records in days.items()]


def _hand(day: date, records: Sequence[Taking]) -> _Hand:
    supplies = [r for r in records if r.kind == "supply"]
    doses = [r.dose for r in records]
    same = not any(is_step(doses[0], dose) for dose in doses)
    return _Hand(
        day=day,
        until=max((r.stop for r in supplies if r.stop), default=None),
        given=max((r.stop for r in records if r.kind == "given" and r.stop), default=None),
        open=bool(supplies) and not any(r.stop for r in supplies),
        dose=next((d for d in doses if d and d.amount is not None), None) if same else None,
        records=tuple(records),
    )


def _place(stretches: Sequence[Stretch], day: date) -> int | None:
    """The newest stretch that words lay over that day."""
    for number in range(len(stretches) - 1, -1, -1):
        taking = stretches[number].taking
        if taking.start is not None and taking.start > day:
            continue
        if taking.stop is not None:
            if day <= taking.stop:
                return number
        elif taking.state == "active" or taking.start is None or day - taking.start <= OPEN_END:
            return number
    return None


def _add(stretch: Stretch, hand: _Hand) -> list[Stretch]:
    """The stretch with what was handed over in it; two, if another dose begins with it."""
    taking = stretch.taking
    left = stretch.supplied
    if left is not None and hand.day > left and (hand.until or hand.open):
        stretch = replace(stretch, gaps=(*stretch.gaps, (left, hand.day)))
    if taking.start is not None and hand.day > taking.start and is_step(taking.dose, hand.dose):
        before = replace(taking, stop=hand.day, state="stopped", undated=False)
        after = replace(taking, start=hand.day, dose=hand.dose, recorded=hand.day)
        return [replace(stretch, taking=before), _supplied(Stretch(after), hand)]
    return [_supplied(stretch, hand)]


def _supplied(stretch: Stretch, hand: _Hand) -> Stretch:
    taking, left, until = stretch.taking, stretch.supplied, hand.until
    if until is not None and left is not None and left > hand.day:
        until += left - hand.day
    given = max(hand.day, hand.given or hand.day, stretch.given or hand.day)
    ends = [day for day in (until or left, hand.given, stretch.probable) if day]
    return Stretch(
        taking=replace(
            taking,
            drug=_match(taking, hand),
            references=tuple(dict.fromkeys((*taking.references, *hand.references))),
            start=taking.start or hand.day,
            dose=taking.dose if _readable(taking.dose) else hand.dose or taking.dose,
            recorded=min(taking.recorded or hand.day, hand.day),
            known=max(taking.known or hand.day, hand.day),
        ),
        supplied=None if hand.open else until or left,
        given=given,
        probable=None if hand.open else max(ends, default=None),
        gaps=stretch.gaps,
    )


def _runs(hands: Iterable[_Hand], washout: timedelta) -> list[Stretch]:
    """Stretches from what was handed over or given alone."""
    runs: list[Stretch] = []
    for hand in hands:
        last = runs[-1] if runs else None
        if last is not None and last.probable is not None:
            if hand.day - last.probable <= washout:
                runs[-1:] = _add(last, hand)
                continue
        elif last is not None and last.given and hand.day - last.given <= OPEN_END:
            # How long it lasted is not known, but he came for more.
            runs[-1] = replace(last, taking=replace(last.taking, stop=hand.day))
        runs.append(_supplied(Stretch(replace(hand.records[0], stop=None, ends=())), hand))
    return runs


def _lay(run: Stretch, stretches: list[Stretch], washout: timedelta) -> None:
    """Puts a run among the stretches: before the words that continue it, else on its own."""
    day = run.taking.start or date.min
    after = [n for n, s in enumerate(stretches) if s.taking.start and s.taking.start > day]
    if not after:
        stretches.append(run)
        return
    number = min(after, key=lambda n: stretches[n].taking.start or date.max)
    following = stretches[number]
    begins, ends = following.taking.start or date.max, run.end
    if ends is None or begins - ends > washout:
        stretches.append(run)
    elif is_step(run.taking.dose, following.taking.dose):
        if ends > begins:
            run = replace(run, taking=replace(run.taking, stop=begins, state="stopped"))
        stretches.append(run)
    else:
        stretches[number] = _joined(run, following, (ends, begins))


def _joined(run: Stretch, following: Stretch, pause: tuple[date, date]) -> Stretch:
    one, two = run.taking, following.taking
    days = [day for day in (one.recorded, two.recorded) if day]
    gap = (pause,) if pause[0] < pause[1] else ()
    return replace(
        following,
        taking=replace(
            two,
            drug=DrugMatch(two.drug.agent, "code")
            if "code" in (one.drug.matched_by, two.drug.matched_by)
            else two.drug,
            references=one.references + two.references,
            start=one.start,
            dose=two.dose if _readable(two.dose) else one.dose or two.dose,
            recorded=min(days, default=None),
        ),
        supplied=following.supplied or run.supplied,
        given=following.given or run.given,
        probable=following.probable or run.probable,
        gaps=(*run.gaps, *gap, *following.gaps),
    )


def _match(taking: Taking, hand: _Hand) -> DrugMatch:
    by_code = any(r.drug.matched_by == "code" for r in hand.records)
    return DrugMatch(taking.drug.agent, "code") if by_code else taking.drug


def _readable(dose: Dose | None) -> bool:
    return dose is not None and dose.amount is not None
