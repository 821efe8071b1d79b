"""Telling others: every event to the plugins, those that need a person to the command."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import pytest

from govpost.daemon import notices
from govpost.daemon.notices import Teller
from govpost.domain import Capabilities, Event
from govpost.errors import Refused, StoreUnavailable
from govpost.registry import Registry
from govpost.store import moving
from govpost.store.engine import Store
from live import until
from office import Office, Scripted


class Hearing(Registry):
    """A registry that only listens."""

    def __post_init__(self) -> None:
        self.heard: list[Event] = []

    def broadcast(self, event: Event, failed: object) -> None:
        self.heard.append(event)

    def verbs(self) -> list[str]:
        return [event.verb for event in self.heard]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, {"hub": Scripted("hub", Capabilities())})


def say(office: Office, *verbs: str) -> None:
    with office.tx("daemon") as tx:
        for verb in verbs:
            tx.event(verb, "x", why="héllo")


def test_each_event_is_told_once_even_to_the_next_daemon(office: Office) -> None:
    registry = Hearing()
    say(office, "a", "b")
    assert Teller(office.store, registry, ()).tell() == 2
    assert Teller(office.store, registry, ()).tell() == 0
    say(office, "c")
    assert Teller(office.store, registry, ()).tell() == 1
    assert registry.verbs() == ["a", "b", "c"]


def test_while_the_store_takes_no_cursor_nobody_is_told_twice(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Hearing()
    teller = Teller(office.store, registry, ())
    say(office, "a")
    whole = office.store.write

    def full(_actor: str) -> None:
        raise StoreUnavailable("full")

    monkeypatch.setattr(office.store, "write", full)
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            teller.tell()
    monkeypatch.setattr(office.store, "write", whole)
    teller.tell()
    assert registry.verbs() == ["a"]
    assert Teller(office.store, registry, ()).tell() == 0


def test_the_command_gets_what_needs_a_person_as_json(office: Office, tmp_path: Path) -> None:
    keep = f"import sys; open({str(tmp_path / 'told')!r}, 'a').write(sys.stdin.read() + '\\n')"
    say(office, "delivery.live", "delivery.uncertain", "channel.pause")
    Teller(office.store, Hearing(), (sys.executable, "-c", keep)).tell()
    told = [json.loads(line) for line in (tmp_path / "told").read_text().splitlines()]
    assert [event["verb"] for event in told] == ["delivery.uncertain", "channel.pause"]
    assert told[0]["why"] == "héllo"
    assert told[0]["at"].endswith("Z")


@pytest.mark.parametrize("command", [("/no/such/command",), (sys.executable, "-c", "raise SystemExit(3)")])
def test_a_command_that_fails_is_logged_and_the_rest_is_told(
    office: Office, caplog: pytest.LogCaptureFixture, command: tuple[str, ...]
) -> None:
    registry = Hearing()
    say(office, "delivery.failed", "delivery.live")
    Teller(office.store, registry, command).tell()
    assert "[notify] command failed for event 1" in caplog.text
    assert registry.verbs() == ["delivery.failed", "delivery.live"]


def test_a_listener_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    notices._listener_failed("loud", SystemExit("no"))
    assert "plugin loud failed to hear an event: SystemExit: no" in caplog.text


def test_it_tells_on_a_thread_of_its_own_and_what_is_left_at_the_stop(office: Office) -> None:
    registry = Hearing()
    teller = Teller(office.store, registry, ())
    teller.start()
    say(office, "a", *["many"] * 250)
    teller.ring()
    until(lambda: len(registry.heard) == 251)
    say(office, "last")
    assert teller.stop()
    assert registry.verbs()[-1] == "last"


def test_trouble_with_the_store_or_a_fault_does_not_end_the_telling(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Hearing()
    teller = Teller(office.store, registry, ())
    tell, errors = teller.tell, [StoreUnavailable("full"), KeyError("ours")]

    def trouble() -> int:
        if errors:
            raise errors.pop(0)
        return tell()

    monkeypatch.setattr(teller, "tell", trouble)
    teller.start()
    say(office, "a")
    for left in (1, 0):
        teller.ring()
        until(lambda left=left: len(errors) == left)
    teller.ring()
    until(lambda: registry.heard)
    assert "fault of govpost's own while telling" in caplog.text
    assert teller.stop()


def test_a_store_that_was_moved_away_is_no_fault_of_govposts_own(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Hearing()
    say(office, "a")
    target = Store("sqlite:///elsewhere.db", office.root, lambda: office.now)
    moving.move(office.store, target, "ben", office.root)
    target.close()
    teller = Teller(office.store, registry, ())
    with pytest.raises(Refused, match="was moved to"):
        teller.tell()
    teller.start()
    teller.ring()
    assert teller.stop()
    assert "fault" not in caplog.text


def test_a_listener_that_never_returns_does_not_hold_up_the_stop(office: Office) -> None:
    go_on = threading.Event()

    class Stuck(Hearing):
        def broadcast(self, event: Event, failed: object) -> None:
            super().broadcast(event, failed)
            go_on.wait(20)

    registry = Stuck()
    teller = Teller(office.store, registry, ())
    teller.start()
    say(office, "a", "b")
    teller.ring()
    until(lambda: registry.heard)
    began = time.monotonic()
    assert not teller.stop(0.2)
    assert time.monotonic() - began < 2
    go_on.set()
    until(lambda: not teller._thread.is_alive())
    assert registry.verbs() == ["a"]
