"""How long the command line takes to start, against what nobody can do without.

    python bench/startup.py [--rounds 15] [--json]

`govpost --help` is held against a bare click program (bound 2.0), `govpost post list` with 20 posts against
`python -c "import sqlmodel"` (bound 1.5). Each figure is the median of alternating rounds, after one to warm up.
Exits 1 when a bound is broken.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE / "src"), str(HERE / "plugins")])}
GOVPOST = "from govpost.cli import main; main()"
BARE = "import click\n@click.group()\ndef cli(): 'A program.'\n@cli.command()\ndef one(): 'A command.'\ncli()"
POSTS = 20


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


def measure(rounds: int) -> list[dict[str, object]]:
    """Measure both promises."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        workspace(root)
        cases = [
            (
                "govpost --help",
                ("-c", GOVPOST, "--help"),
                "a bare click program",
                ("-c", BARE, "--help"),
                2.0,
            ),
            (
                f"govpost post list ({POSTS} posts)",
                ("-c", GOVPOST, "-C", str(root), "post", "list"),
                "import sqlmodel",
                ("-c", "import sqlmodel"),
                1.5,
            ),
        ]
        found = []
        for name, ours, against, theirs, bound in cases:
            mine, other = medians(ours, theirs, rounds)
            found.append(
                {
                    "what": name,
                    "seconds": round(mine, 4),
                    "against": against,
                    "against_seconds": round(other, 4),
                    "ratio": round(mine / other, 3),
                    "bound": bound,
                    "ok": mine / other < bound,
                }
            )
        return found


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.rounds)
    if options.json:
        print(json.dumps(found, indent=2))
    for each in [] if options.json else found:
        verdict = "ok" if each["ok"] else "TOO SLOW"
        print(
            f"{each['what']}: {each['seconds']} s, {each['ratio']} times {each['against']}"
            f" ({each['against_seconds']} s); at most {each['bound']}: {verdict}"
        )
    return int(not all(each["ok"] for each in found))


if __name__ == "__main__":
    sys.exit(main())
