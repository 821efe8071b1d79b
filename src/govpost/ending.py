"""How a claim ends that brings no receipt: given back, called off, or left as an open question."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from govpost import outcomes
from govpost.attempts import Claim
from govpost.fitted import Fitted
from govpost.states import DeliveryState
from govpost.store import deliveries
from govpost.store.engine import Tx


def give_back(tx: Tx, claim: Claim, why: str) -> None:
    """Queue again what was not sent; what may be public from before stays an open question."""
    deliveries.end_attempt(tx, claim.delivery, "queued", why, [])
    # The gate may have been passed, by a commit that was not answered, and what was not sent does not count as sent. Of
    # what may be public the instant stays as it is: it may have been shifted meanwhile, with a clock that jumped.
    values: dict[str, Any] = {} if claim.delivery.ambiguous else {"first_sent": claim.delivery.first_sent}
    deliveries.move(tx, claim.delivery, DeliveryState.QUEUED, why, fence=claim.fence, **values)


def take_back(tx: Tx, claim: Claim, since: datetime, why: str) -> None:
    """Give back what was claimed at `since`, if that claim was committed and stands; nothing of it was sent."""
    # Locked: that commit may still be on its way.
    now = deliveries.locked(tx.conn, claim.delivery.id)
    if now is None or now.state != DeliveryState.PUBLISHING:
        return
    # Owner and number may be those of another claim: of one made after this one was never committed.
    if deliveries.begun(tx.conn, claim.delivery) == since:
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
