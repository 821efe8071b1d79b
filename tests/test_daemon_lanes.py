"""Threads of our own: a slow channel waits alone, a lost thread is not replaced."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from govpost.daemon import stranding
from govpost.daemon.lanes import Lanes
from govpost.domain import Capabilities
from govpost.errors import StoreUnavailable
from govpost.store import channels, deliveries
from govpost.store.engine import Store
from live import until
from office import Office, Scripted


def test_a_channel_works_on_as_long_as_there_is_work() -> None:
    left = [3]

    def work(_channel: str) -> bool:
        left[0] -= 1
        return left[0] > 0

    lanes = Lanes(work, lambda _why: None)
    lanes.open("hub", 1)
    lanes.wake("hub")
    lanes.wake("nobody")
    until(lambda: left == [0])
    lanes.stop()


def test_a_slow_channel_waits_alone_and_each_thread_does_one_piece_at_a_time() -> None:
    go_on, seen = threading.Event(), []

    def work(channel: str) -> bool:
        seen.append(channel)
        if channel == "slow":
            go_on.wait(20)
        return False

    lanes = Lanes(work, lambda _why: None)
    lanes.open("slow", 2)
    lanes.open("quick", 1)
    lanes.open("quick", 1)
    for _ in range(3):
        for name in ("slow", "quick"):
            lanes.wake(name)
        time.sleep(0.05)
    until(lambda: seen.count("quick") == 3)
    assert seen.count("slow") == 2
    assert [busy.channel for busy in lanes.busy()] == ["slow", "slow"]
    go_on.set()
    until(lambda: not lanes.busy())
    lanes.stop()


def test_a_lost_thread_is_counted_and_not_replaced() -> None:
    go_on, calls = threading.Event(), []

    def work(_channel: str) -> bool:
        lanes.holds("d1")
        calls.append(1)
        go_on.wait(20)
        return False

    lanes = Lanes(work, lambda _why: None, lambda: 5.0)
    lanes.holds("nothing")
    lanes.open("hub", 1)
    lanes.wake("hub")
    until(lambda: calls)
    (busy,) = lanes.busy()
    assert (busy.delivery, busy.since) == ("d1", 5.0)
    busy.lost = True
    assert (lanes.lost(), lanes.busy()) == (1, [])
    lanes.wake("hub")
    time.sleep(0.1)
    assert calls == [1]
    go_on.set()
    until(lambda: lanes.lost() == 0)
    lanes.stop()


@pytest.mark.parametrize("error", [StoreUnavailable("full"), KeyError("ours")])
def test_a_fault_ends_the_piece_and_not_the_thread(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    calls: list[int] = []

    def work(_channel: str) -> bool:
        calls.append(1)
        raise error

    lanes = Lanes(work, told.append)
    lanes.open("hub", 1)
    for times in (1, 2):
        lanes.wake("hub")
        until(lambda times=times: len(calls) == times)
        until(lambda: not lanes.busy())
    lanes.stop()
    assert told == (["full", "full"] if isinstance(error, StoreUnavailable) else [])
    assert ("fault of govpost's own" in caplog.text) == (not told)


def test_after_the_whole_process_stood_still_no_thread_is_given_up_before_it_could_run(
    tmp_path: Path,
) -> None:
    go_on = threading.Event()
    lanes = Lanes(lambda _channel: go_on.wait(20) and False, lambda _why: None, lambda: 0.0)
    lanes.open("hub", 1)
    lanes.wake("hub")
    until(lanes.busy)
    store = Store("sqlite:///govpost.db", tmp_path)
    stranding.give_up_lost(store, lanes, "me", (), timedelta(seconds=150), 200.0)
    assert lanes.lost() == 0
    stranding.give_up_lost(store, lanes, "me", (), timedelta(seconds=150), 202.0)
    assert lanes.lost() == 1
    go_on.set()
    lanes.stop()
    store.close()


@pytest.mark.parametrize("owner", ["me", "another"])
def test_a_thread_whose_claim_still_holds_is_not_given_up_though_an_attempt_may_last_less_by_now(
    tmp_path: Path, owner: str
) -> None:
    office = Office(tmp_path, {"hub": Scripted("hub", Capabilities(link=True))})
    office.start()
    office.release("road")
    with office.tx("daemon") as tx:
        lease = timedelta(seconds=630)
        row = deliveries.claim(tx, "hub", owner=owner, lease=lease, gap=timedelta(), main_channel="hub")
        assert row is not None
    go_on = threading.Event()

    def work(_channel: str) -> bool:
        lanes.holds(row.id)
        go_on.wait(20)
        return False

    lanes = Lanes(work, lambda _why: None, lambda: 0.0)
    lanes.open("hub", 1)
    lanes.wake("hub")
    until(lambda: any(busy.delivery for busy in lanes.busy()))

    def look(seconds: float) -> tuple[int, str, bool]:
        for now in (seconds, seconds + 2):
            stranding.give_up_lost(office.store, lanes, "me", (), timedelta(seconds=90), now)
        with office.store.read() as conn:
            paused = channels.is_paused(channels.get(conn, "hub"), office.now)
        return lanes.lost(), office.one("road").state, paused

    mine = owner == "me"
    assert look(200.0) == ((0, "publishing", False) if mine else (1, "publishing", True))
    office.wait(631)
    assert look(831.0) == ((1, "queued", True) if mine else (1, "publishing", True))
    go_on.set()
    lanes.stop()
    office.store.close()
