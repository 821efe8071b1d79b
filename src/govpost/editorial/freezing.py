"""The freeze: nothing is published anywhere, by order, until it is thawed."""

from __future__ import annotations

from dataclasses import dataclass, field

from govpost import duties
from govpost.config import Config
from govpost.errors import Refused
from govpost.people import Actor
from govpost.states import DeliveryState, Role
from govpost.store import channels, deliveries, meta, obstacles
from govpost.store.engine import Store, Tx
from govpost.store.rows import DeliveryRecord
from govpost.times import rfc3339

PASSED = "its time passed during the freeze; look at it again"


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """What a freeze stopped, and what had passed the gate before it and is left to finish."""

    held: int
    on_the_wire: list[DeliveryRecord] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Thawed:
    """What a thaw leaves to a person, and how many deliveries the daemon lets go on."""

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
    queued = {row.channel for row in deliveries.in_state(tx.conn, "queued")}
    return [*config.channels, *sorted(queued - set(config.channels))]


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
            missed=[row for row in _overdue(tx) if _miss(tx, row)],
            uncertain=deliveries.in_state(tx.conn, "uncertain"),
            waiting=_explain(tx),
        )


def _overdue(tx: Tx) -> list[DeliveryRecord]:
    """Return what should have gone out by now; later parts wait for the first, and withdrawals go on by themselves."""
    waiting = deliveries.in_state(tx.conn, "held", "queued")
    return [row for row in waiting if row.slot <= tx.now and row.part == 1 and row.action != "withdraw"]


def _miss(tx: Tx, row: DeliveryRecord) -> bool:
    if row.ambiguous:
        deliveries.move(
            tx, row, DeliveryState.UNCERTAIN, f"{PASSED}; an earlier attempt may be public", check_at=tx.now
        )
        return False
    return deliveries.move(tx, row, DeliveryState.MISSED, PASSED)


def _explain(tx: Tx) -> int:
    """Count what the daemon will let go on: what is held and has no other obstacle."""
    return sum(
        obstacles.obstacle(tx.conn, row.channel, row.platform, tx.now) is None
        for row in deliveries.in_state(tx.conn, "held")
    )
