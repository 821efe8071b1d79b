"""Whether there is something to do: now, or soon enough to wait for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_

from govpost.store import channels, conditions, deliveries, meta, pilots, rescue
from govpost.store.rows import DELIVERY

SOON = timedelta(seconds=60)


def work_at(conn: Connection, channel: str, now: datetime) -> datetime | None:
    """Return when a channel has something to send or to release, or an open outcome to ask about; None when never."""
    due, look = deliveries.next_due(conn, channel), rescue.next_look(conn, channel)
    if due is not None and due <= now:
        due = _opens_at(conn, channel, now)
    rests_until = channels.get(conn, channel).paused_until
    if rests_until is not None and not now < rests_until < channels.FOR_GOOD:
        rests_until = None
    return min((each for each in (due, look, rests_until) if each is not None), default=None)


def has_work(conn: Connection, channel: str, now: datetime) -> bool:
    """Say whether a channel has something due, or an open outcome to ask about."""
    at = work_at(conn, channel, now)
    return at is not None and at <= now


def has_any_work(conn: Connection, names: Iterable[str], now: datetime) -> bool:
    """Say whether any channel has something due, or an open outcome to ask about."""
    return any(has_work(conn, name, now) for name in names)


def is_busy(conn: Connection, names: Iterable[str], now: datetime) -> bool:
    """Say whether anything is due, in flight, or waiting for a retry within a minute; later slots do not count."""
    if deliveries.in_state(conn, "publishing", limit=1):
        return True
    return any(_soon(conn, name, now) for name in names)


def _soon(conn: Connection, name: str, now: datetime) -> bool:
    look = rescue.next_look(conn, name)
    if look is not None and look <= now + SOON:
        return True
    pilot = pilots.get(conn, name)
    if meta.frozen(conn) or pilot is None or pilot.state not in ("running", "graduated"):
        return False
    if _opens_at(conn, name, now) > now + SOON:
        return False
    waiting = [
        DELIVERY.c.channel == name,
        or_(DELIVERY.c.state == "queued", (DELIVERY.c.state == "held") & (DELIVERY.c.tries > 0)),
        or_(DELIVERY.c.due <= now, (DELIVERY.c.tries > 0) & (DELIVERY.c.due <= now + SOON)),
    ]
    gap = channels.get(conn, name).gap_until
    if gap is not None and gap > now + SOON:
        waiting.append(or_(DELIVERY.c.tries > 0, DELIVERY.c.rush, ~conditions.begins_post()))
    return bool(deliveries.find(conn, *waiting, limit=1))


def _opens_at(conn: Connection, channel: str, now: datetime) -> datetime:
    about = channels.get(conn, channel)
    return max([now, *(each for each in (about.paused_until, about.next_allowed_at) if each is not None)])
