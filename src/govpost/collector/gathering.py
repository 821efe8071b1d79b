"""Gathering on one channel: one call at a time, its result kept in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from govpost import accounts
from govpost.attempts import receipt_of
from govpost.collector import calls, keeping, schedule, turns
from govpost.collector.calls import Call, Counted, Heard, Trouble
from govpost.collector.keeping import Gathered
from govpost.collector.turns import Turn
from govpost.config import Config
from govpost.contract import Measures
from govpost.domain import Receipt
from govpost.errors import PublishError, Refused, Unauthorized
from govpost.fitted import Fitted
from govpost.publisher import ACTOR, Setup
from govpost.sessions import Sessions
from govpost.states import DeliveryState
from govpost.store import gathered
from govpost.store.engine import Store
from govpost.store.gathered import Reading
from govpost.store.rows import DeliveryRecord

Told = TypeVar("Told", Counted, Heard)

log = logging.getLogger("govpost.collector")


@dataclass(kw_only=True)
class Collector:
    """Gathers what comes back. `setup` gives the config and channels in force; `stop` ends waits and new calls."""

    sessions: Sessions
    setup: Callable[[], Setup]
    stop: Callable[[], bool]
    actor: str = ACTOR

    @property
    def store(self) -> Store:
        """Return where it is kept."""
        return self.sessions.store

    def work(self, name: str) -> bool:
        """Do the next piece that is due on a channel; False when there is none now."""
        setup = self.setup()
        fitted = setup.fitted.get(name)
        if fitted is None or self.stop():
            return False
        if setup.config.collector.enabled:
            self.plan(fitted, setup.config)
        with self.store.read() as conn:
            now = self.store.clock()
            turn = turns.turn(conn, fitted, setup.config, now)
            batch = gathered.due(conn, name, now, _size(fitted)) if turn is Turn.MEASURE else []
        if turn is Turn.VERIFY:
            self.verify(fitted, setup.config)
        elif turn is Turn.MEASURE:
            self.measure(fitted, setup.config, batch)
        elif turn is Turn.LISTEN:
            self.listen(fitted, setup.config)
        return turn is not None

    def everything(self, fitted: Fitted, config: Config) -> Iterator[Gathered]:
        """Measure all that is still measured on a channel and listen once, due or not; ends at the first trouble."""
        while self.plan(fitted, config):
            pass
        for number, ask in enumerate(self._questions(fitted, config)):
            why = self._obstacle(fitted) if number else None
            told = Gathered(why=why) if why else ask()
            yield told
            if told.why and not told.measured:
                return

    def _questions(self, fitted: Fitted, config: Config) -> Iterator[Callable[[], Gathered]]:
        """Give the calls that everything takes, one batch of posts read at a time."""
        batch = self._page(fitted, "")
        while batch:
            yield partial(self.measure, fitted, config, batch)
            batch = self._page(fitted, batch[-1].delivery.id)
        with self.store.read() as conn:
            listens = turns.listens(conn, fitted, config)
        if listens:
            yield partial(self.listen, fitted, config)

    def _page(self, fitted: Fitted, after: str) -> list[Reading]:
        if not isinstance(fitted.platform, Measures):
            return []
        with self.store.read() as conn:
            return gathered.counted_still(conn, fitted.name, after, _size(fitted))

    def _obstacle(self, fitted: Fitted) -> str | None:
        with self.store.read() as conn:
            return turns.obstacle(conn, fitted, self.store.clock())

    def plan(self, fitted: Fitted, config: Config) -> int:
        """Plan the measuring of what went live since the last time; returns of how many posts."""
        with self.store.read() as conn:
            fresh = turns.unplanned(conn, fitted, config, self.store.clock())
        if fresh:
            ages = config.collector.measure_at
            with self.store.write(self.actor) as tx:
                first = {new.delivery_id: schedule.first_reading(new.live_at, ages, tx.now) for new in fresh}
                gathered.plan(tx, fitted.name, first)
                gathered.put_gathering(tx, fitted.name, planned_to=fresh[-1].live_at)
        return len(fresh)

    # --- verifying -------------------------------------------------------------------------------------------

    def verify(self, fitted: Fitted, config: Config) -> None:
        """Ask who we are there, as once a day; where that fails it rests for a while."""
        try:
            accounts.verify(self.sessions, config, fitted, stop=self.stop)
        except (PublishError, Refused) as error:
            log.warning("channel %s could not be verified: %s", fitted.name, error)
            with self.store.write(self.actor) as tx:
                turns.rest_verifying(tx, fitted.name)
        else:
            with self.store.write(self.actor) as tx:
                keeping.well(tx, fitted.name)

    # --- measuring -------------------------------------------------------------------------------------------

    def measure(self, fitted: Fitted, config: Config, batch: Sequence[Reading]) -> Gathered:
        """Measure one batch. Where the platform refuses it whole, each post is asked for alone."""
        live = [each for each in batch if each.delivery.state == DeliveryState.LIVE]
        if len(live) < len(batch):
            with self.store.write(self.actor) as tx:
                keeping.no_more(tx, [each for each in batch if each not in live])
        if not live:
            return Gathered()
        receipts = [_receipt(each.delivery) for each in live]
        counted = self._ask(fitted, config, lambda call: calls.measure(call, receipts), Counted())
        if counted.trouble is not None and counted.trouble.refused and len(live) > 1:
            return keeping.together(list(self._one_by_one(fitted, config, live)))
        with self.store.write(self.actor) as tx:
            return keeping.counts(tx, fitted.name, config, live, counted)

    def _one_by_one(self, fitted: Fitted, config: Config, live: Sequence[Reading]) -> Iterator[Gathered]:
        """Measure posts alone for as long as one call may last; the rest stays due."""
        end = self.sessions.monotonic() + config.collector.attempt.total_seconds()
        for each in live:
            if self.stop() or self.sessions.monotonic() >= end or self._obstacle(fitted) is not None:
                return
            yield self.measure(fitted, config, [each])

    # --- listening -------------------------------------------------------------------------------------------

    def listen(self, fitted: Fitted, config: Config) -> Gathered:
        """Ask for replies from the stored cursor on; the cursor moves only with what was kept."""
        with self.store.read() as conn:
            since, now = gathered.gathering(conn, fitted.name).cursor, self.store.clock()
        heard = self._ask(fitted, config, lambda call: calls.listen(call, since, now), Heard(cursor=since))
        with self.store.write(self.actor) as tx:
            return keeping.heard(tx, fitted.name, config.collector.replies, since, heard)

    def _ask(self, fitted: Fitted, config: Config, question: Callable[[Call], Told], nothing: Told) -> Told:
        """Ask, with credentials that are renewed once where they are not taken; `nothing` was told otherwise."""
        deadline = self.sessions.monotonic() + config.collector.attempt.total_seconds()
        try:
            channel = self.sessions.open(fitted)
        except Refused as missing:
            error = Unauthorized(f"{missing.message}; {missing.tip}")
            return replace(nothing, trouble=Trouble(error=error))
        call = Call(
            fitted=fitted,
            channel=channel,
            deadline=deadline,
            monotonic=self.sessions.monotonic,
            stop=self.stop,
        )
        told = question(call)
        if not _is_locked_out(told.trouble) or not self.sessions.can_renew(fitted):
            return told
        try:
            fresh = self.sessions.renew(fitted, channel, deadline=deadline, stop=self.stop)
        except PublishError as error:
            return replace(told, trouble=Trouble(error=error))
        return question(replace(call, channel=fresh))


def _size(fitted: Fitted) -> int:
    return max(1, fitted.capabilities.measure_batch)


def _is_locked_out(trouble: Trouble | None) -> bool:
    return trouble is not None and isinstance(trouble.error, Unauthorized)


def _receipt(delivery: DeliveryRecord) -> Receipt:
    return receipt_of(delivery) or Receipt(remote_id=delivery.remote_id or "", url=delivery.url)
