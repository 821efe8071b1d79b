"""Threads of our own, a few for each channel, so that a slow channel waits alone."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from govpost.errors import Refused, StoreUnavailable

log = logging.getLogger("govpost.daemon")

Work = Callable[[str], bool]

AFTER_FAULT = 3.0
"""How long a thread rests after a fault of our own, in seconds, so that it does not fill the log."""


@dataclass(kw_only=True)
class Busy:
    """What one thread is doing: since when (monotonic seconds), and which delivery it holds, if any.

    ``overdue`` says that it was out of time already when it was last looked at.
    """

    channel: str
    since: float
    delivery: str | None = None
    overdue: bool = False
    lost: bool = False


class Lanes:
    """The worker threads. `work(channel)` does one piece and says whether there may be more.

    A thread that never comes back is marked lost and not replaced: its channel has one thread less.
    """

    def __init__(
        self, work: Work, troubled: Callable[[str], None], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._work = work
        self._troubled = troubled
        self._monotonic = monotonic
        self._bells: dict[str, list[threading.Event]] = {}
        self._busy: dict[int, Busy] = {}
        self._stop = threading.Event()

    def open(self, channel: str, threads: int) -> None:
        """Give a channel its threads; more may be added later, none are taken away before the stop."""
        bells = self._bells.setdefault(channel, [])
        while len(bells) < threads:
            bell = threading.Event()
            bells.append(bell)
            name = f"{channel}-{len(bells)}"
            threading.Thread(target=self._run, args=(channel, bell), name=name, daemon=True).start()

    def wake(self, channel: str) -> None:
        """Tell a channel's threads that there is work."""
        for bell in self._bells.get(channel, ()):
            bell.set()

    def stop(self) -> None:
        """Let every thread end after the piece it is on."""
        self._stop.set()
        for channel in self._bells:
            self.wake(channel)

    def holds(self, delivery: str) -> None:
        """Note that the calling thread has claimed a delivery."""
        busy = self._busy.get(threading.get_ident())
        if busy is not None:
            busy.delivery = delivery

    def busy(self) -> list[Busy]:
        """Return what the threads are doing now, without those that are lost."""
        return [busy for busy in list(self._busy.values()) if not busy.lost]

    def lost(self) -> int:
        """Count the threads that never came back."""
        return sum(busy.lost for busy in list(self._busy.values()))

    def _run(self, channel: str, bell: threading.Event) -> None:
        while not self._stop.is_set():
            bell.wait()
            bell.clear()
            while not self._stop.is_set() and self._piece(channel):
                pass

    def _piece(self, channel: str) -> bool:
        ident = threading.get_ident()
        self._busy[ident] = Busy(channel=channel, since=self._monotonic())
        try:
            return self._work(channel)
        except (Refused, StoreUnavailable) as error:
            self._troubled(error.message)
        except Exception:
            log.exception("a fault of govpost's own on channel %s", channel)
            self._stop.wait(AFTER_FAULT)
        finally:
            self._busy.pop(ident, None)
        return False
