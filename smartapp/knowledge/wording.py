"""The words, apart from the logic: one file per language, templates with named places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from smartapp.errors import KnowledgeError
from smartapp.knowledge.table import Table, read_toml


@dataclass(frozen=True, slots=True)
class Template:
    """A sentence with named places, such as "{agents} may be considered"."""

    text: str
    places: frozenset[str]

    def fill(self, words: Mapping[str, str]) -> str:
        """The sentence with its places filled; words it has no place for are left out.

        Refuses (KeyError) a place for which there is no word: a hole in a clinical sentence is a
        fault of the program, not something to show.
        """
        return self.text.format_map(words) if self.places else self.text


@dataclass(frozen=True, slots=True)
class FindingWords:
    summary: Template
    detail: Template


@dataclass(frozen=True, slots=True)
class Wording:
    """All words of one language.

    findings   (code, variant) → summary and detail; "default" is the plain variant
    phrases    section → key → template: axis reasons, reasons, fixes, rows, agents, statuses …
    """

    language: str
    findings: Mapping[tuple[str, str], FindingWords]
    phrases: Mapping[str, Mapping[str, Template]]

    def say(self, section: str, key: str, words: Mapping[str, str] | None = None) -> str:
        """The phrase of that section and key. Refuses (KeyError) one that does not exist."""
        return self.phrases[section][key].fill(words or {})


def load_wording(path: Path) -> Wording:
    """One language. Refuses a template that cannot be read and a finding without both texts."""
    file = read_toml(path)
    language = file.text("language")
    findings: dict[tuple[str, str], FindingWords] = {}
    for code, variants in file.table("finding").tables():
        for variant, row in variants.tables():
            findings[code, variant] = FindingWords(
                _template(row, "summary"), _template(row, "detail")
            )
            row.done()
    phrases: dict[str, dict[str, Template]] = {}
    for section, table in file.tables():
        phrases[section] = {key: _template(table, key) for key in table.names}
    return Wording(language, findings, phrases)


def _template(table: Table, key: str) -> Template:
    text = table.text(key)
    try:
        places = frozenset(name for _, name, _, _ in Formatter().parse(text) if name is not None)
    except ValueError as error:
        raise KnowledgeError(f"{table.file}: {table.key}.{key}: {error}") from None
    if not all(place.isidentifier() for place in places):
        table.refuse(key, "a place in a sentence must be a plain name")
    return Template(text, places)
