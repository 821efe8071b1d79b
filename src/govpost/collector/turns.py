"""Whose turn it is on a channel: measuring, listening, or nothing now. A delivery that is due goes first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from govpost import accounts
from govpost.collector import schedule
from govpost.config import Config
from govpost.contract import Listens, Measures, Verifies
from govpost.fitted import Fitted
from govpost.states import DeliveryState, PilotState
from govpost.store import channels, deliveries, gathered, meta, obstacles, pilots
from govpost.store.engine import Tx
from govpost.store.gathered import Fresh
from govpost.store.rows import DELIVERY

YIELDS = timedelta(minutes=10)
"""How long a delivery that is due keeps gathering back; one that still has not gone then waits for something else."""

_VERIFY_REST = timedelta(hours=1)
_RESTS = "verify-rests:"


class Turn(StrEnum):
    """What to gather next."""

    VERIFY = "verify"
    MEASURE = "measure"
    LISTEN = "listen"


def gathers(fitted: Fitted) -> bool:
    """Say whether there is anything to ask a platform for."""
    return isinstance(fitted.platform, Measures | Listens | Verifies)


def obstacle(conn: Connection, fitted: Fitted, now: datetime) -> str | None:
    """Say why a channel may not be asked anything now, None when it may.

    Freeze, pause and suspension stop publishing, not reading.
    """
    off = obstacles.switched_off(conn, fitted.config.platform)
    if off is not None:
        return off
    pilot = pilots.get(conn, fitted.name)
    if pilot is None or pilot.state == PilotState.PROPOSED:
        return f"the pilot of {fitted.name} was never started"
    waits = (
        channels.get(conn, fitted.name).next_allowed_at,
        gathered.gathering(conn, fitted.name).not_before,
    )
    until = max(filter(None, waits), default=now)
    return f"{fitted.name} is to be left alone until {until:%Y-%m-%d %H:%M:%S} UTC" if until > now else None


def goes_first(conn: Connection, channel: str, now: datetime) -> bool:
    """Say whether a delivery is about to go out, for which the platform's patience is kept."""
    about = channels.get(conn, channel)
    if channels.is_paused(about, now) or (about.gap_until is not None and about.gap_until > now):
        return False
    due = (DELIVERY.c.due > now - YIELDS, DELIVERY.c.due <= now)
    queued = (DELIVERY.c.channel == channel, DELIVERY.c.state == DeliveryState.QUEUED)
    return bool(deliveries.find(conn, *queued, *due, limit=1))


def listens(conn: Connection, fitted: Fitted, config: Config) -> bool:
    """Say whether a channel is listened to: not where that is switched off, nor after its pilot was retired."""
    if not isinstance(fitted.platform, Listens) or not config.collector.replies:
        return False
    pilot = pilots.get(conn, fitted.name)
    return pilot is None or pilot.state != PilotState.RETIRED


def rest_verifying(tx: Tx, channel: str) -> None:
    """Verify a channel no more for a while."""
    meta.put(tx.conn, f"{_RESTS}{channel}", (tx.now + _VERIFY_REST).isoformat())


def _is_to_verify(conn: Connection, fitted: Fitted, now: datetime) -> bool:
    if not accounts.due_for_verify(conn, {fitted.name: fitted}, now):
        return False
    until = meta.get(conn, f"{_RESTS}{fitted.name}")
    return until is None or datetime.fromisoformat(until) <= now


def turn(conn: Connection, fitted: Fitted, config: Config, now: datetime) -> Turn | None:
    """Return what is due on a channel, the longer due first; None when nothing is, or it may not be asked."""
    ready = dict(_ready(conn, fitted, config, now))
    if not ready or obstacle(conn, fitted, now) is not None or goes_first(conn, fitted.name, now):
        return None
    return min(ready, key=lambda each: ready[each])


def _ready(
    conn: Connection, fitted: Fitted, config: Config, now: datetime
) -> Iterator[tuple[Turn, datetime]]:
    """Yield what is due and since when."""
    if _is_to_verify(conn, fitted, now):
        yield Turn.VERIFY, datetime.min.replace(tzinfo=now.tzinfo)
    if not config.collector.enabled:
        return
    reading = gathered.next_reading(conn, fitted.name) if isinstance(fitted.platform, Measures) else None
    if reading is not None and reading <= now:
        yield Turn.MEASURE, reading
    if listens(conn, fitted, config):
        again = gathered.gathering(conn, fitted.name).replies_at or now
        if again <= now:
            yield Turn.LISTEN, again


def is_due(conn: Connection, fitted: Fitted, config: Config, now: datetime) -> bool:
    """Say whether there is something to gather on a channel now, posts that nobody has planned yet included."""
    if turn(conn, fitted, config, now) is not None:
        return True
    return config.collector.enabled and bool(unplanned(conn, fitted, config, now))


def unplanned(conn: Connection, fitted: Fitted, config: Config, now: datetime) -> list[Fresh]:
    """Return some of the posts whose measuring nobody has planned yet, the oldest of them first."""
    if not isinstance(fitted.platform, Measures):
        return []
    planned_to = gathered.gathering(conn, fitted.name).planned_to
    since = schedule.unplanned_since(planned_to, config.collector.measure_at, now)
    return [] if since is None else gathered.fresh(conn, fitted.name, since)
