"""Several daemons on one PostgreSQL: they share the work, do each duty once, and one's trouble is not the others'."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

import live
import office
import postgres
from govpost import people
from govpost.daemon import draining
from govpost.store import chain, deliveries
from govpost.store.machine_rows import DaemonRecord
from govpost.store.rows import ATTEMPT
from govpost.times import utcnow
from live import City, Receiver
from test_daemon import SLOW_STAGE

SHORT = "import govpost.publisher as p, datetime; p.LEASE_MARGIN = datetime.timedelta(seconds=1)\n"
"""Lets a lease run out a second after its attempt."""
SKEWED = (
    "from datetime import UTC, datetime, timedelta\nimport govpost.times as t\n"
    "t.utcnow = lambda: datetime.now(UTC) + timedelta(hours={})\n"
)
"""Puts the machine's own clock wrong, before anything has looked at it."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


until = partial(live.until, seconds=120)
"""Machines that test much at once start a process slowly."""

Opens = Callable[..., City]


@pytest.fixture
def opens(tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opens]:
    """Return what opens a city whose store is a PostgreSQL's; what still runs there at the end is killed."""
    cities: list[City] = []

    def opens(server: postgres.Server, *, attempt: str = "120s", more: str = "", **known: Any) -> City:
        monkeypatch.setattr(office, "STORE", server.fresh())
        cities.append(City(tmp_path, receiver.url, more=f'[daemon]\nattempt = "{attempt}"\n{more}', **known))
        return cities[-1]

    yield opens
    for city in cities:
        city.end()


@pytest.fixture
def city(opens: Opens, postgresql: postgres.Server) -> City:
    return opens(postgresql)


def running(city: City) -> list[DaemonRecord]:
    return [row for row in city.rows() if row.state == "running"]


def start(city: City, many: int, **known: Any) -> list[subprocess.Popen[str]]:
    before = len(running(city))
    started = [city.daemon(**known) for _ in range(many)]
    until(lambda: len(running(city)) >= before + many)
    return started


def owners(city: City) -> Counter[str]:
    with city.space.store.read() as conn:
        return Counter(conn.execute(select(ATTEMPT.c.owner)).scalars())


def states(city: City) -> Counter[str]:
    with city.space.store.read() as conn:
        return Counter(row.state for row in deliveries.find(conn))


def stop(*processes: subprocess.Popen[str]) -> list[str]:
    """Stop daemons as a service manager does and return what each has logged."""
    for process in processes:
        process.send_signal(signal.SIGTERM)
    said = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), said
    assert "Traceback" not in "".join(said)
    return said


def slow(post: dict[str, Any]) -> tuple[int, dict[str, str]]:
    time.sleep(0.3)
    return 201, {"id": post["key"]}


@pytest.mark.parametrize("many", [2, 4])
def test_they_share_the_work_and_each_delivery_goes_out_once(
    city: City, receiver: Receiver, many: int
) -> None:
    receiver.behave = slow
    processes = start(city, many)
    rows = [city.release(f"news-{number}") for number in range(12)]
    until(lambda: states(city)["live"] == len(rows))
    logs = stop(*processes)
    assert sorted(post["key"] for post in receiver.posts) == sorted(row.id for row in rows)
    assert len(owners(city)) > 1
    assert "".join(logs).count("the head of the event chain is") == 1
    assert {row.state for row in city.rows()} == {"stopped"}
    city.verbs()


def test_each_event_is_told_by_one_of_them_once(
    tmp_path: Path, opens: Opens, postgresql: postgres.Server, receiver: Receiver
) -> None:
    told = tmp_path / "told"
    script = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + '\\n')"
    more = f"[notify]\ncommand = {json.dumps([sys.executable, '-c', script])}\n"
    city = opens(postgresql, more=more)
    receiver.behave = lambda _post: (422, {"error": "no"})
    processes = start(city, 3)
    for number in range(6):
        city.release(f"news-{number}")
    until(lambda: states(city)["failed"] == 6)
    until(lambda: told.exists() and len(told.read_text().splitlines()) >= 6)
    stop(*processes)
    with city.space.store.read() as conn:
        failed = sorted(event.id for event in chain.find(conn) if event.verb == "delivery.failed")
    assert sorted(json.loads(line)["id"] for line in told.read_text().splitlines()) == failed


