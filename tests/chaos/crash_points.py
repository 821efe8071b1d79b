"""Dying at a named place: every line of govpost that runs between a claim and its receipt, one after the other.

A child process delivers one post on a real store over real sockets, under a trace function that kills it with SIGKILL
before the line it was told. What is left is what a power switch would leave: then a fresh daemon takes over.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import signal
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, Protocol

import govpost
import postgres
from chaos import processes
from chaos.ledger import Ledger
from chaos.processes import Platform
from chaos.town import FIRST, Town
from govpost import settling
from govpost.daemon import housekeeping
from govpost.publisher import Publisher, Setup
from govpost.store import chain, deliveries, posts, rescue
from govpost.store.engine import Store
from govpost.store.rows import DeliveryRecord
from govpost.times import utcnow

SOURCE = str(Path(govpost.__file__).parent)
LENGTH = len(SOURCE) + 1


CORE = (
    "publisher.py",
    "attempts.py",
    "store/deliveries.py",
    "store/engine.py",
    "store/sqlite.py",
    "store/postgres.py",
    "store/chain.py",
    "wire_attempt.py",
    "wire_guard.py",
)
"""Where a post is claimed, gated, sent and settled; the rest reads, hashes and renders."""


class Point(NamedTuple):
    """A line between claim and receipt, and for the how-many-eth time it runs."""

    file: str
    line: int
    function: str
    run: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.function}#{self.run}"


class Snapshot(Protocol):
    """How a store is as it was when the ground was made."""

    def open(self, url: str, root: Path, clock: Callable[[], datetime]) -> Store:
        """Open the store that is put back again and again."""

    def put_back(self) -> None:
        """Make it as it was; nobody is connected."""


class Copied:
    """SQLite: a copy of the file."""

    def open(self, url: str, root: Path, clock: Callable[[], datetime]) -> Store:
        """Open a copy of the town's store."""
        self.original = root / url.removeprefix("sqlite:///")
        self.copy = root / "copy.db"
        return Store(f"sqlite:///{self.copy}", root, clock)

    def put_back(self) -> None:
        """Put a fresh copy in its place, without what a transaction left beside it."""
        fresh = self.copy.with_suffix(".new")
        shutil.copy(self.original, fresh)
        for end in ("-journal", "-wal", "-shm"):
            self.copy.with_name(self.copy.name + end).unlink(missing_ok=True)
        fresh.rename(self.copy)


class Kept:
    """PostgreSQL: the rows as they were, in a schema beside."""

    def __init__(self, server: postgres.Server, schema: str) -> None:
        self.server, self.schema = server, schema

    def open(self, url: str, root: Path, clock: Callable[[], datetime]) -> Store:
        """Open the town's own store, and keep its rows."""
        found = f"SELECT tablename FROM pg_tables WHERE schemaname = '{self.schema}'"
        names = [str(row[0]) for row in self.server.sql(found)]
        kept = [f"CREATE TABLE kept_{self.schema}.{name} AS TABLE {self.schema}.{name}" for name in names]
        self.server.sql(";".join([f"CREATE SCHEMA kept_{self.schema}", *kept]))
        # Without it the order of the tables would matter, for they name each other's rows.
        self.orders = ["SET session_replication_role = replica"]
        for name in names:
            self.orders += [
                f"DELETE FROM {self.schema}.{name}",
                f"INSERT INTO {self.schema}.{name} SELECT * FROM kept_{self.schema}.{name}",
            ]
        return Store(url, root, clock)

    def put_back(self) -> None:
        """Put the rows back, in one transaction."""
        self.server.sql(";".join(["BEGIN", *self.orders, "COMMIT"]))


