"""Waiting for what is in flight: as long as it takes after a drain, a short while after a signal, then no more."""

from __future__ import annotations

import threading
from collections.abc import Callable

from govpost.config_model import DaemonConfig
from govpost.daemon import ending
from govpost.daemon.ending import Patience
from govpost.daemon.lanes import Busy, Lanes


class Time:
    """A monotonic clock that goes on by a second each time somebody looks."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


class Working(Lanes):
    """Threads that are at work until an instant."""

    def __init__(self, clock: Time, until: float) -> None:
        super().__init__(lambda _: False, lambda _: None)
        self.clock, self.until = clock, until

    def busy(self) -> list[Busy]:
        return [Busy(channel="hub", since=0)] if self.clock.now < self.until else []


def wait(
    until: float, patience: Patience, ordered: Callable[[], bool] = lambda: False, *, at_once: bool = False
) -> tuple[float, float, int]:
    """Wait; return when it ended, when it would have at the latest, and how often the heart beat."""
    clock, cut, beats = Time(), threading.Event(), 0

    def beat() -> None:
        nonlocal beats
        beats += 1

    if at_once:
        cut.set()
    end = ending.wait_for(
        Working(clock, until), patience, ordered=ordered, at_once=cut, beat=beat, monotonic=clock
    )
    return clock.now - 100, end - 100, beats


def patience(asked: float = 100, ordered: float = 10) -> Patience:
    return Patience(asked=asked, ordered=ordered, beat=20)


def test_it_ends_when_nothing_is_in_flight() -> None:
    ended, _, beats = wait(0, patience())
    assert (ended < 5, beats) == (True, 0)


def test_it_waits_as_long_as_it_may_and_the_heart_beats_meanwhile() -> None:
    ended, end, beats = wait(1000, patience())
    assert 100 <= end <= ended < 110
    assert beats >= 3


def test_a_signal_leaves_less_time_and_so_does_one_that_comes_later() -> None:
    assert wait(1000, patience(), lambda: True)[0] < 20
    looks = iter(range(1000))
    ended, _, _ = wait(1000, patience(), lambda: next(looks) > 5)
    assert 15 < ended < 60


def test_a_second_order_ends_it_at_once() -> None:
    assert wait(1000, patience(), at_once=True)[0] < 5


def test_a_drained_daemon_lets_an_attempt_come_to_its_end_and_a_stopped_one_has_its_time() -> None:
    config = DaemonConfig()
    assert Patience.of(config, drained=True).asked == 150
    assert Patience.of(config, drained=False).asked == Patience.of(config, drained=True).ordered == 30


def guard(patience: float, left: list[int]) -> tuple[ending.Guard, threading.Event]:
    abandon = threading.Event()
    guard = ending.Guard(lambda: patience, abandon, left.append)
    guard.start()
    return guard, abandon


def test_an_end_that_lasts_too_long_after_a_signal_is_made_without_the_store() -> None:
    left: list[int] = []
    guarding, abandon = guard(0.2, left)
    guarding.ordered()
    guarding.ordered()
    guarding._thread.join(20)
    assert (left, abandon.is_set()) == ([1], True)


def test_a_daemon_that_ends_by_itself_is_left_alone() -> None:
    left: list[int] = []
    for signals in (0, 1, 2):
        guarding, abandon = guard(60, left)
        for _ in range(signals):
            guarding.ordered()
        guarding.ended()
        guarding._thread.join(20)
        assert not guarding._thread.is_alive()
        assert not abandon.is_set()
    assert left == []
