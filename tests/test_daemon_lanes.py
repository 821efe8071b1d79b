"""Threads of our own: a slow channel waits alone, a lost thread is not replaced."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from govpost.daemon import stranding
from govpost.daemon.lanes import Lanes
from govpost.errors import StoreUnavailable
from govpost.store.engine import Store
from live import until


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


def test_after_the_whole_process_stood_still_no_thread_is_given_up_before_it_could_run(tmp_path: Path) -> None:
    go_on = threading.Event()
    lanes = Lanes(lambda _channel: go_on.wait(20) and False, lambda _why: None, lambda: 0.0)
    lanes.open("hub", 1)
    lanes.wake("hub")
    until(lanes.busy)
    store = Store("sqlite:///govpost.db", tmp_path)
    stranding.give_up_lost(store, lanes, (), timedelta(seconds=150), 200.0)
    assert lanes.lost() == 0
    stranding.give_up_lost(store, lanes, (), timedelta(seconds=150), 202.0)
    assert lanes.lost() == 1
    go_on.set()
    lanes.stop()
    store.close()
