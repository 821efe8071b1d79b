"""What this process has seen of the record: a store that has lost any of that was put back behind its back."""

from __future__ import annotations

import math
import threading
import time
from datetime import datetime

from sqlalchemy import Connection, select

from govpost.errors import StoreUnavailable
from govpost.store.chain import Head
from govpost.store.chain_rows import EVENT
from govpost.store.witness import RESTORED, Witness

LOOKS_WITHIN = 8.0
"""Seconds within which every daemon has looked at the store again: its heartbeat, and a margin."""


class Memory:
    """The last head that this process committed; `refuses` says that the store no longer has it."""

    def __init__(self) -> None:
        self.seen: Witness | None = None
        self.refuses = False
        self._doubted = False
        self._away = -math.inf
        self._lock = threading.Lock()

    def doubt(self) -> None:
        """Note that the store was away: what comes back may be an older one, or its replica."""
        self._doubted, self._away = True, time.monotonic()

    def is_doubtful(self) -> bool:
        """Say whether another daemon, which saw more, may not have looked yet at what came back."""
        return time.monotonic() - self._away < LOOKS_WITHIN

    def check(self, conn: Connection, head: Head, verbs: set[str]) -> None:
        """Refuse to go on from a head behind the one seen, unless this very transaction makes good for it."""
        seen = self.seen
        if seen is None or RESTORED in verbs:
            return
        known = head.event_id >= seen.head.event_id
        if known and self._doubted:
            last = select(EVENT.c.hash).where(EVENT.c.id == seen.head.event_id)
            known = conn.execute(last).scalar_one_or_none() == seen.head.hash
        self.refuses = not known
        if not known:
            raise StoreUnavailable(
                f"the store has gone back: it no longer has event {seen.head.event_id}",
                "nothing goes out until it is made safe; a running daemon does that within seconds",
            )
        self._doubted = False

    def saw(self, head: Head, at: datetime, verbs: set[str]) -> None:
        """Remember a head that was committed."""
        with self._lock:
            if self.seen is None or RESTORED in verbs or head.event_id > self.seen.head.event_id:
                self.seen = Witness(head, at)

    def forget(self) -> None:
        """Begin anew, once somebody has acted upon a store that was put back."""
        with self._lock:
            self.seen, self.refuses, self._doubted = None, False, False
