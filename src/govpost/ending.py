"""How a claim ends that brings no receipt: given back, called off, or left as an open question."""

from __future__ import annotations

from datetime import datetime

from govpost import outcomes
from govpost.attempts import Claim
from govpost.fitted import Fitted
from govpost.states import DeliveryState
from govpost.store import deliveries
from govpost.store.engine import Tx


def give_back(tx: Tx, claim: Claim, why: str) -> None:
    """Queue again what did not pass the gate; what may be public from before stays an open question."""
    deliveries.end_attempt(tx, claim.delivery, "queued", why, [])
    deliveries.move(tx, claim.delivery, DeliveryState.QUEUED, why, fence=claim.fence)


def take_back(tx: Tx, claim: Claim, since: datetime, why: str) -> None:
    """Give back what was claimed at `since`, if that claim was committed and stands; nothing of it was sent."""
    now = deliveries.get(tx.conn, claim.delivery.id)
    # Owner and number may be those of another claim: of one made after this one was never committed.
    if now.state == DeliveryState.PUBLISHING and deliveries.begun(tx.conn, claim.delivery) == since:
        give_back(tx, claim, why)


def call_off(tx: Tx, claim: Claim, why: str) -> None:
    """Cancel a copy that nobody wants any more: nothing of it was sent."""
    if deliveries.move(tx, claim.delivery, DeliveryState.QUEUED, why, fence=claim.fence):
        deliveries.move(tx, deliveries.get(tx.conn, claim.delivery.id), DeliveryState.CANCELLED, why)


def close_late_repeat(tx: Tx, fitted: Fitted, claim: Claim) -> bool:
    """Leave an ambiguous delivery to a person when a repeat is no longer safe; False when it still is."""
    delivery, attempt = claim.delivery, claim.config.daemon.attempt
    if not delivery.ambiguous:
        return False
    if outcomes.repeat_is_safe(delivery.first_sent, tx.now, fitted.capabilities, attempt):
        return False
    why = "an earlier attempt may have been published, and a repeat is no longer safe"
    deliveries.end_attempt(tx, delivery, "uncertain", why, [])
    deliveries.move(tx, delivery, DeliveryState.UNCERTAIN, why, fence=claim.fence, check_at=tx.now)
    return True
