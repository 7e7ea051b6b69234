"""Men as facts: what is true of a man and what was written down of it, made from one seed.

Nothing here knows the catalogue, the laboratory or the engine. Days are counted from the day of
the assessment (day 0); a man's story is over by then. `stratum` and `hazards` say what the
generator was after; what holds of the man is for the oracle to read from the facts.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

MORNINGS = ("07:00", "07:45", "08:30", "09:15", "10:20", "11:00")
OTHER_HOURS = ("06:40", "11:30", "14:10", "16:30", "")


@dataclass(frozen=True, slots=True)
class Lab:
    """One result. `true` is what was in the blood, in the unit in which rules compare.

    clock       local clock of the draw; "" when only the day was written down
    comparator  "<" or ">": the laboratory printed `printed` instead of the value
    issued      day of the report; None when it was not told
    limits      the laboratory's reference range; unit False: sent without a unit
    """

    id: str
    analyte: str
    true: Decimal
    day: int
    clock: str = "08:30"
    comparator: str = ""
    printed: Decimal | None = None
    issued: int | None = None
    status: str = "final"
    limits: tuple[str, str] | None = None
    site: str = ""
    unit: bool = True

    @property
    def reported(self) -> int:
        return self.day if self.issued is None else self.issued


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`name` is a key of generated_fhir.DIAGNOSES; `pick` chooses among codes that mean it."""

    id: str
    name: str
    onset: int | None
    recorded: int | None
    status: str | None = "active"
    abated: int | None = None
    refuted: bool = False
    pick: int = 0


@dataclass(frozen=True, slots=True)
class Operation:
    """A removed testis. `side`: "left", "right", "both" or "" when nobody wrote it down."""

    id: str
    side: str
    day: int | None
    done: bool = True
    pick: int = 0


@dataclass(frozen=True, slots=True)
class Drug:
    """One prescription. `stop` None with status "active": goes on; else the end is not known."""

    id: str
    name: str
    start: int
    stop: int | None = None
    authored: int | None = None
    status: str = "active"
    dose: str = ""


@dataclass(frozen=True, slots=True)
class Allergy:
    id: str
    drug: str
    type: str = "allergy"
    active: bool = True
    recorded: int | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    id: str
    kind: str
    day: int


