"""Gathering in the daemon: on threads of its own, delaying nothing, waited for by nobody."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import cli_city
from govpost.cli import attention_gathered
from govpost.collector import gathering, keeping
from govpost.daemon.gathering import Gatherer
from govpost.domain import Capabilities, Metrics, Receipt
from govpost.errors import StoreUnavailable
from govpost.store import gathered
from govpost.store.gathered_rows import SampleRecord
from govpost.times import utcnow
from live import Live, living, until
from office import Office, Scripted, Sociable

PLAIN = Capabilities(title=True, link=True)
LATER = timedelta(minutes=16)


@pytest.fixture
def hub() -> Sociable:
    hub = Sociable("hub", PLAIN)
    hub.counts = {"hub-1": Metrics(views=7)}
    return hub


def open_office(root: Path, *platforms: Scripted, more: str = "") -> Office:
    office = Office(root, {each.name: each for each in platforms}, more=more, now=utcnow() - LATER)
    office.start()
    return office


@pytest.fixture
def office(tmp_path: Path, hub: Sociable) -> Office:
    """Return an office whose one post has been public for a quarter of an hour."""
    office = open_office(tmp_path, hub)
    office.release("road")
    office.work()
    return office


def samples(office: Office, slug: str) -> list[SampleRecord]:
    row = office.one(slug, "hub")
    with office.store.read() as conn:
        return gathered.samples(conn, [row.id]).get(row.id, [])


class Hanging:
    """A step of a platform that does not come back until it may."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, asked: Any) -> Any:
        self.begun.set()
        self.go_on.wait(60)
        return {}


@pytest.mark.parametrize("mode", ["once", "until-idle"])
def test_a_finite_run_gathers_what_is_due_and_waits_for_nothing_later(
    office: Office, hub: Sociable, mode: Any
) -> None:
    Live(office, mode).start().join()
    assert [sample.views for sample in samples(office, "road")] == [7]
    assert hub.since == [None]


def test_a_running_daemon_measures_and_listens(office: Office, hub: Sociable) -> None:
    with living(office):
        until(lambda: samples(office, "road") and hub.since)


def test_a_hanging_measure_delays_no_delivery_and_no_stop(office: Office, hub: Sociable) -> None:
    hang = Hanging()
    hub.answers = [hang]
    with living(office) as live:
        assert hang.begun.wait(20)
        office.now = live.now()
        office.release("water")
        office.release("storm")
        until(lambda: office.state("water") == office.state("storm") == "published")
        assert not hang.go_on.is_set()
    assert live.row().state == "stopped"
    assert not hang.go_on.is_set()
    hang.go_on.set()


def test_a_hanging_channel_stops_gathering_on_no_other(tmp_path: Path, hub: Sociable) -> None:
    slow = Sociable("slow", PLAIN)
    office = open_office(tmp_path, hub, slow)
    office.release("road")
    office.work()
    hang = Hanging()
    slow.answers = [hang]
    slow.hearings = [hang]
    with living(office):
        assert hang.begun.wait(20)
        until(lambda: samples(office, "road") and hub.since)
    hang.go_on.set()


def test_a_plugin_that_never_comes_back_is_given_up_and_named_once(office: Office, hub: Sociable) -> None:
    hang = Hanging()
    hub.answers = [hang]
    hub.hearings = [hang]
    with living(office) as live:
        assert hang.begun.wait(20)
        live.both += timedelta(minutes=5)
        until(lambda: office.events("channel.gathering-fails"))
        (event,) = office.events("channel.gathering-fails")
        assert "did not return" in event.why
        with office.store.read() as conn:
            assert "did not return" in gathered.gathering(conn, "hub").why
    hang.go_on.set()


