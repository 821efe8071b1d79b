"""How many deliveries a second one daemon makes durable, against crosspost's loop; and what four daemons make of it.

    python bench/deliveries.py [--size short|long] [--json]

A real daemon, a platform on loopback in a process of its own, one approved post = two targets, every commit synced. A
delivery counts from the first claim of a wave to the last receipt on disk; the figure is the median of several waves.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import goals
import running
from goals import Found
from receiver import Receiver, receiver
from sqlalchemy import func, select
from town import Town, town

from govpost.store.rows import ATTEMPT, DELIVERY
from govpost.times import utcnow

POSTS = {"tiny": 4, "short": 60, "long": 1_000}
WAVES = {"tiny": 1, "short": 1, "long": 5}
SLOW = 0.05
THREADS = 1
GOAL = 330
SCALE = 2.5
PLATFORMS = {"tiny": ((0.0, None),)} | dict.fromkeys(("short", "long"), ((SLOW, SCALE), (0.0, None)))
TEAM = {"tiny": 1, "short": 4, "long": 4}
BUSY = """SELECT wait_event_type, query FROM pg_stat_activity
WHERE state = 'active' AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
CACHE = Path.home() / ".cache" / "govpost" / "crosspost"
RIVAL = "@humanwhocodes/crosspost"


def waves(place: Town, platform: Receiver, posts: int, count: int, daemons: int = 1) -> float:
    """Return the median deliveries a second of so many waves of posts that fall due together."""
    example = place.release("example")
    with ExitStack() as stack:
        team = [
            stack.enter_context(running.daemon(place.root, f"daemon{number}")) for number in range(daemons)
        ]
        team[0].until(lambda: platform.count() >= len(place.channels))
        rates = []
        for wave in range(count):
            before = platform.count()
            made = place.copy(example, [utcnow() + timedelta(seconds=2)] * posts, f"wave-{wave}")
            team[0].until(lambda: platform.count() >= before + made)  # noqa: B023 - asked at once
            team[0].until(lambda: not _open(place))
            rates.append(made / _seconds(place, made))
    return statistics.median(rates)


def _open(place: Town) -> int:
    states = DELIVERY.c.state.in_(("queued", "publishing"))
    return int(place.rows(func.count(), where=[states])[0][0])


def _seconds(place: Town, made: int) -> float:
    """Return the time from the first claim of the last `made` deliveries to their last receipt."""
    last = select(ATTEMPT.c.id).order_by(ATTEMPT.c.id.desc()).limit(made)
    columns = func.min(ATTEMPT.c.started_at), func.max(ATTEMPT.c.ended_at)
    began, ended = place.rows(*columns, where=[ATTEMPT.c.id.in_(last)])[0]
    return float((ended - began).total_seconds())


def on_sqlite(size: str, *, wal: bool) -> float:
    """Measure one daemon on SQLite."""
    with tempfile.TemporaryDirectory() as folder, receiver() as platform:
        place = town(Path(folder) / "town", platform.address, wal=wal)
        return waves(place, platform, POSTS[size], WAVES[size])