@dataclass(frozen=True, slots=True)
class Man:
    """All the facts of one man. `gaps` are kinds of data that the EHR did not let us read."""

    seed: int
    stratum: str
    age: int
    gender: str = "male"
    birth_sex: str = "M"
    labs: tuple[Lab, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    operations: tuple[Operation, ...] = ()
    drugs: tuple[Drug, ...] = ()
    allergies: tuple[Allergy, ...] = ()
    wishes: tuple[Wish, ...] = ()
    gaps: tuple[str, ...] = ()
    hazards: tuple[str, ...] = ()


def men() -> st.SearchStrategy[Man]:
    """The same men as a Hypothesis strategy: an integer is a man."""
    return st.builds(man_of, st.integers(0, 2**48))


def man_of(seed: int) -> Man:
    """The man of that seed, the same on every machine."""
    pen = _Pen(random.Random(seed))
    rng = pen.rng
    stratum = rng.choices(list(STRATA), [weight for weight, _ in STRATA.values()])[0]
    age = rng.choice((19, 24, 33, 38, 41, 47, 52, 58, 66, 74))
    STRATA[stratum][1](pen)
    hazards: list[str] = []
    if stratum != "not-a-man" and rng.random() < 0.72:
        hazards = rng.sample(sorted(HAZARDS), rng.choice((1, 1, 1, 2, 2, 3)))
        for name in hazards:
            HAZARDS[name](pen)
    if rng.random() < 0.35:
        for _ in range(rng.randint(1, 3)):
            rng.choice(DECOYS)(pen)
    gaps: tuple[str, ...] = ()
    if rng.random() < 0.03:
        gaps = (rng.choice(("Condition", "MedicationRequest", "AllergyIntolerance", "safety")),)
    sex = _NOT_MEN[rng.randrange(len(_NOT_MEN))] if stratum == "not-a-man" else ("male", "M", age)
    gender, birth_sex, age = sex if sex[2] else (sex[0], sex[1], age)
    if stratum != "not-a-man" and rng.random() < 0.1:
        gender, birth_sex = rng.choice((("unknown", "M"), ("male", "")))
    return Man(
        seed, stratum, age, gender, birth_sex, tuple(pen.labs), tuple(pen.diagnoses),
        tuple(pen.operations), tuple(pen.drugs), tuple(pen.allergies), tuple(pen.wishes), gaps,
        tuple(hazards),
    )  # fmt: skip


_NOT_MEN = (("female", "F", 0), ("male", "M", 16), ("unknown", "", 0), ("male", "F", 0))


def known_on(man: Man, day: int) -> Man:
    """The record as it stood at the end of that day: nothing first recorded later, no later end."""
    return replace(
        man,
        labs=tuple(x for x in man.labs if x.reported <= day and x.day <= day),
        diagnoses=tuple(
            _not_ended(x, day)
            for x in man.diagnoses
            if (first := x.recorded if x.recorded is not None else x.onset) is None or first <= day
        ),
        operations=tuple(x for x in man.operations if x.day is None or x.day <= day),
        drugs=tuple(
            replace(x, stop=None, status="active") if x.stop is not None and x.stop > day else x
            for x in man.drugs
            if (x.authored if x.authored is not None else x.start) <= day
        ),
        allergies=tuple(x for x in man.allergies if x.recorded is None or x.recorded <= day),
        wishes=tuple(x for x in man.wishes if x.day <= day),
    )


def _not_ended(diagnosis: Diagnosis, day: int) -> Diagnosis:
    if diagnosis.abated is None or diagnosis.abated <= day:
        return diagnosis
    return replace(diagnosis, abated=None, status="active")


LISTS = ("labs", "diagnoses", "operations", "drugs", "allergies", "wishes", "gaps")


def shrunk(man: Man, fails: Callable[[Man], bool]) -> Man:
    """The least of the man's facts with which `fails` still says so."""
    again = True
    while again:
        again = False
        for name in LISTS:
            for fact in getattr(man, name):
                less = replace(man, **{name: tuple(x for x in getattr(man, name) if x is not fact)})
                if fails(less):
                    man, again = less, True
    return man


def told(man: Man) -> str:
    """The facts, a line each, for a failing test."""
    lines = [f"seed {man.seed}, {man.stratum}, {man.age} y, {man.gender}/{man.birth_sex or '-'}"]
    for name in LISTS:
        lines += [f"  {fact!r}" for fact in getattr(man, name)]
    return "\n".join(lines)


@dataclass(slots=True)
class _Pen:
    """A man being written. Every fact takes the next number as its id."""

    rng: random.Random
    labs: list[Lab] = field(default_factory=list)
    diagnoses: list[Diagnosis] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    drugs: list[Drug] = field(default_factory=list)
    allergies: list[Allergy] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)
    count: int = 0

    def id(self) -> str:
        """Ids in no order of time: the alphabet must decide nothing."""
        self.count += 1
        return f"{self.rng.randrange(1000):03d}-{self.count}"

    def number(self, low: float, high: float, places: int = 1) -> Decimal:
        scale = 10**places
        return Decimal(self.rng.randint(round(low * scale), round(high * scale))).scaleb(-places)

    def day(self, oldest: int, newest: int) -> int:
        return self.rng.randint(oldest, newest)

    def lab(self, analyte: str, true: Decimal, day: int, **more: Any) -> Lab:
        if "issued" not in more and self.rng.random() < 0.5:
            more["issued"] = min(0, day + self.rng.choice((0, 0, 1, 2, 5)))
        lab = Lab(self.id(), analyte, true, day, **more)
        self.labs.append(lab)
        return lab

    def diagnosis(self, name: str, onset: int | None, **more: Any) -> None:
        if "recorded" not in more:
            later = self.rng.choice((0, 0, 3, 40))
            more["recorded"] = None if onset is None else min(0, onset + later)
        more.setdefault("pick", self.rng.randrange(6))
        self.diagnoses.append(Diagnosis(self.id(), name, onset, **more))

    def drug(self, name: str, start: int, stop: int | None = None, **more: Any) -> None:
        more.setdefault("status", "active" if stop is None else "stopped")
        if self.rng.random() < 0.7:
            more.setdefault("authored", start)
        self.drugs.append(Drug(self.id(), name, start, stop, **more))

    def newest(self, analyte: str, value: Decimal, oldest: int = -50) -> None:
        """A result newer than all of its kind; now and then one that cannot be used."""
        last = max((x.day for x in self.labs if x.analyte == analyte), default=oldest)
        first = max(oldest, last + 1)
        if first > 0:
            self.labs = [x for x in self.labs if x.analyte != analyte]
            first = oldest
        # Half of them tell no time of report, so that they are known on the day they were drawn.
        self.lab(analyte, value, self.day(first, 0), clock=self.rng.choice(MORNINGS),
                 **self._printed(value))  # fmt: skip

    def _printed(self, value: Decimal) -> dict[str, Any]:
        chance = self.rng.random()
        if chance < 0.04:
            return {"status": self.rng.choice(("preliminary", "unknown"))}
        if chance < 0.07:
            return {"unit": False}
        if chance < 0.10 and value > 0:
            return {"comparator": "<", "printed": value * self.rng.choice((2, 3))}
        if chance < 0.13:
            return {"comparator": ">", "printed": value / 2}
        return {}


