"""One delivery becomes one for each recipient, where the platform sends each a copy of their own."""

from __future__ import annotations

from collections.abc import Sequence

from govpost.attempts import Claim
from govpost.contract import Addresses
from govpost.domain import Action
from govpost.fitted import Fitted
from govpost.states import DeliveryState
from govpost.store import copies, deliveries
from govpost.store.engine import Tx
from govpost.store.rows import DeliveryRecord


def is_wanted(fitted: Fitted, delivery: DeliveryRecord) -> bool:
    """Say whether a delivery has to be parted among recipients before anything of it goes out."""
    each_has_one = isinstance(fitted.platform, Addresses)
    return each_has_one and delivery.recipient is None and delivery.action == Action.PUBLISH


def part(tx: Tx, claim: Claim, recipients: Sequence[str]) -> None:
    """Give the claimed delivery its recipient and enter one more for each other, all in its slot, all queued.

    One that was approved as a thread, when the platform sent no copies yet, fails: its parts have numbers already.
    Only the holder of the claim does it, in one transaction: a crash leaves either one delivery or all of them.
    """
    if claim.delivery.parts > 1:
        _fail_thread(tx, claim)
        return
    first, *others = recipients
    why = "parted into 1 copy" if not others else f"parted into {len(recipients):,} copies"
    deliveries.end_attempt(tx, claim.delivery, "queued", why, [])
    parts = len(recipients)
    if deliveries.move(
        tx, claim.delivery, DeliveryState.QUEUED, why, fence=claim.fence, recipient=first, parts=parts
    ):
        copies.enter(tx, claim.delivery, others)


def _fail_thread(tx: Tx, claim: Claim) -> None:
    why = (
        "it was approved as a thread, and its platform now sends copies, which cannot be one; submit it again"
    )
    deliveries.end_attempt(tx, claim.delivery, "failed", why, [])
    deliveries.move(tx, claim.delivery, DeliveryState.FAILED, why, fence=claim.fence)
