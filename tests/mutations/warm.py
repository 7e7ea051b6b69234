"""A pytest session that has collected its tests and waits: trials run in forked children of it.

A child changes what it likes, runs the tests that matter and tells how they ended; whatever it
did is gone with it. Tests that draw their input at random take no part: what notices a flip must
notice it every time.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import zip_longest
from types import FrameType
from typing import Any, Literal, TypeVar

import pytest
from _pytest.runner import runtestprotocol

ROOMS = ("tests/engine", "tests/labs", "tests/patient")
Verdict = Literal["assertion", "exception", "hang", "import", "survived", "untouched"]
# A flip that makes this many tests stumble without a failed assertion is noticed by exceptions.
_ENOUGH = 5
_SECONDS = 60

Thing = TypeVar("Thing")
RAISED = pytest.StashKey[BaseException]()
Lines = set[tuple[str, int]]
Job = Callable[[], Any]
Noting = Callable[[], AbstractContextManager[set[str]]]


class Session:
    """The plugin: collects, then gives itself to `work` instead of running the tests.

    at_import  lines of `files` that ran before the first test did
    """

    def __init__(self, files: Collection[str], work: Callable[[Session], None]) -> None:
        self.items: list[pytest.Function] = []
        self.at_import: Lines = set()
        self._files = files
        self._work = work

    def collect(self, rooms: Iterable[str] = ROOMS) -> int:
        with traced(self._files, self.at_import):
            return int(pytest.main([*arguments(), *rooms], plugins=[self]))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        sys.settrace(None)
        if session.testsfailed:
            raise SystemExit("the tests do not collect")
        self.items = [i for i in session.items if isinstance(i, pytest.Function) and not drawn(i)]
        self._work(self)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        if call.excinfo is not None:
            item.stash[RAISED] = call.excinfo.value

    def touching(self, noting: Noting) -> Mapping[str, list[int]]:
        """What `noting` notes while a test runs → the numbers of the tests that met it.

        Refuses (SystemExit) a test that fails as things are.
        """

        def look() -> dict[str, list[int]]:
            found: dict[str, list[int]] = defaultdict(list)
            for number, item in enumerate(self.items):
                with noting() as met:
                    ended = run(item, next(iter(self.items[number + 1 :]), None))
                if ended is not None:
                    raise SystemExit(f"{item.nodeid} fails as things are: {ended!r}")
                for name in met:
                    found[name].append(number)
            return found

        told = in_child(look, seconds=1800)
        if not isinstance(told, dict):
            raise SystemExit(f"no look at what the tests run: {told}")
        return told

    def lines(self) -> Mapping[str, list[int]]:
        """Line of `files`, as file:line, → the numbers of the tests that run it."""

        @contextmanager
        def noting() -> Iterator[set[str]]:
            ran: Lines = set()
            met: set[str] = set()
            with traced(self._files, ran):
                yield met
            met.update(f"{file}:{line}" for file, line in ran)

        return self.touching(noting)

    def try_out(self, numbers: Sequence[int]) -> tuple[Verdict, str]:
        """Runs those tests until one fails by assertion; the verdict and the test that gave it."""
        stumbled = ""
        count = 0
        items = [self.items[number] for number in numbers]
        for item, following in zip_longest(items, items[1:]):
            ended = run(item, following)
            if isinstance(ended, AssertionError | pytest.fail.Exception):
                return "assertion", item.nodeid
            if ended is not None:
                count, stumbled = count + 1, stumbled or item.nodeid
                if count == _ENOUGH:
                    break
        return ("exception", stumbled) if stumbled else ("survived", "")


def arguments() -> list[str]:
    plain = ["-q", "-q", "-s", "--no-header", "--no-summary", "--tb=no"]
    return [*plain, "-p", "no:cacheprovider"]


def drawn(item: pytest.Function) -> bool:
    return bool(getattr(item.obj, "is_hypothesis_test", False))


def run(item: pytest.Function, following: pytest.Item | None) -> BaseException | None:
    """One test as pytest runs it; what it raised, None when it passed or was skipped."""
    told = runtestprotocol(item, log=False, nextitem=following)
    return None if all(report.outcome != "failed" for report in told) else item.stash[RAISED]


@contextmanager
def traced(files: Collection[str], into: Lines) -> Iterator[None]:
    """Notes every line of `files` that runs meanwhile."""

    def local(frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            into.add((frame.f_code.co_filename, frame.f_lineno))
        return local

    def enter(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename not in files:
            return None
        into.add((frame.f_code.co_filename, frame.f_lineno))
        return local

    sys.settrace(enter)
    try:
        yield
    finally:
        sys.settrace(None)


def in_child(job: Job, seconds: int = _SECONDS) -> Any:
    """What `job` returns in a forked child, by way of JSON; "hang" or "died" if it does not."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        status = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(seconds)
            with os.fdopen(write, "w") as pipe:
                json.dump(job(), pipe)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read) as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
        return "hang"
    return json.loads(told) if status == 0 else "died"


def share(
    things: Sequence[Thing],
    one: Callable[[Thing], Any],
    keep: Callable[[Thing, Any], None],
    jobs: int,
) -> None:
    """`one` of every thing in a child of its own, `jobs` at a time; what it told goes to `keep`."""
    workers = []
    for place in range(jobs):
        worker = os.fork()
        if not worker:
            for thing in things[place::jobs]:
                keep(thing, in_child(partial(one, thing)))
            os._exit(0)
        workers.append(worker)
    for worker in workers:
        os.waitpid(worker, 0)
