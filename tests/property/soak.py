"""A million men, one law after another: `python tests/property/soak.py --men 1000000 --seed S`.

Men are the seeds S, S+1, …; a process for each core takes them by the block. The state file holds
what is done, so that an interrupted run goes on where it was. The first men who break a law are
written beside it: the least facts that break it, and the Bundle (synthetic, nobody's data).
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

from generated_facts import shrunk, told
from generated_fhir import bundle
from generated_men import man_of
from property_laws import LAWS, Met

MOST_SHOWN = 10


def main() -> int:
    """Runs or resumes; 1 when a law was broken."""
    arguments = _arguments()
    state, size = _State(Path(arguments.state), arguments), arguments.block
    began, before = time.monotonic(), len(state.done)
    todo = [n for n in range(-(-arguments.men // size)) if n not in state.done]
    print(f"seed {arguments.seed}, {arguments.men} men, {len(state.done) * size} done before, "
          f"laws: {', '.join(arguments.law)}")  # fmt: skip
    with ProcessPoolExecutor(arguments.processes, initializer=_settle) as pool:
        for block, counts, broken in _results(pool, todo, arguments):
            state.add(block, counts, broken)
            men = (len(state.done) - before) * size
            rate = men / (time.monotonic() - began)
            if len(state.done) % 20 == 0 or broken:
                print(f"{len(state.done) * size:9d} men, {rate:.0f} a second, "
                      f"{len(state.broken)} broken", flush=True)  # fmt: skip
    return state.tell(time.monotonic() - began)


def _results(
    pool: ProcessPoolExecutor, todo: list[int], arguments: argparse.Namespace
) -> Iterator[tuple[int, dict[str, int], list[dict[str, Any]]]]:
    """Blocks as they end; never more waiting than the pool can take, so that Ctrl-C is quick."""
    rest = iter(todo)
    running = set()
    while True:
        while len(running) < 2 * arguments.processes and (block := next(rest, None)) is not None:
            seeds = _seeds(arguments, block)
            running.add(pool.submit(judge_block, block, seeds, tuple(arguments.law)))
        if not running:
            return
        ended, running = wait(running, return_when=FIRST_COMPLETED)
        for one in ended:
            yield one.result()


def _settle() -> None:
    """Collects garbage once a block: what is made for a man is hardly ever in a cycle."""
    gc.disable()


def _seeds(arguments: argparse.Namespace, block: int) -> range:
    first = arguments.seed + block * arguments.block
    return range(first, min(first + arguments.block, arguments.seed + arguments.men))


def judge_block(
    block: int, seeds: range, names: tuple[str, ...]
) -> tuple[int, dict[str, int], list[dict[str, Any]]]:
    """One block of men: what they met, and which of them broke a law or made it fall over."""
    met, broken = Met(), []
    for seed in seeds:
        man = man_of(seed)
        met.count(man)
        for name in names:
            try:
                wrong = LAWS[name](man)
            except Exception as error:
                wrong = f"falls with {error!r}"
            if wrong is not None:
                broken.append({"law": name, "seed": seed, "wrong": wrong})
    gc.collect()
    return block, dict(met.men), broken


class _State:
    """What is done, kept in a file after every block."""

    def __init__(self, path: Path, arguments: argparse.Namespace) -> None:
        self._path = path
        self._key = {"seed": arguments.seed, "men": arguments.men, "block": arguments.block,
                     "laws": arguments.law}  # fmt: skip
        self.done: set[int] = set()
        self.counts: Counter[str] = Counter()
        self.broken: list[dict[str, Any]] = []
        if path.exists():
            known = json.loads(path.read_text())
            if known["of"] == self._key:
                self.done = set(known["done"])
                self.counts, self.broken = Counter(known["counts"]), known["broken"]

    def add(self, block: int, counts: dict[str, int], broken: list[dict[str, Any]]) -> None:
        self.done.add(block)
        self.counts.update(counts)
        self.broken += broken
        members = {"of": self._key, "done": sorted(self.done), "counts": self.counts,
                   "broken": self.broken}  # fmt: skip
        self._path.parent.mkdir(parents=True, exist_ok=True)
        half = self._path.with_suffix(".part")
        half.write_text(json.dumps(members))
        half.replace(self._path)

    def tell(self, seconds: float) -> int:
        met = Met()
        met.men = self.counts
        print("\n".join(met.lines()))
        print(f"seed {self._key['seed']}: {self.counts['men']} men, {seconds:.0f} s, "
              f"{len(self.broken)} broken laws; state in {self._path}")  # fmt: skip
        seen: Counter[str] = Counter()
        for one in sorted(self.broken, key=lambda b: b["seed"]):
            seen[one["law"]] += 1
            if seen[one["law"]] <= MOST_SHOWN:
                self._show(one)
        return 1 if self.broken else 0

    def _show(self, one: dict[str, Any]) -> None:
        law = LAWS[one["law"]]
        man = man_of(one["seed"])
        if not one["wrong"].startswith("falls") and law(man) is not None:
            man = shrunk(man, lambda less: law(less) is not None)
        name = f"{one['law'].replace(' ', '-')}-{one['seed']}.json"
        (self._path.parent / name).write_bytes(bundle(man))
        print(f"\n{one['law']}: {one['wrong']}\n{told(man)}\n  Bundle: {self._path.parent / name}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--men", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=None, help="the first man; default: the clock")
    parser.add_argument("--block", type=int, default=1000, help="men a process takes at a time")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--state", default="build/soak/state.json")
    parser.add_argument("--law", action="append", choices=list(LAWS), help="default: all")
    arguments = parser.parse_args()
    arguments.law = arguments.law or list(LAWS)
    if arguments.seed is None:
        arguments.seed = _last_seed(Path(arguments.state)) or int(time.time()) * 1_000_000
    return arguments


def _last_seed(path: Path) -> int | None:
    """The seed of a run that is not over."""
    if not path.exists():
        return None
    known = json.loads(path.read_text())
    over = known["counts"]["men"] >= known["of"]["men"]
    return None if over else int(known["of"]["seed"])


if __name__ == "__main__":
    sys.exit(main())
