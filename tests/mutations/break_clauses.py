"""Breaks clauses one at a time and lists which of the tests that name them turned red.

`python tests/mutations/break_clauses.py [--seed S] [--draw N] [--clause ID] [--jobs N]`; exit code
1 when a broken clause left every one of its tests green.

Breaks are drawn by the seed, at most one a clause. Each is made in a copy of the repository, where
the tests named for its clause run. They first run in a copy with nothing broken: what is red there
shows nothing and does not count.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "conformance")]

from breaks import Break, breaks  # noqa: E402  beside this file
from clause_marks import marked_tests  # noqa: E402

COPIED = ("smartapp", "tests", "static", "fhir_fixtures", "docs")
FILES = ("pyproject.toml", "launch.json", "Makefile", "README.md")
LONGEST_S = 300
_RED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one break: the tests that turned red, or why none could."""

    broken: Break
    red: tuple[str, ...]
    trouble: str = ""


def drawn(seed: int, count: int) -> list[Break]:
    """`count` breaks of as many clauses; all of them, where there are fewer."""
    chance = random.Random(seed)
    by_clause: dict[str, list[Break]] = {}
    for one in breaks():
        by_clause.setdefault(one.clause, []).append(one)
    clauses = chance.sample(sorted(by_clause), min(count, len(by_clause)))
    return [chance.choice(by_clause[clause]) for clause in clauses]


def tests_of(clause: str) -> list[str]:
    """The node ids of the tests that name the clause."""
    return sorted({f"tests/{m.file}::{m.test}" for m in marked_tests() if m.clause == clause})


def copy(to: Path) -> None:
    """The repository, without what is made of it."""
    made = shutil.ignore_patterns("__pycache__", ".*_cache", "node_modules")
    for name in COPIED:
        shutil.copytree(ROOT / name, to / name, ignore=made)
    for name in FILES:
        shutil.copy2(ROOT / name, to / name)


def run(root: Path, tests: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """How the tests went in the copy at `root`: pytest's exit code, and those that are red.

    124 stands for a run that did not end.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not browser", "-p", "no:cacheprovider"]
    # No bytecode: a source altered within one second would be mistaken for what it was.
    environ = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [*command, *tests], cwd=root, env=environ, capture_output=True, text=True,
            timeout=LONGEST_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return 124, ()
    return done.returncode, tuple(_RED.findall(done.stdout))


def judged(broken: Break, root: Path, red_before: Iterable[str]) -> Verdict:
    """Breaks the clause in the copy at `root`, runs its tests, and mends the copy."""
    tests = tests_of(broken.clause)
    if not tests:
        return Verdict(broken, (), "no test names the clause")
    path = root / broken.file
    whole = path.read_text("utf-8")
    try:
        broken.apply(root)
        code, red = run(root, tests)
    except ValueError as error:
        return Verdict(broken, (), str(error))
    finally:
        path.write_text(whole, "utf-8")
    turned = tuple(name for name in red if name not in set(red_before))
    # 2 and more: nothing could be collected, so no test has seen anything.
    return Verdict(broken, turned, "" if code in (0, 1) else f"pytest ended with {code}")


def tell(verdict: Verdict) -> bool:
    """Prints one verdict; whether a named test turned red."""
    broken = verdict.broken
    first = verdict.red[0].partition(" ")[0] if verdict.red else verdict.trouble or "ALL GREEN"
    more = f" (+{len(verdict.red) - 1})" if len(verdict.red) > 1 else ""
    print(f"{broken.clause:7} {broken.file}: {first}{more}", flush=True)
    return bool(verdict.red) and not verdict.trouble


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--draw", type=int, default=30)
    parser.add_argument("--clause", action="append", help="these instead of drawn ones")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    chosen = drawn(given.seed, given.draw)
    if given.clause:
        chosen = [one for one in breaks() if one.clause in given.clause]
    with tempfile.TemporaryDirectory(prefix="clauses-") as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(given.jobs):
            copy(Path(folder) / str(number))
            copies.put(Path(folder) / str(number))
        whole = sorted({test for one in chosen for test in tests_of(one.clause)})
        _, red_before = run(Path(folder) / "0", whole)
        for name in red_before:
            print(f"red before anything was broken: {name}")

        def one(broken: Break) -> bool:
            root = copies.get()
            try:
                return tell(judged(broken, root, red_before))
            finally:
                copies.put(root)

        with ThreadPoolExecutor(given.jobs) as pool:
            noticed = list(pool.map(one, chosen))
    print(f"seed {given.seed}: {len(chosen)} clauses broken, {sum(noticed)} noticed by name")
    return 0 if all(noticed) else 1


if __name__ == "__main__":
    raise SystemExit(main())
