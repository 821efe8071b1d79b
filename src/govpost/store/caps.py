"""A pilot's cap of posts, and what counts against it."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, func, or_, select

from govpost.store import conditions
from govpost.store.rows import DELIVERY, PILOT

_COUNTED = ("publishing", "pending", "live", "uncertain", "withdrawn")
_CAP = select(PILOT.c.cap_posts).where(PILOT.c.channel == bindparam("channel"), PILOT.c.state == "running")


def spent(conn: Connection, channel: str, enough: int | None = None) -> int:
    """Count the posts of a channel that were or may have been published, each once; not further than `enough`."""
    counted = select(DELIVERY.c.id).where(
        DELIVERY.c.channel == channel,
        conditions.opens_slot(),
        or_(DELIVERY.c.state.in_(_COUNTED), conditions.copies_stand()),
    )
    found = counted.limit(enough).subquery()
    return int(conn.execute(select(func.count()).select_from(found)).scalar_one())


def is_spent(conn: Connection, channel: str) -> bool:
    """Say whether a running pilot has published as many posts as its charter allows."""
    cap = conn.execute(_CAP, {"channel": channel}).scalar_one_or_none()
    return cap is not None and spent(conn, channel, cap) >= cap
