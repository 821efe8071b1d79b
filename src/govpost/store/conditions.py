"""Conditions of claim and gate, as SQL: what must hold of a row and its channel for anything to be sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    and_,
    exists,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
)

from govpost.domain import Action
from govpost.states import PUBLISHES
from govpost.store.meta import FREEZE
from govpost.store.rows import CHANNEL, DELIVERY, META, PILOT

Name = str | BindParameter[str]
Instant = datetime | BindParameter[datetime]
"""What a condition is asked about: a value, or the place of one in a statement that is made once."""

HEAD_START = timedelta(seconds=5)
"""How long a post's other channels wait for its main channel, so that the agency's own page comes first."""
_OTHER, _MAIN = DELIVERY.alias("other"), DELIVERY.alias("main")
GONE = ("failed", "cancelled", "missed")
"""States of what takes no place in a rate."""


def is_queued() -> ColumnElement[bool]:
    """Say whether a row is queued, in the words of the index over them."""
    return DELIVERY.c.state == literal_column("'queued'")


def is_first() -> ColumnElement[bool]:
    """Say whether a row is the first part or copy, in the words of the index over them."""
    return DELIVERY.c.part == literal_column("1")


def is_copy() -> ColumnElement[bool]:
    """Say whether a row is one recipient's copy."""
    return DELIVERY.c.recipient.is_not(None)


def begins_post() -> ColumnElement[bool]:
    """Say of a row whether sending it begins a new post, which gap and cap are asked about; no copy does."""
    return and_(is_first(), DELIVERY.c.action == Action.PUBLISH, ~is_copy())


def opens_slot() -> ColumnElement[bool]:
    """Say of a row whether it stands for a post on its channel: its first part, or the first copy of a bulletin."""
    return and_(is_first(), DELIVERY.c.action == Action.PUBLISH)


def copies_stand() -> ColumnElement[bool]:
    """Say of a bulletin's first copy whether any copy of it is not gone: for as long the bulletin counts."""
    same = [_OTHER.c[name] == DELIVERY.c[name] for name in ("post_id", "version", "channel", "action")]
    return and_(is_copy(), exists(select(_OTHER.c.id).where(*same, _OTHER.c.state.not_in(GONE))))


def can_expire() -> ColumnElement[bool]:
    """Say of a row whether `expires` stops it: a thread is judged at its first part, each copy, a withdrawal never."""
    return and_(or_(is_first(), is_copy()), DELIVERY.c.action != Action.WITHDRAW)


def in_time(now: Instant) -> ColumnElement[bool]:
    """Say whether a row has not expired."""
    return or_(DELIVERY.c.expires.is_(None), DELIVERY.c.expires > now, ~can_expire())


def channel_open(channel: Name, now: Instant) -> ColumnElement[bool]:
    """Say whether a channel may send at all: no freeze, pilot on, not paused, not told to wait."""
    troubled = select(CHANNEL.c.name).where(
        CHANNEL.c.name == channel, or_(CHANNEL.c.paused_until > now, CHANNEL.c.next_allowed_at > now)
    )
    runs = select(PILOT.c.channel).where(PILOT.c.channel == channel, PILOT.c.state.in_(PUBLISHES))
    frozen = select(META.c.key).where(META.c.key == FREEZE)
    return and_(exists(runs), ~exists(troubled), ~exists(frozen))


def main_first(main_channel: Name, now: Instant, head_start: Instant) -> ColumnElement[bool]:
    """Say whether a row need not wait for its post's main channel, which is about to go out, nor past `head_start`.

    The posts ahead are found once a statement, not once a row; a copy asks nothing, for its bulletin has waited.
    """
    main = select(_MAIN.c.post_id, _MAIN.c.version).where(
        _MAIN.c.channel == main_channel, _MAIN.c.due <= now, _MAIN.c.recipient.is_(None)
    )
    # Each by itself, since each has its index: the main channel's queue may be very long.
    states = (_MAIN.c.state == literal_column("'queued'"), _MAIN.c.state == "publishing")
    ahead = union_all(*(main.where(state) for state in states))
    waits = tuple_(DELIVERY.c.post_id, DELIVERY.c.version).in_(ahead)
    return or_(is_copy(), DELIVERY.c.due <= head_start, DELIVERY.c.channel == main_channel, ~waits)
