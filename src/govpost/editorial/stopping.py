"""Stopping a post: cancel what has not gone out, withdraw what has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, or_

from govpost.config import Config
from govpost.domain import Action, Variant
from govpost.draft_json import variant_to_dict
from govpost.errors import Refused, did_you_mean
from govpost.fitted import Fitted
from govpost.people import Actor
from govpost.planning import text_hash
from govpost.states import DeliveryState, PostState, Role
from govpost.store import copies, deliveries, obstacles, pilots, posts
from govpost.store.engine import Store, Tx
from govpost.store.rows import DELIVERY, DeliveryRecord, PostRecord
from govpost.times import moment_of_instant, uuid7

_STOPPABLE = ("queued", "held", "missed", "failed")


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """What came of stopping a post: deliveries stopped, those too late to stop, and addresses to take down by hand."""

    post: PostRecord
    stopped: list[DeliveryRecord] = field(default_factory=list)
    too_late: list[DeliveryRecord] = field(default_factory=list)
    by_hand: list[DeliveryRecord] = field(default_factory=list)


def passed_the_gate(row: DeliveryRecord) -> bool:
    """Say whether a delivery may have reached its platform."""
    return row.first_sent is not None or row.state in ("live", "pending", "uncertain", "withdrawn")


def cancel_deliveries(tx: Tx, post: PostRecord, why: str) -> list[DeliveryRecord]:
    """Cancel every delivery of the post's version that has not passed the gate; one being prepared is taken back."""
    own = _own(post)
    for row in deliveries.find(tx.conn, *own, DELIVERY.c.state == "publishing", DELIVERY.c.gate_at.is_(None)):
        deliveries.move(tx, row, DeliveryState.QUEUED, why)
    given_up = and_(DELIVERY.c.state == "failed", DELIVERY.c.ambiguous)
    stoppable = (*own, DELIVERY.c.state.in_(_STOPPABLE), or_(~DELIVERY.c.ambiguous, given_up))
    stopped = deliveries.find(tx.conn, *stoppable)
    copies.move_all(tx, DeliveryState.CANCELLED, f"{why}; it was given up and may be public", *own, given_up)
    copies.move_all(tx, DeliveryState.CANCELLED, why, *stoppable)
    return stopped


def _own(post: PostRecord) -> tuple[ColumnElement[bool], ...]:
    this = (DELIVERY.c.post_id == post.id, DELIVERY.c.version == post.version)
    return *this, DELIVERY.c.action != Action.WITHDRAW


def cancel(store: Store, actor: Actor, name: str, reason: str) -> Stopped:
    """Cancel a post, by order: what is on the wire or public stays, and is named."""
    with store.write(actor.id) as tx:
        post = posts.find(tx.conn, name)
        states = deliveries.distinct(tx.conn, "state", *_own(post))
        roles = (Role.PUBLISHER,) if states else (Role.AUTHOR, Role.PUBLISHER)
        actor.need(*roles, to="cancel posts")
        left = any(state in _STOPPABLE for state in states)
        if post.state in ("withdrawn", "cancelled") or (post.state == "published" and not left):
            tip = (
                f"govpost post withdraw {post.slug} --reason CODE takes it down"
                if post.state == "published"
                else ""
            )
            raise Refused(f"{post.slug} is {post.state}; there is nothing left to cancel", tip)
        stopped = cancel_deliveries(tx, post, reason)
        posts.void_release(tx, post)
        post = posts.by_id(tx.conn, post.id)
        if not states:
            post = posts.move(tx, post, PostState.CANCELLED, actor.roles, reason)
        ended = DELIVERY.c.state.in_(("cancelled", "withdrawn"))
        too_late = deliveries.find(tx.conn, *_own(post), ~ended)
        tx.event("post.cancel", f"post:{post.id}", why=reason, post=post.id, too_late=_named(too_late))
        return Stopped(post=post, stopped=stopped, too_late=too_late)


