"""Daemons for tests: one inside the test's own process, and real ones in processes of their own."""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import office as offices
from govpost import content, people, pilots
from govpost.daemon.loop import Daemon, Mode
from govpost.editorial import intake, reviewing
from govpost.errors import StoreUnavailable
from govpost.store import chain, deliveries, meta, posts
from govpost.store.engine import Store
from govpost.store.machine_rows import DaemonRecord
from govpost.store.rows import DeliveryRecord
from govpost.times import utcnow
from govpost.workspace import Bench, Workspace, open_workspace
from office import Office


def until(true: Callable[[], Any], seconds: float = 60) -> None:
    """Wait until something is true; a store that is locked just now is asked again."""
    end = time.monotonic() + seconds
    while not _is(true):
        assert time.monotonic() < end, "it did not become true in time"
        time.sleep(0.02)


def _is(true: Callable[[], Any]) -> bool:
    try:
        return bool(true())
    except StoreUnavailable:
        return False


@dataclass(kw_only=True)
class Space(Workspace):
    """A workspace whose plugins are the office's."""

    office: Office

    def bench(self) -> Bench:
        with self.store.read():
            return self.office.bench


@dataclass
class Live:
    """A daemon on a thread of the test. `shift` is added to the wall clock, `both` to both clocks."""

    office: Office
    mode: Mode = "forever"
    shift: timedelta = timedelta()
    both: timedelta = timedelta()
    error: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        office = self.office
        office.store.close()
        office.store = Store(office.store_url, office.root, self.now, busy=0.5)
        office.read_config()
        space = Space(
            root=office.root, config=office.config, store=office.store, clock=self.now, office=office
        )
        self.daemon = Daemon(space, mode=self.mode, monotonic=self.monotonic)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def now(self) -> Any:
        return utcnow() + self.shift + self.both

    def monotonic(self) -> float:
        return time.monotonic() + self.both.total_seconds()

    def _run(self) -> None:
        try:
            self.daemon.run()
        except BaseException as error:
            self.error.append(error)

    def start(self) -> Live:
        self.thread.start()
        return self

    def stop(self, seconds: float = 20) -> None:
        self.daemon._on_stop(signal.SIGTERM, None)
        self.join(seconds)

    def join(self, seconds: float = 20) -> None:
        self.thread.join(seconds)
        assert not self.thread.is_alive()
        if self.error:
            raise self.error[0]

    def row(self) -> DaemonRecord:
        with self.office.store.read() as conn:
            return next(row for row in meta.daemons(conn) if row.id == self.daemon.id)


@contextmanager
def living(office: Office, mode: Mode = "forever") -> Iterator[Live]:
    """Run a daemon while the test goes on."""
    live = Live(office, mode).start()
    try:
        yield live
    finally:
        live.stop()


RUNNER = """
import logging, sys
from pathlib import Path
from govpost.daemon.loop import Daemon
from govpost.workspace import open_workspace
logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
from govpost.errors import GovpostError
try:
    daemon = Daemon(open_workspace(Path(sys.argv[1])), mode=sys.argv[2])
    daemon.handle_signals()
    daemon.run()
except GovpostError as error:
    print("REFUSED", error.message, "|", error.tip, file=sys.stderr)
    sys.exit(error.exit_code)
"""


class Receiver:
    """A web server on loopback. `behave` gets the JSON that came and returns status and JSON, None to hang up."""

    def __init__(self, behave: Callable[[dict[str, Any]], tuple[int, Any] | None] | None = None) -> None:
        self.posts: list[dict[str, Any]] = []
        self.behave = behave or (lambda _post: (201, {"id": "1", "url": "https://hub.example/1"}))
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                post = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.posts.append(post)
                answer = receiver.behave(post)
                if answer is None:
                    self.close_connection = True
                    return
                body = json.dumps(answer[1]).encode()
                self.send_response(answer[0])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def slugs(self) -> list[str]:
        return [post["title"].lower() for post in self.posts]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


CHANNEL = """
[channels.{name}]
platform = "{platform}"
settings = {{ url = "{url}" }}
[channels.{name}.rate]
windows = ["always"]
[channels.{name}.pilot]
question = "Does it help?"
goal = "services"
audience = "residents"
evidence = "survey"
why_here = "they are here"
metric = "visits"
baseline = 1
target = 2
owner = "ben"
deputy = "cleo"
ends = "400d"
caps = {{ posts = 100 }}
"""


@dataclass
class City:
    """A workspace with real plugins, for daemons in processes of their own."""

    root: Path
    url: str
    platform: str = "webhook"
    more: str = ""
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        channel = CHANNEL.format(name="hub", platform=self.platform, url=self.url)
        store = f'[store]\ndatabase = "{offices.STORE}"\n'
        text = "\n".join([offices.HEAD.format(main="hub"), store, offices.PEOPLE, channel, self.more])
        (self.root / "config.toml").write_text(text)
        self.open()
        pilots.start(self.space.store, self.space.config, people.who(self.space.config, "ben"), "hub")

    def open(self) -> None:
        self.space = open_workspace(self.root)
        self.desk = self.space.desk()

    def edit(self, old: str, new: str) -> None:
        path = self.root / "config.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def release(self, slug: str, more: str = "") -> DeliveryRecord:
        """Write, take in and approve a post; returns its delivery."""
        path = self.root / "content" / slug / "post.md"
        path.parent.mkdir(parents=True)
        words = f"What residents should know about {slug}."
        path.write_text(
            offices.POST.format(slug=slug, title=slug.title(), body=words, channels="hub", more=more)
        )
        config = self.space.config
        intake.take_in(
            self.space.store, self.desk, people.who(config, "ana"), content.load(path, config), submit=True
        )
        reviewing.approve(self.space.store, self.desk, people.who(config, "ben"), slug)
        return self.one(slug)

    def one(self, slug: str) -> DeliveryRecord:
        with self.space.store.read() as conn:
            (row,) = deliveries.of_post(conn, posts.find(conn, slug).id)
        return row

    def rows(self) -> list[DaemonRecord]:
        with self.space.store.read() as conn:
            return meta.daemons(conn)

    def verbs(self) -> list[str]:
        with self.space.store.read() as conn:
            assert chain.verify(conn)[1] == []
            return [event.verb for event in chain.find(conn)]

    def daemon(
        self, mode: Mode = "forever", *, before: str = "", root: Path | None = None
    ) -> subprocess.Popen[str]:
        """Start a daemon in a process of its own, after the code `before`; on another machine its `root` differs."""
        process = subprocess.Popen(
            [sys.executable, "-c", before + textwrap.dedent(RUNNER), str(root or self.root), mode],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.processes.append(process)
        return process

    def end(self) -> None:
        """Kill what the test left running."""
        self.space.store.close()
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
