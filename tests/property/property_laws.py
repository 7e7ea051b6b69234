"""The laws that hold of every man, each a function that says what is wrong, or nothing.

The suite puts thousands of men to them, the soak a million.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

from generated_fhir import LOCAL_CODES, PLAIN, Style, bundle, day_of, draft, moment_of
from generated_men import Drug, Lab, Man, known_on
from property_oracle import (
    absolute,
    applies,
    disturbed_today,
    failed_on_drug,
    severe,
    valid_draws,
)

from smartapp.engine import assess, to_json
from smartapp.engine.assessment import Assessment, Evidence, Finding
from smartapp.fhir.bundle import open_body
from smartapp.fhir.model import Gap
from smartapp.fhir.reading import read_bundle
from smartapp.knowledge import Knowledge, load
from smartapp.patient import read_drafts, read_record
from smartapp.patient.record import DraftOrder

PROFILES = ("aua", "es", "eau", "bssm")
DRAFTS = ("clomiphene", "enclomiphene", "hcg", "tamoxifen", "anastrozole", "fsh")
_GRAVITY = {None: 0, "info": 1, "warning": 2, "critical": 3}

Law = Callable[[Man], str | None]


@cache
def knowledge(profile: str = "aua") -> Knowledge:
    return load(profile)


@cache
def order(drug: str) -> tuple[DraftOrder, ...]:
    """A draft of that drug, read as an order hook would."""
    assert open_body(draft(drug))
    return read_drafts([draft(drug)], knowledge().catalogue, focus=None)


def judged(
    man: Man, style: Style = PLAIN, *, day: int = 0, profile: str = "aua", drug: str | None = None
) -> Assessment:
    """The whole way: facts, Bundle, record, assessment."""
    found = read_bundle(bundle(man, style))
    found.gaps += [Gap(what, "failed", "the server refused") for what in man.gaps]
    known = knowledge(profile)
    record = read_record(
        found, known.catalogue, issuer="https://ehr.example/fhir", timezone=style.timezone,
        local_codes=LOCAL_CODES, patient_id="man",
    )  # fmt: skip
    return assess(record, known, moment_of(day), order(drug) if drug else ())


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
            for criterion in severe(man):
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
    found = judged(man, drug=None if man.seed % 2 else "testosterone-gel")
    agents = recommended(found)
    if not agents:
        return None
    if not applies(man):
        return f"recommends {sorted(agents)} to someone the rules are not for"
    if disturbed_today(man):
        return f"recommends {sorted(agents)} while a drug disturbs the axis"
    if criteria := severe(man):
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
    found = judged(man, drug=drug)
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
    codes = {f.code for f in judged(man).findings}
    return "says severe primary failure" if "severe-primary-failure" in codes else None


# --- what must make no difference ----------------------------------------------------------------


STYLES: Mapping[str, Style] = {
    "units": Style(si=True),
    "order": Style(shuffle=7),
    "unrelated data": Style(unrelated=True),
    "duplicates": Style(duplicates=True),
    "SNOMED CT": Style(codes="snomed"),
    "words only": Style(codes="text"),
    "times in UTC": Style(utc=True),
    "all at once": Style(
        si=True, codes="snomed", utc=True, shuffle=11, unrelated=True, duplicates=True
    ),
}


def answer(found: Assessment) -> dict[str, Any]:
    """The answer without what tells only how it was written down: references and originals."""
    members = _without_amounts(json.loads(to_json(found), parse_float=Decimal))
    members.pop("unused")
    members["axis"]["evidence"] = _evidence(found.axis.evidence)
    for finding, item in zip(found.findings, members["findings"], strict=True):
        item["evidence"] = _evidence(finding.evidence)
    for agent in members["therapy"]["agents"]:
        agent.pop("reference")
    members["wishes"].pop("source")
    return members


# Sentences quote values as they were sent (clinical rules 3), so their digits and units differ.
_AMOUNT = re.compile(
    r"[<>]?=? ?\d+(?:\.\d+)?(?: ?(?:and|,) ?\d+(?:\.\d+)?)*"
    r"(?: (?:%|[A-Za-z0-9*\[\]µ]+/[A-Za-z0-9\[\]]+))?"
)


def _without_amounts(value: Any) -> Any:
    """The same members with every amount in a sentence replaced by a mark."""
    if isinstance(value, dict):
        return {key: _without_amounts(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_without_amounts(part) for part in value]
    return _AMOUNT.sub("#", value) if isinstance(value, str) and " " in value else value


def _evidence(items: Iterable[Evidence]) -> list[tuple[Any, ...]]:
    """Each datum once: which, how much, when, and for what."""
    found = {
        (
            e.analyte or "",
            None if e.value is None else e.value.normalize(),
            str(_instant(e.effective)),
            e.role,
        )
        for e in items
    }
    return sorted(found, key=str)


def _instant(when: Any) -> Any:
    return when.timestamp() if isinstance(when, datetime) and when.tzinfo else when


def indifferent(man: Man, names: Iterable[str] = STYLES) -> str | None:
    """The same man, written down in another way, gets the same answer."""
    profile = PROFILES[man.seed % 4]
    drug = (None, "clomiphene")[man.seed // 4 % 2]
    plain = answer(judged(man, profile=profile, drug=drug))
    for name in names:
        style = STYLES[name]
        if style.shuffle is not None:
            style = replace(style, shuffle=man.seed)
        other = answer(judged(man, style, profile=profile, drug=drug))
        if other != plain:
            return f"{name} changes {difference(plain, other)}"
    return None


def difference(one: Any, other: Any, path: str = "") -> str:
    """The first place at which two answers differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one:
            if one[key] != other.get(key):
                return difference(one[key], other.get(key), f"{path}.{key}")
    if isinstance(one, list) and isinstance(other, list):
        for place, (a, b) in enumerate(zip(one, other, strict=False)):
            if a != b:
                return difference(a, b, f"{path}[{place}]")
        longer = one if len(one) > len(other) else other
        return f"{path}: {len(one)} or {len(other)}, {longer[min(len(one), len(other)) :]!r:.300}"
    return f"{path}: {one!r:.200} or {other!r:.200}"


