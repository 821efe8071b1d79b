"""How long after its time a post is on the wire, while few or very many others wait for theirs.

    python bench/lag.py [--size short|long] [--json]

A real daemon on SQLite and a platform on loopback in a process of its own. Posts fall due one after the other; the lag
is the platform's clock at the arrival less the time that was planned, on the same machine.
"""

from __future__ import annotations

import statistics
import tempfile
from datetime import timedelta
from pathlib import Path

import goals
import running
from goals import Found, percentile
from receiver import receiver
from town import town

from govpost.times import utcnow

QUEUED = {"tiny": (10, 20), "short": (10, 1_000, 100_000), "long": (10, 1_000, 1_000_000)}
SAMPLES = {"tiny": 3, "short": 12, "long": 200}
APART = timedelta(milliseconds=97)
CHANNELS = 10
MEDIAN_MS, P99_MS, FLAT = 50, 250, 1.3


def lags(queued: int, samples: int) -> list[float]:
    """Return the lags in milliseconds of so many posts while `queued` deliveries wait for a later day."""
    with tempfile.TemporaryDirectory() as folder, receiver() as platform:
        place = town(Path(folder) / "town", platform.address, channels=CHANNELS)
        example = place.release("example", f"at: {utcnow() + timedelta(days=30):%Y-%m-%d} 12:00\n")
        later = utcnow() + timedelta(days=2)
        place.copy(example, (later + timedelta(seconds=number) for number in range(queued // CHANNELS)))
        with running.daemon(place.root) as daemon:
            daemon.until(lambda: "head of the event chain" in daemon.log.read_text())
            begin = utcnow() + timedelta(seconds=2.5)
            place.copy(example, (begin + number * APART for number in range(samples)), "sample", only="c0")
            daemon.until(lambda: platform.count() >= samples)
        due = {row.id: row.due.timestamp() for row in place.sent()}
        return [1000 * (at - due[key]) for key, at in platform.ledger()]


def measure(size: str) -> list[Found]:
    """Measure every length of the queue."""
    found: list[Found] = []
    medians: list[float] = []
    for queued in QUEUED[size]:
        each = lags(queued, SAMPLES[size])
        medians.append(statistics.median(each))
        last = percentile(each, 0.99)
        found.append(
            Found(
                what=f"due to wire with {queued:,} queued",
                found=f"median {medians[-1]:.0f} ms, p99 {last:.0f} ms",
                goal=f"median under {MEDIAN_MS} ms, p99 under {P99_MS} ms",
                ok=medians[-1] < MEDIAN_MS and last < P99_MS,
                values={"median_ms": medians[-1], "p99_ms": last},
            )
        )
    ratio = medians[-1] / medians[0]
    flat = Found(
        what=f"the lag with {QUEUED[size][-1]:,} queued against {QUEUED[size][0]}",
        found=f"{ratio:.2f} times",
        goal=f"under {FLAT} times",
        ok=ratio < FLAT,
        values={"ratio": ratio},
    )
    return [*found, flat]


if __name__ == "__main__":
    goals.run("the lag from due to the wire", measure)
