"""How fast slots are given: 100,000 wishes over ten channels, and one more on a calendar that holds 10,000.

    python bench/planning.py [--size short|long] [--json]

Medians of repeated runs. For comparison a naive planner in this file steps minute by minute and looks at every booking
each time; both get the same smaller load and must agree. `bench/scheduling.py` measures the same through the store.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import goals
from goals import Found, median_seconds

from govpost.calendars import Calendar
from govpost.domain import Priority
from govpost.planner import Wish, plan
from govpost.rates import Rate, window

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
CHANNELS = [f"channel{number}" for number in range(10)]
RATE = Rate(
    zone="America/Chicago",
    per_day=40,
    min_gap=timedelta(minutes=10),
    windows=(window("mon-fri 07:00-19:00"), window("sat,sun 08:00-18:00")),
    holidays="US-IL",
)
WISHES = {"tiny": 1_000, "short": 10_000, "long": 100_000}
RUNS = {"tiny": 1, "short": 2, "long": 5}
SECONDS, ONE_MS = 10, 50


def many(wishes: int, rate: Rate = RATE) -> dict[str, Calendar]:
    """Plan posts that go to every channel, one in ten of high priority; the agency's own site is always open."""
    calendars = {name: Calendar(name, rate) for name in CHANNELS}
    calendars[CHANNELS[0]] = Calendar(CHANNELS[0], Rate(zone=rate.zone))
    for post in range(wishes // len(CHANNELS)):
        priority = Priority.HIGH if post % 10 == 9 else Priority.NORMAL
        wanted = [Wish(key=f"{post}/{name}", channel=name, priority=priority) for name in CHANNELS]
        found = plan(wanted, calendars, main_channel=CHANNELS[0], now=NOW)
        if found.refused:
            raise SystemExit(f"the load does not fit: {found.refused}")
    return calendars


def naive(count: int, rate: Rate) -> list[datetime]:
    """Give `count` slots by trying each minute from now on against each booking there is."""
    tz, taken = ZoneInfo(rate.zone), list[datetime]()
    while len(taken) < count:
        minute = NOW
        while not _fits(minute, taken, rate, tz):
            minute += timedelta(minutes=1)
        taken.append(minute)
    return taken


def _fits(minute: datetime, taken: list[datetime], rate: Rate, tz: ZoneInfo) -> bool:
    there = minute.astimezone(tz)
    clock = there.hour * 60 + there.minute
    if not any(there.weekday() in each.days and each.start <= clock < each.end for each in rate.windows):
        return False
    if any(abs(minute - other) < rate.min_gap for other in taken):
        return False
    return sum(other.astimezone(tz).date() == there.date() for other in taken) < (
        rate.per_day or len(taken) + 1
    )


def one_more(calendar: Calendar, number: int) -> Callable[[], object]:
    """Return the work of giving one more wish its slot, from today on, and taking it back."""
    key = f"more{number}"
    wish = Wish(key=key, channel=calendar.channel)

    def work() -> None:
        plan([wish], {calendar.channel: calendar}, main_channel=CHANNELS[0], now=NOW)
        calendar.free(key)

    return work


def naive_ratio(runs: int) -> float:
    """Return how many times as long the naive planner takes for the same few slots."""
    few = 120
    rate = Rate(zone=RATE.zone, per_day=RATE.per_day, min_gap=RATE.min_gap, windows=RATE.windows)

    def quick() -> list[datetime]:
        calendar = Calendar("x", rate)
        for number in range(few):
            plan([Wish(key=str(number), channel="x")], {"x": calendar}, main_channel="x", now=NOW)
        return [booking.due for booking in calendar.bookings()]

    if quick() != sorted(naive(few, rate)):
        raise SystemExit("the two planners disagree")
    return median_seconds(runs, lambda: naive(few, rate)) / median_seconds(runs, quick)


def measure(size: str) -> list[Found]:
    """Measure everything."""
    wishes, runs = WISHES[size], RUNS[size]
    whole = median_seconds(runs, lambda: many(wishes))
    full = many(wishes)[CHANNELS[1]]
    bookings = full.bookings()
    fresh = [Calendar(full.channel, RATE, bookings) for _ in range(5)]
    single = 1000 * median_seconds(101, one_more(full, 1))
    cold = 1000 * statistics.median(median_seconds(1, one_more(calendar, 0)) for calendar in fresh)
    ratio, goal = naive_ratio(runs), SECONDS * wishes / WISHES["long"]
    return [
        Found(
            what=f"{wishes:,} wishes over {len(CHANNELS)} channels, in the planner alone",
            found=f"{whole:.2f} s",
            goal=f"under {goal:g} s",
            ok=whole < goal,
            values={"seconds": whole},
        ),
        Found(
            what=f"one more wish beside {len(bookings):,} on its channel",
            found=f"{single:.2f} ms, {cold:.2f} ms on a calendar just read",
            goal=f"under {ONE_MS} ms",
            ok=max(single, cold) < ONE_MS,
            values={"milliseconds": single, "fresh_milliseconds": cold},
        ),
        Found(
            what="a naive planner that tries minute by minute",
            found=f"takes {ratio:.0f} times as long",
            values={"ratio": ratio},
        ),
    ]


if __name__ == "__main__":
    goals.run("the planner", measure)
