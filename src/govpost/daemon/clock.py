"""The daemon's clock: APScheduler intervals that only say which duty is due; the work is done by the main loop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from queue import Empty, SimpleQueue

from apscheduler.schedulers.background import BackgroundScheduler

from govpost.times import ticks

HEARTBEAT, HOUSE, GATHER, HEAD = "heartbeat", "house", "gather", "head"
INTERVALS = {HEARTBEAT: 5, HOUSE: 2, GATHER: 15, HEAD: 86_400}
"""Seconds between two rounds of a duty."""

CLOCK_PART = 60.0
"""How far wall and monotonic clock may part, in seconds, before everything is judged anew."""


class Bell:
    """Wakes the main loop. Unlike a `threading.Event` it may be rung inside a signal handler."""

    def __init__(self) -> None:
        self._rings: SimpleQueue[None] = SimpleQueue()

    def ring(self) -> None:
        """Wake whoever waits, or whoever waits next."""
        self._rings.put(None)

    def wait(self, seconds: float) -> None:
        """Return when the bell rings, at the latest after some seconds; all rings until now count as one."""
        with suppress(Empty):
            self._rings.get(timeout=seconds)
            while True:
                self._rings.get_nowait()


class Clock:
    """Collects the duties that are due and rings `bell`. All duties are due at the start."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._due = set(INTERVALS)
        # A late round is still a round; many late ones are one.
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler = BackgroundScheduler(timezone=UTC, job_defaults=defaults)
        for duty, seconds in INTERVALS.items():
            self._scheduler.add_job(self.note, "interval", seconds=seconds, args=[duty], id=duty)
        logging.getLogger("apscheduler").setLevel(logging.WARNING)

    def start(self) -> None:
        """Begin to tick."""
        self._scheduler.start()

    def stop(self) -> None:
        """Tick no more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def take(self) -> set[str]:
        """Return the duties that are due, and forget them."""
        due = {duty for duty in INTERVALS if duty in self._due}
        self._due -= due
        return due

    def again(self, duties: set[str]) -> None:
        """Put back duties that could not be done."""
        self._due |= duties

    def note(self, duty: str) -> None:
        """Let a duty be due now."""
        self._due.add(duty)
        self._bell.ring()


def slept() -> float:
    """Return how many seconds this machine has slept since it was started, as far as its system tells."""
    return ticks() - time.monotonic()


def never() -> float:
    """Return the same for a machine whose sleep counts as a jump."""
    return 0.0


class Clocks:
    """Holds the wall clock against the monotonic one, which nobody can set.

    With `slept`, in seconds, a sleep of this machine is no jump: where a server has the clock, it is nobody else's.
    `followed` is the sum of the jumps that daemons had followed when this one last agreed; None before it ever did.
    """

    def __init__(
        self,
        wall: Callable[[], datetime],
        monotonic: Callable[[], float],
        slept: Callable[[], float] = never,
    ) -> None:
        self.followed: float | None = None
        self._slept = slept
        self._wall = wall
        self._monotonic = monotonic
        self._offset = 0.0
        self._offset = self.jump()

    def jump(self) -> float:
        """Return by how many seconds the wall clock has left the monotonic one."""
        return self._wall().timestamp() - self._monotonic() - self._slept() - self._offset

    def parted(self) -> bool:
        """Say whether they are so far apart that everything must be judged anew."""
        return abs(self.jump()) > CLOCK_PART

    def agree(self, jump: float) -> None:
        """Take a jump as the new truth."""
        self._offset += jump


def seconds_until(instant: datetime | None, now: datetime, longest: float) -> float:
    """Return how long to sleep until an instant, from 0 to `longest` seconds."""
    if instant is None:
        return longest
    return min(max((instant - now).total_seconds(), 0.0), longest)
