"""One rule as text, for `smartapp rules show`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from smartapp.knowledge.rules import Rule

if TYPE_CHECKING:
    from smartapp.knowledge.pack import Knowledge

MARK_WORDS = {
    "V": "checked against a public source",
    "unverified": "believed right, not checked against a stored source",
    "DEFAULT": "our own default: no guideline gives it",
    "EXTRAP": "written for testosterone therapy, carried over",
}


def rule_text(rule: Rule, knowledge: Knowledge) -> str:
    """Title, basis, mark, sources, and each finding code with its severities and words."""
    return "\n".join(_lines(rule, knowledge))


def _lines(rule: Rule, knowledge: Knowledge) -> Iterator[str]:
    protocol = knowledge.protocol
    yield f"{rule.id}  {rule.title}"
    yield f"  protocol  {protocol.profile} {protocol.version} ({protocol.date})"
    yield f"  section   {rule.section} of the clinical rules"
    yield f"  basis     {rule.basis}"
    yield f"  mark      {rule.mark}: {MARK_WORDS[rule.mark]}"
    for source in rule.sources:
        yield f"  source    {source.label}  <{source.url}>"
    for code in rule.codes:
        kind = knowledge.findings[code]
        yield f"  finding   {code}"
        for face, levels in (("view", kind.view), ("order", kind.order)):
            said = ", ".join(f"{severity} ({level})" for level, severity in levels.items())
            yield f"    on {face:<6}{said or 'no card'}"
        for (worded, variant), words in knowledge.wording.findings.items():
            if worded == code:
                yield f"    says ({variant}): {words.summary.text}"
