"""What is asked before a delivery passes the gate: it is as it was approved and fits its channel still."""

from __future__ import annotations

from typing import Any, NamedTuple

from govpost import outcomes, seal
from govpost.attempts import Claim
from govpost.domain import Action
from govpost.fitted import Fitted
from govpost.render import fits
from govpost.states import DeliveryState
from govpost.store import deliveries, obstacles, schema
from govpost.store.engine import Tx


class Looked(NamedTuple):
    """What was looked at before the transaction: the hashes of the files, and what the platform will not take."""

    hashes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


def look(fitted: Fitted, claim: Claim) -> Looked:
    """Read the files and ask the plugin, while no lock of the store is held: either may take long."""
    withdraws = claim.delivery.action == Action.WITHDRAW
    refusals = () if withdraws else tuple(fitted.refusals(claim.variant))
    return Looked(tuple(seal.media_hashes(claim.variant.media)), refusals)


def closed(tx: Tx, fitted: Fitted) -> str | None:
    """Say why nothing may be sent on a platform from here, None when something may."""
    too_old = schema.too_old(tx.conn) if tx.several else None
    return too_old or obstacles.switched_off(tx.conn, fitted.config.platform)


def is_as_approved(tx: Tx, fitted: Fitted, claim: Claim, looked: Looked) -> bool:
    """End what is not as it was approved; asked before `stage` too, for no such file may even be uploaded."""
    trouble = _trouble(tx, fitted, claim, looked)
    if trouble is None:
        return True
    state = DeliveryState.UNCERTAIN if claim.delivery.ambiguous else DeliveryState.FAILED
    deliveries.end_attempt(tx, claim.delivery, str(state), trouble, [])
    asks = claim.delivery.ambiguous and fitted.confirms
    again: dict[str, Any] = {"check_at": tx.now + outcomes.FIRST_LOOK} if asks else {}
    deliveries.move(tx, claim.delivery, state, trouble, fence=claim.fence, **again)
    return False


def _trouble(tx: Tx, fitted: Fitted, claim: Claim, looked: Looked) -> str | None:
    """Say what of the delivery is not as it was approved, or no longer fits its channel."""
    broken = seal.broken(tx.conn, claim.delivery, claim.variant, looked.hashes, claim.config)
    if broken is not None or claim.delivery.action == Action.WITHDRAW:
        return broken
    if claim.target is not None and claim.target.state != DeliveryState.LIVE:
        return f"what it corrects is {claim.target.state}"
    return "; ".join([*fits(claim.variant, fitted.capabilities), *looked.refusals]) or None
