"""Taking deliveries back from workers that are gone, and asking again about those whose outcome is open."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, or_, select, update

from govpost.states import DeliveryState
from govpost.store.deliveries import Fence, end_attempt, move, note, record
from govpost.store.engine import Tx
from govpost.store.rows import ATTEMPT, DELIVERY, DeliveryRecord

_LONGEST_LEASE = timedelta(days=1)
_OPEN = (DeliveryState.UNCERTAIN, DeliveryState.PENDING)


def rescue(tx: Tx, mine: str, dead: Collection[str] = ()) -> list[DeliveryRecord]:
    """Take back what dead workers held: before the gate it is queued again, after it is uncertain.

    Where this daemon is alone, everything that is not `mine` is a dead one's. Where several share the store, those are
    `dead` that are known to be, and everybody whose lease has run out by the store's clock.
    """
    held = [DELIVERY.c.state == "publishing", DELIVERY.c.lease_owner != mine]
    if tx.several:
        # A lease that ends further away than any lease lasts was taken before the clock was put back.
        ended = or_(DELIVERY.c.lease_until < tx.now, DELIVERY.c.lease_until > tx.now + _LONGEST_LEASE)
        held.append(or_(DELIVERY.c.lease_owner.in_(dead), ended))
    rescued = [record(row) for row in tx.conn.execute(select(DELIVERY).where(*held)).all()]
    for delivery in rescued:
        strand(tx, delivery, "the daemon that held it stopped")
    return rescued


def lease_is_over(delivery: DeliveryRecord, now: datetime) -> bool:
    """Say whether the time for which a delivery was claimed has ended."""
    until = delivery.lease_until
    return until is None or not now <= until <= now + _LONGEST_LEASE


def strand(tx: Tx, delivery: DeliveryRecord, why: str) -> bool:
    """Take a delivery from a worker that is gone: queued again before the gate, uncertain after it."""
    fence = Fence(delivery.lease_owner or "", delivery.tries)
    if delivery.gate_at is None:
        state = DeliveryState.UNCERTAIN if delivery.ambiguous else DeliveryState.QUEUED
        end_attempt(tx, delivery, str(state), f"{why} before it was sent", [])
        values: dict[str, Any] = {"check_at": tx.now} if delivery.ambiguous else {}
        return move(tx, delivery, state, f"{why} before it was sent", fence=fence, **values)
    end_attempt(tx, delivery, "uncertain", f"{why} after the gate", [])
    return move(
        tx,
        delivery,
        DeliveryState.UNCERTAIN,
        f"{why} after the gate: it may be public",
        fence=fence,
        ambiguous=True,
        check_at=tx.now,
        attempts=delivery.attempts + 1,
    )


def follow_clock(tx: Tx, jump: timedelta) -> None:
    """Shift the instants that waits are counted from with a clock that jumped, each to its careful side only.

    A machine that slept, or was wrong all along, looks just like a clock that was put on or back. So the time in which
    a repeat is safe never grows, and the one after which "not there" is believed never shrinks.
    """
    rows = tx.conn.execute(
        select(DELIVERY).where(
            DELIVERY.c.state.in_(("queued", "held", "publishing", *_OPEN)),
            or_(DELIVERY.c.first_sent.is_not(None), DELIVERY.c.gate_at.is_not(None)),
        )
    ).all()
    forward, back = max(jump, timedelta()), min(jump, timedelta())
    for row in map(record, rows):
        shifted: dict[str, datetime] = {}
        if row.first_sent is not None:
            shifted["first_sent"] = row.first_sent + back
        if row.gate_at is not None:
            # However the clock went, it was sent before now: nothing is waited for longer than anew.
            shifted["gate_at"] = min(row.gate_at + forward, tx.now)
        if row.check_at is not None:
            shifted["check_at"] = row.check_at + back  # to ask too early does no harm
        tx.conn.execute(update(DELIVERY).where(DELIVERY.c.id == row.id).values(shifted))


def claim_look(tx: Tx, channel: str, lease: timedelta) -> DeliveryRecord | None:
    """Take the next delivery whose outcome is open and should be asked about; nobody else asks for `lease`."""
    candidate = (
        select(DELIVERY.c.id)
        .where(DELIVERY.c.channel == channel, DELIVERY.c.state.in_(_OPEN), DELIVERY.c.check_at <= tx.now)
        .order_by(DELIVERY.c.check_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    taken = tx.conn.execute(
        update(DELIVERY).where(DELIVERY.c.id == candidate).values(check_at=tx.now + lease).returning(DELIVERY)
    ).one_or_none()
    return None if taken is None else record(taken)


def next_look(conn: Connection, channel: str) -> datetime | None:
    """Return when the channel's next open outcome should be asked about."""
    statement = select(func.min(DELIVERY.c.check_at)).where(
        DELIVERY.c.channel == channel, DELIVERY.c.state.in_(_OPEN)
    )
    return conn.execute(statement).scalar_one_or_none()


