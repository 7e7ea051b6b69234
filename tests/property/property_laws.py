"""The laws that hold of every man, each a function that says what is wrong, or nothing.

The suite puts thousands of men to them, the soak a million.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

from generated_facts import LISTS, Lab, Man, known_on
from generated_fhir import Style
from property_answer import answer, difference
from property_judging import (
    Kept,
    judged,
    judged_as_he_is,
    knowledge,
    profile_of,
    record_of,
    without,
)
from property_numbers import numbers_accounted_for
from property_oracle import (
    WASH_OUT,
    absolute,
    applies,
    disturbed_today,
    failed_on_drug,
    severe,
    shbg_counts,
    valid_draws,
)

from smartapp.engine import to_json
from smartapp.engine.assessment import Assessment

DRAFTS = ("clomiphene", "enclomiphene", "hcg", "tamoxifen", "anastrozole", "fsh")
_GRAVITY = {None: 0, "info": 1, "warning": 2, "critical": 3}

Law = Callable[[Man], str | None]


def recommended(found: Assessment) -> frozenset[str]:
    """Every agent that the answer recommends in any of its members."""
    agents = {o.agent for o in found.recommendation.options if o.eligible or o.regimens}
    for finding in found.findings:
        agents |= {f.code.split("-")[0] for f in finding.fixes if f.kind == "start-regimen"}
        if finding.code in ("recalibration-candidate", "recalibration-alternative"):
            agents |= {
                o.agent
                for o in found.recommendation.options
                if knowledge().catalogue.drugs[o.agent].name in finding.summary
            }
    return frozenset(agents)


# --- safety --------------------------------------------------------------------------------------


class Met:
    """How many men met each antecedent; `+` those who were candidates but for it."""

    def __init__(self) -> None:
        self.men: Counter[str] = Counter()

    def count(self, man: Man) -> None:
        self.men["men"] += 1
        if not applies(man):
            self.men["not an adult man"] += 1
            return
        if not disturbed_today(man):
            for criterion in severe(man, profile_of(man)):
                self.men[f"severe primary: {criterion}"] += 1
        if failed_on_drug(man):
            self.men["severe primary: e"] += 1
        built = man.stratum in ("candidate", "pituitary")
        for row, agents in absolute(man).items():
            for agent in agents:
                self.men[f"stop: {row}: {agent}"] += 1
                if built:
                    self.men[f"+ stop: {row}: {agent}"] += 1

    def lines(self) -> list[str]:
        """A line for each antecedent; in brackets how many were built as candidates but for it."""
        told = []
        for name, n in sorted(self.men.items()):
            if not name.startswith("+"):
                but_for = self.men.get(f"+ {name}")
                told.append(f"{n:8d}  {name}" + (f"  ({but_for} but for it)" if but_for else ""))
        return told


def never_recommended(man: Man) -> str | None:
    """No agent while severe primary failure holds, nor one that is stopped absolutely."""
    agents = recommended(judged_as_he_is(man))
    if not agents:
        return None
    if not applies(man):
        return f"recommends {sorted(agents)} to someone the rules are not for"
    if disturbed_today(man):
        return f"recommends {sorted(agents)} while a drug disturbs the axis"
    if criteria := severe(man, profile_of(man)):
        return f"recommends {sorted(agents)} with severe primary failure {sorted(criteria)}"
    for row, stopped in absolute(man).items():
        if wrong := agents & stopped:
            return f"recommends {sorted(wrong)} against: {row}"
    return None


def never_silent(man: Man) -> str | None:
    """An order of an agent that is stopped by what is plainly on record meets a critical card."""
    if not applies(man) or man.gaps:
        return None
    drug = DRAFTS[man.seed % len(DRAFTS)]
    rows = [row for row, agents in absolute(man, shown=True).items() if drug in agents]
    if not rows:
        return None
    found = judged(man, profile=profile_of(man), drug=drug)
    if any(f.severity == "critical" and f.card for f in found.findings):
        return None
    return f"{drug} is ordered and nothing is critical, although: {', '.join(rows)}"


def failure_on_drug_is_no_severe_failure(man: Man) -> str | None:
    """5e: what is drawn under a drug is no criterion of severe primary failure."""
    if man.stratum != "failed-on-drug" or not failed_on_drug(man) or man.operations:
        return None
    named = {"anorchia", "castration", "xx-male", "dysgenesis"}
    if named & {d.name for d in man.diagnoses}:
        return None
    codes = {f.code for f in judged_as_he_is(man).findings}
    return "says severe primary failure" if "severe-primary-failure" in codes else None


# --- what must make no difference ----------------------------------------------------------------


# Each way of writing alone, and all of them together in two ways of naming things.
STYLES: Mapping[str, Style] = {
    "units": Style(si=True),
    "order": Style(shuffle=7),
    "unrelated data": Style(unrelated=True),
    "duplicates": Style(duplicates=True),
    "SNOMED CT": Style(codes="snomed"),
    "words only": Style(codes="text"),
    "times in UTC": Style(utc=True),
}
TOGETHER: Mapping[str, Style] = {
    "all at once": Style(
        si=True, codes="snomed", utc=True, shuffle=11, unrelated=True, duplicates=True
    ),
    "all at once, in words": Style(codes="text", shuffle=13, unrelated=True, duplicates=True),
}


def indifferent(man: Man) -> str | None:
    """The same man, written down in another way, gets the same answer.

    Every man is written down in every way, together with the others; and in one of the ways alone,
    by turns, lest two of them cancel out. A break is told by the way that causes it, if one does.
    """
    turn = list(STYLES)[man.seed // 20 % len(STYLES)]
    if wrong := _changed_by(man, turn, STYLES[turn]):
        return wrong
    for name, style in TOGETHER.items():
        if wrong := _changed_by(man, name, style):
            alone = (_changed_by(man, part, STYLES[part]) for part in STYLES)
            return next((one for one in alone if one), wrong)
    return None


_plain = Kept()


def _plain_answer(man: Man) -> dict[str, Any]:
    known: dict[str, Any] | None = _plain.get(man, None)
    return known or _plain.put(man, None, answer(judged_as_he_is(man)))


def _changed_by(man: Man, name: str, style: Style) -> str | None:
    if style.shuffle is not None:
        style = replace(style, shuffle=man.seed)
    # What is read the same is judged the same. (A time is equal to the same time in UTC.)
    if not style.utc and record_of(man, style) == record_of(man):
        return None
    plain = _plain_answer(man)
    other = answer(judged_as_he_is(man, style))
    return None if other == plain else f"{name} changes {difference(plain, other)}"


# --- what is missing is not normal ---------------------------------------------------------------

_NOT_LOW = ("eugonadal", "compensated", "isolated-fsh")
_OPEN = ("insufficient", "indeterminate")
_SINGLE_TOP = Decimal("346.1")


def missing_is_not_normal(man: Man) -> str | None:
    """Taking usable readings away never turns "not evaluable" into a negative answer.

    Taken away are a random one of the readings and whatever is older of the same analyte, which
    would otherwise speak in its place; or all readings of one analyte. Two cases are left out,
    because rules 3 decide them by their letter: a single valid sample above 346.1 ng/dL is "not
    low", also where it was only the older sample, now taken away, that contradicted it; and an SHBG
    that is unknown is judged as normal where no risk is on record, also where it was an altered one
    until the only sample that it goes with was taken away.
    """
    gone = _one_of(man, man.seed)
    if gone is None or not _open(judged_as_he_is(man)):
        return None
    same = [x for x in man.labs if x.analyte == gone.analyte]
    for lost in (
        frozenset(x.id for x in same if not _later(x, gone)),
        frozenset(x.id for x in same if _usable(x)),
    ):
        less = without(man, lost)
        if gone.analyte == "testosterone" and _speaks_alone(less):
            continue
        if _no_more_shbg(man, less):
            continue
        censored = any(x.comparator for x in same if x.id in lost)
        if wrong := _more_negative(judged_as_he_is(man), judged_as_he_is(less), censored):
            return f"without {gone.analyte} of day {gone.day} and older: {wrong}"
    return None


def one_missing_is_not_normal(man: Man) -> str | None:
    """The same for one reading alone, unless others are by the letter of rules 2-3 a whole basis.

    The rules go by the newest two valid samples, and let one above 346.1 ng/dL speak alone; so a
    reading taken away may let older ones speak, as the newest LH does for an older LH.
    """
    gone = _one_of(man, man.seed + 1)
    if gone is None or not _open(judged_as_he_is(man)):
        return None
    rest = without(man, frozenset((gone.id, gone.corrects)))
    if gone.analyte == "testosterone":
        values = [draw.value for draw in valid_draws(rest)]
        if _speaks_alone(rest) or sum(value >= 300 for value in values[:3]) > 1:
            return None
    elif any(x.analyte == gone.analyte and not _later(x, gone) for x in rest.labs):
        return None
    if _no_more_shbg(man, rest):
        return None
    before, after = judged_as_he_is(man), judged_as_he_is(rest)
    wrong = _more_negative(before, after, bool(gone.comparator))
    return None if wrong is None else f"without {gone.analyte} of day {gone.day} alone: {wrong}"


def _one_of(man: Man, seed: int) -> Lab | None:
    """One of his results; None when the draw is one that could not be used.

    Nor an albumin: the rules name what stands in for one that was not measured.
    """
    if not applies(man) or not man.labs:
        return None
    gone = Random(seed).choice(man.labs)
    return gone if _usable(gone) and gone.analyte != "albumin" else None


def _speaks_alone(man: Man) -> bool:
    draws = valid_draws(man)
    return len(draws) == 1 and draws[0].value > _SINGLE_TOP


def _no_more_shbg(man: Man, less: Man) -> bool:
    return shbg_counts(man) and not shbg_counts(less)


def _usable(x: Lab) -> bool:
    return x.status in ("final", "amended", "corrected") and x.unit and not x.mislabelled


def _later(x: Lab, other: Lab) -> bool:
    return (x.day, x.clock) > (other.day, other.clock)


_UNSETTLED = ("confirm-first", "cannot-assess")


def _open(found: Assessment) -> bool:
    """Whether anything is open in the answer that taking readings away might turn negative."""
    return (
        found.axis.state in _OPEN
        or found.recommendation.status in _UNSETTLED
        or any("not-excluded" in option.blocked_by for option in found.recommendation.options)
    )


def _more_negative(before: Assessment, after: Assessment, censored: bool) -> str | None:
    """What was open before and is denied after.

    A limit that was printed in place of a value keeps a stop open, which no result at all does not:
    of a man without liver tests no stop is known. So no stop is asked for when one is taken away.
    """
    if before.axis.state in _OPEN and after.axis.state in _NOT_LOW:
        return f"the axis, {before.axis.state}, becomes {after.axis.state}"
    status = after.recommendation.status
    if before.recommendation.status in _UNSETTLED and status == "not-indicated":
        return f"{before.recommendation.status} becomes {status}"
    if censored:
        return None
    options = {o.agent: o for o in after.recommendation.options}
    for option in before.recommendation.options:
        if "not-excluded" in option.blocked_by and options[option.agent].eligible:
            return f"{option.agent}, not excluded to be stopped, becomes eligible"
    return None


# --- worse is never better -----------------------------------------------------------------------

# analyte: the findings that speak of it, rows of the matrix with it, and a step further
WORSE: Mapping[str, tuple[str, str, int]] = {
    "hematocrit": ("hematocrit-high", "R-CI-hematocrit", 1),
    "psa": ("psa-rise", "R-CI-psa", 1),
    "alt": ("liver-enzymes-high", "R-CI-liver-tests", 1),
    "ast": ("liver-enzymes-high", "R-CI-liver-tests", 1),
    "triglycerides": ("triglycerides-high", "R-CI-triglycerides", 1),
    "estradiol": ("estradiol-high", "", 1),
    "sperm-concentration": ("semen-decline", "", -1),
}
_HARDEST = {"hematocrit": 75, "psa": 20000, "alt": 20000, "ast": 20000, "triglycerides": 20000,
            "estradiol": 2000}  # fmt: skip


def worse_is_not_better(man: Man, met: Counter[str] | None = None) -> str | None:
    """A later valid value, further in the direction in which its rule acts, lowers no severity.

    Tried for every analyte of which a finding speaks; where none does, nothing can be lowered.
    """
    if not applies(man):
        return None
    before, rng = judged_as_he_is(man), Random(man.seed + 2)
    for analyte, (code, row, sign) in WORSE.items():
        grave = _severity(before, code, row)
        known = [x for x in man.labs if x.analyte == analyte]
        later = _later_value(rng, known, sign) if grave and known else None
        if later is None:
            continue
        if met is not None:
            met[f"later {analyte} beside a finding"] += 1
        less = _severity(judged_as_he_is(replace(man, labs=(*man.labs, later))), code, row)
        if less < grave:
            return f"{analyte}, {later.true} on day {later.day}: severity {grave} to {less}"
    return None


def _later_value(rng: Random, known: list[Lab], sign: int) -> Lab | None:
    """A result later than all the known ones and no nearer to normal than any of them."""
    newest = max(known, key=lambda x: (x.day, x.clock))
    if newest.day >= 0 or not _usable(newest):
        return None
    ends = [x.true if x.printed is None else max(x.true, x.printed) for x in known]
    if sign > 0:
        # Beyond a limit that was only printed ("> 135") lies what is truly more than it.
        least = "1.1" if any(x.comparator for x in known) else "1"
        more = max(ends) * Decimal(rng.choice((least, "1.1", "1.6")))
        value = min(round(more, 2), Decimal(_HARDEST[newest.analyte]))
    else:
        value = round(min(x.true for x in known) * Decimal(rng.choice(("1", "0.9", "0.3", "0"))), 2)
    return Lab("later", newest.analyte, value, rng.randint(newest.day + 1, 0), issued=None)


def _severity(found: Assessment, code: str, row: str) -> int:
    spoken = [f for f in found.findings if f.code == code or (row and f.rule.startswith(row))]
    return max((_GRAVITY[f.severity] for f in spoken), default=0)


# --- the past is not changed by what came later --------------------------------------------------


def past_stands(man: Man) -> str | None:
    """As of a day, the answer is that of the record as it stood on that day, byte for byte."""
    day = -Random(man.seed + 3).choice((1, 10, 40, 90, 180, 300, 420))
    then = known_on(man, day)
    if all(getattr(then, name) == getattr(man, name) for name in LISTS):
        return None
    profile = profile_of(man)
    one = to_json(judged(man, day=day, profile=profile))
    other = to_json(judged(then, day=day, profile=profile))
    if one == other:
        return None
    return f"as of day {day}: {difference(json.loads(one), json.loads(other))}"


def undated_change_is_told(man: Man) -> str | None:
    """What is over since nobody knows when is known only as it stands today: a drug of the axis is
    told as open, and an illness is marked wherever it speaks."""
    if not applies(man):
        return None
    return _unmarked_illness(man) or _untold_drug(man)


def _unmarked_illness(man: Man) -> str | None:
    over = {
        f"Condition/dx-{x.id}"
        for x in man.diagnoses
        if x.status not in ("active", None) and x.abated is None
    }
    for finding in judged_as_he_is(man).findings if over else ():
        for e in finding.evidence:
            if e.reference in over and "as it stands today" not in (e.note or ""):
                return f"{finding.code} rests on {e.reference} and does not mark it as undated"
    return None


def _untold_drug(man: Man) -> str | None:
    # What else is on record of the drug may tell when it ended.
    names = Counter(x.name for x in man.drugs) + Counter(x.drug for x in man.supplies)
    over = [x for x in man.drugs if x.undated and x.name in WASH_OUT and names[x.name] == 1]
    if not over:
        return None
    day = Random(man.seed + 4).choice((0, -30, -180))
    known = [x for x in over if (x.start if x.authored is None else x.authored) <= day]
    found = judged(man, day=day, profile=profile_of(man))
    told = {item.reason for item in found.not_evaluable if item.code == "cannot-assess"}
    for drug in known:
        if not any("as it stands today" in reason for reason in told):
            return f"as of day {day}, the end of {drug.name} is not marked as undated"
    return None


LAWS: Mapping[str, Law] = {
    "never recommended": never_recommended,
    "never silent": never_silent,
    "failure on a drug": failure_on_drug_is_no_severe_failure,
    "indifferent": indifferent,
    "missing is not normal": missing_is_not_normal,
    "one missing is not normal": one_missing_is_not_normal,
    "worse is not better": worse_is_not_better,
    "the past stands": past_stands,
    "undated change is told": undated_change_is_told,
    "numbers accounted for": numbers_accounted_for,
}
