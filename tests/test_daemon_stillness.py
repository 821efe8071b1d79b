"""When a daemon need not look: an event, a time that has come, or something in flight ends the stillness."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from govpost.daemon.stillness import REST, Stillness
from govpost.domain import Capabilities
from govpost.editorial import freezing
from govpost.store import channels, deliveries
from office import Office, Scripted


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path, {"hub": Scripted("hub", Capabilities(link=True))})
    office.start()
    return office


@pytest.fixture
def still(office: Office) -> Stillness:
    """It has looked once, and house was kept."""
    still = Stillness(office.store, lambda: office.seconds)
    assert still.is_over(), "at the start everything is looked at"
    assert still.look(["hub"], busy=False) == []
    still.house_is_kept()
    return still


def test_where_nothing_happens_nothing_is_looked_at_and_house_is_kept_now_and_then(
    office: Office, still: Stillness
) -> None:
    assert not still.is_over()
    assert not still.needs_house()
    office.wait(REST)
    assert not still.is_over()
    assert still.needs_house()


def test_whatever_anybody_does_ends_the_stillness(office: Office, still: Stillness) -> None:
    freezing.freeze(office.store, office.config, office.person("ben"), "a mistake")
    assert still.is_over()
    still.look(["hub"], busy=False)
    assert still.needs_house(), "what was frozen has to be held"
    still.house_is_kept()
    assert not still.is_over()
    assert not still.needs_house()


def test_it_ends_when_a_time_comes_and_not_before(office: Office, still: Stillness) -> None:
    office.release("road", more="at: 2026-11-26 09:00")
    assert still.is_over()
    assert still.look(["hub"], busy=False) == []
    still.house_is_kept()
    assert not still.is_over()
    assert still.next is not None
    office.wait(still.next - office.now)
    assert still.is_over()
    assert still.look(["hub"], busy=False) == ["hub"]
    assert still.is_over(), "what is due and stays is looked at again and again"


def test_what_a_platform_asked_us_to_wait_for_is_looked_at_when_the_wait_ends(
    office: Office, still: Stillness
) -> None:
    office.release("road")
    with office.store.write("daemon") as tx:
        channels.put(tx, "hub", next_allowed_at=tx.now + timedelta(minutes=3))
    assert still.is_over()
    assert still.look(["hub"], busy=False) == []
    assert still.next == office.now + timedelta(minutes=3)


@pytest.mark.parametrize("ours", [True, False])
def test_something_in_flight_is_no_stillness_whoever_holds_it(
    office: Office, still: Stillness, ours: bool
) -> None:
    office.release("road")
    with office.store.write("daemon") as tx:
        lease = timedelta(minutes=3)
        deliveries.claim(tx, "hub", owner="another", lease=lease, gap=timedelta(), main_channel="hub")
    assert still.is_over()
    assert still.look(["hub"], busy=ours) == []
    assert still.is_over()
    assert still.needs_house()


def test_what_a_breaker_held_is_released_when_its_pause_ends_and_not_at_the_next_long_look(
    office: Office, still: Stillness
) -> None:
    office.release("road")
    with office.store.write("daemon") as tx:
        channels.pause(tx, "hub", tx.now + timedelta(minutes=1), "three failures in a row")
    office.keep_house()
    assert office.states("road") == ["held"]
    assert still.is_over()
    assert still.look(["hub"], busy=False) == []
    still.house_is_kept()
    assert still.next == office.now + timedelta(minutes=1)
    office.now += timedelta(minutes=1)  # by the wall clock: the long look waits for the other one
    assert still.is_over()
    assert still.look(["hub"], busy=False) == []
    assert still.needs_house()
    office.keep_house()
    still.house_is_kept()
    assert still.is_over()
    assert still.look(["hub"], busy=False) == ["hub"]


def test_a_channel_that_a_person_has_to_resume_is_no_reason_to_look(office: Office, still: Stillness) -> None:
    with office.store.write("daemon") as tx:
        channels.pause(tx, "hub", channels.FOR_GOOD, "nobody is logged in")
    assert still.is_over()
    still.look(["hub"], busy=False)
    assert still.next is None


def test_what_falls_due_behind_something_that_is_due_already_is_known(
    office: Office, still: Stillness
) -> None:
    office.release("road")
    office.release("water", more="at: 2026-11-25 12:01")
    assert still.is_over()
    assert still.look(["hub"], busy=False) == ["hub"]
    assert still.next is not None
    assert timedelta() < still.next - office.now <= timedelta(minutes=1)
