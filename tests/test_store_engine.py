"""The store's engine: private files, one writer at a time, all or nothing, and trouble in words a person can use."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from govpost.errors import Refused, StoreUnavailable
from govpost.store import chain, meta, sqlite
from govpost.store.engine import Store
from govpost.store.rows import CHANNEL, META, SCHEMA

NOW = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)
URL = "sqlite:///.govpost/govpost.db"


def open_store(root: Path, *, busy: float = 0.2) -> Store:
    return Store(URL, root, lambda: NOW, busy=busy)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path)
    put(store, "first", 1)
    yield store
    store.close()


def put(store: Store, key: str, value: object) -> None:
    with store.write("ana") as tx:
        meta.put(tx.conn, key, value)
        tx.event("test.put", key)


def get(store: Store, key: str) -> object:
    with store.read() as conn:
        return meta.get(conn, key)


def events(store: Store) -> list[str]:
    with store.read() as conn:
        return [event.subject for event in chain.find(conn)]


def db(store: Store) -> Path:
    assert store.path is not None
    return store.path


# --- files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_database_and_its_folder_are_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        store = open_store(tmp_path)
        put(store, "x", 1)
    finally:
        os.umask(before)
    assert db(store).stat().st_mode & 0o777 == 0o600
    assert db(store).parent.stat().st_mode & 0o777 == 0o700
    store.close()


def test_a_missing_database_is_made_on_first_use_and_not_before(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    assert not db(store).exists()
    assert get(store, "schema") == SCHEMA
    assert db(store).exists()
    store.close()


def test_a_name_with_odd_characters_is_the_name_of_the_file(tmp_path: Path) -> None:
    root = tmp_path / "a b?c#d%41é"
    root.mkdir()
    store = open_store(root)
    put(store, "x", 1)
    assert [path.name for path in (root / ".govpost").iterdir()] == ["govpost.db"]
    store.close()


def test_a_database_left_empty_by_a_crash_is_filled(tmp_path: Path) -> None:
    (tmp_path / ".govpost").mkdir()
    (tmp_path / ".govpost/govpost.db").touch()
    store = open_store(tmp_path)
    assert get(store, "schema") == SCHEMA
    store.close()


# --- journal ---------------------------------------------------------------------------------------------------


def pragmas(store: Store) -> tuple[str, int, int]:
    with store.read() as conn:
        names = ("journal_mode", "synchronous", "foreign_keys")
        journal, synchronous, keys = (conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names)
    return journal, synchronous, keys


def test_the_journal_is_wal_only_where_sqlite_is_new_enough_for_it(store: Store) -> None:
    new = sqlite3.sqlite_version_info >= sqlite.WAL_IS_SAFE
    full, extra = 2, 3
    assert pragmas(store) == (("wal", full, 1) if new else ("delete", extra, 1))
    assert get(store, "journal") == ("wal" if new else "delete")


def test_a_store_made_in_wal_mode_keeps_it_and_is_refused_by_an_older_sqlite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "WAL_IS_SAFE", (3, 0, 0))
    store = open_store(tmp_path)
    put(store, "x", 1)
    store.close()
    assert pragmas(open_store(tmp_path))[:2] == ("wal", 2)
    monkeypatch.setattr(sqlite, "WAL_IS_SAFE", (99, 0, 0))
    with pytest.raises(Refused, match="WAL") as caught:
        put(open_store(tmp_path), "y", 1)
    assert "3.51.3" in caught.value.tip


# --- transactions ----------------------------------------------------------------------------------------------


def test_rows_and_their_events_commit_together(store: Store) -> None:
    put(store, "a", 1)
    assert get(store, "a") == 1
    assert events(store) == ["first", "a"]


def test_an_error_inside_a_transaction_leaves_no_row_and_no_event(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.write("ana") as tx:
        meta.put(tx.conn, "a", 1)
        tx.event("test.put", "a")
        raise ZeroDivisionError
    assert get(store, "a") is None
    assert events(store) == ["first"]


def test_an_event_that_cannot_be_chained_takes_the_rows_with_it(store: Store) -> None:
    with pytest.raises(TypeError), store.write("ana") as tx:
        meta.put(tx.conn, "a", 1)
        tx.event("test.put", "a", odd=object())
    assert get(store, "a") is None
    assert events(store) == ["first"]


def test_an_event_says_who_when_and_under_which_config(store: Store) -> None:
    store.config_hash = "c0ffee" * 8
    with store.write("ben") as tx:
        tx.event("test.put", "x", why="because", post="p1", nothing=None)
    with store.read() as conn:
        event = chain.find(conn, post="p1")[0]
    assert (event.actor, event.at, event.why) == ("ben", NOW, "because")
    assert event.detail == {"post": "p1", "config": ("c0ffee" * 8)[:16]}


def test_an_order_that_breaks_the_tables_is_our_own_fault_and_not_the_disks(store: Store) -> None:
    with pytest.raises(IntegrityError), store.write("ana") as tx:
        tx.conn.execute(insert(META), [{"key": "twice", "value": 1}, {"key": "twice", "value": 2}])


def test_a_writer_locks_before_it_reads_so_that_nothing_it_read_goes_stale(store: Store) -> None:
    other = open_store(db(store).parent.parent, busy=0)
    with store.write("ana"):
        with pytest.raises(StoreUnavailable):
            put(other, "b", 1)
        assert get(other, "first") == 1
    put(other, "b", 2)
    assert get(store, "b") == 2
    other.close()


def test_writers_wait_for_each_other_and_none_is_lost(tmp_path: Path) -> None:
    store = open_store(tmp_path, busy=30)
    put(store, "count", 0)

    def count() -> None:
        for _ in range(5):
            with store.write("ana") as tx:
                meta.put(tx.conn, "count", meta.get(tx.conn, "count") + 1)
                tx.event("test.count", "count")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert get(store, "count") == 20
    with store.read() as conn:
        assert chain.verify(conn)[1] == []
    store.close()


# --- trouble ---------------------------------------------------------------------------------------------------


def test_a_lock_held_beyond_the_time_out_is_said_with_a_tip(store: Store) -> None:
    other = sqlite3.connect(db(store), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="database is locked") as caught:
        put(store, "a", 1)
    assert 0.1 < time.monotonic() - began < 5
    assert "another program holds the database" in caught.value.tip
    other.execute("ROLLBACK")
    put(store, "a", 1)
    other.close()


def test_a_damaged_file_is_said_with_a_tip(tmp_path: Path) -> None:
    (tmp_path / ".govpost").mkdir()
    (tmp_path / ".govpost/govpost.db").write_bytes(b"not a database at all, but long enough" * 100)
    with pytest.raises(StoreUnavailable, match="not a database") as caught:
        get(open_store(tmp_path), "x")
    assert "restore a backup" in caught.value.tip


def test_pages_that_are_damaged_later_are_said_with_a_tip(store: Store) -> None:
    for number in range(50):
        put(store, f"k{number}", "x" * 500)
    store.close()
    size = db(store).stat().st_size
    with db(store).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(StoreUnavailable) as caught:
        get(store, "k7")
    assert "restore a backup" in caught.value.tip


def test_another_schema_is_refused(store: Store) -> None:
    put(store, "needs", 99)
    with pytest.raises(Refused, match="schema 99"):
        get(open_store(db(store).parent.parent), "x")


def test_a_database_moved_away_is_missed_not_made_anew_and_found_again(store: Store) -> None:
    away = db(store).with_name("away.db")
    db(store).rename(away)
    for attempt in (lambda: get(store, "first"), lambda: put(store, "a", 1)):
        with pytest.raises(StoreUnavailable, match="unable to open") as caught:
            attempt()
        assert "see that" in caught.value.tip
    assert not db(store).exists()
    away.rename(db(store))
    put(store, "a", 1)
    assert get(store, "first") == 1


def test_a_restored_backup_is_what_is_read_and_written_from_then_on(store: Store) -> None:
    backup = db(store).with_name("backup.db")
    backup.write_bytes(db(store).read_bytes())
    put(store, "after", 1)
    backup.replace(db(store))
    assert get(store, "after") is None
    with pytest.raises(StoreUnavailable, match="the store has gone back: it no longer has event 2"):
        put(store, "again", 1)
    store.memory.forget()  # somebody has made it safe
    put(store, "again", 1)
    assert events(store) == ["first", "again"]


def test_a_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / ".govpost").write_text("oops")
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        get(open_store(tmp_path), "x")


def test_errors_of_other_files_pass_through(store: Store, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), store.read():
        (tmp_path / "elsewhere").read_text()
    with pytest.raises(OSError, match="odd"), store.read():
        raise OSError("odd")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 400 kB of its own, which can also be made read-only."""
    place = tmp_path / "disk"
    place.mkdir()
    if mount("-t", "tmpfs", "-o", "size=400k", "tmpfs", place) != 0:
        pytest.skip("this machine lets nobody mount a small disk")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def mount(*arguments: object) -> int:
    try:
        return subprocess.run(["mount", *map(str, arguments)], capture_output=True, check=False).returncode
    except FileNotFoundError:
        return -1


