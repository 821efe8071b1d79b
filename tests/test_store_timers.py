"""Timers: a periodic duty is done by one daemon each time, and a duty that lasts is held by one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from govpost.domain import Capabilities
from govpost.store import timers
from office import Office, Scripted

MINUTE = timedelta(minutes=1)


@pytest.fixture
def office(tmp_path: Path, store_url: str) -> Iterator[Office]:
    office = Office(tmp_path, {"hub": Scripted("hub", Capabilities())})
    yield office
    office.store.close()


def take(office: Office, owner: str) -> bool:
    with office.store.read() as conn:
        due = timers.is_due(conn, "house", MINUTE, office.now)
    with office.tx("daemon") as tx:
        taken = timers.take(tx, "house", MINUTE, owner)
    assert due == taken
    return taken


def hold(office: Office, owner: str) -> bool:
    with office.tx("daemon") as tx:
        return timers.hold(tx, "telling", MINUTE, owner)


def test_a_duty_is_taken_once_each_time(office: Office) -> None:
    assert [take(office, owner) for owner in "aba"] == [True, False, False]
    office.now += MINUTE
    assert [take(office, owner) for owner in "ba"] == [True, False]


def test_a_clock_that_is_put_back_delays_no_duty(office: Office) -> None:
    assert take(office, "a")
    office.now -= timedelta(hours=3)
    assert [take(office, "b"), take(office, "a")] == [True, False]


def test_many_at_once_take_it_once(office: Office) -> None:
    taken: list[bool] = []

    def race(owner: str) -> None:
        with office.store.write("daemon") as tx:
            taken.append(timers.take(tx, "house", MINUTE, owner))

    threads = [Thread(target=race, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 7 + [True]


def test_a_duty_that_lasts_is_held_by_one_until_it_is_given_back_or_runs_out(office: Office) -> None:
    assert [hold(office, "a"), hold(office, "b"), hold(office, "a")] == [True, False, True]
    with office.tx("daemon") as tx:
        timers.give_back(tx, "telling", "b")
    assert not hold(office, "b")
    with office.tx("daemon") as tx:
        timers.give_back(tx, "telling", "a")
    assert [hold(office, "b"), hold(office, "a")] == [True, False]
    office.now += MINUTE
    assert [hold(office, "a"), hold(office, "b")] == [True, False]
