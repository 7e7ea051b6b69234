"""A PostgreSQL of our own for one run: in a temporary folder, on a socket in it, then gone."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

HOW_TO_GET_IT = "no PostgreSQL server here: install it (Debian: apt install postgresql)"
# ICU's order of text is not that of bytes, as on most servers in use.
INITDB = ("-A", "trust", "-U", "ledger", "-E", "UTF8", "--no-sync", "--wal-segsize=1")
ICU = ("--locale-provider=icu", "--icu-locale=en-US")
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=")


class Cluster:
    """A running server. Its folder holds everything that it wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count(1)

    def address(self, database: str = "postgres", schema: str = "public") -> str:
        return (
            f"postgresql://ledger@/{database}?host={self.folder}&options=-csearch_path%3D{schema}"
        )

    def fresh(self) -> str:
        """The address of an empty place: a schema costs a tenth of a database."""
        schema = f"t{next(self._numbers)}"
        self.run(f"CREATE SCHEMA {schema}")
        return self.address(schema=schema)

    def run(self, sql: str) -> None:
        with psycopg.connect(host=str(self.folder), user="ledger", dbname="postgres") as conn:
            conn.autocommit = True
            conn.execute(sql.encode())

    def written(self) -> bytes:
        """What lies in its files, the log of its transactions included."""
        self.run("CHECKPOINT")
        return b"".join(p.read_bytes() for p in self.folder.rglob("*") if p.is_file())


def server_programs() -> Path | None:
    """The folder of `initdb` and `postgres`, the newest release first."""
    named = shutil.which("initdb")
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[-3])
    )
    return found[-1].parent if found else Path(named).parent if named else None


@contextmanager
def running_cluster(programs: Path) -> Iterator[Cluster]:
    # Not below pytest's own folder: a server that runs as another user could not reach it, and the
    # path of a socket is short.
    folder = Path(tempfile.mkdtemp(prefix="hpg-pg-"))
    who: dict[str, Any] = {"cwd": folder, "env": {**os.environ, "LC_ALL": "C.UTF-8"}}
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        user = _other_user()
        os.chown(folder, user.pw_uid, user.pw_gid)
        who |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    data = folder / "data"
    try:
        _initialise(programs, data, who)
        settings = [f"-c{s}" for s in (*QUICK, f"unix_socket_directories={folder}")]
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *settings],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            **who,
        )
        try:
            cluster = Cluster(folder)
            _wait_for(cluster, server)
            yield cluster
        finally:
            server.send_signal(3)  # SIGQUIT: it has nothing to save
            server.wait(timeout=10)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _other_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _initialise(programs: Path, data: Path, who: dict[str, Any]) -> None:
    made = None
    for collation in (ICU, ()):  # a server may be built without ICU, and older ones do not ask
        shutil.rmtree(data, ignore_errors=True)
        made = subprocess.run(
            [programs / "initdb", "-D", data, *INITDB, *collation],
            capture_output=True,
            text=True,
            **who,
        )
        if made.returncode == 0:
            return
    raise RuntimeError(f"initdb: {made.stderr if made else ''}")


def _wait_for(cluster: Cluster, server: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        try:
            cluster.run("SELECT 1")
        except psycopg.OperationalError:
            if server.poll() is not None:
                break
            time.sleep(0.02)
        else:
            return
    raise RuntimeError("PostgreSQL did not start")
