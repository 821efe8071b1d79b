"""What the planner reads: many deliveries at a time, so only what it has to know of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, func, or_, select

from govpost.store import conditions
from govpost.store.rows import DELIVERY

_AT_ONCE = 500


class Planned(NamedTuple):
    """What the planner has to know of a delivery: without its words, since many are read at a time."""

    id: str
    post_id: str
    version: int
    channel: str
    action: str
    recipient: str | None
    state: str
    priority: int
    slot: datetime
    due: datetime
    zone: str
    not_before: datetime | None
    expires: datetime | None
    fixed: bool
    rush: bool
    tries: int
    gate_at: datetime | None
    live_at: datetime | None

    @property
    def counts_from(self) -> datetime:
        """When it counts against the rate: what was sent, when it was sent, even if it was seen days later."""
        if self.live_at is None:
            return max(self.slot, self.due)
        return self.live_at if self.gate_at is None else min(self.live_at, self.gate_at)


def planned(conn: Connection, channel: str, since: datetime) -> list[Planned]:
    """Return the deliveries of a channel that take a place in its rate, from `since` on."""
    return [Planned._make(row) for row in conn.execute(_planned(), {"channel_name": channel, "since": since})]


@cache
def _planned() -> Select[Any]:
    stands = or_(DELIVERY.c.state.not_in(conditions.GONE), conditions.copies_stand())
    return (
        select(*(DELIVERY.c[name] for name in Planned._fields))
        .where(DELIVERY.c.channel == bindparam("channel_name"), DELIVERY.c.slot >= bindparam("since"))
        .where(conditions.opens_slot(), stands)
        .order_by(DELIVERY.c.slot, DELIVERY.c.id)
    )


def first_others(conn: Connection, main_channel: str) -> dict[str, datetime]:
    """Return the latest that each post's main channel may be moved to: the rest of the post follows if it can."""
    stays = or_(DELIVERY.c.fixed, DELIVERY.c.rush, DELIVERY.c.tries > 0)
    rows = conn.execute(
        select(DELIVERY.c.post_id, func.min(DELIVERY.c.slot).label("slot"))
        .where(DELIVERY.c.channel != main_channel, conditions.opens_slot(), stays)
        .where(DELIVERY.c.state.in_(("queued", "held")))
        .group_by(DELIVERY.c.post_id)
    )
    return {row.post_id: row.slot for row in rows}


def main_slots(conn: Connection, main_channel: str) -> dict[str, datetime]:
    """Return when each post's main channel is planned: the earliest its other channels may go."""
    rows = conn.execute(
        select(DELIVERY.c.post_id, DELIVERY.c.slot).where(
            DELIVERY.c.channel == main_channel,
            conditions.opens_slot(),
            DELIVERY.c.state.in_(("queued", "held")),
        )
    )
    return {row.post_id: row.slot for row in rows}


def channels_of(conn: Connection, posts: Sequence[str]) -> set[str]:
    """Return the channels on which posts have deliveries."""
    found: set[str] = set()
    for start in range(0, len(posts), _AT_ONCE):
        these = DELIVERY.c.post_id.in_(posts[start : start + _AT_ONCE])
        found |= set(conn.execute(select(DELIVERY.c.channel).distinct().where(these)).scalars())
    return found
