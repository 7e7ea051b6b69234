"""What a fresh PostgreSQL connection is told. Imported only where PostgreSQL is used: its driver
comes with the extra `postgres`."""

from __future__ import annotations

from typing import Any

from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.types.string import StrDumperUnknown

from smartapp.errors import ConfigError

# No transaction is held open across an HTTP call: one that idles belongs to a process that hangs.
_IDLE_LIMIT_MS = 30_000


def prepare(connection: Connection[Any], lock_timeout_ms: int) -> None:
    """Set how long it waits for a lock, and how text reaches it.

    Refuses (ConfigError) a database that cannot store every character.
    """
    if connection.info.parameter_status("server_encoding") != "UTF8":
        raise ConfigError("The PostgreSQL database must have been created with the encoding UTF8")
    connection.execute("SET client_encoding = 'UTF8'")
    for limit, ms in (
        ("lock_timeout", lock_timeout_ms),
        ("idle_in_transaction_session_timeout", _IDLE_LIMIT_MS),
    ):
        connection.execute("SELECT set_config(%s, %s, false)", (limit, str(ms)))
    connection.commit()
    connection.adapters.register_dumper(str, _StorableText)


class _StorableText(StrDumperUnknown):
    """Text without U+0000, which PostgreSQL cannot store and a caller's free text may hold.

    It becomes the replacement character, when written and when looked for: a call that SQLite
    would have kept is kept here too.
    """

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\x00", "\ufffd"))
