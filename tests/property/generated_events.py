"""What happens to any man's record: results are told again and revised, drugs are handed over,
questions are answered, units are mistaken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from generated_facts import Supply, Told
from generated_pen import MORNINGS, Pen

# What a correction may say where more, or less, would be taken for a mistake.
_SANE = {"hematocrit": (Decimal(20), Decimal(72)), "testosterone": (Decimal(20), Decimal(4000))}


def _revise(pen: Pen) -> None:
    """Some results are told again on a later day: the same, amended, or corrected."""
    plain = [x for x in pen.labs if x.status == "final" and x.unit and not x.comparator]
    for x in pen.rng.sample(plain, min(len(plain), pen.rng.choice((1, 1, 2, 3)))):
        later = min(0, x.reported + pen.rng.choice((0, 1, 4, 12, 40)))
        kind = pen.rng.choice(("again", "amended", "corrected", "corrected"))
        if kind == "again":
            pen.labs.append(replace(x, id=pen.id(), issued=later))
            continue
        true = x.true
        if kind == "corrected":
            changed = x.true * pen.rng.randint(60, 150) / 100
            places = -int(x.true.as_tuple().exponent)
            true = max(round(changed, places), Decimal(1).scaleb(-places))
            if x.analyte in _SANE:
                true = min(max(true, _SANE[x.analyte][0]), _SANE[x.analyte][1])
        pen.labs.append(
            replace(x, id=pen.id(), true=true, issued=later, status=kind, corrects=x.id)
        )


def _mistake_unit(pen: Pen) -> None:
    """A testosterone in nmol/L that says ng/dL; the LH that gives it away may be told later."""
    day = pen.day(-150, -1)
    printed = pen.number(3, 19.9)
    clock = pen.rng.choice(MORNINGS)
    pen.lab("testosterone", round(printed * Decimal("28.842"), 1), day, clock=clock,
            printed=printed, mislabelled=True)  # fmt: skip
    drawn = min(0, day + pen.rng.choice((0, 0, 3, 30)))
    told = min(0, drawn + pen.rng.choice((0, 2, 20)))
    pen.lab("lh", pen.number(2.6, 6.9), drawn, clock=clock, issued=told)


_SUPPLIED = ("clomiphene", "hcg", "testosterone-gel", "testosterone-cypionate", "anastrozole",
             "prednisone", "levothyroxine")  # fmt: skip


def _hand_over(pen: Pen) -> None:
    """A drug is handed over or given, several times or once, with an order for it or without.

    Nothing is handed over before the last of it is used up, and nothing beside an order whose end
    nobody knows: how long it lasted would be for the reader to judge.
    """
    known = {x.name: x for x in pen.drugs}
    name = pen.rng.choice([*_SUPPLIED, *sorted(known.keys() & set(_SUPPLIED))])
    order = known.get(name)
    if order is not None and (order.stop is not None or order.undated):
        return
    given, day = pen.rng.random() < 0.3, pen.day(-600, -3)
    if not given and pen.rng.random() < 0.15 and order is None:
        pen.supplies.append(Supply(pen.id(), name, day))
        return
    for _ in range(pen.rng.randint(1, 5)):
        days = 0 if given else pen.rng.choice((14, 28, 30, 90))
        pen.supplies.append(Supply(pen.id(), name, day, days or None, given))
        day += days + pen.rng.choice((0, 0, 5, 20, 120) if days else (3, 7, 14))
        if day > 0:
            return


def _say_taken(pen: Pen) -> None:
    """A drug is no order but what the man says that he takes, or took."""
    name = pen.rng.choice(("clomiphene", "testosterone-gel", "warfarin", "prednisone"))
    start = pen.day(-500, -10)
    if any(x.name == name for x in (*pen.drugs,)) or any(x.drug == name for x in pen.supplies):
        return
    stop = None if pen.rng.random() < 0.5 else pen.day(start + 5, -1)
    pen.drug(name, start, stop, authored=start if stop is None else stop, stated=True)


_PHQ = ("interest", "down", "sleep", "tired", "appetite", "failure", "concentration",
        "psychomotor", "self-harm")  # fmt: skip
_SCALES = ("energy", "libido", "mood", "well-being")


def _answer(pen: Pen) -> None:
    """He fills in a form, or his figures come as results, some of them later than others."""
    tool = pen.rng.choice(("qadam", "ams", "phq-9", "nrs", "nrs", "signs", "iief"))
    for _ in range(pen.rng.randint(1, 3)):
        day, apart = pen.day(-500, 0), pen.rng.random() < 0.4
        figures = _figures(pen, tool)
        if apart and len(figures) == len(_PHQ):
            # The total comes as a result of its own, and need not be the sum.
            more = sum(value for _, value in figures) + pen.rng.choice((0, 0, 1))
            figures += (("total", min(more, 27)),)
        late = (0, 0, 1, 9) if apart else (0,)
        reported = tuple(min(0, day + pen.rng.choice(late)) for _ in figures)
        pen.told.append(Told(pen.id(), tool, day, figures, reported, apart))


def _figures(pen: Pen, tool: str) -> tuple[tuple[str, int], ...]:
    if tool == "nrs":
        some = pen.rng.sample(_SCALES, pen.rng.randint(1, 4))
        return tuple((item, pen.day(0, 10)) for item in some)
    if tool == "signs":
        return ((pen.rng.choice(("visual", "breast", "edema")), pen.day(0, 1)),)
    if tool == "phq-9" and pen.rng.random() < 0.7:
        harm = pen.rng.choice((0, 0, 0, 1))
        return tuple((item, harm if item == "self-harm" else pen.day(0, 3)) for item in _PHQ)
    low, high = {"qadam": (10, 50), "ams": (17, 85), "phq-9": (0, 27), "iief": (1, 25)}[tool]
    return (("total", pen.day(low, high)),)


# How often each happens.
EVENTS: tuple[tuple[float, Callable[[Pen], None]], ...] = (
    (0.25, _revise),
    (0.04, _mistake_unit),
    (0.15, _hand_over),
    (0.05, _say_taken),
    (0.2, _answer),
)
