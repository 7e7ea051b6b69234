"""One table of a knowledge file, read strictly: a wrong or unknown key is refused by name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import time
from decimal import Context, Decimal, DecimalException
from importlib import resources
from typing import Any, NoReturn

from smartapp.errors import KnowledgeError

MARKS = ("V", "unverified", "DEFAULT", "EXTRAP")
_WIDE = Context(prec=28)


class Table:
    """Takes keys one by one, remembers which, and refuses what is left over.

    Every refusal is a KnowledgeError naming file, table, key and reason.
    """

    def __init__(self, file: str, path: str, values: Mapping[str, Any]) -> None:
        self.file = file
        self.path = path
        self._values = values
        self._taken: set[str] = set()

    def refuse(self, key: str, reason: str) -> NoReturn:
        where = f"{self.path}.{key}".strip(".")
        raise KnowledgeError(f"{self.file}: {where}: {reason}")

    def has(self, key: str) -> bool:
        return key in self._values

    def text(self, key: str, default: str | None = None) -> str:
        value = self._take(key, default)
        if not isinstance(value, str):
            self.refuse(key, "text is needed")
        return value

    def text_or_none(self, key: str) -> str | None:
        return self.text(key) if self.has(key) else None

    def choice(self, key: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        value = self.text(key, default)
        if value not in allowed:
            self.refuse(key, f"{value!r} is not one of {', '.join(allowed)}")
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        value = self._take(key, default)
        if not isinstance(value, bool):
            self.refuse(key, "true or false is needed")
        return value

    def whole_or_none(self, key: str) -> int | None:
        if not self.has(key):
            return None
        value = self._take(key, None)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            self.refuse(key, "a whole number, zero or more, is needed")
        return value

    def words(self, key: str) -> tuple[str, ...]:
        """A list of texts, each once; empty when the key is absent."""
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            self.refuse(key, "a list of texts is needed")
        if len(set(value)) < len(value):
            twice = next(v for v in value if value.count(v) > 1)
            self.refuse(key, f"{twice} is listed twice")
        return tuple(value)

    def number(self, key: str, default: str | None = None) -> Decimal:
        """An exact number written as text, "0.001", or a fraction, "1000/288.42"."""
        return self._number(key, self._take(key, default))

    def pair(self, key: str) -> tuple[Decimal | None, Decimal | None] | None:
        """Two numbers, low then high, an empty text for "none"; None when the key is absent."""
        if not self.has(key):
            return None
        value = self._take(key, None)
        if not isinstance(value, list) or len(value) != 2:
            self.refuse(key, "a list of low and high is needed")
        low, high = (self._number(key, v) if v != "" else None for v in value)
        if low is not None and high is not None and low > high:
            self.refuse(key, f"low {low} is above high {high}")
        return low, high

    def clock(self, key: str) -> time:
        """A time of day written "07:00"."""
        text = self.text(key)
        try:
            return time.fromisoformat(text)
        except ValueError:
            self.refuse(key, f"{text!r} is not a time of day")

    def pattern(self, key: str) -> re.Pattern[str] | None:
        """A regular expression, read without regard to case; None when the key is absent."""
        if not self.has(key):
            return None
        text = self.text(key)
        try:
            pattern = re.compile(text, re.IGNORECASE)
        except re.error as error:
            self.refuse(key, f"is not a regular expression: {error}")
        if pattern.search(""):
            self.refuse(key, "matches an empty text")
        return pattern

    def tables(self, key: str) -> Iterator[Table]:
        """The tables of an array of tables, in order."""
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            self.refuse(key, "a list of tables is needed")
        for index, entry in enumerate(value):
            yield Table(self.file, f"{self.path}.{key}[{index}]".strip("."), entry)

    def table(self, key: str) -> Table:
        value = self._take(key, {})
        if not isinstance(value, dict):
            self.refuse(key, "a table is needed")
        return Table(self.file, f"{self.path}.{key}".strip("."), value)

    def children(self, key: str) -> Iterator[tuple[str, Table]]:
        """The named tables under `key`, in the order of the file."""
        parent = self.table(key)
        for name in parent.names():
            yield name, parent.table(name)

    def names(self) -> tuple[str, ...]:
        return tuple(self._values)

    def done(self) -> None:
        """Refuses the first key that nobody took."""
        for key in self._values:
            if key not in self._taken:
                self.refuse(key, "is not known here")

    def _take(self, key: str, default: Any) -> Any:
        self._taken.add(key)
        value = self._values.get(key, default)
        if value is None:
            self.refuse(key, "is missing")
        return value

    def _number(self, key: str, text: Any) -> Decimal:
        if not isinstance(text, str):
            self.refuse(key, "numbers are written as text, so that no digit is lost")
        over, slash, under = text.partition("/")
        try:
            number = Decimal(over)
            if slash:
                number = _WIDE.divide(number, Decimal(under))
        except DecimalException:
            self.refuse(key, f"{text!r} is not a number")
        if not number.is_finite():
            self.refuse(key, f"{text!r} is not a finite number")
        return number


def read_table(name: str, text: str | None = None) -> Table:
    """The whole of a knowledge file as one table; `text` stands for the file's content in tests.

    Refuses (KnowledgeError) what is not TOML.
    """
    if text is None:
        text = resources.files("smartapp.knowledge").joinpath(name).read_text("utf-8")
    try:
        return Table(name, "", tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise KnowledgeError(f"{name}: not TOML: {error}") from None
