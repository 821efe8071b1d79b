"""Copies of a delivery for its recipients: entered at once, and moved together with one event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from govpost.states import DELIVERY as MACHINE
from govpost.states import DeliveryState
from govpost.store import deliveries, posts
from govpost.store.conditions import is_copy
from govpost.store.engine import Tx
from govpost.store.rows import DELIVERY, DeliveryRecord
from govpost.store.waiting import is_waiting
from govpost.times import uuid7

_ALIKE = ("post_id", "version", "channel", "action", "state", "slot", "ambiguous")


def enter(tx: Tx, first: DeliveryRecord, recipients: Sequence[str]) -> None:
    """Enter a copy of `first` for each recipient, queued in its slot as copies 2, 3 …, with one event for them all."""
    if not recipients:
        return
    total = len(recipients) + 1
    blank = first.model_dump() | {"parts": total, "state": "queued", "tries": 0, "attempts": 0, "reason": ""}
    blank |= {"lease_owner": None, "lease_until": None, "gate_at": None, "created_at": tx.now}
    rows = [
        blank | {"id": uuid7(tx.now), "part": number, "recipient": recipient}
        for number, recipient in enumerate(recipients, 2)
    ]
    tx.conn.execute(insert(DELIVERY), rows)
    why = f"{len(rows):,} more copies" if len(rows) > 1 else "1 more copy"
    deliveries.note(tx, first, "delivery.copies", new="queued", why=why, copies=len(rows))


def one_of_each(conn: Connection, *tests: ColumnElement[bool]) -> list[DeliveryRecord]:
    """Return the deliveries that pass the tests, last part first; of a bulletin's copies that stand alike only one."""
    alike = [DELIVERY.c[name] for name in _ALIKE]
    ids = select(func.min(DELIVERY.c.id)).where(is_copy(), *tests).group_by(*alike)
    alone = deliveries.find(conn, DELIVERY.c.recipient.is_(None), *tests)
    return sorted(alone, key=lambda row: -row.part) + deliveries.find(conn, DELIVERY.c.id.in_(ids))


def move(
    tx: Tx, row: DeliveryRecord, new: DeliveryState, why: str, *tests: ColumnElement[bool], **values: Any
) -> int:
    """Move a delivery that `one_of_each` gave for these tests, with all copies alike; returns how many moved."""
    if row.recipient is None:
        return int(deliveries.move(tx, row, new, why, **values))
    MACHINE.check(row.state, new, deliveries.DAEMON)
    same = [DELIVERY.c[name] == getattr(row, name) for name in _ALIKE]
    statement = update(DELIVERY).where(is_copy(), *same, *tests)
    moved = tx.conn.execute(statement.values(state=str(new), reason=why, **values)).rowcount
    deliveries.note(tx, row, f"delivery.{new}", old=row.state, new=str(new), why=why, copies=moved)
    posts.settle(tx, row.post_id)
    return moved


def move_all(tx: Tx, new: DeliveryState, why: str, *tests: ColumnElement[bool], **values: Any) -> int:
    """Move all that pass the tests, the copies of a bulletin by one UPDATE with one event; returns how many moved."""
    return sum(move(tx, row, new, why, *tests, **values) for row in one_of_each(tx.conn, *tests))


def under_way(conn: Connection, channel: str, slot: datetime, since: datetime) -> list[str]:
    """Return the posts planned before `slot` of which copies are waiting and some went out after `since`."""
    waiting = select(DELIVERY.c.post_id).where(
        DELIVERY.c.channel == channel,
        is_waiting(),
        DELIVERY.c.slot < slot,
        is_copy(),
    )
    if conn.execute(waiting.limit(1)).first() is None:
        return []  # nearly always: what went out since is found only by looking at the whole channel
    found = conn.execute(
        select(DELIVERY.c.post_id)
        .distinct()
        .where(DELIVERY.c.channel == channel, is_copy(), DELIVERY.c.live_at > since)
        .where(DELIVERY.c.post_id.in_(waiting))
    )
    return list(found.scalars())
