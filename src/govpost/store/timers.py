"""Periodic duties that one of several daemons does: who takes a timer's row has the duty until it is due again."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from govpost.store.engine import Tx
from govpost.store.machine_rows import TIMER


def is_due(conn: Connection, name: str, every: timedelta, now: datetime) -> bool:
    """Say whether a duty waits for somebody; nothing is written."""
    due = conn.execute(select(TIMER.c.due).where(TIMER.c.name == name)).scalar_one_or_none()
    # One that is further away than it can be was set before the clock was put back.
    return due is None or due <= now or due > now + every


def take(tx: Tx, name: str, every: timedelta, owner: str) -> bool:
    """Take a duty that is due, until `every` from now; False when somebody else has it. `tx` must be exclusive."""
    return _set(tx, name, every, owner, or_(TIMER.c.due <= tx.now, TIMER.c.due > tx.now + every))


def hold(tx: Tx, name: str, lease: timedelta, owner: str) -> bool:
    """Take or keep a duty as one's own, until `lease` from now; False when somebody else has it."""
    free = or_(TIMER.c.owner == owner, TIMER.c.due <= tx.now, TIMER.c.due > tx.now + lease)
    return _set(tx, name, lease, owner, free)


def give_back(tx: Tx, name: str, owner: str) -> None:
    """Let a duty go that is one's own; somebody else's stays as it is."""
    tx.conn.execute(delete(TIMER).where(TIMER.c.name == name, TIMER.c.owner == owner))


def _set(tx: Tx, name: str, span: timedelta, owner: str, free: ColumnElement[bool]) -> bool:
    values = {"due": tx.now + span, "owner": owner}
    if tx.conn.execute(update(TIMER).where(TIMER.c.name == name, free).values(values)).rowcount:
        return True
    if tx.conn.execute(select(TIMER.c.name).where(TIMER.c.name == name)).first() is not None:
        return False
    tx.conn.execute(insert(TIMER), {"name": name, **values})
    return True
