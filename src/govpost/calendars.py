"""One channel's calendar: what is booked, what its posting rate allows, where the next free time is.

Inside, an instant is whole microseconds since 1970 and a local day or week is a number counted from
there: with plain integers, jumping over what is closed or full costs little.
"""

from __future__ import annotations

import json
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from govpost.domain import Priority
from govpost.hours import DAY, MINUTE, Closed, Hours, Spacing, date_of, instant_of, micros, ticks, week_of
from govpost.rates import Rate
from govpost.times import describe

HORIZON = timedelta(days=400)

_HOUR = 60 * MINUTE
_RANK = {priority: priority.rank for priority in Priority}


@dataclass(frozen=True, kw_only=True, slots=True)
class Booking:
    """A delivery's slot on one channel, and how far it may be moved: `after` <= due < `before`, in UTC."""

    key: str
    due: datetime
    priority: Priority = Priority.NORMAL
    movable: bool = True
    after: datetime | None = None
    before: datetime | None = None

    @property
    def yields(self) -> bool:
        """Say whether it could ever give way: it may move, and has a minute left to move to."""
        return self.movable and (self.before is None or self.before - self.due > timedelta(minutes=1))


class _Load:
    """The bookings that somebody of one priority has to respect, and the free times that leaves."""

    def __init__(self, rate: Rate, hours: Hours, spacings: tuple[Spacing, ...]) -> None:
        self.rate, self.hours, self.spacings = rate, hours, spacings
        self.booked: list[int] = []
        self.days: Counter[int] = Counter()
        self.weeks: Counter[int] = Counter()
        self.closed = Closed()
        self.reach = max([MINUTE, *(spacing.span for spacing in spacings)])
        self.reach = max(self.reach, 2 * DAY if rate.per_day else 0, 8 * DAY if rate.per_week else 0)

    def add(self, instant: int, day: int) -> None:
        insort(self.booked, instant)
        self.days[day] += 1
        self.weeks[week_of(day)] += 1

    def remove(self, instant: int, day: int) -> None:
        del self.booked[bisect_left(self.booked, instant)]
        self.days[day] -= 1
        self.weeks[week_of(day)] -= 1
        self.closed.cut(instant - self.reach, instant + self.reach)

    def day_full(self, day: int) -> bool:
        return self.rate.per_day is not None and self.days[day] >= self.rate.per_day

    def week_full(self, day: int) -> bool:
        return self.rate.per_week is not None and self.weeks[week_of(day)] >= self.rate.per_week

    def first(self, after: int, limit: int) -> int | None:
        """Return the earliest free minute from `after` on, before `limit`."""
        instant = self._seek(after, limit)
        if after < (end := min(instant, limit)):
            self.closed.add(after, end)
        return instant if instant < limit else None

    def _seek(self, instant: int, limit: int) -> int:
        while (instant := self.closed.skip(instant)) < limit:
            opens = self.hours.next_open(instant)
            if opens is None:
                instant = (instant // DAY + 1) * DAY
                continue
            instant = self._clear(opens)
            if instant == opens:
                break
        return instant

    def _clear(self, instant: int) -> int:
        piece = self.hours.piece(instant)
        if self.day_full(piece.day) or self.week_full(piece.day):
            return piece.end
        for spacing in self.spacings:
            instant = spacing.clear(self.booked, instant)
        return instant

    def last(self, instant: int, floor: int) -> int | None:
        """Return the latest free minute up to and including `instant`, not before `floor`."""
        while instant >= floor:
            opens = self.hours.last_open(instant)
            if opens is None:
                instant = instant // DAY * DAY - MINUTE
                continue
            instant = self._back(opens)
            if instant == opens:
                return instant if instant >= floor else None
        return None

    def _back(self, instant: int) -> int:
        piece = self.hours.piece(instant)
        if self.day_full(piece.day) or self.week_full(piece.day):
            return piece.start - MINUTE
        for spacing in self.spacings:
            if row := spacing.run(self.booked, instant):
                return row[1] - spacing.span
        return instant


class Calendar:
    """What is booked on one channel under its rate; nothing new is planned after the day `not_after`.

    Where a method takes `over`, movable bookings of a lower priority than that do not count.
    """

    def __init__(
        self, channel: str, rate: Rate, bookings: Iterable[Booking] = (), *, not_after: date | None = None
    ) -> None:
        self.channel, self.rate = channel, rate
        self._hours = Hours(rate, not_after)
        gap, self._hourly = Spacing(1, ticks(rate.min_gap)), Spacing(rate.per_hour or 0, _HOUR)
        spacings = tuple(spacing for spacing in (gap, self._hourly) if spacing.count and spacing.span)
        self._loads = {rank: _Load(rate, self._hours, spacings) for rank in _RANK.values()}
        self._all = self._loads[0]
        self._bookings: dict[str, Booking] = {}
        self._order: list[tuple[int, str]] = []
        for booking in bookings:
            self.book(booking)

    def bookings(self) -> list[Booking]:
        """List what is booked, earliest first."""
        return [self._bookings[key] for _, key in self._order]

    def booking(self, key: str) -> Booking | None:
        """Return the booking of that key, None when there is none."""
        return self._bookings.get(key)

    def wall(self, instant: datetime) -> str:
        """Write an instant as the local time of the channel."""
        return f"{instant.astimezone(self._hours.zone):%Y-%m-%d %H:%M} {self.rate.zone}"

    def book(self, booking: Booking) -> None:
        """Enter a booking, allowed or not; one with the same key is replaced."""
        self.free(booking.key)
        self._bookings[booking.key] = booking
        instant = micros(booking.due)
        insort(self._order, (instant, booking.key))
        day = self._day(instant)
        for load in self._respecting(booking):
            load.add(instant, day)

    def free(self, key: str) -> None:
        """Take a booking out; an unknown key changes nothing."""
        booking = self._bookings.pop(key, None)
        if booking is None:
            return
        instant = micros(booking.due)
        del self._order[bisect_left(self._order, (instant, key))]
        day = self._day(instant)
        for load in self._respecting(booking):
            load.remove(instant, day)

    def _respecting(self, booking: Booking) -> Iterator[_Load]:
        rank = _RANK[booking.priority]
        return (load for over, load in self._loads.items() if rank >= over or not booking.yields)

    def refuses(
        self,
        instant: datetime,
        *,
        ignore_gap: bool = False,
        ignore_slots: bool = False,
        ignore_key: str | None = None,
        over: Priority = Priority.LOW,
    ) -> str | None:
        """Say why the instant is not allowed, naming the line of the config; None when it is."""
        ignored = self._bookings.get(ignore_key) if ignore_key else None
        if ignored:
            self.free(ignored.key)
        try:
            when = micros(instant)
            reasons = self._objections(
                when, self._loads[_RANK[over]], ignore_gap=ignore_gap, ignore_slots=ignore_slots
            )
            return next(reasons, None)
        finally:
            if ignored:
                self.book(ignored)

    def _objections(self, when: int, load: _Load, *, ignore_gap: bool, ignore_slots: bool) -> Iterator[str]:
        hours, day = self._hours, self._day(when)
        local = hours.local(when)
        if hours.over(day):
            why = "nothing is planned after the pilot's last day"
            yield f"[channels.{self.channel}.pilot] ends = {hours.not_after}: {why}"
        if name := hours.holiday(day):
            yield self._line("holidays", f'"{self.rate.holidays}"', f"{local:%Y-%m-%d} is {name}")
        if not hours.in_windows(when):
            texts = json.dumps([window.text for window in self.rate.windows])
            yield self._line("windows", texts, f"{local:%a %Y-%m-%d %H:%M} is outside")
        if not ignore_slots and not hours.in_slots(when):
            texts = json.dumps([f"{slot:%H:%M}" for slot in self.rate.slots])
            yield self._line("slots", texts, f"{local:%Y-%m-%d %H:%M} is not one of them")
        if load.day_full(day):
            yield self._line(
                "per_day", self.rate.per_day, f"{_posts(load.days[day])} already on {local:%Y-%m-%d}"
            )
        if load.week_full(day):
            monday = date_of(day - local.weekday())
            count = _posts(load.weeks[week_of(day)])
            yield self._line("per_week", self.rate.per_week, f"{count} already in the week of {monday}")
        yield from self._crowding(when, load, ignore_gap=ignore_gap)

    def _crowding(self, when: int, load: _Load, *, ignore_gap: bool) -> Iterator[str]:
        for spacing in load.spacings:
            row = spacing.run(load.booked, when)
            if row and spacing is self._hourly:
                around = f"already within the hour around {self._hours.local(when):%Y-%m-%d %H:%M}"
                yield self._line("per_hour", self.rate.per_hour, f"{_posts(spacing.count)} {around}")
            elif row and not ignore_gap:
                other = f"another post is at {self._hours.local(row[0]):%Y-%m-%d %H:%M}"
                yield self._line("min_gap", describe(self.rate.min_gap), other)

    def _line(self, key: str, value: object, why: str) -> str:
        return f"[channels.{self.channel}.rate] {key} = {value}: {why}"

    def first_free(
        self, after: datetime, before: datetime | None = None, *, over: Priority = Priority.LOW
    ) -> datetime | None:
        """Return the earliest allowed instant from `after` on, before `before`; None when 400 days hold none.

        It is exactly `after` where that is free, so that what may go now goes now; else a whole minute.
        """
        limit = min(before, after + HORIZON) if before else after + HORIZON
        start, end = micros(after), micros(limit)
        if start < end and self.refuses(after, over=over) is None:
            return after
        found = self._loads[_RANK[over]].first(start, end)
        return None if found is None else instant_of(found)

    def nearest_free(
        self, wanted: datetime, after: datetime, before: datetime | None = None
    ) -> datetime | None:
        """Return the allowed instant nearest to `wanted` within `after`..`before`; the later of two."""
        later = self.first_free(max(wanted, after), before)
        latest = min(wanted, before - timedelta(microseconds=1)) if before else wanted
        floor = max(after, wanted - (later - wanted)) if later else after
        earlier = self._all.last(micros(latest), micros(floor))
        if earlier is None or (later and later - wanted <= wanted - instant_of(earlier)):
            return later
        return instant_of(earlier)

    def blocker(self, instant: datetime, below: Priority) -> Booking | None:
        """Return the booking to give way first at `instant`: movable, of a priority lower than `below`.

        The least important goes first, then the latest. None when no such booking stands in the way.
        """
        for crowd in self._crowds(micros(instant)):
            lower = [b for b in crowd if b.yields and _RANK[b.priority] < _RANK[below]]
            if lower:
                return min(lower, key=lambda b: (_RANK[b.priority], -micros(b.due), b.key))
        return None

    def _crowds(self, when: int) -> Iterator[list[Booking]]:
        """Give the bookings that stand against an instant, once for each limit they use up."""
        for spacing in self._all.spacings:
            if row := spacing.run(self._all.booked, when):
                yield self._between(*row)
        day = self._day(when)
        if self._all.day_full(day):
            yield [
                b for b in self._between(when - 2 * DAY, when + 2 * DAY) if self._day(micros(b.due)) == day
            ]
        if self._all.week_full(day):
            near = self._between(when - 8 * DAY, when + 8 * DAY)
            yield [b for b in near if week_of(self._day(micros(b.due))) == week_of(day)]

    def _between(self, first: int, last: int) -> list[Booking]:
        low, high = bisect_left(self._order, (first, "")), bisect_left(self._order, (last + 1, ""))
        return [self._bookings[key] for _, key in self._order[low:high]]

    def _day(self, when: int) -> int:
        return self._hours.piece(when).day


def _posts(count: int) -> str:
    return "1 post" if count == 1 else f"{count} posts"