def last_end(conn: Connection, delivery: DeliveryRecord) -> datetime | None:
    """Return when the last attempt at a delivery ended, by its own word or because it was taken back."""
    statement = select(func.max(ATTEMPT.c.ended_at)).where(ATTEMPT.c.delivery_id == delivery.id)
    return conn.execute(statement).scalar_one_or_none()


def look_again(tx: Tx, delivery: DeliveryRecord, at: datetime | None, why: str) -> None:
    """Say when to ask again (None: only a person can settle it now), if its outcome is still open."""
    same = (DELIVERY.c.id == delivery.id) & (DELIVERY.c.state == delivery.state)
    values = {"check_at": at, "reason": why} if why else {"check_at": at}
    tx.conn.execute(update(DELIVERY).where(same).values(values))


def late_receipt(tx: Tx, delivery: DeliveryRecord, values: Mapping[str, Any]) -> None:
    """Record a receipt that came after its claim was lost; a second one for the same key is an alarm."""
    # Locked: another daemon may be claiming it again, or recording its own outcome, at this moment.
    mine = select(DELIVERY).where(DELIVERY.c.id == delivery.id).with_for_update()
    now = record(tx.conn.execute(mine).one())
    another = note_duplicate(tx, now, values)
    shows = values.get("check_at") is None  # a pending post has still to be looked for
    was_given_up = now.ambiguous and now.state in ("failed", "cancelled")
    if shows and (was_given_up or now.state in ("uncertain", "queued", "held", "publishing", "pending")):
        move(tx, now, DeliveryState.LIVE, "a late receipt", **values)
    elif not shows and now.state in ("uncertain", "queued", "held", "publishing"):
        _taken_in(tx, now, {**values, "ambiguous": True})
    elif not another:
        note(
            tx, now, "delivery.late-receipt", why=f"a receipt came while it was {now.state}", **_said(values)
        )


def _taken_in(tx: Tx, now: DeliveryRecord, values: dict[str, Any]) -> None:
    """Keep a late receipt that only says "taken in": it stays an open question, and the platform is asked."""
    why = "a late receipt: the platform has taken it in and does not show it yet"
    if now.state != DeliveryState.UNCERTAIN:
        move(tx, now, DeliveryState.UNCERTAIN, why, **values)
        return
    tx.conn.execute(update(DELIVERY).where(DELIVERY.c.id == now.id).values(reason=why, **values))
    note(tx, now, "delivery.late-receipt", why=why, **_said(values))


def note_duplicate(tx: Tx, delivery: DeliveryRecord, values: Mapping[str, Any]) -> bool:
    """Raise the alarm when a receipt names another post than the receipt that is kept already."""
    if delivery.remote_id is None or delivery.remote_id == values["remote_id"]:
        return False
    if delivery.remote_id == delivery.url and "resolved_by" in (delivery.receipt or {}).get("raw", {}):
        return False  # a person saw it and knew only its address, which may be written in several ways
    why = f"the key was published twice: {delivery.remote_id} and {values['remote_id']}"
    note(tx, delivery, "delivery.duplicate", why=why, **_said(values))
    return True


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in ("remote_id", "url")}
