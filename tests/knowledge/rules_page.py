"""docs/rules.md, made from the knowledge and from the tests: every rule, its source, its cases.

Run `python tests/knowledge/rules_page.py` to write the page anew. As a pytest plugin
(`-p rules_page`) it only notes which test carries which `rule` mark.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from smartapp.knowledge import PROFILES, Knowledge, load
from smartapp.knowledge.pack import PACK
from smartapp.knowledge.protocol import Parameter
from smartapp.knowledge.rules import Rule
from smartapp.knowledge.show import (
    BASIS_WORDS,
    GRADE_WORDS,
    MARK_WORDS,
    basis_of,
    source_text,
    value_text,
)
from smartapp.knowledge.table import read_toml

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "rules.md"
KINDS = ("positive", "negative", "boundary", "not-evaluable")
# Holds for every man, whatever is known of him: there is nothing to deny, no line, nothing unknown.
ALWAYS = frozenset({"R-CI-unapproved"})
_NOTE = "RULE_CASES"

Cases = Mapping[str, Mapping[str, list[str]]]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Writes rule → kind → cases to the file that the environment names."""
    found: dict[str, dict[str, list[str]]] = {}
    for item in session.items:
        for mark in item.iter_markers("rule"):
            rule, kind = mark.args
            found.setdefault(rule, {}).setdefault(kind, []).append(_label(item.name, rule))
    Path(os.environ[_NOTE]).write_text(json.dumps(found), "utf-8")


def collect(note: Path) -> Cases:
    """The marked cases of tests/engine, from a run that only collects; `note`: a scratch file."""
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "rules_page",
         "-p", "no:cacheprovider", "tests/engine"],
        cwd=ROOT,
        env={**os.environ, _NOTE: str(note), "PYTHONPATH": here},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    cases: Cases = json.loads(note.read_text("utf-8"))
    return cases


def lacking(knowledge: Knowledge, cases: Cases) -> list[str]:
    """What a rule lacks to be whole: a source, a case of some kind; and cases of no rule."""
    wrong = [f"{rule.id}: no source" for rule in knowledge.rules.values() if not rule.sources]
    for rule_id in knowledge.rules:
        needed = ("positive",) if rule_id in ALWAYS else KINDS
        known = cases.get(rule_id, {})
        wrong += [f"{rule_id}: no {kind} case" for kind in needed if not known.get(kind)]
    wrong += [f"{rule_id}: is marked in a test and is no rule" for rule_id in cases.keys()
              - knowledge.rules.keys()]  # fmt: skip
    return sorted(wrong)


def page(knowledge: Knowledge, cases: Cases) -> str:
    return "\n".join(_lines(knowledge, cases)) + "\n"


def _lines(knowledge: Knowledge, cases: Cases) -> Iterator[str]:
    protocol = knowledge.protocol
    yield "# The rules"
    yield ""
    yield (
        f"Every rule of version {protocol.version} ({protocol.date}), what it rests on and how it "
        "is tried. Made from `smartapp/knowledge` and the tests by "
        "`python tests/knowledge/rules_page.py`: change those, not this page. One rule with its "
        "words: `smartapp rules show ID`."
    )
    yield ""
    for mark, words in MARK_WORDS.items():
        yield f"- **{mark}**: {words}"
    yield ""
    yield (
        "A site changes a number in its own file (`SMARTAPP_PROTOCOL_FILE`): the part of the name "
        "before the dot is the section, the rest the key. "
        "[docs/site-protocol.example.toml](site-protocol.example.toml) is one that loads; every "
        "card then names the numbers that were changed."
    )
    for rule in knowledge.rules.values():
        yield ""
        yield from _rule(rule, knowledge, cases.get(rule.id, {}))
    yield ""
    yield "## Numbers"
    yield ""
    yield "| Parameter | Value | Mark | Source |"
    yield "|---|---|---|---|"
    for p in protocol.parameters.values():
        source = knowledge.citations[p.source]
        yield f"| `{p.key}` | {value_text(p)} | {p.mark} | [{source.label}]({source.url}) |"
    yield ""
    yield "## Where another profile or study says otherwise"
    yield ""
    yield "| Profile or study | Parameter | Value | Mark | Source |"
    yield "|---|---|---|---|---|"
    for name, other in _others(knowledge):
        source = knowledge.citations[other.source]
        yield (
            f"| {name} | `{other.key}` | {value_text(other)} | {other.mark} | "
            f"[{source.label}]({source.url}) |"
        )
    yield ""
    yield "## Sources"
    yield ""
    for source in knowledge.citations.values():
        doubt = f": {source.unsettled}" if source.unsettled else ""
        yield f"- [{source_text(source)}]({source.url}){doubt}"


def _others(knowledge: Knowledge) -> Iterator[tuple[str, Parameter]]:
    """The numbers of each other profile and study of variation that differ from these."""
    here = knowledge.protocol
    for profile in PROFILES:
        there = load(profile).protocol
        for key, number in there.parameters.items():
            if number.value != here.parameters[key].value:
                yield profile, number
    studies = read_toml(PACK / "protocol.toml").table("rcv-profile")
    for study, sections in studies.tables():
        for section, numbers in sections.tables():
            for name, row in numbers.tables():
                yield (
                    study,
                    Parameter(
                        f"{section}.{name}",
                        row.number("value"),
                        row.text("unit"),
                        row.text("source"),
                        row.text("mark"),
                    ),
                )


def _rule(rule: Rule, knowledge: Knowledge, cases: Mapping[str, list[str]]) -> Iterator[str]:
    yield f"## {rule.id}"
    yield ""
    yield f"{rule.title}."
    yield ""
    yield f"- Clinical rules {rule.section}; mark {rule.mark}; basis {BASIS_WORDS[rule.basis]}"
    for row in knowledge.matrix:
        if row.rule == rule.id:
            yield "- Against: " + ", ".join(
                f"{agent} {GRADE_WORDS[grade]}" for agent, grade in row.grades.items()
            )
    for source in rule.sources:
        yield f"- Source: [{source_text(source)}]({source.url})"
    for key in rule.parameters:
        number = knowledge.protocol.parameters[key]
        yield f"- Number: `{key}` = {value_text(number)} ({basis_of(number, knowledge)})"
    for code in rule.codes:
        kind = knowledge.findings[code]
        faces = [
            f"{face} {', '.join(dict.fromkeys(levels.values())) or 'no card'}"
            for face, levels in (("view", kind.view), ("order", kind.order))
        ]
        yield f"- Finding `{code}`: {'; '.join(faces)}"
    for name in KINDS:
        if cases.get(name):
            yield f"- {name.capitalize()}: {'; '.join(cases[name])}"


def _label(name: str, rule: str) -> str:
    """What the test calls the case: the id of its parameters, else its own name."""
    label = name.partition("[")[2].removesuffix("]") or name.removeprefix("test_")
    label = label.removeprefix(rule).lstrip(": ").replace("_", " ")
    return label if label != rule.removeprefix("R-CI-") else "the row of the matrix"


def main() -> int:
    note = PAGE.with_suffix(".cases")
    try:
        cases = collect(note)
    finally:
        note.unlink(missing_ok=True)
    PAGE.write_text(page(load(), cases), "utf-8")
    for line in lacking(load(), cases):
        print(line)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
