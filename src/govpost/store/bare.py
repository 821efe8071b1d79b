"""The store as it lies there, whatever its schema: for whoever changes, moves or examines it whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, inspect, select, text

from govpost.errors import Refused
from govpost.store import chain, schema
from govpost.store.engine import Store, Tx
from govpost.store.machine_rows import DAEMON
from govpost.store.rows import DELIVERY

GONE = ("stopped", "died")
HEARD_OF = timedelta(seconds=60)
"""A daemon whose heartbeat is older than this is taken for gone: longer than a stopped writer holds up all others."""


def is_there(store: Store) -> bool:
    """Say whether the store has tables; nothing is made. `Refused` when this program cannot use it safely."""
    if store.path is not None and not store.path.exists():
        return False
    with store.translated(), store.backend.engine.connect() as conn:
        there = inspect(conn).has_table("meta")
        if there:
            store.backend.check(conn, schema.facts(conn))
        return there


@contextmanager
def alone(store: Store, actor: str, *, keep: bool = True) -> Iterator[Tx]:
    """Open a write transaction that nobody else writes beside, on tables of any schema.

    It commits at the end; unless `keep`, it is taken back.
    """
    with store.translated(), store.backend.writing() as conn:
        _unbound(conn)
        with conn.begin() as whole:
            now = take(store, conn)
            tx = Tx(conn=conn, now=now, actor=actor, config_hash=store.config_hash)
            yield tx
            if tx.events:
                chain.append(conn, tx.now, tx.actor, tx.events)
                store.backend.wake(conn)
            if not keep:
                whole.rollback()


def take(store: Store, conn: Connection) -> datetime:
    """Take the writers' lock for as long as it needs; return the store's time at that moment."""
    now = store.backend.begin(conn, shared=False)
    be_patient(conn)
    return now if store.clock is store.backend.clock else store.clock()


@contextmanager
def snapshot(store: Store) -> Iterator[Connection]:
    """Open a transaction that sees the store at one instant."""
    with store.translated(), store.backend.reading() as conn, conn.begin() as whole:
        be_patient(conn)
        yield conn
        whole.rollback()  # a damaged file can be read in part, and committed never


def _unbound(conn: Connection) -> None:
    """SQLite makes a table anew to change it; the rows that refer to it must bear that for a moment."""
    raw = conn.connection.dbapi_connection
    if conn.dialect.name == "sqlite" and raw is not None:
        raw.execute("PRAGMA foreign_keys = OFF")  # only possible outside a transaction
        conn.detach()  # this connection is not given to anybody else


def be_patient(conn: Connection) -> None:
    """Let PostgreSQL bear long pauses within this transaction, but not that of a machine that is gone."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SET LOCAL idle_in_transaction_session_timeout = '10min'"))


class Older(NamedTuple):
    """A daemon at work whose code is too old for something, and its last heartbeat."""

    id: str
    name: str
    heartbeat_at: datetime


def older_daemons(conn: Connection, now: datetime, needs: int) -> list[Older]:
    """List the daemons heard of lately whose code is too old for `needs`."""
    lately = (DAEMON.c.heartbeat_at > now - HEARD_OF, DAEMON.c.state.not_in(GONE))
    known = _able(conn, needs)
    columns = (DAEMON.c.id, DAEMON.c.host, DAEMON.c.pid, DAEMON.c.version, DAEMON.c.heartbeat_at)
    return [
        Older(row.id, f"govpost {row.version} on {row.host} (process {row.pid})", row.heartbeat_at)
        for row in conn.execute(select(*columns).where(*lately))
        if row.id not in known
    ]


def _able(conn: Connection, needs: int) -> set[str]:
    """Return the ids of the daemons whose code is new enough."""
    if "schema_number" not in {column["name"] for column in inspect(conn).get_columns("daemon")}:
        return set()
    return set(conn.execute(select(DAEMON.c.id).where(DAEMON.c.schema_number >= needs)).scalars())


def refuse_daemons(conn: Connection, now: datetime, needs: int, doing: str) -> None:
    """Refuse while a daemon works that `doing` would get in the way of."""
    found = older_daemons(conn, now, needs)
    if found:
        raise Refused(
            f"a daemon is running: {', '.join(each.name for each in found)}",
            f"stop it (govpost daemon drain, or systemctl stop govpost), wait a minute, then {doing}",
        )


def refuse_claims(conn: Connection, now: datetime, needs: int, doing: str) -> None:
    """Refuse while an older daemon, heard of or not, may still bring an answer for a delivery it holds."""
    end = claimed_until(conn, now, needs)
    if end is not None:
        raise Refused(
            f"a delivery is under way, claimed until {end:%H:%M:%S} UTC, and its answer may still come",
            f"wait until then, or start the daemon and stop it again, then {doing}",
        )


def claimed_until(conn: Connection, now: datetime, needs: int) -> datetime | None:
    """Return when the last claim ends that is not of a daemon new enough for `needs`; None when there is none."""
    owner, until = DELIVERY.c.lease_owner, DELIVERY.c.lease_until
    held = conn.execute(select(owner, until).where(DELIVERY.c.state == "publishing", until > now)).all()
    known = _able(conn, needs) if held else set()
    return max((row.lease_until for row in held if row.lease_owner not in known), default=None)
