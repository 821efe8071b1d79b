"""`govpost daemon drain`: daemons finish what is in flight, claim nothing more, and end; the command waits for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cli_city import City, city, finish, process
from govpost.daemon import draining
from govpost.daemon.lock import Lock
from govpost.domain import Capabilities
from govpost.store import meta
from govpost.store.machine_rows import DaemonRecord
from govpost.workspace import open_workspace
from live import until
from office import Office, Scripted


class Slow:
    """A receiver that answers when it may."""

    def __init__(self) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()
        slow = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                slow.asked.set()
                slow.go_on.wait(60)
                body = json.dumps({"id": "n1", "url": "https://hub.example.gov/notices/1"}).encode()
                self.send_response(201)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/notices"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def close(self) -> None:
        self.go_on.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def slow() -> Iterator[Slow]:
    slow = Slow()
    yield slow
    slow.close()


def test_a_drained_daemon_finishes_what_is_in_flight_claims_nothing_more_and_ends(
    tmp_path: Path, slow: Slow
) -> None:
    riverton = city(tmp_path, hub=slow.url)
    riverton.schedule("alpha", channels="hub")
    running = process("-C", str(tmp_path), "daemon")
    assert slow.asked.wait(60)
    late = riverton.run("daemon", "drain", "--all", "--reason", "a new kernel", "--wait", "1s")
    assert late.code == 1
    assert "in flight: alpha on hub" in late.err
    assert "not ended in time" in late.err
    riverton.schedule("beta", channels="website")
    until(lambda: "drained: by ben: a new kernel" in riverton.ask("status")["daemon"]["why"])
    slow.go_on.set()
    assert finish(running).code == 0
    states = [riverton.ask("post", "show", slug)["state"] for slug in ("alpha", "beta")]
    assert states == ["published", "scheduled"]
    (event,) = [each for each in riverton.ask("audit", "log") if each["verb"] == "daemon.drain"]
    assert (event["actor"], event["why"]) == ("ben", "a new kernel")


def test_a_drain_waits_for_the_end_and_the_next_start_works_again(tmp_path: Path) -> None:
    riverton = city(tmp_path)
    running = process("-C", str(tmp_path), "daemon")
    until(lambda: (riverton.ask("status")["daemon"] or {}).get("state") == "running", 60)
    about = riverton.ask("status")["daemon"]
    said = riverton.run("--json", "daemon", "drain", f"{about['host']}:{about['pid']}")
    assert (said.code, said.json["drained"]) == (0, True)
    assert said.json["daemons"][0]["state"] == "stopped"
    assert finish(running).code == 0
    riverton.schedule("alpha")
    riverton.deliver()
    assert riverton.ask("post", "show", "alpha")["state"] == "published"


def test_without_a_wait_it_only_asks(tmp_path: Path, slow: Slow) -> None:
    riverton = city(tmp_path, hub=slow.url)
    riverton.schedule("alpha", channels="hub")
    running = process("-C", str(tmp_path), "daemon")
    assert slow.asked.wait(60)
    name = riverton.ask("status")["daemon"]["id"]
    said = riverton.ok("daemon", "drain", name[:13], "--wait", "0s")
    assert "asked to finish: the daemon on" in said.out
    slow.go_on.set()
    assert finish(running).code == 0


def test_a_killed_daemon_with_work_in_hand_is_not_said_to_have_ended_well(tmp_path: Path, slow: Slow) -> None:
    riverton = city(tmp_path, hub=slow.url)
    riverton.schedule("alpha", channels="hub")
    running = process("-C", str(tmp_path), "daemon")
    assert slow.asked.wait(60)
    running.kill()
    running.communicate(timeout=60)
    said = riverton.run("daemon", "drain", "--all", "--wait", "30s")
    assert (said.code, "has ended" in said.out) == (1, False)
    assert "died without a word; it holds: alpha on hub" in said.err
    assert "tip: what it held may be public" in said.err
    assert riverton.run("daemon", "drain", "--all", "--wait", "0s").code == 1
    told = riverton.ask("daemon", "drain", "--all")
    assert (told["drained"], told["daemons"][0]["standing"]) == (False, "died")
    slow.go_on.set()


def beat(office: Office, host: str, minutes: int) -> DaemonRecord:
    """Enter a daemon that was heard of some minutes ago and never said that it ended."""
    then = office.now - timedelta(minutes=minutes)
    row = DaemonRecord(
        id=f"d-{host}", host=host, pid=7, version="1", started_at=then, heartbeat_at=then, state="running"
    )
    with office.tx() as tx:
        meta.beat(tx, row)
    return row


def test_a_silent_daemon_is_not_known_to_have_ended_and_an_ended_one_is(
    tmp_path: Path, store_url: str
) -> None:
    office = Office(tmp_path, {"hub": Scripted("hub", Capabilities(title=True))})
    silent = beat(office, "web2", 5)
    lock = Lock(office.store.folder)
    lock.take()  # on SQLite: it stands still, but its process is there
    try:
        (found,) = draining.standing(office.store, draining.ask(office.store, office.person("ben"), None, ""))
    finally:
        lock.free()
    assert (found.daemon.id, found.state, found.gone) == (silent.id, "silent", False)
    with office.tx() as tx:
        meta.bury(tx, [silent.id])
    (found,) = draining.standing(office.store, [silent])
    assert (found.state, found.gone) == ("ended", True)
    assert draining.ask(office.store, office.person("ben"), None, "") == []


def test_a_drain_says_since_when_a_daemon_is_silent_and_exits_1_without_waiting_in_vain(
    tmp_path: Path,
) -> None:
    riverton = city(tmp_path)
    space = open_workspace(tmp_path)
    with space.store.write("test") as tx:
        then = tx.now - timedelta(minutes=5)
        meta.beat(
            tx,
            DaemonRecord(
                id="d1", host="web2", pid=7, version="1", started_at=then, heartbeat_at=then, state="running"
            ),
        )
    lock = Lock(space.store.folder)
    lock.take()
    try:
        said = riverton.run("daemon", "drain", "web2", "--wait", "2h")
    finally:
        lock.free()
        space.store.close()
    assert (said.code, "has ended" in said.out) == (1, False)
    assert (
        f"is silent since {then:%Y-%m-%d %H:%M:%S} UTC, not known to have ended; it holds: nothing"
        in said.err
    )
    assert "tip: look on its machine" in said.err


@pytest.fixture
def riverton(tmp_path: Path) -> City:
    return city(tmp_path)


def test_with_no_daemon_at_work_there_is_nothing_to_drain(riverton: City) -> None:
    assert riverton.ok("daemon", "drain", "--all").out == "no daemon is at work\n"
    said = riverton.run("daemon", "drain", "web2")
    assert (said.code, "no daemon at work is called web2" in said.err) == (1, True)
    assert riverton.ask("daemon", "drain", "--all") == {"drained": True, "daemons": []}


def test_one_daemon_or_all_must_be_named_and_only_publishers_and_admins_may(riverton: City) -> None:
    assert riverton.run("daemon", "drain").code == 2
    assert riverton.run("daemon", "drain", "web2", "--all").code == 2
    assert riverton.run("daemon", "--once", "drain", "--all").code == 2
    said = riverton.run("daemon", "drain", "--all", by="ana")
    assert (said.code, "may not drain daemons" in said.err) == (1, True)
