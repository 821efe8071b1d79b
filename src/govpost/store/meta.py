"""Facts about the whole store: the freeze, the config last seen, the daemons and their heartbeat."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from govpost.store.engine import Tx
from govpost.store.machine_rows import DAEMON, DaemonRecord
from govpost.store.rows import META

FREEZE = "freeze"

_GET = select(META.c.value).where(META.c.key == bindparam("key"))


def get(conn: Connection, key: str) -> Any:
    """Return the value kept under `key`, None when there is none."""
    return conn.execute(_GET, {"key": key}).scalar_one_or_none()


def put(conn: Connection, key: str, value: Any) -> None:
    """Keep `value` under `key`."""
    if conn.execute(update(META).where(META.c.key == key).values(value=value)).rowcount == 0:
        conn.execute(insert(META), {"key": key, "value": value})


def drop(conn: Connection, key: str) -> None:
    """Forget `key`."""
    conn.execute(delete(META).where(META.c.key == key))


def frozen(conn: Connection) -> dict[str, Any] | None:
    """Return who froze everything, when and why; None when nothing is frozen."""
    found: dict[str, Any] | None = get(conn, FREEZE)
    return found


def beat(tx: Tx, daemon: DaemonRecord) -> None:
    """Write a daemon's heartbeat; the first one makes its row. What others asked of it (`drain`) stays."""
    values = daemon.model_dump(exclude={"drain"})
    changed = tx.conn.execute(update(DAEMON).where(DAEMON.c.id == daemon.id).values(values))
    if changed.rowcount == 0:
        tx.conn.execute(insert(DAEMON), {**values, "drain": ""})


def ask_drain(tx: Tx, daemons: Collection[str], words: str) -> None:
    """Ask daemons to finish; `words` say who asks and why."""
    tx.conn.execute(update(DAEMON).where(DAEMON.c.id.in_(daemons)).values(drain=words))


def bury(tx: Tx, daemons: Collection[str]) -> None:
    """Mark daemons as dead that ended without a word."""
    unsaid = (DAEMON.c.id.in_(daemons), DAEMON.c.state != "stopped")
    why = "it ended without a word; what it held was taken back"
    tx.conn.execute(update(DAEMON).where(*unsaid).values(state="died", why=why))


def daemons(conn: Connection) -> list[DaemonRecord]:
    """List the daemons, newest heartbeat first."""
    rows = conn.execute(select(DAEMON).order_by(DAEMON.c.heartbeat_at.desc()))
    return [DaemonRecord.model_construct(**row._mapping) for row in rows]


def forget_daemons(tx: Tx, before: datetime) -> None:
    """Drop daemons that have not been heard of since `before`."""
    tx.conn.execute(delete(DAEMON).where(DAEMON.c.heartbeat_at < before))
