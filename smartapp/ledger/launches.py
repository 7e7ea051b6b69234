"""Launch sessions: single-use state, the launch itself, its tokens and its pages of data.

Nothing here can be used by who reads the database: state values and browser ids are kept as
SHA-256, context, tokens and pages sealed with the launch's own data key. What is kept as context
and tokens is the front door's business: bytes here.

A launch lives 15 minutes after it was last used and 8 hours at most. `sweep` deletes what is over;
until it comes, `find` already treats it as gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    bindparam,
    delete,
    insert,
    or_,
    select,
    update,
)

from smartapp.errors import LaunchExpired
from smartapp.ledger import schema
from smartapp.ledger.secrets import Sealer
from smartapp.ledger.store import Ledger

STATE_LIFE = timedelta(minutes=10)
IDLE_LIFE = timedelta(minutes=15)
WHOLE_LIFE = timedelta(hours=8)
_FREE = 0
_TOUCH_EVERY = timedelta(seconds=15)  # a page full of pictures is one use, not twenty writes

PageGap = tuple[str, str, str]
"""A kind of data that could not be read: what, state, reason."""

states = Table(
    "launch_state",
    schema.metadata,
    Column("state", String, primary_key=True),
    Column("browser", String, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

launches = Table(
    "launch",
    schema.metadata,
    Column("id", String, primary_key=True),
    Column("browser", String, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("data_key", LargeBinary, nullable=False),
    Column("context", LargeBinary, nullable=False),
    Column("tokens", LargeBinary),
    Column("lease_until", BigInteger, nullable=False),
    Column("fetch", Integer, nullable=False),
    Column("fetched", BigInteger),
    Column("gaps", LargeBinary),
)

pages = Table(
    "launch_page",
    schema.metadata,
    Column("launch", String, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

_l, _s, _p = launches.c, states.c, pages.c

_ADD_STATE = schema.Statement(insert(states))
_TAKE_STATE = schema.Statement(
    delete(states)
    .where(_s.state == bindparam("digest"))
    .returning(_s.browser, _s.expires, _s.payload)
)
_ADD_LAUNCH = schema.Statement(insert(launches))
_FIND = schema.Statement(
    select(_l.browser, _l.created, _l.used, _l.expires, _l.data_key, _l.context, _l.fetch).where(
        _l.id == bindparam("launch")
    )
)
_TOUCH = schema.Statement(
    update(launches).where(_l.id == bindparam("launch")).values(used=bindparam("now"))
)
_PUT_CONTEXT = schema.Statement(
    update(launches)
    .where(_l.id == bindparam("launch"), _l.context == bindparam("old"))
    .values(context=bindparam("sealed"))
)
_TOKENS = schema.Statement(select(_l.data_key, _l.tokens).where(_l.id == bindparam("launch")))
_TAKE_LEASE = schema.Statement(
    update(launches)
    .where(_l.id == bindparam("launch"), _l.lease_until == bindparam("free"))
    .values(lease_until=bindparam("until"))
    .returning(_l.data_key, _l.tokens)
)
_TAKE_OVER = schema.Statement(
    update(launches)
    .where(
        _l.id == bindparam("launch"),
        _l.lease_until > bindparam("free"),
        _l.lease_until < bindparam("now"),
    )
    .values(lease_until=bindparam("until"))
    .returning(_l.data_key, _l.tokens)
)
_PUT_TOKENS = schema.Statement(
    update(launches)
    .where(_l.id == bindparam("launch"), _l.lease_until == bindparam("until"))
    .values(tokens=bindparam("sealed"), lease_until=bindparam("free"))
)
_NEXT_FETCH = schema.Statement(
    update(launches)
    .where(_l.id == bindparam("launch"))
    .values(fetch=_l.fetch + bindparam("one"), fetched=bindparam("at"))
    .returning(_l.data_key, _l.fetch)
)
_PUT_GAPS = schema.Statement(
    update(launches).where(_l.id == bindparam("launch")).values(gaps=bindparam("sealed"))
)
_FETCHED = schema.Statement(
    select(_l.data_key, _l.fetch, _l.fetched, _l.gaps).where(_l.id == bindparam("launch"))
)
_PAGES = schema.Statement(
    select(_p.n, _p.name, _p.body).where(_p.launch == bindparam("launch")).order_by(_p.n)
)
_ADD_PAGE = schema.Statement(insert(pages))
_DROP_PAGES = schema.Statement(delete(pages).where(_p.launch == bindparam("launch")))
_DROP_LAUNCH = schema.Statement(delete(launches).where(_l.id == bindparam("launch")))


@dataclass(frozen=True, slots=True)
class TakenState:
    """A state row that exists no more: taken once, whoever took it."""

    payload: bytes
    expired: bool
    _browser: str

    def of_browser(self, browser: str) -> bool:
        """Whether `browser` (the cookie's value) is the one that began the launch."""
        return _digest(browser) == self._browser


@dataclass(frozen=True, slots=True)
class StoredLaunch:
    """A live launch of this browser. `context` is what the front door stored; `fetch` counts how
    often its data were read (0: not yet) and serves as the key of an in-memory copy."""

    launch_id: str
    context: bytes
    created: datetime
    expires: datetime
    fetch: int


@dataclass(frozen=True, slots=True)
class StoredPages:
    """The data of one fetch: pages in the order put, what could not be read, and when."""

    fetch: int
    pages: tuple[tuple[str, bytes], ...]
    gaps: tuple[PageGap, ...]
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to use a launch's refresh token, held by one caller until `until`.

    `taken_over`: its last holder never finished, so the refresh token may have been used.
    """

    launch_id: str
    tokens: bytes
    until: datetime
    taken_over: bool


@dataclass(frozen=True, slots=True)
class Swept:
    """How many rows a sweep deleted."""

    states: int
    launches: int
    pages: int


@dataclass(frozen=True, slots=True)
class Launches:
    """The launch sessions of one ledger. Every method that needs the time is given it."""

    ledger: Ledger

    def remember_state(self, state: str, browser: str, payload: bytes, now: datetime) -> None:
        """Keep `payload` for the callback that brings `state` back within `STATE_LIFE`."""
        digest = _digest(state)
        with self.ledger.transaction() as conn:
            _ADD_STATE.run(
                conn,
                state=digest,
                browser=_digest(browser),
                expires=_ms(now + STATE_LIFE),
                payload=self.ledger.vault.seal(payload, f"state/{digest}"),
            )

    def take_state(self, state: str, now: datetime) -> TakenState | None:
        """What was kept for `state`, deleted in the same statement; None when there is none.

        Of any number of callers in any number of processes one gets it.
        """
        digest = _digest(state)
        with self.ledger.transaction() as conn:
            row: Any = _TAKE_STATE.run(conn, digest=digest).first()
        if row is None:
            return None
        payload = self.ledger.vault.open(row.payload, f"state/{digest}")
        return TakenState(payload, row.expires <= _ms(now), row.browser)

    def start(
        self,
        conn: Connection,
        launch_id: str,
        browser: str,
        context: bytes,
        tokens: bytes | None,
        now: datetime,
    ) -> None:
        """Begin a launch, in the caller's transaction (its audit row belongs to it)."""
        data_key, sealer = self.ledger.vault.new_data_key(f"launch/{launch_id}")
        _ADD_LAUNCH.run(
            conn,
            id=launch_id,
            browser=_digest(browser),
            created=_ms(now),
            used=_ms(now),
            expires=_ms(now + WHOLE_LIFE),
            data_key=data_key,
            context=sealer.seal(context, f"context/{launch_id}"),
            tokens=None if tokens is None else sealer.seal(tokens, f"tokens/{launch_id}"),
            lease_until=_FREE,
            fetch=0,
            fetched=None,
            gaps=None,
        )

    def find(self, launch_id: str, browser: str, now: datetime) -> StoredLaunch | None:
        """The launch, if it is this browser's and not over; the visit counts as use.

        None says no more than that: another browser's launch looks like one that never was.
        """
        with self.ledger.reading() as conn:
            row: Any = _FIND.run(conn, launch=launch_id).first()
        if row is None or row.browser != _digest(browser) or _over(row, now):
            return None
        if _ms(now) - row.used >= _TOUCH_EVERY // _MS:
            with self.ledger.transaction() as conn:
                _TOUCH.run(conn, launch=launch_id, now=_ms(now))
        context = self._sealer(row, launch_id).open(row.context, f"context/{launch_id}")
        return StoredLaunch(launch_id, context, _time(row.created), _time(row.expires), row.fetch)

    def context(self, launch_id: str) -> bytes:
        """What the front door stored for the launch. Refuses (LaunchExpired) when it is gone.

        Whose launch it is was decided by `find`; this does not count as use.
        """
        with self.ledger.reading() as conn:
            row: Any = _FIND.run(conn, launch=launch_id).first()
        if row is None:
            raise _gone()
        return self._sealer(row, launch_id).open(row.context, f"context/{launch_id}")

    def settle(self, conn: Connection, launch_id: str, before: bytes, after: bytes) -> bool:
        """Replace the context `before`, in the caller's transaction; False if it is another by now.

        Of several callers that saw the same context one wins.
        """
        row: Any = _FIND.run(conn, launch=launch_id).first()
        if row is None:
            return False
        sealer, place = self._sealer(row, launch_id), f"context/{launch_id}"
        if sealer.open(row.context, place) != before:
            return False
        sealed = sealer.seal(after, place)
        done = _PUT_CONTEXT.run(conn, launch=launch_id, old=row.context, sealed=sealed)
        return bool(done.rowcount == 1)

    def tokens(self, launch_id: str) -> bytes | None:
        """The launch's tokens; None for a launch without any. Refuses (LaunchExpired) when over."""
        with self.ledger.reading() as conn:
            row: Any = _TOKENS.run(conn, launch=launch_id).first()
        if row is None:
            raise _gone()
        return self._open_tokens(row, launch_id)

    def lease(self, launch_id: str, now: datetime, life: timedelta) -> Lease | None:
        """The right to refresh, or None when another worker has it. It lapses after `life`.

        The tokens come with it, read in the same statement: they are the newest there are.
        """
        until = now + life
        wanted = {"launch": launch_id, "until": _ms(until), "free": _FREE}
        with self.ledger.transaction() as conn:
            row: Any = _TAKE_LEASE.run(conn, **wanted).first()
            taken_over = row is None
            if taken_over:
                row = _TAKE_OVER.run(conn, now=_ms(now), **wanted).first()
        tokens = None if row is None else self._open_tokens(row, launch_id)
        if tokens is None:
            return None
        return Lease(launch_id, tokens, _time(_ms(until)), taken_over)

    def finish(self, lease: Lease, tokens: bytes) -> bool:
        """Store what the refresh gave and free the lease; False if the lease was lost meanwhile."""
        place = f"tokens/{lease.launch_id}"
        with self.ledger.transaction() as conn:
            row: Any = _TOKENS.run(conn, launch=lease.launch_id).first()
            if row is None:
                return False
            sealed = self._sealer(row, lease.launch_id).seal(tokens, place)
            done = _PUT_TOKENS.run(
                conn, launch=lease.launch_id, until=_ms(lease.until), sealed=sealed, free=_FREE
            )
            return bool(done.rowcount == 1)

    def put_pages(
        self,
        launch_id: str,
        bodies: Sequence[tuple[str, bytes]],
        gaps: Sequence[PageGap],
        fetched_at: datetime,
    ) -> int:
        """Replace the launch's data by those of a new fetch; returns the fetch's number.

        Refuses (LaunchExpired) when the launch ended while its data were on their way.
        """
        with self.ledger.transaction() as conn:
            row: Any = _NEXT_FETCH.run(conn, launch=launch_id, one=1, at=_ms(fetched_at)).first()
            if row is None:
                raise _gone()
            sealer = self._sealer(row, launch_id)
            fetch: int = row.fetch
            _DROP_PAGES.run(conn, launch=launch_id)
            _ADD_PAGE.run_many(
                conn,
                [
                    {
                        "launch": launch_id,
                        "n": n,
                        "name": name,
                        "body": sealer.seal(body, f"page/{launch_id}/{fetch}/{n}/{name}"),
                    }
                    for n, (name, body) in enumerate(bodies)
                ],
            )
            said = msgspec.json.encode([list(gap) for gap in gaps])
            sealed = sealer.seal(said, f"gaps/{launch_id}/{fetch}")
            _PUT_GAPS.run(conn, launch=launch_id, sealed=sealed)
        return fetch

    def newest_fetch(self, launch_id: str) -> int:
        """The number of the newest fetch, 0 before the first, without opening its pages.

        What a worker keeps in memory under this number is what `get_pages` would give. Refuses
        (LaunchExpired) when the launch is over.
        """
        with self.ledger.reading() as conn:
            row: Any = _FETCHED.run(conn, launch=launch_id).first()
        if row is None:
            raise _gone()
        return int(row.fetch)

    def get_pages(self, launch_id: str) -> StoredPages | None:
        """The data of the newest fetch; None before the first.

        Refuses (LaunchExpired) when the launch is over. Who may see them was decided by `find`.
        """
        with self.ledger.reading() as conn:
            row: Any = _FETCHED.run(conn, launch=launch_id).first()
            found: list[Any] = list(_PAGES.run(conn, launch=launch_id)) if row is not None else []
        if row is None:
            raise _gone()
        if row.fetched is None:
            return None
        sealer = self._sealer(row, launch_id)
        bodies = tuple(
            (p.name, sealer.open(p.body, f"page/{launch_id}/{row.fetch}/{p.n}/{p.name}"))
            for p in found
        )
        said = sealer.open(row.gaps, f"gaps/{launch_id}/{row.fetch}")
        gaps = tuple(msgspec.json.decode(said, type=list[PageGap]))
        return StoredPages(row.fetch, bodies, gaps, _time(row.fetched))

    def end(self, conn: Connection, launch_id: str) -> bool:
        """Delete the launch, its tokens and its data; False if there was none."""
        # The launch first: a fetch that is being stored holds it, and its pages go too.
        ended = _DROP_LAUNCH.run(conn, launch=launch_id).rowcount == 1
        _DROP_PAGES.run(conn, launch=launch_id)
        return bool(ended)

    def sweep(self, now: datetime) -> Swept:
        """Delete every state and launch that is over, with all it held."""
        with self.ledger.transaction() as conn:
            dropped = conn.execute(delete(states).where(_s.expires <= _ms(now))).rowcount
            ids = conn.scalars(
                delete(launches)
                .where(or_(_l.expires <= _ms(now), _l.used <= _ms(now - IDLE_LIFE)))
                .returning(_l.id)
            ).all()
            gone = sum(_DROP_PAGES.run(conn, launch=i).rowcount for i in ids)
        return Swept(dropped, len(ids), gone)

    def _sealer(self, row: Any, launch_id: str) -> Sealer:
        return self.ledger.vault.data_key(row.data_key, f"launch/{launch_id}")

    def _open_tokens(self, row: Any, launch_id: str) -> bytes | None:
        if row.tokens is None:
            return None
        return self._sealer(row, launch_id).open(row.tokens, f"tokens/{launch_id}")


_MS = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _ms(at: datetime) -> int:
    return (at - _EPOCH) // _MS


def _time(ms: int) -> datetime:
    return _EPOCH + ms * _MS


def _over(row: Any, now: datetime) -> bool:
    return bool(row.expires <= _ms(now) or row.used <= _ms(now - IDLE_LIFE))


def _gone() -> LaunchExpired:
    return LaunchExpired("This launch is over. Open the app from the patient's chart again.")
