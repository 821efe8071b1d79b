"""A channel's posting rate as a value: how often, when, how far apart, and what happens to the late."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Literal

Late = Literal["send", "ask", "expire"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ALL_DAYS = frozenset(range(7))
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """When a channel may post: on `days` (0 is Monday) from minute `start` up to but without minute `end`.

    Minutes count from local midnight; an `end` above 1440 runs into the next day.
    """

    days: frozenset[int] = _ALL_DAYS
    start: int = 0
    end: int = _MINUTES_A_DAY
    text: str = "always"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """`[channels.<name>.rate]`, checked. Without caps, windows and slots a channel may post at any time."""

    zone: str = "UTC"
    per_hour: int | None = None
    per_day: int | None = None
    per_week: int | None = None
    min_gap: timedelta = timedelta()
    windows: tuple[Window, ...] = (Window(),)
    slots: tuple[time, ...] = ()
    holidays: str | None = None
    late: Late = "ask"
    grace: timedelta = timedelta(hours=2)
    attempts: int = 5

    @property
    def restricts(self) -> bool:
        """Say whether there is any time at which the channel may not post."""
        caps = self.per_hour or self.per_day or self.per_week
        return bool(caps or self.min_gap or self.slots or self.holidays or self.windows != (Window(),))

    def __post_init__(self) -> None:
        caps = {"per_hour": self.per_hour, "per_day": self.per_day, "per_week": self.per_week}
        for name, cap in caps.items():
            if cap is not None and cap < 1:
                raise ValueError(f"{name} = {cap}: a cap is at least 1; to post nothing, suspend the pilot")
        if self.min_gap < timedelta():
            raise ValueError("min_gap is not negative")


def clock(text: str) -> int:
    """Read ``HH:MM`` (00:00 to 24:00) as minutes from midnight; ValueError otherwise."""
    if not _CLOCK.fullmatch(text):
        raise ValueError(f"{text!r} is not a time of day; write for example 08:00")
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def window(text: str) -> Window:
    """Read ``always``, ``mon-fri 08:00-18:00``, ``sat,sun 10:00-14:00``, ``22:00-02:00``, ``sat``."""
    words = text.lower().split()
    if words == ["always"]:
        return Window(text=text)
    days, start, end = _ALL_DAYS, 0, _MINUTES_A_DAY
    if words and not words[0][0].isdigit():
        days = _days(words.pop(0))
    if words:
        start, end = _span(words.pop(0))
    if words or not text.strip():
        raise ValueError(f"{text!r} is not a window; write for example 'mon-fri 08:00-18:00' or 'always'")
    return Window(days=days, start=start, end=end, text=text)


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for piece in text.split(","):
        first, dash, last = piece.partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise ValueError(f"{piece!r} names no day; the days are {', '.join(DAYS)}")
        start, stop = DAYS.index(first), DAYS.index(last or first)
        found.update(day % 7 for day in range(start, stop + 1 if stop >= start else stop + 8))
    return frozenset(found)


def _span(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    if not dash:
        raise ValueError(f"{text!r} is not a span of time; write for example 08:00-18:00")
    start, end = clock(first), clock(last)
    if start == _MINUTES_A_DAY:
        raise ValueError(f"{text!r} begins at the end of the day; write 00:00 and the day after")
    if start == end:
        raise ValueError(f"{text!r} is empty; write 'always' for the whole day")
    return start, end if end > start else end + _MINUTES_A_DAY
