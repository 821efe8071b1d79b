"""`govpost store`: a store is checked, backed up, put back and upgraded, and every answer says what to do next."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from cli_city import City, city, day
from govpost.daemon.lock import Lock
from postgres import Server
from test_migrations import released


@pytest.fixture
def town(tmp_path: Path) -> City:
    made = city(tmp_path)
    made.schedule("library-hours")
    made.schedule("council-meeting", more=f"at: {day(30)} 09:00\n")
    made.deliver()
    return made


def database(town: City) -> Path:
    return town.root / ".govpost" / "govpost.db"


def backup(town: City, name: str = "copy.db") -> Path:
    path = town.root / name
    town.ok("store", "backup", str(path))
    return path


# --- check -----------------------------------------------------------------------------------------------------


def test_a_whole_store_is_said_to_be_whole(town: City) -> None:
    said = town.ok("store", "check")
    assert "is whole: schema 3" in said.out
    found = town.ask("store", "check")
    assert found["ok"] is True
    assert found["counts"]["delivery"] == 2
    assert found["head"] == town.ask("audit", "verify")["head"]


def test_a_changed_event_is_found_and_the_exit_code_says_so(town: City) -> None:
    conn = sqlite3.connect(database(town))
    conn.execute("UPDATE event SET why = 'nothing to see' WHERE id = 3")
    conn.commit()
    conn.close()
    said = town.run("store", "check")
    assert said.code == 1
    assert "the event chain is broken: event 3" in said.out
    assert "tip: " in said.out


# --- backup ----------------------------------------------------------------------------------------------------


def test_a_backup_is_private_whole_and_says_what_is_not_in_it(town: City) -> None:
    said = town.ok("store", "backup", str(town.root / "copy.db"))
    assert "vault" in said.out
    copy = town.root / "copy.db"
    assert copy.stat().st_mode & 0o777 == 0o600
    assert town.ok("store", "check", str(copy)).code == 0
    assert list(town.root.glob(".copy*")) == []


def test_a_backup_never_replaces_a_file(town: City) -> None:
    path = backup(town)
    before = path.read_bytes()
    said = town.run("store", "backup", str(path))
    assert said.code == 1
    assert "is there already" in said.err
    assert path.read_bytes() == before


def test_a_backup_is_on_the_record_and_needs_an_admin_or_records(town: City) -> None:
    backup(town)
    assert [each["verb"] for each in town.ask("audit", "log")][-1] == "store.backup"
    said = town.run("store", "backup", str(town.root / "mine.db"), by="ana")
    assert said.code == 1
    assert "needs the role" in said.err
    assert not (town.root / "mine.db").exists()


# --- restore ---------------------------------------------------------------------------------------------------


def test_a_restored_store_is_frozen_and_the_old_one_is_kept(town: City) -> None:
    path = backup(town)
    town.schedule("street-closure")
    old = town.ask("audit", "verify")["head"]
    said = town.ok("store", "restore", str(path), "--reason", "a test")
    (aside,) = database(town).parent.glob("govpost.db.before-*")
    assert str(aside) in said.out
    assert "everything is frozen" in said.out
    status = town.run("status")
    assert "restored from the backup of" in status.out
    conn = sqlite3.connect(aside)
    number, head = conn.execute("SELECT event_id, hash FROM head").fetchone()
    conn.close()
    assert f"{number}:{head}" == old
    assert town.ask("store", "check")["ok"] is True


def test_a_backup_copied_into_place_by_hand_is_frozen_and_the_first_order_makes_it_safe(town: City) -> None:
    town.schedule("street-closure")
    path = backup(town)
    town.deliver()
    database(town).write_bytes(path.read_bytes())
    assert "restored from the backup of" in town.run("status").out
    said = town.ok("queue", "list")
    assert "uncertain" not in said.out
    thawed = town.ok("thaw", "--reason", "too early", by="cleo")
    assert "everything is frozen: restored from the backup of" in thawed.err
    assert [each["state"] for each in town.ask("delivery", "list", "--post", "street-closure")] == [
        "uncertain"
    ]
    town.deliver()
    assert town.ask("audit", "verify")["ok"] is True


def test_an_absent_store_is_put_back(town: City) -> None:
    path = backup(town)
    database(town).unlink()
    done = town.ask("store", "restore", str(path))
    assert done["aside"] is None
    assert town.ask("store", "check")["ok"] is True


def test_a_damaged_backup_is_refused_and_nothing_changes(town: City) -> None:
    path = backup(town)
    conn = sqlite3.connect(path)
    conn.execute("DELETE FROM event WHERE id = 3")
    conn.commit()
    conn.close()
    before = database(town).read_bytes()
    said = town.run("store", "restore", str(path))
    assert said.code == 1
    assert "is not whole: the event chain is broken: event 3 is missing" in said.err
    assert database(town).read_bytes() == before


def test_a_running_daemon_is_in_the_way_of_a_restore_and_of_an_upgrade(town: City) -> None:
    path = backup(town)
    lock = Lock(database(town).parent)
    lock.take()
    try:
        for line in (("restore", str(path)), ("upgrade",), ("move", "sqlite:///other.db")):
            said = town.run("store", *line)
            assert said.code == 1
            assert "a daemon is already running" in said.err
    finally:
        lock.free()


# --- upgrade ---------------------------------------------------------------------------------------------------


@pytest.fixture
def old(tmp_path: Path) -> City:
    made = city(tmp_path, start=False)
    (tmp_path / ".govpost").mkdir(mode=0o700)
    released(tmp_path / ".govpost")
    return made


def test_an_old_store_says_in_one_line_what_to_do(old: City) -> None:
    said = old.run("status")
    assert said.code == 1
    assert "the store has schema 2, this govpost needs 3" in said.err
    assert "govpost store upgrade" in said.err


def test_an_old_store_is_upgraded_by_one_command(old: City) -> None:
    assert "nothing was changed" in old.ok("store", "upgrade", "--dry-run").out
    said = old.ok("store", "upgrade")
    assert "from schema 2 to 3" in said.out
    assert "the newest" in old.ok("store", "upgrade").out
    assert old.ask("store", "check")["ok"] is True
    assert {each["state"] for each in old.ask("delivery", "list")} == {"live", "queued", "uncertain"}


def test_an_old_store_can_be_backed_up_and_its_backup_restored(old: City) -> None:
    path = backup(old)
    old.ok("store", "upgrade")
    old.ok("store", "restore", str(path))
    assert old.ask("store", "check")["ok"] is True
    assert json.loads(old.run("--json", "audit", "verify").out)["ok"] is True


def test_only_an_admin_upgrades(old: City) -> None:
    said = old.run("store", "upgrade", by="ana")
    assert said.code == 1
    assert "needs the role admin" in said.err


# --- move ------------------------------------------------------------------------------------------------------


def test_a_moved_store_takes_no_more_writes_and_the_new_one_goes_on(town: City) -> None:
    events = town.ask("store", "check")["counts"]["event"]
    said = town.ok("store", "move", "sqlite:///.govpost/other.db")
    assert 'database = "sqlite:///.govpost/other.db"' in said.out
    refused = town.run("freeze", "--reason", "a test")
    assert refused.code == 1
    assert "this store was moved to" in refused.err
    town.change("[security]", '[store]\ndatabase = "sqlite:///.govpost/other.db"\n\n[security]')
    found = town.ask("store", "check")
    assert found["ok"] is True
    assert found["counts"]["event"] == events + 1
    assert town.ask("audit", "log")[-1]["verb"] == "store.move"
    town.ok("freeze", "--reason", "a test")


def test_a_store_moves_to_postgresql_and_is_backed_up_and_restored_there(
    town: City, postgresql: Server
) -> None:
    url = postgresql.fresh()
    moved = town.ask("store", "move", url)
    assert moved["config"] == f'database = "{url}"'
    town.change("[security]", f'[store]\ndatabase = "{url}"\n\n[security]')
    town.schedule("street-closure")
    into = town.root / "copies"
    made = town.ask("store", "backup", f"{into}/")
    assert Path(made["path"]).parent == into
    assert town.ok("store", "check", made["path"]).code == 0
    town.deliver()
    done = town.ask("store", "restore", str(into), "--reason", "a test")
    assert done["uncertain"] == 1
    assert "govpost_before_" in done["aside"]
    states = [each["state"] for each in town.ask("delivery", "list", "--post", "street-closure")]
    assert states == ["uncertain"]
    town.deliver()
    (row,) = town.ask("delivery", "list", "--post", "street-closure")
    assert row["state"] == "live", "the website can be asked, also while everything is frozen"
    assert town.ask("store", "check")["ok"] is True
    assert town.ask("audit", "verify")["ok"] is True


def test_a_move_to_a_place_that_is_not_empty_is_refused(town: City) -> None:
    (town.root / "other").mkdir()
    other = city(town.root / "other")
    said = town.run("store", "move", f"sqlite:///{database(other)}")
    assert said.code == 1
    assert "is not empty" in said.err
    town.ok("freeze", "--reason", "the old one still takes writes")


def test_a_password_in_the_address_is_refused_and_not_repeated(town: City) -> None:
    said = town.run("store", "move", "postgresql+psycopg://govpost:hunter2@db.example.gov/govpost")
    assert said.code == 2
    assert "hunter2" not in said.out + said.err
    assert "[store] password" in said.err
