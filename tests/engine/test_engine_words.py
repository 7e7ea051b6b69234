"""Every key the engine may say has its words: a missing sentence must not wait for its man."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from men import knowledge

import smartapp.engine
from smartapp.engine.abstain import _HORMONE_STEP, _LOW_T, _UNREAD
from smartapp.engine.facts import FACT
from smartapp.engine.standing import _SPECIALIST_DIAGNOSES, _SPECIALIST_STATES
from smartapp.knowledge.matrix import FACTS

ENGINE = Path(smartapp.engine.__file__).parent
PHRASES = knowledge().wording.phrases


def calls(name: str, position: int) -> set[str]:
    """Texts given at that place in every call of `name` in the engine."""
    found = set()
    for path in ENGINE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else None
            called = node.func.id if isinstance(node.func, ast.Name) else called
            if called == name and len(node.args) > position:
                given = node.args[position]
                if isinstance(given, ast.Constant) and isinstance(given.value, str):
                    found.add(given.value)
    return found


def keywords(name: str) -> set[str]:
    """Texts given as keyword `name` in every call of the engine."""
    found = set()
    for path in ENGINE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == name:
                found |= {
                    part.value
                    for part in ast.walk(node.value)
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                }
    return found


@pytest.mark.parametrize(
    ("section", "keys"),
    [
        ("reason", {*_LOW_T, *_HORMONE_STEP, *_UNREAD.values()} | calls("Abstention", 2)),
        ("fix", {fix for fix, *_ in (*_LOW_T.values(), *_HORMONE_STEP.values())}),
        ("fix", calls("Abstention", 3) | calls("tell", 0)),
        ("axis", {*_LOW_T} | (keywords("reason") - {"low", "low-free-t", "clearly-low",
                                                    "free-t-normal", "not-low"})),
        ("specialist", {*_SPECIALIST_STATES, *_SPECIALIST_DIAGNOSES} | calls("Reason", 0)),
        ("gate", calls("Item", 0) | {"opioid-chronic", "glucocorticoid-chronic"}
         | calls("_active", 1)),
        ("refer", keywords("refer") | calls("refer", 0) | calls("_active", 2)),
        ("near", calls("near", 2)),
        ("blocked", {"not-approved", "not-excluded", "not-suitable", "not-indicated",
                     "specialist", "confirm-first", "on-therapy", "cannot-assess"}),
        ("state", {"eugonadal", "compensated", "isolated-fsh"}),
        ("criterion", {"a", "b", "c", "d", "f"}),
    ],
)  # fmt: skip
def test_every_key_has_words(section: str, keys: set[str]) -> None:
    assert keys
    assert keys <= PHRASES[section].keys()


def test_every_variant_has_words() -> None:
    variants = {variant for _, variant in knowledge().wording.findings}
    assert keywords("variant") <= variants


def test_every_fact_of_the_matrix_is_judged() -> None:
    assert set(FACT) == FACTS


def test_every_code_said_is_a_code_and_every_rule_a_rule() -> None:
    assert calls("finding", 0) <= knowledge().findings.keys()
    assert calls("finding", 1) <= knowledge().rules.keys()
    assert calls("Abstention", 0) <= knowledge().rules.keys()
    assert calls("near", 1) <= knowledge().rules.keys()


def test_no_threshold_lives_in_the_engine() -> None:
    """Numbers in the engine are counts, days of a week, digits of rounding; never a limit."""
    allowed = {0, 1, 2, 3, 6, 7, 24, 100}
    for path in ENGINE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and type(node.value) in (int, float):
                assert node.value in allowed, f"{path.name}:{node.lineno}: {node.value}"
