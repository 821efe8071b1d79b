"""One run from the seed to the verdict."""

from __future__ import annotations

import os
import resource
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from chaos import disk, processes
from chaos.acts import act
from chaos.clock import Offsets
from chaos.database import Database
from chaos.judge import SETTLED, Verdict, judge
from chaos.lag import measure
from chaos.ledger import Ledger
from chaos.plan import Act, plan
from chaos.town import Town, channel_names
from chaos.world import World
from govpost.errors import StoreUnavailable
from govpost.store import views
from govpost.store.rows import DELIVERY

STUCK = 2.0
"""Without a word to the platform for so long, in seconds, the clock is pushed past whatever the channels wait for."""

NO_PROGRESS = 120.0
"""Seconds after which nothing more is expected of daemons under which nothing more comes to an end."""

SOON = timedelta(seconds=15)
SKEWS = (0.0, 2700.0, -1200.0, 7.0)
"""By how many seconds the hosts' own clocks are wrong where the database's time decides."""


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
    lag: dict[str, float] = field(default_factory=dict)
    story: list[tuple[float, str, float]] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Say whether nothing was broken."""
        return self.verdict.good and not self.breaches


def run(wish: Wish, root: Path) -> Report:
    """Make the town, let the chaos loose, let a clean daemon finish, and judge; nothing is left running."""
    os.umask(0o077)
    with ExitStack() as stack:
        report = Run(wish, root, stack).go()
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    report.seconds["of a processor"] = sum(each.ru_utime + each.ru_stime for each in used)
    return report


class Run:
    """The parts of one run, and what it takes of time."""

    def __init__(self, wish: Wish, root: Path, stack: ExitStack) -> None:
        self.wish, self.root = wish, root
        self.seconds: dict[str, float] = {}
        self._since = time.monotonic()
        small = disk.mount(root / ".govpost", 64 + wish.deliveries // 50) if wish.store == "sqlite" else None
        if small is not None:
            stack.callback(small.unmount, root / "disk")
        self.ledger, offsets = Ledger(root / "ledger.jsonl"), Offsets(root / "clock.bin")
        self.platform = processes.Platform(self.ledger.path, wish.seed, channel_names(wish.channels))
        stack.callback(processes.stop, self.platform.process)
        database = Database(stack) if wish.store == "postgresql" else None
        self.town = Town(root, self.platform.ports, store=database.url() if database else "")
        stack.callback(self.town.space.store.close)
        self.daemons = processes.Daemons(root, wish.daemons)
        stack.callback(self.daemons.close)
        if database is not None:
            self.daemons.proxied = {wish.daemons - 1: database.proxy.port}
            for host in range(1, wish.daemons):
                offsets.set(host, SKEWS[host % len(SKEWS)])
        self.world = World(
            town=self.town,
            daemons=self.daemons,
            ledger=self.ledger,
            offsets=offsets,
            disk=small,
            database=database,
        )

        if wish.store == "postgresql":
            self.world.skipped["full disk"] = "it would be the server's, whose crash is tried with `restart`"
        elif small is None:
            self.world.skipped["tmpfs"] = "it may not be mounted here; RLIMIT_FSIZE stands for a full disk"

    def _took(self, name: str) -> None:
        self.seconds[name], self._since = time.monotonic() - self._since, time.monotonic()

    def go(self) -> Report:
        """Measure the lag, let the chaos loose, let daemons finish in peace, and judge."""
        wish, world, town = self.wish, self.world, self.town
        town.forbid(3)  # before there is a daemon that could be quicker than the forger
        self._took("prepared")
        lag = measure(world, self.platform)
        town.fill(-(-(wish.deliveries - len(town.approved)) // len(town.hostile)))
        self._took("lag")
        self.platform.mood("hostile")
        _loose(
            world, plan(wish.seed, wish.kills, wish.deliveries, wish.store), len(town.approved), wish.seconds
        )
        self._took("chaos")
        self.platform.mood("kind")
        _finish(world)
        self.daemons.stop()
        self._took("finished")
        self.ledger.read()
        verdict = judge(town.space.store, self.ledger, town.approved)
        self._took("judged")
        return Report(
            wish=wish,
            verdict=verdict,
            faults=self.ledger.faults,
            done=world.done,
            skipped=world.skipped,
            breaches=world.breaches,
            seconds=self.seconds,
            lag=lag,
            story=world.story,
        )


def _loose(world: World, acts: list[Act], work: int, longest: float) -> None:
    """Do each act when its share of the work has been begun."""
    end, moved, said = time.monotonic() + longest, time.monotonic(), 0
    left = list(acts)
    while left and time.monotonic() < end:
        world.daemons.keep()
        begun = world.ledger.read()
        if world.ledger.lines > said:
            said, moved = world.ledger.lines, time.monotonic()
        if begun / work >= left[0].at:
            next_one = left.pop(0)
            act(world, next_one.what, next_one.draw)
            moved = time.monotonic()
        elif time.monotonic() - moved > STUCK:
            if _waiting(world) == 0:
                break
            act(world, "nudge", 0.0)
            moved = time.monotonic()
        else:
            time.sleep(0.01)
    for other in left:
        world.skipped[other.what] = "the work was done before its turn came"


def _counts(world: World) -> Counter[str]:
    try:
        with world.town.space.store.read() as conn:
            return Counter(dict(views.counts(conn, DELIVERY)))
    except StoreUnavailable:
        return Counter({"queued": 1})


def _waiting(world: World) -> int:
    return _unsettled(_counts(world))


def _unsettled(counts: Counter[str]) -> int:
    return sum(count for state, count in counts.items() if state not in SETTLED)


def _asked_soon(world: World) -> int:
    """Count the open outcomes about which the platform will be asked again shortly."""
    store = world.town.space.store
    soon = (DELIVERY.c.state == "uncertain", DELIVERY.c.check_at <= store.clock() + SOON)
    try:
        with store.read() as conn:
            return int(conn.execute(select(func.count()).where(*soon)).scalar_one())
    except StoreUnavailable:
        return 1


def _finish(world: World) -> None:
    """Let daemons work undisturbed, past every pause, until nothing is left that would still change by itself."""
    before, since, pushes, left = Counter[str](), time.monotonic(), 0, 0
    end = since + NO_PROGRESS
    while time.monotonic() < end:
        world.daemons.keep()
        counts = _counts(world)
        if (waiting := _unsettled(counts)) < left:
            end = time.monotonic() + NO_PROGRESS
        left = waiting
        if counts != before:
            before, since = counts, time.monotonic()
        if time.monotonic() - since > STUCK and not _asked_soon(world):
            pushes += waiting == 0
            if pushes > 2:
                return
            act(world, "nudge", 1.0)
            since = time.monotonic()
        time.sleep(0.05)
