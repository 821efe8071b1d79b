"""What somebody must look at among what comes back: posts that are gone, and channels that say nothing any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import Connection, select

from govpost.collector.schedule import TOO_MANY
from govpost.store import views
from govpost.store.gathered_rows import GATHERING, READING
from govpost.store.rows import DELIVERY


def gone(conn: Connection) -> Iterator[tuple[str, str, int]]:
    """Give the channels from which live posts of ours have gone, with one of the posts and how many there are."""
    missed = select(READING.c.delivery_id).where(READING.c.gone_at.is_not(None), READING.c.next_at.is_(None))
    # The state is not asked for in SQL: by its index every live delivery there ever was would be looked at.
    found = conn.execute(
        select(DELIVERY.c.channel, DELIVERY.c.post_id, DELIVERY.c.state)
        .where(DELIVERY.c.id.in_(missed))
        .order_by(DELIVERY.c.channel, DELIVERY.c.live_at.desc())
    )
    rows = [row for row in found if row.state == "live"]
    many = Counter(row.channel for row in rows)
    first = {row.channel: row.post_id for row in reversed(rows)}
    slugs = views.slugs_of(conn, list(first.values()))
    for channel, post in sorted(first.items()):
        yield channel, slugs.get(post, "?"), many[channel]


def failing(conn: Connection) -> Iterator[tuple[str, str]]:
    """Give the channels whose gathering fails again and again, with the last reason."""
    rows = conn.execute(
        select(GATHERING).where(GATHERING.c.failures >= TOO_MANY).order_by(GATHERING.c.channel)
    )
    yield from ((row.channel, row.why) for row in rows)
