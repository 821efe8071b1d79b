"""A calendar says what a rate allows: judged here by a checker that shares nothing with it but the words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govpost.calendars import Booking, Calendar
from govpost.domain import Priority
from govpost.rates import Rate, window

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CHICAGO = "America/Chicago"
US = holidays.country_holidays("US", years=range(2025, 2029))

CHANGES = {
    CHICAGO: ["2026-03-08T08:00", "2026-11-01T07:00"],
    "Europe/London": ["2026-03-29T01:00", "2026-10-25T01:00"],
    "Australia/Lord_Howe": ["2026-04-04T15:00", "2026-10-03T15:30"],
    "UTC": ["2026-12-31T23:00"],
}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str, zone: str = CHICAGO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def booked(*dues: datetime, priority: Priority = Priority.NORMAL) -> list[Booking]:
    return [Booking(key=f"b{number}", due=due, priority=priority) for number, due in enumerate(dues)]


def open_then(rate: Rate, instant: datetime) -> bool:
    """Say whether windows, slots and holidays allow an instant, read off its wall clock."""
    there = instant.astimezone(ZoneInfo(rate.zone))
    minute, weekday = there.hour * 60 + there.minute, there.weekday()
    in_window = any(
        (weekday in each.days and each.start <= minute < each.end)
        or ((weekday - 1) % 7 in each.days and each.start <= minute + 1440 < each.end)
        for each in rate.windows
    )
    in_slot = not rate.slots or (there.time() in rate.slots and there.fold == 0)
    return in_window and in_slot and not (rate.holidays and there.date() in US)


def crowded(rate: Rate, instants: Iterable[datetime]) -> str | None:
    """Name the cap or gap that a set of instants breaks."""
    ordered = sorted(instants)
    there = [instant.astimezone(ZoneInfo(rate.zone)).date() for instant in ordered]
    if rate.per_day and max(Counter(there).values(), default=0) > rate.per_day:
        return "per_day"
    if (
        rate.per_week
        and max(Counter(day.isocalendar()[:2] for day in there).values(), default=0) > rate.per_week
    ):
        return "per_week"
    if rate.per_hour and any(b - a < HOUR for a, b in zip(ordered, ordered[rate.per_hour :], strict=False)):
        return "per_hour"
    if any(b - a < rate.min_gap for a, b in pairwise(ordered)):
        return "min_gap"
    return None


def allowed(rate: Rate, taken: Iterable[datetime], instant: datetime) -> bool:
    return open_then(rate, instant) and crowded(rate, [*taken, instant]) is None


WINDOWS = ["always", "mon-fri 08:00-18:00", "22:00-02:30", "sat,sun 00:30-02:10", "01:15-01:45", "sun"]
SLOTS = [time(1, 30), time(2, 0), time(2, 15), time(9, 0), time(12, 30), time(23, 59)]


@st.composite
def rates(draw: st.DrawFn) -> Rate:
    return Rate(
        zone=draw(st.sampled_from(list(CHANGES))),
        per_hour=draw(st.none() | st.integers(1, 3)),
        per_day=draw(st.none() | st.integers(1, 4)),
        per_week=draw(st.none() | st.integers(1, 9)),
        min_gap=draw(st.sampled_from([0, 0, 1, 20, 60, 95, 300])) * MINUTE,
        windows=tuple(
            window(text) for text in draw(st.lists(st.sampled_from(WINDOWS), min_size=1, max_size=3))
        ),
        slots=tuple(draw(st.just([]) | st.lists(st.sampled_from(SLOTS), max_size=4, unique=True))),
        holidays=draw(st.sampled_from([None, None, None, "US"])),
    )


def near_change(rate: Rate) -> st.SearchStrategy[datetime]:
    """Give instants around the hours in which the clocks change."""
    shift = st.integers(-3 * 1440, 1440).map(lambda minutes: minutes * MINUTE) | st.sampled_from(
        [30, 90]
    ).map(lambda seconds: timedelta(seconds=seconds))
    return st.builds(lambda base, by: utc(base) + by, st.sampled_from(CHANGES[rate.zone]), shift)


@st.composite
def filled(draw: st.DrawFn) -> tuple[Rate, datetime, list[datetime], Calendar]:
    """Give a rate, a start, and instants booked under that rate one by one near the start."""
    rate = draw(rates())
    start = draw(near_change(rate))
    taken: list[datetime] = []
    for minutes in draw(st.lists(st.integers(-300, 4000), max_size=8)):
        instant = start + minutes * MINUTE
        if allowed(rate, taken, instant):
            taken.append(instant)
    return rate, start, taken, Calendar("hub", rate, booked(*taken))


def minutes_from(start: datetime, count: int) -> list[datetime]:
    first = (
        start if start.second == start.microsecond == 0 else start.replace(second=0, microsecond=0) + MINUTE
    )
    return [first + number * MINUTE for number in range(count)]


@settings(deadline=None, max_examples=150)
@given(filled(), st.integers(-500, 3000))
def test_an_instant_is_refused_exactly_when_it_breaks_the_rate(
    case: tuple[Rate, datetime, list[datetime], Calendar], minutes: int
) -> None:
    rate, start, taken, calendar = case
    instant = start + minutes * MINUTE
    assert (calendar.refuses(instant) is None) == allowed(rate, taken, instant)


@settings(deadline=None, max_examples=60)
@given(filled())
def test_the_first_free_minute_is_the_first_that_breaks_nothing(
    case: tuple[Rate, datetime, list[datetime], Calendar],
) -> None:
    rate, start, taken, calendar = case
    before = start + 2 * DAY
    minutes = (each for each in [start, *minutes_from(start, 2881)] if each < before)
    expected = next((each for each in minutes if allowed(rate, taken, each)), None)
    assert calendar.first_free(start, before) == expected


@settings(deadline=None, max_examples=60)
@given(filled(), st.integers(0, 1440), st.booleans())
def test_the_nearest_free_minute_is_the_nearest_that_breaks_nothing(
    case: tuple[Rate, datetime, list[datetime], Calendar], wanted_in: int, bounded: bool
) -> None:
    rate, start, taken, calendar = case
    wanted, before = start + wanted_in * MINUTE, start + DAY if bounded else None
    found = calendar.nearest_free(wanted, start, before)
    last = before or start + 2 * DAY
    candidates = [start, wanted, *minutes_from(start, 2881)]
    free = [each for each in candidates if each < last and allowed(rate, taken, each)]
    expected = min((abs(each - wanted) for each in free), default=None)
    if expected is not None and (bounded or expected < DAY):
        assert found is not None
        assert abs(found - wanted) == expected or abs(found - wanted) - expected < MINUTE
    assert found is None or (
        start <= found and (before is None or found < before) and allowed(rate, taken, found)
    )


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_what_a_calendar_remembers_never_hides_a_free_time(data: st.DataObject) -> None:
    rate = data.draw(rates())
    start = data.draw(near_change(rate))
    calendar = Calendar("hub", rate)
    for number in range(data.draw(st.integers(1, 25))):
        after = start + data.draw(st.integers(0, 2000)) * MINUTE
        free = calendar.first_free(after, after + 20 * DAY)
        assert free == Calendar("hub", rate, calendar.bookings()).first_free(after, after + 20 * DAY)
        if free is not None:
            calendar.book(Booking(key=f"k{number}", due=free))
        if calendar.bookings() and data.draw(st.booleans()):
            calendar.free(data.draw(st.sampled_from([each.key for each in calendar.bookings()])))
    assert crowded(rate, [each.due for each in calendar.bookings()]) is None


FRIDAY = local("2026-11-27T10:00")


@pytest.mark.parametrize(
    ("rate", "taken", "reason"),
    [
        (Rate(zone=CHICAGO, per_day=1), [FRIDAY + 3 * HOUR], "per_day = 1: 1 post already on 2026-11-27"),
        (
            Rate(zone=CHICAGO, per_day=3),
            [FRIDAY + number * HOUR for number in (1, 2, 3)],
            "per_day = 3: 3 posts already on 2026-11-27",
        ),
        (
            Rate(zone=CHICAGO, per_week=1),
            [FRIDAY - 4 * DAY],
            "per_week = 1: 1 post already in the week of 2026-11-23",
        ),
        (
            Rate(zone=CHICAGO, per_hour=1),
            [FRIDAY + 59 * MINUTE],
            "per_hour = 1: 1 post already within the hour around 2026-11-27 10:00",
        ),
        (
            Rate(zone=CHICAGO, min_gap=2 * HOUR),
            [FRIDAY - HOUR],
            "min_gap = 2 h: another post is at 2026-11-27 09:00",
        ),
        (
            Rate(zone=CHICAGO, windows=(window("sat"), window("mon 08:00-09:00"))),
            [],
            'windows = ["sat", "mon 08:00-09:00"]: Fri 2026-11-27 10:00 is outside',
        ),
        (
            Rate(zone=CHICAGO, slots=(time(9), time(12, 30))),
            [],
            'slots = ["09:00", "12:30"]: 2026-11-27 10:00 is not one of them',
        ),
    ],
)
def test_a_refusal_names_the_line_of_the_config(rate: Rate, taken: list[datetime], reason: str) -> None:
    assert Calendar("hub", rate, booked(*taken)).refuses(FRIDAY) == f"[channels.hub.rate] {reason}"


def test_public_holidays_are_closed_on_their_local_date_and_named() -> None:
    calendar = Calendar("hub", Rate(zone=CHICAGO, holidays="US-IL"))
    assert calendar.refuses(local("2026-11-26T23:59")) == (
        '[channels.hub.rate] holidays = "US-IL": 2026-11-26 is Thanksgiving Day'
    )
    assert calendar.first_free(local("2026-11-26T00:00")) == local("2026-11-27T00:00")


def test_nothing_is_planned_after_the_pilots_last_day() -> None:
    calendar = Calendar("hub", Rate(zone=CHICAGO, per_day=1), not_after=date(2026, 11, 27))
    assert calendar.refuses(local("2026-11-27T23:59")) is None
    assert calendar.refuses(local("2026-11-28T00:00")) == (
        "[channels.hub.pilot] ends = 2026-11-27: nothing is planned after the pilot's last day"
    )
    assert calendar.first_free(local("2026-11-28T00:00")) is None
    unrestricted = Calendar("site", Rate(zone=CHICAGO), not_after=date(2026, 11, 27))
    assert unrestricted.first_free(local("2026-11-28T00:00")) is None
    assert unrestricted.nearest_free(local("2026-11-29T09:00"), FRIDAY) == local("2026-11-27T23:59")


def test_what_may_go_now_goes_at_the_very_instant_and_later_times_are_whole_minutes() -> None:
    instant = FRIDAY + timedelta(seconds=12, microseconds=34)
    assert Calendar("site", Rate()).first_free(instant) == instant
    assert Calendar("site", Rate()).first_free(instant, instant) is None
    assert Calendar("site", Rate(per_day=1)).first_free(instant) == instant
    taken = [Booking(key="other", due=instant)]
    assert Calendar("site", Rate(min_gap=HOUR), taken).first_free(instant) == FRIDAY + HOUR + MINUTE


def test_a_search_ends_after_400_days() -> None:
    never = Calendar("hub", Rate(windows=()))
    assert never.first_free(FRIDAY) is None
    assert never.nearest_free(FRIDAY, FRIDAY - DAY) is None
    full = Calendar("hub", Rate(per_day=1), booked(*(FRIDAY + number * DAY for number in range(401))))
    assert full.first_free(FRIDAY) is None
    full.free("b400")
    assert full.first_free(FRIDAY + DAY) == (FRIDAY + 400 * DAY).replace(hour=0)


def test_the_gap_and_the_slots_can_be_passed_over_but_no_cap() -> None:
    rate = Rate(zone=CHICAGO, per_day=2, min_gap=HOUR, slots=(time(9),))
    calendar = Calendar("hub", rate, booked(FRIDAY - HOUR))
    now = FRIDAY - 30 * MINUTE
    assert "slots" in (calendar.refuses(now) or "")
    assert "min_gap" in (calendar.refuses(now, ignore_slots=True) or "")
    assert calendar.refuses(now, ignore_slots=True, ignore_gap=True) is None
    calendar.book(Booking(key="second", due=FRIDAY + 5 * HOUR))
    assert "per_day" in (calendar.refuses(now, ignore_slots=True, ignore_gap=True) or "")


def test_a_booking_does_not_stand_in_its_own_way() -> None:
    calendar = Calendar("hub", Rate(per_day=1), booked(FRIDAY))
    assert calendar.refuses(FRIDAY + HOUR) is not None
    assert calendar.refuses(FRIDAY + HOUR, ignore_key="b0") is None
    assert calendar.refuses(FRIDAY + HOUR, ignore_key="nobody") is not None
    assert [each.key for each in calendar.bookings()] == ["b0"]


def test_a_booking_is_replaced_by_its_key_and_freed_by_it() -> None:
    calendar = Calendar("hub", Rate(per_day=1), booked(FRIDAY))
    calendar.book(Booking(key="b0", due=FRIDAY + DAY))
    assert [each.due for each in calendar.bookings()] == [FRIDAY + DAY]
    assert calendar.refuses(FRIDAY) is None
    calendar.free("b0")
    calendar.free("b0")
    assert calendar.bookings() == []
    assert calendar.booking("b0") is None


@pytest.mark.parametrize(
    ("rate", "start"),
    [
        (Rate(zone=CHICAGO, per_week=1), "2026-11-23T00:00"),
        (Rate(zone=CHICAGO, per_day=1), "2026-11-27T00:00"),
        (Rate(zone=CHICAGO, min_gap=4 * DAY), "2026-11-24T00:00"),
    ],
)
def test_a_cancelled_slot_gives_back_all_it_kept_closed(rate: Rate, start: str) -> None:
    calendar = Calendar("hub", rate, booked(FRIDAY))
    assert calendar.first_free(local(start)) > FRIDAY
    calendar.free("b0")
    assert calendar.first_free(local(start)) == local(start)


def test_a_lower_movable_booking_does_not_stand_in_the_way_of_a_higher_priority() -> None:
    low = Booking(key="low", due=FRIDAY, priority=Priority.LOW)
    fixed = Booking(key="fixed", due=FRIDAY + DAY, priority=Priority.LOW, movable=False)
    calendar = Calendar("hub", Rate(zone=CHICAGO, per_day=1), [low, fixed])
    assert calendar.refuses(FRIDAY) is not None
    assert calendar.refuses(FRIDAY, over=Priority.NORMAL) is None
    assert calendar.refuses(FRIDAY + DAY, over=Priority.HIGH) is not None
    assert calendar.blocker(FRIDAY, Priority.NORMAL) == low
    assert calendar.blocker(FRIDAY, Priority.LOW) is None
    assert calendar.blocker(FRIDAY + DAY, Priority.HIGH) is None


@pytest.mark.parametrize(
    "rate", [Rate(per_hour=2), Rate(per_day=2), Rate(per_week=2), Rate(min_gap=10 * HOUR)]
)
def test_the_least_important_gives_way_first_then_the_latest(rate: Rate) -> None:
    bookings = [
        Booking(key="normal", due=FRIDAY, priority=Priority.NORMAL),
        Booking(key="low", due=FRIDAY, priority=Priority.LOW),
    ]
    found = Calendar("hub", rate, bookings).blocker(FRIDAY + MINUTE, Priority.HIGH)
    assert found is not None
    assert found.key == "low"
    pair = [Booking(key="a", due=FRIDAY), Booking(key="b", due=FRIDAY + 10 * MINUTE)]
    found = Calendar("hub", rate, pair).blocker(FRIDAY + 5 * MINUTE, Priority.HIGH)
    assert found is not None
    assert found.key == ("a" if rate.min_gap else "b")


def test_no_sixty_minutes_hold_more_than_per_hour() -> None:
    calendar = Calendar("hub", Rate(per_hour=2), booked(FRIDAY, FRIDAY + 50 * MINUTE))
    assert calendar.refuses(FRIDAY + 25 * MINUTE) is not None
    assert calendar.refuses(FRIDAY + 60 * MINUTE) is None
    assert calendar.refuses(FRIDAY - 10 * MINUTE) is None
    assert calendar.refuses(FRIDAY - 9 * MINUTE) is not None


def test_the_gap_is_real_time_across_a_change_of_clocks() -> None:
    rate = Rate(zone=CHICAGO, min_gap=2 * HOUR)
    autumn = Calendar("hub", rate, booked(local("2026-11-01T00:30")))
    assert autumn.first_free(local("2026-11-01T00:30")) == utc("2026-11-01T07:30")
    spring = Calendar("hub", rate, booked(local("2026-03-08T01:30")))
    assert spring.first_free(local("2026-03-08T01:30")) == local("2026-03-08T04:30")


def test_a_local_day_of_25_hours_is_one_day() -> None:
    calendar = Calendar("hub", Rate(zone=CHICAGO, per_day=1), booked(local("2026-11-01T00:00")))
    assert calendar.first_free(local("2026-11-01T00:00")) == local("2026-11-02T00:00")
    assert "per_day" in (calendar.refuses(utc("2026-11-02T05:59")) or "")
