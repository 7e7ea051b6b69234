"""Rules: what each is called, what it may say, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from smartapp.errors import KnowledgeError
from smartapp.knowledge.table import MARKS, read_toml

Basis = Literal["guideline", "label", "trial", "default", "extrapolated"]
BASES: frozenset[str] = frozenset(get_args(Basis))


@dataclass(frozen=True, slots=True)
class Source:
    """Something a rule rests on: a label and a public address, never its text."""

    key: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `codes`: the finding codes it may give; `section` of the clinical rules."""

    id: str
    title: str
    section: str
    codes: tuple[str, ...]
    basis: Basis
    mark: str
    sources: tuple[Source, ...]


def load_sources(path: Path) -> Mapping[str, Source]:
    """Every citation. Refuses one without a label or without an https address."""
    sources: dict[str, Source] = {}
    for key, row in read_toml(path).tables():
        url = row.text("url")
        if not url.startswith("https://"):
            row.refuse("url", "must be an https address")
        sources[key] = Source(key, row.text("label"), url)
        row.done()
    return sources


def load_rules(
    path: Path, sources: Mapping[str, Source], codes: frozenset[str]
) -> Mapping[str, Rule]:
    """Every rule of rules.toml. Refuses a rule without a source and a code nobody defines."""
    rules: dict[str, Rule] = {}
    for key, row in read_toml(path).tables():
        for code in row.texts("codes", ()):
            if code not in codes:
                row.refuse("codes", f"{code!r} is not a finding code")
        rules[key] = Rule(
            key,
            row.text("title"),
            row.text("section"),
            row.texts("codes", ()),
            as_basis(row.choice("basis", BASES)),
            row.choice("mark", MARKS),
            cite(row.texts("citations"), sources, f"{path.name}: {key}"),
        )
        row.done()
    return rules


def cite(keys: tuple[str, ...], sources: Mapping[str, Source], where: str) -> tuple[Source, ...]:
    """The sources named by `keys`. Refuses none at all, and an unknown one."""
    if not keys:
        raise KnowledgeError(f"{where}.citations: a rule without a source is refused")
    for key in keys:
        if key not in sources:
            raise KnowledgeError(f"{where}.citations: {key!r} is not in citations.toml")
    return tuple(sources[key] for key in keys)


def as_basis(word: str) -> Basis:
    """The word as its type; `Table.choice` has already refused any other."""
    for basis in get_args(Basis):
        if word == basis:
            return basis  # type: ignore[no-any-return]
    raise KnowledgeError(f"{word!r} is not a basis")
