"""Waiting for what is in flight before a daemon ends."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from govpost.config_model import DaemonConfig
from govpost.daemon.clock import HEARTBEAT, INTERVALS
from govpost.daemon.lanes import Lanes
from govpost.publisher import LEASE_MARGIN

GRACE = 20.0
"""For how many seconds beyond `[daemon] drain` a stop may wait for the store before the process ends without it."""
_LAST_WORDS = 0.5
_NAP = 0.05

log = logging.getLogger("govpost.daemon")


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long the end waits, in seconds: `ordered` when a signal asked for it, else `asked`; a beat every so often."""

    asked: float
    ordered: float
    beat: float

    @classmethod
    def of(cls, config: DaemonConfig, *, drained: bool) -> Patience:
        """Return how patient a daemon is: one that a person drained lets every attempt come to its own end."""
        longest = config.attempt + LEASE_MARGIN if drained else config.drain
        return cls(
            asked=longest.total_seconds(),
            ordered=config.drain.total_seconds(),
            beat=INTERVALS[HEARTBEAT],
        )


def longest(config: DaemonConfig) -> float:
    """Return within how many seconds of a signal the process has ended, whatever holds it up."""
    return config.drain.total_seconds() + GRACE


def wait_for(
    lanes: Lanes,
    patience: Patience,
    *,
    ordered: Callable[[], bool],
    at_once: threading.Event,
    beat: Callable[[], None],
    monotonic: Callable[[], float],
) -> float:
    """Return once nothing is in flight, or patience is at its end; gives when that is or would have been.

    A signal that comes meanwhile (`ordered`) cuts the wait short, for a service manager kills what takes longer.
    """
    hurries = ordered()
    end = monotonic() + (patience.ordered if hurries else patience.asked)
    beats = monotonic() + patience.beat
    while lanes.busy() and monotonic() < end and not at_once.is_set():
        if ordered() and not hurries:
            hurries, end = True, min(end, monotonic() + patience.ordered)
        if monotonic() >= beats:
            beats = monotonic() + patience.beat
            beat()
        time.sleep(_NAP)
    return end


def say_left(lanes: Lanes) -> bool:
    """Log what is still at work, if anything is."""
    left = lanes.busy()
    for busy in left:
        log.warning("stopping while %s is still at work on %s", busy.channel, busy.delivery or "a look")
    return bool(left)


class Guard:
    """Ends the process some time after a signal asked for it, whatever it waits for: the store may never answer.

    What is held then is taken back as after a crash. Any of its methods may be called inside a signal handler.
    """

    def __init__(
        self,
        patience: Callable[[], float],
        abandon: threading.Event,
        leave: Callable[[int], object] = os._exit,
    ) -> None:
        self._patience = patience
        self._abandon = abandon
        self._leave = leave
        self._said: SimpleQueue[bool] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="guard", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def ordered(self) -> None:
        """Hear that a signal asked for the end."""
        self._said.put(True)

    def ended(self) -> None:
        """Hear that the daemon ended by itself."""
        self._said.put(False)

    def _run(self) -> None:
        if not self._said.get():
            return
        end = time.monotonic() + self._patience()
        try:
            while self._said.get(timeout=max(end - time.monotonic(), 0.0)):
                pass
        except Empty:
            log.critical("the store does not answer: ending without it, as after a crash")
            self._abandon.set()
            time.sleep(_LAST_WORDS)
            self._leave(1)
