"""Slots for approved posts: the store's rows through the planner and back, in one write transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, or_, update

from govpost.calendars import Booking, Calendar
from govpost.config import Config
from govpost.digest import sha256
from govpost.domain import Action, Draft, Priority
from govpost.errors import Refused
from govpost.planner import ON_TIME, Wish, plan
from govpost.planner import replan as refit
from govpost.states import DeliveryState
from govpost.store import channels, conditions, deliveries, obstacles, pilots
from govpost.store import planned as stored
from govpost.store.engine import Tx
from govpost.store.planned import Planned
from govpost.store.rows import DELIVERY, DeliveryRecord, PostRecord, VersionRecord
from govpost.times import moment_of_instant, rfc3339, uuid7

_PRIORITIES = tuple(Priority)
_SAME = update(DELIVERY).where(
    DELIVERY.c.post_id == bindparam("post"),
    DELIVERY.c.version == bindparam("n"),
    DELIVERY.c.channel == bindparam("on"),
    DELIVERY.c.action == bindparam("act"),
    or_(
        DELIVERY.c.state == "queued", DELIVERY.c.state == "held"
    ),  # a list would not go with many orders at once
)
_COPY = _SAME.where(DELIVERY.c.id == bindparam("this"))
_TICK = timedelta(microseconds=1)
LOOK_BACK = timedelta(days=15)
"""How far back sent posts are read: a week's cap can reach almost two calendar weeks."""


def text_hash(text: str) -> str:
    """Return what makes two texts the same: their words, whatever the spacing and case."""
    return sha256(" ".join(text.split()).casefold())


def movable(delivery: DeliveryRecord | Planned) -> bool:
    """Say whether the planner may give a delivery another slot."""
    return (
        delivery.state in ("queued", "held")
        and delivery.tries == 0
        and not delivery.fixed
        and not delivery.rush
    )


def calendar(tx: Tx, config: Config, channel: str, without: Iterable[str] = ()) -> Calendar:
    """Return a channel's calendar as its rows stand; first locks the channel's row."""
    channels.lock(tx, channel)
    left_out = set(without)
    planned = stored.planned(tx.conn, channel, tx.now - LOOK_BACK)
    return _calendar(tx, config, channel, [row for row in planned if row.id not in left_out])


def _calendar(tx: Tx, config: Config, channel: str, planned: Sequence[Planned]) -> Calendar:
    main = first = {}
    if planned and channel == config.main_channel:
        first = stored.first_others(tx.conn, channel)
    elif planned:
        main = stored.main_slots(tx.conn, config.main_channel)
    bookings = [_booking(row, main.get(row.post_id), first.get(row.post_id)) for row in planned]
    pilot = pilots.get(tx.conn, channel)
    return Calendar(channel, config.rate(channel), bookings, not_after=pilot.ends if pilot else None)


def _booking(row: Planned, main: datetime | None, first: datetime | None = None) -> Booking:
    bounds = (row.expires, first + _TICK if first else None)
    after = max((each for each in (row.not_before, main) if each is not None), default=None)
    return Booking(
        key=row.id,
        due=row.counts_from,
        priority=_PRIORITIES[row.priority],
        movable=movable(row),
        after=after,
        before=min((each for each in bounds if each is not None), default=None),
    )


def trial(tx: Tx, config: Config, draft: Draft, names: Sequence[str], own: str | None) -> dict[str, str]:
    """Say for which channels a draft would get no slot now, and why; books nothing."""
    taken = [row.id for row in deliveries.of_post(tx.conn, own)] if own else []
    calendars = {name: calendar(tx, config, name, taken) for name in names}
    wishes = [_wish(draft, name, name) for name in names]
    return dict(plan(wishes, calendars, main_channel=config.main_channel, now=tx.now).refused)


def preview(tx: Tx, config: Config, draft: Draft, names: Sequence[str]) -> dict[str, datetime]:
    """Return the slots a draft would get now; books nothing."""
    calendars = {name: calendar(tx, config, name) for name in names}
    wishes = [_wish(draft, name, name) for name in names]
    return dict(plan(wishes, calendars, main_channel=config.main_channel, now=tx.now).slots)


