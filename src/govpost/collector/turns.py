"""Whose turn it is on a channel: measuring, listening, or nothing now. A delivery that is due goes first."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from govpost.config import Config
from govpost.contract import Listens, Measures
from govpost.fitted import Fitted
from govpost.states import DeliveryState, PilotState
from govpost.store import channels, deliveries, gathered, obstacles, pilots
from govpost.store.rows import DELIVERY

YIELDS = timedelta(minutes=10)
"""How long a delivery that is due keeps gathering back; one that still has not gone then waits for something else."""


class Turn(StrEnum):
    """What to gather next."""

    MEASURE = "measure"
    LISTEN = "listen"


def gathers(fitted: Fitted) -> bool:
    """Say whether there is anything to ask a platform for."""
    return isinstance(fitted.platform, Measures | Listens)


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


def turn(conn: Connection, fitted: Fitted, config: Config, now: datetime) -> Turn | None:
    """Return what is due on a channel, the longer due first; None when nothing is, or it may not be asked."""
    due: dict[Turn, datetime] = {}
    if isinstance(fitted.platform, Measures):
        due[Turn.MEASURE] = gathered.next_reading(conn, fitted.name) or datetime.max.replace(
            tzinfo=now.tzinfo
        )
    if listens(conn, fitted, config):
        due[Turn.LISTEN] = gathered.gathering(conn, fitted.name).replies_at or now
    ready = {each: at for each, at in due.items() if at <= now}
    if not ready or not config.collector.enabled:
        return None
    if obstacle(conn, fitted, now) is not None or goes_first(conn, fitted.name, now):
        return None
    return min(ready, key=lambda each: ready[each])
