"""Breaks of single clauses, as data: `clauses/*.toml`, each with the text it replaces."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("clauses")


@dataclass(frozen=True, slots=True)
class Break:
    """One clause broken by one replacement in one file (relative to the repository)."""

    clause: str
    file: str
    before: str
    after: str

    def apply(self, root: Path) -> None:
        """Break it in the copy at `root`. Refuses (ValueError) text that is not there once."""
        path = root / self.file
        source = path.read_text("utf-8")
        if source.count(self.before) != 1:
            raise ValueError(f"{self.file} holds this {source.count(self.before)} times, not once")
        path.write_text(source.replace(self.before, self.after), "utf-8")


def breaks() -> Iterator[Break]:
    """All of them, in the order of the files. Refuses (TypeError) unknown or missing keys."""
    for path in sorted(FOLDER.glob("*.toml")):
        for row in tomllib.loads(path.read_text("utf-8"))["break"]:
            yield Break(**row)
