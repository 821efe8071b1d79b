"""How long the command line takes to start, against what nobody can do without.

    python bench/startup.py [--size short|long] [--json]

`govpost --help` is held against a bare click program (bound 2.0), `govpost post list` with 20 posts against
`python -c "import sqlmodel"` (bound 1.5). Each figure is the median of alternating rounds, after one to warm up.
"""

from __future__ import annotations

import os
import pwd
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import goals
from goals import Found

HERE = Path(__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE / "src"), str(HERE / "plugins")])}
GOVPOST = "from govpost.cli import main; main()"
BARE = "import click\n@click.group()\ndef cli(): 'A program.'\n@cli.command()\ndef one(): 'A command.'\ncli()"
POSTS = 20
ROUNDS = {"tiny": 1, "short": 3, "long": 15}


def seconds(*line: str) -> float:
    """Run Python with these arguments once and return how long it took."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *line], env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def medians(first: tuple[str, ...], second: tuple[str, ...], rounds: int) -> tuple[float, float]:
    """Run two programs in turn and return the median of each."""
    seconds(*first), seconds(*second)
    pairs = [(seconds(*first), seconds(*second)) for _ in range(rounds)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def workspace(folder: Path) -> None:
    """Make a workspace that holds `POSTS` posts."""
    govpost("init", str(folder))
    login = pwd.getpwuid(os.getuid()).pw_name
    for number in range(POSTS):
        path = folder / "content" / f"notice-{number}.md"
        text = (folder / "content" / "welcome.md").read_text(encoding="utf-8")
        path.write_text(text.replace("From today", f"As notice {number} says, {login}"), encoding="utf-8")
    (folder / "content" / "welcome.md").unlink()
    govpost("-C", str(folder), "post", "add", "content")


def govpost(*line: str) -> None:
    """Call the command line."""
    subprocess.run(
        [sys.executable, "-c", GOVPOST, *line], env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True
    )


def measure(size: str) -> list[Found]:
    """Measure both promises."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        workspace(root)
        listing = ("-c", GOVPOST, "-C", str(root), "post", "list")
        needs = ("-c", "import sqlmodel")
        return [
            held(
                size,
                "govpost --help",
                ("-c", GOVPOST, "--help"),
                "a bare click program",
                ("-c", BARE, "--help"),
                2.0,
            ),
            held(size, f"govpost post list ({POSTS} posts)", listing, "import sqlmodel", needs, 1.5),
        ]


def held(
    size: str, ours: str, line: tuple[str, ...], theirs: str, other: tuple[str, ...], bound: float
) -> Found:
    """Hold one call against another."""
    mine, floor = medians(line, other, ROUNDS[size])
    return Found(
        what=f"{ours} against {theirs}",
        found=f"{mine / floor:.2f} times ({1000 * mine:.0f} ms)",
        goal=f"under {bound} times",
        ok=mine / floor < bound,
        values={"ratio": mine / floor, "milliseconds": 1000 * mine},
    )


if __name__ == "__main__":
    goals.run("starting the command line", measure)
