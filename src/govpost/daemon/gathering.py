"""Threads that gather what comes back: one a channel, apart from those that deliver, waited for by nobody."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta

from sqlalchemy import Connection

from govpost import accounts
from govpost.collector import keeping, schedule, turns
from govpost.collector.gathering import Collector
from govpost.daemon.lanes import Lanes
from govpost.daemon.leases import Lease
from govpost.errors import StoreUnavailable
from govpost.fitted import Fitted
from govpost.publisher import Publisher
from govpost.times import describe

_MARGIN = timedelta(seconds=30)
_CALLS = 3  # of a piece at most: the question, a renewal, the question again
_VERIFYING = timedelta(seconds=accounts.VERIFY_SECONDS)
_LAST_WORDS = 2.0
_NAP = 0.02

log = logging.getLogger("govpost.daemon")


def _later(why: str) -> None:
    """A store that cannot be used is told by those who deliver; gathering comes back by itself."""
    log.debug("nothing is gathered: %s", why)


class Gatherer:
    """The threads of one daemon. A channel whose thread is lost is not gathered until the next start.

    Of several daemons one gathers a channel at a time; one that `stands_back` gathers none.
    """

    def __init__(self, publisher: Publisher, stands_back: Callable[[], bool] = lambda: False) -> None:
        self._collector = Collector(
            sessions=publisher.sessions, setup=lambda: publisher.setup, stop=publisher.stopping.is_set
        )
        self._lanes = Lanes(self._work, _later, publisher.monotonic)
        self._monotonic = publisher.monotonic
        self._stands_back = stands_back
        self._owner = publisher.owner
        self._leases: dict[str, Lease] = {}
        self._names: set[str] = set()
        # By a plugin that never came back, or a fault of our own; each until when (monotonic) it is left alone.
        self._given_up: dict[str, float] = {}
        self._faults: Counter[str] = Counter()

    def open(self, fitted: Mapping[str, Fitted]) -> None:
        """Give each channel that can be asked for something a thread."""
        for name, each in fitted.items():
            if turns.gathers(each):
                self._names.add(name)
                self._lanes.open(name, 1)

    def wake(self, *, again: bool) -> None:
        """Tell the threads to look what is due; with `again` those too that were given up and have rested."""
        now = self._monotonic()
        for name in self._names:
            until = self._given_up.get(name)
            if until is None or (again and until <= now):
                self._lanes.wake(name)

    def is_idle(self, conn: Connection) -> bool:
        """Say whether nothing is gathered and nothing is due to be; what is due later does not count."""
        setup, now = self._collector.setup(), self._collector.store.clock()
        asked = [setup.fitted[name] for name in self._names - self._given_up.keys() if name in setup.fitted]
        return not self._lanes.busy() and not any(
            turns.is_due(conn, each, setup.config, now) for each in asked
        )

    def give_up_lost(self, now: float) -> None:
        """Give up on threads that a plugin did not give back; `now` is monotonic, in seconds."""
        patience = self._patience()
        for busy in self._lanes.busy():
            if now - busy.since > patience.total_seconds():
                with self._collector.store.write(self._collector.actor) as tx:
                    keeping.hung(tx, busy.channel)
                busy.lost = True
                self._given_up[busy.channel] = now

    def stop(self) -> None:
        """Begin nothing more."""
        self._lanes.stop()

    def end(self, seconds: float) -> None:
        """Wait a moment for what is about to be kept; what is cut off can be asked again."""
        until = time.monotonic() + min(max(seconds, 0.0), _LAST_WORDS)
        while self._lanes.busy() and time.monotonic() < until:
            time.sleep(_NAP)

    def _patience(self) -> timedelta:
        return _CALLS * max(self._collector.setup().config.collector.attempt, _VERIFYING) + _MARGIN

    def _gather(self, name: str) -> bool:
        """Do the next piece, if no other daemon is at this channel; nothing is written while nothing is due."""
        if self._stands_back():
            return False
        store, setup = self._collector.store, self._collector.setup()
        if not store.several:
            return self._collector.work(name)
        with store.read() as conn:
            fitted = setup.fitted.get(name)
            due = fitted is not None and turns.is_due(conn, fitted, setup.config, store.clock())
        # Renewed half-way at the latest, it outlasts the longest piece.
        span = 2 * self._patience()
        lease = self._leases.setdefault(
            name, Lease(store, f"gather:{name}", self._owner, span, self._monotonic)
        )
        worked = False
        try:
            worked = due and lease.hold() and self._collector.work(name)
        finally:
            if not worked:
                lease.let_go()
        return worked

    def _work(self, name: str) -> bool:
        try:
            worked = self._gather(name)
        except StoreUnavailable:
            raise
        except Exception as error:
            self._rest(name, error)
            return False
        if worked:
            self._faults.pop(name, None)
            self._given_up.pop(name, None)
        return worked

    def _rest(self, name: str, error: Exception) -> None:
        """Leave a channel alone after a fault of our own, ever longer: one that lasts must not fill the log."""
        self._faults[name] += 1
        wait = schedule.backoff(self._faults[name])
        self._given_up[name] = self._monotonic() + wait.total_seconds()
        log.exception(
            "a fault of govpost's own on channel %s; gathering there rests for %s", name, describe(wait)
        )
        with self._collector.store.write(self._collector.actor) as tx:
            keeping.broken(tx, name, error)
