"""Gathering on one channel: one call at a time, its result kept in one transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from govpost.attempts import Monotonic, receipt_of
from govpost.collector import calls, keeping, schedule, turns
from govpost.collector.calls import Call, Counted, Heard, Trouble
from govpost.collector.keeping import Gathered
from govpost.collector.turns import Turn
from govpost.config import Config
from govpost.contract import Measures
from govpost.domain import Receipt
from govpost.errors import Refused, Unauthorized
from govpost.fitted import Fitted
from govpost.publisher import ACTOR, Setup
from govpost.states import DeliveryState
from govpost.store import gathered
from govpost.store.engine import Store
from govpost.store.gathered import Reading
from govpost.store.rows import DeliveryRecord


@dataclass(kw_only=True)
class Collector:
    """Gathers what comes back. `setup` gives the config and channels in force; `stop` ends waits and claims."""

    store: Store
    setup: Callable[[], Setup]
    stop: Callable[[], bool]
    monotonic: Monotonic = time.monotonic
    actor: str = ACTOR

    def work(self, name: str) -> bool:
        """Do the next piece that is due on a channel; False when there is none now."""
        setup = self.setup()
        fitted = setup.fitted.get(name)
        if fitted is None or self.stop() or not setup.config.collector.enabled:
            return False
        self.plan(fitted, setup.config)
        with self.store.read() as conn:
            now = self.store.clock()
            turn = turns.turn(conn, fitted, setup.config, now)
            batch = self._batch(fitted)
            due = gathered.due(conn, name, now, batch) if turn is Turn.MEASURE else []
        if turn is None:
            return False
        if turn is Turn.MEASURE:
            self.measure(fitted, setup.config, due)
        else:
            self.listen(fitted, setup.config)
        return True

    def plan(self, fitted: Fitted, config: Config) -> None:
        """Plan the measuring of what went live since the last time."""
        if not isinstance(fitted.platform, Measures):
            return
        with self.store.read() as conn:
            fresh = gathered.fresh(conn, fitted.name)
        if fresh:
            ages = config.collector.measure_at
            with self.store.write(self.actor) as tx:
                first = {new.delivery_id: schedule.first_reading(new.live_at, ages, tx.now) for new in fresh}
                gathered.plan(tx, fitted.name, first)

    def all_due(self, fitted: Fitted) -> list[list[Reading]]:
        """Return everything that is still measured on a channel, batch by batch, whenever it is due."""
        with self.store.read() as conn:
            found = gathered.due(conn, fitted.name, None) if isinstance(fitted.platform, Measures) else []
        size = self._batch(fitted)
        return [found[start : start + size] for start in range(0, len(found), size)]

    def _batch(self, fitted: Fitted) -> int:
        return max(1, fitted.capabilities.measure_batch)

    # --- measuring -------------------------------------------------------------------------------------------

    def measure(self, fitted: Fitted, config: Config, batch: Sequence[Reading]) -> Gathered:
        """Measure one batch. Where the platform refuses it whole, each post is asked for alone."""
        live = [each for each in batch if each.delivery.state == DeliveryState.LIVE]
        with self.store.write(self.actor) as tx:
            for each in batch:
                if each not in live:
                    gathered.put_reading(tx, each.plan.delivery_id, next_at=None)
        if not live:
            return Gathered()
        counted = self._count(fitted, config, live)
        if counted.trouble is not None and counted.trouble.refused and len(live) > 1:
            return _together([self.measure(fitted, config, [each]) for each in live if not self.stop()])
        with self.store.write(self.actor) as tx:
            return keeping.counts(tx, fitted.name, config, live, counted)

    def _count(self, fitted: Fitted, config: Config, live: Sequence[Reading]) -> Counted:
        try:
            call = self._call(fitted, config)
        except Refused as missing:
            return Counted(trouble=_locked_out(missing))
        return calls.measure(call, [_receipt(each.delivery) for each in live])

    # --- listening -------------------------------------------------------------------------------------------

    def listen(self, fitted: Fitted, config: Config) -> Gathered:
        """Ask for replies from the stored cursor on; the cursor moves only with what was kept."""
        with self.store.read() as conn:
            since, now = gathered.gathering(conn, fitted.name).cursor, self.store.clock()
        heard = self._hear(fitted, config, since, now)
        with self.store.write(self.actor) as tx:
            return keeping.heard(tx, fitted.name, config.collector.replies, since, heard)

    def _hear(self, fitted: Fitted, config: Config, since: str | None, now: datetime) -> Heard:
        try:
            call = self._call(fitted, config)
        except Refused as missing:
            return Heard(cursor=since, trouble=_locked_out(missing))
        return calls.listen(call, since, now)

    def _call(self, fitted: Fitted, config: Config) -> Call:
        channel = fitted.with_secrets()
        deadline = self.monotonic() + config.collector.attempt.total_seconds()
        return Call(
            fitted=fitted, channel=channel, deadline=deadline, monotonic=self.monotonic, stop=self.stop
        )


def _receipt(delivery: DeliveryRecord) -> Receipt:
    return receipt_of(delivery) or Receipt(remote_id=delivery.remote_id or "", url=delivery.url)


def _locked_out(missing: Refused) -> Trouble:
    return Trouble(error=Unauthorized(f"{missing.message}; {missing.tip}"))


def _together(found: Sequence[Gathered]) -> Gathered:
    return Gathered(
        measured=sum(each.measured for each in found),
        gone=sum(each.gone for each in found),
        why=next((each.why for each in found if each.why), ""),
    )