# --- strata --------------------------------------------------------------------------------------

# The last range has limits no man should be judged by: the accept window refuses it.
_LH_LIMITS = (None, None, ("1.7", "8.6"), ("1.5", "9.3"), ("2.0", "12.0"), ("1.2", "86.5"))
_FSH_LIMITS = (None, None, ("1.5", "12.4"), ("0.7", "11.1"), ("1.6", "20.0"), ("0.3", "7.0"))
_T_LIMITS = (None, ("264", "916"), ("250", "1100"), ("132", "813"))
_SYMPTOMS = ("libido", "erection", "depression", "osteoporosis", "flush")


def _draw(pen: _Pen, day: int, t: Decimal, lh: Decimal, fsh: Decimal, **more: Any) -> None:
    """One morning draw with its gonadotropins."""
    clock = pen.rng.choice(MORNINGS)
    pen.lab("testosterone", t, day, clock=clock, limits=more.get("t_limits"))
    pen.lab("lh", lh, day, clock=clock, limits=more.get("lh_limits"))
    pen.lab("fsh", fsh, day, clock=clock, limits=more.get("fsh_limits"))


def _two_draws(pen: _Pen, t: tuple[Decimal, Decimal], lh: tuple[float, float],
               fsh: tuple[float, float], newest: int = -1, **more: Any) -> int:  # fmt: skip
    """Two mornings with LH and FSH from the intervals; gives the day of the newer one."""
    first = newest - pen.rng.randint(2, 100)
    second = first - pen.rng.randint(2, 160)
    for value, day in ((t[0], first), (t[1], second)):
        _draw(pen, day, value, pen.number(*lh), pen.number(*fsh), **more)
    return first


def _safety(pen: _Pen, day: int) -> None:
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


def _complaints(pen: _Pen) -> None:
    for name in pen.rng.sample(_SYMPTOMS, pen.rng.choice((1, 1, 2))):
        pen.diagnosis(name, pen.day(-600, -5))
    if pen.rng.random() < 0.3:
        pen.wishes.append(Wish(pen.id(), pen.rng.choice(("goal", "z31")), pen.day(-500, 0)))


