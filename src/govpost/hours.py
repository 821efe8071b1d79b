"""When a rate's wall clock is open: windows, slots, public holidays and a last day, as spans of instants.

Instants are whole microseconds since 1970 in UTC. Everything is worked out per UTC day, which always has 24
hours; each is cut into pieces of one local date and one offset, so that skipped, repeated and half hours need
no special case.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from govpost.rates import Rate
from govpost.times import zone

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 1440 * MINUTE

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = _EPOCH.toordinal()
_TICK = timedelta(microseconds=1)
_THURSDAY = 3  # 1970 began on one


class Piece(NamedTuple):
    """A stretch of time with one local date and one offset from UTC; `day` counts dates from 1970-01-01."""

    start: int
    end: int
    offset: int
    day: int


def micros(instant: datetime) -> int:
    """Turn an aware instant into microseconds since 1970."""
    return ticks(instant - _EPOCH)


def ticks(span: timedelta) -> int:
    """Turn a duration into microseconds."""
    return span // _TICK


def instant_of(count: int) -> datetime:
    """Turn microseconds since 1970 into an aware instant in UTC."""
    return _EPOCH + timedelta(microseconds=count)


def date_of(day: int) -> date:
    """Return the date that is `day` days after 1970-01-01."""
    return date.fromordinal(day + _EPOCH_ORDINAL)


def week_of(day: int) -> int:
    """Number the ISO week, Monday to Sunday, of a local day."""
    return (day + _THURSDAY) // 7


def public_holidays(code: str, year: int) -> Mapping[date, str]:
    """Return a year of holidays of a country (`US`) or its part (`US-IL`); ValueError if unknown."""
    from holidays import country_holidays

    country, _, part = code.partition("-")
    try:
        return dict(country_holidays(country, subdiv=part or None, years=year))
    except NotImplementedError as error:
        raise ValueError(f"no public holidays are known for {code!r}") from error


class Hours:
    """The open hours of one rate. Nothing is open after the local date `not_after`."""

    def __init__(self, rate: Rate, not_after: date | None = None) -> None:
        self.rate, self.not_after = rate, not_after
        self.zone = zone(rate.zone)
        self._pieces: dict[int, tuple[Piece, ...]] = {}
        self._open: dict[int, tuple[tuple[int, int], ...]] = {}
        self._holidays: dict[int, Mapping[date, str]] = {}

    def always(self) -> bool:
        """Say whether the rate leaves any instant open and caps nothing."""
        rate = self.rate
        capped = rate.per_hour or rate.per_day or rate.per_week or rate.min_gap or rate.slots or rate.holidays
        return not capped and any(
            len(window.days) == 7 and window.start == 0 and window.end >= 1440 for window in rate.windows
        )

    def local(self, instant: int) -> datetime:
        """Return the local time of an instant."""
        return instant_of(instant).astimezone(self.zone)

    def piece(self, instant: int) -> Piece:
        """Return the piece that holds `instant`."""
        number = instant // DAY
        pieces = self._pieces.get(number)
        if pieces is None:
            pieces = self._pieces[number] = tuple(self._cut(number))
        for piece in pieces[:-1]:
            if instant < piece.end:
                return piece
        return pieces[-1]

    def holiday(self, day: int) -> str | None:
        """Return the name of the public holiday on a local day, None on any other day."""
        if self.rate.holidays is None:
            return None
        when = date_of(day)
        if when.year not in self._holidays:
            self._holidays[when.year] = public_holidays(self.rate.holidays, when.year)
        return self._holidays[when.year].get(when)

    def over(self, day: int) -> bool:
        """Say whether a local day lies after the last one."""
        return self.not_after is not None and date_of(day) > self.not_after

    def in_windows(self, instant: int) -> bool:
        """Say whether a window holds the instant, holidays and slots aside."""
        return any(start <= instant < end for start, end in self._windows(self.piece(instant)))

    def in_slots(self, instant: int) -> bool:
        """Say whether the instant is a slot, or there are no slots."""
        return not self.rate.slots or instant in self._slots(self.piece(instant))

    def next_open(self, instant: int) -> int | None:
        """Return the earliest open minute from `instant` to the end of its UTC day."""
        found = None
        for start, end in self._spans(instant):
            opens = -(-max(instant, start) // MINUTE) * MINUTE
            if opens < end and (found is None or opens < found):
                found = opens
        return found

    def last_open(self, instant: int) -> int | None:
        """Return the latest open minute from the start of the UTC day up to and including `instant`."""
        ends = ((start, min(instant, end - 1) // MINUTE * MINUTE) for start, end in self._spans(instant))
        return max((last for start, last in ends if start <= last), default=None)

    def _spans(self, instant: int) -> tuple[tuple[int, int], ...]:
        number = instant // DAY
        spans = self._open.get(number)
        if spans is None:
            self.piece(instant)
            spans = self._open[number] = tuple(
                span for piece in self._pieces[number] for span in self._openings(piece)
            )
        return spans

    def _openings(self, piece: Piece) -> Iterator[tuple[int, int]]:
        if self.over(piece.day) or self.holiday(piece.day):
            return
        if not self.rate.slots:
            yield from self._windows(piece)
            return
        windows = list(self._windows(piece))
        for slot in self._slots(piece):
            if any(start <= slot < end for start, end in windows):
                yield slot, slot + 1

    def _windows(self, piece: Piece) -> Iterator[tuple[int, int]]:
        """Give the windows' spans within a piece; one that began the day before may run into it."""
        for day in (piece.day - 1, piece.day):
            midnight, weekday = day * DAY - piece.offset, (day + _THURSDAY) % 7
            for window in self.rate.windows:
                start = max(piece.start, midnight + window.start * MINUTE)
                end = min(piece.end, midnight + window.end * MINUTE)
                if weekday in window.days and start < end:
                    yield start, end

    def _slots(self, piece: Piece) -> Iterator[int]:
        """Give the slots within a piece: none for a skipped time, the first occurrence of a repeated one."""
        for slot in self.rate.slots:
            instant = piece.day * DAY + _since_midnight(slot) - piece.offset
            if piece.start <= instant < piece.end and not self.local(instant).fold:
                yield instant

    def _cut(self, number: int) -> Iterator[Piece]:
        for start, end, offset in self._offsets(number * DAY, (number + 1) * DAY):
            for day in range((start + offset) // DAY, (end + offset - 1) // DAY + 1):
                midnight = day * DAY - offset
                yield Piece(max(start, midnight), min(end, midnight + DAY), offset, day)

    def _offsets(self, start: int, end: int) -> list[tuple[int, int, int]]:
        first, last = self._offset(start), self._offset(end - SECOND)
        if first == last:
            return [(start, end, first)]
        low, high = start, end - SECOND
        while high - low > SECOND:
            middle = (low + high) // 2 // SECOND * SECOND
            low, high = (middle, high) if self._offset(middle) == first else (low, middle)
        return [(start, high, first), (high, end, last)]

    def _offset(self, instant: int) -> int:
        return (self.local(instant).utcoffset() or timedelta()) // _TICK


@dataclass(frozen=True, slots=True)
class Spacing:
    """At most `count` posts in any `span`: the gap is one post in `min_gap`, per_hour so many in an hour.

    So many booked posts in a row forbid what lies strictly between the last of them minus the span and the
    first of them plus the span.
    """

    count: int
    span: int

    def run(self, booked: list[int], instant: int) -> tuple[int, int] | None:
        """Return the first and last instant of a row of posts that forbids `instant`."""
        first = bisect_right(booked, instant - self.span)
        last = first + self.count - 1
        if last < len(booked) and booked[last] < instant + self.span:
            return booked[first], booked[last]
        return None

    def clear(self, booked: list[int], instant: int) -> int:
        """Return the earliest instant from `instant` on that no row forbids."""
        first = bisect_right(booked, instant - self.span)
        last = first + self.count - 1
        while last < len(booked) and booked[last] < instant + self.span:
            instant = booked[first] + self.span
            first, last = first + 1, last + 1
        return instant


class Closed:
    """Stretches known to hold no free time; more bookings never open one, but freeing one may."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def skip(self, instant: int) -> int:
        """Return the end of the stretch that holds `instant`, or `instant` itself."""
        place = bisect_right(self.starts, instant) - 1
        return max(instant, self.ends[place]) if place >= 0 else instant

    def add(self, start: int, end: int) -> None:
        """Remember that nothing is free from `start` up to `end`."""
        low, high = bisect_left(self.ends, start), bisect_right(self.starts, end)
        if low < high:
            start, end = min(start, self.starts[low]), max(end, self.ends[high - 1])
        self.starts[low:high], self.ends[low:high] = [start], [end]

    def cut(self, start: int, end: int) -> None:
        """Forget what is known from `start` up to `end`."""
        low, high = bisect_right(self.ends, start), bisect_left(self.starts, end)
        if low >= high:
            return
        kept = [(self.starts[low], start), (end, self.ends[high - 1])]
        kept = [(first, last) for first, last in kept if first < last]
        self.starts[low:high], self.ends[low:high] = [first for first, _ in kept], [last for _, last in kept]


def _since_midnight(clock: time) -> int:
    return (clock.hour * 60 + clock.minute) * MINUTE
