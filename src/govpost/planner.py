"""From wishes to slots: one post at a time, and again after an outage. Pure: same input, same plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from govpost.calendars import Booking, Calendar
from govpost.domain import Priority

__all__ = ["Booking", "Calendar", "Plan", "Wish", "plan", "replan"]

ON_TIME = timedelta(seconds=60)
"""What is overdue by less than this counts as on time."""

_TICK = timedelta(microseconds=1)
_Moves = dict[str, tuple[datetime, datetime]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """A slot wanted on one channel: exactly `at`, or the first with `after` <= slot < `before`, in UTC."""

    key: str
    channel: str
    at: datetime | None = None
    after: datetime | None = None
    before: datetime | None = None
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class Plan:
    """The slots given by key, the bookings moved for them (old, new), and why a wish got none."""

    slots: Mapping[str, datetime] = field(default_factory=dict)
    moved: Mapping[str, tuple[datetime, datetime]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


def plan(
    wishes: Sequence[Wish], calendars: Mapping[str, Calendar], *, main_channel: str, now: datetime
) -> Plan:
    """Give the wishes of one post their slots and book them; the main channel's is never the later."""
    slots: dict[str, datetime] = {}
    moved: _Moves = {}
    refused: dict[str, str] = {}
    main: datetime | None = None
    for wish in sorted(wishes, key=lambda wish: wish.channel != main_channel):
        calendar = calendars[wish.channel]
        bound = main if wish.channel != main_channel else None
        asked = _Asked(wish, max(each for each in (now, wish.after, bound) if each), bound, now)
        slot, displaced = _place(calendar, asked)
        if slot is None:
            refused[wish.key] = _reason(calendar, asked)
            continue
        slots[wish.key] = slot
        for key, (old, new) in displaced.items():
            moved[key] = (moved[key][0] if key in moved else old, new)
        if wish.channel == main_channel:
            main = slot
    others = [slots[wish.key] for wish in wishes if wish.key in slots and wish.channel != main_channel]
    for wish in wishes:
        if others and wish.channel == main_channel:
            _hold_main(calendars[main_channel], wish.key, min(others))
    return Plan(slots, moved, refused)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A wish with the time it may be met from, and the main channel's slot if that came first."""

    wish: Wish
    since: datetime
    main: datetime | None
    now: datetime

    def booking(self, due: datetime) -> Booking:
        after = max((each for each in (self.wish.after, self.main) if each), default=None)
        return Booking(
            key=self.wish.key,
            due=due,
            priority=self.wish.priority,
            movable=self.wish.at is None,
            after=after,
            before=self.wish.before,
        )

    def out_of_bounds(self, at: datetime) -> str | None:
        """Say why an exact time cannot be met whatever the rate."""
        wish = self.wish
        if at < self.now - ON_TIME:
            return "has passed"
        if wish.after and at < wish.after:
            return "is before `not_before`"
        if wish.before and at >= wish.before:
            return "is not before `expires`"
        if self.main and at < self.main:
            return "is before the main channel's slot"
        return None


def _place(calendar: Calendar, asked: _Asked) -> tuple[datetime | None, _Moves]:
    """Book the earliest slot to be had, taking it from lower priorities where that helps."""
    plain = _earliest(calendar, asked, Priority.LOW)
    pinned: list[Booking] = []
    try:
        while True:
            best = _earliest(calendar, asked, asked.wish.priority)
            if best is None or (plain is not None and best >= plain):
                break
            stuck, moved = _displace(calendar, asked.booking(best), asked.now)
            if stuck is None:
                return best, moved
            # It has nowhere else to go, so it stays: the search goes on as if it could not be moved.
            pinned.append(stuck)
            calendar.book(replace(stuck, movable=False))
    finally:
        for booking in pinned:
            calendar.book(booking)
    if plain is not None:
        calendar.book(asked.booking(plain))
    return plain, {}


def _earliest(calendar: Calendar, asked: _Asked, over: Priority) -> datetime | None:
    at = asked.wish.at
    if at is None:
        return calendar.first_free(asked.since, asked.wish.before, over=over)
    if asked.out_of_bounds(at) or calendar.refuses(at, over=over):
        return None
    return at


