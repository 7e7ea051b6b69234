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


def load_wording(folder: Path, language: str = "en") -> Wording:
    """One language: `<language>.toml` and whatever stands beside it as `<language>-*.toml`.

    Refuses a template that cannot be read, a finding without both texts, a file of another
    language, and words given twice.
    """
    findings: dict[tuple[str, str], FindingWords] = {}
    phrases: dict[str, dict[str, Template]] = {}
    for path in (folder / f"{language}.toml", *sorted(folder.glob(f"{language}-*.toml"))):
        _read(path, language, findings, phrases)
    return Wording(language, findings, phrases)


def _read(
    path: Path,
    language: str,
    findings: dict[tuple[str, str], FindingWords],
    phrases: dict[str, dict[str, Template]],
) -> None:
    file = read_toml(path)
    if file.text("language") != language:
        file.refuse("language", f"is not {language!r}")
    for code, variants in file.table("finding").tables() if "finding" in file else ():
        for variant, row in variants.tables():
            if (code, variant) in findings:
                variants.refuse(variant, "is given twice")
            findings[code, variant] = FindingWords(
                _template(row, "summary"), _template(row, "detail")
            )
            row.done()
    for section, table in file.tables():
        known = phrases.setdefault(section, {})
        for key in table.names:
            if key in known:
                table.refuse(key, "is given twice")
            known[key] = _template(table, key)


def _template(table: Table, key: str) -> Template:
    text = table.text(key)
    try:
        places = frozenset(name for _, name, _, _ in Formatter().parse(text) if name is not None)
    except ValueError as error:
        raise KnowledgeError(f"{table.file}: {table.key}.{key}: {error}") from None
    if not all(place.isidentifier() for place in places):
        table.refuse(key, "a place in a sentence must be a plain name")
    return Template(text, places)
