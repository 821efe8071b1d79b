"""What a store knows that is about to be replaced by its backup: with which deliveries it went on after that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from govpost.store import chain
from govpost.store.chain import Head
from govpost.store.chain_rows import EVENT
from govpost.store.rows import DELIVERY
from govpost.store.witness import RESTORED

BATCH = 500
OPEN = ("queued", "held", "failed", "missed")
"""States of what may still go out, by itself or when a person tries it again."""
_WAITING = ("queued", "held")
_STANDING = select(DELIVERY.c.id, DELIVERY.c.state, DELIVERY.c.tries, DELIVERY.c.gate_at)


class Aftermath(NamedTuple):
    """The events that the backup lacks, and the deliveries, open in the backup, that may be public by them.

    `whole` says that the store goes on from where the backup ends, so that it knows of all that was done since.
    """

    lost: int
    went_on: list[str]
    whole: bool


class _Standing(NamedTuple):
    id: str
    state: str
    tries: int
    gate_at: datetime | None


def read(there: Connection, backup: Connection, end: Head) -> Aftermath:
    """Compare a store with its backup, whose record ends at `end`."""
    lost = max(chain.head(there).event_id - end.event_id, 0)
    return Aftermath(lost=lost, went_on=list(_went_on(there, backup)), whole=_goes_on(there, end))


def _goes_on(there: Connection, end: Head) -> bool:
    same = there.execute(select(EVENT.c.hash).where(EVENT.c.id == end.event_id)).scalar_one_or_none()
    # One that was itself put back since does not know what happened before that.
    put_back = select(EVENT.c.id).where(EVENT.c.id > end.event_id, EVENT.c.verb == RESTORED).limit(1)
    return same == end.hash and there.execute(put_back).first() is None


def _went_on(there: Connection, backup: Connection) -> Iterator[str]:
    still_open = _STANDING.where(DELIVERY.c.state.in_(OPEN)).execution_options(yield_per=BATCH)
    for rows in backup.execute(still_open).partitions():
        then = {row.id: _Standing(*row) for row in rows}
        for row in there.execute(_STANDING.where(DELIVERY.c.id.in_(list(then)))):
            if _may_be_public(then[row.id], _Standing(*row)):
                yield row.id


def _may_be_public(then: _Standing, now: _Standing) -> bool:
    if now.state not in (*_WAITING, then.state) or now.tries > then.tries:
        return True
    return now.gate_at is not None and (then.gate_at is None or now.gate_at > then.gate_at)
