"""Server processes of the bench: started, watched through /proc, stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

START_S = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """One running target. `name` is its column in the report."""

    name: str
    port: int
    pid: int
    path: str = "/cds-services/hpg-patient-view"

    def cpu_seconds(self) -> float:
        """User and system time of the process and of every process under it, so far."""
        return sum(_cpu(pid) for pid in _family(self.pid))


@contextlib.contextmanager
def running(
    name: str,
    target: str,
    *,
    server: str = "granian",
    env: dict[str, str] | None = None,
    python: str = sys.executable,
    path: str = "/cds-services/hpg-patient-view",
) -> Iterator[Server]:
    """`target` ("module:factory") under one worker of that server, on a free port of this machine.

    Refuses (RuntimeError) a server that does not answer within `START_S`.
    """
    port = _free_port()
    process = subprocess.Popen(  # noqa: S603 - our own command line
        _command(server, python, target, port),
        env={**os.environ, **(env or {})},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        cwd=Path(__file__).parents[1],
    )
    try:
        _wait_until_up(process, name, port)
        yield Server(name, port, process.pid, path)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=10)


def _command(server: str, python: str, target: str, port: int) -> list[str]:
    if server == "granian":
        return [
            python, "-m", "granian", "--interface", "wsgi", "--factory", "--host", "127.0.0.1",
            "--port", str(port), "--workers", "1", "--blocking-threads", "8",
            "--log-level", "warning", target,
        ]  # fmt: skip
    if server == "gunicorn":
        return [
            python, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "1",
            "--threads", "8", "--worker-class", "gthread", "--keep-alive", "30",
            "--log-level", "warning", f"{target}()",
        ]  # fmt: skip
    if server == "uvicorn":
        return [
            python, "-m", "uvicorn", target, "--host", "127.0.0.1", "--port", str(port),
            "--log-level", "warning", "--no-access-log",
        ]  # fmt: skip
    raise ValueError(f"{server} is no server of this bench")


def _wait_until_up(process: subprocess.Popen[bytes], name: str, port: int) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended with {process.returncode} before it answered")
        connection = HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return
        finally:
            connection.close()
    raise RuntimeError(f"{name} did not answer within {START_S:.0f} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text().split():
                found += _family(int(child))
    return found


def _cpu(pid: int) -> float:
    """Seconds on a processor: to the nanosecond where the kernel says so, else in ticks."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        spent = sum(int((t / "schedstat").read_text().split()[0]) for t in threads)
    except (OSError, ValueError, IndexError):
        spent = 0
    if spent:
        return spent / 1e9
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
