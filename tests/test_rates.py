"""A posting rate is read strictly: windows, clocks and caps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govpost.rates import DAYS, Rate, Window, clock, window

WEEKDAYS = frozenset(range(5))


def test_without_limits_a_channel_may_post_at_any_time() -> None:
    rate = Rate()
    assert rate.windows == (Window(),)
    assert (rate.per_hour, rate.per_day, rate.per_week, rate.slots, rate.holidays) == (
        None,
        None,
        None,
        (),
        None,
    )
    assert (rate.late, rate.grace, rate.attempts) == ("ask", timedelta(hours=2), 5)


@pytest.mark.parametrize(
    ("text", "days", "start", "end"),
    [
        ("always", range(7), 0, 1440),
        ("ALWAYS", range(7), 0, 1440),
        ("mon-fri 08:00-18:00", range(5), 480, 1080),
        ("sat,sun 10:00-14:00", [5, 6], 600, 840),
        ("22:00-02:00", range(7), 1320, 1560),
        ("08:00-24:00", range(7), 480, 1440),
        ("18:00-00:00", range(7), 1080, 1440),
        ("sat", [5], 0, 1440),
        ("fri-mon", [4, 5, 6, 0], 0, 1440),
        ("mon,wed-thu 09:00-09:01", [0, 2, 3], 540, 541),
    ],
)
def test_a_window_is_read(text: str, days: list[int], start: int, end: int) -> None:
    assert window(text) == Window(days=frozenset(days), start=start, end=end, text=text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not a window"),
        ("   ", "is not a window"),
        ("08:00", "is not a span"),
        ("08:00-08:00", "is empty"),
        ("24:00-00:00", "begins at the end of the day"),
        ("24:00-02:00", "begins at the end of the day"),
        ("8:00-18:00", "is not a time of day"),
        ("08:00-25:00", "is not a time of day"),
        ("08:60-09:00", "is not a time of day"),
        ("funday 08:00-09:00", "names no day"),
        ("mon- 08:00-09:00", "names no day"),
        ("mon, 08:00-09:00", "names no day"),
        ("always 08:00-09:00", "names no day"),
        ("mon 08:00-09:00 tue", "is not a window"),
        ("08:00-18:00 mon-fri", "is not a window"),
        ("mon 08:00-12:00,13:00-17:00", "is not a time of day"),
    ],
)
def test_a_window_that_says_nothing_clear_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        window(text)


@given(st.text(max_size=30) | st.from_regex(r"[a-z,-]{0,8} ?[0-9:]{4,5}-[0-9:]{4,5}", fullmatch=True))
def test_any_text_is_a_window_that_can_open_or_a_value_error(text: str) -> None:
    try:
        found = window(text)
    except ValueError:
        return
    assert found.days <= frozenset(range(7))
    assert found.days
    assert 0 <= found.start < found.end < found.start + 1441


@given(st.integers(0, 1440))
def test_a_clock_counts_minutes_from_midnight(minutes: int) -> None:
    assert clock(f"{minutes // 60:02}:{minutes % 60:02}") == minutes


@pytest.mark.parametrize("text", ["", "24:01", "7:00", "07:0", "07:00:00", "noon", "07:00\n"])
def test_anything_else_is_no_clock(text: str) -> None:
    with pytest.raises(ValueError, match="time of day"):
        clock(text)


@pytest.mark.parametrize("cap", ["per_hour", "per_day", "per_week"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_cap_below_one_is_refused(cap: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{cap} = {value}: a cap is at least 1"):
        Rate(**{cap: value})


def test_a_negative_gap_is_refused() -> None:
    with pytest.raises(ValueError, match="min_gap"):
        Rate(min_gap=timedelta(minutes=-1))


def test_the_days_are_those_of_the_iso_week() -> None:
    assert DAYS[0] == "mon"
    assert window("mon-fri").days == WEEKDAYS
