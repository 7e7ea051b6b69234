"""Opening the ledger: one engine, tables made at start, one kind of transaction."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Dialect, insert, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from smartapp.errors import ConfigError, LedgerError
from smartapp.ledger import engines, schema
from smartapp.ledger.engines import Engines, engines_for
from smartapp.ledger.secrets import Vault
from smartapp.settings import Settings

_SCHEMA_LOCK = 0x48504701  # PostgreSQL advisory lock: one worker makes the tables


class Writing:
    """The driver's own cursor inside one transaction: for the few statements of a hot path.

    Runs `schema.Statement`s at a third of what SQLAlchemy's execution costs. Fetch a result before
    the next statement: there is one cursor.
    """

    __slots__ = ("_cursor", "dialect")

    def __init__(self, dialect: Dialect, cursor: Any) -> None:
        self.dialect = dialect
        self._cursor = cursor

    def exec_driver_sql(self, statement: str, parameters: Any = None) -> Any:
        """Execute once, or once per row of a list of parameters; the cursor is the result."""
        if type(parameters) is list:
            self._cursor.executemany(statement, parameters)
        elif parameters is None:
            self._cursor.execute(statement)
        else:
            self._cursor.execute(statement, parameters)
        return self._cursor


@dataclass(frozen=True, slots=True)
class Ledger:
    """The open store. Safe to share between threads; open one per process, after the fork."""

    engines: Engines
    vault: Vault
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One durable transaction: all of it or nothing.

        On SQLite it is `BEGIN IMMEDIATE`, so what is read inside cannot change before the commit.
        On PostgreSQL (`READ COMMITTED`) it can, unless a statement that writes decided it.
        Refuses (LedgerError) when the store cannot be reached, is locked longer than
        `engines.BUSY_TIMEOUT_MS`, or refuses a statement; the caller's own exception rolls back.
        """
        try:
            with self._one_writer(), self.engines.writer.begin() as conn:
                yield conn
        except SQLAlchemyError as error:
            raise LedgerError(
                "The ledger could not be written; nothing was recorded."
            ) from _without_values(error)

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[Writing]:
        """The same transaction with the driver's cursor in place of SQLAlchemy's connection.

        Not `durable`, on SQLite it is seen by everyone at the commit but reaches the disk later: a
        power failure may take it back (a crash of the process does not). For rows that live
        minutes.
        """
        engine = self.engines.writer if durable else self.engines.brisk
        dialect = engine.dialect
        try:
            with self._one_writer():
                conn = engine.raw_connection()
                try:
                    cursor = conn.cursor()
                    if dialect.name == "sqlite":
                        cursor.execute("BEGIN IMMEDIATE")
                    yield Writing(dialect, cursor)
                    conn.commit()
                finally:
                    # Given back uncommitted, the pool rolls it back.
                    conn.close()
        except (SQLAlchemyError, dialect.loaded_dbapi.Error) as error:
            raise LedgerError(
                "The ledger could not be written; nothing was recorded."
            ) from _without_values(error)

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        """Threads of this process take turns, in the order they came.

        SQLite has one writer. Left to its busy handler, which sleeps and looks again, a thread
        that comes second waits many times longer than the first one writes.
        """
        if self.engines.writer.dialect.name != "sqlite":
            yield
            return
        if not self._turn.acquire(timeout=engines.BUSY_TIMEOUT_MS / 1000):
            raise LedgerError("The ledger is busy; nothing was recorded.")
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the store that takes no write lock. Refuses like `transaction`."""
        try:
            with self.engines.reader.begin() as conn:
                yield conn
        except SQLAlchemyError as error:
            raise LedgerError("The ledger could not be read.") from _without_values(error)

    def reachable(self) -> bool:
        """Whether the store answers (readiness)."""
        try:
            with self.reading() as conn:
                return (
                    conn.exec_driver_sql("SELECT version FROM ledger_version").scalar() is not None
                )
        except LedgerError:
            return False

    def close(self) -> None:
        """Give every connection back; the ledger opens new ones if it is used again."""
        self.engines.dispose()


def open_ledger(settings: Settings) -> Ledger:
    """The ledger of this deployment, with its tables made if they were not there.

    Refuses (ConfigError) a database that cannot be used (see `engines_for`) and missing secret
    keys outside the demo (there a key for this process is made up: nothing has to outlive it);
    (LedgerError) a store that cannot be opened or was written by another version.
    """
    keys = settings.secret_keys
    if not keys:
        if not settings.demo:
            raise ConfigError("SMARTAPP_SECRET_KEYS is required to open the ledger")
        keys = (secrets.token_urlsafe(32),)
    ledger = Ledger(engines_for(settings.store_url), Vault(keys))
    try:
        with ledger.reading():
            pass
    except LedgerError as error:
        raise LedgerError(
            "The ledger's database cannot be opened: see SMARTAPP_DATABASE_URL or SMARTAPP_HOME_DIR"
        ) from error.__cause__
    with ledger.transaction() as conn:
        _prepare(conn)
    # A connection opened before a fork must not be used after it.
    ledger.close()
    return ledger


def _prepare(conn: Connection) -> None:
    """Make the tables; two workers that start together take turns."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})")
    schema.metadata.create_all(conn)
    found = conn.execute(select(schema.version_table.c.version)).scalar()
    if found is None:
        conn.execute(insert(schema.version_table).values(version=schema.VERSION))
    elif found != schema.VERSION:
        raise LedgerError(
            f"The ledger was written by another version (schema {found}, this one needs "
            f"{schema.VERSION}); keep it, and open it with the version that wrote it."
        )


def _without_values(error: Exception) -> Exception:
    """The database's error as it may stand in a log.

    PostgreSQL quotes rows in the detail of its errors, and in the sentence of those about data
    (class 22); SQLite names columns.
    """
    said: Any = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(said, "sqlstate", None)
    if code is None:
        return error
    sentence = "" if code.startswith("22") else said.diag.message_primary
    safe = SQLAlchemyError(f"{type(said).__name__} ({code}) {sentence}".rstrip())
    return safe.with_traceback(error.__traceback__)
