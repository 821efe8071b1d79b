"""What came back: counts of our posts, the public's words, and how the gathering of each channel stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update

from govpost.domain import Action, Metrics, Reply
from govpost.errors import Refused
from govpost.states import DeliveryState
from govpost.store import answered
from govpost.store.engine import Tx
from govpost.store.gathered_rows import (
    GATHERING,
    READING,
    REPLY,
    SAMPLE,
    GatheringRecord,
    ReadingRecord,
    ReplyRecord,
    SampleRecord,
)
from govpost.store.rows import DELIVERY, DeliveryRecord

COUNTS = ("views", "likes", "shares", "replies", "quotes", "clicks")
"""What a platform may count of a post, in the order people see it."""

_AT_ONCE = 500
_PLANNED_AT_ONCE = 5_000
_LATER_KNOWN = 500
_SAID = ("kind", "state", "author", "author_url", "text", "language", "url", "to", "raw")


class Fresh(NamedTuple):
    """A live post that nobody has planned the measuring of."""

    delivery_id: str
    live_at: datetime


class Reading(NamedTuple):
    """A planned measuring, and what is to be measured."""

    plan: ReadingRecord
    delivery: DeliveryRecord


# --- when a post is measured -------------------------------------------------------------------------------------


def fresh(conn: Connection, channel: str, since: datetime, limit: int = _PLANNED_AT_ONCE) -> list[Fresh]:
    """Return posts of a channel that went live from `since` on and are not planned to be measured, oldest first."""
    planned = select(READING.c.delivery_id).where(READING.c.delivery_id == DELIVERY.c.id)
    rows = conn.execute(
        select(DELIVERY.c.id, DELIVERY.c.live_at)
        .where(DELIVERY.c.channel == channel, DELIVERY.c.state == DeliveryState.LIVE)
        .where(DELIVERY.c.live_at >= since, ~planned.exists())
        .where(DELIVERY.c.action == Action.PUBLISH, DELIVERY.c.remote_id.is_not(None))
        .order_by(DELIVERY.c.live_at)
        .limit(limit)
    )
    return [Fresh(row.id, row.live_at) for row in rows]


def plan(tx: Tx, channel: str, readings: Mapping[str, datetime | None]) -> None:
    """Enter when each post is measured first; None: never."""
    known = set(
        tx.conn.execute(select(READING.c.delivery_id).where(READING.c.delivery_id.in_(readings))).scalars()
    )
    new = [
        {"delivery_id": delivery, "channel": channel, "next_at": at}
        for delivery, at in readings.items()
        if delivery not in known
    ]
    if new:
        tx.conn.execute(insert(READING), new)


def due(conn: Connection, channel: str, until: datetime, limit: int) -> list[Reading]:
    """Return what is to be measured by `until`, the longest due first."""
    order = (READING.c.next_at, READING.c.delivery_id)
    return _readings(conn, channel, READING.c.next_at <= until, order, limit)


def counted_still(conn: Connection, channel: str, after: str, limit: int) -> list[Reading]:
    """Return what is measured still or was gone, due or not, by id; the next ones `after` an id."""
    still = or_(READING.c.next_at.is_not(None), READING.c.gone_at.is_not(None))
    test = and_(READING.c.delivery_id > after, still)
    return _readings(conn, channel, test, (READING.c.delivery_id,), limit)


def _readings(
    conn: Connection, channel: str, test: ColumnElement[bool], order: Iterable[Any], limit: int
) -> list[Reading]:
    rows = conn.execute(
        select(READING, DELIVERY)
        .join(DELIVERY, DELIVERY.c.id == READING.c.delivery_id)
        .where(READING.c.channel == channel, test)
        .order_by(*order)
        .limit(limit)
    )
    width = len(READING.c)
    return [
        Reading(
            ReadingRecord.model_construct(**dict(zip(READING.c.keys(), row[:width], strict=True))),
            DeliveryRecord.model_construct(**dict(zip(DELIVERY.c.keys(), row[width:], strict=True))),
        )
        for row in rows
    ]


def next_reading(conn: Connection, channel: str) -> datetime | None:
    """Return when the channel's next post is due to be measured, None when none is."""
    return conn.execute(
        select(func.min(READING.c.next_at)).where(READING.c.channel == channel)
    ).scalar_one_or_none()


def put_reading(tx: Tx, delivery_id: str, **values: Any) -> None:
    """Change when a post is measured next, or since when the platform no longer knows it."""
    tx.conn.execute(update(READING).where(READING.c.delivery_id == delivery_id).values(values))


def reading(conn: Connection, delivery_id: str) -> ReadingRecord | None:
    """Return when a post is measured next, None when nobody has planned it."""
    row = conn.execute(select(READING).where(READING.c.delivery_id == delivery_id)).one_or_none()
    return None if row is None else ReadingRecord.model_construct(**row._mapping)


# --- samples -----------------------------------------------------------------------------------------------------


def add_sample(tx: Tx, delivery_id: str, counted: Metrics) -> None:
    """Keep what was counted now."""
    numbers = {name: getattr(counted, name) for name in COUNTS}
    tx.conn.execute(insert(SAMPLE), {"delivery_id": delivery_id, "at": tx.now, **numbers})


def samples(conn: Connection, ids: Iterable[str]) -> dict[str, list[SampleRecord]]:
    """Return the samples of some deliveries by id, each oldest first."""
    wanted, found = list(ids), dict[str, list[SampleRecord]]()
    for start in range(0, len(wanted), _AT_ONCE):
        some = SAMPLE.c.delivery_id.in_(wanted[start : start + _AT_ONCE])
        for row in conn.execute(select(SAMPLE).where(some).order_by(SAMPLE.c.at, SAMPLE.c.id)):
            found.setdefault(row.delivery_id, []).append(SampleRecord.model_construct(**row._mapping))
    return found


