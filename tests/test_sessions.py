"""Secrets are renewed by one worker at a time, on threads and in processes, and never with a token shown before."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cli_city import SOURCES, City
from govpost.domain import Channel
from govpost.errors import PublishError, Refused, StoreUnavailable, Unauthorized, Unavailable
from govpost.fitted import Fitted
from govpost.sessions import LEASE, Sessions
from govpost.store import accounts, chain
from govpost.store.engine import Store
from govpost.times import utcnow
from govpost.workspace import open_workspace
from square import Square, city_with, open_square


@dataclass
class Place:
    """A city on the square, logged in, with a worker; its clock is `ahead` of ours."""

    square: Square
    city: City
    ahead: timedelta = timedelta()

    def __post_init__(self) -> None:
        self.space = open_workspace(self.city.root, self.now)
        self.fitted: Fitted = self.space.bench().fitted["square"]
        self.work = self.worker("one")

    def now(self) -> datetime:
        return utcnow() + self.ahead

    def worker(self, owner: str) -> Sessions:
        return Sessions(store=self.space.store, owner=owner)

    def log_in(self) -> Channel:
        with self.space.store.write("ben") as tx:
            accounts.keep_token(tx, "square", self.fitted.sealer.seal("square", self.square.tokens()))
        return self.work.open(self.fitted)

    def renew(self, failed: Channel, seconds: float = 30) -> Channel:
        return self.work.renew(self.fitted, failed, deadline=time.monotonic() + seconds)

    def events(self, verb: str) -> list[str]:
        with self.space.store.read() as conn:
            return [json.dumps(dict(each.detail)) for each in chain.find(conn) if each.verb == verb]


def fitted_anew(place: Place) -> Fitted:
    """Fit the square out under the config as it is now."""
    space = open_workspace(place.city.root)
    try:
        return space.bench().fitted["square"]
    finally:
        space.store.close()


@pytest.fixture
def square() -> Iterator[Square]:
    with open_square() as found:
        yield found


def settle(square: Square, root: Path, store: str, *, repeats: bool = False) -> Place:
    made = city_with(square, root, repeats=repeats, store=store)
    return Place(square, made)


@pytest.fixture
def place(square: Square, tmp_path: Path, store_url: str) -> Iterator[Place]:
    found = settle(square, tmp_path, store_url)
    yield found
    found.space.store.close()


def test_a_channel_is_opened_with_the_secrets_of_config_and_those_of_the_log_in(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.city.change(
        'platform = "square"',
        'platform = "square"\nsecrets = { key = "env:SQUARE_KEY", access_token = "env:OLD" }',
    )
    monkeypatch.setenv("SQUARE_KEY", "k1")
    place.log_in()
    fitted = fitted_anew(place)
    found = place.work.open(fitted)
    assert dict(found.secrets) == {
        "key": "k1",
        "access_token": place.square.access,
        "refresh_token": place.square.refresh,
    }
    assert "canary" not in repr(found)


def test_a_secret_that_is_not_there_names_the_log_in_where_there_is_one(place: Place) -> None:
    place.city.change('platform = "square"', 'platform = "square"\nsecrets = { key = "env:SQUARE_KEY" }')
    fitted = fitted_anew(place)
    with pytest.raises(Refused, match="SQUARE_KEY is not set") as caught:
        place.work.open(fitted)
    assert "or govpost channel login square" in caught.value.tip


def test_renewed_secrets_are_stored_before_anybody_uses_them(place: Place) -> None:
    failed = place.log_in()
    fresh = place.renew(failed)
    assert fresh.secrets["access_token"] == place.square.access == "access-canary-2-5519"
    assert place.worker("two").open(place.fitted).secrets == fresh.secrets
    (event,) = place.events("channel.refreshed")
    assert json.loads(event)["secrets"] == ["access_token", "refresh_token"]
    assert "canary" not in event


def test_who_comes_with_secrets_renewed_meanwhile_gets_the_new_ones(place: Place) -> None:
    failed = place.log_in()
    first = place.renew(failed)
    assert place.renew(failed).secrets == first.secrets
    assert len(place.square.used) == 1


def test_many_threads_show_a_refresh_token_only_once(place: Place) -> None:
    failed = place.log_in()
    place.square.go.clear()
    found: list[str] = []

    def work(number: int) -> None:
        fresh = place.worker(f"w{number}").renew(place.fitted, failed, deadline=time.monotonic() + 120)
        found.append(fresh.secrets["access_token"])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    assert place.square.asked.wait(60)
    place.square.go.set()
    for thread in threads:
        thread.join(120)
    assert found == [place.square.access] * 6
    assert place.square.used == ["refresh-canary-1-7713"]
    assert not place.square.closed


WORKER = """
import sys, time
from pathlib import Path
from govpost.errors import Unauthorized
from govpost.sessions import Sessions
from govpost.workspace import open_workspace
import httpx2
space = open_workspace(Path(sys.argv[1]))
fitted = space.bench().fitted["square"]
work = Sessions(store=space.store, owner=sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
done = 0
while done < int(sys.argv[3]):
    channel = work.open(fitted)
    headers = {"Authorization": "Bearer " + channel.secrets["access_token"]}
    if httpx2.get(channel.settings["url"] + "/me", headers=headers, trust_env=False).status_code == 401:
        work.renew(fitted, channel, deadline=time.monotonic() + 120)
    done += 1
print("done", flush=True)
"""


def worker(place: Place, owner: str, turns: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(place.city.root), owner, str(turns)],
        env={**os.environ, "PYTHONPATH": SOURCES},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def say_go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()


def test_two_processes_never_show_the_same_refresh_token_twice(place: Place) -> None:
    place.log_in()
    processes = [worker(place, name, 15) for name in ("left", "right")]
    for process in processes:
        say_go(process)
    end = threading.Event()

    def run_out() -> None:
        while not end.wait(0.02):
            place.square.expire()

    thread = threading.Thread(target=run_out)
    thread.start()
    said = [process.communicate(timeout=300) for process in processes]
    end.set()
    thread.join()
    assert [out for out, _ in said] == ["done\n", "done\n"], said
    assert not place.square.closed
    assert len(place.square.used) == len(set(place.square.used)) >= 2
    assert len(place.events("channel.refreshed")) == len(place.square.used)


def test_a_worker_killed_while_it_renews_leaves_a_question_for_a_person_and_never_a_repeat(
    place: Place,
) -> None:
    failed = place.log_in()
    place.square.expire()
    place.square.go.clear()
    process = worker(place, "doomed", 1)
    say_go(process)
    assert place.square.asked.wait(60)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with pytest.raises(Unavailable, match="another worker"):
        place.renew(failed, seconds=0.3)
    place.ahead = LEASE + timedelta(seconds=1)
    with pytest.raises(Unauthorized, match="nobody knows how it ended") as caught:
        place.renew(failed)
    assert caught.value.tip == "log in again: govpost channel login square"
    place.square.go.set()
    assert place.square.used in ([], ["refresh-canary-1-7713"])
    assert not place.square.closed
    place.log_in()
    assert place.work.open(place.fitted).secrets["access_token"] == place.square.access


def test_where_a_repeat_is_borne_a_dead_workers_lease_only_ends_by_time(
    square: Square, tmp_path: Path, store_url: str
) -> None:
    place = settle(square, tmp_path, store_url, repeats=True)
    failed = place.log_in()
    with place.space.store.write("daemon") as tx:
        row = accounts.token(tx.conn, "square")
        assert row is not None
        assert accounts.lease(
            tx, row, row.model_copy(update={"lease_owner": "dead", "lease_until": tx.now + LEASE})
        )
    with pytest.raises(Unavailable, match="another worker"):
        place.renew(failed, seconds=0.3)
    place.ahead = LEASE + timedelta(seconds=1)
    assert place.renew(failed).secrets["access_token"] == place.square.access
    place.square.steps = ["lose"]
    with pytest.raises(Unavailable):
        place.renew(place.work.open(place.fitted))
    place.space.store.close()


def test_a_lease_from_before_the_clock_was_set_back_does_not_last_for_days(
    square: Square, tmp_path: Path, store_url: str
) -> None:
    place = settle(square, tmp_path, store_url, repeats=True)
    failed = place.log_in()
    with place.space.store.write("daemon") as tx:
        row = accounts.token(tx.conn, "square")
        assert row is not None
        later = {"lease_owner": "dead", "lease_until": tx.now + timedelta(days=2)}
        assert accounts.lease(tx, row, row.model_copy(update=later))
    assert place.renew(failed).secrets["access_token"] == place.square.access
    place.space.store.close()


@pytest.mark.parametrize("step", ["lose", "break"])
def test_a_lost_answer_is_not_asked_for_again_until_a_person_logs_in(place: Place, step: str) -> None:
    failed = place.log_in()
    place.square.steps = [step]
    with pytest.raises(Unauthorized, match="the answer to a renewal was lost") as caught:
        place.renew(failed)
    assert caught.value.tip == "log in again: govpost channel login square"
    assert "canary" not in str(caught.value)
    with pytest.raises(Unauthorized, match="nobody knows how it ended"):
        place.renew(failed)
    assert place.square.used == ["refresh-canary-1-7713"]
    again = place.log_in()
    assert place.renew(again).secrets["access_token"] == place.square.access
    assert not place.square.closed


def test_a_platform_that_says_no_asks_for_a_log_in(place: Place) -> None:
    failed = place.log_in()
    place.square.steps = ["no", "no"]
    for _ in range(2):
        with pytest.raises(Unauthorized, match="invalid_grant") as caught:
            place.renew(failed)
        assert caught.value.tip == "log in again: govpost channel login square"


def test_what_the_platform_could_not_do_now_is_tried_again_later(place: Place) -> None:
    failed = place.log_in()
    place.square.steps = ["busy"]
    with pytest.raises(Unavailable):
        place.renew(failed)
    assert place.renew(failed).secrets["access_token"] == place.square.access


def test_what_was_clearly_refused_is_no_question_even_when_more_was_asked_after_it(place: Place) -> None:
    with place.space.store.write("ben") as tx:
        kept = place.square.tokens() | {"password": "pass-canary-1"}
        accounts.keep_token(tx, "square", place.fitted.sealer.seal("square", kept))
    failed = place.work.open(place.fitted)
    place.square.steps = ["no", "busy"]
    with pytest.raises(Unavailable):
        place.renew(failed)
    place.square.steps = ["no"]
    fresh = place.renew(failed)
    assert fresh.secrets["access_token"] == place.square.access
    assert fresh.secrets["password"] == "pass-canary-1"


class Unreadable(PublishError):
    def __str__(self) -> str:
        raise RuntimeError("nobody reads this")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("canary-1"), "the plugin failed: KeyError"),
        (SystemExit("canary-1"), "the plugin failed: SystemExit"),
        (Unreadable("canary-1"), "the plugin failed with a Unreadable that cannot be read"),
    ],
)
def test_a_plugin_that_breaks_before_it_asks_uses_nothing_up_and_its_words_are_left_out(
    place: Place, monkeypatch: pytest.MonkeyPatch, error: BaseException, said: str
) -> None:
    failed = place.log_in()

    def refresh(*_: object) -> dict[str, str]:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(place.fitted.platform, "refresh", refresh, raising=False)
        with pytest.raises(Unauthorized) as caught:
            place.renew(failed)
    assert str(caught.value) == said
    assert place.renew(failed).secrets["access_token"] == place.square.access


def test_a_person_who_interrupts_a_renewal_leaves_it_an_open_question(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = place.log_in()

    def interrupted(*_: object) -> dict[str, str]:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(place.fitted.platform, "refresh", interrupted, raising=False)
        with pytest.raises(KeyboardInterrupt):
            place.renew(failed)
    with pytest.raises(Unavailable, match="another worker"):
        place.renew(failed, seconds=0.3)


def test_a_log_in_meanwhile_wins_over_a_renewal_that_comes_back_late(place: Place) -> None:
    failed = place.log_in()
    place.square.go.clear()
    found: list[Channel] = []
    thread = threading.Thread(target=lambda: found.append(place.renew(failed, 60)))
    thread.start()
    assert place.square.asked.wait(60)
    with place.space.store.write("ben") as tx:
        accounts.keep_token(tx, "square", place.fitted.sealer.seal("square", {"access_token": "typed"}))
    place.square.go.set()
    thread.join(60)
    assert [dict(each.secrets) for each in found] == [{"access_token": "typed"}]
    assert place.events("channel.refreshed") == []


def test_a_worker_whose_own_clock_is_ahead_does_not_end_a_lease_that_holds(place: Place) -> None:
    failed = place.log_in()
    with place.space.store.write("daemon") as tx:
        row = accounts.token(tx.conn, "square")
        assert row is not None
        accounts.lease(tx, row, row.model_copy(update={"lease_owner": "x", "lease_until": tx.now + LEASE}))
    place.space.store.clock = lambda: place.now() + 3 * LEASE
    with pytest.raises(Unavailable, match="another worker"):
        place.renew(failed, seconds=0.3)
    assert place.square.used == []


def test_a_channel_that_nobody_logged_in_renews_under_a_lease_too(place: Place) -> None:
    failed = place.work.open(place.fitted)
    place.square.steps = ["no"]
    with pytest.raises(Unauthorized, match="invalid_grant"):
        place.renew(failed)
    with place.space.store.read() as conn:
        row = accounts.token(conn, "square")
    assert row is not None
    assert (row.n, row.lease_owner, place.fitted.sealer.open("square", row.sealed)) == (0, None, {})


def test_a_wait_for_another_worker_ends_when_everything_stops(place: Place) -> None:
    failed = place.log_in()
    with place.space.store.write("daemon") as tx:
        row = accounts.token(tx.conn, "square")
        assert row is not None
        accounts.lease(tx, row, row.model_copy(update={"lease_owner": "x", "lease_until": tx.now + LEASE}))
    with pytest.raises(Unavailable, match="another worker"):
        place.work.renew(place.fitted, failed, deadline=time.monotonic() + 600, stop=lambda: True)


def test_without_the_key_a_person_is_asked_and_nothing_is_sent(place: Place) -> None:
    failed = place.log_in()
    place.fitted.sealer.path.unlink()
    with pytest.raises(Unauthorized, match="the key of the stored secrets cannot be read"):
        place.renew(failed)
    assert place.square.used == []


class Sulking(Store):
    """A store that takes no commit while it sulks."""

    sulks = 0

    def write(self, actor: str):  # type: ignore[no-untyped-def,override]
        if self.sulks:
            self.sulks -= 1
            raise StoreUnavailable("the disk is full", "make room")
        return super().write(actor)


def test_renewed_secrets_are_insisted_on_when_the_store_does_not_take_them(place: Place) -> None:
    failed = place.log_in()
    store = Sulking(place.space.config.store.database, place.city.root, place.now)
    naps: list[float] = []
    work = Sessions(store=store, owner="one", sleep=naps.append)
    place.square.go.clear()

    def sulk(count: int) -> None:
        assert place.square.asked.wait(60)
        store.sulks = count
        place.square.go.set()

    thread = threading.Thread(target=sulk, args=(3,))
    thread.start()
    fresh = work.renew(place.fitted, failed, deadline=time.monotonic() + 60)
    thread.join()
    assert fresh.secrets["access_token"] == place.square.access
    assert naps == [0.1, 0.3, 1.0]
    place.square.asked.clear()
    place.square.go.clear()
    thread = threading.Thread(target=sulk, args=(1000,))
    thread.start()
    with pytest.raises(Unauthorized, match="could not be stored"):
        work.renew(place.fitted, fresh, deadline=time.monotonic() + 60)
    thread.join()
    store.close()


def test_while_the_store_cannot_be_written_nothing_is_sent(place: Place) -> None:
    failed = place.log_in()
    store = Sulking(place.space.config.store.database, place.city.root, place.now)
    store.sulks = 1
    work = Sessions(store=store, owner="one")
    with pytest.raises(Unavailable, match="the disk is full"):
        work.renew(place.fitted, failed, deadline=time.monotonic() + 60)
    assert place.square.used == []
    assert work.renew(place.fitted, failed, deadline=time.monotonic() + 60).secrets != failed.secrets
    store.close()


def test_a_lease_that_cannot_be_given_back_ends_by_time(place: Place) -> None:
    failed = place.log_in()
    store = Sulking(place.space.config.store.database, place.city.root, place.now)
    work = Sessions(store=store, owner="one")
    place.square.go.clear()
    caught: list[PublishError] = []

    def renew() -> None:
        try:
            work.renew(place.fitted, failed, deadline=time.monotonic() + 60)
        except PublishError as error:
            caught.append(error)

    place.square.steps = ["", "lose"]
    thread = threading.Thread(target=renew)
    place.square.steps = ["lose"]
    thread.start()
    assert place.square.asked.wait(60)
    store.sulks = 1
    place.square.go.set()
    thread.join(60)
    assert [str(each).split(":")[0] for each in caught] == ["the answer to a renewal was lost"]
    with pytest.raises(Unavailable, match="another worker"):
        place.renew(failed, seconds=0.3)
    store.close()
