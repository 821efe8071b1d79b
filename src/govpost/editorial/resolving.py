"""Settling by hand what went wrong: a person looks at the channel and says what is there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from govpost import planning
from govpost.config import Config
from govpost.domain import Action
from govpost.editorial.queueing import find, refuse_unknown
from govpost.errors import Refused, UsageFault
from govpost.fitted import Fitted
from govpost.people import Actor
from govpost.states import DeliveryState, Role
from govpost.store import deliveries, obstacles, posts
from govpost.store.engine import Store, Tx
from govpost.store.rows import DeliveryRecord
from govpost.times import describe, rfc3339


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
        refuse_unknown(config, row)
        post = posts.by_id(tx.conn, row.post_id)
        if post.submitted_at is None and row.action != Action.WITHDRAW:
            raise Refused(
                f"{post.slug} was cancelled or withdrawn; nothing more of it goes out",
                "write a new post under another slug",
            )
        # A withdrawal may go twice; of anything else somebody must know that it is not there.
        unsure = row.ambiguous and row.action != Action.WITHDRAW
        if unsure:
            _refuse_unlooked(tx, config, row, looked)
        due = _new_slot(tx, config, row)
        stopped = obstacles.obstacle(tx.conn, row.channel, row.platform, tx.now)
        deliveries.move(
            tx,
            row,
            DeliveryState.HELD if stopped else DeliveryState.QUEUED,
            stopped or f"tried again by {actor.id}" + (", who looked: it is not there" if unsure else ""),
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
        refuse_unknown(config, queued)
        planning.reslot(tx, queued, _new_slot(tx, config, queued), why)
    except Refused as full:
        deliveries.move(tx, queued, DeliveryState.MISSED, f"{why}; {full.message}")


def resolve_live(store: Store, actor: Actor, name: str, url: str, remote_id: str | None) -> DeliveryRecord:
    """Settle an open delivery, or one that was given up: a person has seen the post at `url`.

    Of a withdrawal that says that it has not worked: it is queued again.
    """
    actor.need(Role.PUBLISHER, to="settle deliveries")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UsageFault(f"{url!r} is not a web address", "copy the address of the post from your browser")
    with store.write(actor.id) as tx:
        row = find(tx.conn, name)
        _refuse_settled(row, or_given_up=True)
        if row.action == Action.WITHDRAW:
            _queue_again(tx, row, actor, f"{actor.id} still found it at {url}")
        else:
            kept = {"remote_id": remote_id or row.remote_id or url, "url": url}
            _hold_back_expired(tx, row)
            _settle(tx, row, actor, f"{actor.id} found it at {url}{_stopped(tx, row)}", kept)
        return deliveries.get(tx.conn, row.id)


def _settle(tx: Tx, row: DeliveryRecord, actor: Actor, why: str, kept: Mapping[str, str | None]) -> None:
    done: dict[str, Any] = {**kept, "ambiguous": False, "live_at": tx.now, "check_at": None}
    done["receipt"] = {**kept, "raw": {"resolved_by": actor.id}}
    deliveries.move(tx, row, DeliveryState.LIVE, why, roles=actor.roles, **done)


def _queue_again(tx: Tx, row: DeliveryRecord, actor: Actor, why: str) -> None:
    fresh: dict[str, Any] = {"ambiguous": False, "attempts": 0, "check_at": None, "due": tx.now}
    deliveries.move(tx, row, DeliveryState.QUEUED, why, roles=actor.roles, **fresh)


def _hold_back_expired(tx: Tx, row: DeliveryRecord) -> None:
    """Leave the later parts to a person where the post has expired: being found must not send them by itself."""
    if row.expires is None or row.expires > tx.now:
        return
    why = f"part {row.part} was found public when the post had expired on {rfc3339(row.expires)}"
    for later in deliveries.waiting_for(tx.conn, row, DeliveryState.HELD, DeliveryState.QUEUED):
        deliveries.move(tx, later, DeliveryState.MISSED, why)


def _stopped(tx: Tx, row: DeliveryRecord) -> str:
    """Say that a post was stopped before it was found public."""
    post = posts.by_id(tx.conn, row.post_id)
    if post.state not in ("cancelled", "withdrawn"):
        return ""
    return f"; the post was {post.state}: govpost post withdraw {post.slug} --reason CODE takes it down"


def resolve_absent(
    store: Store, config: Config, fitted: Mapping[str, Fitted], actor: Actor, name: str
) -> DeliveryRecord:
    """Settle an uncertain delivery: a person has looked and it is not there; it is queued again with the same key.

    A withdrawal, also one that was given up, is then done.
    """
    actor.need(Role.PUBLISHER, to="settle deliveries")
    with store.write(actor.id) as tx:
        row = find(tx.conn, name)
        _refuse_settled(row, or_given_up=row.action == Action.WITHDRAW)
        why = f"{actor.id} looked and it is not there"
        if row.action == Action.WITHDRAW:
            _settle(tx, row, actor, why, {"remote_id": row.remote_id, "url": row.url})
            return deliveries.get(tx.conn, row.id)
        _refuse_early(tx, config, fitted, row)
        _queue_again(tx, row, actor, why)
        begins = row.part == 1 and row.recipient is None and row.action == Action.PUBLISH
        if begins and (row.expires is None or row.expires > tx.now):
            _give_slot(tx, config, deliveries.get(tx.conn, row.id), why)
        return deliveries.get(tx.conn, row.id)


def give_up(store: Store, actor: Actor, name: str) -> DeliveryRecord:
    """Settle an uncertain delivery: nobody can tell, so it fails, and stays `ambiguous` for whoever would retry it."""
    actor.need(Role.PUBLISHER, to="settle deliveries")
    with store.write(actor.id) as tx:
        row = find(tx.conn, name)
        _refuse_settled(row)
        why = f"given up by {actor.id}; it may or may not be public"
        deliveries.move(tx, row, DeliveryState.FAILED, why, roles=actor.roles, check_at=None)
        return deliveries.get(tx.conn, row.id)


def _refuse_settled(row: DeliveryRecord, *, or_given_up: bool = False) -> None:
    """Refuse what does not ask what became of it; with `or_given_up`, what nobody asks about any more may pass."""
    given_up = row.ambiguous and row.state in ("failed", "cancelled")
    if row.state != "uncertain" and not (or_given_up and given_up):
        raise Refused(f"the delivery is {row.state}; only an uncertain one needs settling", _onward(row))


def _onward(row: DeliveryRecord) -> str:
    if not (row.ambiguous and row.state == "failed"):
        return ""
    again = "" if row.action == Action.WITHDRAW else " --not-there"
    return f"it was given up; if you looked: govpost delivery retry {row.id}{again}"