def _wish(draft: Draft, channel: str, key: str) -> Wish:
    return Wish(
        key=key,
        channel=channel,
        at=draft.at.utc if draft.at else None,
        after=draft.not_before.utc if draft.not_before else None,
        before=draft.expires.utc if draft.expires else None,
        priority=draft.priority,
    )


def schedule(
    tx: Tx, config: Config, post: PostRecord, version: VersionRecord, draft: Draft
) -> list[DeliveryRecord]:
    """Give every channel of an approved version its slot and enter the deliveries; `Refused` where one has none."""
    published = [name for name, each in version.channels.items() if each["target"] is None]
    calendars = {name: calendar(tx, config, name) for name in published}
    keys = {name: uuid7(tx.now) for name in published}
    wishes = [_wish(draft, name, keys[name]) for name in published]
    found = plan(wishes, calendars, main_channel=config.main_channel, now=tx.now)
    if found.refused:
        names = {key: name for name, key in keys.items()}
        why = "; ".join(f"{names[key]}: {reason}" for key, reason in found.refused.items())
        raise Refused(
            f"no slot for {post.slug}: {why}", "change `at` or `expires` in the post, or the channel's rate"
        )
    rows: list[DeliveryRecord] = []
    for name, sealed in version.channels.items():
        due = found.slots[keys[name]] if name in keys else _amend_at(tx, draft)
        rows += _deliveries(tx, config, post, draft, name, sealed, due, keys.get(name))
    deliveries.add(tx, rows)
    _apply_moves(tx, config, found.moved, f"moved for {post.slug}, which has a higher priority")
    return rows


def _amend_at(tx: Tx, draft: Draft) -> datetime:
    """An amendment takes no place in the rate: it goes as soon as it may."""
    return max([tx.now, *(moment.utc for moment in (draft.at, draft.not_before) if moment)])


def _deliveries(
    tx: Tx,
    config: Config,
    post: PostRecord,
    draft: Draft,
    name: str,
    sealed: Mapping[str, Any],
    due: datetime,
    key: str | None,
) -> list[DeliveryRecord]:
    zone = config.zone(name)
    why = obstacles.obstacle(tx.conn, name, sealed["platform"], tx.now)
    if why is None and sealed["target"] is None:
        why = obstacles.cap_reached(tx.conn, name)
    rows: list[DeliveryRecord] = []
    for number, part in enumerate(sealed["parts"], start=1):
        before = rows[-1].id if rows else None
        reason = why or (f"waits for part {number - 1}" if before else "")
        row = DeliveryRecord(
            id=key if key is not None and number == 1 else uuid7(tx.now),
            post_id=post.id,
            version=post.version,
            channel=name,
            platform=sealed["platform"],
            part=number,
            parts=len(sealed["parts"]),
            action=Action.PUBLISH if sealed["target"] is None else Action.AMEND,
            state=DeliveryState.HELD if reason else DeliveryState.QUEUED,
            priority=draft.priority.rank,
            slot=due,
            due=due,
            wall=moment_of_instant(due, zone).wall,
            zone=zone,
            not_before=draft.not_before.utc if draft.not_before else None,
            expires=draft.expires.utc if draft.expires else None,
            fixed=draft.at is not None,
            variant=part["variant"],
            text_hash=text_hash(part["variant"]["text"]),
            target=sealed["target"],
            waits_for=before,
            reason=reason,
            created_at=tx.now,
        )
        rows.append(row)
    return rows


def _apply_moves(tx: Tx, config: Config, moved: Mapping[str, tuple[datetime, datetime]], why: str) -> None:
    mains: dict[str, datetime] = {}
    for key, (_old, new) in moved.items():
        row = deliveries.get(tx.conn, key)
        reslot(tx, row, new, why)
        if row.channel == config.main_channel:
            mains[key] = new
    # Only now: the others of such a post may have been moved as well, not knowing of their main channel's new slot.
    for key, new in mains.items():
        _follow_main(tx, config, deliveries.get(tx.conn, key), new)


