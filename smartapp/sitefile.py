"""A file that a site writes, read strictly: every key is asked for, and none is left over.

All refusals are ConfigError and name the file, the entry, the key and the reason, because the
reader is an engineer with that file open.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from smartapp.errors import ConfigError
from smartapp.settings import is_loopback

Word = TypeVar("Word", bound=str)

_origin = re.compile(r"(https?)://((?:\*\.)?[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:\d{1,5})?").fullmatch


def read_entries(path: Path, name: str) -> list[Entry]:
    """Every `[[name]]` table of the file, in its order. Refuses all that is not such."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    extra = sorted(set(document) - {name})
    if extra:
        raise ConfigError(f"{path}: unknown key {extra[0]!r}")
    tables = document.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(f"{path}: write each as a [[{name}]] table")
    return [Entry(t, f"{path}: {name} {n}", path.parent) for n, t in enumerate(tables, 1)]


class Entry:
    """One table: its keys are taken one by one, then `done` refuses what is left."""

    def __init__(self, values: Mapping[str, Any], where: str, folder: Path) -> None:
        self._values = dict(values)
        self._where = where
        self._folder = folder

    def named(self, name: str) -> None:
        """From here on say `name` beside the entry's number."""
        self._where = f"{self._where} ({name})"

    def wrong(self, key: str, why: str) -> ConfigError:
        """The refusal of what stands at `key`."""
        return ConfigError(f"{self._where}: {key}: {why}")

    def text(self, key: str) -> str | None:
        value = self._values.pop(key, None)
        if value is not None and (not isinstance(value, str) or not value.strip()):
            raise self.wrong(key, "a text is needed")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._values.pop(key, [])
        if not isinstance(values, list) or not all(isinstance(v, str) and v for v in values):
            raise self.wrong(key, "a list of texts is needed")
        return tuple(values)

    def flag(self, key: str) -> bool:
        value = self._values.pop(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false is needed")
        return value

    def address(self, key: str) -> str | None:
        """An http(s) address, as it was written."""
        value = self.text(key)
        return None if value is None else self.checked_address(key, value)

    def addresses(self, key: str) -> tuple[str, ...]:
        return tuple(self.checked_address(key, value) for value in self.texts(key))

    def checked_address(self, key: str, value: str) -> str:
        """`value`, when it is https or this machine, without query, fragment or user."""
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError:
            raise self.wrong(key, f"{value!r}: no address is written so") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise self.wrong(key, f"{value!r}: an http(s) address is needed")
        if parts.query or parts.fragment or parts.username is not None:
            raise self.wrong(key, f"{value!r} may hold only scheme, host, port and path")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise self.wrong(key, f"{value!r} must be https unless it is loopback")
        return value

    def choice(self, key: str, allowed: Sequence[Word]) -> Word | None:
        """One of the words `allowed`; None where the key is absent."""
        value = self.text(key)
        if value is None:
            return None
        for word in allowed:
            if word == value:
                return word
        raise self.wrong(key, f"{value!r} is not one of {', '.join(allowed)}")

    def table(self, key: str) -> Mapping[str, Any]:
        """A table of its own below this one; empty where the key is absent."""
        value = self._values.pop(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, "a table is needed")
        return value

    def origins(self, key: str, *, subdomains: bool = False) -> tuple[str, ...]:
        """Scheme, host and perhaps port, nothing else: these become part of policies.

        https, or this machine. `subdomains` allows `https://*.ehr.example`; a bare `*` never is.
        """
        for value in (values := self.texts(key)):
            parts = _origin(value)
            if parts is None:
                raise self.wrong(key, f"{value!r} is not an origin such as https://ehr.example")
            if "*" in value and not subdomains:
                raise self.wrong(key, f"{value!r}: each origin is written out here")
            if parts[1] == "http" and not is_loopback(parts[2]):
                raise self.wrong(key, f"{value!r} must be https unless it is loopback")
        return values

    def timezone(self, key: str) -> str | None:
        name = self.text(key)
        if name is None:
            return None
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise self.wrong(key, f"{name!r} is not an IANA time zone") from None
        return name

    def file(self, key: str) -> bytes | None:
        """The content of the file named at `key`, relative to the site's file."""
        name = self.text(key)
        if name is None:
            return None
        try:
            return (self._folder / name).read_bytes()
        except (OSError, ValueError):
            raise self.wrong(key, f"{name!r} cannot be read") from None

    def done(self) -> None:
        """Refuses keys nobody asked for: a misspelt key must not be a silent default."""
        if self._values:
            raise self.wrong(min(self._values), "unknown key")
