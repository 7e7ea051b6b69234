"""Rules: what each is called, what it may say, and what it rests on."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from smartapp.errors import KnowledgeError
from smartapp.knowledge.table import MARKS, Table, read_toml

Basis = Literal["guideline", "label", "trial", "default", "extrapolated"]
BASES: frozenset[str] = frozenset(get_args(Basis))
SOURCE_KINDS = frozenset({"guideline", "label", "trial", "review", "laboratory", "default"})
_SEARCH = re.compile(r"\bsearch\b|[?&](?:q|query|term|search)=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """Something a rule rests on: a label and a public address, never its text.

    year       of publication or of the edition read; None only for a laboratory's directory
    unsettled  why the address is not the very page; "" where it is
    """

    key: str
    label: str
    url: str
    kind: str
    year: int | None
    unsettled: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `codes`: the finding codes it may give; `section` of the clinical rules.

    `parameters`: the keys of the protocol it goes by, which are the keys a site may override.
    """

    id: str
    title: str
    section: str
    codes: tuple[str, ...]
    basis: Basis
    mark: str
    sources: tuple[Source, ...]
    parameters: tuple[str, ...]


def load_sources(path: Path) -> Mapping[str, Source]:
    """Every citation.

    Refuses one without label, kind or year, and an address that is not https, or that is a site's
    front page or a search, unless `unsettled` says why no better one is known.
    """
    sources: dict[str, Source] = {}
    for key, row in read_toml(path).tables():
        kind = row.choice("kind", SOURCE_KINDS)
        unsettled = row.text("unsettled", "")
        year = _year(row) if kind != "laboratory" or "year" in row else None
        url = _address(row, settled=not unsettled)
        sources[key] = Source(key, row.text("label"), url, kind, year, unsettled)
        row.done()
    return sources


def _year(row: Table) -> int:
    year = row.whole("year")
    if not 1900 <= year <= 2100:
        row.refuse("year", f"{year} is not a year of publication")
    return year


def _address(row: Table, *, settled: bool) -> str:
    url = row.text("url")
    parts = urlsplit(url)
    if parts.scheme != "https" or "." not in parts.netloc or re.search(r"\s", url):
        row.refuse("url", "must be an https address")
    if settled and (parts.path in ("", "/") or _SEARCH.search(url)):
        row.refuse("url", "is a front page or a search; name the page, or say why in `unsettled`")
    return url


def load_rules(
    path: Path,
    sources: Mapping[str, Source],
    codes: frozenset[str],
    parameters: Collection[str],
) -> Mapping[str, Rule]:
    """Every rule of rules.toml.

    Refuses a rule without a source, a code nobody defines, and a parameter (`section.name`, or a
    whole `section`) that the protocol does not have.
    """
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
            named_parameters(row, parameters),
        )
        row.done()
    return rules


def named_parameters(row: Table, known: Collection[str]) -> tuple[str, ...]:
    """The keys that the row's `parameters` names, a section standing for all in it.

    Refuses a name the protocol does not have.
    """
    found: dict[str, None] = {}
    for name in row.texts("parameters", ()):
        meant = [key for key in known if key == name or key.startswith(f"{name}.")]
        if not meant:
            row.refuse("parameters", f"{name!r} is not a parameter or section of the protocol")
        found.update(dict.fromkeys(meant))
    return tuple(found)


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