def test_one_that_is_drained_ends_and_the_other_goes_on(city: City, receiver: Receiver) -> None:
    one, other = start(city, 2)
    ben = people.who(city.space.config, "ben")
    (asked,) = draining.ask(city.space.store, ben, f"{running(city)[0].host}:{one.pid}", "a new kernel")
    assert asked.pid == one.pid
    assert one.wait(120) == 0
    assert all(each.gone for each in draining.standing(city.space.store, [asked]))
    row = city.release("road")
    until(lambda: city.one("road").state == "live")
    assert [post["key"] for post in receiver.posts] == [row.id]
    assert [row.pid for row in running(city)] == [other.pid]
    stop(other)
    assert "daemon.drain" in city.verbs()


def test_a_name_that_fits_several_daemons_is_refused_and_all_can_be_drained(city: City) -> None:
    processes = start(city, 2)
    ben = people.who(city.space.config, "ben")
    with pytest.raises(draining.Refused, match="fits 2 daemons"):
        draining.ask(city.space.store, ben, running(city)[0].host, "")
    assert len(draining.ask(city.space.store, ben, None, "")) == 2
    assert [process.wait(120) for process in processes] == [0, 0]


def test_one_with_an_older_config_claims_nothing_and_says_why_until_it_is_brought_up_to_date(
    city: City, tmp_path: Path, receiver: Receiver
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.toml").write_text((city.root / "config.toml").read_text())
    stale = city.daemon(root=other)
    until(lambda: len(running(city)) == 1)
    city.edit('windows = ["always"]', "per_day = 900")
    city.space.store.close()
    city.open()
    (fresh,) = start(city, 1)
    until(lambda: any("is older than that of" in row.why for row in running(city)))
    by_pid = {row.pid: row for row in running(city)}
    assert "bring it up to date" in by_pid[stale.pid].why
    assert by_pid[fresh.pid].why == ""
    for number in range(4):
        city.release(f"news-{number}")
    until(lambda: states(city)["live"] == 4)
    assert set(owners(city)) == {by_pid[fresh.pid].id}
    shutil.copy(city.root / "config.toml", other / "config.toml")
    until(lambda: all(row.why == "" for row in running(city)))
    stop(fresh)
    city.release("road")
    until(lambda: city.one("road").state == "live")
    assert owners(city)[by_pid[stale.pid].id] == 1
    (log,) = stop(stale)
    assert f"nothing is claimed: {other / 'config.toml'} on " in log
    assert "this daemon agrees with the newest; going on" in log


def test_the_database_says_what_time_it_is_however_wrong_the_machines_clocks_are(
    city: City, receiver: Receiver
) -> None:
    wall = utcnow().astimezone(ZoneInfo("America/Chicago")) + timedelta(hours=1)
    later = city.release("later", more=f"not_before: {wall:%Y-%m-%d %H:%M}\n")
    processes = start(city, 1, before=SKEWED.format(5)) + start(city, 1, before=SKEWED.format(-5))
    receiver.behave = slow
    for number in range(8):
        city.release(f"news-{number}")
    until(lambda: states(city)["live"] == 8)
    for row in running(city):
        assert abs(utcnow() - row.heartbeat_at) < timedelta(minutes=1)
    logs = stop(*processes)
    for log, way in zip(logs, ("ahead of", "behind"), strict=True):
        assert f"this machine's clock is 5 h {way} the database's" in log.replace("4 h 59 min", "5 h")
    assert city.one("later").state == "queued"
    assert later.id not in [post["key"] for post in receiver.posts]
    assert "daemon.clock" not in city.verbs()
    assert len(owners(city)) == 2


def test_what_a_killed_one_held_is_taken_back_at_once_by_another_on_the_same_machine(
    city: City, receiver: Receiver
) -> None:
    go_on = threading.Event()
    receiver.behave = lambda post: (201, {"id": str(post["title"] == "Road" and go_on.wait(60))})
    (first,) = start(city, 1)
    city.release("road")
    until(lambda: receiver.posts)
    (second,) = start(city, 1)
    first.kill()
    first.wait()
    until(lambda: city.one("road").state == "uncertain")
    assert {row.pid: row.state for row in city.rows()}[first.pid] == "died"
    go_on.set()
    stop(second)
    assert len(receiver.posts) == 1
    assert list((city.root / ".govpost" / "daemons").iterdir()) == []


def test_one_stopped_after_the_gate_for_longer_than_its_lease_is_uncertain_and_nothing_is_sent_again(
    tmp_path: Path, opens: Opens, postgresql: postgres.Server, receiver: Receiver
) -> None:
    city = opens(postgresql, attempt="3s")
    go_on = threading.Event()
    receiver.behave = lambda _post: (go_on.wait(60), (201, {"id": "7"}))[1]
    (first,) = start(city, 1, before=SHORT)
    city.release("road")
    until(lambda: receiver.posts)
    first.send_signal(signal.SIGSTOP)
    (second,) = start(city, 1, before=SHORT)
    until(lambda: city.one("road").state == "uncertain")
    go_on.set()
    first.send_signal(signal.SIGCONT)
    stop(first, second)
    # The answer may have come through before the late end of the attempt cut it off; nothing is sent again either way.
    row = city.one("road")
    assert (row.state, row.remote_id) in (("live", "7"), ("uncertain", None))
    assert len(receiver.posts) == 1
    city.verbs()


def test_one_stopped_before_the_gate_for_longer_than_its_lease_publishes_nothing_when_it_goes_on(
    tmp_path: Path, opens: Opens, postgresql: postgres.Server, receiver: Receiver
) -> None:
    (tmp_path / "plugins").mkdir(mode=0o755)
    (tmp_path / "plugins/slow.py").write_text(SLOW_STAGE.replace("time.sleep(60)", "time.sleep(2)"))
    city = opens(postgresql, attempt="4s", platform="slow")
    (first,) = start(city, 1, before=SHORT)
    city.release("road")
    until((tmp_path / "plugins/staging").exists)
    first.send_signal(signal.SIGSTOP)
    (second,) = start(city, 1, before=SHORT)
    until(lambda: city.one("road").state == "live")
    first.send_signal(signal.SIGCONT)
    until(lambda: any(row.pid == first.pid and row.state == "running" for row in city.rows()))
    stop(first, second)
    assert receiver.slugs() == ["road"]
    assert city.one("road").state == "live"


def test_a_restart_of_the_database_in_the_middle_loses_and_repeats_nothing(
    opens: Opens, receiver: Receiver
) -> None:
    with postgres.running(durable=True) as server:
        city = opens(server)
        processes = start(city, 2)
        rows = [city.release(f"news-{number}") for number in range(4)]
        until(lambda: states(city)["live"] >= 1)
        server.stop()
        time.sleep(1)
        server.start()
        until(lambda: states(city)["live"] + states(city)["uncertain"] == len(rows))
        more = city.release("road")
        until(lambda: city.one("road").state == "live")
        stop(*processes)
        keys = Counter(post["key"] for post in receiver.posts)
        assert set(keys) == {row.id for row in [*rows, more]}
        assert max(keys.values()) == 1
        city.verbs()


def test_a_database_that_stands_still_holds_up_no_stop(opens: Opens, receiver: Receiver) -> None:
    with postgres.running() as server:
        city = opens(server, more='drain = "1s"\n')
        (process,) = start(city, 1, before="import govpost.daemon.ending as e; e.GRACE = 2\n")
        server.freeze()
        try:
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=60)[1]
        finally:
            server.thaw()
        assert process.returncode == 1
        assert "the store does not answer: ending without it" in said