def rival(size: str) -> tuple[float | None, str]:
    """Measure crosspost's loop on the same kind of platform; None and the reason where it cannot be run."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return None, "node is not here"
    if not (CACHE / "node_modules" / RIVAL).is_dir():
        if size == "tiny":
            return None, "crosspost is not installed"
        CACHE.mkdir(parents=True, exist_ok=True)
        line = [
            "npm",
            "install",
            "--prefix",
            str(CACHE),
            "--no-package-lock",
            "--ignore-scripts",
            "--silent",
            RIVAL,
        ]
        if subprocess.run(line, check=False, capture_output=True).returncode:
            return None, "npm cannot install crosspost"
    with receiver() as platform:
        script = str(running.HERE / "bench" / "crosspost.mjs")
        line = ["node", script, str(CACHE), platform.address, str(POSTS[size]), str(WAVES[size])]
        said = subprocess.run(line, check=False, capture_output=True, text=True)
    if said.returncode:
        return None, f"crosspost failed: {said.stderr.strip().splitlines()[-1][:80]}"
    return statistics.median(json.loads(said.stdout)), ""


@contextmanager
def postgres() -> Iterator[Callable[[], str] | None]:
    """Start a PostgreSQL from a wheel, every commit synced; gives what makes an empty database and returns its address.

    None where there is no such wheel.
    """
    if importlib.util.find_spec("pgserver") is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pgserver's own, about where it may keep its lock
        from pgserver.postgres_server import get_server

        server = get_server(folder, cleanup_mode="delete")
        numbers = itertools.count(1)

        def fresh() -> str:
            name = f"town{next(numbers)}"
            server.psql(f"CREATE DATABASE {name}")
            return f"postgresql+psycopg://postgres@/{name}?host={folder}"

        yield fresh
        server.cleanup()


def on_postgres(size: str, address: str, *, daemons: int, delay: float) -> tuple[float, float]:
    """Measure daemons that share a PostgreSQL; returns deliveries a second, and the share that waits for the head."""
    with tempfile.TemporaryDirectory() as folder, receiver(delay) as platform:
        place = town(Path(folder) / "town", platform.address, threads=THREADS, database=address)
        with sampled(address) as share:
            rate = waves(place, platform, POSTS[size], WAVES[size], daemons)
        place.space.store.close()
        return rate, share()


@contextmanager
def sampled(address: str) -> Iterator[Callable[[], float]]:
    """Look at what the connections do meanwhile; gives the share of the busy ones that wait for the chain's head."""
    import psycopg

    counts, done = Counter[str](), threading.Event()

    def watch() -> None:
        with psycopg.connect(address.replace("+psycopg", "", 1), autocommit=True) as conn:
            while not done.wait(0.02):
                for wait, query in conn.execute(BUSY).fetchall():
                    at_head = "FROM head" in query and wait == "Lock"
                    counts["head" if at_head else "other"] += 1

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lambda: counts["head"] / max(1, counts.total())
    finally:
        done.set()
        thread.join()


def scaling(size: str) -> list[Found]:
    """Hold four daemons against one, on a slow platform and on one that answers at once."""
    with postgres() as fresh:
        if fresh is None:
            return [Found(what="four daemons on PostgreSQL", found="not measured: pgserver is not installed")]
        found = []
        for delay, goal in PLATFORMS[size]:
            one, _ = on_postgres(size, fresh(), daemons=1, delay=delay)
            four, head = on_postgres(size, fresh(), daemons=TEAM[size], delay=delay)
            found.append(
                Found(
                    what=f"{TEAM[size]} daemons against one on PostgreSQL, answers after {1000 * delay:.0f} ms",
                    found=f"{four / one:.2f} times ({one:.0f}/s to {four:.0f}/s); of the time in the database "
                    f"{100 * head:.0f} % is waiting for the head of the event chain",
                    goal=f"at least {goal} times" if goal else "",
                    ok=four / one >= goal if goal else None,
                    note=f"{THREADS} thread a channel and daemon, {os.cpu_count()} cores for everything",
                    values={"one": one, "four": four, "ratio": four / one, "head": head},
                )
            )
    return found


def measure(size: str) -> list[Found]:
    """Measure everything."""
    wal, delete = on_sqlite(size, wal=True), on_sqlite(size, wal=False)
    other, why = rival(size)
    found = [
        Found(
            what="durable deliveries through one daemon, SQLite in WAL",
            found=f"{wal:.0f}/s",
            goal=f"more than {GOAL}/s",
            ok=wal > GOAL,
            note="a database made for this measurement; govpost itself takes WAL only from SQLite 3.51.3 on",
            values={"per_second": wal},
        ),
        Found(
            what="the same in DELETE mode",
            found=f"{delete:.0f}/s",
            values={"per_second": delete},
        ),
    ]
    if other is None:
        unknown = Found(what="crosspost's loop, which keeps no record", found=f"not measured: {why}")
        return [*found, unknown, *scaling(size)]
    ratio = wal / other
    about = f"{other:.0f}/s; govpost makes {ratio:.2f} times that"
    values = {"per_second": other, "ratio": ratio}
    rival_found = Found(
        what="crosspost's loop, which keeps no record",
        found=about,
        goal="at least 1",
        ok=ratio >= 1,
        values=values,
    )
    return [*found, rival_found, *scaling(size)]


if __name__ == "__main__":
    goals.run("durable deliveries a second", measure)
