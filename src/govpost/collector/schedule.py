"""When a post is measured, and when something that failed is asked again. Pure: time is passed in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from govpost.store.gathered_rows import ReadingRecord

TOO_MANY = 5
"""After so many failures in a row a person is told, and a cursor that is never taken is given up."""

AGAIN = timedelta(hours=1)
"""How far two readings must lie apart before it is believed that a post is gone."""

_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=6)
_OVERTIME = timedelta(days=7)
_LATE_CLOCK = timedelta(minutes=10)


class Absent(NamedTuple):
    """What follows when a platform leaves a post out; `believed` is said once, at the reading that settles it."""

    next_at: datetime | None
    gone_at: datetime
    believed: bool


def unplanned_since(planned_to: datetime | None, ages: Sequence[timedelta], now: datetime) -> datetime | None:
    """Return from when on posts that went live may not be planned yet; None when nothing is measured.

    A clock that was set back makes it look at all that is young enough to be measured.
    """
    if not ages:
        return None
    oldest = now - ages[-1]
    if planned_to is None or planned_to - _LATE_CLOCK > now:
        return oldest
    return max(oldest, planned_to - _LATE_CLOCK)


def first_reading(live_at: datetime, ages: Sequence[timedelta], now: datetime) -> datetime | None:
    """Return when a post is measured first, maybe in the past; None when it is older than its last age."""
    if not ages or live_at + ages[-1] < now:
        return None
    return live_at + ages[0]


def next_reading(live_at: datetime, ages: Sequence[timedelta], now: datetime) -> datetime | None:
    """Return the first age of a post that lies ahead; ages missed meanwhile are not made up for."""
    return next((live_at + age for age in ages if live_at + age > now), None)


def backoff(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row: 1, 4, 16, 64 minutes …, six hours at most."""
    return min(_FIRST_WAIT * (1 << 2 * min(max(failures - 1, 0), 10)), _LONGEST_WAIT)


def after_failure(
    live_at: datetime, ages: Sequence[timedelta], now: datetime, failures: int
) -> datetime | None:
    """Return when a reading that failed is tried again; None a week after the post's last age."""
    if not ages or now > live_at + ages[-1] + _OVERTIME:
        return None
    return now + backoff(failures)


def absent(plan: ReadingRecord, now: datetime) -> Absent:
    """Judge a post that the platform left out: asked again before it is believed, then no more."""
    if plan.gone_at is None:
        return Absent(now + AGAIN, now, believed=False)
    if plan.next_at is None:
        return Absent(None, plan.gone_at, believed=False)
    if now - plan.gone_at < AGAIN:
        return Absent(plan.gone_at + AGAIN, plan.gone_at, believed=False)
    return Absent(None, plan.gone_at, believed=True)
