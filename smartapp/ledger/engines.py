"""How each of the two databases is reached: one address, three ways of using its connections."""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from smartapp.errors import ConfigError, LedgerError

BUSY_TIMEOUT_MS = 5000
_UNUSABLE = "SMARTAPP_DATABASE_URL cannot be used: "
_MADE_FOR_PSYCOPG = {"postgres", "postgresql", "postgresql+psycopg"}

# A database machine that vanished is noticed within seconds, not when the kernel gives up. What
# the address itself says goes before.
_NOTICE_ABSENCE = {
    "connect_timeout": "5",
    "tcp_user_timeout": "10000",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "2",
}


@dataclass(frozen=True, slots=True)
class Engines:
    """The ways to the store.

    writer  durable transactions
    brisk   transactions that a power failure may take back (SQLite; elsewhere the writer)
    reader  transactions that see one state of the store from their first statement on
    """

    writer: Engine
    brisk: Engine
    reader: Engine

    def dispose(self) -> None:
        """Give every connection back; new ones are opened on use."""
        self.writer.dispose()
        self.brisk.dispose()


def engines_for(address: str) -> Engines:
    """The engines of a SQLite file or a PostgreSQL database; no connection is opened yet.

    Refuses (ConfigError) an address that cannot be read, another database, SQLite without a file,
    and PostgreSQL whose driver is not installed; (LedgerError) a file that cannot be made.
    """
    try:
        url = make_url(address)
        if url.get_backend_name() == "sqlite":
            return _sqlite(url)
        if url.drivername in _MADE_FOR_PSYCOPG:
            return _postgresql(url)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        raise ConfigError(_UNUSABLE + "it is no database address that can be read") from error
    raise ConfigError(_UNUSABLE + "it must begin with sqlite:/// or postgresql://")


def _sqlite(url: URL) -> Engines:
    url.get_dialect()  # refuses an unknown driver before a file is made for it
    if not url.database or url.database == ":memory:":
        raise ConfigError(_UNUSABLE + "SQLite needs a file here: sqlite:////path/of/the/file")
    _private_file(Path(url.database))

    def engine(synchronous: str) -> Engine:
        made = create_engine(url, hide_parameters=True, pool_size=16, max_overflow=32)
        event.listen(made, "connect", partial(_sqlite_connect, synchronous))
        event.listen(made, "begin", _sqlite_begin)
        return made

    writer = engine("FULL")
    return Engines(writer, engine("NORMAL"), writer.execution_options(reading=True))


def _private_file(path: Path) -> None:
    """Make the database file readable for nobody else; its WAL inherits the mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise LedgerError(
            f"The ledger's file cannot be made or opened: {error.strerror}"
        ) from error


def _sqlite_connect(synchronous: str, connection: Any, _record: object) -> None:
    # The driver must not open transactions by itself: `_sqlite_begin` does.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}").close()
    _write_ahead(connection)
    for pragma in (
        f"synchronous = {synchronous}",
        "secure_delete = ON",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn the write-ahead log on; once it is, that stays in the file.

    SQLite answers the change itself with "locked" at once, without heeding the busy timeout, when
    another process opens or closes the same new file: so it is asked again for as long. (Its
    code carries the particular kind of "busy" in the higher bits.)
    """
    last = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > last:
                raise
        time.sleep(0.01)


def _sqlite_begin(conn: Connection) -> None:
    reading = conn.get_execution_options().get("reading", False)
    conn.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _postgresql(url: URL) -> Engines:
    try:
        from smartapp.ledger import postgresql
    except ImportError as error:
        raise ConfigError(
            "SMARTAPP_DATABASE_URL names PostgreSQL, whose driver is not installed: "
            "pip install 'smartapp[postgres]'"
        ) from error

    def prepare(connection: Any, _record: object) -> None:
        postgresql.prepare(connection, BUSY_TIMEOUT_MS)

    absent = {name: value for name, value in _NOTICE_ABSENCE.items() if name not in url.query}
    writer = create_engine(
        url.set(drivername="postgresql+psycopg").update_query_dict(absent),
        hide_parameters=True,
        # What the statements were written for, whatever the server's default: each sees what was
        # committed before it began, so what follows an advisory lock sees its last holder's rows.
        isolation_level="READ COMMITTED",
        # Eight threads of a worker and the sweeper; a server takes 100 connections by default.
        pool_size=10,
        max_overflow=5,
        pool_timeout=BUSY_TIMEOUT_MS / 1000,
        # A server that was started anew costs no call an error.
        pool_pre_ping=True,
    )
    # First of all: SQLAlchemy itself cannot read the answers of a database of another encoding.
    event.listen(writer, "connect", prepare, insert=True)
    reader = writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Engines(writer, writer, reader)