class Measured(NamedTuple):
    """A post with all its samples, oldest first, and since when it is gone."""

    delivery: DeliveryRecord
    samples: list[SampleRecord]
    gone_at: datetime | None


def measured(conn: Connection, *tests: ColumnElement[bool]) -> Iterator[list[Measured]]:
    """Give the posts that have samples or are gone, and pass the tests; the newest first, some hundreds at a time."""
    rows = conn.execute(
        select(DELIVERY.c.id, READING.c.gone_at.label("gone_at"))
        .outerjoin(READING, and_(READING.c.delivery_id == DELIVERY.c.id, READING.c.next_at.is_(None)))
        .where(or_(DELIVERY.c.id.in_(select(SAMPLE.c.delivery_id)), READING.c.gone_at.is_not(None)), *tests)
        .order_by(func.coalesce(DELIVERY.c.live_at, DELIVERY.c.slot).desc(), DELIVERY.c.id.desc())
    ).all()
    for start in range(0, len(rows), _AT_ONCE):
        gone = {row.id: row.gone_at for row in rows[start : start + _AT_ONCE]}
        found = conn.execute(select(DELIVERY).where(DELIVERY.c.id.in_(gone)))
        sent = {row.id: DeliveryRecord.model_construct(**row._mapping) for row in found}
        counted = samples(conn, gone)
        yield [Measured(sent[each], counted.get(each, []), at) for each, at in gone.items()]


# --- replies -----------------------------------------------------------------------------------------------------


def keep_replies(tx: Tx, replies: Sequence[ReplyRecord]) -> tuple[int, int]:
    """Keep each reply once; return how many are new and how many say something else than before."""
    new = changed = 0
    for reply in replies:
        same = (REPLY.c.channel == reply.channel, REPLY.c.remote_id == reply.remote_id)
        known = tx.conn.execute(select(REPLY).where(*same)).one_or_none()
        said = {name: getattr(reply, name) for name in _SAID}
        if known is None:
            tx.conn.execute(insert(REPLY), reply.model_dump())
            new += 1
        elif any(getattr(known, name) != value for name, value in said.items()):
            answered.note_change(tx, known, reply)
            tx.conn.execute(update(REPLY).where(*same).values(said))
            changed += 1
    return new, changed


def link_replies(tx: Tx, channel: str, since: datetime) -> None:
    """Give each reply seen from `since` on the delivery it answers, as soon as one of ours has that remote_id."""
    loose = tx.conn.execute(
        select(REPLY.c.id, REPLY.c.to)
        .where(REPLY.c.channel == channel, REPLY.c.delivery_id.is_(None), REPLY.c.to.is_not(None))
        .where(REPLY.c.seen_at >= since)
        .order_by(REPLY.c.seen_at.desc())
        .limit(_LATER_KNOWN)
    ).all()
    if not loose:
        return
    found = tx.conn.execute(
        select(DELIVERY.c.remote_id, DELIVERY.c.id)
        .where(DELIVERY.c.channel == channel, DELIVERY.c.action == Action.PUBLISH)
        .where(DELIVERY.c.remote_id.in_({row.to for row in loose}))
    )
    ours = {row.remote_id: row.id for row in found}
    for row in loose:
        if row.to in ours:
            tx.conn.execute(update(REPLY).where(REPLY.c.id == row.id).values(delivery_id=ours[row.to]))


def find_reply(conn: Connection, name: str) -> ReplyRecord:
    """Return the reply with an id or the beginning of one; `Refused` when there is none, or more than one."""
    start = answered.id_of(name).replace("%", "").replace("_", "")
    found = list(conn.execute(select(REPLY).where(REPLY.c.id.startswith(start)).limit(2))) if start else []
    if len(found) == 1:
        return ReplyRecord.model_construct(**found[0]._mapping)
    message = f"there is no reply {name!r}" if not found else f"more than one reply begins with {name!r}"
    raise Refused(message, "govpost delivery show ID lists the replies to a post, each with its id")


def replies_to(conn: Connection, delivery_id: str) -> list[ReplyRecord]:
    """Return what the public said to a delivery, newest first."""
    rows = conn.execute(
        select(REPLY).where(REPLY.c.delivery_id == delivery_id).order_by(REPLY.c.at.desc(), REPLY.c.id)
    )
    return [ReplyRecord.model_construct(**row._mapping) for row in rows]


def kept_reply(conn: Connection, answers: str) -> Reply | None:
    """Return the reply that a post answers as its platform gave it; None when it is gone or says something else now."""
    reply = answered.find(conn, answers)
    return as_said(reply) if reply and answered.changed(conn, answers) is None else None


def as_said(reply: ReplyRecord) -> Reply:
    """Return a kept reply as its platform gave it."""
    return Reply(remote_id=reply.remote_id, at=reply.at, **{name: getattr(reply, name) for name in _SAID})


# --- how a channel's gathering stands ----------------------------------------------------------------------------


def gathering(conn: Connection, channel: str) -> GatheringRecord:
    """Return how the gathering of a channel stands; one never begun is without trouble."""
    row = conn.execute(select(GATHERING).where(GATHERING.c.channel == channel)).one_or_none()
    if row is None:
        return GatheringRecord(channel=channel)
    return GatheringRecord.model_construct(**row._mapping)


def put_gathering(tx: Tx, channel: str, **values: Any) -> None:
    """Change how the gathering of a channel stands; the first change makes its row."""
    changed = tx.conn.execute(update(GATHERING).where(GATHERING.c.channel == channel).values(values))
    if changed.rowcount == 0:
        tx.conn.execute(insert(GATHERING), GatheringRecord(channel=channel, **values).model_dump())