def _secondary(pen: _Pen, newest: int = -1) -> int:
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
    day = _two_draws(pen, t, (2.6, 6.9), (2.6, 7.4), newest, **limits)
    pen.lab("shbg", shbg, day)
    _safety(pen, day)
    _complaints(pen)
    return day


def _candidate(pen: _Pen) -> None:
    _secondary(pen)


def _pituitary(pen: _Pen) -> None:
    _secondary(pen)
    pen.diagnosis("pituitary-deficiency", pen.day(-900, -30))


def _low_pair(pen: _Pen) -> tuple[Decimal, Decimal]:
    return pen.number(51, 229.9), pen.number(51, 229.9)


def _severe_b(pen: _Pen) -> None:
    limits = pen.rng.choice(_LH_LIMITS)
    day = _two_draws(pen, _low_pair(pen), (24.1, 80), (2, 80), lh_limits=limits)
    pen.lab("shbg", pen.number(20, 44), day)
    _safety(pen, day)
    _complaints(pen)


def _severe_c(pen: _Pen) -> None:
    day = _two_draws(pen, _low_pair(pen), (12.1, 13.9), (40.1, 90))
    pen.lab("shbg", pen.number(20, 44), day)
    exam = pen.day(-80, -1)
    for side in ("left", "right"):
        pen.lab("testis-volume", pen.number(1, 5.9), exam, site=side, clock="10:20")
    _safety(pen, day)
    _complaints(pen)


def _severe_d(pen: _Pen) -> None:
    day = _two_draws(pen, _low_pair(pen), (12.1, 13.9), (2, 80))
    pen.lab("shbg", pen.number(20, 44), day)
    before = pen.number(60, 250)
    test = pen.day(-300, -6)
    pen.lab("testosterone-hcg-pre", before, test)
    for analyte, later in (("testosterone-hcg-72h", 3), ("testosterone-hcg-96h", 4)):
        if analyte.endswith("72h") or pen.rng.random() < 0.4:
            rise = Decimal(pen.rng.randint(90, 149)).scaleb(-2)
            pen.lab(analyte, round(before * rise - Decimal("0.1"), 1), test + later)
    _safety(pen, day)
    _complaints(pen)


def _severe_f(pen: _Pen) -> None:
    if pen.rng.random() < 0.5:
        t = _low_pair(pen)
        pen.diagnosis(pen.rng.choice(("xx-male", "dysgenesis")), pen.day(-2000, -20))
    else:
        t = (pen.number(20, 49.9), pen.number(20, 49.9))
    day = _two_draws(pen, t, (12.1, 13.9), (2, 80))
    pen.lab("shbg", pen.number(20, 44), day)
    _safety(pen, day)
    _complaints(pen)


def _severe_a(pen: _Pen) -> None:
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
    day = _two_draws(pen, t, lh, (2, 80))
    pen.lab("shbg", pen.number(20, 44), day)
    _safety(pen, day)
    _complaints(pen)


def _failed_on_drug(pen: _Pen) -> None:
    """5e: two failed evaluations at the highest dose; before the drug he was a plain candidate."""
    start = pen.day(-330, -200)
    _secondary(pen, newest=start)
    pen.drug("clomiphene", start, dose="50 mg daily", authored=start)
    first = start + pen.rng.randint(60, 90)
    for day in (first, first + pen.rng.randint(29, 60)):
        _draw(pen, day, pen.number(60, 250), pen.number(24, 60), pen.number(25, 60))


def _treated(pen: _Pen) -> None:
    """A drug of the axis acts, or its wash-out is not over, or it is long over."""
    start = pen.day(-900, -40)
    name = pen.rng.choice(
        ("clomiphene", "enclomiphene", "hcg", "testosterone-cypionate", "testosterone-gel",
         "anastrozole", "tamoxifen", "leuprolide", "anabolic-steroid")
    )  # fmt: skip
    _secondary(pen, newest=start)
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
        _draw(pen, pen.day(start + 20, 0), pen.number(20, 900), pen.number(0.1, 40),
              pen.number(0.1, 40))  # fmt: skip
    for _ in range(pen.rng.randint(0, 3)):
        pen.lab("hematocrit", pen.number(44, 61), pen.day(start, 0))


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


