"""A TOML table read strictly: every key is asked for by name and type, and none is left over.

All refusals are KnowledgeError and name the file, the key and the reason, because the reader is a
physician or a site engineer with that file open.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from smartapp.errors import KnowledgeError

MARKS = frozenset({"V", "unverified", "DEFAULT", "EXTRAP"})


class Table:
    """One table of one file, and which of its keys were asked for."""

    def __init__(self, file: str, key: str, values: Mapping[str, Any]) -> None:
        self.file = file
        self.key = key
        self._values = values
        self._asked: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._values

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._values)

    def refuse(self, name: str, reason: str) -> NoReturn:
        where = ".".join(part for part in (self.key, name) if part)
        raise KnowledgeError(f"{self.file}: {where}: {reason}")

    def raw(self, name: str) -> Any:
        self._asked.add(name)
        if name not in self._values:
            self.refuse(name, "is missing")
        return self._values[name]

    def text(self, name: str, default: str | None = None) -> str:
        if default is not None and name not in self._values:
            return default
        value = self.raw(name)
        if not isinstance(value, str) or not (value.strip() or default == ""):
            self.refuse(name, "must be a text")
        return value

    def choice(self, name: str, allowed: Collection[str], default: str | None = None) -> str:
        value = self.text(name, default)
        if value not in allowed:
            self.refuse(name, f"{value!r} is not one of {', '.join(sorted(allowed))}")
        return value

    def texts(self, name: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        if default is not None and name not in self._values:
            return default
        value = self.raw(name)
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            self.refuse(name, "must be a list of texts")
        return tuple(value)

    def number(self, name: str) -> Decimal:
        value = self.raw(name)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.refuse(name, "must be a number")
        return Decimal(value)

    def whole(self, name: str) -> int:
        value = self.raw(name)
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(name, "must be a whole number")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.raw(name) if name in self._values else default
        if not isinstance(value, bool):
            self.refuse(name, "must be true or false")
        return value

    def table(self, name: str) -> Table:
        value = self.raw(name)
        if not isinstance(value, Mapping):
            self.refuse(name, "must be a table")
        return Table(self.file, ".".join(p for p in (self.key, name) if p), value)

    @property
    def unasked(self) -> tuple[str, ...]:
        """The names that nobody has asked for yet."""
        return tuple(name for name in self._values if name not in self._asked)

    def tables(self) -> Iterator[tuple[str, Table]]:
        """Every member that has not been asked for; each must be a table."""
        for name in self.unasked:
            yield name, self.table(name)

    def done(self) -> None:
        """Refuses keys nobody asked for: a misspelt key must not be a silent default."""
        for name in self._values:
            if name not in self._asked:
                self.refuse(name, "is not known here")


def read_toml(path: Path) -> Table:
    """The file as one Table, decimal fractions as Decimal. Refuses what is not TOML.

    A byte order mark before it, as some editors write one, is passed over.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8-sig"), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{path.name}: is not TOML: {error}") from None
    except OSError as error:
        raise KnowledgeError(f"{path.name}: cannot be read: {error.strerror}") from None
    return Table(path.name, "", values)
