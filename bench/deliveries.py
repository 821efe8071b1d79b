"""How many deliveries a second one daemon makes durable, against crosspost's loop; and what four daemons make of it.

    python bench/deliveries.py [--size short|long] [--json]

A real daemon, a platform on loopback in a process of its own, one approved post = two targets, every commit synced. A
delivery counts from the first claim of a wave to the last receipt on disk; the figure is the median of several waves.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

import goals
import running
from goals import Found
from govpost.store.rows import ATTEMPT, DELIVERY
from govpost.times import utcnow
from receiver import Receiver, receiver
from town import Town, town

POSTS = {"tiny": 4, "short": 150, "long": 1_000}
WAVES = {"tiny": 1, "short": 3, "long": 5}
SLOW = 0.05
THREADS = 4
GOAL = 330
SCALE = 2.5
CACHE = Path.home() / ".cache" / "govpost" / "crosspost"
RIVAL = "@humanwhocodes/crosspost"


def waves(place: Town, platform: Receiver, posts: int, count: int, daemons: int = 1) -> float:
    """Return the median deliveries a second of so many waves of posts that fall due together."""
    example = place.release("example")
    with ExitStack() as stack:
        team = [stack.enter_context(running.daemon(place.root, f"daemon{number}")) for number in range(daemons)]
        team[0].until(lambda: platform.count() >= len(place.channels))
        rates = []
        for wave in range(count):
            before = platform.count()
            made = place.copy(example, [utcnow() + timedelta(seconds=0.3)] * posts, f"wave-{wave}")
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
        CACHE.mkdir(parents=True, exist_ok=True)
        line = ["npm", "install", "--prefix", str(CACHE), "--no-package-lock", "--ignore-scripts", "--silent", RIVAL]
        if subprocess.run(line, capture_output=True).returncode:
            return None, "npm cannot install crosspost"
    with receiver() as platform:
        script = str(running.HERE / "bench" / "crosspost.mjs")
        line = ["node", script, str(CACHE), platform.address, str(POSTS[size]), str(WAVES[size])]
        said = subprocess.run(line, capture_output=True, text=True)
    if said.returncode:
        return None, f"crosspost failed: {said.stderr.strip().splitlines()[-1][:80]}"
    return statistics.median(json.loads(said.stdout)), ""


@contextmanager
def postgres() -> Iterator[str | None]:
    """Give the address of a PostgreSQL that comes from a wheel, with every commit synced; None where there is none."""
    try:
        import pgserver
    except ImportError:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        server = pgserver.get_server(folder, cleanup_mode="stop")
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        server.cleanup()


def on_postgres(size: str, address: str, *, daemons: int, delay: float) -> float:
    """Measure daemons with four threads a channel that share a PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder, receiver(delay) as platform:
        place = town(Path(folder) / "town", platform.address, threads=THREADS, database=address)
        return waves(place, platform, POSTS[size], WAVES[size], daemons)


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
        return [*found, Found(what="crosspost's loop, which keeps no record", found=f"not measured: {why}")]
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
    return [*found, rival_found]


if __name__ == "__main__":
    goals.run("durable deliveries a second", measure)