@dataclass
class Ground:
    """A town whose store can be had as new as often as wanted."""

    town: Town
    platform: Platform
    ledger: Ledger
    snapshot: Snapshot

    def __post_init__(self) -> None:
        space = self.town.space
        self.bench = space.bench()
        self.setup = Setup(config=space.config, fitted=dict(self.bench.fitted))
        self.start = utcnow() + timedelta(seconds=10)  # past the head start of the main channel
        self.now = self.start
        # One store for all: what it has compiled is kept, its connections are not.
        self.store = self.snapshot.open(space.config.store.database, self.town.root, lambda: self.now)
        self.store.config_hash = space.config.hash
        space.store.close()

    def fresh(self) -> None:
        """Make the store new, with one post approved, and the platform empty."""
        self.now = self.start
        self.store.close()
        self.store.memory.forget()  # each time stands for a new process, which has not seen the store go back
        self.snapshot.put_back()
        self.platform.mood("forget")
        self.ledger.read()
        self.ledger.posts.clear()
        self.ledger.requests.clear()

    def close(self) -> None:
        """Leave nothing running."""
        self.store.close()
        processes.stop(self.platform.process)

    def publisher(self, owner: str) -> Publisher:
        """Return what delivers."""
        return Publisher(store=self.store, owner=owner, setup=self.setup)

    def delivery(self, channel: str) -> DeliveryRecord:
        """Return the one delivery of a channel."""
        with self.store.read() as conn:
            rows = deliveries.of_post(conn, posts.find(conn, FIRST).id)
        return next(row for row in rows if row.channel == channel)

    # --- dying -----------------------------------------------------------------------------------------------

    def points(self, channel: str) -> list[Point]:
        """Deliver once and return every line that ran from the claim on, each as often as it ran."""
        self.fresh()
        path = self.town.root / "points.json"

        def deliver() -> None:
            found: list[Point] = []
            _traced(found.append, lambda: self.publisher("dry").deliver(channel))
            path.write_text(json.dumps(found))

        assert _forked(deliver) == 0
        assert self.delivery(channel).state == "live"
        found = [Point(*each) for each in json.loads(path.read_text())]
        first = next(number for number, point in enumerate(found) if point.function == "_claim")
        return found[first:]

    def die_at(self, channel: str, point: Point) -> None:
        """Deliver in a child that is killed right before a line."""
        self.fresh()

        def die(here: Point) -> None:
            if here == point:
                os.kill(os.getpid(), signal.SIGKILL)

        code = _forked(lambda: _traced(die, lambda: self.publisher("dies").deliver(channel)))
        assert code == -signal.SIGKILL, f"the line {point} was not reached"

    def recover(self, channel: str) -> DeliveryRecord:
        """Let a fresh daemon take over and work until nothing happens by itself any more."""
        publisher = self.publisher("heir")
        self.now += timedelta(seconds=1)
        with self.store.write("daemon") as tx:
            rescue.rescue(tx, "heir", {"dies"})
        housekeeping.judge_anew(self.store, self.setup.config, self.bench, "the daemon came back")
        for _ in range(6):
            while publisher.deliver(channel) or settling.look(publisher, channel):
                pass
            row = self.delivery(channel)
            if row.state == "live" or (row.state == "uncertain" and row.check_at is None):
                break
            self.now += timedelta(seconds=10)
        self.ledger.read()
        with self.store.read() as conn:
            assert chain.verify(conn)[1] == []
        return row


def _forked(work: Callable[[], None]) -> int:
    """Do something in a child and return how it ended."""
    with warnings.catch_warnings():
        # Other threads of a test runner wait for their orders; none holds a lock that the child will want.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def statements(points: Iterable[Point], *, core: bool) -> list[Point]:
    """Keep one point for each statement and transaction: the first line of each, the first two times that it runs.

    The second time is what tells the settling transaction from the claiming one.
    """
    kept = (point for point in points if point.run <= 2 and point.line in _begins(point.file))
    return [point for point in kept if not core or point.file in CORE]


@cache
def _begins(file: str) -> frozenset[int]:
    tree = ast.parse((Path(SOURCE) / file).read_text())
    return frozenset(node.lineno for node in ast.walk(tree) if isinstance(node, ast.stmt))


def _traced(reached: Callable[[Point], None], work: Callable[[], object]) -> None:
    """Say before each line of govpost's own that it is reached."""
    runs: Counter[tuple[str, int]] = Counter()

    def on_line(frame: FrameType, event: str, _about: object) -> Any:
        if event == "line":
            code = frame.f_code
            place = (code.co_filename, frame.f_lineno)
            runs[place] += 1
            reached(Point(code.co_filename[LENGTH:], frame.f_lineno, code.co_name, runs[place]))
        return on_line

    def on_call(frame: FrameType, _event: str, _about: object) -> Any:
        return on_line if frame.f_code.co_filename.startswith(SOURCE) else None

    sys.settrace(on_call)
    try:
        work()
    finally:
        sys.settrace(None)
