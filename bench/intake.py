"""How many Markdown posts a second `govpost post add FOLDER` takes in, with every check.

    python bench/intake.py [--size short|long] [--json]

On a terminal of its own (a pty), so that whatever it shows of its progress is shown and counted.
"""

from __future__ import annotations

import os
import pty
import subprocess
import tempfile
import time
from pathlib import Path

import goals
import running
from goals import Found
from sqlalchemy import func, select
from town import Town, town

from govpost.store.rows import POST

POSTS = {"tiny": 5, "short": 300, "long": 10_000}
GOAL = 300
BODY = """Starting Monday, {slug} has new hours. The desk is open from 8 in the morning to 5 in the afternoon, every
weekday. On the first Saturday of a month it opens from 9 to noon.

Please bring:

- a photo identification
- the form of this year, which is at https://riverton.example.gov/forms/{slug}

You do not need an appointment. Call 311 with questions.
"""


def written(root: Path, posts: int) -> Town:
    """Make a workspace with so many drafts."""
    place = town(root, "http://127.0.0.1:9")
    for number in range(posts):
        place.write(f"desk-{number}", body=BODY.format(slug=f"desk-{number}"))
    return place


def take_in(place: Town) -> tuple[float, int]:
    """Take the folder in on a terminal; return the seconds, and how often a line was written over or begun."""
    ours, theirs = pty.openpty()
    line = running.command(place.root, "--as", "ana", "post", "add", "content")
    began = time.perf_counter()
    with subprocess.Popen(line, env=running.environment(), stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = bytearray()
        while chunk := _read(ours):
            said += chunk
    seconds = time.perf_counter() - began
    os.close(ours)
    if process.returncode:
        raise SystemExit(said.decode()[-1000:])
    return seconds, said.count(b"\r\x1b[K")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # the other side is closed
        return b""


def measure(size: str) -> list[Found]:
    """Take in a folder of drafts."""
    posts = POSTS[size]
    with tempfile.TemporaryDirectory() as folder:
        place = written(Path(folder) / "town", posts)
        seconds, steps = take_in(place)
        with place.space.store.read() as conn:
            kept = conn.execute(select(func.count()).select_from(POST)).scalar_one()
    if kept != posts:
        raise SystemExit(f"{kept} of {posts} posts were taken in")
    rate = posts / seconds
    return [
        Found(
            what=f"taking in {posts:,} Markdown posts for two channels, with checks",
            found=f"{rate:.0f}/s, progress shown {steps} times",
            goal=f"over {GOAL}/s with progress",
            ok=rate > GOAL and steps > 0,
            values={"per_second": rate, "steps": steps},
        )
    ]


if __name__ == "__main__":
    goals.run("taking posts in", measure)
