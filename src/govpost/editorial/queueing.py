"""Moving what is planned and settling what went wrong: always a person, always within the rate."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import Connection

from govpost import planning
from govpost.config import Config
from govpost.domain import Action
from govpost.errors import Refused, UsageFault
from govpost.fitted import Fitted
from govpost.people import Actor
from govpost.states import DeliveryState, Role
from govpost.store import deliveries, obstacles, posts
from govpost.store.engine import Store, Tx
from govpost.store.rows import DELIVERY, DeliveryRecord
from govpost.times import describe, rfc3339

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
            _refuse_unknown(config, row)
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
            _refuse_unknown(config, row)
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


def _refuse_unknown(config: Config, row: DeliveryRecord) -> None:
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


def retry(
    store: Store, config: Config, actor: Actor, name: str, looked: Mapping[str, Fitted] | None = None
) -> DeliveryRecord:
    """Try a failed or missed delivery again, in a new slot.

    One that was given up may be public: it goes only with `looked`, the channels as fitted, by which a person says to
    have looked and that it is not there.
    """
    actor.need(Role.PUBLISHER, to="try deliveries again")
    with store.write(actor.id) as tx:
        row = find(tx.conn, name)
        if row.state not in ("failed", "missed"):
            tip = f"govpost delivery resolve {row.id} --live URL | --not-there"
            why = f"the delivery is {row.state}; only a failed or missed one can be tried again"
            raise Refused(why, tip if row.state == "uncertain" else "")
        _refuse_unknown(config, row)
        post = posts.by_id(tx.conn, row.post_id)
        if post.submitted_at is None and row.action != Action.WITHDRAW:
            raise Refused(
                f"{post.slug} was cancelled or withdrawn; nothing more of it goes out",
                "write a new post under another slug",
            )
        if row.ambiguous:
            _refuse_unlooked(tx, config, row, looked)
        due = _new_slot(tx, config, row)
        stopped = obstacles.obstacle(tx.conn, row.channel, row.platform, tx.now)
        deliveries.move(
            tx,
            row,
            DeliveryState.HELD if stopped else DeliveryState.QUEUED,
            stopped
            or f"tried again by {actor.id}" + (", who looked: it is not there" if row.ambiguous else ""),
            roles=actor.roles,
            attempts=0,
            ambiguous=False,
            slot=due,
            due=due,
        )
        planning.reslot(tx, deliveries.get(tx.conn, row.id), due, f"tried again by {actor.id}")
        return deliveries.get(tx.conn, row.id)


def _refuse_unlooked(
    tx: Tx, config: Config, row: DeliveryRecord, looked: Mapping[str, Fitted] | None
) -> None:
    if looked is None:
        raise Refused(
            f"it may be public on {row.channel}: {row.reason}",
            f"look there first. It is there: govpost delivery resolve {row.id} --live URL;"
            f" it is not: govpost delivery retry {row.id} --not-there",
        )
    _refuse_early(tx, config, looked, row)


def _refuse_early(tx: Tx, config: Config, fitted: Mapping[str, Fitted], row: DeliveryRecord) -> None:
    known = fitted.get(row.channel)
    settles = (known.capabilities.settles_after if known else None) or timedelta()
    ready = (row.gate_at or row.due) + config.daemon.attempt + settles
    if tx.now < ready:
        wait = f"it may still arrive: wait {describe(ready - tx.now)}"
        raise Refused(wait, f"look again after {rfc3339(ready)}")


def _new_slot(tx: Tx, config: Config, row: DeliveryRecord) -> datetime:
    if row.action != Action.PUBLISH or (row.part > 1 and row.recipient is None):
        return tx.now
    if row.expires is not None and row.expires <= tx.now:
        raise Refused(
            f"the post expired on {rfc3339(row.expires)}",
            "write a new post, or correct this one with another date",
        )
    if row.recipient is not None:
        return tx.now  # a copy has its place in the rate already
    after = max(tx.now, row.not_before or tx.now)
    free = planning.calendar(tx, config, row.channel, [row.id]).first_free(after, row.expires)
    if free is None:
        raise Refused(
            f"{row.channel} has no free time left for it", "see govpost queue list and the channel's rate"
        )
    return free


def _give_slot(tx: Tx, config: Config, queued: DeliveryRecord, why: str) -> None:
    """Plan a settled delivery anew; where nothing is free any more, a person decides what becomes of it."""
    try:
        _refuse_unknown(config, queued)
        planning.reslot(tx, queued, _new_slot(tx, config, queued), why)
    except Refused as full:
        deliveries.move(tx, queued, DeliveryState.MISSED, f"{why}; {full.message}")


def resolve_live(store: Store, actor: Actor, name: str, url: str, remote_id: str | None) -> DeliveryRecord:
    """Settle an uncertain delivery, or one that was given up: a person has seen it at `url`."""
    actor.need(Role.PUBLISHER, to="settle deliveries")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UsageFault(f"{url!r} is not a web address", "copy the address of the post from your browser")
    with store.write(actor.id) as tx:
        row = _uncertain(tx.conn, name, or_given_up=True)
        kept = {"remote_id": remote_id or row.remote_id or url, "url": url, "raw": {"resolved_by": actor.id}}
        deliveries.move(
            tx,
            row,
            DeliveryState.LIVE,
            f"{actor.id} found it at {url}",
            roles=actor.roles,
            remote_id=kept["remote_id"],
            url=url,
            receipt=kept,
            ambiguous=False,
            live_at=tx.now,
            check_at=None,
        )
        return deliveries.get(tx.conn, row.id)


def resolve_absent(
    store: Store, config: Config, fitted: Mapping[str, Fitted], actor: Actor, name: str
) -> DeliveryRecord:
    """Settle an uncertain delivery: a person has looked and it is not there; it is queued again with the same key."""
    actor.need(Role.PUBLISHER, to="settle deliveries")
    with store.write(actor.id) as tx:
        row = _uncertain(tx.conn, name)
        _refuse_early(tx, config, fitted, row)
        why = f"{actor.id} looked and it is not there"
        deliveries.move(
            tx,
            row,
            DeliveryState.QUEUED,
            why,
            roles=actor.roles,
            ambiguous=False,
            attempts=0,
            check_at=None,
            due=tx.now,
        )
        begins = row.part == 1 and row.recipient is None and row.action == Action.PUBLISH
        if begins and (row.expires is None or row.expires > tx.now):
            _give_slot(tx, config, deliveries.get(tx.conn, row.id), why)
        return deliveries.get(tx.conn, row.id)


def give_up(store: Store, actor: Actor, name: str) -> DeliveryRecord:
    """Settle an uncertain delivery: nobody can tell, so it fails, and stays `ambiguous` for whoever would retry it."""
    actor.need(Role.PUBLISHER, to="settle deliveries")
    with store.write(actor.id) as tx:
        row = _uncertain(tx.conn, name)
        why = f"given up by {actor.id}; it may or may not be public"
        deliveries.move(tx, row, DeliveryState.FAILED, why, roles=actor.roles, check_at=None)
        return deliveries.get(tx.conn, row.id)


def _uncertain(conn: Connection, name: str, *, or_given_up: bool = False) -> DeliveryRecord:
    row = find(conn, name)
    if row.state != "uncertain" and not (or_given_up and row.state == "failed" and row.ambiguous):
        raise Refused(f"the delivery is {row.state}; only an uncertain one needs settling", "")
    return row
