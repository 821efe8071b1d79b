"""`govpost store`: a store is checked, backed up, put back and upgraded, and every answer says what to do next."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from pathlib import Path

import pytest

from cli_city import City, city, day, process, read_until
from govpost.daemon.lock import Lock
from govpost.store.engine import Store
from postgres import Server
from test_copying import name_medium
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
    assert "No store told" not in said.out
    status = town.run("status")
    assert "restored from the backup of" in status.out
    assert "it may be public too" not in status.out
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
    assert (done["aside"], done["compared"]) == (None, False)
    assert town.ask("store", "check")["ok"] is True


def test_without_the_old_store_it_is_said_what_to_look_at_now_and_as_long_as_it_is_frozen(town: City) -> None:
    path = backup(town)
    database(town).unlink()
    said = town.ok("store", "restore", str(path))
    assert "No store told what went out after the backup" in said.out
    for words in ("govpost queue list", "--state failed", "--state missed", "govpost thaw --reason TEXT"):
        assert words in said.out
    status = town.run("status")
    assert "look on the channels for what is planned for later, failed or missed" in status.out


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


def test_the_answers_for_scripts_are_one_document_each(old: City) -> None:
    tried = old.ask("store", "upgrade", "--dry-run")
    assert (tried["old"], tried["new"], tried["dry_run"]) == (2, 3, True)
    assert [step["number"] for step in tried["steps"]] == [3]
    assert old.ask("store", "check")["ok"] is False
    assert old.ask("store", "upgrade")["dry_run"] is False


# --- media -----------------------------------------------------------------------------------------------------


def test_media_that_are_missing_are_told_by_backup_restore_and_check(town: City) -> None:
    store = Store("sqlite:///.govpost/govpost.db", town.root)
    name_medium(store, "ab" * 32)
    store.close()
    assert "is missing" in town.run("store", "check").out
    alone = town.ok("store", "backup", str(town.root / "alone.db"))
    assert "1 medium is not in it: name a folder to have them too" in alone.out
    said = town.run("store", "backup", f"{town.root / 'copies'}/")
    assert said.code == 1
    assert "media: 0 copied, 0 there already" in said.out
    assert "missing: " in said.out
    restored = town.run("store", "restore", str(town.root / "copies"))
    assert restored.code == 1
    assert "missing: " in restored.out


def test_a_backup_is_checked_with_the_media_beside_it(town: City) -> None:
    name = hashlib.sha256(b"picture").hexdigest()
    store = Store("sqlite:///.govpost/govpost.db", town.root)
    name_medium(store, name)
    store.close()
    kept = town.root / ".govpost" / "media"
    kept.mkdir(exist_ok=True)
    (kept / name).write_bytes(b"picture")
    made = town.ask("store", "backup", f"{town.root / 'copies'}/")
    assert (made["media"], made["copied"]) == (1, 1)
    assert town.ask("store", "check", made["path"])["media"] == 1
    (town.root / "copies" / "media" / name).unlink()
    assert town.run("store", "check", made["path"]).code == 1


def test_on_a_terminal_a_move_shows_how_far_it_is(town: City) -> None:
    main, other = os.openpty()
    words = ("-C", str(town.root), "--as", "ben", "store", "move", "sqlite:///other.db")
    running = process(*words, stderr=other)
    os.close(other)
    said = read_until(main, "delivery: 2 of 2 rows")
    assert "delivery: 2 of 2 rows" in said
    read_until(main, "never said")
    assert running.wait(60) == 0
    assert running.stdout is not None
    running.stdout.close()
    os.close(main)


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


def test_a_store_that_was_moved_away_is_not_backed_up_and_not_called_whole(town: City) -> None:
    town.ok("store", "move", "sqlite:///.govpost/other.db")
    into = town.root / "copies"
    refused = town.run("store", "backup", f"{into}/")
    assert refused.code == 1
    assert "this store was moved to" in refused.err
    assert "set [store] database" in refused.err
    assert not into.exists()
    found = town.run("store", "check")
    assert found.code == 1
    assert "wrong: this store was moved to" in found.out
    assert "set [store] database" in found.out


def test_a_store_that_was_moved_away_is_opened_again_only_by_an_order_of_its_own(town: City) -> None:
    into = town.root / "copies"
    town.ok("store", "backup", f"{into}/")
    town.ok("store", "move", "sqlite:///.govpost/other.db")
    refused = town.run("store", "restore", str(into))
    assert refused.code == 1
    assert "this store was moved to" in refused.err
    assert "--reopen" in refused.err
    still = town.run("freeze", "--reason", "a test")
    assert "this store was moved to" in still.err
    town.ok("store", "restore", str(into), "--reason", "the new one burnt", "--reopen")
    town.ok("thaw", "--reason", "the new one is gone")
    assert "the new one burnt; with --reopen" in town.ok("audit", "log").out


def test_a_move_that_lacks_its_last_step_is_ended_by_a_second_call(town: City) -> None:
    url = "sqlite:///.govpost/other.db"
    first = town.ask("store", "move", url)
    conn = sqlite3.connect(town.root / ".govpost" / "other.db")
    conn.execute("""INSERT INTO meta VALUES ('moving-from', '{"from": "here"}')""")
    conn.commit()
    conn.close()
    town.change("[security]", f'[store]\ndatabase = "{url}"\n\n[security]')
    refused = town.run("freeze", "--reason", "a test")
    assert refused.code == 1
    assert "that move did not end" in refused.err
    town.change(url, "sqlite:///.govpost/govpost.db")
    assert town.ask("store", "move", url)["head"] == first["head"]
    town.change("sqlite:///.govpost/govpost.db", url)
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


def test_a_store_that_was_set_aside_in_postgresql_is_got_back_by_a_backup_of_its_schema(
    town: City, postgresql: Server
) -> None:
    url = postgresql.fresh()
    town.ok("store", "move", url)
    town.change("[security]", f'[store]\ndatabase = "{url}"\n\n[security]')
    first = town.ask("store", "backup", str(town.root / "first.db"))
    town.schedule("street-closure")
    aside = town.ask("store", "restore", first["path"])["aside"].split()[2]
    assert town.run("delivery", "list", "--post", "street-closure").code == 1
    there = f"{url.partition('?')[0]}?options=-csearch_path%3D{aside}"
    town.change(url, there)
    town.ok("store", "backup", str(town.root / "kept.db"))
    town.change(there, url)
    town.ok("store", "restore", str(town.root / "kept.db"), "--reason", "the wrong backup was taken")
    assert town.ask("delivery", "list", "--post", "street-closure")
    assert town.ask("store", "check")["ok"] is True


def test_a_store_that_was_set_aside_as_a_file_is_put_back_like_a_backup(town: City) -> None:
    first = town.ask("store", "backup", str(town.root / "first.db"))
    town.schedule("street-closure")
    aside = town.ask("store", "restore", first["path"])["aside"]
    town.ok("store", "restore", aside, "--reason", "the wrong backup was taken")
    assert town.ask("delivery", "list", "--post", "street-closure")
    assert town.ask("store", "check")["ok"] is True


def test_a_move_to_a_place_that_is_not_empty_is_refused(town: City) -> None:
    (town.root / "other").mkdir()
    other = city(town.root / "other")
    said = town.run("store", "move", f"sqlite:///{database(other)}")
    assert said.code == 1
    assert "is not empty" in said.err
    town.ok("freeze", "--reason", "the old one still takes writes")


def test_an_address_that_names_no_database_is_refused(town: City) -> None:
    for url in ("nonsense", "mysql://db/x"):
        said = town.run("store", "move", url)
        assert said.code == 1
        assert "tip: " in said.err


def test_a_move_to_postgresql_says_where_the_password_and_the_media_belong(
    town: City, postgresql: Server
) -> None:
    said = town.ok("store", "move", postgresql.fresh())
    assert "password = " in said.out
    assert "[store] media must name a folder that all of them share" in said.out


def test_doctor_notes_what_would_be_each_machines_own(town: City, postgresql: Server) -> None:
    def noted() -> list[str]:
        found = town.ask("doctor")["checks"]
        assert all(each["ok"] is None for each in found if each["check"] == "shared")
        return [each["detail"].split(" ")[0] for each in found if each["check"] == "shared"]

    assert noted() == [], "a store in a file has one machine"
    url = postgresql.fresh()
    town.ok("store", "move", url)
    town.change("[security]", f'[store]\ndatabase = "{url}"\n\n[security]')
    assert noted() == ["[store]", "[channels.website]", "[security]"]
    town.change('folder = "public"', f'folder = "{town.root / "public"}"')
    assert noted() == ["[store]", "[security]"]


def test_a_password_in_the_address_is_refused_and_not_repeated(town: City) -> None:
    said = town.run("store", "move", "postgresql+psycopg://govpost:hunter2@db.example.gov/govpost")
    assert said.code == 2
    assert "hunter2" not in said.out + said.err
    assert "[store] password" in said.err
