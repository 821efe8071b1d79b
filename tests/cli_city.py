"""A small city for tests of the command line: a workspace, people, and the command line called as people call it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from click.testing import CliRunner

from govpost.cli.root import cli
from govpost.times import moment_of_instant, utcnow

CONFIG = """\
[agency]
name = "City of Riverton"
homepage = "https://riverton.example.gov/"
timezone = "America/Chicago"

[security]
impersonation = true

[strategy]
mission = "Riverton tells residents what they need, in time."
main_channel = "website"

[strategy.goals.services]
statement = "Residents find city services"
serves = "what they need"
mode = "serve"
metric = "visits"
baseline = 1
target = 2

[strategy.audiences.residents]
description = "People living in Riverton"
scope = "external"
evidence = "census"

[people.ana]
name = "Ana Ruiz"
login = "ana"
roles = ["author"]

[people.ben]
name = "Ben Cole"
login = "ben"
roles = ["reviewer", "publisher", "admin"]
discipline = "communications"

[people.cleo]
name = "Cleo Park"
login = "cleo"
roles = ["reviewer", "officer"]
discipline = "communications"

[[review.stages]]
name = "communications"
approvals = 1
from = ["communications"]

[daemon]
drain = "2s"

[channels.website]
platform = "website"
settings = { folder = "public", base_url = "https://news.riverton.example.gov/" }
[channels.website.pilot]
CHARTER

[channels.hub]
platform = "webhook"
settings = { url = "HUB" }
[channels.hub.rate]
RATE
[channels.hub.pilot]
CHARTER
"""
CHARTER = """\
question = "Do residents read it?"
goal = "services"
audience = "residents"
evidence = "a survey"
why_here = "it is ours"
metric = "visits"
baseline = 1
target = 2
owner = "ben"
deputy = "cleo"
ends = "120d"
caps = { posts = 200 }
"""
POST = """\
---
title: {title}
author: ana
goal: services
audience: residents
channels: [{channels}]
link: https://riverton.example.gov/{slug}
language: en
{more}---
{body}
"""
SOURCES = os.pathsep.join(str(Path(__file__).parents[1] / name) for name in ("src", "plugins"))


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return the one JSON document on standard output."""
        return json.loads(self.out)


@dataclass(frozen=True)
class City:
    """A workspace and its command line."""

    root: Path

    def run(self, *line: str, by: str | None = "ben", typed: str | None = None) -> Said:
        """Call the command line in this process, as `by`."""
        person = ["--as", by] if by else []
        kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            result = CliRunner().invoke(cli, ["-C", str(self.root), *person, *line], input=typed)
        finally:
            for number, handler in kept.items():
                signal.signal(number, handler)
        assert "Traceback" not in result.output
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    def ok(self, *line: str, by: str | None = "ben") -> Said:
        """Call a command that must succeed."""
        said = self.run(*line, by=by)
        assert said.code == 0, (line, said)
        return said

    def ask(self, *line: str, by: str | None = "ben") -> Any:
        """Call a command for its JSON, whatever its exit code."""
        return self.run("--json", *line, by=by).json

    def write(
        self, slug: str, body: str = "Come and see us.", *, channels: str = "website", more: str = ""
    ) -> Path:
        """Write a draft into content/."""
        path = self.root / "content" / f"{slug}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            POST.format(title=f"About {slug}", channels=channels, slug=slug, more=more, body=body),
            encoding="utf-8",
        )
        return path

    def submit(self, slug: str, body: str | None = None, **more: str) -> None:
        """Write a draft and take it in."""
        self.write(slug, body or f"These are the news of {slug}.", **more)
        self.ok("post", "add", f"content/{slug}.md", by="ana")

    def schedule(self, slug: str, body: str | None = None, **more: str) -> dict[str, Any]:
        """Write a draft, take it in, and let a second person approve it; returns the post."""
        self.submit(slug, body, **more)
        return self.ask("review", "approve", slug, by="cleo")

    def change(self, old: str, new: str) -> None:
        """Edit config.toml."""
        path = self.root / "config.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def deliver(self) -> None:
        """Let the daemon work until nothing is left to do."""
        assert self.run("daemon", "--until-idle", by=None).code == 0


def city(
    root: Path, *, hub: str = "https://hub.example.gov/notices", rate: str = "", start: bool = True
) -> City:
    """Make a city; its pilots run unless told otherwise."""
    text = CONFIG.replace("CHARTER", CHARTER).replace("HUB", hub).replace("RATE", rate)
    (root / "config.toml").write_text(text, encoding="utf-8")
    made = City(root)
    if start:
        made.ok("pilot", "start", "website")
        made.ok("pilot", "start", "hub")
    return made


def process(*line: str, cwd: Path | None = None, begin: str = "", **more: Any) -> subprocess.Popen[str]:
    """Start the command line as a process of its own, after `begin`, a piece of Python."""
    code = f"from govpost.cli import main\n{begin}main()"
    environment = {**os.environ, "PYTHONPATH": SOURCES, "COLUMNS": "100"} | more.pop("env", {})
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
    return subprocess.Popen([sys.executable, "-c", code, *line], cwd=cwd, env=environment, text=True, **pipes)


def finish(running: subprocess.Popen[str], seconds: float = 60) -> Said:
    """Wait for a process."""
    out, err = running.communicate(timeout=seconds)
    assert "Traceback" not in (err or "")
    return Said(running.returncode, out or "", err or "")


@contextmanager
def receiver(*answers: int) -> Iterator[str]:
    """Run a receiver on loopback: each answer is a status, 0 drops the connection; the last one repeats."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status = left.pop(0) if len(left) > 1 else left[0]
            if status == 0:
                self.close_connection = True
                return
            body = json.dumps({"id": f"n{len(left)}", "url": "https://hub.example.gov/notices/1"}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/notices"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def day(days: int) -> str:
    """Return a date in the city, so many days from now."""
    return moment_of_instant(utcnow() + timedelta(days=days), "America/Chicago").wall[:10]


ON_TERMINAL = (
    "import fcntl, signal, termios; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\nfrom govpost.cli import main; main()"
)
"""Takes the terminal as its own, so that Ctrl-C reaches it, even where the tests themselves run with it ignored."""


def read_until(fd: int, words: str, seconds: float = 60) -> str:
    """Read from a terminal until some words come, it is closed, or time is up."""
    said, end = "", time.monotonic() + seconds
    while words not in said and time.monotonic() < end:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                said += os.read(fd, 65536).decode(errors="replace")
            except OSError:
                break
    return said
