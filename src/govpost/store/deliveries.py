"""Deliveries: the one way they move, how one is claimed, passes the gate, and is rescued."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    func,
    insert,
    select,
    update,
)

from govpost.domain import Action
from govpost.planner import ON_TIME
from govpost.states import DELIVERY as MACHINE
from govpost.states import UNSETTLED, DeliveryState, Role
from govpost.store import caps, channels, conditions, posts, statements
from govpost.store.engine import Tx
from govpost.store.planned import Planned
from govpost.store.rows import ATTEMPT, CHANNEL, DELIVERY, DeliveryRecord

DAEMON = frozenset({Role.DAEMON})

# Made once: to build a statement takes several times as long as to run it.
_GET = select(DELIVERY).where(DELIVERY.c.id == bindparam("id"))
_MOVE = update(DELIVERY).where(DELIVERY.c.id == bindparam("this"), DELIVERY.c.state == bindparam("was"))
_MOVE_FENCED = _MOVE.where(
    DELIVERY.c.lease_owner == bindparam("fence_owner"), DELIVERY.c.tries == bindparam("fence_tries")
)
_WAITING = select(DELIVERY).where(
    DELIVERY.c.waits_for == bindparam("this"), DELIVERY.c.state.in_(bindparam("states", expanding=True))
)
_BEGIN_ATTEMPT = insert(ATTEMPT)
_ATTEMPT = update(ATTEMPT).where(ATTEMPT.c.delivery_id == bindparam("this"), ATTEMPT.c.n == bindparam("try"))
_MAINS = select(DELIVERY.c.state).where(
    DELIVERY.c.post_id == bindparam("post"),
    DELIVERY.c.version == bindparam("version_n"),
    DELIVERY.c.channel == bindparam("main"),
    conditions.opens_slot(),
)


class Fence(NamedTuple):
    """Whose claim, and which: a worker that lost its lease can change nothing."""

    owner: str
    tries: int


def record(row: Any) -> DeliveryRecord:
    """Make the value that leaves the store."""
    return DeliveryRecord.model_construct(**row._mapping)


def get(conn: Connection, delivery_id: str) -> DeliveryRecord:
    """Return one delivery by its id."""
    return record(conn.execute(_GET, {"id": delivery_id}).one())


def locked(conn: Connection, delivery_id: str) -> DeliveryRecord | None:
    """Return one delivery, which nobody else changes until the transaction ends; None when there is none."""
    row = conn.execute(_GET.with_for_update(), {"id": delivery_id}).one_or_none()
    return None if row is None else record(row)


def add(tx: Tx, deliveries: Iterable[DeliveryRecord]) -> None:
    """Enter new deliveries, each with its event."""
    for delivery in deliveries:
        tx.conn.execute(insert(DELIVERY), delivery.model_dump())
        tx.event(
            "delivery.plan",
            f"delivery:{delivery.id}",
            new=delivery.state,
            why=delivery.reason,
            post=delivery.post_id,
            channel=delivery.channel,
            action=delivery.action,
            slot=delivery.slot.isoformat(),
        )


def move(
    tx: Tx,
    delivery: DeliveryRecord,
    new: DeliveryState,
    why: str,
    *,
    roles: Iterable[Role] = DAEMON,
    fence: Fence | None = None,
    **values: Any,
) -> bool:
    """Move a delivery if it still stands where `delivery` says; its event and its post's state go with it.

    Returns False, changing nothing, when it moved meanwhile or the fence is not the present claim.
    """
    MACHINE.check(delivery.state, new, roles)
    row = {"this": delivery.id, "was": delivery.state, "state": str(new), "reason": why, **values}
    if fence is not None:
        row |= {"fence_owner": fence.owner, "fence_tries": fence.tries}
    if new != DeliveryState.PUBLISHING:
        row |= {"lease_owner": None, "lease_until": None}
    if tx.conn.execute(_MOVE if fence is None else _MOVE_FENCED, row).rowcount == 0:
        return False
    note(tx, delivery, f"delivery.{new}", old=delivery.state, new=str(new), why=why)
    _after(tx, delivery, new)
    return True


def note(tx: Tx, delivery: DeliveryRecord | Planned, verb: str, **fields: Any) -> None:
    """Leave an event about a delivery."""
    tx.event(verb, f"delivery:{delivery.id}", post=delivery.post_id, channel=delivery.channel, **fields)


def _after(tx: Tx, delivery: DeliveryRecord, new: DeliveryState) -> None:
    if new == DeliveryState.LIVE:
        _take_down_target(tx, delivery)
        for waiting in waiting_for(tx.conn, delivery, DeliveryState.HELD):
            move(
                tx, waiting, DeliveryState.QUEUED, "what it waited for is live", due=max(tx.now, waiting.slot)
            )
    elif new == DeliveryState.CANCELLED:
        for waiting in waiting_for(tx.conn, delivery, DeliveryState.HELD, DeliveryState.QUEUED):
            move(tx, waiting, DeliveryState.CANCELLED, f"part {delivery.part} before it was cancelled")
    elif new in (DeliveryState.FAILED, DeliveryState.MISSED):
        for waiting in waiting_for(tx.conn, delivery, DeliveryState.HELD):
            reason = f"part {delivery.part} before it is {new}: it waits until that is tried again"
            tx.conn.execute(update(DELIVERY).where(DELIVERY.c.id == waiting.id).values(reason=reason))
    if not {delivery.state, str(new)} <= UNSETTLED:
        posts.settle(tx, delivery.post_id)


def _take_down_target(tx: Tx, delivery: DeliveryRecord) -> None:
    """What a withdraw delivery was for is withdrawn as soon as that is live, whoever says so."""
    if delivery.action == Action.WITHDRAW and delivery.target is not None:
        target = get(tx.conn, delivery.target)
        if target.state == DeliveryState.LIVE:
            move(tx, target, DeliveryState.WITHDRAWN, delivery.notice or "")


def waiting_for(conn: Connection, delivery: DeliveryRecord, *states: DeliveryState) -> list[DeliveryRecord]:
    """Return the parts that go when this one is done, of those in some states."""
    return [record(row) for row in conn.execute(_WAITING, {"this": delivery.id, "states": states})]


def claim(
    tx: Tx,
    channel: str,
    *,
    owner: str,
    lease: timedelta,
    gap: timedelta,
    main_channel: str,
    refitted: bool = False,
) -> DeliveryRecord | None:
    """Take the next due delivery of a channel, or None when nothing may be taken now.

    With `refitted`, a new post that is overdue waits until it was fitted to the rate again, so that none floods.
    """
    now = tx.now
    if tx.several:
        # Gap and cap are read here and changed by whoever claims: one claim of a channel at a time.
        channels.get(tx.conn, channel, lock=True)
    asked = {
        "channel_name": channel,
        "main": main_channel,
        "now": now,
        "head_start": now - conditions.HEAD_START,
        "on_time": now - ON_TIME,
        "owner": owner,
        "lease": now + lease,
    }
    statement = statements.claim(refitted=refitted, spent=caps.is_spent(tx.conn, channel))
    taken = tx.conn.execute(statement, asked).one_or_none()
    if taken is None:
        return None
    delivery = record(taken)
    if delivery.tries == 1 and delivery.part == 1 and delivery.action == Action.PUBLISH and gap:
        tx.conn.execute(update(CHANNEL).where(CHANNEL.c.name == channel).values(gap_until=now + gap))
    tx.conn.execute(
        _BEGIN_ATTEMPT,
        {"delivery_id": delivery.id, "n": delivery.tries, "owner": owner, "started_at": now, "reason": ""},
    )
    note(tx, delivery, "delivery.publishing", old="queued", new="publishing", why="claimed", n=delivery.tries)
    _note_ahead_of_main(tx, delivery, main_channel)
    return delivery


def _note_ahead_of_main(tx: Tx, delivery: DeliveryRecord, main_channel: str) -> None:
    """Say that a post goes out elsewhere though its main channel does not show it yet."""
    if (
        delivery.channel == main_channel
        or delivery.part > 1
        or delivery.tries > 1
        or delivery.action != "publish"
    ):
        return
    this = {"post": delivery.post_id, "version_n": delivery.version, "main": main_channel}
    for state in tx.conn.execute(_MAINS, this).scalars():
        if state not in (DeliveryState.LIVE, DeliveryState.WITHDRAWN):
            why = f"it goes out although {main_channel}, the main channel, is {state}"
            note(tx, delivery, "delivery.ahead-of-main", why=why)


def gate(tx: Tx, delivery: DeliveryRecord, fence: Fence) -> bool:
    """Pass the last committed check before the point of no return; False when something forbids it."""
    now = tx.now
    asked = {
        "this": delivery.id,
        "post": delivery.post_id,
        "channel_name": delivery.channel,
        "fence_owner": fence.owner,
        "fence_tries": fence.tries,
        "now": now,
    }
    if tx.conn.execute(statements.pass_gate(ambiguous=delivery.ambiguous), asked).rowcount == 0:
        return False
    tx.conn.execute(_ATTEMPT, {"this": delivery.id, "try": delivery.tries, "gate_at": now})
    note(tx, delivery, "delivery.gate", why="passed the gate", n=delivery.tries)
    return True


def end_attempt(
    tx: Tx, delivery: DeliveryRecord, outcome: str, reason: str, evidence: list[dict[str, Any]]
) -> None:
    """Write down how a try ended and what was said on the wire."""
    ended = {"ended_at": tx.now, "outcome": outcome, "reason": reason, "evidence": evidence}
    tx.conn.execute(_ATTEMPT, {"this": delivery.id, "try": delivery.tries, **ended})


def begun(conn: Connection, delivery: DeliveryRecord) -> datetime | None:
    """Return when a try began, None when nothing of it is written down."""
    same = (ATTEMPT.c.delivery_id == delivery.id, ATTEMPT.c.n == delivery.tries)
    return conn.execute(select(ATTEMPT.c.started_at).where(*same)).scalar_one_or_none()


def has_ended(conn: Connection, delivery: DeliveryRecord, outcome: str) -> bool:
    """Say whether a try is written down as ended with this outcome already."""
    same = (ATTEMPT.c.delivery_id == delivery.id, ATTEMPT.c.n == delivery.tries)
    return conn.execute(select(ATTEMPT.c.outcome).where(*same)).scalar_one_or_none() == outcome


def next_due(conn: Connection, channel: str, after: datetime | None = None) -> datetime | None:
    """Return when the channel's next queued delivery is due; with `after`, the next one after that."""
    queued = select(func.min(DELIVERY.c.due)).where(DELIVERY.c.channel == channel, conditions.is_queued())
    if after is not None:
        queued = queued.where(DELIVERY.c.due > after)
    return conn.execute(queued).scalar_one_or_none()


