"""Moving what is planned: always a person, always within the rate."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from govpost import planning
from govpost.config import Config
from govpost.domain import Action
from govpost.errors import Refused, UsageFault
from govpost.people import Actor
from govpost.states import Role
from govpost.store import deliveries, posts
from govpost.store.engine import Store, Tx
from govpost.store.rows import DELIVERY, DeliveryRecord
from govpost.times import rfc3339

SHORTEST_PREFIX = 6


def find(conn: Connection, name: str) -> DeliveryRecord:
    """Return the delivery a person means: its id, or a unique end or beginning of it."""
    found = deliveries.find(conn, DELIVERY.c.id == name)
    if not found and len(name) >= SHORTEST_PREFIX:
        found = deliveries.find(
            conn,
            DELIVERY.c.id.startswith(name, autoescape=True) | DELIVERY.c.id.endswith(name, autoescape=True),
            limit=2,
        )
    if len(found) == 1:
        return found[0]
    if found:
        raise Refused(f"more than one delivery is called {name!r}", "write more of the id")
    raise Refused(f"there is no delivery {name!r}", "govpost delivery list shows them all")


def move(
    store: Store, config: Config, actor: Actor, name: str, at: datetime, channel: str | None
) -> list[DeliveryRecord]:
    """Give a post's waiting deliveries another time, within its own limits and the rate."""
    actor.need(Role.PUBLISHER, to="move posts in the queue")
    with store.write(actor.id) as tx:
        rows = _waiting(tx.conn, name, channel)
        for row in rows:
            refuse_unknown(config, row)
            _refuse_outside(row, at, tx.now)
            free = planning.calendar(tx, config, row.channel, [row.id])
            why = free.refuses(at)
            if why is not None:
                nearest = free.nearest_free(at, max(tx.now, row.not_before or tx.now), row.expires)
                tip = (
                    f"the nearest free time is {rfc3339(nearest)}"
                    if nearest
                    else "its rate leaves no free time"
                )
                raise Refused(f"{row.channel} is not free then: {why}", tip)
            _refuse_before_main(tx, config, row, rows, at)
            planning.reslot(tx, row, at, f"moved by {actor.id}", fixed=True, rush=False)
        return [deliveries.get(tx.conn, row.id) for row in rows]


def now(
    store: Store, config: Config, actor: Actor, name: str, reason: str, channel: str | None
) -> list[DeliveryRecord]:
    """Send a post's waiting deliveries now: past the gap, not past caps or windows."""
    actor.need(Role.PUBLISHER, to="send posts at once")
    with store.write(actor.id) as tx:
        rows = _waiting(tx.conn, name, channel)
        for row in rows:
            refuse_unknown(config, row)
            _refuse_outside(row, tx.now, tx.now)
            why = planning.calendar(tx, config, row.channel, [row.id]).refuses(tx.now, ignore_gap=True)
            if why is not None:
                raise Refused(
                    f"{row.channel} may not post now: {why}", "queue now passes the gap, not caps or windows"
                )
            _refuse_before_main(tx, config, row, rows, tx.now)
            planning.reslot(tx, row, tx.now, reason, rush=True)
        return [deliveries.get(tx.conn, row.id) for row in rows]


def _waiting(conn: Connection, name: str, channel: str | None) -> list[DeliveryRecord]:
    post = posts.find(conn, name)
    rows = [row for row in _waiting_rows(conn, post.id, post.version) if channel in (None, row.channel)]
    if not rows:
        where = f" on {channel}" if channel else ""
        raise Refused(
            f"nothing of {post.slug} is waiting{where}",
            f"govpost post show {post.slug} shows where it stands",
        )
    return rows


def _waiting_rows(conn: Connection, post_id: str, version: int) -> list[DeliveryRecord]:
    return [
        row
        for row in deliveries.of_post(conn, post_id, version)
        if row.state in ("queued", "held") and row.part == 1 and row.action == Action.PUBLISH
    ]


def refuse_unknown(config: Config, row: DeliveryRecord) -> None:
    """Refuse what has no channel in the config any more."""
    if row.channel not in config.channels:
        raise Refused(
            f"the channel {row.channel} is no longer in config.toml",
            "enter it again, or cancel the post with govpost post cancel",
        )


def _refuse_outside(row: DeliveryRecord, at: datetime, now: datetime) -> None:
    if at < now - timedelta(minutes=1):
        raise UsageFault(f"{rfc3339(at)} is in the past", "name a time to come, or use govpost queue now")
    if row.not_before is not None and at < row.not_before:
        raise Refused(
            f"the post must not go out before {rfc3339(row.not_before)}", "not_before was approved with it"
        )
    if row.expires is not None and at >= row.expires:
        raise Refused(f"the post expires on {rfc3339(row.expires)}", "expires was approved with it")


def _refuse_before_main(
    tx: Tx, config: Config, row: DeliveryRecord, moving: list[DeliveryRecord], at: datetime
) -> None:
    names = {each.channel for each in moving}
    for other in _waiting_rows(tx.conn, row.post_id, row.version):
        pair = {row.channel: at, other.channel: other.slot}
        main = config.main_channel
        if other.channel in names or main not in pair or max(pair.values()) == min(pair.values()):
            continue
        if max(pair, key=lambda name: pair[name]) == main:
            first = min(pair, key=lambda name: pair[name])
            raise Refused(
                f"{first} would come before {main}, the main channel: {rfc3339(pair[first])}"
                f" and {rfc3339(pair[main])}",
                "leave --channel out to move both",
            )
