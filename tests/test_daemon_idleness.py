"""Whether there is something to do: now, or soon enough to wait for."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from govpost.daemon import clock, idleness
from govpost.domain import Capabilities
from govpost.editorial import freezing
from govpost.errors import RateLimited, Unavailable, Uncertain
from govpost.store import channels
from office import Office, Scripted

PLAIN = Capabilities(title=True, link=True)


@pytest.fixture
def hub() -> Scripted:
    return Scripted("hub", PLAIN)


@pytest.fixture
def office(tmp_path: Path, hub: Scripted) -> Office:
    office = Office(tmp_path, {"hub": hub}, rates={"hub": 'windows = ["always"]\nmin_gap = "2h"'})
    office.start()
    return office


def busy(office: Office) -> bool:
    with office.store.read() as conn:
        return idleness.is_busy(conn, ["hub"], office.now)


def work(office: Office) -> bool:
    with office.store.read() as conn:
        return idleness.has_any_work(conn, ["hub"], office.now)


def test_an_empty_office_is_idle(office: Office) -> None:
    assert not busy(office)
    assert not work(office)


def test_what_is_due_is_work_and_a_later_slot_is_not(office: Office) -> None:
    office.release("road")
    office.release("water")
    assert (busy(office), work(office)) == (True, True)
    office.work()
    assert (busy(office), work(office)) == (False, False)
    with office.store.read() as conn:
        following = idleness.work_at(conn, "hub", office.now)
        assert following is not None
        assert timedelta(hours=2) <= following - office.now < timedelta(hours=2, minutes=2)


def test_a_retry_within_a_minute_is_waited_for_and_a_later_one_is_not(office: Office, hub: Scripted) -> None:
    hub.script = [Unavailable("busy")]
    office.release("road")
    office.work()
    office.now = office.one("road").due - timedelta(seconds=59)
    assert (busy(office), work(office)) == (True, False)
    office.now -= timedelta(seconds=10)
    assert not busy(office)


def test_a_channel_told_to_wait_or_paused_for_longer_is_idle(office: Office, hub: Scripted) -> None:
    hub.script = [RateLimited("slow down", retry_after=timedelta(minutes=10))]
    office.release("road")
    office.work()
    assert not busy(office)
    with office.tx() as tx:
        channels.put(tx, "hub", next_allowed_at=None)
        channels.pause(tx, "hub", channels.FOR_GOOD, "trouble")
    assert not busy(office)


def test_a_freeze_is_idle(office: Office) -> None:
    office.release("road")
    freezing.freeze(office.store, office.config, office.person("cleo"), "a grave mistake")
    assert not busy(office)


def test_an_open_outcome_that_only_a_person_settles_is_idle(office: Office, hub: Scripted) -> None:
    hub.script = [Uncertain("lost")]
    office.release("road")
    office.keep_house()
    office.publisher.deliver("hub")
    assert (busy(office), work(office)) == (True, True)
    office.work()
    assert (busy(office), work(office)) == (False, False)


def test_what_is_in_flight_is_busy(office: Office, hub: Scripted) -> None:
    seen: list[bool] = []
    hub.script = [lambda variant: (seen.append(busy(office)), hub.accept(variant))[1]]
    office.release("road")
    office.work()
    assert seen == [True]


def test_a_sleep_ends_at_the_next_time_at_the_latest_after_the_longest(office: Office) -> None:
    now = office.now
    assert clock.seconds_until(None, now, 1) == 1
    assert clock.seconds_until(now - timedelta(hours=1), now, 1) == 0
    assert clock.seconds_until(now + timedelta(hours=1), now, 1) == 1
