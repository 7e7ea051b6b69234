"""What the clinical rules say of a man, read from his facts alone (clinical-rules 2-5 and 8).

Written from the page of rules, not from the engine, and on what is TRUE of the man where only a
limit or nothing usable was printed: a program that cannot see the truth may abstain, but it may
never recommend. Every answer here is one-sided: named is what surely holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import sqrt

from generated_facts import Diagnosis, Lab, Man

SERMS = frozenset({"clomiphene", "enclomiphene"})
ALL = frozenset({"clomiphene", "enclomiphene", "hcg", "fsh", "tamoxifen", "anastrozole"})
_USABLE = frozenset({"final", "amended", "corrected"})
_NEVER = frozenset({"entered-in-error", "cancelled"})
# Days after the last dose (rules 4.1); a GnRH analogue's interval is not known.
WASH_OUT = {
    "clomiphene": 84, "enclomiphene": 14, "tamoxifen": 84, "anastrozole": 28, "letrozole": 28,
    "hcg": 42, "fsh": 42, "testosterone-gel": 28, "testosterone-cypionate": 84,
    "anabolic-steroid": 182, "leuprolide": 364,
}  # fmt: skip
_FOREVER = 10**6


@dataclass(frozen=True, slots=True)
class Draw:
    """A valid testosterone sample: the mean of its local date."""

    day: int
    value: Decimal


def applies(man: Man) -> bool:
    """Rules 1, for the men generated here: adult, male, nothing against it."""
    told = man.gender == "male" or (man.gender == "unknown" and man.birth_sex == "M")
    return told and man.birth_sex != "F" and man.age >= 18


def severe(man: Man, profile: str = "aua") -> frozenset[str]:
    """The criteria of rules 5 that hold on the day of the assessment, off-drug samples only."""
    found = set()
    draws = valid_draws(man)
    low = _surely_low(man, draws, profile)
    lh, fsh = _gonadotropin(man, "lh", draws), _gonadotropin(man, "fsh", draws)
    lh_high, lh_far = _above(lh, 1), _above(lh, 2)
    castrate = len(draws) > 1 and all(draw.value < 50 for draw in draws[:2])
    if _both_absent(man, castrate, lh_far):
        found.add("a")
    if low and lh_far:
        found.add("b")
    if low and lh_high and _above(fsh, 2) and _both_small(man):
        found.add("c")
    if low and lh_high and _flat_test(man):
        found.add("d")
    named = any(d.name in ("xx-male", "dysgenesis") and not d.refuted for d in man.diagnoses)
    if (named and low and lh_high) or (castrate and lh_high):
        found.add("f")
    return frozenset(found)


def failed_on_drug(man: Man) -> bool:
    """5e: two evaluations on clomiphene at its maximum, 28 days apart, T low and LH raised."""
    for drug in man.drugs:
        if drug.name == "clomiphene" and drug.dose.startswith("50 mg") and drug.stop is None:
            t = {x.day: x.true for x in _rows(man, "testosterone") if x.day >= drug.start + 42}
            lh = {x.day: x.true for x in _rows(man, "lh")}
            failed = [day for day in t if t[day] < 300 and lh.get(day, Decimal(0)) > Decimal("9.4")]
            if failed and max(failed) - min(failed) >= 28:
                return True
    return False


def absolute(man: Man, *, shown: bool = False) -> dict[str, frozenset[str]]:
    """Every absolute row of the matrix that holds, with the agents it stops (rules 8, matrix 3.2).

    shown: only those that follow from what was printed and usable, so that a program must see them.
    """
    rows = (
        _by_allergy(man),
        _by_diagnosis(man, shown),
        _by_result(man, shown),
        _by_drug(man, shown),
    )
    return {row: agents for kind in rows for row, agents in kind}


# --- samples and low testosterone (rules 2, 3) ---------------------------------------------------


def valid_draws(man: Man) -> list[Draw]:
    """Newest first, one a date, of the last 365 days."""
    days: dict[int, dict[str, Decimal]] = {}
    for x in _rows(man, "testosterone"):
        usable = _is_result(x) and "07:00" <= x.clock <= "11:00"
        if usable and -365 <= x.day <= 0 and not _disturbed(man, x.day, x.day):
            days.setdefault(x.day, {})[str(x.true)] = x.true
    return [
        Draw(day, sum(days[day].values(), Decimal(0)) / len(days[day]))
        for day in sorted(days, reverse=True)
    ]


# Free testosterone (pmol/L) below which it is low, with a margin for rounding.
_FREE_LOW = {"aua": 219.5, "es": 219.5, "eau": 219.5, "bssm": 224.5}
# Up to which total testosterone (ng/dL) free testosterone decides; bssm: 403.8 with diabetes.
_FREE_TOP = {"aua": "346.1", "es": "400", "eau": "346.1", "bssm": "346.1"}


def shbg_counts(man: Man) -> bool:
    """Whether an SHBG goes with a valid sample; one that does not is unknown (rules 2.3)."""
    return _shbg(man, valid_draws(man)) is not None


def _surely_low(man: Man, draws: list[Draw], profile: str) -> bool:
    """Low testosterone, where two valid samples settle it without doubt."""
    if len(draws) < 2:
        return False
    values = [draw.value for draw in draws[:2]]
    mean = sum(values, Decimal(0)) / 2
    free, shbg = _free_t(man, mean, draws), _shbg(man, draws)
    free_low = free is not None and free < _FREE_LOW[profile]
    below = [value < 300 for value in values]
    if any(below) and not all(below):
        return all(value <= Decimal("346.1") for value in values) and free_low
    if profile == "es":
        if shbg is None:
            return False
        plainly = max(values) < 264 and not _shbg_altered(man, shbg)
        return plainly or (mean <= Decimal("399.9") and free_low)
    if mean < Decimal("230.65"):
        return True
    if profile == "aua" and all(below):
        return shbg is not None and (free_low or not _shbg_altered(man, shbg))
    return mean <= Decimal(_FREE_TOP[profile]) and free_low


def _free_t(man: Man, total: Decimal, draws: list[Draw]) -> float | None:
    """Vermeulen, pmol/L (evidence 2.1)."""
    shbg = _shbg(man, draws)
    if shbg is None:
        return None
    near = [(abs(x.day - draws[0].day), x.id, x) for x in _rows(man, "albumin")]
    close = [x for distance, _, x in sorted(near) if distance <= 90]
    albumin = float(close[0].true) * 10 if close else 43.0
    t, s = float(total) / 28.842e9, float(shbg.true) * 1e-9
    n = 1 + 3.6e4 * albumin / 69000
    a, b = n * 1e9, n + 1e9 * (s - t)
    return (-b + sqrt(b * b + 4 * a * t)) / (2 * a) * 1e12


def _shbg(man: Man, draws: list[Draw]) -> Lab | None:
    return _gonadotropin(man, "shbg", draws)


def _shbg_altered(man: Man, shbg: Lab) -> bool:
    return shbg.true < 18 or shbg.true > (76 if man.age >= 50 else 54)


def _gonadotropin(man: Man, analyte: str, draws: list[Draw]) -> Lab | None:
    """The newest that goes with a valid sample: within 90 days, no drug between (rules 2.3)."""
    for x in sorted(_rows(man, analyte), key=lambda x: (x.day, x.clock), reverse=True):
        if x.day > 0:
            continue
        for draw in draws:
            first, last = sorted((x.day, draw.day))
            if last - first <= 90 and not _disturbed(man, first, last):
                return x
    return None


_WINDOWS = {"lh": (7, 12, "9.4"), "fsh": (Decimal("7.5"), 20, "12.4")}


def _above(x: Lab | None, multiple: int) -> bool:
    """True value above a multiple of the limit that may be used (rules 4, R-REF-01)."""
    if x is None:
        return False
    low, high, default = _WINDOWS[x.analyte]
    limit = Decimal(default)
    if x.limits is not None:
        lower, upper = Decimal(x.limits[0]), Decimal(x.limits[1])
        if low <= upper <= high and Decimal("0.5") <= lower <= Decimal("2.5"):
            limit = upper
    return x.true > limit * multiple


def _disturbed(man: Man, first: int, last: int) -> bool:
    """Whether a drug of the axis acts, or washes out, on any day between."""
    return any(start < last and first < end for start, end in _disturbances(man))


def _disturbances(man: Man) -> Iterator[tuple[int, int]]:
    for supply in man.supplies:
        # What is handed over beside an order that goes on adds nothing to it.
        if (wash_out := WASH_OUT.get(supply.drug)) is not None:
            lasts = supply.days or (0 if supply.given else 365 - wash_out)
            yield supply.day, supply.day + lasts + wash_out
    for drug in man.drugs:
        wash_out = WASH_OUT.get(drug.name)
        if wash_out is None:
            continue
        if drug.stop is not None and drug.stop <= 0:
            yield drug.start, drug.stop + wash_out
        elif drug.status == "active" or drug.stop is not None:
            yield drug.start, _FOREVER
        else:
            yield drug.start, drug.start + 365


def disturbed_today(man: Man) -> bool:
    """A drug acts, or its wash-out is not over: nobody is classified (rules 4.1)."""
    return _disturbed(man, 0, 0)


# --- severe primary failure (rules 5) ------------------------------------------------------------


def _both_absent(man: Man, castrate: bool, lh_far: bool) -> bool:
    if any(d.name in ("anorchia", "castration") and not d.refuted for d in man.diagnoses):
        return True
    done = [x for x in man.operations if x.done]
    sides = {x.side for x in done}
    if "both" in sides or {"left", "right"} <= sides:
        return True
    return "" in sides and (castrate or lh_far)


def _both_small(man: Man) -> bool:
    rows = sorted(_rows(man, "testis-volume"), key=lambda x: x.day)
    last = [x for x in rows if x.day == rows[-1].day] if rows else []
    return {x.site for x in last} == {"left", "right"} and all(x.true < 6 for x in last)


def _flat_test(man: Man) -> bool:
    before = list(_rows(man, "testosterone-hcg-pre"))
    after = [x for key in ("72h", "96h") for x in _rows(man, f"testosterone-hcg-{key}")]
    limit = Decimal("1.5")
    return bool(before and after) and all(x.true < before[-1].true * limit for x in after)


# --- absolute rows (rules 8) ---------------------------------------------------------------------


_ALLERGIES = {
    "clomiphene": SERMS, "enclomiphene": SERMS, "hcg": frozenset({"hcg"}),
    "anastrozole": frozenset({"anastrozole"}), "letrozole": frozenset({"anastrozole"}),
    "tamoxifen": frozenset({"tamoxifen"}), "fsh": frozenset({"fsh"}),
}  # fmt: skip


def _by_allergy(man: Man) -> Iterator[tuple[str, frozenset[str]]]:
    for x in man.allergies:
        if x.type == "allergy" and x.active:
            agents = _ALLERGIES[x.drug]
            yield f"hypersensitivity: {sorted(agents)[0]}", agents


_VTE_AGENTS = SERMS | {"tamoxifen", "hcg"}
_PROSTATE = SERMS | {"hcg"}
# name → agents, and whether it counts only while active
_ROWS: dict[str, tuple[frozenset[str], bool]] = {
    "pituitary-deficiency": (SERMS | {"anastrozole"}, False),
    "intracranial": (SERMS | {"fsh"}, False),
    "pituitary-tumor": (SERMS | {"fsh"}, False),
    "thrombophilia": (_VTE_AGENTS, False),
    "vte-past": (frozenset({"tamoxifen"}), False),
    "prostate-cancer": (_PROSTATE, True),
    "prostate-uncertain": (_PROSTATE, True),
    "androgen-deprivation": (_PROSTATE, True),
    "prostate-history": (frozenset({"hcg"}), False),
    "breast-cancer": (_PROSTATE | {"fsh"}, False),
    "testicular-tumor": (ALL, True),
    "adrenal-tumor": (ALL, True),
    "precocious-puberty": (frozenset({"hcg"}), True),
    "cirrhosis": (SERMS, True),
    "hepatitis": (SERMS, True),
    "liver-other": (SERMS, True),
    "polycythemia-vera": (ALL, False),
}


_TREATED_WITH = {"hyperthyroid": "methimazole", "adrenal": "prednisone"}
_LIVER = ("cirrhosis", "hepatitis", "liver-other")


def _by_diagnosis(man: Man, shown: bool) -> Iterator[tuple[str, frozenset[str]]]:
    for x in man.diagnoses:
        if x.refuted:
            continue
        if x.name in _ROWS:
            agents, only_active = _ROWS[x.name]
            if _active(x) or not only_active:
                yield "liver" if x.name in _LIVER else x.name, agents
        elif x.name == "vte":
            began = x.onset if x.onset is not None else x.recorded
            if _active(x) and (began is None or began >= -183):
                yield "vte-recent", _VTE_AGENTS
            yield "vte-ever: tamoxifen", frozenset({"tamoxifen"})
        elif x.name in _TREATED_WITH and _active(x) and not _treated(man, _TREATED_WITH[x.name]):
            tsh = _newest(man, "tsh", 365)
            # Whether a TSH that nobody can use is normal cannot be told.
            told = tsh is None or not shown or _plain(tsh)
            if told and (tsh is None or not _normal(tsh) or x.name == "adrenal"):
                yield f"{x.name} untreated", SERMS | {"fsh"}
        elif x.name in ("visual", "eye-vascular") and _on_serm(man, x):
            yield "eye on a SERM", SERMS


def _normal(tsh: Lab) -> bool:
    return Decimal("0.4") <= tsh.true <= Decimal("4.5")


def _active(x: Diagnosis) -> bool:
    return x.status == "active" and (x.abated is None or x.abated > 0)


def _on_serm(man: Man, event: Diagnosis) -> bool:
    began = event.onset if event.onset is not None else event.recorded
    if began is None:
        return False
    for drug in man.drugs:
        if drug.name in (*SERMS, "tamoxifen") and drug.start <= began:
            if drug.stop is not None and began <= drug.stop + 84:
                return True
            if drug.stop is None and drug.status == "active":
                return True
    return False


_RESULTS: tuple[tuple[str, str, int, str, frozenset[str]], ...] = (
    ("ALT > 3 ULN", "alt", 90, "> 135", SERMS),
    ("AST > 3 ULN", "ast", 90, "> 120", SERMS),
    ("bilirubin > 2 ULN", "bilirubin", 90, "> 2.4", SERMS),
    ("TSH < 0.1", "tsh", 365, "< 0.1", SERMS | {"fsh"}),
    ("TSH > 10", "tsh", 365, "> 10", SERMS | {"fsh"}),
    ("hematocrit >= 54", "hematocrit", 365, ">= 54", ALL),
    ("FSH > 2 ULN", "fsh", 365, "", frozenset({"fsh"})),
)


def _by_result(man: Man, shown: bool) -> Iterator[tuple[str, frozenset[str]]]:
    for row, analyte, days, test, agents in _RESULTS:
        newest = _newest(man, analyte, days)
        # Of different values of one date the worse one acts.
        same = [x for x in _rows(man, analyte) if newest is not None and x.day == newest.day]
        if shown and not all(map(_plain, same)):
            continue
        sign, _, limit = test.partition(" ")
        holds: Callable[[Lab], bool] = {
            "": lambda x: _above(x, 2),
            ">": lambda x, limit=limit: x.true > Decimal(limit),
            ">=": lambda x, limit=limit: x.true >= Decimal(limit),
            "<": lambda x, limit=limit: x.true < Decimal(limit),
        }[sign]
        if any(map(holds, same)):
            yield (
                row,
                agents - {d for d in ALL if row.startswith("hematocrit") and _treated(man, d)},
            )


def _plain(x: Lab) -> bool:
    return _is_result(x) and not x.comparator


def _is_result(x: Lab) -> bool:
    return x.status in _USABLE and x.unit and not x.mislabelled


def _by_drug(man: Man, shown: bool) -> Iterator[tuple[str, frozenset[str]]]:
    # Of records that disagree the newest tells: an end on record leaves it open what goes on.
    ended = any(x.name == "leuprolide" and x.status != "active" for x in man.drugs)
    if _taking(man, "leuprolide") and not (shown and ended):
        yield "GnRH drug", ALL
    if _taking(man, "warfarin"):
        yield "warfarin: tamoxifen", frozenset({"tamoxifen"})


def _treated(man: Man, name: str) -> bool:
    """Whether he takes it, or was given any of it in the last year."""
    return _taking(man, name) or any(x.drug == name and x.day >= -365 for x in man.supplies)


def _taking(man: Man, name: str) -> bool:
    return any(
        x.name == name and x.status == "active" and (x.stop is None or x.stop > 0)
        for x in man.drugs
    )


def _rows(man: Man, analyte: str) -> Iterator[Lab]:
    """Rows that were results at all, as last corrected; whether they could be used is another
    question."""
    rows = [x for x in man.labs if x.analyte == analyte and x.status not in _NEVER]
    replaced = {x.corrects for x in rows}
    return (x for x in rows if x.id not in replaced)


def _newest(man: Man, analyte: str, days: int) -> Lab | None:
    rows = [x for x in _rows(man, analyte) if -days <= x.day <= 0]
    return max(rows, key=lambda x: (x.day, x.clock), default=None)
