"""Waiting for what is in flight before a daemon ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from govpost.config_model import DaemonConfig
from govpost.daemon.clock import HEARTBEAT, INTERVALS
from govpost.daemon.lanes import Lanes
from govpost.publisher import LEASE_MARGIN

_NAP = 0.05


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
