"""Facts about the whole store: the freeze, the config last seen, the daemons and their heartbeat."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from govpost.store.engine import Tx
from govpost.store.rows import DAEMON, META, DaemonRecord

FREEZE = "freeze"


def get(conn: Connection, key: str) -> Any:
    """Return the value kept under `key`, None when there is none."""
    return conn.execute(select(META.c.value).where(META.c.key == key)).scalar_one_or_none()


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
    """Write a daemon's heartbeat; the first one makes its row."""
    values = daemon.model_dump()
    changed = tx.conn.execute(update(DAEMON).where(DAEMON.c.id == daemon.id).values(values))
    if changed.rowcount == 0:
        tx.conn.execute(insert(DAEMON), values)


def daemons(conn: Connection) -> list[DaemonRecord]:
    """List the daemons, newest heartbeat first."""
    rows = conn.execute(select(DAEMON).order_by(DAEMON.c.heartbeat_at.desc()))
    return [DaemonRecord.model_construct(**row._mapping) for row in rows]


def forget_daemons(tx: Tx, before: datetime) -> None:
    """Drop daemons that have not been heard of since `before`."""
    tx.conn.execute(delete(DAEMON).where(DAEMON.c.heartbeat_at < before))