# --- what is missing is not normal ---------------------------------------------------------------

_NOT_LOW = ("eugonadal", "compensated", "isolated-fsh")
_OPEN = ("insufficient", "indeterminate")
_SINGLE_TOP = Decimal("346.1")


def missing_is_not_normal(man: Man) -> str | None:
    """Taking usable readings away never turns "not evaluable" into a negative answer.

    Taken away are a random one of the readings and whatever is older of the same analyte, which
    would otherwise speak in its place; or all readings of one analyte. One case is left out,
    because rules 3 decide it by their letter: a single valid sample above 346.1 ng/dL is "not low",
    also where it was only the older sample, now taken away, that contradicted it.
    """
    if not applies(man) or not man.labs:
        return None
    profile = PROFILES[man.seed % 4]
    before = judged(man, profile=profile)
    rng = Random(man.seed)
    gone = rng.choice(man.labs)
    if not _usable(gone):
        return None
    for rest in (
        [x for x in man.labs if x.analyte != gone.analyte or _later(x, gone)],
        [x for x in man.labs if x.analyte != gone.analyte or not _usable(x)],
    ):
        less = replace(man, labs=tuple(rest))
        if gone.analyte == "testosterone" and _speaks_alone(less):
            continue
        after = judged(less, profile=profile)
        if wrong := _more_negative(before, after):
            return f"without {gone.analyte} of day {gone.day} and older: {wrong}"
    return None


def one_missing_is_not_normal(man: Man) -> str | None:
    """The same for one reading alone, unless others are by the letter of rules 2-3 a whole basis.

    The rules go by the newest two valid samples, and let one above 346.1 ng/dL speak alone; so a
    reading taken away may let older ones speak, as the newest LH does for an older LH.
    """
    if not applies(man) or not man.labs:
        return None
    gone = Random(man.seed + 1).choice(man.labs)
    if not _usable(gone):
        return None
    rest = replace(man, labs=tuple(x for x in man.labs if x is not gone))
    if gone.analyte == "testosterone":
        values = [draw.value for draw in valid_draws(rest)]
        if _speaks_alone(rest) or (len(values) > 1 and min(values[:2]) >= 300):
            return None
    elif any(x.analyte == gone.analyte and not _later(x, gone) for x in rest.labs):
        return None
    wrong = _more_negative(judged(man), judged(rest))
    return None if wrong is None else f"without {gone.analyte} of day {gone.day} alone: {wrong}"


def _speaks_alone(man: Man) -> bool:
    draws = valid_draws(man)
    return len(draws) == 1 and draws[0].value > _SINGLE_TOP


