"""A store that was put back: frozen, and what was due since the backup is uncertain, before anything is claimed.

What it does not know of may be public. So neither a repeat with the same key nor an early "it is not there" is
believed: the wait for that counts from now, and no first time of sending is kept that could make a repeat look safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select, update

from govpost.states import DeliveryState
from govpost.store import chain, copies, deliveries, meta, schema, witness
from govpost.store.account_rows import TOKEN
from govpost.store.aftermath import BATCH, OPEN
from govpost.store.chain_rows import EVENT
from govpost.store.engine import Store, Tx
from govpost.store.machine_rows import DAEMON
from govpost.store.rows import DELIVERY
from govpost.store.witness import RESTORED, Witness, is_ahead
from govpost.times import rfc3339

MARK = "backup"
"""The fact in `meta` that a store is a backup, and nobody has acted upon that yet."""


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What a restored store was made safe by: the time of its backup, and how many deliveries are uncertain now."""

    at: datetime
    uncertain: int


def reason(at: datetime, *, compared: bool = False) -> str:
    """Say why a restored store is frozen; not `compared` with the old one, more may be public than it says."""
    due = f"restored from the backup of {rfc3339(at)}; settle what is uncertain before the thaw"
    if compared:
        return due
    return f"{due}, and look on the channels for what is planned for later, failed or missed: it may be public too"


def frozen_at(at: datetime, by: str) -> dict[str, Any]:
    """Return the freeze that a backup carries with it."""
    return {"by": by, "reason": reason(at), "at": rfc3339(at)}


def settle(store: Store, actor: str, seen: Witness | None = None) -> Settled | None:
    """Make a store safe that was put back; None when it was not. `seen` is what a daemon saw of it last.

    Call it before the first claim and before anything that a person orders.
    """
    with store.read() as conn:
        if meta.get(conn, MARK) is None and (seen is None or not is_ahead(conn, seen)):
            return None
    with store.write(actor) as tx:
        found = settle_in(tx)
        if found is None and seen is not None and is_ahead(tx.conn, seen):
            found = _settle(tx, last_event(tx), "it lacks events that a daemon had seen")
        return found


def bear_witness(store: Store) -> None:
    """Note beside the store how far its record goes; OSError when the folder takes nothing."""
    with store.read() as conn:
        head, which = chain.head(conn), schema.identity(conn)
    witness.keep(store.folder, head, store.clock(), which, store.name)


def settle_in(
    tx: Tx, why: str = "", went_on: Sequence[str] = (), *, compared: bool = False
) -> Settled | None:
    """Act on the mark of a backup, in a transaction that is open already; None when there is no mark.

    `went_on` are deliveries that are known to have gone on after the backup; they are uncertain, due or not. `compared`
    says that these are all.
    """
    mark = meta.get(tx.conn, MARK)
    if mark is None:
        return None
    meta.drop(tx.conn, MARK)
    before = mark.get("frozen")
    known = f"it was frozen then already, by {before['by']}: {before['reason']}" if before else ""
    told = "; ".join(each for each in (why, known) if each)
    return _settle(tx, datetime.fromisoformat(mark["at"]), told, went_on, compared=compared)


def last_event(tx: Tx) -> datetime:
    """Return when the last thing that the store knows of happened."""
    last: datetime | None = tx.conn.execute(select(func.max(EVENT.c.at))).scalar_one()
    return last or tx.now


def _settle(
    tx: Tx, at: datetime, why: str, went_on: Sequence[str] = (), *, compared: bool = False
) -> Settled:
    because = f"restored from the backup of {rfc3339(at)}"
    meta.put(
        tx.conn, meta.FREEZE, {"by": tx.actor, "reason": reason(at, compared=compared), "at": rfc3339(tx.now)}
    )
    tx.event("freeze", "everything", old="open", new="frozen", why=because)
    opened = _open_questions(tx, because, went_on)
    tx.conn.execute(DAEMON.delete())
    tokens = list(tx.conn.execute(select(TOKEN.c.channel).order_by(TOKEN.c.channel)).scalars())
    # The stored ones may be used up since; what can be shown only once must not be shown again.
    tx.conn.execute(update(TOKEN).values(lease_owner="restored", lease_until=tx.now))
    stale = "stored log-ins may be out of date: log in again where one is refused" if tokens else ""
    told = "; ".join(each for each in (because, why, stale) if each)
    tx.event(RESTORED, "store", why=told, uncertain=opened, since=rfc3339(at), accounts=tokens or None)
    return Settled(at=at, uncertain=opened)


def _open_questions(tx: Tx, because: str, went_on: Sequence[str]) -> int:
    """Make uncertain what was due or went on, and ask anew about what was uncertain in the backup already."""
    since = f"{because}: it may have been published since"
    due = or_(
        DELIVERY.c.state == "publishing",
        and_(DELIVERY.c.state.in_(("queued", "held")), DELIVERY.c.due <= tx.now),
    )
    for claimed in deliveries.in_state(tx.conn, "publishing"):
        deliveries.end_attempt(tx, claimed, str(DeliveryState.UNCERTAIN), since, [])
    unknown: dict[str, Any] = {"ambiguous": True, "gate_at": tx.now, "first_sent": None, "check_at": tx.now}
    values: dict[str, Any] = {**unknown, "lease_owner": None, "lease_until": None}
    copies.move_all(tx, DeliveryState.UNCERTAIN, since, due, **values)
    for start in range(0, len(went_on), BATCH):
        these = (DELIVERY.c.id.in_(went_on[start : start + BATCH]), DELIVERY.c.state.in_(OPEN))
        why = f"{because}: it was sent, tried or changed after that"
        copies.move_all(tx, DeliveryState.UNCERTAIN, why, *these, **values)
    every = DELIVERY.c.state == str(DeliveryState.UNCERTAIN)
    return tx.conn.execute(update(DELIVERY).where(every).values(unknown)).rowcount
