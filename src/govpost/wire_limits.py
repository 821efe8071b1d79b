"""What an answer says of the platform's rate limits: how long to wait, and when to rest before the limit is hit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST_WAIT = timedelta(hours=24)
LONGEST_REST = timedelta(hours=1)

_NUMBER = re.compile(r"[+-]?\d{1,300}(\.\d{0,30})?", re.ASCII)
_FAMILIES = ("x-ratelimit-", "ratelimit-", "x-rate-limit-")
# A reset above this is an instant since 1970, not a number of seconds from now.
_EPOCH_FROM = 1_000_000_000
_RESERVE = 20
_SOON = 10.0
_JUST_PASSED = 3600.0
_LARGEST_RESERVE = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """How many requests a platform still takes until `reset` (from now), of `limit` in all; None is unknown."""

    remaining: int
    limit: int | None
    reset: timedelta | None

    @property
    def share(self) -> float:
        """Return how much of the limit is left, from 0 to 1; 1 where the limit is unknown and something is left."""
        if not self.limit:
            return 1.0 if self.remaining else 0.0
        return min(1.0, self.remaining / self.limit)

    @property
    def rest(self) -> timedelta | None:
        """Return how long to rest so that the limit is not hit; None while there is room.

        A twentieth of the limit, four requests at most, is kept back: a post may need several. No rest is longer than
        an hour: whoever is still too early then is told so by a 429.
        """
        reserve = min(_LARGEST_RESERVE, (self.limit or 0) // _RESERVE)
        return min(self.reset, LONGEST_REST) if self.reset and self.remaining <= reserve else None


def budget(headers: Mapping[str, str], now: datetime) -> Budget | None:
    """Read the rate-limit headers of an answer; None without any.

    ``X-RateLimit-Reset`` is an ISO 8601 instant on Mastodon, seconds since 1970 on most others, and seconds from now in
    the IETF draft of the ``RateLimit-`` fields.
    """
    for family in _FAMILIES:
        remaining = _whole(headers.get(f"{family}remaining"))
        if remaining is not None:
            return Budget(
                remaining=max(0, remaining),
                limit=_whole(headers.get(f"{family}limit")),
                reset=_reset(headers.get(f"{family}reset", ""), headers, now),
            )
    return None


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return how long an answer asks us to wait, from nothing to 24 hours; None when it does not say."""
    value = headers.get("retry-after", "").strip()
    if _NUMBER.fullmatch(value):
        return bounded(float(value))
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return bounded((_aware(until) - _clock_of(headers, now)).total_seconds())


def bounded(seconds: float) -> timedelta:
    """Return a wait of so many seconds, from nothing to 24 hours."""
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST_WAIT.total_seconds()))


def _whole(value: str | None) -> int | None:
    # The IETF draft allows "100, 100;w=60": the first number counts.
    found = re.match(r"\s*([0-9]{1,12})", value or "")
    return int(found[1]) if found else None


def _reset(value: str, headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return when a limit is renewed, from now; None when that is not said, or too far off to be meant so.

    An instant that has just passed means soon: the answer was long on its way, or a clock is a little off.
    """
    value = value.strip()
    clock = _clock_of(headers, now)
    try:
        if _NUMBER.fullmatch(value):
            seconds = float(value) - (clock.timestamp() if float(value) > _EPOCH_FROM else 0)
        else:
            seconds = (_aware(datetime.fromisoformat(value)) - clock).total_seconds()
    except (ValueError, OverflowError):
        return None
    if -_JUST_PASSED < seconds <= 0:
        return timedelta(seconds=_SOON)
    return timedelta(seconds=seconds) if 0 < seconds <= LONGEST_WAIT.total_seconds() else None


def _clock_of(headers: Mapping[str, str], now: datetime) -> datetime:
    """Return the other side's own clock, so that a wrong one on either side does not matter."""
    try:
        return _aware(parsedate_to_datetime(headers.get("date", "")))
    except (ValueError, OverflowError):
        return now


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
