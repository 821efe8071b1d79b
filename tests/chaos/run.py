"""One run from the seed to the verdict."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from chaos import processes
from chaos.acts import World
from chaos.clock import Offsets
from chaos.judge import SETTLED, Verdict, judge
from chaos.ledger import Ledger
from chaos.plan import Act, plan
from chaos.town import Town, channel_names
from govpost.errors import StoreUnavailable
from govpost.store import views
from govpost.store.rows import DELIVERY

STUCK = 0.8
"""Without a new post for so long, in seconds, the clock is pushed past whatever the channels wait for."""


@dataclass(kw_only=True)
class Wish:
    """What a run should be like."""

    seed: int
    deliveries: int = 2000
    kills: int = 60
    store: str = "sqlite"
    daemons: int = 1
    channels: int = 2
    seconds: float = 600.0


@dataclass(kw_only=True)
class Report:
    """What a run did and what came of it."""

    wish: Wish
    verdict: Verdict
    faults: Counter[str]
    done: Counter[str]
    skipped: dict[str, str] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    story: list[tuple[float, str, float]] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Say whether nothing was broken."""
        return self.verdict.good and not self.breaches


def run(wish: Wish, root: Path | None = None) -> Report:
    """Make the town, let the chaos loose, let a clean daemon finish, and judge."""
    if root is None:
        with tempfile.TemporaryDirectory(prefix="govpost-chaos-") as folder:
            return run(wish, Path(folder))
    os.umask(0o077)
    started, seconds = time.monotonic(), {}
    offsets, ledger = Offsets(root / "clock.bin"), Ledger(root / "ledger.jsonl")
    platform = processes.Platform(ledger.path, wish.seed, channel_names(wish.channels))
    town = Town(root, platform.ports)
    town.fill(-(-wish.deliveries // len(town.hostile)))
    town.forbid(3)
    daemons = processes.Daemons(root, wish.daemons)
    world = World(town=town, daemons=daemons, ledger=ledger, offsets=offsets)
    seconds["prepared"] = time.monotonic() - started
    try:
        platform.mood("hostile")
        daemons.start()
        _loose(world, plan(wish.seed, wish.kills, wish.deliveries), len(town.approved), wish.seconds)
        seconds["chaos"] = time.monotonic() - started - seconds["prepared"]
        platform.mood("kind")
        _finish(world)
        daemons.stop()
        seconds["finished"] = time.monotonic() - started - sum(seconds.values())
        ledger.read()
        verdict = judge(town.space.store, ledger, town.approved)
        seconds["all"] = time.monotonic() - started
    finally:
        daemons.stop()
        processes.stop(daemons.nursery)
        processes.stop(platform.process)
        town.space.store.close()
    return Report(
        wish=wish,
        verdict=verdict,
        faults=ledger.faults,
        done=world.done,
        skipped=world.skipped,
        breaches=world.breaches,
        seconds=seconds,
        story=world.story,
    )


def _loose(world: World, acts: list[Act], work: int, longest: float) -> None:
    """Do each act when its share of the work has been begun."""
    end, moved, begun = time.monotonic() + longest, time.monotonic(), 0
    left = list(acts)
    while left and time.monotonic() < end:
        world.daemons.keep()
        now = world.ledger.read()
        if now > begun:
            begun, moved = now, time.monotonic()
        if begun / work >= left[0].at:
            act = left.pop(0)
            world.act(act.what, act.draw)
            moved = time.monotonic()
        elif time.monotonic() - moved > STUCK:
            if _waiting(world) == 0:
                break
            world.act("nudge", 0.0)
            moved = time.monotonic()
        else:
            time.sleep(0.01)
    for act in left:
        world.skipped[act.what] = "the run ended before its time"


def _counts(world: World) -> Counter[str]:
    try:
        with world.town.space.store.read() as conn:
            return Counter(dict(views.counts(conn, DELIVERY)))
    except StoreUnavailable:
        return Counter({"queued": 1})


def _waiting(world: World) -> int:
    return sum(count for state, count in _counts(world).items() if state not in SETTLED)


def _finish(world: World) -> None:
    """Let daemons work undisturbed, past every pause, until nothing is left that would still change by itself."""
    end, before, since = time.monotonic() + 60, Counter(), time.monotonic()
    while time.monotonic() < end:
        world.daemons.keep()
        counts = _counts(world)
        if counts != before:
            before, since = counts, time.monotonic()
        if time.monotonic() - since > 1.5:
            if not any(count for state, count in counts.items() if state not in SETTLED) and since > 0:
                if world.done["last push"] >= 3:
                    return
                world.done["last push"] += 1
            world.act("nudge", 1.0)
            since = time.monotonic()
        time.sleep(0.05)
