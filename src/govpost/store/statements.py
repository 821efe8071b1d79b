"""The two statements that let anything go out, each made once: to build one takes longer than to run it.

Their places are filled at each use: `channel_name`, `main` (the main channel), `now`, `head_start` and `on_time`
(instants), `owner` and `lease` (until when); `this` (a delivery), `post`, `fence_owner` and `fence_tries`.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, exists, func, or_, select, update

from govpost.store import conditions
from govpost.store.rows import CHANNEL, DELIVERY, POST


@cache
def claim(*, refitted: bool, spent: bool) -> Any:
    """Return the one statement that takes the next due delivery of a channel."""
    channel, now = bindparam("channel_name", type_=DELIVERY.c.channel.type), _instant("now")
    candidate = (
        select(DELIVERY.c.id)
        .where(DELIVERY.c.channel == channel, conditions.is_queued(), DELIVERY.c.due <= now)
        .where(conditions.channel_open(channel, now), conditions.in_time(now))
        .where(conditions.main_first(bindparam("main"), now, _instant("head_start")))
        .where(_within_rate(channel, now, refitted=refitted, spent=spent))
        .order_by(DELIVERY.c.due, DELIVERY.c.priority.desc(), DELIVERY.c.part, DELIVERY.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    return (
        update(DELIVERY)
        .where(DELIVERY.c.id == candidate, DELIVERY.c.state == "queued")
        .values(state="publishing", tries=DELIVERY.c.tries + 1, gate_at=None)
        .values(lease_owner=bindparam("owner"), lease_until=_instant("lease"))
        .returning(DELIVERY)
    )


@cache
def pass_gate(*, ambiguous: bool) -> Any:
    """Return the one statement that lets a claimed delivery pass the gate."""
    now = _instant("now")
    cancelled = select(POST.c.id).where(POST.c.id == bindparam("post"), POST.c.state == "cancelled")
    mine = (DELIVERY.c.lease_owner == bindparam("fence_owner"), DELIVERY.c.tries == bindparam("fence_tries"))
    return (
        update(DELIVERY)
        .where(DELIVERY.c.id == bindparam("this"), DELIVERY.c.state == "publishing", *mine)
        .where(DELIVERY.c.gate_at.is_(None), conditions.channel_open(bindparam("channel_name"), now))
        .where(conditions.in_time(now), ~exists(cancelled))
        .values(gate_at=now, first_sent=func.coalesce(DELIVERY.c.first_sent, now) if ambiguous else now)
    )


def _instant(name: str) -> BindParameter[datetime]:
    return bindparam(name, type_=DELIVERY.c.due.type)


def _within_rate(
    channel: BindParameter[str], now: BindParameter[datetime], *, refitted: bool, spent: bool
) -> ColumnElement[bool]:
    """Say of a row that gap, cap and, with `refitted`, lateness let it go now; only new posts are asked."""
    fresh = and_(conditions.begins_post(), DELIVERY.c.tries == 0)
    gap_open = select(CHANNEL.c.name).where(CHANNEL.c.name == channel, CHANNEL.c.gap_until > now)
    allowed = or_(~fresh, DELIVERY.c.rush, ~exists(gap_open))
    if refitted:
        allowed = and_(allowed, or_(~fresh, DELIVERY.c.rush, DELIVERY.c.due >= _instant("on_time")))
    return and_(allowed, ~conditions.begins_post()) if spent else allowed
