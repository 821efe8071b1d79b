"""A duty that one of several daemons holds: the others find it taken; a daemon that is alone always has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from govpost.daemon.leases import Lease
from govpost.daemon.notices import Teller
from govpost.domain import Capabilities, Event
from govpost.registry import Registry
from govpost.store import chain, meta
from office import Office, Scripted


@pytest.fixture
def office(tmp_path: Path, store_url: str) -> Iterator[Office]:
    office = Office(tmp_path, {"hub": Scripted("hub", Capabilities())})
    yield office
    office.store.close()


@pytest.fixture
def shared(office: Office) -> Office:
    """Return an office where several daemons may be at work, whatever its engine."""
    office.store.backend.several = True
    return office


def lease(office: Office, owner: str) -> Lease:
    return Lease(office.store, "telling", owner, timedelta(seconds=60), lambda: office.seconds)


def test_one_that_is_alone_always_has_it_and_writes_nothing(tmp_path: Path) -> None:
    office = Office(tmp_path, {"hub": Scripted("hub", Capabilities())})
    one, other = lease(office, "a"), lease(office, "b")
    assert (one.hold(), other.hold()) == (True, True)
    one.keep()
    one.let_go()
    with office.store.read() as conn:
        assert chain.head(conn).event_id == 0


def test_of_several_one_has_it_until_it_lets_go(shared: Office) -> None:
    one, other = lease(shared, "a"), lease(shared, "b")
    assert (one.hold(), other.hold(), one.hold()) == (True, False, True)
    other.let_go()
    assert not other.hold()
    one.let_go()
    assert (other.hold(), one.hold()) == (True, False)


def test_it_runs_out_unless_it_is_kept(shared: Office) -> None:
    one, other = lease(shared, "a"), lease(shared, "b")
    one.hold()
    for _ in range(4):
        shared.wait(timedelta(seconds=40))
        one.keep()
        assert not other.hold()
    shared.wait(timedelta(seconds=61))
    assert not one.is_held()
    assert other.hold()
    assert not one.hold()


def test_one_that_was_stopped_for_long_has_lost_it_even_if_nobody_has_it_now(shared: Office) -> None:
    one, other = lease(shared, "a"), lease(shared, "b")
    one.hold()
    shared.wait(timedelta(seconds=61))
    other.hold()
    other.let_go()
    one.keep()
    assert not one.is_held()
    assert one.hold()


class Hearing(Registry):
    """A registry that only listens; `meanwhile` is what happens while it hears."""

    def __post_init__(self) -> None:
        self.heard: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def broadcast(self, event: Event, failed: object) -> None:
        self.heard.append(event.verb)
        self.meanwhile()


def say(office: Office, *verbs: str) -> None:
    with office.tx("daemon") as tx:
        for verb in verbs:
            tx.event(verb, "x")


def test_while_one_tells_the_others_do_not(shared: Office) -> None:
    here, there = Hearing(), Hearing()
    one, other = (Teller(shared.store, each, (), owner) for each, owner in ((here, "a"), (there, "b")))
    here.meanwhile = other.tell
    say(shared, "a", "b", "c")
    one.tell()
    say(shared, "d")
    assert other.tell() == 1
    assert (here.heard, there.heard) == (["a", "b", "c"], ["d"])


def test_one_that_was_stopped_in_the_middle_tells_no_more_of_what_another_took_over(shared: Office) -> None:
    here, there = Hearing(), Hearing()
    one, other = (Teller(shared.store, each, (), owner) for each, owner in ((here, "a"), (there, "b")))
    for teller in (one, other):
        teller.lease = Lease(
            shared.store, "telling", teller.lease._owner, timedelta(seconds=60), lambda: shared.seconds
        )

    def stopped() -> None:
        here.meanwhile = lambda: None
        shared.wait(timedelta(seconds=61))
        other.tell()

    here.meanwhile = stopped
    say(shared, "a", "b", "c")
    one.tell()
    # What was being told when it was stopped is told once more; nothing else is, and nothing is left out.
    assert (here.heard, there.heard) == (["a"], ["a", "b", "c"])
    with shared.store.read() as conn:
        assert meta.get(conn, "told") == 3
    assert one.tell() == 0