def _usable(x: Lab) -> bool:
    return x.status == "final" and x.unit


def _later(x: Lab, other: Lab) -> bool:
    return (x.day, x.clock) > (other.day, other.clock)


def _more_negative(before: Assessment, after: Assessment) -> str | None:
    """What was open before and is denied after."""
    if before.axis.state in _OPEN and after.axis.state in _NOT_LOW:
        return f"the axis, {before.axis.state}, becomes {after.axis.state}"
    unsettled = ("confirm-first", "cannot-assess")
    if before.recommendation.status in unsettled and after.recommendation.status in (
        "not-indicated",
    ):
        return f"{before.recommendation.status} becomes {after.recommendation.status}"
    options = {o.agent: o for o in after.recommendation.options}
    for option in before.recommendation.options:
        if "not-excluded" in option.blocked_by and options[option.agent].eligible:
            return f"{option.agent}, not excluded to be stopped, becomes eligible"
    return None


# --- worse is never better -----------------------------------------------------------------------

# analyte: the findings that speak of it, rows of the matrix with it, and a step further
_FURTHER: Mapping[str, tuple[str, str, int]] = {
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
    """A later valid value, further in the direction in which its rule acts, lowers no severity."""
    if not applies(man):
        return None
    rng = Random(man.seed + 2)
    measured = sorted({x.analyte for x in man.labs} & _FURTHER.keys())
    if not measured:
        return None
    analyte = rng.choice(measured)
    if man.seed % 3:  # most of these rules speak of men under treatment
        treated = Drug("watched", ("clomiphene", "hcg")[man.seed % 2], rng.randint(-700, -60))
        man = replace(man, drugs=(*man.drugs, treated))
    code, row, sign = _FURTHER[analyte]
    known = [x for x in man.labs if x.analyte == analyte]
    newest = max(known, key=lambda x: (x.day, x.clock))
    if newest.day >= 0 or not _usable(newest):
        return None
    ends = [x.true if x.printed is None else max(x.true, x.printed) for x in known]
    if sign > 0:
        # Beyond a limit that was only printed ("> 135") lies what is truly more than it.
        least = "1.1" if any(x.comparator for x in known) else "1"
        more = max(ends) * Decimal(rng.choice((least, "1.1", "1.6")))
        value = min(round(more, 2), Decimal(_HARDEST[analyte]))
    else:
        value = round(min(x.true for x in known) * Decimal(rng.choice(("1", "0.9", "0.3", "0"))), 2)
    later = Lab("later", analyte, value, rng.randint(newest.day + 1, 0), issued=None)
    drug = (None, "clomiphene")[man.seed % 2]
    before = _severity(judged(man, drug=drug), code, row)
    after = _severity(judged(replace(man, labs=(*man.labs, later)), drug=drug), code, row)
    if met is not None and before:
        met[f"later {analyte} beside a finding"] += 1
    if after >= before:
        return None
    return f"{analyte} {newest.true}, then {value} on day {later.day}: severity {before} to {after}"


def _severity(found: Assessment, code: str, row: str) -> int:
    spoken = [f for f in found.findings if f.code == code or (row and f.rule.startswith(row))]
    return max((_GRAVITY[f.severity] for f in spoken), default=0)


# --- the past is not changed by what came later --------------------------------------------------


def past_stands(man: Man) -> str | None:
    """As of a day, the answer is that of the record as it stood on that day, byte for byte."""
    day = -Random(man.seed + 3).choice((1, 10, 40, 90, 180, 300, 420))
    now = judged(man, day=day)
    then = judged(known_on(man, day), day=day)
    one, other = to_json(now), to_json(then)
    if one == other:
        return None
    return f"as of day {day}: {difference(json.loads(one), json.loads(other))}"


# --- numbers are accounted for -------------------------------------------------------------------

_NUMBER = re.compile(r"(?<![\w-])\d+(?:[.:]\d+)*(?![\w-])")
# Parts of protocol.toml whose numbers the words of a rule may quote.
_QUOTED: Mapping[str, tuple[str, ...]] = {
    # What says the state of the axis says the lines that decided it too.
    "R-DX": ("samples", "low_t", "shbg", "axis"),
    "R-ELIG": ("severe", "low_t", "axis", "gate", "orders"),
    "R-WU": ("low_t", "axis", "gate", "workup"),
    "R-CI": ("contraindications",),
    "R-BASE": ("orders",),
    "R-DUP": ("orders",),
    "R-CA": ("low_t", "axis", "gate"),
    "R-DOSE": ("orders",),
    "R-RESP": ("response", "variation", "low_t", "severe"),
    "R-MON": ("monitoring",),
    "A-HCT": ("hematocrit",),
    "A-VIS": ("contraindications",),
    "A-VTE": ("safety", "contraindications"),
    "A-E2": ("estradiol",),
    "A-TE": ("estradiol",),
    "A-PSA": ("psa",),
    "A-LIV": ("liver",),
    "A-TG": ("lipids",),
    "A-SEM": ("semen",),
    "A-BMD": ("bone",),
    "A-FLU": ("fluid",),
    "A-MOOD": ("mood",),
}


def numbers_accounted_for(man: Man) -> str | None:
    """Every number in a finding's words is a value in its evidence or a parameter of its rule."""
    found = judged(man, drug=(None, "clomiphene", "hcg")[man.seed % 3])
    for finding in found.findings:
        allowed = _parameters(finding.rule) | _values(finding)
        if "=" in finding.detail:  # the words name the formula by which a number follows
            allowed |= _derived(finding)
        # "(+2)" counts the points that follow in the detail.
        said = re.sub(r" \(\+\d+\)", "", f"{finding.summary} {finding.detail}")
        for number in _NUMBER.findall(said):
            if _plain(number) not in allowed:
                return f"{finding.code} says {number}: {finding.summary} {finding.detail}"
    return None


@cache
def _parameters(rule: str) -> frozenset[str]:
    """The numbers of the protocol, and of the schedule, that the words of that rule may quote."""
    known = knowledge()
    morning = known.catalogue.morning
    allowed = {moment.strftime("%H:%M") for moment in (morning.start, morning.end)}
    parts = [p for prefix, names in _QUOTED.items() if rule.startswith(prefix) for p in names]
    sources: list[object] = [getattr(known.protocol, part) for part in parts]
    if rule.startswith("R-MON"):
        sources.append(known.schedule)
    if rule.startswith("R-DOSE"):
        sources.append(known.regimens)
    for number in _numbers_in(sources):
        allowed.add(_plain(str(number)))
        if 0 < number < 1:  # a fraction is said as a percentage
            allowed.add(_plain(str(number * 100)))
    return frozenset(allowed)


def _numbers_in(source: object) -> Iterator[Decimal]:
    """Every number in a piece of knowledge, however deep, also in its words."""
    if isinstance(source, bool) or source is None:
        return
    if isinstance(source, int | Decimal):
        yield Decimal(source)
    elif isinstance(source, str):
        yield from (
            Decimal(n) for n in _NUMBER.findall(source) if n.count(".") < 2 and ":" not in n
        )
    elif isinstance(source, Mapping):
        for value in source.values():
            yield from _numbers_in(value)
    elif is_dataclass(source):
        for part in fields(source):
            yield from _numbers_in(getattr(source, part.name))
    elif isinstance(source, Iterable):
        for value in source:
            yield from _numbers_in(value)


def _values(finding: Finding) -> set[str]:
    found = {_plain(str(e.value)) for e in finding.evidence if e.value is not None}
    for e in finding.evidence:
        found.update(_plain(n) for n in _NUMBER.findall(f"{e.original or ''} {e.note or ''}"))
    return found


def _derived(finding: Finding) -> set[str]:
    """Differences, ratios and changes in per cent of two values of the evidence."""
    values = [e.value for e in finding.evidence if e.value]
    found: set[str] = set()
    for a in values:
        for b in values:
            for number in (a - b, a / b, (a - b) / b * 100):
                found |= {_plain(str(round(abs(number), places))) for places in (0, 1, 2)}
    return found


def _plain(number: str) -> str:
    if ":" in number or number.count(".") > 1:
        return number
    return str(Decimal(number).normalize() + 0)


LAWS: Mapping[str, Law] = {
    "never recommended": never_recommended,
    "never silent": never_silent,
    "failure on a drug": failure_on_drug_is_no_severe_failure,
    "indifferent": indifferent,
    "missing is not normal": missing_is_not_normal,
    "one missing is not normal": one_missing_is_not_normal,
    "worse is not better": worse_is_not_better,
    "the past stands": past_stands,
    "numbers accounted for": numbers_accounted_for,
}

__all__ = ["LAWS", "Met", "day_of", "judged", "knowledge"]
