"""What is wrong with a store is found and named, each with what to do; a store that is whole has no finding."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, text, update

from govpost.errors import Refused, StoreUnavailable
from govpost.store import backing, bare, checking, meta, schema, sqlite, upgrading
from govpost.store.chain_rows import EVENT
from govpost.store.engine import Store, Tx
from govpost.store.machine_rows import DaemonRecord
from govpost.store.rows import DELIVERY, META, PILOT, VERSION
from test_copying import name_medium
from test_migrations import released

NOW = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    released(tmp_path)
    store = Store("sqlite:///govpost.db", tmp_path)
    upgrading.upgrade(store, "ben")
    yield store
    store.close()


def findings(store: Store, media: Path | None = None) -> list[str]:
    return [each.what for each in checking.examine(store, media).findings]


def change(store: Store, *statements: object) -> None:
    with store.write("mallory") as tx:
        for each in statements:
            tx.conn.execute(each)  # type: ignore[call-overload]


def test_a_whole_store_has_no_finding_and_its_rows_are_counted(store: Store) -> None:
    found = checking.examine(store, Path("nowhere"))
    assert found.findings == []
    assert (found.schema, found.counts["delivery"], found.media) == (3, 4, 0)
    assert found.head.startswith("42:")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (update(EVENT).where(EVENT.c.id == 3).values(why="other"), "the event chain is broken: event 3 of"),
        (delete(EVENT).where(EVENT.c.id == 3), "the event chain is broken: event 3 is missing"),
        (text("UPDATE head SET event_id = 3"), "the event chain is broken: the head names event 3"),
        (update(DELIVERY).values(state="lost"), "a delivery has the state 'lost', which does not exist"),
        (update(PILOT).values(state="happy"), "a pilot has the state 'happy', which does not exist"),
        (text("UPDATE post SET state = 'x'"), "a post has the state 'x', which does not exist"),
        (update(DELIVERY).values(lease_owner="d1"), "is live, and its claim is held by d1"),
        (update(DELIVERY).values(state="publishing"), "is publishing, and its claim is nobody’s"),
        (text("DROP INDEX by_state"), "the index by_state is missing"),
        (text("ALTER TABLE account DROP COLUMN notes"), "account.notes is missing"),
        (text("DROP TABLE timer"), "the table timer is missing"),
        (
            update(META).where(META.c.key == "journal").values(value="truncate"),
            "the journal mode truncate and now has",
        ),
    ],
)
def test_what_is_wrong_is_named_with_a_tip(store: Store, statement: object, words: str) -> None:
    change(store, statement)
    found = checking.examine(store, None).findings
    assert any(words in each.what for each in found), found
    assert all(each.tip for each in found)


def test_rows_that_belong_to_nothing_are_counted(store: Store) -> None:
    with bare.alone(store, "mallory") as tx:
        tx.conn.execute(text("UPDATE attempt SET delivery_id = 'gone' WHERE id = 1"))
    assert "1 rows of attempt belong to no delivery" in findings(store)


def test_a_claim_that_lasts_for_days_was_made_by_a_wrong_clock(store: Store) -> None:
    def claim(tx: Tx, until: datetime) -> None:
        values = {"state": "publishing", "lease_owner": "d1", "lease_until": until}
        tx.conn.execute(update(DELIVERY).values(values))
        record = DaemonRecord(
            id="d1", host="box", pid=1, version="1", started_at=NOW, heartbeat_at=NOW, state="running"
        )
        meta.beat(tx, record)
        tx.conn.execute(text("DELETE FROM daemon WHERE id != 'd1'"))

    with store.write("daemon") as tx:
        claim(tx, NOW + timedelta(minutes=3))
    assert findings(store) == []
    with store.write("daemon") as tx:
        claim(tx, NOW + timedelta(days=3))
    assert any("a clock was wrong" in each for each in findings(store))


def test_media_must_be_there_byte_for_byte(store: Store, tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir()
    name = hashlib.sha256(b"picture").hexdigest()
    name_medium(store, name)
    assert any(each.endswith("is missing") for each in findings(store, media))
    (media / name).write_bytes(b"other")
    assert any("holds other bytes than were taken in" in each for each in findings(store, media))
    (media / name).write_bytes(b"picture")
    assert findings(store, media) == []
    (media / name).unlink()
    (media / name).mkdir()
    assert any("cannot be read" in each for each in findings(store, media))
    assert findings(store) == [], "media are asked about only where a folder is named"


def test_media_that_only_a_version_of_a_channel_names_are_found_too(store: Store, tmp_path: Path) -> None:
    channels = {"hub": {"parts": [{"media": [{"sha256": "cd" * 32, "mime": "image/png"}]}]}}
    with store.write("ana") as tx:
        tx.conn.execute(update(VERSION).values(channels=channels))
    assert any("cdcd" in each for each in findings(store, tmp_path))


def test_documents_that_cannot_be_read_are_a_finding_and_no_crash(store: Store, tmp_path: Path) -> None:
    change(store, text("UPDATE version SET draft = '{broken'"))
    assert any("cannot be read everywhere" in each for each in findings(store, tmp_path))


def test_damaged_pages_are_found(store: Store) -> None:
    path = store.path
    assert path is not None
    store.close()
    data = bytearray(path.read_bytes())
    at = next(
        number for number in range(0, len(data), 4096) if b"library-hours" in data[number : number + 4096]
    )
    data[at : at + 4096] = b"\xff" * 4096
    path.write_bytes(data)
    assert any("damaged" in each or "cannot be read" in each for each in findings(store))


def test_an_older_schema_is_a_finding_with_the_command_that_helps(tmp_path: Path) -> None:
    released(tmp_path)
    store = Store("sqlite:///govpost.db", tmp_path)
    (found,) = checking.examine(store, None).findings
    assert "schema 2" in found.what
    assert "govpost store upgrade" in found.tip
    store.close()


def test_a_newer_schema_that_this_code_may_work_on_is_no_finding_and_another_is(store: Store) -> None:
    with store.write("ben") as tx:
        schema.put(tx.conn, "schema", 4)
    assert findings(store) == []
    with store.write("ben") as tx:
        schema.put(tx.conn, "needs", 4)
    assert "schema 4, which this govpost does not know" in findings(store)[0]


def test_a_store_that_this_sqlite_could_corrupt_is_not_touched(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.write("ana") as tx:
        schema.put(tx.conn, "journal", "wal")
    store.close()
    monkeypatch.setattr(sqlite, "WAL_IS_SAFE", (99, 0, 0))
    again = Store("sqlite:///govpost.db", tmp_path)
    with pytest.raises(Refused, match="WAL"):
        upgrading.upgrade(again, "ben")
    with pytest.raises(Refused, match="WAL"):
        checking.examine(again, None)
    with pytest.raises(Refused, match="WAL"):
        backing.backup(again, "ben", tmp_path / "copy.db", tmp_path, into_folder=False)
    again.close()


def test_no_store_and_no_database_are_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there is no store at"):
        checking.examine(Store("sqlite:///none.db", tmp_path), None)
    (tmp_path / "text.db").write_bytes(b"not a database at all, but long enough" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        checking.examine(Store("sqlite:///text.db", tmp_path), None)


def test_a_store_on_each_engine_is_found_whole(tmp_path: Path, store_url: str) -> None:
    store = Store(store_url, tmp_path)
    with store.write("ana") as tx:
        tx.event("test.happen", "thing")
    assert findings(store) == []
    store.close()


# --- backups while others write --------------------------------------------------------------------------------


@pytest.fixture
def writers(tmp_path: Path, store_url: str) -> Iterator[tuple[Store, Callable[[], None]]]:
    """A store in which a thread writes until it is told to stop."""
    store = Store(store_url, tmp_path)
    done = threading.Event()
    with store.write("ana") as tx:
        meta.put(tx.conn, "count", 0)

    def write() -> None:
        while not done.wait(0.01):
            with store.write("ana") as tx:
                number = meta.get(tx.conn, "count") + 1
                meta.put(tx.conn, "count", number)
                tx.event("test.count", "count", new=str(number))

    thread = threading.Thread(target=write)
    thread.start()

    def stop() -> None:
        done.set()
        thread.join()

    yield store, stop
    stop()
    store.close()


def test_every_backup_taken_while_others_write_is_whole_and_of_one_instant(
    writers: tuple[Store, Callable[[], None]], tmp_path: Path
) -> None:
    store, stop = writers
    for number in range(4):
        path = tmp_path / f"copy-{number}.db"
        backing.backup(store, "ben", path, tmp_path, into_folder=False)
        conn = sqlite3.connect(path)
        (count,) = conn.execute("SELECT value FROM meta WHERE key = 'count'").fetchone()
        counted = conn.execute("SELECT new FROM event WHERE verb = 'test.count' ORDER BY id DESC").fetchone()
        conn.close()
        assert counted is None or counted[0] == str(count)
    stop()
    with store.read() as conn:
        assert list(conn.execute(select(EVENT.c.verb)).scalars()).count("store.backup") == 4


def test_a_backup_that_cannot_be_written_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StoreUnavailable, match="the backup cannot be written to"):
        backing.backup(store, "ben", blocked / "copy.db", tmp_path, into_folder=False)
    change(store, delete(EVENT).where(EVENT.c.id == 3))
    with pytest.raises(Refused, match="no backup was kept"):
        backing.backup(store, "ben", tmp_path / "copy.db", tmp_path, into_folder=False)
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == []
    with pytest.raises(Refused, match="no store"):
        backing.backup(
            Store("sqlite:///none.db", tmp_path), "ben", tmp_path / "x.db", tmp_path, into_folder=False
        )
