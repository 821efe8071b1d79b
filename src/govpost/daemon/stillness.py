"""When a daemon need not look: nothing has happened since its last look, nothing is in flight, no time has come.

Whatever anybody does leaves an event, so one number tells whether something happened: the last event's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from govpost.daemon import idleness
from govpost.publisher import ACTOR
from govpost.store import chain, deliveries, restoring
from govpost.store.engine import Store
from govpost.store.witness import Witness

REST = 30.0
"""After how many seconds house is kept although nothing has happened: some things only grow late."""


class Stillness:
    """What a daemon remembers of its last look. `next` is when it knows that something falls due."""

    def __init__(self, store: Store, monotonic: Callable[[], float]) -> None:
        self.next: datetime | None = None
        self._store = store
        self._monotonic = monotonic
        self._event = self._event_at_home = -1
        self._looked_at = store.clock()
        self._home_until = 0.0
        self._stirred = self._house_waits = True

    def is_over(self) -> bool:
        """Say whether the daemon has to look."""
        with self._store.read() as conn:
            event = chain.head(conn).event_id
        if event < self._event:
            # The store came back from an earlier time: it must be safe before anything more is claimed.
            restoring.settle(self._store, ACTOR, Witness(chain.Head(self._event, "gone"), self._looked_at))
        self._looked_at = self._store.clock()
        come = self.next is not None and self.next <= self._store.clock()
        self._stirred = self._stirred or come or event != self._event
        # Until it is kept: what is looked at now may have been held, and is released by that only.
        self._house_waits = self._house_waits or self._stirred
        self._event = event
        return self._stirred

    def look(self, channels: Iterable[str], *, busy: bool) -> list[str]:
        """Return the channels that have something to do now; `busy` says that threads are at work."""
        with self._store.read() as conn:
            now = self._store.clock()
            found = {name: idleness.work_at(conn, name, now) for name in channels}
            flying = busy or bool(deliveries.in_state(conn, "publishing", limit=1))
            due = [name for name, at in found.items() if at is not None and at <= now]
            # The next to fall due may stand behind one that is due already.
            later = [*found.values(), *(deliveries.next_due(conn, name, now) for name in due)]
        self.next = min((at for at in later if at is not None and at > now), default=None)
        self._stirred = flying or bool(due)
        return due

    def needs_house(self) -> bool:
        """Say whether house has to be kept: something happened or is happening, or it was long ago."""
        happened = self._stirred or self._house_waits or self._event != self._event_at_home
        return happened or self._monotonic() >= self._home_until

    def house_is_kept(self) -> None:
        """Note that house was kept since `is_over` was asked."""
        self._event_at_home = self._event
        self._house_waits = False
        self._home_until = self._monotonic() + REST
