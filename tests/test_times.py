"""A time is kept as written and as an instant; durations and identifiers are exact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govpost import times

ZONES = ["America/Chicago", "Europe/London", "Australia/Lord_Howe", "UTC"]


def test_a_wall_clock_time_becomes_the_instant_it_means() -> None:
    moment = times.moment_of_wall(datetime(2026, 11, 27, 8, 0), "America/Chicago")
    assert moment.utc == datetime(2026, 11, 27, 14, 0, tzinfo=UTC)
    assert (moment.wall, moment.zone, str(moment)) == (
        "2026-11-27T08:00",
        "America/Chicago",
        "2026-11-27 08:00 America/Chicago",
    )
    assert moment.local().hour == 8


def test_a_time_in_the_autumn_fold_is_its_first_occurrence() -> None:
    late = datetime(2026, 11, 1, 1, 30, fold=1)
    assert times.moment_of_wall(late, "America/Chicago").utc == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wall", "zone"),
    [
        (datetime(2026, 3, 8, 2, 30), "America/Chicago"),
        (datetime(2026, 3, 29, 1, 0), "Europe/London"),
        (datetime(2026, 10, 4, 2, 15), "Australia/Lord_Howe"),
    ],
)
def test_a_time_in_the_spring_gap_is_refused(wall: datetime, zone: str) -> None:
    with pytest.raises(times.NoSuchTime, match="the clocks go forward over it"):
        times.moment_of_wall(wall, zone)


@pytest.mark.parametrize(
    ("wall", "zone"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "UTC"),
        (datetime(1, 1, 1), "Asia/Tokyo"),
        (datetime(9999, 12, 31, 23, 59), "America/Chicago"),
    ],
)
def test_a_wall_clock_time_that_cannot_be_one_is_a_value_error(wall: datetime, zone: str) -> None:
    with pytest.raises(ValueError, match=r"wall-clock|edge"):
        times.moment_of_wall(wall, zone)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)), st.sampled_from(ZONES))
def test_an_instant_keeps_its_meaning_through_its_wall_clock(naive: datetime, zone: str) -> None:
    instant = naive.replace(tzinfo=UTC, second=0, microsecond=0)
    moment = times.moment_of_instant(instant, zone)
    again = times.moment_of_wall(datetime.fromisoformat(moment.wall), zone)
    assert again.utc in (instant, instant - timedelta(hours=1), instant - timedelta(minutes=30))
    assert again.wall == moment.wall
    assert moment.local() == instant


def test_an_instant_needs_an_offset() -> None:
    with pytest.raises(ValueError, match="offset"):
        times.moment_of_instant(datetime(2026, 1, 1), "UTC")


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "America", "a\0b"])
def test_a_zone_that_does_not_exist_is_named(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone is called"):
        times.zone(name)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90d", timedelta(days=90)),
        ("2h", timedelta(hours=2)),
        (" 120 S ", timedelta(seconds=120)),
        ("1h30m", timedelta(minutes=90)),
        ("1h 30m", timedelta(minutes=90)),
        ("0.5h", timedelta(minutes=30)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_a_duration_is_read(text: str, span: timedelta) -> None:
    assert times.duration(text) == span


@pytest.mark.parametrize(
    "text", ["", "h", "2", "-1h", "1h x", "2 hours", "1e3s", "9" * 12 + "w", "9" * 400 + "d"]
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        times.duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.6, "1 min"), (7500, "2 h 5 min"), (-90, "1 min 30 s"), (90061, "1 d 1 h")],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert times.describe(timedelta(seconds=seconds)) == text


def test_an_instant_is_written_as_rfc_3339() -> None:
    assert times.rfc3339(datetime(2026, 11, 27, 14, 0, 5, 999, tzinfo=UTC)) == "2026-11-27T14:00:05Z"
    west = timezone(timedelta(hours=-6))
    assert times.rfc3339(datetime(2026, 11, 27, 8, tzinfo=west)) == "2026-11-27T08:00:00-06:00"


def test_now_is_aware_and_in_utc() -> None:
    assert times.utcnow().tzinfo is UTC


@given(st.datetimes(datetime(1970, 1, 1), datetime(2500, 1, 1), timezones=st.just(UTC)))
def test_a_key_is_a_uuid_7_that_holds_its_exact_millisecond(now: datetime) -> None:
    key = UUID(times.uuid7(now))
    assert (key.version, key.variant) == (7, "specified in RFC 4122")
    assert key.int >> 80 == (now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def test_two_keys_of_one_instant_differ() -> None:
    now = datetime(2026, 11, 27, tzinfo=UTC)
    assert len({times.uuid7(now) for _ in range(1000)}) == 1000
