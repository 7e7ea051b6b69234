"""The one MetaData on which every noun of the ledger puts its tables, and statements made once.

Text columns have no length: PostgreSQL would refuse what is longer and SQLite would not.
"""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy import Column, Dialect, Integer, MetaData, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ClauseElement

VERSION = 1
"""Raised when a table changes in a way that an older database does not have."""

metadata = MetaData()

version_table = Table("ledger_version", metadata, Column("version", Integer, primary_key=True))


class Executor(Protocol):
    """What runs a statement: SQLAlchemy's Connection, or the driver's cursor of `Ledger.writing`.

    Results of both have `fetchone`, `fetchall` and `rowcount`.
    """

    @property
    def dialect(self) -> Dialect: ...
    def exec_driver_sql(self, statement: str, parameters: Any = None) -> Any: ...


class Statement:
    """A Core statement compiled once per dialect and run without SQLAlchemy's per-call work.

    The hook path writes a handful of rows per call; going through `exec_driver_sql` costs about a
    third of `Connection.execute`. Values reach the driver as they are, so they must be str, int,
    float, bytes or None: no type of SQLAlchemy's converts them. A statement may hold no literal
    values besides named bind parameters.
    """

    __slots__ = ("_clause", "_compiled")

    def __init__(self, clause: ClauseElement) -> None:
        self._clause = clause
        self._compiled: dict[str, tuple[str, tuple[str, ...] | None]] = {}

    def run(self, conn: Executor, **values: Any) -> Any:
        """Execute with `values`, one for each bind parameter."""
        sql, order = self._for(conn.dialect)
        return conn.exec_driver_sql(
            sql, values if order is None else tuple([values[name] for name in order])
        )

    def run_many(self, conn: Executor, rows: list[dict[str, Any]]) -> None:
        """Execute once per row (`executemany`); nothing happens for no rows."""
        if not rows:
            return
        sql, order = self._for(conn.dialect)
        if order is None:
            conn.exec_driver_sql(sql, rows)
        else:
            conn.exec_driver_sql(sql, [tuple([row[name] for name in order]) for row in rows])

    def _for(self, dialect: Dialect) -> tuple[str, tuple[str, ...] | None]:
        found = self._compiled.get(dialect.name)
        if found is None:
            compiled: Any = self._clause.compile(dialect=dialect)
            order = tuple(compiled.positiontup) if compiled.positional else None
            found = self._compiled[dialect.name] = (str(compiled), order)
        return found


def insert_once(table: Table) -> dict[str, Statement]:
    """By dialect: an insert that leaves an older row of the same key alone (`rowcount` 0)."""
    return {
        "sqlite": Statement(sqlite.insert(table).on_conflict_do_nothing()),
        "postgresql": Statement(postgresql.insert(table).on_conflict_do_nothing()),
    }


def insert_or_replace(table: Table) -> dict[str, Statement]:
    """By dialect: an insert that writes over an older row of the same key."""
    made: dict[str, Statement] = {}
    for dialect in (sqlite, postgresql):
        insert = dialect.insert(table)
        rest = {c.name: insert.excluded[c.name] for c in table.c if not c.primary_key}
        key = table.primary_key.columns
        made[dialect.__name__.rpartition(".")[2]] = Statement(
            insert.on_conflict_do_update(index_elements=key, set_=rest)
        )
    return made
