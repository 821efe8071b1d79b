"""Instants, wall-clock times and durations, and the time-ordered identifiers made from them."""

from __future__ import annotations

import os
import re
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


class NoSuchTime(ValueError):
    """A local time that the clocks skip when daylight saving begins."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """A time as a person wrote it, and the instant it means.

    ``wall`` is the local clock reading (``2026-11-27T08:00``), ``zone`` an IANA name, ``utc`` the instant.
    """

    wall: str
    zone: str
    utc: datetime

    def local(self) -> datetime:
        """Return the instant in its own zone."""
        return self.utc.astimezone(ZoneInfo(self.zone))

    def __str__(self) -> str:
        return f"{self.wall.replace('T', ' ')} {self.zone}"


def zone(name: str) -> ZoneInfo:
    """Return the IANA zone `name`; ValueError when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no time zone is called {name!r}") from error


def moment_of_wall(wall: datetime, zone_name: str) -> Moment:
    """Turn a naive local time into a `Moment`.

    A time in the autumn fold is its first occurrence; a time in the spring gap raises `NoSuchTime`.
    ValueError for an aware time, or one at the edge of the calendar.
    """
    if wall.tzinfo is not None:
        raise ValueError("a wall-clock time has no offset")
    tz = zone(zone_name)
    try:
        utc = wall.replace(tzinfo=tz, fold=0).astimezone(UTC)
        there = utc.astimezone(tz).replace(tzinfo=None)
    except OverflowError as error:
        raise ValueError(f"{wall.isoformat(' ', 'minutes')} is too near the edge of the calendar") from error
    if there != wall:
        raise NoSuchTime(
            f"{wall:%Y-%m-%d %H:%M} does not exist in {zone_name}: the clocks go forward over it"
        )
    return Moment(wall=wall.isoformat(timespec="minutes"), zone=zone_name, utc=utc)


def moment_of_instant(instant: datetime, zone_name: str) -> Moment:
    """Give an aware instant its wall clock in `zone_name`."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset")
    local = instant.astimezone(zone(zone_name))
    wall = local.replace(tzinfo=None).isoformat(timespec="minutes")
    return Moment(wall=wall, zone=zone_name, utc=instant.astimezone(UTC))


def duration(text: str) -> timedelta:
    """Read ``90d``, ``2h``, ``120s`` or ``1h30m``; ValueError for anything else."""
    compact = text.strip().lower().replace(" ", "")
    found = _DURATION.findall(compact)
    if not found or "".join(number + unit for number, unit in found) != compact:
        raise ValueError(f"{text!r} is not a duration; write for example 90s, 15m, 2h, 7d")
    try:
        return sum((timedelta(**{_UNITS[unit]: float(number)}) for number, unit in found), timedelta())
    except OverflowError as error:
        raise ValueError(f"{text!r} is too long a duration") from error


def describe(span: timedelta) -> str:
    """Write a duration for people: the two largest units, ``2 h 5 min``."""
    seconds = round(abs(span.total_seconds()))
    parts = [
        (seconds // 86400, "d"),
        (seconds % 86400 // 3600, "h"),
        (seconds % 3600 // 60, "min"),
        (seconds % 60, "s"),
    ]
    shown = [f"{number} {unit}" for number, unit in parts if number][:2]
    return " ".join(shown) or "0 s"


def rfc3339(instant: datetime) -> str:
    """Write an aware instant as RFC 3339 with its offset, in UTC written ``Z``."""
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")


def ticks() -> float:
    """Return seconds that nobody can set and that go on while the machine sleeps, as far as its system tells."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


def utcnow() -> datetime:
    """Return the present instant; the one place the wall clock is read by default."""
    return datetime.now(UTC)


def uuid7(now: datetime) -> str:
    """Make a UUID version 7 (RFC 9562 section 5.7): 48 bits of milliseconds, then randomness."""
    milliseconds = (now - _EPOCH) // timedelta(milliseconds=1) & (1 << 48) - 1
    random = int.from_bytes(os.urandom(10))
    value = milliseconds << 80 | 0x7 << 76 | (random >> 68) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return str(uuid.UUID(int=value))
