"""A duty that one of several daemons holds while it is at it; the others find it taken until that ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from govpost.publisher import ACTOR
from govpost.store import timers
from govpost.store.engine import Store, Tx

_RENEWED, _SURE = 0.5, 0.8
"""When a lease is renewed, and until when it is certainly held, as shares of its span."""


class Lease:
    """The duty `name` for `owner`, for `span` at a time. A daemon that is alone on its store always has it."""

    def __init__(
        self,
        store: Store,
        name: str,
        owner: str,
        span: timedelta,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._name, self._owner, self._span = store, name, owner, span
        self._monotonic = monotonic
        self._since: float | None = None

    def hold(self) -> bool:
        """Take or keep the duty; False when another daemon has it."""
        if not self._store.several:
            return True
        asked = self._monotonic()
        if self._since is not None and asked - self._since < _RENEWED * self._span.total_seconds():
            return True
        with self._store.write(ACTOR) as tx:
            held = timers.hold(tx, self._name, self._span, self._owner)
        self._since = asked if held else None
        return held

    def is_held(self) -> bool:
        """Say whether it is held since `hold`, without asking anybody: one that was stopped for long has lost it."""
        if not self._store.several:
            return True
        since = self._since
        return since is not None and self._monotonic() - since < _SURE * self._span.total_seconds()

    def keep(self) -> None:
        """Keep it while it is held: said by another thread than the one at work, which may be in a call that lasts."""
        if self._since is None:
            return
        if self.is_held():
            self.hold()
        else:
            # Somebody else may have had it meanwhile: whoever is at work has to begin anew.
            self._since = None

    def give_back(self, tx: Tx) -> None:
        """Let it go."""
        if self._since is not None:
            timers.give_back(tx, self._name, self._owner)
            self._since = None

    def let_go(self) -> None:
        """Let it go, in a transaction of its own."""
        if self._since is not None:
            with self._store.write(ACTOR) as tx:
                self.give_back(tx)
