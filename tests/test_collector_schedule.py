"""When a post is measured, and when something that failed is asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from govpost.collector import schedule
from govpost.store.gathered_rows import ReadingRecord

LIVE = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

spans = st.integers(1, 60 * 24 * 60).map(lambda minutes: minutes * MINUTE)
ages = st.lists(spans, min_size=1, max_size=12, unique=True).map(sorted)
later = st.integers(0, 60 * 24 * 120).map(lambda minutes: LIVE + minutes * MINUTE)


@given(ages, later)
def test_the_next_reading_is_the_first_age_that_lies_ahead(known: list[timedelta], now: datetime) -> None:
    found = schedule.next_reading(LIVE, known, now)
    ahead = [LIVE + age for age in known if LIVE + age > now]
    assert found == (min(ahead) if ahead else None)


@given(ages, later)
def test_a_post_is_measured_at_most_once_an_age_whenever_the_daemon_looks(
    known: list[timedelta], now: datetime
) -> None:
    readings = 0
    at = schedule.first_reading(LIVE, known, now)
    while at is not None:
        readings += 1
        now = max(now, at)
        at = schedule.next_reading(LIVE, known, now)
        assert at is None or at > now
    assert readings <= len(known)


@given(ages, later)
def test_a_post_older_than_its_last_age_is_not_begun(known: list[timedelta], now: datetime) -> None:
    first = schedule.first_reading(LIVE, known, now)
    assert first == (None if now > LIVE + known[-1] else LIVE + known[0])


def test_without_ages_nothing_is_measured() -> None:
    assert schedule.first_reading(LIVE, (), LIVE) is None
    assert schedule.next_reading(LIVE, (), LIVE) is None
    assert schedule.after_failure(LIVE, (), LIVE, 1) is None


@given(st.integers(-5, 10_000))
def test_waits_after_failures_grow_and_end_at_six_hours(failures: int) -> None:
    wait = schedule.backoff(failures)
    assert MINUTE <= wait <= timedelta(hours=6)
    assert wait <= schedule.backoff(failures + 1)


def test_waits_after_failures_are_the_documented_ones() -> None:
    assert [schedule.backoff(n) / MINUTE for n in (1, 2, 3, 4, 5, 6)] == [1, 4, 16, 64, 256, 360]


@given(ages, later, st.integers(1, 20))
def test_what_fails_is_asked_again_until_a_week_after_its_last_age(
    known: list[timedelta], now: datetime, failures: int
) -> None:
    again = schedule.after_failure(LIVE, known, now, failures)
    if now > LIVE + known[-1] + timedelta(days=7):
        assert again is None
    else:
        assert again == now + schedule.backoff(failures)


@given(st.lists(st.integers(0, 300), min_size=2, max_size=20))
def test_a_post_is_believed_gone_once_and_never_before_two_readings_an_hour_apart(steps: list[int]) -> None:
    plan = ReadingRecord(delivery_id="d", channel="hub", next_at=LIVE)
    now = first = LIVE
    believed = 0
    for step in steps:
        found = schedule.absent(plan, now)
        assert found.gone_at == first
        believed += found.believed
        if found.believed:
            assert now - first >= schedule.AGAIN
            assert found.next_at is None
        plan = plan.model_copy(update={"next_at": found.next_at, "gone_at": found.gone_at})
        now += step * MINUTE
    assert believed <= 1


def test_what_was_planned_is_not_looked_at_again_but_for_some_minutes_of_a_late_clock() -> None:
    ages = (timedelta(hours=1), timedelta(days=30))
    now, early, late = LIVE, LIVE - timedelta(days=40), LIVE + timedelta(days=1)
    oldest = now - timedelta(days=30)
    assert schedule.unplanned_since(None, (), now) is None
    assert schedule.unplanned_since(None, ages, now) == oldest
    assert schedule.unplanned_since(early, ages, now) == oldest
    assert schedule.unplanned_since(now, ages, now) == now - timedelta(minutes=10)
    assert schedule.unplanned_since(late, ages, now) == oldest
