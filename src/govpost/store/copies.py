"""Copies of a delivery for its other recipients: entered at once, beside the first."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert

from govpost.store import deliveries
from govpost.store.engine import Tx
from govpost.store.rows import DELIVERY, DeliveryRecord
from govpost.times import uuid7


def enter(tx: Tx, first: DeliveryRecord, recipients: Sequence[str]) -> None:
    """Enter a copy of `first` for each recipient, queued in its slot as parts 2, 3 …, with one event for them all."""
    if not recipients:
        return
    total = len(recipients) + 1
    blank = first.model_dump() | {"parts": total, "state": "queued", "tries": 0, "attempts": 0, "reason": ""}
    blank |= {"lease_owner": None, "lease_until": None, "gate_at": None, "created_at": tx.now}
    rows = [
        blank | {"id": uuid7(tx.now), "part": number, "recipient": recipient}
        for number, recipient in enumerate(recipients, 2)
    ]
    tx.conn.execute(insert(DELIVERY), rows)
    why = f"{len(rows):,} more copies" if len(rows) > 1 else "1 more copy"
    deliveries.note(tx, first, "delivery.copies", new="queued", why=why, copies=len(rows))
