"""Kinds of men: each stratum writes one, and says by its name what it was after."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from generated_facts import Operation, Wish
from generated_pen import MORNINGS, OTHER_HOURS, Pen

# The last range has limits no man should be judged by: the accept window refuses it.
_LH_LIMITS = (None, None, ("1.7", "8.6"), ("1.5", "9.3"), ("2.0", "12.0"), ("1.2", "86.5"))
_FSH_LIMITS = (None, None, ("1.5", "12.4"), ("0.7", "11.1"), ("1.6", "20.0"), ("0.3", "7.0"))
_T_LIMITS = (None, ("264", "916"), ("250", "1100"), ("132", "813"))
_SYMPTOMS = ("libido", "erection", "depression", "osteoporosis", "flush")


def draw(pen: Pen, day: int, t: Decimal, lh: Decimal, fsh: Decimal, **more: Any) -> None:
    """One morning draw with its gonadotropins."""
    clock = pen.rng.choice(MORNINGS)
    pen.lab("testosterone", t, day, clock=clock, limits=more.get("t_limits"))
    pen.lab("lh", lh, day, clock=clock, limits=more.get("lh_limits"))
    pen.lab("fsh", fsh, day, clock=clock, limits=more.get("fsh_limits"))


def two_draws(pen: Pen, t: tuple[Decimal, Decimal], lh: tuple[float, float],
               fsh: tuple[float, float], newest: int = -1, **more: Any) -> int:  # fmt: skip
    """Two mornings with LH and FSH from the intervals; gives the day of the newer one."""
    first = newest - pen.rng.randint(2, 100)
    second = first - pen.rng.randint(2, 160)
    for value, day in ((t[0], first), (t[1], second)):
        draw(pen, day, value, pen.number(*lh), pen.number(*fsh), **more)
    return first


def safety(pen: Pen, day: int) -> None:
    """Work-up and safety as they are in a healthy man, all before `day`."""
    at = day - pen.rng.randint(60, 120)
    pen.lab("prolactin", pen.number(3, 11.9), at)
    pen.lab("hematocrit", pen.number(40, 49.5), at)
    for analyte, low, high, places, chance in (
        ("alt", 9, 44, 0, 0.8), ("ast", 9, 39, 0, 0.5), ("bilirubin", 0.2, 1.1, 1, 0.3),
        ("psa", 0.2, 3.9, 1, 0.7), ("tsh", 0.5, 4.4, 1, 0.7), ("ferritin", 30, 290, 0, 0.5),
        ("albumin", 3.6, 5.2, 1, 0.5), ("triglycerides", 60, 199, 0, 0.4),
        ("estradiol", 12, 41, 0, 0.5), ("bmi", 20, 34, 1, 0.5),
        ("sperm-concentration", 4, 90, 0, 0.2),
    ):  # fmt: skip
        if pen.rng.random() < chance:
            pen.lab(analyte, pen.number(low, high, places), at)


def _complaints(pen: Pen) -> None:
    for name in pen.rng.sample(_SYMPTOMS, pen.rng.choice((1, 1, 2))):
        pen.diagnosis(name, pen.day(-600, -5))
    if pen.rng.random() < 0.3:
        pen.wishes.append(Wish(pen.id(), pen.rng.choice(("goal", "z31")), pen.day(-500, 0)))


def secondary(pen: Pen, newest: int = -1) -> int:
    """Symptoms, two low mornings, gonadotropins in range, a whole work-up: nothing speaks against
    treatment until something is added."""
    kind = pen.rng.random()
    shbg = pen.number(20, 44)
    if kind < 0.7:
        t = (pen.number(151, 229.9), pen.number(151, 229.9))
    elif kind < 0.9:
        t = (pen.number(231, 299.8), pen.number(231, 299.8))
    else:
        t = (pen.number(301, 345), pen.number(301, 345))
        shbg = pen.number(62, 88)
    limits = {"lh_limits": pen.rng.choice(_LH_LIMITS), "fsh_limits": pen.rng.choice(_FSH_LIMITS),
              "t_limits": pen.rng.choice(_T_LIMITS)}  # fmt: skip
    day = two_draws(pen, t, (2.6, 6.9), (2.6, 7.4), newest, **limits)
    pen.lab("shbg", shbg, day)
    safety(pen, day)
    _complaints(pen)
    return day


def _candidate(pen: Pen) -> None:
    secondary(pen)


def _pituitary(pen: Pen) -> None:
    secondary(pen)
    pen.diagnosis("pituitary-deficiency", pen.day(-900, -30))


def _low_pair(pen: Pen) -> tuple[Decimal, Decimal]:
    return pen.number(51, 229.9), pen.number(51, 229.9)


def _severe_b(pen: Pen) -> None:
    limits = pen.rng.choice(_LH_LIMITS)
    day = two_draws(pen, _low_pair(pen), (24.1, 80), (2, 80), lh_limits=limits)
    pen.lab("shbg", pen.number(20, 44), day)
    safety(pen, day)
    _complaints(pen)


def _severe_c(pen: Pen) -> None:
    day = two_draws(pen, _low_pair(pen), (12.1, 13.9), (40.1, 90))
    pen.lab("shbg", pen.number(20, 44), day)
    exam = pen.day(-80, -1)
    for side in ("left", "right"):
        pen.lab("testis-volume", pen.number(1, 5.9), exam, site=side, clock="10:20")
    safety(pen, day)
    _complaints(pen)


def _severe_d(pen: Pen) -> None:
    day = two_draws(pen, _low_pair(pen), (12.1, 13.9), (2, 80))
    pen.lab("shbg", pen.number(20, 44), day)
    before = pen.number(60, 250)
    test = pen.day(-300, -6)
    pen.lab("testosterone-hcg-pre", before, test)
    for analyte, later in (("testosterone-hcg-72h", 3), ("testosterone-hcg-96h", 4)):
        if analyte.endswith("72h") or pen.rng.random() < 0.4:
            rise = Decimal(pen.rng.randint(90, 149)).scaleb(-2)
            pen.lab(analyte, round(before * rise - Decimal("0.1"), 1), test + later)
    safety(pen, day)
    _complaints(pen)


def _severe_f(pen: Pen) -> None:
    if pen.rng.random() < 0.5:
        t = _low_pair(pen)
        pen.diagnosis(pen.rng.choice(("xx-male", "dysgenesis")), pen.day(-2000, -20))
    else:
        t = (pen.number(20, 49.9), pen.number(20, 49.9))
    day = two_draws(pen, t, (12.1, 13.9), (2, 80))
    pen.lab("shbg", pen.number(20, 44), day)
    safety(pen, day)
    _complaints(pen)


def _severe_a(pen: Pen) -> None:
    """Loss of both testes in one of the ways in which it is written down."""
    way = pen.rng.choice(("both", "both", "sides", "words", "unsaid", "unsaid"))
    if way == "both":
        pen.operations.append(Operation(pen.id(), "both", pen.day(-4000, -300), pick=pen.day(0, 5)))
    elif way == "sides":
        for side in ("left", "right"):
            pen.operations.append(
                Operation(pen.id(), side, pen.day(-4000, -300), pick=pen.day(0, 5))
            )
    elif way == "words":
        pen.diagnosis(pen.rng.choice(("anorchia", "castration")), pen.day(-9000, -20))
    else:
        pen.operations.append(Operation(pen.id(), "", pen.day(-4000, -300), pick=pen.day(0, 5)))
    if way == "unsaid" and pen.rng.random() < 0.5:
        t, lh = (pen.number(20, 49.9), pen.number(20, 49.9)), (1.8, 6.9)
    elif way == "unsaid":
        t, lh = _low_pair(pen), (24.1, 60.0)
    else:
        t, lh = _low_pair(pen), (2.6, 60.0)
    day = two_draws(pen, t, lh, (2, 80))
    pen.lab("shbg", pen.number(20, 44), day)
    safety(pen, day)
    _complaints(pen)


def _failed_on_drug(pen: Pen) -> None:
    """5e: two failed evaluations at the highest dose; before the drug he was a plain candidate."""
    start = pen.day(-330, -200)
    secondary(pen, newest=start)
    pen.drug("clomiphene", start, dose="50 mg daily", authored=start)
    first = start + pen.rng.randint(60, 90)
    for day in (first, first + pen.rng.randint(29, 60)):
        draw(pen, day, pen.number(60, 250), pen.number(24, 60), pen.number(25, 60))


def _treated(pen: Pen) -> None:
    """A drug of the axis acts, or its wash-out is not over, or it is long over."""
    start = pen.day(-900, -40)
    name = pen.rng.choice(
        ("clomiphene", "enclomiphene", "hcg", "testosterone-cypionate", "testosterone-gel",
         "anastrozole", "tamoxifen", "leuprolide", "anabolic-steroid")
    )  # fmt: skip
    secondary(pen, newest=start)
    end = pen.rng.random()
    if end < 0.5:
        pen.drug(name, start)
    elif end < 0.85:
        pen.drug(name, start, pen.day(start + 20, -1))
    else:
        pen.drug(name, start, None, status="stopped")
    if pen.rng.random() < 0.3:
        pen.drug(name, pen.day(start + 10, -5), dose="second")
    for _ in range(pen.rng.randint(0, 2)):
        draw(pen, pen.day(start + 20, 0), pen.number(20, 900), pen.number(0.1, 40),
              pen.number(0.1, 40))  # fmt: skip
    for _ in range(pen.rng.randint(0, 3)):
        pen.lab("hematocrit", pen.number(44, 61), pen.day(start, 0))


# analyte: how it is before the drug, how it is under it where its rule acts, and places
_WATCHED: tuple[tuple[str, tuple[float, float], tuple[float, float], int], ...] = (
    ("hematocrit", (41, 47), (52, 61), 1),
    ("psa", (0.3, 2.6), (4.1, 12), 1),
    ("alt", (9, 44), (68, 300), 0),
    ("ast", (9, 39), (61, 250), 0),
    ("triglycerides", (60, 190), (201, 1300), 0),
    ("estradiol", (12, 40), (43, 130), 0),
    ("sperm-concentration", (16, 90), (0, 6.9), 1),
)


def _watched(pen: Pen) -> None:
    """Under treatment, and some of what is watched then has moved the way its rule acts."""
    start = pen.day(-700, -90)
    secondary(pen, newest=start)
    watched = {analyte for analyte, *_ in _WATCHED}
    pen.labs = [x for x in pen.labs if x.analyte not in watched]
    pen.drug(pen.rng.choice(("clomiphene", "clomiphene", "hcg")), start, authored=start)
    for analyte, before, under, places in _WATCHED:
        if pen.rng.random() < 0.7:
            pen.lab(analyte, pen.number(*before, places), start - pen.rng.randint(1, 90))
        if pen.rng.random() < 0.55:
            first = pen.day(max(start + 40, -160), -20)
            pen.lab(analyte, pen.number(*under, places), first)
            if pen.rng.random() < 0.4:
                pen.lab(analyte, pen.number(*under, places), pen.day(first + 3, -2))
    for _ in range(pen.rng.randint(0, 2)):
        draw(pen, pen.day(start + 45, -2), pen.number(200, 1100), pen.number(2, 30),
             pen.number(2, 30))  # fmt: skip


def _stimulated(pen: Pen) -> None:
    """An hCG test that is no criterion: it rose, LH is not raised, or a part of it is missing."""
    kind = pen.rng.choice(("rise", "lh-normal", "no-baseline", "censored", "rise-late"))
    lh = (2.6, 6.9) if kind == "lh-normal" else (9.5, 13.9)
    day = two_draws(pen, _low_pair(pen), lh, (2, 24))
    pen.lab("shbg", pen.number(20, 44), day)
    before, test = pen.number(60, 250), pen.day(-300, -6)
    if kind != "no-baseline":
        pen.lab("testosterone-hcg-pre", before, test)
    flat = Decimal(pen.rng.randint(90, 149)).scaleb(-2)
    rise = Decimal(pen.rng.randint(151, 400)).scaleb(-2)
    after = round(before * (rise if kind == "rise" else flat), 1)
    limit = {"comparator": ">", "printed": after} if kind == "censored" else {}
    true = after * 2 if limit else after
    pen.lab("testosterone-hcg-72h", true, test + 3, **limit)
    if kind == "rise-late":
        pen.lab("testosterone-hcg-96h", round(before * rise, 1), test + 4)
    safety(pen, day)
    _complaints(pen)


# The lines of the rules; a value is put on one of them, or one step to either side.
_LINES = {
    "testosterone": ("50", "150", "230.7", "264", "300", "346.1", "403.8", "916"),
    "lh": ("0.5", "1.7", "7.05", "9.4", "18.8"),
    "fsh": ("1.5", "12.4", "24.8"),
    "shbg": ("18", "54", "76"),
    "prolactin": ("20",),
    "hematocrit": ("50", "52", "54", "60"),
    "psa": ("4",),
    "tsh": ("0.1", "0.4", "4.5", "10"),
    "alt": ("45", "67.5", "90", "135"),
    "triglycerides": ("200", "500", "1000"),
    "estradiol": ("10", "42.6", "60", "100"),
}
_WIDE = {
    "testosterone": (20, 950), "lh": (0.1, 60), "fsh": (0.1, 60), "shbg": (8, 110),
    "prolactin": (2, 60), "hematocrit": (36, 62), "psa": (0.1, 12), "tsh": (0.1, 14),
    "alt": (8, 190), "triglycerides": (50, 1400), "estradiol": (5, 130),
}  # fmt: skip


def _value(pen: Pen, analyte: str) -> Decimal:
    if pen.rng.random() < 0.4:
        line = Decimal(pen.rng.choice(_LINES[analyte]))
        return line + pen.rng.choice((Decimal("-0.1"), Decimal(0), Decimal("0.1")))
    return pen.number(*_WIDE[analyte])


def _anything(pen: Pen) -> None:
    """No plan: any results, at any hour, on or beside the lines, censored, or not usable."""
    for _ in range(pen.rng.randint(0, 5)):
        day = pen.day(-420, 0)
        clock = pen.rng.choice(MORNINGS if pen.rng.random() < 0.75 else OTHER_HOURS)
        value = max(_value(pen, "testosterone"), Decimal(20))
        pen.lab("testosterone", value, day, clock=clock, **_odd(pen, value))
        for analyte, limits in (("lh", _LH_LIMITS), ("fsh", _FSH_LIMITS)):
            if pen.rng.random() < 0.6:
                value = max(_value(pen, analyte), Decimal("0.1"))
                pen.lab(analyte, value, day, clock=clock, limits=pen.rng.choice(limits),
                        **_odd(pen, value))  # fmt: skip
    for analyte in sorted(_WIDE.keys() - {"testosterone", "lh", "fsh"}):
        for _ in range(pen.rng.choice((0, 0, 1, 1, 2))):
            value = max(_value(pen, analyte), Decimal("0.01"))
            if analyte == "tsh" and pen.rng.random() < 0.2:
                value = Decimal("0.05")
            pen.lab(analyte, value, pen.day(-800, 0), clock=pen.rng.choice(MORNINGS),
                    **_odd(pen, value))  # fmt: skip
    for _ in range(pen.rng.choice((0, 1, 1, 2))):
        name = pen.rng.choice((*_SYMPTOMS, "fatigue", "obesity", "diabetes", "klinefelter"))
        pen.diagnosis(name, pen.rng.choice((None, pen.day(-1500, 0))))
    if pen.rng.random() < 0.15:
        pen.drug(pen.rng.choice(("clomiphene", "hcg", "testosterone-gel")), pen.day(-500, -5))


def _odd(pen: Pen, value: Decimal) -> dict[str, Any]:
    chance = pen.rng.random()
    if chance < 0.05:
        return {"comparator": pen.rng.choice("<>"), "printed": value}
    if chance < 0.08:
        return {"status": pen.rng.choice(("preliminary", "entered-in-error", "cancelled"))}
    if chance < 0.1:
        return {"unit": False}
    return {}


STRATA: dict[str, tuple[int, Callable[[Pen], None]]] = {
    "candidate": (46, _candidate),
    "pituitary": (5, _pituitary),
    "severe-a": (6, _severe_a),
    "severe-b": (4, _severe_b),
    "severe-c": (4, _severe_c),
    "severe-d": (4, _severe_d),
    "severe-f": (6, _severe_f),
    "failed-on-drug": (4, _failed_on_drug),
    "stimulated": (3, _stimulated),
    "treated": (8, _treated),
    "watched": (12, _watched),
    "anything": (11, _anything),
    "not-a-man": (3, _anything),
}