def _value(pen: _Pen, analyte: str) -> Decimal:
    if pen.rng.random() < 0.4:
        line = Decimal(pen.rng.choice(_LINES[analyte]))
        return line + pen.rng.choice((Decimal("-0.1"), Decimal(0), Decimal("0.1")))
    return pen.number(*_WIDE[analyte])


def _anything(pen: _Pen) -> None:
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


def _odd(pen: _Pen, value: Decimal) -> dict[str, Any]:
    chance = pen.rng.random()
    if chance < 0.05:
        return {"comparator": pen.rng.choice("<>"), "printed": value}
    if chance < 0.08:
        return {"status": pen.rng.choice(("preliminary", "entered-in-error", "cancelled"))}
    if chance < 0.1:
        return {"unit": False}
    return {}


STRATA: dict[str, tuple[int, Callable[[_Pen], None]]] = {
    "candidate": (46, _candidate),
    "pituitary": (5, _pituitary),
    "severe-a": (6, _severe_a),
    "severe-b": (4, _severe_b),
    "severe-c": (4, _severe_c),
    "severe-d": (4, _severe_d),
    "severe-f": (6, _severe_f),
    "failed-on-drug": (4, _failed_on_drug),
    "treated": (8, _treated),
    "anything": (11, _anything),
    "not-a-man": (3, _anything),
}


# --- hazards: one for each way in which an agent is stopped absolutely ---------------------------


def _ill(name: str, oldest: int = -3000, newest: int = -1, **more: Any) -> Callable[[_Pen], None]:
    """A diagnosis; a few of them without any date."""

    def write(pen: _Pen) -> None:
        dated = pen.rng.random() > 0.08
        pen.diagnosis(name, pen.day(oldest, newest) if dated else None, **more)

    return write


def _result(analyte: str, low: float, high: float, places: int = 1) -> Callable[[_Pen], None]:
    return lambda pen: pen.newest(analyte, pen.number(low, high, places))


def _allergic(*drugs: str) -> Callable[[_Pen], None]:
    def write(pen: _Pen) -> None:
        recorded = pen.rng.choice((None, pen.day(-3000, -1)))
        pen.allergies.append(Allergy(pen.id(), pen.rng.choice(drugs), recorded=recorded))

    return write


def _eye_on_serm(pen: _Pen) -> None:
    stop = pen.day(-800, -460)
    start = stop - pen.rng.randint(60, 300)
    pen.drug(pen.rng.choice(("clomiphene", "enclomiphene", "tamoxifen")), start, stop)
    event = pen.day(start, stop + 84)
    pen.diagnosis(pen.rng.choice(("visual", "eye-vascular")), event,
                  status=pen.rng.choice(("active", "resolved")))  # fmt: skip


def _untreated(name: str) -> Callable[[_Pen], None]:
    def write(pen: _Pen) -> None:
        pen.labs = [x for x in pen.labs if x.analyte != "tsh"]
        pen.diagnosis(name, pen.day(-900, -1))

    return write


def _on(name: str) -> Callable[[_Pen], None]:
    return lambda pen: pen.drug(name, pen.day(-400, -5))