def test_a_finite_run_ends_though_gathering_breaks_by_a_fault_of_our_own(
    office: Office, hub: Sociable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Sequence[Receipt]:
        raise ZeroDivisionError

    monkeypatch.setattr("govpost.collector.gathering._receipt", broken)
    Live(office, "until-idle").start().join()
    assert samples(office, "road") == []
    assert "a fault of govpost's own on channel hub" in caplog.text


def test_a_fault_of_our_own_that_lasts_is_tried_ever_more_rarely_and_shown(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    faults: list[Exception] = []
    mended = threading.Event()
    receipt_of = gathering._receipt

    def broken(row: Any) -> Receipt:
        if mended.is_set():
            return receipt_of(row)
        faults.append(ZeroDivisionError("ours"))
        raise faults[-1]

    monkeypatch.setattr("govpost.collector.gathering._receipt", broken)
    with living(office) as live:
        until(lambda: office.events("channel.gathering-fails"))
        for seconds, tries in ((59, 1), (2, 2), (60, 2), (181, 3)):
            live.both += timedelta(seconds=seconds)
            live.daemon.gatherer.wake(again=True)
            until(lambda: len(faults) == tries and not live.daemon.gatherer._lanes.busy())  # noqa: B023
        assert caplog.text.count("Traceback") == 3
        with office.store.read() as conn:
            ((channel, why),) = attention_gathered.failing(conn)
        assert (channel, "ZeroDivisionError" in why) == ("hub", True)
        mended.set()
        live.both += timedelta(hours=1)
        until(lambda: samples(office, "road"))
    with office.store.read() as conn:
        assert list(attention_gathered.failing(conn)) == []
    assert len(office.events("channel.gathering-fails")) == 1


def test_only_channels_that_can_be_asked_get_a_thread(tmp_path: Path) -> None:
    office = open_office(tmp_path, Scripted("mute", PLAIN))
    gatherer = Gatherer(office.publisher)
    gatherer.open(office.fitted)
    gatherer.wake(again=True)
    with office.store.read() as conn:
        assert gatherer.is_idle(conn)
    assert not [each for each in threading.enumerate() if each.name.startswith("mute-")]


PLUGIN = """
import time
from pathlib import Path
from govpost import Capabilities, Receipt, hookimpl

class Board:
    name = "board"
    capabilities = Capabilities(title=True, link=True)
    def publish(self, variant, channel, http):
        return Receipt(remote_id=variant.key, url="https://board.example/1")
    def measure(self, receipts, channel, http):
        Path(channel.settings["sign"]).write_text("asked")
        time.sleep(600)

@hookimpl
def govpost_platforms():
    return [Board()]
"""


def test_a_daemon_whose_measuring_hangs_delivers_and_stops_in_a_process_of_its_own(tmp_path: Path) -> None:
    riverton = cli_city.city(tmp_path, start=False)
    sign = tmp_path / "sign"
    (tmp_path / "plugins").mkdir(mode=0o755)
    (tmp_path / "plugins" / "board.py").write_text(PLUGIN)
    hub = 'platform = "webhook"\nsettings = { url = "https://hub.example.gov/notices" }'
    riverton.change(hub, f'platform = "board"\nsettings = {{ sign = "{sign}" }}')
    riverton.change("[daemon]", '[collector]\nmeasure_at = ["1s", "30d"]\n\n[daemon]')
    riverton.ok("pilot", "start", "hub")
    riverton.schedule("alpha", channels="hub")
    running = cli_city.process("-C", str(tmp_path), "daemon")
    until(sign.exists, 60)
    riverton.schedule("beta", channels="hub")
    until(lambda: riverton.ask("post", "show", "beta")["state"] == "published", 60)
    running.terminate()
    assert cli_city.finish(running).code == 0
    assert riverton.ask("status")["daemon"]["state"] == "stopped"


def test_a_store_that_cannot_be_used_is_no_fault_and_gathering_comes_back(
    office: Office, hub: Sociable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failing = [StoreUnavailable("the store cannot be used: disk I/O error")]
    kept = keeping.counts

    def counts(*told: Any) -> Any:
        if failing:
            raise failing.pop()
        return kept(*told)

    monkeypatch.setattr(keeping, "counts", counts)
    Live(office, "until-idle").start().join()
    assert [sample.views for sample in samples(office, "road")] == [7]
    assert "fault of govpost's own" not in caplog.text


def test_of_several_daemons_one_gathers_a_channel_at_a_time_and_another_goes_on_after_it(
    office: Office, hub: Sociable
) -> None:
    office.store.backend.several = True
    hang = Hanging()
    hub.answers = [hang]
    office.now = utcnow()
    one = Gatherer(office.publisher)
    other = Gatherer(dataclasses.replace(office.publisher, owner="another"))
    for each in (one, other):
        each.open(office.fitted)
    one.wake(again=True)
    assert hang.begun.wait(20)
    asked = len(hub.answers)
    assert not other._gather("hub")
    hang.go_on.set()
    until(lambda: not one._lanes.busy())
    assert asked == 0
    while one._gather("hub"):
        pass
    office.wait(timedelta(days=1))
    assert other._gather("hub")
    one.stop()
    other.stop()
    office.store.close()


def test_the_longest_piece_ends_before_another_daemon_may_gather_there(office: Office, hub: Sociable) -> None:
    office.store.backend.several = True
    office.now = utcnow()
    one = Gatherer(office.publisher)
    other = Gatherer(dataclasses.replace(office.publisher, owner="another"))
    for each in (one, other):
        each.open(office.fitted)
    longest = one._patience()
    assert one._gather("hub"), "this takes the channel, and the next piece may begin without taking it again"
    office.wait(1.49 * longest)
    assert not other._gather("hub")
    office.wait(longest)
    assert other._gather("hub")
    one.stop()
    other.stop()
    office.store.close()


def test_a_daemon_that_stands_back_gathers_nothing(office: Office, hub: Sociable) -> None:
    back = True
    gatherer = Gatherer(office.publisher, lambda: back)
    gatherer.open(office.fitted)
    office.now = utcnow()
    assert not gatherer._gather("hub")
    back = False
    assert gatherer._gather("hub")
    gatherer.stop()
