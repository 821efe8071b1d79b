"""The daemon's clock: APScheduler intervals that only say which duty is due; the work is done by the main loop."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler

HEARTBEAT, HOUSE, HEAD = "heartbeat", "house", "head"
INTERVALS = {HEARTBEAT: 5, HOUSE: 2, HEAD: 86_400}
"""Seconds between two rounds of a duty."""


class Clock:
    """Collects the duties that are due and rings `bell`. All duties are due at the start."""

    def __init__(self, bell: threading.Event) -> None:
        self._bell = bell
        self._due = set(INTERVALS)
        # A late round is still a round; many late ones are one.
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler = BackgroundScheduler(timezone=UTC, job_defaults=defaults)
        for duty, seconds in INTERVALS.items():
            self._scheduler.add_job(self._note, "interval", seconds=seconds, args=[duty], id=duty)
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

    def _note(self, duty: str) -> None:
        self._due.add(duty)
        self._bell.set()


def seconds_until(instant: datetime | None, now: datetime, longest: float) -> float:
    """Return how long to sleep until an instant, from 0 to `longest` seconds."""
    if instant is None:
        return longest
    return min(max((instant - now).total_seconds(), 0.0), longest)