def test_a_full_disk_is_said_leaves_nothing_and_is_over_when_there_is_room(small_disk: Path) -> None:
    store = open_store(small_disk)
    put(store, "first", 1)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(b"x" * 1024)
    with pytest.raises(StoreUnavailable) as caught:
        put(store, "big", "x" * 100_000)
    assert "the disk is full" in caught.value.tip
    assert get(store, "big") is None
    ballast.unlink()
    put(store, "big", "x" * 1000)
    assert events(store) == ["first", "big"]
    store.close()


def test_a_store_that_may_only_be_read_can_be_read(small_disk: Path) -> None:
    store = open_store(small_disk)
    put(store, "first", 1)
    store.close()
    assert mount("-o", "remount,ro", small_disk) == 0
    assert get(open_store(small_disk), "first") == 1


def test_a_read_only_disk_is_said_and_can_still_be_read(small_disk: Path) -> None:
    store = open_store(small_disk)
    put(store, "first", 1)
    store.close()
    assert mount("-o", "remount,ro", small_disk) == 0
    with pytest.raises(StoreUnavailable) as caught:
        put(store, "a", 1)
    assert "writable" in caught.value.tip
    assert mount("-o", "remount,rw", small_disk) == 0
    put(store, "a", 1)
    store.close()


def test_a_new_database_on_a_read_only_disk_is_said(small_disk: Path) -> None:
    assert mount("-o", "remount,ro", small_disk) == 0
    with pytest.raises(StoreUnavailable, match="Read-only") as caught:
        put(open_store(small_disk), "a", 1)
    assert "writable" in caught.value.tip


