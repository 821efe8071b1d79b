"""Giving up on threads: those a plugin never gave back, and claims that a fault of our own left behind."""

from __future__ import annotations

import logging
from collections.abc import Container
from datetime import timedelta

from govpost.daemon.lanes import Busy, Lanes
from govpost.publisher import ACTOR
from govpost.store import channels, deliveries, rescue
from govpost.store.engine import Store

log = logging.getLogger("govpost.daemon")


def give_up_lost(
    store: Store, lanes: Lanes, owner: str, unrecorded: Container[str | None], patience: timedelta, now: float
) -> None:
    """Give up on threads that did not come back within `patience`; `now` is monotonic, in seconds.

    A thread that only waits for the store to take its outcome is not lost. Nor is one that had no chance to run,
    because the whole process stood still: it is given up at the second look only. Nor is one whose claim still holds,
    because it was made when an attempt might last longer.
    """
    for busy in lanes.busy():
        late = now - busy.since > patience.total_seconds() and busy.delivery not in unrecorded
        if late and busy.overdue:
            _give_up(store, busy, owner)
        busy.overdue = late


def _give_up(store: Store, busy: Busy, owner: str) -> None:
    why = "a call into the plugin did not return"
    with store.write(ACTOR) as tx:
        held = None if busy.delivery is None else deliveries.get(tx.conn, busy.delivery)
        if held is not None and held.state == "publishing" and held.lease_owner == owner:
            if not rescue.lease_is_over(held, tx.now):
                return
            rescue.strand(tx, held, why)
        until = channels.FOR_GOOD
        channels.pause(tx, busy.channel, until, f"{why}; restart the daemon, then resume the channel")
    busy.lost = True
    log.error("channel %s is paused: %s", busy.channel, why)


def give_back_orphans(store: Store, lanes: Lanes, owner: str) -> None:
    """Settle what `owner` claimed, no thread holds any more, and whose lease has run out."""
    with store.read() as conn:
        claimed = [row for row in deliveries.in_state(conn, "publishing") if row.lease_owner == owner]
    if not claimed:
        return
    held = {busy.delivery for busy in lanes.busy()}
    with store.write(ACTOR) as tx:
        for row in claimed:
            if row.id not in held and rescue.lease_is_over(row, tx.now):
                rescue.strand(tx, row, "the thread that held it broke")
                log.error("delivery %s on %s was given up: its thread broke", row.id, row.channel)