def find(conn: Connection, *tests: ColumnElement[bool], limit: int | None = None) -> list[DeliveryRecord]:
    """Return the deliveries that pass the tests, in order of their time."""
    order = (DELIVERY.c.due, DELIVERY.c.channel, DELIVERY.c.part, DELIVERY.c.id)
    return [record(row) for row in conn.execute(select(DELIVERY).where(*tests).order_by(*order).limit(limit))]


def of_post(conn: Connection, post_id: str, version: int | None = None) -> list[DeliveryRecord]:
    """Return a post's deliveries, of one version or of all."""
    tests: list[ColumnElement[bool]] = [DELIVERY.c.post_id == post_id]
    if version is not None:
        tests.append(DELIVERY.c.version == version)
    return find(conn, *tests)


def distinct(conn: Connection, column: str, *tests: ColumnElement[bool]) -> list[str]:
    """Return the values of a column among the deliveries that pass the tests, sorted."""
    return sorted(conn.execute(select(DELIVERY.c[column]).distinct().where(*tests)).scalars())


def in_state(
    conn: Connection, *states: str, channel: str | None = None, limit: int | None = None
) -> list[DeliveryRecord]:
    """Return the deliveries in some states, of one channel or of all."""
    tests: list[ColumnElement[bool]] = [DELIVERY.c.state.in_(states)]
    if channel is not None:
        tests.append(DELIVERY.c.channel == channel)
    return find(conn, *tests, limit=limit)