def test_a_file_that_may_not_grow_is_said(tmp_path: Path) -> None:
    script = f"""
        import resource, sys
        from pathlib import Path
        from govpost.errors import StoreUnavailable
        from govpost.store import meta
        from govpost.store.engine import Store
        store = Store({URL!r}, Path(sys.argv[1]))
        with store.write("ana") as tx:
            meta.put(tx.conn, "a", 1)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        try:
            with store.write("ana") as tx:
                meta.put(tx.conn, "big", "x" * 600_000)
        except StoreUnavailable as error:
            print(error.message, "|", error.tip)
        resource.getrlimit(resource.RLIMIT_FSIZE)
        with store.write("ana") as tx:
            meta.put(tx.conn, "b", 2)
        with store.read() as conn:
            print(meta.get(conn, "a"), meta.get(conn, "big"), meta.get(conn, "b"))
    """
    assert resource.RLIMIT_FSIZE
    done = run(script, tmp_path)
    assert done.stdout.splitlines()[0].startswith("the store cannot be used: ")
    assert done.stdout.splitlines()[1] == "1 None 2"


def run(script: str, root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(script), str(root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_two_processes_that_make_the_database_at_once_make_one(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from govpost.store.engine import Store
        store = Store({URL!r}, Path(sys.argv[1]))
        sys.stdin.readline()
        with store.write("ana") as tx:
            tx.event("test.hello", "x")
    """)
    command = [sys.executable, "-c", script, str(tmp_path)]
    both = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    time.sleep(1)
    for process in both:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in both:
        assert process.communicate(timeout=60)[1] == b""
    store = open_store(tmp_path)
    assert events(store) == ["x", "x", "x"]
    with store.read() as conn:
        assert chain.verify(conn)[1] == []
        assert list(conn.execute(select(CHANNEL))) == []
    store.close()


def test_an_error_without_a_known_cause_still_has_a_tip(tmp_path: Path) -> None:
    trouble = open_store(tmp_path).backend.unavailable(sqlite3.OperationalError())
    assert trouble is not None
    assert trouble.message == "the store cannot be used: OperationalError"
    assert "can be reached" in trouble.tip


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://localhost",
        "mysql://localhost/x",
        "sqlite://",
        "nonsense",
        "sqlite:///x.db?mode=ro",
    ],
)
def test_anything_but_an_sqlite_file_is_refused_in_words(tmp_path: Path, url: str) -> None:
    with pytest.raises(Refused, match="is not the address of an SQLite file or of a PostgreSQL"):
        Store(url, tmp_path)
