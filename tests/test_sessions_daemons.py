"""Real daemons, killed and not, on one account whose server closes it when a refresh token is shown twice."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli_city import City, finish, process
from live import until
from square import Square, city_with, open_square

SHORT = "import datetime, govpost.sessions as s; s.LEASE = datetime.timedelta(seconds=SECONDS)\n"
"""Lets a dead daemon's lease end while a test waits."""


@pytest.fixture
def square() -> Iterator[Square]:
    with open_square() as found:
        yield found


@pytest.fixture
def riverton(square: Square, tmp_path: Path, store_url: str) -> City:
    """A city that is logged in on the square and sends one post at a time from each machine."""
    root = tmp_path / "one"
    root.mkdir()
    made = city_with(square, root, store=store_url)
    made.change('platform = "square"', 'platform = "square"\nthreads = 1')
    square.account["limits"] = {}
    assert made.run("channel", "login", "square", typed=f"{square.code}\n").code == 0
    return made


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start govpost in a workspace as a process of its own; what is left of it at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def begin(root: Path, *line: str, seconds: float = 90) -> subprocess.Popen[str]:
        log = (root / f"log-{len(running)}").open("w")
        running.append(
            process(
                "-C", str(root), *line, begin=SHORT.replace("SECONDS", str(seconds)), stdout=log, stderr=log
            )
        )
        log.close()
        return running[-1]

    yield begin
    for each in running:
        each.kill()
        each.wait()


def machines(riverton: City, store_url: str) -> list[Path]:
    """Return the workspaces of the machines that share the store: SQLite's is shared on one machine alone."""
    if store_url.startswith("sqlite"):
        return [riverton.root]
    other = riverton.root.with_name("two")
    shutil.copytree(riverton.root, other, ignore=shutil.ignore_patterns("*.lock", "log-*"))
    return [riverton.root, other]


def paused(riverton: City) -> str:
    told = next(each for each in riverton.ask("channel", "list") if each["name"] == "square")
    return str(told["paused_why"])


def test_daemons_on_several_machines_and_a_person_show_each_refresh_token_once(
    square: Square, riverton: City, store_url: str, start: Callable[..., subprocess.Popen[str]]
) -> None:
    roots = machines(riverton, store_url)
    daemons = [start(root, "daemon") for root in roots]
    for turn in range(4):
        square.denied, square.access = 0, ""
        square.go.clear()
        for number in range(len(roots)):
            riverton.schedule(f"news-{turn}-{number}", f"News {turn} {number}.", channels="square")
        # Every daemon has been turned away with the same token before any of them may have a new one.
        until(lambda: square.denied >= len(roots), 60)
        asks = start(riverton.root, "--as", "ben", "channel", "verify", "square")
        until(lambda: square.denied >= len(roots) + 1, 60)
        square.go.set()
        assert finish(asks).code == 0
        until(lambda: len(square.posts) >= len(square.used) * len(roots), 60)
    for daemon in daemons:
        daemon.send_signal(signal.SIGTERM)
        assert finish(daemon).code == 0
    assert square.used == [f"refresh-canary-{number}-7713" for number in range(1, 5)]
    assert not square.closed
    assert len(set(square.posts)) == len(square.posts) == 4 * len(roots)
    assert [each["verb"] for each in riverton.ask("audit", "log")].count("channel.refreshed") == 4


@pytest.mark.parametrize("answered", [False, True])
def test_a_daemon_killed_in_a_renewal_leaves_the_account_to_a_person_and_never_to_a_second_use(
    square: Square,
    riverton: City,
    store_url: str,
    start: Callable[..., subprocess.Popen[str]],
    answered: bool,
) -> None:
    roots = machines(riverton, store_url)
    first = start(roots[0], "daemon", seconds=2)
    square.expire()
    square.asked.clear()
    square.go.clear()
    riverton.schedule("alpha", "News alpha.", channels="square")
    assert square.asked.wait(60)
    if answered:
        # The server has changed the token, and the daemon dies before it has kept the new one.
        first.send_signal(signal.SIGSTOP)
        square.go.set()
        until(lambda: square.used)
    first.kill()
    first.wait()
    square.go.set()
    second = start(roots[-1], "daemon", seconds=2)
    riverton.schedule("beta", "News beta.", channels="square")
    until(lambda: paused(riverton), 60)
    assert "nobody knows how it ended" in paused(riverton)
    assert "log in again: govpost channel login square" in paused(riverton)
    assert square.used in ([], ["refresh-canary-1-7713"])
    assert (square.posts, square.closed) == ([], False)
    assert riverton.run("channel", "login", "square", typed=f"{square.code}\n").code == 0
    riverton.ok("channel", "resume", "square", "--reason", "logged in again")
    until(lambda: square.posts == ["News beta."], 60)
    square.expire()
    riverton.schedule("gamma", "News gamma.", channels="square")
    until(lambda: square.posts == ["News beta.", "News gamma."], 60)
    second.send_signal(signal.SIGTERM)
    assert finish(second).code == 0
    assert len(set(square.used)) == len(square.used)
    assert not square.closed
