"""What a daemon says of itself, and what it learns from the rows of the others."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from govpost.daemon import housekeeping, jumps, lock, peers
from govpost.daemon.clock import Clocks
from govpost.daemon.presence import Presence
from govpost.domain import Capabilities
from govpost.registry import Registry
from govpost.store import meta, obstacles
from govpost.store.machine_rows import DaemonRecord
from govpost.times import utcnow
from live import Live, Space, living, until
from office import Office, Scripted

PLAIN = Capabilities(title=True, link=True)


@pytest.fixture
def hub() -> Scripted:
    return Scripted("hub", PLAIN)


@pytest.fixture
def office(tmp_path: Path, hub: Scripted, store_url: str) -> Iterator[Office]:
    office = Office(tmp_path, {"hub": hub})
    office.start()
    yield office
    office.store.close()


@pytest.fixture
def presence(office: Office) -> Presence:
    space = Space(
        root=office.root, config=office.config, store=office.store, clock=lambda: office.now, office=office
    )
    return Presence(space, office.bench, 10**18)


def other(office: Office, **known: Any) -> DaemonRecord:
    fields = {"host": "web2", "pid": 8, "version": "1", "state": "running", "config_hash": "f" * 64}
    times = {"started_at": office.now, "heartbeat_at": office.now}
    record = DaemonRecord(id="other", **fields | times | known)
    with office.tx("daemon") as tx:
        meta.beat(tx, record)
    return record


def said(live: Live) -> str:
    """Return what a daemon's row says about the newest; nothing while it has no row."""
    with live.office.store.read() as conn:
        return "".join(row.why for row in meta.daemons(conn) if row.id == live.daemon.id)


def test_the_heartbeat_says_what_it_works_by_and_keeps_what_others_ask(
    office: Office, presence: Presence
) -> None:
    presence.beat(peers.RUNNING)
    with office.tx() as tx:
        meta.ask_drain(tx, [presence.record.id], "by ben")
    office.wait(5)
    presence.beat(peers.RUNNING)
    with office.store.read() as conn:
        (row,) = meta.daemons(conn)
    assert (row.config_hash, row.drain, row.heartbeat_at) == (office.config.hash, "by ben", office.now)
    assert row.config_at is not None
    assert row.plugins_hash.startswith("office:")
    assert presence.look().drain == "by ben"


def test_what_it_has_to_say_stands_in_its_row_until_it_is_over(office: Office, presence: Presence) -> None:
    assert presence.show("newest", "old plugins")
    assert not presence.show("newest", "old plugins")
    presence.troubled("the disk is full")
    presence.beat(peers.RUNNING)
    with office.store.read() as conn:
        assert meta.daemons(conn)[0].why == "the disk is full; old plugins"
    presence.mended()
    assert presence.show("newest", "")
    presence.say(peers.RUNNING)
    with office.store.read() as conn:
        assert meta.daemons(conn)[0].why == ""


def test_where_it_is_alone_by_right_others_rows_change_nothing(office: Office, presence: Presence) -> None:
    other(office, config_at=office.now + timedelta(days=900))
    office.store.backend.several = False
    found = presence.look()
    assert (found.stands_back, found.alone) == ("", False)


def test_where_several_work_it_stands_back_from_a_newer_config(office: Office, presence: Presence) -> None:
    office.store.backend.several = True
    other(office, config_at=office.now + timedelta(days=900))
    assert "is older than that of the daemon on web2 (process 8)" in presence.look().stands_back
    newer = presence.working_by(office.config, office.bench, 3 * 10**18)
    assert presence.look(newer).stands_back == ""
    office.wait(peers.STALE + timedelta(seconds=1))
    assert presence.look().alone


def test_one_that_the_store_was_upgraded_past_claims_nothing(office: Office, hub: Scripted) -> None:
    with living(office) as live:
        until(lambda: live.daemon._ready)
        with office.store.write("ben") as tx:
            meta.put(tx.conn, "needs", 99)
        until(lambda: "needs a govpost for schema 99" in said(live))
        assert not live.daemon._may_claim()
        with office.store.write("ben") as tx:
            meta.put(tx.conn, "needs", 3)
        until(live.daemon._may_claim)


