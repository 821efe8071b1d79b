"""PostgreSQL: several machines, one truth. Editors write one at a time, deliveries beside each other.

Every write transaction takes one advisory lock: shared where it carries a delivery (claim, gate, outcome), exclusive
everywhere else. So a freeze, a withdrawal or the planner never meets a claim half-way, as on SQLite; deliveries meet
each other only in the rows they lock.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from govpost.errors import Refused, StoreUnavailable
from govpost.times import ticks, utcnow

OLDEST = 14
"""The oldest version of PostgreSQL that is supported."""

CHANNEL = "govpost"
"""Where committed work is announced (LISTEN)."""

_WRITERS = 0x676F7670  # any number that nobody else uses in this database; this one spells "govp"
_IDLE_SECONDS = 30
_PROMPT_SECONDS = 1.0
_CONNECT = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "govpost",
}
_LOCK = {
    shared: text(f"SELECT pg_advisory_xact_lock{'_shared' if shared else ''}({_WRITERS}), clock_timestamp()")
    for shared in (True, False)
}
_NO_TABLE, _PASSWORD = "42P01", "28P01"
_MISSING_DATABASE, _FORBIDDEN, _READ_ONLY, _LOCK_WAIT = "3D000", "42501", "25006", "55P03"
_NEVER = ("22", "54")
"""Classes of what a server takes at no time: values of the wrong kind or size. To wait would be to wait for good."""
_TIPS = {
    _MISSING_DATABASE: "make it first, for example with createdb, and give it to govpost's role",
    _FORBIDDEN: "make govpost's role the owner of its database",
    _READ_ONLY: "this server takes no writes: point [store] database at the primary",
    _LOCK_WAIT: "another program holds the store; wait for it or stop it, then try again",
    _NO_TABLE: "its tables are gone: stop the daemons and put a backup back: govpost store restore FILE",
    _PASSWORD: 'see the password: [store] password = "file:…" or libpq\'s own password file',
    "28000": "see which roles the server lets in (pg_hba.conf)",
    "53100": "the server's disk is full: make room, then try again",
    "53300": "the server has no connection left: raise max_connections or stop something",
}


class DatabaseClock:
    """The database's time, carried on between two looks at it by a clock that no sleep of this machine stops."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        """Return the database's time; this machine's until the database was asked once."""
        offset = self._offset
        return utcnow() if offset is None else datetime.fromtimestamp(ticks() + offset, UTC)

    def saw(self, now: datetime, asked: float) -> None:
        """Take over what the database has just said; `asked` is when, in `ticks`.

        An answer that took long to come, or lay about while this process stood still, tells nothing of the time now.
        """
        heard = ticks()
        with self._lock:
            if self._offset is None or heard - asked < _PROMPT_SECONDS:
                self._offset = now.timestamp() - heard


class Postgres:
    """The store in a PostgreSQL database; a lock of another program is waited for `busy` seconds."""

    several = True

    def __init__(self, url: URL, root: Path, busy: float, password: str | None) -> None:
        self.url = url.set(drivername="postgresql+psycopg", password=password or None)
        self.path: Path | None = None
        self.folder = root / ".govpost"
        self.name = self.url.render_as_string(hide_password=True)
        self.clock = DatabaseClock()
        self.engine = _engine(self.url, busy)

    def make(self) -> None:
        """Make the folder for this machine's locks; the database itself is its administrator's to make."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a connection."""
        with self.engine.connect() as conn:
            yield conn

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection with one snapshot for all it reads."""
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.engine.connect().execution_options(**options) as conn:
            yield conn

    def begin(self, conn: Connection, *, shared: bool) -> datetime:
        """Wait for the writers' lock and return the database's time after the wait."""
        asked = ticks()
        now: datetime = conn.execute(_LOCK[shared]).one()[1]
        self.clock.saw(now, asked)
        return now.astimezone(UTC)

    def facts(self, _conn: Connection) -> dict[str, Any]:
        """Nothing has to be chosen."""
        return {}

    def check(self, conn: Connection, _facts: Mapping[str, Any]) -> None:
        """Refuse a server that is too old or does not speak UTF-8."""
        asked = ticks()
        version, encoding, now = conn.execute(
            text(
                "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),"
                " clock_timestamp()"
            )
        ).one()
        self.clock.saw(now, asked)
        if version < OLDEST * 10_000:
            raise Refused(
                f"the store's PostgreSQL is version {version // 10_000}", f"use version {OLDEST} or newer"
            )
        if encoding != "UTF8":
            raise Refused(f"the store's database is in {encoding}", "make a database with encoding UTF8")

    def wake(self, conn: Connection) -> None:
        """Notify the daemons that listen, once this transaction commits."""
        conn.execute(text(f"SELECT pg_notify('{CHANNEL}', '')"))

    def was_away(self, error: BaseException) -> bool:
        """Say whether the connection was lost or could not be made: a replica may have taken over."""
        state = getattr(getattr(error, "orig", None), "sqlstate", None)
        return isinstance(error, DBAPIError) and (error.connection_invalidated or state is None)

    def unavailable(self, error: BaseException) -> StoreUnavailable | None:
        """Translate what a server that is gone, full, locked or closed to us makes the driver say."""
        state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
        if isinstance(error, IntegrityError) or state.startswith(_NEVER):
            return None
        if isinstance(error, ProgrammingError) and state not in (_FORBIDDEN, _NO_TABLE):
            return None
        if isinstance(error, DBAPIError | PoolTimeout):
            said = _said(error)
            return StoreUnavailable(f"the store cannot be used: {said}", _TIPS.get(state) or _tip(said))
        return None


def _engine(url: URL, busy: float) -> Engine:
    try:
        import psycopg
    except ImportError:
        raise Refused(
            "a store in PostgreSQL needs psycopg", "install it: pip install 'govpost[postgres]'"
        ) from None

    class Text(psycopg.types.string.StrDumper):
        """PostgreSQL takes no NUL in a text; a hostile server may send us one."""

        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd"))

    def on_connect(connection: psycopg.Connection[Any], _record: object) -> None:
        connection.adapters.register_dumper(str, Text)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('TimeZone', 'UTC', false),"
                f" set_config('lock_timeout', '{int(busy * 1000)}', false),"
                # A writer that was stopped in the middle must not hold up all others for good.
                f" set_config('idle_in_transaction_session_timeout', '{_IDLE_SECONDS}s', false),"
                " CASE WHEN current_setting('synchronous_commit') = 'off'"
                " THEN set_config('synchronous_commit', 'on', false) END"
            )
        connection.commit()

    engine = create_engine(
        url, connect_args=_CONNECT, pool_size=8, max_overflow=64, pool_recycle=1800, hide_parameters=True
    )
    event.listen(engine, "connect", on_connect)
    return engine


def _tip(said: str) -> str:
    """Advise on a connection that could not be made: the driver gives no code then, only the server's words."""
    if "password" in said:
        return _TIPS[_PASSWORD]
    if 'database "' in said and "does not exist" in said:
        return _TIPS[_MISSING_DATABASE]
    return "see that the database server runs and can be reached, then try again"


def _said(error: BaseException) -> str:
    origin = getattr(error, "orig", None) or error
    lines = str(origin).strip().splitlines()
    return lines[0] if lines else type(origin).__name__
