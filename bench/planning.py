"""How fast slots are given: 100,000 wishes over ten channels, and one more on a calendar that holds 10,000.

    python bench/planning.py [--wishes 100000] [--runs 3]

Prints one JSON object with medians of repeated runs, and a line for people. For comparison a naive planner in this file
steps minute by minute and looks at every booking each time; both get the same smaller load and must agree.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from govpost.calendars import Booking, Calendar
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


def median(runs: int, work: Callable[[], object]) -> float:
    """Return the median seconds that `work` takes."""
    seconds = []
    for _ in range(runs):
        start = perf_counter()
        work()
        seconds.append(perf_counter() - start)
    return statistics.median(seconds)


def one_more(calendar: Calendar, number: int) -> Callable[[], object]:
    """Return the work of giving one more wish its slot, from today on, and taking it back."""
    key = f"more{number}"
    wish = Wish(key=key, channel=calendar.channel)

    def work() -> None:
        plan([wish], {calendar.channel: calendar}, main_channel=CHANNELS[0], now=NOW)
        calendar.free(key)

    return work


def measure(wishes: int, runs: int) -> dict[str, float]:
    """Measure everything; seconds unless the name says otherwise."""
    total = median(runs, lambda: many(wishes))
    full = many(100_000)[CHANNELS[1]]
    bookings: list[Booking] = full.bookings()
    fresh = [Calendar(full.channel, RATE, bookings) for _ in range(5)]
    cold = statistics.median(median(1, one_more(calendar, 0)) for calendar in fresh)
    small = 120
    rate = Rate(zone=RATE.zone, per_day=RATE.per_day, min_gap=RATE.min_gap, windows=RATE.windows)
    slow = median(runs, lambda: naive(small, rate))

    def quick() -> list[datetime]:
        calendar = Calendar("x", rate)
        for number in range(small):
            plan([Wish(key=str(number), channel="x")], {"x": calendar}, main_channel="x", now=NOW)
        return [booking.due for booking in calendar.bookings()]

    if quick() != sorted(naive(small, rate)):
        raise SystemExit("the two planners disagree")
    return {
        "wishes": wishes,
        "plan_seconds": round(total, 3),
        "bookings": len(bookings),
        "calendar_seconds": round(median(3, lambda: Calendar(full.channel, RATE, bookings)), 4),
        "add_one_ms": round(1000 * median(101, one_more(full, 1)), 4),
        "add_one_fresh_calendar_ms": round(1000 * cold, 4),
        "naive_wishes": small,
        "naive_seconds": round(slow, 3),
        "naive_ratio": round(slow / median(runs, quick), 1),
    }


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description="measure the planner")
    parser.add_argument("--wishes", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    found = measure(options.wishes, options.runs)
    print(json.dumps(found))
    print(
        f"{found['wishes']:,} wishes over {len(CHANNELS)} channels in {found['plan_seconds']} s "
        f"(goal: under 10 s); one more on "
        f"{found['bookings']:,} bookings in {found['add_one_ms']} ms, {found['add_one_fresh_calendar_ms']} ms on a "
        f"calendar just read (goal: under 5 ms); {found['naive_ratio']} times as fast as minute by minute."
    )


if __name__ == "__main__":
    main()
