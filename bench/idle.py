"""What a daemon costs while nothing is due, and whether its memory stays flat over many deliveries.

    python bench/idle.py [--size short|long] [--json]

A real daemon on SQLite with ten channels and a queue of a thousand; processor time and memory come from /proc.
"""

from __future__ import annotations

import tempfile
import time
from datetime import timedelta
from pathlib import Path

import goals
import running
from goals import Found
from receiver import Receiver, receiver
from running import Running
from town import Town, town

from govpost.times import utcnow

SECONDS = {"tiny": 0.5, "short": 10, "long": 60}
QUEUED = 1_000
DELIVERIES = {"tiny": 8, "short": 500, "long": 100_000}
CHANNELS = 10
SETTLE_SECONDS = {"tiny": 0.0, "short": 3.0, "long": 10.0}
SHARE, MEGABYTES, FLAT = 0.2, 90, 1.1
PARTS = 4


def idle(size: str) -> tuple[float, float]:
    """Return the share of a core in percent, and the megabytes, of a daemon with nothing to do."""
    with tempfile.TemporaryDirectory() as folder, receiver() as platform:
        place = town(Path(folder) / "town", platform.address, channels=CHANNELS)
        example = place.release("example", f"at: {utcnow() + timedelta(days=30):%Y-%m-%d} 12:00\n")
        later = utcnow() + timedelta(days=2)
        place.copy(example, [later + timedelta(minutes=number) for number in range(QUEUED // CHANNELS)])
        place.space.store.close()
        with running.daemon(place.root) as daemon:
            daemon.until(lambda: "head of the event chain" in daemon.log.read_text())
            time.sleep(SETTLE_SECONDS[size])
            began, used = time.monotonic(), daemon.cpu()
            time.sleep(SECONDS[size])
            share = 100 * (daemon.cpu() - used) / (time.monotonic() - began)
            return share, daemon.memory()


def memory(size: str) -> list[float]:
    """Return the megabytes after each quarter of many deliveries."""
    with tempfile.TemporaryDirectory() as folder, receiver() as platform:
        place = town(Path(folder) / "town", platform.address)
        example = place.release("example")
        with running.daemon(place.root) as daemon:
            return [_after(place, platform, daemon, example, size, part) for part in range(PARTS)]


def _after(place: Town, platform: Receiver, daemon: Running, example: str, size: str, part: int) -> float:
    posts = DELIVERIES[size] // PARTS // len(place.channels)
    place.copy(example, [utcnow()] * posts, f"part-{part}")
    wanted = (posts * (part + 1) + 1) * len(place.channels)
    daemon.until(lambda: platform.count() >= wanted, nap=0.2)
    return daemon.memory()


def measure(size: str) -> list[Found]:
    """Measure both."""
    share, megabytes = idle(size)
    parts = memory(size)
    growth = parts[-1] / parts[0]
    return [
        Found(
            what="an idle daemon's share of a core",
            found=f"{share:.2f} %",
            goal=f"under {SHARE} %",
            ok=share < SHARE,
            values={"percent": share},
        ),
        Found(
            what="an idle daemon's memory",
            found=f"{megabytes:.0f} MB",
            goal=f"under {MEGABYTES} MB",
            ok=megabytes < MEGABYTES,
            values={"megabytes": megabytes},
        ),
        Found(
            what=f"memory over {DELIVERIES[size]:,} deliveries",
            found=", ".join(f"{each:.0f}" for each in parts) + " MB after each quarter",
            goal=f"the last under {FLAT} times the first",
            ok=growth < FLAT,
            values={"ratio": growth, "megabytes": parts[-1]},
        ),
    ]


if __name__ == "__main__":
    goals.run("an idle daemon", measure)
