"""No plan ever breaks a rate, the main channel is never the later one, and catching up never floods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from govpost.domain import Priority
from govpost.planner import Booking, Calendar, Plan, Wish, plan, replan
from govpost.rates import Rate, window
from test_calendars import (
    CHICAGO,
    DAY,
    HOUR,
    MINUTE,
    allowed,
    booked,
    crowded,
    local,
    near_change,
    open_then,
    rates,
)

NOW = local("2026-11-23T08:00")
HIGH, NORMAL, LOW = Priority.HIGH, Priority.NORMAL, Priority.LOW


def one(wish: Wish, calendar: Calendar, now: datetime = NOW) -> Plan:
    return plan([wish], {wish.channel: calendar}, main_channel="site", now=now)


def dues(calendar: Calendar) -> dict[str, datetime]:
    return {booking.key: booking.due for booking in calendar.bookings()}


def test_ten_posts_at_three_a_day_go_out_three_three_three_and_one() -> None:
    calendar = Calendar("hub", Rate(zone=CHICAGO, per_day=3))
    slots = [one(Wish(key=f"p{each}", channel="hub"), calendar).slots[f"p{each}"] for each in range(10)]
    days = [slot.astimezone(calendar._hours.zone).date() for slot in slots]
    assert [days.count(date(2026, 11, each)) for each in (23, 24, 25, 26, 27)] == [3, 3, 3, 1, 0]


def test_the_riverton_rate_spreads_posts_over_working_hours() -> None:
    rate = Rate(zone=CHICAGO, per_day=3, min_gap=2 * HOUR, windows=(window("mon-fri 08:00-18:00"),))
    calendar = Calendar("hub", rate)
    friday = local("2026-11-27T13:30")
    slots = [
        one(Wish(key=f"p{each}", channel="hub"), calendar, friday).slots[f"p{each}"] for each in range(4)
    ]
    texts = ["2026-11-27T13:30", "2026-11-27T15:30", "2026-11-27T17:30", "2026-11-30T08:00"]
    assert slots == [local(each) for each in texts]


def test_other_channels_wait_for_the_main_channel() -> None:
    calendars = {
        "site": Calendar("site", Rate(zone=CHICAGO, windows=(window("14:00-15:00"),))),
        "hub": Calendar("hub", Rate(zone=CHICAGO)),
    }
    wishes = [Wish(key="h", channel="hub"), Wish(key="s", channel="site")]
    found = plan(wishes, calendars, main_channel="site", now=NOW)
    assert found.slots == {"s": local("2026-11-23T14:00"), "h": local("2026-11-23T14:00")}


def test_when_the_main_channel_is_refused_the_others_are_still_planned() -> None:
    calendars = {"site": Calendar("site", Rate(windows=())), "hub": Calendar("hub", Rate())}
    wishes = [Wish(key="s", channel="site"), Wish(key="h", channel="hub")]
    found = plan(wishes, calendars, main_channel="site", now=NOW)
    assert found.slots == {"h": NOW}
    assert found.refused == {
        "s": "no time is free on site within 400 days from 2026-11-23 14:00 UTC",
    }


def test_an_exact_time_before_the_main_channels_slot_is_refused() -> None:
    calendars = {
        "site": Calendar("site", Rate(windows=(window("20:00-21:00"),))),
        "hub": Calendar("hub", Rate()),
    }
    wishes = [Wish(key="s", channel="site"), Wish(key="h", channel="hub", at=NOW + HOUR)]
    found = plan(wishes, calendars, main_channel="site", now=NOW)
    assert found.refused == {
        "h": "2026-11-23 15:00 UTC is before the main channel's slot; the nearest free time is 2026-11-23 20:00 UTC"
    }


def test_an_exact_time_that_is_free_is_given_to_the_second() -> None:
    at = NOW + timedelta(hours=1, seconds=30)
    assert one(Wish(key="w", channel="hub", at=at), Calendar("hub", Rate(per_day=1))).slots == {"w": at}


def test_an_exact_time_that_is_taken_is_refused_with_the_nearest_free_time() -> None:
    rate = Rate(zone=CHICAGO, per_day=3, min_gap=2 * HOUR, windows=(window("mon-fri 08:00-18:00"),))
    calendar = Calendar("hub", rate, booked(local("2026-11-27T09:00")))
    found = one(Wish(key="w", channel="hub", at=local("2026-11-27T10:00")), calendar)
    assert found.refused == {
        "w": "[channels.hub.rate] min_gap = 2 h: another post is at 2026-11-27 09:00; "
        "the nearest free time is 2026-11-27 11:00 America/Chicago"
    }
    assert "w" not in dues(calendar)


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        (
            Wish(key="w", channel="hub", at=NOW - HOUR),
            "2026-11-23 07:00 America/Chicago has passed; "
            "the nearest free time is 2026-11-23 08:00 America/Chicago",
        ),
        (
            Wish(key="w", channel="hub", at=NOW + HOUR, after=NOW + 2 * HOUR),
            "2026-11-23 09:00 America/Chicago is before `not_before`; "
            "the nearest free time is 2026-11-23 10:00 America/Chicago",
        ),
        (
            Wish(key="w", channel="hub", at=NOW + 2 * HOUR, before=NOW + HOUR),
            "2026-11-23 10:00 America/Chicago is not before `expires`; "
            "the nearest free time is 2026-11-23 08:59 America/Chicago",
        ),
        (
            Wish(key="w", channel="hub", before=NOW - HOUR),
            "it expires at 2026-11-23 07:00 America/Chicago and could go out from 2026-11-23 08:00 "
            "America/Chicago on; the nearest free time is 2026-11-23 08:00 America/Chicago",
        ),
        (
            Wish(key="w", channel="hub", after=local("2026-11-24T00:00"), before=local("2026-11-24T23:00")),
            "no time is free on hub from 2026-11-24 00:00 America/Chicago to 2026-11-24 23:00 America/Chicago; "
            "the nearest free time is 2026-11-25 00:00 America/Chicago",
        ),
        (
            Wish(key="w", channel="hub", at=local("2026-11-24T10:00"), before=local("2026-11-24T11:00")),
            "[channels.hub.rate] per_day = 1: 1 post already on 2026-11-24; "
            "the nearest free time is 2026-11-23 23:59 America/Chicago",
        ),
    ],
)
def test_a_refusal_says_why_and_names_the_nearest_free_time(wish: Wish, reason: str) -> None:
    calendar = Calendar("hub", Rate(zone=CHICAGO, per_day=1), booked(local("2026-11-24T09:00")))
    assert one(wish, calendar).refused == {"w": reason}


def test_a_refusal_names_a_free_time_past_the_bounds_where_none_lies_within() -> None:
    calendar = Calendar("hub", Rate(per_day=1), booked(NOW))
    found = one(Wish(key="w", channel="hub", at=NOW + HOUR, before=NOW + 2 * HOUR), calendar)
    assert found.refused["w"].endswith("the nearest free time is 2026-11-24 00:00 UTC")
    over = Calendar("hub", Rate(per_day=1), booked(NOW), not_after=NOW.date())
    found = one(Wish(key="w", channel="hub", at=NOW + HOUR), over)
    assert found.refused["w"].endswith("no time is free within 400 days")


def test_an_exact_time_overdue_by_less_than_a_minute_is_on_time() -> None:
    at = NOW - timedelta(seconds=59)
    assert one(Wish(key="w", channel="hub", at=at), Calendar("hub", Rate())).slots == {"w": at}


def test_a_slot_is_at_once_where_that_is_free_and_else_a_whole_minute() -> None:
    now = NOW + timedelta(seconds=10, microseconds=7)
    assert one(Wish(key="w", channel="hub"), Calendar("hub", Rate()), now).slots == {"w": now}
    restricted = Calendar("hub", Rate(min_gap=MINUTE))
    assert one(Wish(key="w", channel="hub"), restricted, now).slots == {"w": now}
    assert one(Wish(key="x", channel="hub"), restricted, now).slots == {"x": NOW + 2 * MINUTE}


def test_a_higher_priority_takes_the_slot_of_a_lower_one_which_moves_on() -> None:
    calendar = Calendar("hub", Rate(zone=CHICAGO, per_day=1))
    for key in ("a", "b"):
        one(Wish(key=key, channel="hub", priority=LOW), calendar)
    found = one(Wish(key="storm", channel="hub", priority=HIGH), calendar)
    assert found.slots == {"storm": NOW}
    assert found.moved == {"a": (NOW, local("2026-11-25T00:00"))}
    assert dues(calendar) == {"storm": NOW, "b": local("2026-11-24T00:00"), "a": local("2026-11-25T00:00")}


def test_an_exact_time_of_higher_priority_takes_it_too() -> None:
    calendar = Calendar(
        "hub", Rate(zone=CHICAGO, min_gap=HOUR), booked(NOW + HOUR, NOW + 2 * HOUR, priority=LOW)
    )
    found = one(Wish(key="storm", channel="hub", at=NOW + 90 * MINUTE, priority=NORMAL), calendar)
    assert found.slots == {"storm": NOW + 90 * MINUTE}
    assert found.moved == {
        "b0": (NOW + HOUR, NOW + 150 * MINUTE),
        "b1": (NOW + 2 * HOUR, NOW + 210 * MINUTE),
    }


def test_equal_priority_moves_nobody() -> None:
    calendar = Calendar("hub", Rate(zone=CHICAGO, per_day=1), booked(NOW, priority=HIGH))
    found = one(Wish(key="w", channel="hub", priority=HIGH), calendar)
    assert (found.slots, found.moved) == ({"w": local("2026-11-24T00:00")}, {})


def test_what_must_not_move_is_not_moved() -> None:
    fixed = Booking(key="fixed", due=NOW, priority=LOW, movable=False)
    calendar = Calendar("hub", Rate(zone=CHICAGO, per_day=1), [fixed])
    found = one(Wish(key="w", channel="hub", priority=HIGH), calendar)
    assert (found.slots, found.moved) == ({"w": local("2026-11-24T00:00")}, {})


def test_a_post_with_an_exact_time_keeps_it_against_higher_priorities() -> None:
    calendar = Calendar("hub", Rate(zone=CHICAGO, per_day=1))
    one(Wish(key="exact", channel="hub", at=NOW, priority=LOW), calendar)
    found = one(Wish(key="w", channel="hub", priority=HIGH), calendar)
    assert (found.slots, found.moved) == ({"w": local("2026-11-24T00:00")}, {})


def test_one_with_nowhere_to_go_is_not_displaced() -> None:
    stuck = Booking(key="stuck", due=NOW, priority=LOW, before=NOW + DAY / 2)
    free = Booking(key="free", due=NOW + DAY, priority=LOW)
    calendar = Calendar("hub", Rate(zone=CHICAGO, per_day=1), [stuck, free])
    found = one(Wish(key="w", channel="hub", priority=HIGH), calendar)
    assert found.slots == {"w": local("2026-11-24T00:00")}
    assert found.moved == {"free": (NOW + DAY, local("2026-11-25T00:00"))}
    assert calendar.booking("stuck") == stuck


def test_a_higher_priority_that_can_displace_nobody_is_refused_and_leaves_all_as_it_was() -> None:
    stuck = Booking(key="stuck", due=NOW, priority=LOW, before=NOW + DAY / 2)
    calendar = Calendar("hub", Rate(zone=CHICAGO, per_day=1), [stuck])
    found = one(Wish(key="w", channel="hub", priority=HIGH, before=NOW + DAY / 2), calendar)
    assert found.slots == {}
    assert "no time is free on hub" in found.refused["w"]
    assert calendar.bookings() == [stuck]


def test_one_that_need_not_move_after_all_stays() -> None:
    early = Booking(key="early", due=NOW, priority=LOW)
    late = Booking(key="late", due=NOW + 70 * MINUTE, priority=LOW)
    calendar = Calendar("hub", Rate(zone=CHICAGO, min_gap=HOUR, per_day=2), [early, late])
    found = one(Wish(key="w", channel="hub", at=NOW, priority=HIGH), calendar)
    assert found.moved == {"early": (NOW, local("2026-11-24T00:00"))}


def test_a_later_post_does_not_move_the_main_channels_slot_past_the_posts_others() -> None:
    calendars = {name: Calendar(name, Rate(zone=CHICAGO, per_day=1)) for name in ("site", "hub")}
    wishes = [Wish(key=name, channel=name, priority=LOW) for name in calendars]
    plan(wishes, calendars, main_channel="site", now=NOW)
    found = plan([Wish(key="w", channel="site", priority=HIGH)], calendars, main_channel="site", now=NOW)
    assert (found.slots, found.moved) == ({"w": local("2026-11-24T00:00")}, {})


def test_two_wishes_that_move_the_same_booking_report_one_move() -> None:
    low = Booking(key="low", due=NOW, priority=LOW)
    calendar = Calendar("hub", Rate(zone=CHICAGO, per_day=1), [low])
    wishes = [
        Wish(key="a", channel="hub", priority=HIGH),
        Wish(key="b", channel="hub", priority=HIGH),
    ]
    found = plan(wishes, {"hub": calendar}, main_channel="site", now=NOW)
    assert found.moved == {"low": (NOW, local("2026-11-25T00:00"))}


@st.composite
def posts(draw: st.DrawFn, now: datetime) -> list[list[Wish]]:
    """Give posts with up to three channels each, some exact, some bounded, of any priority."""
    number = count()
    found = []
    for _ in range(draw(st.integers(1, 12))):
        at = draw(st.none() | st.none() | st.integers(0, 3000).map(lambda each: now + each * MINUTE))
        after = draw(st.none() | st.integers(0, 2000).map(lambda each: now + each * MINUTE))
        before = draw(st.none() | st.integers(500, 6000).map(lambda each: now + each * MINUTE))
        priority = draw(st.sampled_from(Priority))
        channels = draw(st.lists(st.sampled_from(["site", "hub", "board"]), min_size=1, unique=True))
        found.append(
            [
                Wish(
                    key=f"w{next(number)}", channel=name, at=at, after=after, before=before, priority=priority
                )
                for name in channels
            ]
        )
    return found


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[str, Rate], datetime, list[list[Wish]]]:
    board = draw(rates())
    now = draw(near_change(board))
    every = {"site": draw(st.just(Rate(zone=board.zone)) | rates()), "hub": draw(rates()), "board": board}
    return every, now, draw(posts(now))


def run(
    every: Mapping[str, Rate], now: datetime, wanted: list[list[Wish]]
) -> tuple[list[Plan], dict[str, Calendar]]:
    calendars = {name: Calendar(name, rate) for name, rate in every.items()}
    return [plan(wishes, calendars, main_channel="site", now=now) for wishes in wanted], calendars


@settings(deadline=None, max_examples=150)
@given(worlds())
def test_no_plan_ever_breaks_a_rate(world: tuple[dict[str, Rate], datetime, list[list[Wish]]]) -> None:
    every, now, wanted = world
    _, calendars = run(every, now, wanted)
    for name, rate in every.items():
        slots = list(dues(calendars[name]).values())
        assert all(open_then(rate, slot) for slot in slots)
        assert crowded(rate, slots) is None


@settings(deadline=None, max_examples=150)
@given(worlds())
def test_every_wish_is_met_within_its_bounds_or_refused_with_a_reason(
    world: tuple[dict[str, Rate], datetime, list[list[Wish]]],
) -> None:
    every, now, wanted = world
    plans, calendars = run(every, now, wanted)
    final = {key: due for calendar in calendars.values() for key, due in dues(calendar).items()}
    for wishes, found in zip(wanted, plans, strict=True):
        assert {wish.key for wish in wishes} == found.slots.keys() | found.refused.keys()
        assert not found.slots.keys() & found.refused.keys()
        assert all("free" in reason and "\n" not in reason for reason in found.refused.values())
        for wish in wishes:
            if wish.key in found.slots:
                due = final[wish.key]
                assert wish.at in (None, due)
                assert max(now, wish.after or now) <= due
                assert wish.before is None or due < wish.before


@settings(deadline=None, max_examples=150)
@given(worlds())
def test_the_main_channel_is_never_later_than_the_posts_others(
    world: tuple[dict[str, Rate], datetime, list[list[Wish]]],
) -> None:
    every, now, wanted = world
    _, calendars = run(every, now, wanted)
    final = {key: due for calendar in calendars.values() for key, due in dues(calendar).items()}
    for wishes in wanted:
        slots = {wish.channel: final[wish.key] for wish in wishes if wish.key in final}
        if "site" in slots:
            assert slots["site"] == min(slots.values())


@settings(deadline=None, max_examples=60)
@given(worlds())
def test_the_same_input_gives_the_same_plan(
    world: tuple[dict[str, Rate], datetime, list[list[Wish]]],
) -> None:
    first, _ = run(*world)
    again, _ = run(*world)
    assert first == again


@settings(deadline=None, max_examples=100)
@given(worlds())
def test_only_lower_priorities_move_and_only_for_an_earlier_slot(
    world: tuple[dict[str, Rate], datetime, list[list[Wish]]],
) -> None:
    every, now, wanted = world
    rank = {wish.key: wish.priority.rank for wishes in wanted for wish in wishes}
    calendars = {name: Calendar(name, rate) for name, rate in every.items()}
    for wishes in wanted:
        before = {name: dues(calendar) for name, calendar in calendars.items()}
        found = plan(wishes, calendars, main_channel="site", now=now)
        for key, (old, new) in found.moved.items():
            assert rank[key] < wishes[0].priority.rank
            assert old < new
            assert any(each.get(key) == old for each in before.values())
        after = {key: due for calendar in calendars.values() for key, due in dues(calendar).items()}
        for each in before.values():
            for key, due in each.items():
                assert after[key] == (found.moved[key][1] if key in found.moved else due)


def test_after_an_outage_the_late_go_out_within_the_rate_and_the_rest_move_on() -> None:
    rate = Rate(zone=CHICAGO, per_day=3, min_gap=HOUR, windows=(window("08:00-18:00"),))
    late = [Booking(key=f"p{each}", due=NOW - 3 * DAY + each * 2 * HOUR) for each in range(8)]
    calendar = Calendar("hub", rate)
    moved = replan(calendar, late, NOW)
    texts = ["23T08:00", "23T09:00", "23T10:00", "24T08:00", "24T09:00", "24T10:00", "25T08:00", "25T09:00"]
    assert [moved[f"p{each}"][1] for each in range(8)] == [local(f"2026-11-{text}") for text in texts]
    assert moved["p0"][0] == NOW - 3 * DAY


def test_an_overdue_post_goes_out_now_even_between_slots() -> None:
    rate = Rate(zone=CHICAGO, slots=(time(7), time(12)), per_day=2)
    moved = replan(Calendar("hub", rate), booked(NOW - HOUR, NOW + 4 * HOUR), NOW)
    assert moved == {"b0": (NOW - HOUR, NOW)}
    again = replan(Calendar("hub", rate), booked(NOW, NOW + 4 * HOUR), NOW + timedelta(seconds=40))
    assert again == {}


def test_an_overdue_post_does_not_go_out_now_outside_the_windows() -> None:
    rate = Rate(zone=CHICAGO, windows=(window("09:00-10:00"),))
    assert replan(Calendar("hub", rate), booked(NOW - HOUR), NOW) == {"b0": (NOW - HOUR, NOW + HOUR)}


def test_less_than_a_minute_late_is_on_time() -> None:
    calendar = Calendar("hub", Rate(min_gap=HOUR))
    assert replan(calendar, booked(NOW - timedelta(seconds=59)), NOW) == {}
    assert replan(calendar, booked(NOW - timedelta(seconds=61)), NOW) == {
        "b0": (NOW - timedelta(seconds=61), NOW)
    }


def test_a_changed_rate_is_fitted_in_order_of_time() -> None:
    slots = booked(NOW + HOUR, NOW + 2 * HOUR, NOW + 26 * HOUR)
    calendar = Calendar("hub", Rate(zone=CHICAGO, per_day=1))
    assert replan(calendar, slots, NOW) == {
        "b1": (NOW + 2 * HOUR, local("2026-11-24T00:00")),
        "b2": (NOW + 26 * HOUR, local("2026-11-25T00:00")),
    }


def test_a_rate_that_still_fits_moves_nothing() -> None:
    calendar = Calendar("hub", Rate(zone=CHICAGO, per_day=2))
    assert replan(calendar, booked(NOW + HOUR, NOW + 2 * HOUR, NOW + 26 * HOUR), NOW) == {}


def test_the_most_important_is_fitted_first() -> None:
    late = [
        Booking(key="low", due=NOW - 2 * DAY, priority=LOW),
        Booking(key="high", due=NOW - HOUR, priority=HIGH),
    ]
    moved = replan(Calendar("hub", Rate(zone=CHICAGO, per_day=1)), late, NOW)
    assert moved["high"][1] == NOW
    assert moved["low"][1] == local("2026-11-24T00:00")


def test_what_finds_no_time_before_it_expires_stays_where_it_is() -> None:
    calendar = Calendar(
        "hub", Rate(zone=CHICAGO, per_day=1), [Booking(key="sent", due=NOW - HOUR, movable=False)]
    )
    late = Booking(key="late", due=NOW - 2 * HOUR, before=NOW + HOUR)
    later = Booking(key="later", due=NOW + HOUR, before=NOW + 2 * HOUR)
    assert replan(calendar, [late, later], NOW) == {}
    assert calendar.booking("late") is None
    assert calendar.booking("later") == later


def test_a_booking_is_not_left_before_its_earliest_time() -> None:
    calendar = Calendar("hub", Rate())
    booking = Booking(key="b", due=NOW + HOUR, after=NOW + 2 * HOUR)
    assert replan(calendar, [booking], NOW) == {"b": (NOW + HOUR, NOW + 2 * HOUR)}


@st.composite
def outages(draw: st.DrawFn) -> tuple[Rate, datetime, list[datetime], list[Booking]]:
    """Give what was sent under a rate, and what waits: overdue, or planned for later, of any priority."""
    rate = draw(rates())
    now = draw(near_change(rate))
    sent: list[datetime] = []
    for minutes in draw(st.lists(st.integers(-4000, -1), max_size=6)):
        if allowed(rate, sent, now + minutes * MINUTE):
            sent.append(now + minutes * MINUTE)
    waiting = [
        Booking(
            key=f"k{number}",
            due=now + minutes * MINUTE,
            priority=draw(st.sampled_from(Priority)),
            before=draw(
                st.none() | st.integers(minutes + 1, minutes + 9000).map(lambda each: now + each * MINUTE)
            ),
        )
        for number, minutes in enumerate(draw(st.lists(st.integers(-5000, 3000), max_size=12)))
    ]
    return rate, now, sent, waiting


def relaxed(rate: Rate, slot: datetime, now: datetime) -> bool:
    """Say whether a slot is open; what goes out now may do so between the slots of the day."""
    return open_then(replace(rate, slots=()) if slot <= now else rate, slot)


def refitted(
    case: tuple[Rate, datetime, list[datetime], list[Booking]],
) -> tuple[Mapping[str, tuple[datetime, datetime]], Calendar]:
    rate, now, sent, waiting = case
    fixed = [Booking(key=f"s{number}", due=due, movable=False) for number, due in enumerate(sent)]
    calendar = Calendar("hub", rate, fixed)
    return replan(calendar, waiting, now), calendar


@settings(deadline=None, max_examples=150)
@given(outages())
def test_coming_back_after_an_outage_never_floods(
    case: tuple[Rate, datetime, list[datetime], list[Booking]],
) -> None:
    rate, now, sent, waiting = case
    assume(Calendar("hub", rate).first_free(now) is not None)
    moved, calendar = refitted((rate, now, sent, [replace(booking, before=None) for booking in waiting]))
    slots = [calendar.booking(each.key) for each in waiting]
    assert all(slot and relaxed(rate, slot.due, now) for slot in slots)
    assert crowded(rate, dues(calendar).values()) is None
    assert all(old != new >= now for old, new in moved.values())
    assert all(each.key in moved for each in waiting if each.due < now - MINUTE)


@settings(deadline=None, max_examples=150)
@given(outages())
def test_what_moves_after_an_outage_moves_within_its_bounds_and_the_rate(
    case: tuple[Rate, datetime, list[datetime], list[Booking]],
) -> None:
    rate, now, sent, waiting = case
    moved, calendar = refitted(case)
    assert crowded(rate, [*sent, *(new for _, new in moved.values())]) is None
    for booking in waiting:
        old, new = moved.get(booking.key, (booking.due, booking.due))
        assert old == booking.due
        assert new == old or (relaxed(rate, new, now) and (booking.before is None or new < booking.before))
        assert (calendar.booking(booking.key) is None) == (old == new and old < now - MINUTE)


@settings(deadline=None, max_examples=100)
@given(outages(), st.integers(0, 59))
def test_fitting_again_at_once_moves_nothing(
    case: tuple[Rate, datetime, list[datetime], list[Booking]], seconds: int
) -> None:
    rate, now, sent, waiting = case
    assume(Calendar("hub", rate).first_free(now) is not None)
    unbounded = [replace(each, before=None) for each in waiting if not now - MINUTE <= each.due < now]
    moved, _ = refitted((rate, now, sent, unbounded))
    fitted = [replace(each, due=moved[each.key][1]) if each.key in moved else each for each in unbounded]
    again, _ = refitted((rate, now + timedelta(seconds=seconds), sent, fitted))
    assert again == {}


def test_a_plan_begins_empty() -> None:
    assert plan([], {}, main_channel="site", now=datetime(2026, 1, 1, tzinfo=UTC)) == Plan()
