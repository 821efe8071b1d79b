"""How long `queue list`, `status` and `explain` take in a large store, against a small one.

    python bench/reading.py [--size short|long] [--json]

The command line as people call it, a fresh process each time. Both stores have the same queue; the rest of the rows is
what has been published. The two are asked in turn, and the ratio is that of the medians.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import goals
import running
from goals import Found
from town import Town, town

from govpost.times import utcnow

ROWS = {"tiny": (40, 100), "short": (1_000, 50_000), "long": (1_000, 1_000_000)}
RUNS = {"tiny": 1, "short": 2, "long": 15}
CHANNELS = 10
QUEUE = 10
BOUND = 1.5
COMMANDS = {"queue list": ("queue", "list"), "status": ("status",), "explain": ("explain", "queue-1")}


def filled(root: Path, rows: int) -> Town:
    """Make a store of so many deliveries."""
    place = town(root, "http://127.0.0.1:9", channels=CHANNELS)
    example = place.release("example", f"at: {utcnow() + timedelta(days=3):%Y-%m-%d} 12:00\n")
    soon = utcnow() + timedelta(days=1)
    place.copy(example, [soon + timedelta(minutes=number) for number in range(QUEUE)], "queue")
    past = utcnow() - timedelta(days=1)
    published: dict[str, Any] = {
        "state": "live",
        "tries": 1,
        "attempts": 1,
        "live_at": past,
        "url": "https://hub.example/1",
    }
    times = (past - timedelta(minutes=number) for number in range(rows // CHANNELS - QUEUE - 1))
    place.copy(example, times, "published", post_state="published", **published)
    place.space.store.close()
    return place


def seconds(place: Town, line: tuple[str, ...]) -> float:
    """Return how long one call takes."""
    began = time.perf_counter()
    said = subprocess.run(
        running.command(place.root, *line), env=running.environment(), check=False, capture_output=True
    )
    if said.returncode not in (0, 1) or said.stderr:
        raise SystemExit(f"{line} failed: {said.stderr.decode()[-500:]}")
    return time.perf_counter() - began


def measure(size: str) -> list[Found]:
    """Measure every command."""
    found = []
    few, many = ROWS[size]
    with tempfile.TemporaryDirectory() as folder:
        small, large = filled(Path(folder) / "small", few), filled(Path(folder) / "large", many)
        for name, line in COMMANDS.items():
            pairs = [(seconds(small, line), seconds(large, line)) for _ in range(RUNS[size])]
            one, other = (statistics.median(times) for times in zip(*pairs, strict=True))
            found.append(
                Found(
                    what=f"{name} at {many:,} rows against {few:,}",
                    found=f"{other / one:.2f} times ({1000 * other:.0f} ms)",
                    goal=f"under {BOUND} times",
                    ok=other / one < BOUND,
                    values={"ratio": other / one, "small_ms": 1000 * one, "large_ms": 1000 * other},
                )
            )
    return found


if __name__ == "__main__":
    goals.run("reading a large store", measure)
