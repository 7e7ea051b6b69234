"""The knowledge as text, for `smartapp rules list` and `smartapp rules show`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from smartapp.knowledge.parameters import SITE
from smartapp.knowledge.protocol import Parameter, Protocol
from smartapp.knowledge.rules import Rule, Source

if TYPE_CHECKING:
    from smartapp.knowledge.pack import Knowledge

MARK_WORDS = {
    "V": "checked against a public source",
    "unverified": "believed right, not checked against a stored source",
    "DEFAULT": "our own default: no guideline gives it",
    "EXTRAP": "written for testosterone therapy, carried over",
    SITE: "set by the site in its own file",
}
BASIS_WORDS = {
    "guideline": "guideline",
    "label": "label: a drug's label, or its regulator",
    "trial": "trial: studies",
    "default": "default: our own judgement where no guideline decides",
    "extrapolated": "extrapolated: a statement made for testosterone therapy",
}
GRADE_WORDS = {"A": "absolute", "R": "relative", "P": "precaution"}
UNIT_WORDS = {
    "1": "",
    "d": "days",
    "a": "years",
    "[IU]": "IU",
    "[IU]/L": "IU/L",
    "[IU]/wk": "IU a week",
    "m[IU]/L": "mIU/L",
    "mg/d": "mg a day",
    "mm[Hg]": "mmHg",
    "10*6": "million",
    "10*6/mL": "million/mL",
    "{score}": "points",
}


def list_lines(knowledge: Knowledge) -> Iterator[str]:
    """The protocol, then one line a rule."""
    yield f"protocol {protocol_line(knowledge.protocol)}"
    for rule in knowledge.rules.values():
        yield f"{rule.id:<24} {rule.mark:<10} {rule.basis:<12} {rule.title}"


def rule_text(rule: Rule, knowledge: Knowledge) -> str:
    """Title, basis, mark, sources, numbers, and each finding code with severities and words."""
    return "\n".join(_lines(rule, knowledge))


def protocol_line(protocol: Protocol) -> str:
    """Profile, version and date, and how many numbers the site changed."""
    line = f"{protocol.profile} {protocol.version} ({protocol.date})"
    changed = len(protocol.overridden)
    return f"{line}, {changed} changed by this site" if changed else line


def source_text(source: Source) -> str:
    """Label, what it is, and its year unless the label says it."""
    year = f", {source.year}" if source.year and str(source.year) not in source.label else ""
    return f"{source.label} ({source.kind}{year})"


def value_text(parameter: Parameter) -> str:
    """The value with its unit in words: "52 %", "90 days", "true"."""
    if isinstance(parameter.value, bool):
        return str(parameter.value).lower()
    return f"{parameter.value} {UNIT_WORDS.get(parameter.unit, parameter.unit)}".rstrip()


def basis_of(number: Parameter, knowledge: Knowledge) -> str:
    """Mark and source of a number; no source where the mark says that it is ours or the site's."""
    source = knowledge.citations[number.source]
    named = "" if source.kind == "default" or number.mark == SITE else f", {source.label}"
    study = "; chosen by this site" if number.overridden and number.mark != SITE else ""
    return f"{number.mark}{named}{study}"


def _lines(rule: Rule, knowledge: Knowledge) -> Iterator[str]:
    yield f"{rule.id}  {rule.title}"
    yield f"  protocol  {protocol_line(knowledge.protocol)}"
    yield f"  section   {rule.section} of the clinical rules"
    yield f"  basis     {BASIS_WORDS[rule.basis]}"
    yield f"  mark      {rule.mark}: {MARK_WORDS[rule.mark]}"
    for row in knowledge.matrix:
        if row.rule == rule.id:
            grades = (f"{agent} {GRADE_WORDS[grade]}" for agent, grade in row.grades.items())
            yield f"  against   {', '.join(grades)}"
    for source in rule.sources:
        yield f"  source    {source_text(source)}  <{source.url}>"
        if source.unsettled:
            yield f"            {source.unsettled}"
    yield from _numbers(rule, knowledge)
    for code in rule.codes:
        yield from _finding(code, knowledge)


def _numbers(rule: Rule, knowledge: Knowledge) -> Iterator[str]:
    if not rule.parameters:
        yield "  numbers   none"
        return
    yield "  numbers   a site's file may override each under this name"
    for key in rule.parameters:
        number = knowledge.protocol.parameters[key]
        yield f"    {key} = {value_text(number)}  ({basis_of(number, knowledge)})"


def _finding(code: str, knowledge: Knowledge) -> Iterator[str]:
    kind = knowledge.findings[code]
    yield f"  finding   {code}"
    for face, levels in (("view", kind.view), ("order", kind.order)):
        said = ", ".join(f"{severity} ({level})" for level, severity in levels.items())
        yield f"    on {face:<6}{said or 'no card'}"
    for (worded, variant), words in knowledge.wording.findings.items():
        if worded == code:
            yield f"    says ({variant}): {words.summary.text}"
