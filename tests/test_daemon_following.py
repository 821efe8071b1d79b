"""The other channels of a post wait for its main one, and no longer than that."""

from __future__ import annotations

from pathlib import Path

import pytest

from govpost.daemon import clock, loop
from govpost.daemon.following import AT_MOST_EVERY, Following
from govpost.domain import Capabilities
from govpost.errors import StoreUnavailable
from govpost.times import utcnow
from live import living, until
from office import Office, Scripted


class Bench:
    """A lane's work that has so much to do, and the rings that came of it."""

    def __init__(self) -> None:
        self.left, self.now, self.rings = 0, 100.0, 0
        self.following = Following(self.work, lambda: "website", self.ring, lambda: self.now)

    def work(self, _channel: str) -> bool:
        self.left -= 1
        return self.left >= 0

    def ring(self) -> None:
        self.rings += 1

    def run(self, channel: str, pieces: int, *, each: float = 0.0) -> int:
        """Let a lane work until it has nothing to do; return how often it rang."""
        self.left, self.rings = pieces, 0
        while self.following(channel):
            self.now += each
        return self.rings


def test_one_piece_of_the_main_channel_rings_at_once() -> None:
    bench = Bench()
    bench.left = 1
    assert bench.following("website")
    assert bench.rings == 1
    assert not bench.following("website")
    assert bench.rings == 1


def test_what_another_channel_does_rings_nothing() -> None:
    assert Bench().run("hub", 5, each=1.0) == 0


def test_a_wave_rings_now_and_then_and_at_its_end() -> None:
    bench = Bench()
    assert bench.run("website", 100, each=AT_MOST_EVERY / 10) == 11
    assert bench.run("website", 2) == 1


def test_a_lane_without_work_rings_nothing() -> None:
    assert Bench().run("website", 0) == 0


def test_a_piece_that_breaks_does_not_swallow_the_news_before_it() -> None:
    bench = Bench()
    bench.left = 3
    assert bench.following("website") and bench.following("website")
    assert bench.rings == 1

    def broken(_channel: str) -> bool:
        raise StoreUnavailable("it is away")

    bench.following._work = broken
    with pytest.raises(StoreUnavailable):
        bench.following("website")
    assert bench.rings == 2


def test_the_other_channels_go_as_soon_as_the_main_one_is_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else would wake the daemon for an hour."""
    monkeypatch.setattr(loop, "LONGEST_SLEEP", 3600.0)
    monkeypatch.setattr(clock, "INTERVALS", dict.fromkeys(clock.INTERVALS, 3600))
    platforms = {name: Scripted(name, Capabilities(title=True, link=True)) for name in ("hub", "side")}
    office = Office(tmp_path, platforms, now=utcnow())
    office.start("hub")
    office.start("side")
    office.release("road")
    with living(office):
        until(lambda: office.states("road") == ["live", "live"])
    assert [len(each.calls) for each in platforms.values()] == [1, 1]
