"""The freeze: nothing is published anywhere, by order, until it is thawed."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import func, select

from govpost import duties
from govpost.config import Config
from govpost.errors import Refused
from govpost.people import Actor
from govpost.states import DeliveryState, Role
from govpost.store import channels, conditions, copies, deliveries, meta, obstacles
from govpost.store.engine import Store, Tx
from govpost.store.rows import DELIVERY, DeliveryRecord
from govpost.times import rfc3339

PASSED = "its time passed during the freeze; look at it again"


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """What a freeze stopped, and what had passed the gate before it and is left to finish."""

    held: int
    on_the_wire: list[DeliveryRecord] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Thawed:
    """What a thaw leaves to a person, and how many deliveries the daemon lets go on.

    One delivery stands for all copies of a bulletin that are alike.
    """

    missed: list[DeliveryRecord] = field(default_factory=list)
    uncertain: list[DeliveryRecord] = field(default_factory=list)
    waiting: int = 0


def freeze(store: Store, config: Config, actor: Actor, reason: str) -> Frozen:
    """Stop everything: once this returns, no delivery passes the gate."""
    actor.need(Role.OFFICER, Role.ADMIN, Role.PUBLISHER, to="freeze")
    with store.write(actor.id) as tx:
        before = meta.frozen(tx.conn)
        if before is not None:
            raise Refused(
                f"everything is frozen already, by {before['by']} since {before['at']}: {before['reason']}",
                "govpost thaw --reason TEXT ends it",
            )
        meta.put(tx.conn, meta.FREEZE, {"by": actor.id, "reason": reason, "at": rfc3339(tx.now)})
        tx.event("freeze", "everything", old="open", new="frozen", why=reason)
        held = sum(duties.hold(tx, name, _why(actor, reason)) for name in _names(tx, config))
        gone = [row for row in deliveries.in_state(tx.conn, "publishing") if row.gate_at is not None]
        return Frozen(held=held, on_the_wire=gone)


def _why(actor: Actor, reason: str) -> str:
    return f"everything is frozen by {actor.id}: {reason}"


def _names(tx: Tx, config: Config) -> list[str]:
    queued = deliveries.distinct(tx.conn, "channel", DELIVERY.c.state == "queued")
    return [*config.channels, *(name for name in queued if name not in config.channels)]


def thaw(store: Store, config: Config, actor: Actor, reason: str) -> Thawed:
    """End the freeze: what passed its time meanwhile is missed, so that a person looks at it again."""
    actor.need(Role.OFFICER, Role.ADMIN, to="thaw")
    with store.write(actor.id) as tx:
        before = meta.frozen(tx.conn)
        if before is None:
            raise Refused("nothing is frozen", "govpost status shows what is going on")
        meta.drop(tx.conn, meta.FREEZE)
        tx.event("thaw", "everything", old="frozen", new="open", why=reason, since=before["at"])
        channels.ensure(tx, config.channels)
        return Thawed(
            missed=_miss_overdue(tx),
            uncertain=deliveries.in_state(tx.conn, "uncertain"),
            waiting=_explain(tx),
        )


def _miss_overdue(tx: Tx) -> list[DeliveryRecord]:
    """Miss what should have gone out by now; later parts wait for the first, and withdrawals go on by themselves."""
    overdue = (DELIVERY.c.state.in_(("held", "queued")), DELIVERY.c.slot <= tx.now, conditions.can_expire())
    rows = copies.one_of_each(tx.conn, *overdue)
    for row in rows:
        if row.ambiguous:
            why = f"{PASSED}; an earlier attempt may be public"
            copies.move(tx, row, DeliveryState.UNCERTAIN, why, *overdue, check_at=tx.now)
        else:
            copies.move(tx, row, DeliveryState.MISSED, PASSED, *overdue)
    return [row for row in rows if not row.ambiguous]


def _explain(tx: Tx) -> int:
    """Count what the daemon will let go on: what is held and has no other obstacle."""
    names = (DELIVERY.c.channel, DELIVERY.c.platform)
    held = select(*names, func.count().label("many")).where(DELIVERY.c.state == "held").group_by(*names)
    return sum(
        row.many
        for row in tx.conn.execute(held)
        if obstacles.obstacle(tx.conn, row.channel, row.platform, tx.now) is None
    )
