"""The wall clock of a rate is right when the clocks are not."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from govpost.hours import DAY, MINUTE, Closed, Hours, date_of, instant_of, micros, public_holidays, week_of
from govpost.rates import Rate, window


def at(text: str) -> int:
    return micros(datetime.fromisoformat(text).replace(tzinfo=UTC))


def test_an_instant_survives_as_a_number() -> None:
    instant = datetime(2026, 11, 1, 6, 30, 1, 5, tzinfo=UTC)
    assert instant_of(micros(instant)) == instant


def test_a_week_begins_on_monday() -> None:
    days = [day for day in range(20000, 20100) if week_of(day) != week_of(day - 1)]
    assert {date_of(day).weekday() for day in days} == {0}


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/Chicago", date(2026, 3, 8), 23),
        ("America/Chicago", date(2026, 11, 1), 25),
        ("Europe/London", date(2026, 3, 29), 23),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Africa/Cairo", date(2026, 4, 24), 23),
        ("Africa/Cairo", date(2026, 10, 29), 25),
        ("Pacific/Apia", date(2011, 12, 30), 0),
        ("UTC", date(2026, 3, 8), 24),
    ],
)
def test_a_local_day_is_as_long_as_the_clocks_make_it(zone: str, day: date, hours: float) -> None:
    found = Hours(Rate(zone=zone))
    number = (day - date(1970, 1, 1)).days
    pieces = {found.piece((number - 2) * DAY + minute * MINUTE) for minute in range(5 * 1440)}
    assert sum(piece.end - piece.start for piece in pieces if piece.day == number) == hours * 60 * MINUTE


def test_a_slot_in_the_spring_gap_is_skipped_and_in_the_autumn_fold_is_its_first() -> None:
    hours = Hours(Rate(zone="America/Chicago", slots=(time(1, 30), time(2, 30))))
    assert hours.next_open(at("2026-03-08T08:00")) is None
    assert hours.next_open(at("2026-03-09T06:31")) == at("2026-03-09T07:30")
    assert hours.next_open(at("2026-11-01T00:00")) == at("2026-11-01T06:30")
    assert hours.next_open(at("2026-11-01T06:31")) == at("2026-11-01T08:30")
    assert not hours.in_slots(at("2026-11-01T07:30"))


def test_a_window_in_the_autumn_fold_is_open_twice() -> None:
    hours = Hours(Rate(zone="America/Chicago", windows=(window("sun 01:15-01:45"),)))
    assert hours.next_open(at("2026-11-01T00:00")) == at("2026-11-01T06:15")
    assert hours.next_open(at("2026-11-01T06:45")) == at("2026-11-01T07:15")
    assert hours.last_open(at("2026-11-01T07:00")) == at("2026-11-01T06:44")


def test_a_window_past_midnight_belongs_to_the_day_it_began() -> None:
    hours = Hours(Rate(windows=(window("fri 22:00-02:00"),)))
    assert hours.in_windows(at("2026-11-28T01:59"))
    assert not hours.in_windows(at("2026-11-28T02:00"))
    assert not hours.in_windows(at("2026-11-27T01:00"))


def test_a_window_that_runs_into_a_public_holiday_ends_at_its_midnight() -> None:
    hours = Hours(Rate(windows=(window("22:00-02:00"),), holidays="US"))
    assert hours.last_open(at("2026-11-26T23:00")) is None
    assert hours.next_open(at("2026-11-27T00:00")) == at("2026-11-27T00:00")


def test_a_slot_outside_the_windows_is_closed() -> None:
    hours = Hours(Rate(windows=(window("08:00-18:00"),), slots=(time(7), time(9))))
    assert hours.next_open(at("2026-11-27T00:00")) == at("2026-11-27T09:00")


def test_always_is_seven_whole_days_and_no_cap() -> None:
    assert Hours(Rate()).always()
    assert Hours(Rate(windows=(window("mon-sun 00:00-24:00"),))).always()
    assert not Hours(Rate(windows=(window("mon-sat"),))).always()
    assert not Hours(Rate(min_gap=timedelta(minutes=1))).always()


@pytest.mark.parametrize("code", ["XX", "US-QQ"])
def test_an_unknown_code_for_holidays_is_named(code: str) -> None:
    with pytest.raises(ValueError, match=f"no public holidays are known for '{code}'"):
        public_holidays(code, 2026)


def test_holidays_are_those_of_the_part_of_the_country() -> None:
    lincoln = date(2026, 2, 12)
    assert lincoln in public_holidays("US-IL", 2026)
    assert lincoln not in public_holidays("US", 2026)


def test_closed_stretches_join_and_can_be_cut() -> None:
    closed = Closed()
    for start, end in ((10, 20), (40, 50), (20, 30), (28, 40), (70, 80)):
        closed.add(start, end)
    assert (closed.starts, closed.ends) == ([10, 70], [50, 80])
    assert [closed.skip(instant) for instant in (9, 10, 49, 50, 75, 90)] == [9, 50, 50, 50, 80, 90]
    closed.cut(50, 70)
    closed.cut(15, 20)
    assert (closed.starts, closed.ends) == ([10, 20, 70], [15, 50, 80])
    closed.cut(12, 75)
    assert (closed.starts, closed.ends) == ([10, 75], [12, 80])
    closed.cut(0, 100)
    assert closed.starts == []
