"""A sieve before many text patterns: which of them can match this text at all.

A record names dozens of medications and problems that are none of ours, and trying every pattern
of the catalogue on every name would cost more than all the rest of reading. So each pattern is
asked once, when the catalogue is compiled, for three letters that every match of it must hold.
A pattern that will not tell (too short, or a notation not read here) is always tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_WIDTH = 3
_OPTIONAL = re.compile(r"[?*]|\{0,?\d*\}|\{,\d+\}")
_REPEATED = re.compile(r"\+|\{\d+,?\d*\}")
_LOOKAROUND = ("(?=", "(?!", "(?<=", "(?<!")


class Sieve:
    """Finds the patterns of one kind that occur in a text, in the order they were given."""

    def __init__(self, patterns: Iterable[tuple[str, re.Pattern[str]]]) -> None:
        self._patterns = tuple(patterns)
        self._always: list[int] = []
        self._by_letters: dict[str, list[int]] = {}
        for number, (_, pattern) in enumerate(self._patterns):
            needed = needs(pattern.pattern)
            if not needed:
                self._always.append(number)
            for letters in needed:
                self._by_letters.setdefault(letters, []).append(number)

    def matching(self, text: str) -> list[tuple[str, re.Match[str]]]:
        """Key and first match of every pattern that matches `text` in lower case."""
        plain = text.lower()
        look = self._by_letters.get
        numbers = set(self._always)
        for at in range(len(plain) - _WIDTH + 1):
            if found := look(plain[at : at + _WIDTH]):
                numbers.update(found)
        hits = []
        for number in sorted(numbers):
            key, pattern = self._patterns[number]
            if match := pattern.search(plain):
                hits.append((key, match))
        return hits


def needs(pattern: str) -> frozenset[str]:
    """Letters of which every match of `pattern` holds one at least; empty when none can be told."""
    branches = [_branch(part) for part in _split(pattern.lower())]
    return frozenset().union(*branches) if all(branches) else frozenset()


def _branch(sequence: str) -> frozenset[str]:
    """The same for one branch: its longest plain run, or a group within it that must occur."""
    run, best, group = "", "", frozenset[str]()
    at = 0
    while at < len(sequence):
        item, literal, at = _item(sequence, at)
        quantifier = _OPTIONAL.match(sequence, at) or _REPEATED.match(sequence, at)
        optional = bool(quantifier and _OPTIONAL.match(sequence, at))
        if quantifier:
            at = quantifier.end() + (sequence[quantifier.end() :][:1] in ("?", "+"))
        if literal and not optional:
            run += literal
            best = max(best, run, key=len)
        if not literal and item.startswith("(") and not optional and not group:
            group = _group(item)
        if not literal or quantifier:
            run = ""
    return frozenset({best[:_WIDTH]}) if len(best) >= _WIDTH else group


def _group(item: str) -> frozenset[str]:
    if item.startswith(_LOOKAROUND):
        return frozenset()
    inner = item[1:-1]
    if inner.startswith("?"):
        if not inner.startswith("?:"):
            return frozenset()
        inner = inner[2:]
    return needs(inner)


def _item(sequence: str, at: int) -> tuple[str, str, int]:
    """The next item, its letter when it is a plain one, and where it ends."""
    char = sequence[at]
    if char == "\\":
        escaped = sequence[at + 1]
        return sequence[at : at + 2], "" if escaped.isalnum() else escaped, at + 2
    if char == "[":
        end = sequence.index("]", at + 2) + 1
        return sequence[at:end], "", end
    if char == "(":
        end = _closing(sequence, at) + 1
        return sequence[at:end], "", end
    return char, "" if char in ".^$" else char, at + 1


def _closing(sequence: str, at: int) -> int:
    """Where the group that opens at `at` closes."""
    depth, position = 0, at
    while position < len(sequence):
        char = sequence[position]
        if char == "\\":
            position += 1
        elif char == "[":
            position = sequence.index("]", position + 2)
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth == 0:
                return position
        position += 1
    raise ValueError("a pattern that compiles has balanced groups")


def _split(pattern: str) -> list[str]:
    """The branches of an alternation at the top level."""
    parts, start, at = [], 0, 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
        elif char == "[":
            at = pattern.index("]", at + 2)
        elif char == "(":
            at = _closing(pattern, at)
        elif char == "|":
            parts.append(pattern[start:at])
            start = at + 1
        at += 1
    return [*parts, pattern[start:]]
