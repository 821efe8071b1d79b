"""A wall clock that the harness can push: an offset in a file that every daemon of the harness reads.

Nothing in production knows of it: `push_the_clock` replaces `govpost.times.utcnow` before anything else of govpost is
imported, in processes that the harness itself starts.
"""

from __future__ import annotations

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

HOSTS = 8
_SIZE = 8


class Offsets:
    """One offset in seconds for each host."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_SIZE * HOSTS))
        with path.open("r+b") as handle:
            self._map = mmap.mmap(handle.fileno(), _SIZE * HOSTS)

    def get(self, host: int) -> float:
        """Return by how many seconds a host's clock is wrong."""
        return float(struct.unpack_from("d", self._map, host * _SIZE)[0])

    def set(self, host: int, seconds: float) -> None:
        """Push a host's clock."""
        struct.pack_into("d", self._map, host * _SIZE, seconds)


class Clock:
    """The wall clock of one host."""

    def __init__(self, offsets: Offsets, host: int = 0) -> None:
        self.offsets = offsets
        self.host = host

    def __call__(self) -> datetime:
        """Return the instant that this host believes it is."""
        return datetime.now(UTC) + timedelta(seconds=self.offsets.get(self.host))


def push_the_clock(clock: Clock) -> None:
    """Let everything of govpost that is imported from now on read this clock."""
    from govpost import times

    times.utcnow = clock