def _displace(calendar: Calendar, booking: Booking, now: datetime) -> tuple[Booking | None, _Moves]:
    """Book over lower priorities and move those on; if one has nowhere to go, undo it and return that one."""
    victims: list[Booking] = []
    while victim := calendar.blocker(booking.due, booking.priority):
        calendar.free(victim.key)
        victims.append(victim)
    calendar.book(booking)
    moved: _Moves = {}
    for victim in sorted(victims, key=_order):
        due = _onward(calendar, victim, now)
        if due is None:
            calendar.free(booking.key)
            for each in victims:
                calendar.book(each)
            return victim, {}
        calendar.book(replace(victim, due=due))
        if due != victim.due:
            moved[victim.key] = (victim.due, due)
    return None, moved


def _onward(calendar: Calendar, booking: Booking, now: datetime) -> datetime | None:
    """Return the next free time for a booking that gave way."""
    since = max(each for each in (booking.due, now, booking.after) if each)
    return calendar.first_free(since, booking.before)


def _order(booking: Booking) -> tuple[int, datetime, str]:
    return -booking.priority.rank, booking.due, booking.key


def _hold_main(calendar: Calendar, key: str, first: datetime) -> None:
    """Keep later posts from moving the main channel's slot past `first`, the earliest of the others."""
    booking = calendar.booking(key)
    if booking is not None:
        before = min(each for each in (booking.before, first + _TICK) if each)
        calendar.book(replace(booking, before=before))


def _reason(calendar: Calendar, asked: _Asked) -> str:
    """Say why a wish is refused, and the free time nearest to it."""
    wish = asked.wish
    if wish.at is not None:
        why = asked.out_of_bounds(wish.at)
        why = f"{calendar.wall(wish.at)} {why}" if why else calendar.refuses(wish.at)
        return f"{why}; {_nearest(calendar, wish.at, asked.since, wish.before)}"
    since = calendar.wall(asked.since)
    if wish.before is None:
        return f"no time is free on {calendar.channel} within 400 days from {since}"
    if wish.before <= asked.since:
        why = f"it expires at {calendar.wall(wish.before)} and could go out from {since} on"
    else:
        why = f"no time is free on {calendar.channel} from {since} to {calendar.wall(wish.before)}"
    return f"{why}; {_nearest(calendar, wish.before, asked.since, None)}"


def _nearest(calendar: Calendar, wanted: datetime, after: datetime, before: datetime | None) -> str:
    free = calendar.nearest_free(wanted, after, before)
    if free is None and before is not None:
        free = calendar.nearest_free(wanted, after)
    return f"the nearest free time is {calendar.wall(free)}" if free else "no time is free within 400 days"


def replan(
    calendar: Calendar, overdue_and_queued: Sequence[Booking], now: datetime
) -> Mapping[str, tuple[datetime, datetime]]:
    """Fit bookings to the calendar as it is now, and return those that had to move: key to (old, new).

    The calendar holds what cannot move. One overdue by over a minute and not in the answer found no free time
    before it expires and must not be sent; a later one that found none stays where it is.
    """
    moved: _Moves = {}
    for booking in overdue_and_queued:
        calendar.free(booking.key)
    for booking in sorted(overdue_and_queued, key=_order):
        due = _refit(calendar, booking, now)
        if due is None and booking.due < now - ON_TIME:
            continue
        calendar.book(replace(booking, due=due or booking.due))
        if due is not None and due != booking.due:
            moved[booking.key] = (booking.due, due)
    return moved


def _refit(calendar: Calendar, booking: Booking, now: datetime) -> datetime | None:
    """Return where a booking goes: an overdue one now if that is allowed, a later one where it is."""
    overdue = booking.due < now - ON_TIME
    wanted = now if overdue else booking.due
    in_time = (booking.after or wanted) <= wanted and (booking.before is None or wanted < booking.before)
    if in_time and calendar.refuses(wanted, ignore_slots=wanted <= now) is None:
        return wanted
    return calendar.first_free(max(now, booking.after or now), booking.before)
