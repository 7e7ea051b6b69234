"""Every number in a finding's words comes from somewhere: its evidence, its rule, or a formula."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import cache

from generated_facts import Man
from property_judging import judged_as_he_is, knowledge, profile_of

from smartapp.engine.assessment import Finding

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
    for finding in judged_as_he_is(man).findings:
        allowed = _parameters(finding.rule, profile_of(man)) | _values(finding)
        if "=" in finding.detail:  # the words name the formula by which a number follows
            allowed |= _derived(finding)
        # "(+2)" and "and 1 more" count what is not named here; "item 9" is a question's name.
        said = re.sub(r" \(\+\d+\)|and \d+ more|item 9", "", f"{finding.summary} {finding.detail}")
        for number in _NUMBER.findall(said):
            if _plain(number) not in allowed:
                return f"{finding.code} says {number}: {finding.summary} {finding.detail}"
    return None


@cache
def _parameters(rule: str, profile: str) -> frozenset[str]:
    """The numbers of the protocol, and of the schedule, that the words of that rule may quote."""
    known = knowledge(profile)
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
    """Differences, ratios and changes in per cent of two values of the evidence, or of two answers:
    those stand in words, "8 (0-27)"."""
    values = [e.value for e in finding.evidence if e.value]
    answers = (e.original for e in finding.evidence if e.analyte is None and e.original)
    values += [Decimal(said.split()[0]) for said in answers if _NUMBER.fullmatch(said.split()[0])]
    found: set[str] = set()
    for a in values:
        for b in values:
            for number in (a - b, *((a / b, (a - b) / b * 100) if b else ())):
                found |= {_plain(str(round(abs(number), places))) for places in (0, 1, 2)}
    return found


def _plain(number: str) -> str:
    if ":" in number or number.count(".") > 1:
        return number
    return str(Decimal(number).normalize() + 0)
