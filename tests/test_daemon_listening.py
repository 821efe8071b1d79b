"""Being woken by what other processes commit, and again after the connection was lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import office as offices
import postgres
from govpost.daemon.clock import Bell
from govpost.daemon.listening import Listener
from govpost.domain import Capabilities
from live import until
from office import Office, Scripted


@pytest.fixture
def shared(tmp_path: Path, postgresql: postgres.Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(offices, "STORE", postgresql.fresh())
    office = Office(tmp_path, {"hub": Scripted("hub", Capabilities())})
    yield office
    office.store.close()


class Rings:
    """Counts how often it was rung."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.fixture
def listener(shared: Office) -> Iterator[tuple[Listener, Rings]]:
    rings = Rings()
    listener = Listener(shared.store, rings)
    listener.start()
    until(lambda: listener.hears)
    until(lambda: rings.count)
    yield listener, rings
    listener.stop()
    until(lambda: not any(each.name == "listening" for each in threading.enumerate()))


def test_what_another_commits_rings_and_what_changes_nothing_does_not(
    shared: Office, listener: tuple[Listener, Rings]
) -> None:
    _, rings = listener
    before = rings.count
    with shared.store.write("daemon") as tx:
        tx.event("freeze", "everything")
    until(lambda: rings.count == before + 1)
    with shared.store.write("daemon"):
        pass
    with shared.store.write("daemon") as tx:
        tx.event("thaw", "everything")
    until(lambda: rings.count > before + 1)
    assert rings.count == before + 2


def test_a_lost_connection_is_opened_again_and_rings_for_what_was_missed(
    shared: Office, postgresql: postgres.Server, listener: tuple[Listener, Rings]
) -> None:
    heard, rings = listener
    before = rings.count
    postgresql.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN govpost'")
    until(lambda: not heard.hears)
    until(lambda: heard.hears and rings.count > before)


def test_one_that_is_alone_does_not_listen(tmp_path: Path) -> None:
    office = Office(tmp_path, {"hub": Scripted("hub", Capabilities())})
    listener = Listener(office.store, Bell().ring)
    listener.start()
    assert not any(each.name == "listening" for each in threading.enumerate())
    listener.stop()
