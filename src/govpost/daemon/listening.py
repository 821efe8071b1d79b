"""Being woken by other processes: PostgreSQL announces what they commit; a daemon alone on SQLite looks by itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from govpost.store.engine import Store

_ROUND = 1.0
_TOGETHER = 0.02
_WAITS = (0.2, 10.0)

log = logging.getLogger("govpost.daemon")


class Listener:
    """Calls `ring` when another process has committed work. A connection that breaks is opened again, ever later."""

    def __init__(self, store: Store, ring: Callable[[], None]) -> None:
        self._store = store
        self._ring = ring
        self._stop = threading.Event()
        self.hears = False

    def start(self) -> None:
        """Begin to listen, where there is something to hear."""
        if self._store.several:
            threading.Thread(target=self._run, name="listening", daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        self._stop.set()

    def _run(self) -> None:
        wait, longest = _WAITS
        while not self._stop.is_set():
            try:
                with self._connection() as connection:
                    wait = _WAITS[0]
                    self._listen(connection)
            except Exception as error:
                # Whatever it was: the looks that the loop takes by itself find the work too, only later.
                log.info("not woken by other processes just now: %s", " ".join(str(error).split())[:200])
            self.hears = False
            self._stop.wait(wait)
            wait = min(2 * wait, longest)

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """Open a connection of our own, in no transaction and in no pool."""
        borrowed = self._store.backend.engine.raw_connection()
        connection: Any = borrowed.driver_connection
        borrowed.detach()
        try:
            connection.autocommit = True
            yield connection
        finally:
            connection.close()

    def _listen(self, connection: Any) -> None:
        from govpost.store.postgres import CHANNEL

        connection.execute(f"LISTEN {CHANNEL}")
        self.hears = True
        self._ring()  # what was committed before nobody told us
        while not self._stop.is_set():
            if list(connection.notifies(timeout=_ROUND, stop_after=1)):
                self._ring()
                time.sleep(_TOGETHER)  # of many commits at once the first rings and the last, not each
                if list(connection.notifies(timeout=0)):
                    self._ring()
