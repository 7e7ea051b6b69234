"""Flips every comparison of the engine, one at a time, and runs the engine's tests on each.

`python tests/mutations/flip.py [FILE…] [--jobs N]` works on a copy in a temporary folder and lists
the flips that no test noticed; exit code 1 when there are any. Not part of the suite: it takes
minutes. A flip is `<` for `<=`, `>` for `>=`, `is` for `is not`, `==` for `!=`, and a Span's
`below` for `up_to`, `above` for `at_least`, with all of them the other way round.
"""

from __future__ import annotations

import argparse
import ast
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).resolve().parents[2]
ENGINE = Path("smartapp/engine")
_OPERATORS: dict[type[ast.cmpop], tuple[type[ast.cmpop], str]] = {
    ast.Lt: (ast.LtE, "< to <="),
    ast.LtE: (ast.Lt, "<= to <"),
    ast.Gt: (ast.GtE, "> to >="),
    ast.GtE: (ast.Gt, ">= to >"),
    ast.Eq: (ast.NotEq, "== to !="),
    ast.NotEq: (ast.Eq, "!= to =="),
    ast.Is: (ast.IsNot, "is to is not"),
    ast.IsNot: (ast.Is, "is not to is"),
}
_METHODS = {"below": "up_to", "up_to": "below", "above": "at_least", "at_least": "above"}


@dataclass(frozen=True, slots=True)
class Flip:
    file: Path
    line: int
    what: str
    source: str


def flips(file: Path) -> Iterator[Flip]:
    """Every flip of one file, with the whole source as it then reads."""
    text = (ROOT / file).read_text("utf-8")
    for place, node in enumerate(ast.walk(ast.parse(text))):
        count = len(node.ops) if isinstance(node, ast.Compare) else 1
        for which in range(count):
            tree = ast.parse(text)
            what = _flip(list(ast.walk(tree))[place], which)
            if what is not None:
                line = getattr(node, "lineno", 0)
                yield Flip(file, line, what, ast.unparse(tree))


def _flip(node: ast.AST, which: int) -> str | None:
    if isinstance(node, ast.Compare):
        known = _OPERATORS.get(type(node.ops[which]))
        if known is None:
            return None
        node.ops[which] = known[0]()
        return known[1]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        other = _METHODS.get(node.func.attr)
        if other is not None:
            what = f"{node.func.attr} to {other}"
            node.func.attr = other
            return what
    return None


def noticed(flip: Flip, copy: Path) -> bool:
    """Whether a test of the engine turns red on the flip, in a copy of the house."""
    target = copy / flip.file
    whole = target.read_text("utf-8")
    target.write_text(flip.source, "utf-8")
    try:
        done = subprocess.run(
            [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider",
             "-p", "no:xdist", "tests/engine", "--deselect", "tests/engine/test_engine_words.py",
             "--ignore", "tests/engine/test_engine_properties.py"],
            cwd=copy,
            capture_output=True,
            check=False,
            timeout=300,
        )  # fmt: skip
    finally:
        target.write_text(whole, "utf-8")
    return done.returncode != 0


def copy_house(into: Path) -> Path:
    for folder in ("smartapp", "tests/engine", "fhir_fixtures"):
        shutil.copytree(ROOT / folder, into / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", into)
    return into


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", help="files of the engine; all by default")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    files = [ENGINE / Path(f).name for f in given.files] or [
        p.relative_to(ROOT) for p in sorted((ROOT / ENGINE).glob("*.py"))
    ]
    every = [flip for file in files for flip in flips(file)]
    survived: list[Flip] = []
    with tempfile.TemporaryDirectory() as folder:
        copies: Queue[Path] = Queue()
        for number in range(given.jobs):
            copies.put(copy_house(Path(folder) / str(number)))

        def one(flip: Flip) -> None:
            copy = copies.get()
            try:
                if not noticed(flip, copy):
                    survived.append(flip)
                    print(f"{flip.file}:{flip.line}: {flip.what} was not noticed", flush=True)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(given.jobs) as pool:
            list(pool.map(one, every))
    print(f"{len(every) - len(survived)} of {len(every)} flips noticed")
    return 1 if survived else 0


if __name__ == "__main__":
    raise SystemExit(main())