def withdraw(
    store: Store,
    config: Config,
    fitted: Mapping[str, Fitted],
    actor: Actor,
    name: str,
    code: str,
    remark: str = "",
) -> Stopped:
    """Take a post down everywhere, last part first; its public words come from `[withdrawal]` in config."""
    actor.need(Role.PUBLISHER, to="withdraw posts")
    if code not in config.withdrawal:
        codes = ", ".join(config.withdrawal)
        raise Refused(
            f"there is no reason code {code!r}{did_you_mean(code, config.withdrawal)}",
            f"the codes are: {codes}",
        )
    with store.write(actor.id) as tx:
        post = posts.find(tx.conn, name)
        cancelled = cancel_deliveries(tx, post, f"the post is withdrawn: {code}")
        rows = [row for row in deliveries.of_post(tx.conn, post.id) if row.action != Action.WITHDRAW]
        live = [row for row in rows if row.state == DeliveryState.LIVE and row.action == Action.PUBLISH]
        if not live:
            raise Refused(
                f"{post.slug} is {post.state}; nothing of it is public that could be withdrawn", _look(post)
            )
        posts.void_release(tx, post)
        ordered = _still_ordered(tx, post)
        able = [row for row in live if _can_withdraw(tx, fitted, row)]
        taken = [row for row in able if row.id not in ordered]
        deliveries.add(tx, _withdrawals(tx, post, taken, config.withdrawal[code]))
        open_ones = [row for row in rows if row.state in ("publishing", "pending", "uncertain")]
        by_hand = [row for row in live if row not in able]
        why = f"{code}: {remark}" if remark else code
        tx.event("post.withdraw", f"post:{post.id}", why=why, post=post.id, by_hand=_named(by_hand, url=True))
        return Stopped(
            post=posts.by_id(tx.conn, post.id), stopped=cancelled + taken, too_late=open_ones, by_hand=by_hand
        )


def _still_ordered(tx: Tx, post: PostRecord) -> set[str | None]:
    """Return what is being withdrawn already; an order that came to nothing is closed, to be given anew."""
    orders = [row for row in deliveries.of_post(tx.conn, post.id) if row.action == Action.WITHDRAW]
    for row in orders:
        if row.state in ("failed", "missed"):
            deliveries.move(tx, row, DeliveryState.CANCELLED, "the withdrawal was ordered again")
    now = (deliveries.get(tx.conn, row.id) for row in orders)
    return {row.target for row in now if row.state != DeliveryState.CANCELLED}


def _can_withdraw(tx: Tx, fitted: Mapping[str, Fitted], row: DeliveryRecord) -> bool:
    known, pilot = fitted.get(row.channel), pilots.get(tx.conn, row.channel)
    return known is not None and known.withdraws and pilot is not None and pilot.state != "retired"


def _named(rows: list[DeliveryRecord], *, url: bool = False) -> list[str]:
    """Name deliveries for the record, the copies of a bulletin by their number."""
    each = [(row.url if url else None) or row.id for row in rows if row.recipient is None]
    many = Counter(row.channel for row in rows if row.recipient is not None)
    return [*each, *(f"{count} of the copies on {channel}" for channel, count in many.items())]


def _look(post: PostRecord) -> str:
    return f"govpost post show {post.slug} shows where it stands"


def _withdrawals(tx: Tx, post: PostRecord, live: list[DeliveryRecord], notice: str) -> list[DeliveryRecord]:
    """Make one withdraw delivery for each live one; a part waits for the one after it to be gone, a copy for none."""
    made: list[DeliveryRecord] = []
    later: dict[str, str] = {}
    for row in sorted(live, key=lambda each: (each.channel, -each.part)):
        why = obstacles.obstacle(tx.conn, row.channel, row.platform, tx.now)
        waits_for = later.get(row.channel)
        order = DeliveryRecord(
            id=uuid7(tx.now),
            post_id=post.id,
            version=row.version,
            channel=row.channel,
            platform=row.platform,
            part=row.part,
            parts=row.parts,
            action=Action.WITHDRAW,
            state=DeliveryState.HELD if why or waits_for else DeliveryState.QUEUED,
            priority=2,
            slot=tx.now,
            due=tx.now,
            wall=moment_of_instant(tx.now, row.zone).wall,
            zone=row.zone,
            variant=variant_to_dict(Variant(key="", action=Action.WITHDRAW, text="")),
            text_hash=text_hash(""),
            target=row.id,
            recipient=row.recipient,
            notice=notice,
            waits_for=waits_for,
            reason=why or ("waits until the part after it is down" if waits_for else ""),
            created_at=tx.now,
        )
        if row.recipient is None:
            later[row.channel] = order.id
        made.append(order)
    return made