def test_a_daemon_that_differs_does_nothing_by_its_old_config(office: Office, hub: Scripted) -> None:
    live = Live(office)
    live.office.store.backend.several = True
    record = other(office, config_at=live.now() + timedelta(days=1), heartbeat_at=live.now())
    live.start()
    until(lambda: "is older" in said(live))
    assert not office.events("daemon.start")
    with office.store.write("daemon") as tx:
        meta.beat(tx, record.model_copy(update={"state": "stopped"}))
    until(live.daemon._may_claim)
    assert office.events("daemon.start")
    live.stop()


def test_a_dead_ones_lock_of_another_host_is_only_cleared_away(office: Office, presence: Presence) -> None:
    office.store.backend.several = True
    other(office, host="elsewhere")
    own = lock.OwnLock(office.store.folder, "other")
    own.take()
    housekeeping.take_back_from_dead(office.store, presence.record)
    assert own.path.exists()
    assert own._handle is not None
    os.close(own._handle)  # as the kernel does when it dies
    housekeeping.take_back_from_dead(office.store, presence.record)
    assert not own.path.exists()
    with office.store.read() as conn:
        assert [row.state for row in meta.daemons(conn) if row.id == "other"] == ["running"]


def test_a_machine_that_slept_asks_the_database_and_follows_no_jump(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.store.backend.several = True
    wall = Clock(office)
    clocks = Clocks(lambda: wall.now, lambda: office.seconds)
    wall.now += timedelta(hours=2)
    monkeypatch.setattr(office.store, "write", wall.asked(office.store.write))
    jumps.judge(office.store, office.config, office.bench, "a", clocks)
    assert not office.events("daemon.clock")
    wall.right += timedelta(hours=2)
    wall.now = wall.right
    jumps.judge(office.store, office.config, office.bench, "a", clocks)
    assert len(office.events("daemon.clock")) == 1
    assert not clocks.parted()


class Clock:
    """The store's clock as a daemon carries it on: wrong until the database is asked again."""

    def __init__(self, office: Office) -> None:
        self.now = self.right = office.now

    def asked(self, write: Any) -> Any:
        def asking(*arguments: Any, **known: Any) -> Any:
            self.now = self.right
            return write(*arguments, **known)

        return asking


def test_a_plugin_that_is_switched_on_again_is_loaded_by_a_daemon_that_had_left_it_out(
    office: Office, presence: Presence
) -> None:
    assert not presence.look().plugin_back
    off = [dataclasses.replace(each, state="disabled") for each in office.registry.plugins]
    registry = Registry(plugins=off)
    with office.tx() as tx:
        meta.put(tx.conn, obstacles.DISABLED, {"office": {"reason": "x", "platforms": ["hub"]}})
    presence.took_over(presence.record, dataclasses.replace(office.bench, registry=registry))
    assert not presence.look().plugin_back
    with office.tx() as tx:
        meta.put(tx.conn, obstacles.DISABLED, {})
    assert presence.look().plugin_back


def test_its_row_is_there_before_it_claims_anything(office: Office, presence: Presence) -> None:
    office.wait(60)
    housekeeping.begin(office.store, office.config, office.bench, presence.record, alone=True)
    with office.store.read() as conn:
        (row,) = meta.daemons(conn)
    assert (row.id, row.state, row.heartbeat_at) == (presence.record.id, peers.RUNNING, office.now)


def test_what_this_machine_has_no_secret_for_stands_in_its_row_until_it_has(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.now = utcnow()
    office.release("road")
    secret = 'settings = { room = "hub" }\nsecrets = { key = "env:GONE_2" }'
    office.edit_config('settings = { room = "hub" }', secret)
    live = Live(office)
    live.office.store.backend.several = True
    live.start()
    until(lambda: "nothing is sent to hub from this machine: " in said(live))
    assert "GONE_2 is not set" in said(live)
    assert not peers.serves(live.row(), "hub")
    monkeypatch.setenv("GONE_2", "a secret that is there")
    until(lambda: office.one("road").state == "live")
    until(lambda: said(live) == "")
    live.stop()


def test_a_daemon_serves_what_it_does_not_say_it_lacks() -> None:
    lacking = {"hub": "KEY is not set", "wall": "the vault is locked"}
    row = DaemonRecord.model_construct(why=peers.lacks(lacking))
    assert [peers.serves(row, name) for name in ("hub", "wall", "news", "hu")] == [False, False, True, True]
    assert peers.lacks({}) == ""
