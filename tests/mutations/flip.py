"""Flips every comparison of the engine and of what it reckons with, and lists what no test saw.

`python tests/mutations/flip.py [FILE…] [--jobs N] [--again]`; exit code 1 when a flip survives.

A flip is `<` for `<=`, `is` for `is not`, `==` for `!=`, `in` for `not in`, `and` for `or`, a
Span's `below` for `up_to` and `above` for `at_least`, `every` for `some`, `any` for `all`, `min`
for `max`, each both ways. It is tried in a forked child of a process that has collected the tests
of ROOMS: the flipped functions take the place of the whole ones and the tests that run the line
follow. A line that runs at import or collection is flipped before anything is imported; a flip
after which the house cannot be imported counts for itself, not as noticed.

Verdicts are kept in build/, so that a broken-off run goes on; any change of code, knowledge or
tests begins anew.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import hypothesis  # noqa: F401  imported here once, for every child
import msgspec  # noqa: F401
import pytest
from flips import Flip, flipped, flips_of
from warm import ROOMS, Session, arguments, drawn, share

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
STATE = ROOT / "build" / "mutants.jsonl"
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
_LABS = ("free_testosterone", "derived", "ratio", "series", "timing", "ranges", "usual")
NOTICED = ("assertion", "exception", "hang")
Functions = Mapping[tuple[str, int], list[FunctionType]]


def house() -> list[Path]:
    """The files whose comparisons are flipped."""
    engine = sorted((ROOT / "smartapp/engine").glob("*.py"))
    files = [*engine, *(ROOT / f"smartapp/labs/{name}.py" for name in _LABS)]
    return [file.relative_to(ROOT) for file in files]


# -- what was found before ------------------------------------------------------------------------


def digest() -> str:
    """Of everything a verdict depends on."""
    told = hashlib.sha256()
    for folder in ("smartapp", *ROOMS, "fhir_fixtures", "tests/mutations"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".toml", ".json"} and path != EQUIVALENT:
                told.update(path.read_bytes())
    return told.hexdigest()


def remembered(now: str) -> dict[str, list[str]]:
    """Flip → verdict and test, as far as they are of this state of the house."""
    if not STATE.exists():
        return {}
    first, *rest = STATE.read_text("utf-8").splitlines() or [""]
    if first != now:
        return {}
    return {row[0]: row[1:] for row in map(json.loads, rest)}


def remember(flip: Flip, verdict: str, test: str) -> None:
    # One short write to a file opened for appending is whole, whoever else writes.
    with STATE.open("a", encoding="utf-8") as state:
        state.write(json.dumps([flip.id, verdict, test]) + "\n")


def keep(flip: Flip, told: Any) -> None:
    verdict, test = (told, "") if isinstance(told, str) else told
    remember(flip, verdict, test)


# -- flipping inside functions --------------------------------------------------------------------


def living(files: Iterable[str]) -> dict[str, Functions]:
    """Every function of those files that somebody holds, by name and first line."""
    found: dict[str, dict[tuple[str, int], list[FunctionType]]] = {file: {} for file in files}
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__code__.co_filename in found:
            code = thing.__code__
            by_name = found[code.co_filename]
            by_name.setdefault((code.co_qualname, code.co_firstlineno), []).append(thing)
    return dict(found)


def put_in(code: CodeType, functions: Functions) -> None:
    """The code of every function of a file for what they were made of."""
    for part in _parts(code):
        for function in functions.get((part.co_qualname, part.co_firstlineno), ()):
            if function.__code__ != part:
                function.__code__ = part


def _parts(code: CodeType) -> Iterable[CodeType]:
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield const
            yield from _parts(const)


def try_warm(flips: Sequence[Flip], jobs: int) -> None:
    """Tries all flips of lines that only tests run; leaves those that run at import."""
    sources = {str(ROOT / f.file): (ROOT / f.file).read_text("utf-8") for f in flips}

    def work(session: Session) -> None:
        functions = living(sources)
        touching = session.lines()
        mine = [f for f in flips if not lines_of(f) & session.at_import]
        gc.collect()
        gc.freeze()

        def one(flip: Flip) -> list[str]:
            file = str(ROOT / flip.file)
            put_in(flipped(flip, sources[file], file), functions[file])
            met = [f"{name}:{line}" for name, line in lines_of(flip)]
            numbers = {n for line in met for n in touching.get(line, ())}
            return list(session.try_out(sorted(numbers))) if numbers else ["untouched", ""]

        share(mine, one, keep, jobs)

    if status := Session(set(sources), work).collect():
        raise SystemExit(status)


def lines_of(flip: Flip) -> set[tuple[str, int]]:
    return {(str(ROOT / flip.file), line) for line in range(flip.line, flip.end + 1)}


# -- flipping what runs at import -----------------------------------------------------------------


class Flipped(MetaPathFinder, Loader):
    """Gives out one module with a flip in it."""

    def __init__(self, flip: Flip) -> None:
        self._flip = flip
        self._path = ROOT / flip.file
        self._name = ".".join(flip.file.with_suffix("").parts)

    def find_spec(
        self, name: str, path: Any = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._name:
            return None
        return importlib.util.spec_from_file_location(name, self._path, loader=self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(flipped(self._flip, self._path.read_text("utf-8"), str(self._path)), module.__dict__)


class Watch:
    """The plugin of a whole run that ends with the first test that fails by assertion."""

    def __init__(self) -> None:
        self.verdict = ["survived", ""]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.verdict = ["import", str(report.nodeid)]

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [i for i in items if isinstance(i, pytest.Function) and not drawn(i)]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        report = yield
        if report.failed and call.excinfo is not None:
            asserted = call.excinfo.errisinstance((AssertionError, pytest.fail.Exception))
            if asserted or self.verdict[0] == "survived":
                self.verdict = ["assertion" if asserted else "exception", item.nodeid]
            if asserted:
                item.session.shouldstop = "noticed"
        return report


def try_cold(flips: Sequence[Flip], jobs: int) -> None:
    """Tries flips before anything of the house is imported, each on every test."""

    def one(flip: Flip) -> list[str]:
        sys.meta_path.insert(0, Flipped(flip))
        watch = Watch()
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            status = pytest.main([*arguments(), *ROOMS], plugins=[watch])
        if status == pytest.ExitCode.USAGE_ERROR and watch.verdict[0] == "survived":
            return ["import", "conftest"]
        return watch.verdict

    share(flips, one, keep, jobs)


# -- telling --------------------------------------------------------------------------------------


def excused() -> dict[tuple[str, str, str], str]:
    """(file, line of the source, flip) → why nothing changes."""
    rows = tomllib.loads(EQUIVALENT.read_text("utf-8")).get("flip", [])
    return {(r["file"], r["text"], r["what"]): r["why"] for r in rows}


def tell(flips: Sequence[Flip], verdicts: Mapping[str, list[str]]) -> int:
    """Prints what survived and the count of everything; how many flips nobody accounts for."""
    reasons, used, left = excused(), set(), 0
    counts: Counter[str] = Counter()
    for flip in flips:
        verdict, test = verdicts[flip.id]
        key = (str(flip.file), flip.text, flip.what)
        if key in reasons:
            used.add(key)
            if verdict in NOTICED:
                print(f"{flip.file}:{flip.line}: {flip.what}: excused, yet {test} notices it")
            else:
                verdict = "equivalent"
        counts[verdict] += 1
        if verdict not in (*NOTICED, "equivalent", "import"):
            left += 1
            print(f"{flip.file}:{flip.line}: {flip.what} ({verdict}): {flip.text}")
    files = {str(f.file) for f in flips}
    for key in sorted(reasons.keys() - used):
        if key[0] in files:
            print(f"equivalent.toml: fits no flip any more: {key}")
    noticed = sum(counts[name] for name in NOTICED)
    print(
        f"{len(flips)} flips: {noticed} noticed ({counts['assertion']} by an assertion, "
        f"{counts['exception']} by an exception in a test, {counts['hang']} by a hang), "
        f"{counts['equivalent']} equivalent, {counts['import']} break the import, {left} survive"
    )
    return left


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, help="all by default")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="forget the verdicts kept so far")
    given = parser.parse_args()
    os.chdir(ROOT)
    files = [f for f in house() if not given.files or f.name in {g.name for g in given.files}]
    flips = [flip for file in files for flip in flips_of(file, (ROOT / file).read_text("utf-8"))]
    now = digest()
    STATE.parent.mkdir(exist_ok=True)
    if given.again or not remembered(now):
        STATE.write_text(now + "\n", "utf-8")
    for attempt in (try_warm, try_cold):
        known = remembered(now)
        todo = [flip for flip in flips if flip.id not in known]
        if todo:
            # A child, so that this process stays as cold as it is.
            worker = os.fork()
            if not worker:
                attempt(todo, given.jobs)
                sys.stdout.flush()
                os._exit(0)
            os.waitpid(worker, 0)
    return 1 if tell(flips, remembered(now)) else 0


if __name__ == "__main__":
    raise SystemExit(main())
