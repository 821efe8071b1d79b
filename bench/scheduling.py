"""How fast approved posts are planned in the store, and one more among many: rows, events, commit and all.

    python bench/scheduling.py [--size short|long] [--json]

`bench/planning.py` measures the planner alone. Here ten channels have a rate, all deliveries stand at the same minute,
and the daemon's own duty gives each its slot in one transaction; then one more post is approved for one channel.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import goals
from goals import Found
from town import Town, town

from govpost import duties
from govpost.store.rows import DELIVERY
from govpost.times import utcnow

POSTS = {"tiny": 60, "short": 2_000, "long": 100_000}
RUNS = {"tiny": 1, "short": 3, "long": 15}
CHANNELS = 10
RATE = """per_day = 40
min_gap = "10m"
windows = ["mon-fri 07:00-19:00", "sat,sun 08:00-18:00"]
holidays = "US-IL\""""
SECONDS, ONE_MS = 10, 50
WHOLE = 100_000


def planned(place: Town, posts: int) -> float:
    """Return the seconds that planning so many deliveries took."""
    example = place.release("example")
    place.copy(example, [utcnow() + timedelta(hours=1)] * (posts // CHANNELS))
    began = time.perf_counter()
    with place.space.store.write("bench") as tx:
        duties.replan_all(tx, place.space.config, "the bench plans")
    return time.perf_counter() - began


def one_more(place: Town, number: int) -> float:
    """Return the seconds of approving one more post for one channel."""
    approve = place.approver(place.write(f"more-{number}", only=["c0"]))
    began = time.perf_counter()
    approve()
    return time.perf_counter() - began


def measure(size: str) -> list[Found]:
    """Measure both."""
    posts = POSTS[size]
    with tempfile.TemporaryDirectory() as folder:
        place = town(Path(folder) / "town", "http://127.0.0.1:9", channels=CHANNELS, rate=RATE)
        whole = planned(place, posts)
        apart = {row.slot for row in place.rows(DELIVERY.c.slot, where=[DELIVERY.c.channel == "c0"])}
        if len(apart) < posts // CHANNELS:
            raise SystemExit("the deliveries of a channel did not get slots of their own")
        single = 1000 * statistics.median(one_more(place, number) for number in range(RUNS[size]))
    goal = SECONDS * posts / WHOLE
    return [
        Found(
            what=f"planning {posts:,} approved posts over {CHANNELS} channels in the store",
            found=f"{whole:.1f} s",
            goal=f"under {goal:g} s",
            ok=whole < goal,
            values={"seconds": whole},
        ),
        Found(
            what=f"approving one more, beside {posts:,}",
            found=f"{single:.0f} ms",
            goal=f"under {ONE_MS} ms",
            ok=single < ONE_MS,
            values={"milliseconds": single},
        ),
    ]


if __name__ == "__main__":
    goals.run("planning in the store", measure)