HAZARDS: dict[str, Callable[[_Pen], None]] = {
    "allergy-clomiphene": _allergic("clomiphene", "enclomiphene"),
    "allergy-hcg": _allergic("hcg"),
    "allergy-inhibitor": _allergic("anastrozole", "letrozole"),
    "allergy-tamoxifen": _allergic("tamoxifen"),
    "allergy-fsh": _allergic("fsh"),
    "pituitary-deficiency": _ill("pituitary-deficiency"),
    "intracranial": _ill("intracranial"),
    "vte-recent": _ill("vte", -183, -1),
    "thrombophilia": _ill("thrombophilia"),
    "vte-past": _ill("vte-past"),
    "prostate-cancer": _ill("prostate-cancer"),
    "prostate-uncertain": _ill("prostate-uncertain"),
    "androgen-deprivation": _ill("androgen-deprivation"),
    "prostate-history": _ill("prostate-history"),
    "breast-cancer": _ill("breast-cancer"),
    "testicular-tumor": _ill("testicular-tumor"),
    "adrenal-tumor": _ill("adrenal-tumor"),
    "precocious-puberty": _ill("precocious-puberty"),
    "liver": _ill("liver"),
    "alt-high": _result("alt", 136, 900, 0),
    "ast-high": _result("ast", 121, 900, 0),
    "bilirubin-high": _result("bilirubin", 2.5, 12),
    "tsh-low": _result("tsh", 0.01, 0.09, 2),
    "tsh-high": _result("tsh", 10.1, 60),
    "hyperthyroid": _untreated("hyperthyroid"),
    "adrenal": _untreated("adrenal"),
    "eye-on-serm": _eye_on_serm,
    "hematocrit": _result("hematocrit", 54, 64),
    "polycythemia-vera": _ill("polycythemia-vera"),
    "gnrh": _on("leuprolide"),
    "warfarin": _on("warfarin"),
    "fsh-high": lambda pen: pen.newest("fsh", pen.number(40.1, 90)),
}


# --- decoys: what looks like a stop and is none, and things that matter less ---------------------


def _resolved_vte(pen: _Pen) -> None:
    onset = pen.day(-900, -200)
    pen.diagnosis("vte", onset, status="resolved", abated=pen.day(onset, -1))


def _refuted(pen: _Pen) -> None:
    name = pen.rng.choice(("vte", "liver", "breast-cancer", "prostate-cancer", "thrombophilia"))
    pen.diagnosis(name, pen.day(-900, -1), refuted=True)


def _one_testis(pen: _Pen) -> None:
    pen.operations.append(
        Operation(pen.id(), pen.rng.choice(("left", "right")), pen.day(-4000, -300))
    )


def _not_done(pen: _Pen) -> None:
    pen.operations.append(Operation(pen.id(), "both", pen.day(-400, -30), done=False))


def _intolerant(pen: _Pen) -> None:
    drug = pen.rng.choice(("clomiphene", "hcg", "tamoxifen"))
    pen.allergies.append(Allergy(pen.id(), drug, type="intolerance", recorded=-100))


def _past_allergy(pen: _Pen) -> None:
    pen.allergies.append(Allergy(pen.id(), "clomiphene", active=False, recorded=-900))


def _treated_thyroid(pen: _Pen) -> None:
    pen.diagnosis("hyperthyroid", pen.day(-900, -60))
    pen.drug("methimazole", pen.day(-50, -5))


def _earlier_draws(pen: _Pen) -> None:
    for _ in range(pen.rng.randint(1, 3)):
        pen.lab("testosterone", pen.number(60, 700), pen.day(-800, -300),
                clock=pen.rng.choice((*MORNINGS, *OTHER_HOURS)))  # fmt: skip


DECOYS: tuple[Callable[[_Pen], None], ...] = (
    _resolved_vte, _refuted, _one_testis, _not_done, _intolerant, _past_allergy, _treated_thyroid,
    _earlier_draws,
    _result("hematocrit", 50, 53.9), _result("alt", 68, 134, 0), _result("psa", 4.1, 30),
    _result("triglycerides", 200, 1800, 0), _result("estradiol", 43, 140, 0),
    _ill("obesity"), _ill("diabetes"), _ill("apnea"), _ill("liver-minor"), _ill("hypothyroid"),
    _ill("visual"), _ill("prostate-intraepithelial"), _ill("fatigue"), _ill("infertility"),
    _on("oxycodone"), _on("levothyroxine"), _on("prednisone"),
)  # fmt: skip


def size_of(man: Man) -> int:
    """How many facts he has."""
    return sum(len(getattr(man, f.name)) for f in fields(man) if f.name in LISTS)
