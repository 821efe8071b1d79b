"""Conditions of claim and gate, as SQL: what must hold of a row and its channel for anything to be sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, or_, select

from govpost.domain import Action
from govpost.states import PUBLISHES
from govpost.store.meta import FREEZE
from govpost.store.rows import CHANNEL, DELIVERY, META, PILOT

HEAD_START = timedelta(seconds=5)
"""How long a post's other channels wait for its main channel, so that the agency's own page comes first."""


def can_expire() -> ColumnElement[bool]:
    """Say of a row whether `expires` stops it: a thread is judged at its first part, a withdrawal never."""
    return and_(DELIVERY.c.part == 1, DELIVERY.c.action != Action.WITHDRAW)


def in_time(now: datetime) -> ColumnElement[bool]:
    """Say whether a row has not expired."""
    return or_(DELIVERY.c.expires.is_(None), DELIVERY.c.expires > now, ~can_expire())


def channel_open(channel: str, now: datetime) -> ColumnElement[bool]:
    """Say whether a channel may send at all: no freeze, pilot on, not paused, not told to wait."""
    troubled = select(CHANNEL.c.name).where(
        CHANNEL.c.name == channel, or_(CHANNEL.c.paused_until > now, CHANNEL.c.next_allowed_at > now)
    )
    runs = select(PILOT.c.channel).where(PILOT.c.channel == channel, PILOT.c.state.in_(PUBLISHES))
    frozen = select(META.c.key).where(META.c.key == FREEZE)
    return and_(exists(runs), ~exists(troubled), ~exists(frozen))


def main_first(main_channel: str, now: datetime) -> ColumnElement[bool]:
    """Say whether a row need not wait for its post's main channel, which is about to go out."""
    main = DELIVERY.alias("main")
    ahead = select(main.c.id).where(
        main.c.post_id == DELIVERY.c.post_id,
        main.c.version == DELIVERY.c.version,
        main.c.channel == main_channel,
        main.c.state.in_(("queued", "publishing")),
        main.c.due <= now,
    )
    return or_(DELIVERY.c.due <= now - HEAD_START, DELIVERY.c.channel == main_channel, ~exists(ahead))
