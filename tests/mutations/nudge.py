"""Nudges every number of the knowledge by its last place, up and down, and lists what no test saw.

`python tests/mutations/nudge.py [PART OF A KEY…] [--jobs N]`; exit code 1 when a nudge survives.

The tests draw their cases from the numbers as they are; then the engine is given others, in a
forked child. A case on the line, or beside it, must then turn out differently. Nudged are the
parameters of protocol.toml with their profiles (not the other study of variation, which only a
site's file chooses), the amounts of the published
regimens, the wash-outs of the drugs and the default reference ranges. A nudge the loader refuses
counts for itself.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from warm import Session, share

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
PROTOCOL = ROOT / "smartapp/knowledge/protocol.toml"
STATE = ROOT / "build" / "nudges.jsonl"
NOTICED = ("assertion", "exception", "hang")
_SECTION = re.compile(r"\[([\w.-]+)\]")
_VALUE = re.compile(r"([\w-]+) = \{ value = (\d+(?:\.\d+)?),")


@dataclass(frozen=True, slots=True)
class Nudge:
    """One number a little off. `line`: of protocol.toml; else `kind` says where it stands."""

    key: str
    kind: str
    old: str
    new: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.key}: {self.old} to {self.new}"


def beside(number: str) -> list[str]:
    """The number one of its last place more and less; never below zero."""
    value = Decimal(number)
    step = Decimal(1).scaleb(int(value.as_tuple().exponent))
    return [str(n) for n in (value - step, value + step) if n >= 0]


def nudges() -> Iterator[Nudge]:
    """Every nudge there is."""
    from smartapp.knowledge import load

    section = ""
    for place, line in enumerate(PROTOCOL.read_text("utf-8").splitlines()):
        if found := _SECTION.match(line):
            section = found[1]
        elif not section.startswith("rcv-profile") and (found := _VALUE.match(line)):
            for new in beside(found[2]):
                yield Nudge(f"{section}.{found[1]}", "protocol", found[2], new, place)
    knowledge = load()
    for regimen in knowledge.regimens.values():
        for new in beside(str(regimen.amount)):
            yield Nudge(f"regimen.{regimen.key}", "regimen", str(regimen.amount), new)
    for drug in knowledge.catalogue.drugs.values():
        if drug.washout_days is not None:
            for new in beside(str(drug.washout_days)):
                yield Nudge(f"washout.{drug.key}", "washout", str(drug.washout_days), new)
    for analyte in knowledge.catalogue.analytes.values():
        for end in ("low", "high"):
            limit = getattr(analyte.default_range, end)
            if limit is not None:
                for new in beside(str(limit)):
                    yield Nudge(f"range.{analyte.key}.{end}", f"range-{end}", str(limit), new)


def changed(nudge: Nudge, knowledge: Any) -> Any:
    """The knowledge with the number off. Refuses (KnowledgeError) what the loader refuses."""
    from smartapp.knowledge import load

    if nudge.kind == "protocol":
        lines = PROTOCOL.read_text("utf-8").splitlines(keepends=True)
        old, new = f"value = {nudge.old},", f"value = {nudge.new},"
        lines[nudge.line] = lines[nudge.line].replace(old, new)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / PROTOCOL.name
            file.write_text("".join(lines), "utf-8")
            return load(knowledge.protocol.profile, protocol_file=file)
    name = nudge.key.split(".")[1]
    if nudge.kind == "regimen":
        regimens = dict(knowledge.regimens)
        regimens[name] = replace(regimens[name], amount=Decimal(nudge.new))
        return replace(knowledge, regimens=regimens)
    catalogue = knowledge.catalogue
    if nudge.kind == "washout":
        drugs = dict(catalogue.drugs)
        drugs[name] = replace(drugs[name], washout_days=int(nudge.new))
        return replace(knowledge, catalogue=replace(catalogue, drugs=drugs))
    analytes = dict(catalogue.analytes)
    limits = replace(
        analytes[name].default_range, **{nudge.kind.removeprefix("range-"): Decimal(nudge.new)}
    )
    analytes[name] = replace(analytes[name], default_range=limits)
    return replace(knowledge, catalogue=replace(catalogue, analytes=analytes))


def put_in(nudge: Nudge) -> None:
    """Every living knowledge holds the changed number; what the tests took from it stays."""
    from smartapp.knowledge import Knowledge

    for knowledge in [thing for thing in gc.get_objects() if isinstance(thing, Knowledge)]:
        other = changed(nudge, knowledge)
        for field in fields(Knowledge):
            object.__setattr__(knowledge, field.name, getattr(other, field.name))


class Noted:
    """Stands before a field of a frozen class and notes when it is read."""

    def __init__(self, name: str, field: Any, met: set[str]) -> None:
        self._name, self._field, self._met = name, field, met

    def __get__(self, thing: Any, owner: type | None = None) -> Any:
        if thing is not None:
            self._met.add(self._name)
        return self._field.__get__(thing, owner)

    def __set__(self, thing: Any, value: Any) -> None:
        self._field.__set__(thing, value)


@contextmanager
def reading() -> Iterator[set[str]]:
    """Notes which parameters of the protocol are read meanwhile."""
    from smartapp.knowledge.protocol import SECTIONS

    met: set[str] = set()
    before = {
        (kind, field.name): getattr(kind, field.name)
        for kind in SECTIONS.values()
        for field in fields(kind)
    }
    for section, kind in SECTIONS.items():
        for field in fields(kind):
            key = f"{section}.{field.name.replace('_', '-')}"
            setattr(kind, field.name, Noted(key, before[kind, field.name], met))
    try:
        yield met
    finally:
        for (kind, name), own in before.items():
            setattr(kind, name, own)


def try_all(todo: list[Nudge], jobs: int) -> None:
    def work(session: Session) -> None:
        from smartapp.errors import KnowledgeError
        from smartapp.knowledge.pack import PROFILES

        # Whatever the tests will ask for is there before the fork, to be changed in place.
        for profile in (None, *PROFILES):
            ask = sys.modules["men"].knowledge
            ask() if profile is None else ask(profile)
        met = session.touching(reading)
        every = range(len(session.items))
        gc.collect()
        gc.freeze()

        def one(nudge: Nudge) -> list[str]:
            gc.unfreeze()
            try:
                put_in(nudge)
            except KnowledgeError as refusal:
                return ["refused", str(refusal)]
            key = ".".join(nudge.key.split(".")[-2:])
            first = met.get(key, [])
            told = session.try_out(first)
            # The matrix takes its numbers when it is loaded, so a test need not read them.
            if told[0] == "survived":
                told = session.try_out([n for n in every if n not in set(first)])
            return list(told)

        share(todo, one, keep, jobs)

    if status := Session((), work).collect(("tests/engine",)):
        raise SystemExit(status)


def keep(nudge: Nudge, told: Any) -> None:
    with STATE.open("a", encoding="utf-8") as state:
        state.write(json.dumps([str(nudge), told if isinstance(told, str) else told[0]]) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("keys", nargs="*", help="all by default")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    os.chdir(ROOT)
    todo = [n for n in nudges() if not given.keys or any(k in n.key for k in given.keys)]
    STATE.parent.mkdir(exist_ok=True)
    STATE.write_text("", "utf-8")
    worker = os.fork()
    if not worker:
        try_all(todo, given.jobs)
        os._exit(0)
    os.waitpid(worker, 0)
    verdicts = dict(map(json.loads, STATE.read_text("utf-8").splitlines()))
    counts = Counter(verdicts.values())
    for nudge in todo:
        if verdicts.get(str(nudge), "missing") not in (*NOTICED, "refused"):
            print(f"{nudge} ({verdicts.get(str(nudge), 'missing')})")
    noticed = sum(counts[name] for name in NOTICED)
    left = len(todo) - noticed - counts["refused"]
    print(
        f"{len(todo)} nudges: {noticed} noticed, {counts['refused']} refused by the loader, "
        f"{left} survive"
    )
    return 1 if left else 0


if __name__ == "__main__":
    raise SystemExit(main())