def _follow_main(tx: Tx, config: Config, main: DeliveryRecord, new: datetime) -> None:
    """Keep a post's other channels from coming before its main channel, which moved."""
    for row in _firsts(tx, main):
        if row.channel != main.channel and movable(row) and row.slot < new:
            free = calendar(tx, config, row.channel, [row.id]).first_free(new, row.expires)
            if free is not None:
                reslot(tx, row, free, f"not before {main.channel}, the main channel")


def _firsts(tx: Tx, row: DeliveryRecord) -> list[DeliveryRecord]:
    """Return what stands for a delivery's post on each of its channels."""
    this = (DELIVERY.c.post_id == row.post_id, DELIVERY.c.version == row.version)
    return deliveries.find(tx.conn, *this, conditions.is_first())


def reslot(tx: Tx, delivery: DeliveryRecord | Planned, new: datetime, why: str, **values: Any) -> None:
    """Give a delivery, with the parts that share its slot, another time; a copy only has its own."""
    _reslot_all(tx, [(delivery, new)], why, **values)


def _reslot_all(
    tx: Tx, moves: Sequence[tuple[DeliveryRecord | Planned, datetime]], why: str, **values: Any
) -> None:
    """Do the same for many at a time, each way in one order: a queue of thousands takes a quarter less time."""
    copies = [_times(row, new) | {"this": row.id} | values for row, new in moves if row.recipient is not None]
    others = [_times(row, new) | values for row, new in moves if row.recipient is None]
    for statement, orders in ((_COPY, copies), (_SAME, others)):
        if orders:
            tx.conn.execute(statement, orders)
    for row, new in moves:
        deliveries.note(tx, row, "delivery.slot", old=rfc3339(row.slot), new=rfc3339(new), why=why)


def _times(delivery: DeliveryRecord | Planned, new: datetime) -> dict[str, Any]:
    return {
        "post": delivery.post_id,
        "n": delivery.version,
        "on": delivery.channel,
        "act": delivery.action,
        "slot": new,
        "due": new,
        "wall": moment_of_instant(new, delivery.zone).wall,
    }


def _send_now(tx: Tx, delivery: Planned) -> None:
    """Let an overdue delivery go at once; its slot stays, since its lateness counts from there."""
    if delivery.due < tx.now - ON_TIME:
        tx.conn.execute(update(DELIVERY).where(DELIVERY.c.id == delivery.id).values(due=tx.now))


def replan(tx: Tx, config: Config, channel: str, why: str) -> int:
    """Fit a channel's queue to its rate as it is now; returns how many deliveries got a new slot."""
    planned = stored.planned(tx.conn, channel, tx.now - LOOK_BACK)
    queue = {
        row.id: row for row in planned if row.state in ("queued", "held") and row.tries == 0 and not row.rush
    }
    if not queue:
        return 0
    main = {} if channel == config.main_channel else stored.main_slots(tx.conn, config.main_channel)
    wanted = []
    for row in queue.values():
        booking = _booking(row, main.get(row.post_id))
        due = max(row.slot, booking.after or row.slot)
        wanted.append(
            Booking(
                key=row.id,
                due=due,
                priority=booking.priority,
                movable=True,
                after=booking.after,
                before=booking.before,
            )
        )
    channels.lock(tx, channel)
    others = [row for row in planned if row.id not in queue]
    moved = refit(_calendar(tx, config, channel, others), wanted, tx.now)
    changed: list[tuple[Planned, datetime]] = []
    for booking in wanted:
        row, new = queue[booking.key], moved[booking.key][1] if booking.key in moved else booking.due
        if booking.key not in moved and booking.due < tx.now - ON_TIME:
            late = deliveries.get(tx.conn, row.id)
            deliveries.move(tx, late, DeliveryState.MISSED, f"{why}; its rate leaves no time for it any more")
        elif row.slot < tx.now and new <= tx.now:
            _send_now(tx, row)
        elif new != row.slot:
            changed.append((row, new))
    _reslot_all(tx, changed, why)
    if channel != config.main_channel:
        return len(changed)
    # All at once, so that each other channel keeps its own order behind the main one.
    posts = [row.post_id for row, _ in changed]
    followers = sorted(stored.channels_of(tx.conn, posts) & set(config.channels) - {channel})
    why = f"not before {channel}, the main channel"
    return len(changed) + sum(replan(tx, config, name, why) for name in followers)
