"""From every released schema to this one: all rows and the chain survive, or nothing has changed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, select, text

from govpost.errors import Refused
from govpost.store import bare, chain, meta, moving, rows, schema, upgrading
from govpost.store.engine import Store
from govpost.store.machine_rows import DAEMON, DaemonRecord
from govpost.store.rows import DELIVERY, META
from postgres import Server

RELEASED = Path(__file__).parent / "data" / "schema-2.sql"


def released(root: Path) -> Path:
    """Put a store of the first released schema under `root`."""
    path = root / "govpost.db"
    conn = sqlite3.connect(path)
    conn.executescript(RELEASED.read_text(encoding="utf-8"))
    conn.close()
    return path


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Store]:
    released(tmp_path)
    store = Store("sqlite:///govpost.db", tmp_path)
    yield store
    store.close()


def contents(path: Path) -> dict[str, list[Any]]:
    conn = sqlite3.connect(path)
    names = [name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {}
    for name in names:
        keys = [row[1] for row in conn.execute(f"PRAGMA table_info({name})")]
        found[name] = [dict(zip(keys, row, strict=True)) for row in conn.execute(f"SELECT * FROM {name}")]
    conn.close()
    return found


def differences(store: Store) -> list[Any]:
    """Compare the tables with the code, but for an index over an expression, which comes back in other words."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext
    from sqlmodel import SQLModel

    with store.backend.engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_server_default": True})
        found = compare_metadata(context, SQLModel.metadata)
    return [each for each in found if getattr(each[1], "name", "") != "due_now"]


def make_of_old(store: Store, url: str) -> None:
    """Turn a store of today into one of the released schema, by taking away what came later."""
    assert url
    with bare.alone(store, "test") as tx:
        for table, names in LATER.items():
            for name in names:
                tx.conn.execute(text(f"ALTER TABLE {table} DROP COLUMN {name}"))
        tx.conn.execute(text("DROP TABLE timer"))
        for name in ("waits_by_slot", "waits_by_end", "in_question"):
            tx.conn.execute(text(f"DROP INDEX {name}"))
        schema.put(tx.conn, "schema", 2)
        tx.conn.execute(META.delete().where(META.c.key == "needs"))


LATER = {
    "daemon": ("config_at", "plugins_hash", "loaded_at", "schema_number", "drain"),
    "account": ("expires_at",),
    "token": ("expires_at",),
}


def test_an_older_store_is_refused_with_the_command_that_helps(old: Store) -> None:
    with pytest.raises(Refused, match=r"schema 2, this govpost needs 3") as caught, old.read():
        pass
    assert "govpost store upgrade" in caught.value.tip


def test_an_upgraded_store_has_the_tables_of_a_new_one(old: Store) -> None:
    upgrading.upgrade(old, "ben")
    assert differences(old) == []
    new = Store("sqlite:///new.db", old.path.parent)  # type: ignore[union-attr]
    with new.read():
        pass
    assert differences(new) == []
    assert indexes(old) == indexes(new)
    new.close()


def indexes(store: Store) -> list[str]:
    with store.read() as conn:
        found = conn.execute(
            text("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1")
        )
        return list(found.scalars())


def test_a_store_on_either_engine_can_be_upgraded(tmp_path: Path, store_url: str) -> None:
    store = Store(store_url, tmp_path)
    with store.write("ana") as tx:
        tx.event("test.happen", "thing")
    make_of_old(store, store_url)
    store.close()
    store = Store(store_url, tmp_path)
    assert upgrading.upgrade(store, "ben").new == rows.SCHEMA
    assert differences(store) == []
    with store.read() as conn:
        assert chain.verify(conn)[1] == []
        assert [event.verb for event in chain.find(conn)] == ["test.happen", "store.upgrade"]
    store.close()


def test_every_row_and_the_chain_survive_an_upgrade(old: Store) -> None:
    before = contents(old.path)  # type: ignore[arg-type]
    done = upgrading.upgrade(old, "ben")
    assert (done.old, done.new) == (2, 3)
    after = contents(old.path)  # type: ignore[arg-type]
    assert len(before["event"]) + 1 == len(after["event"])
    after["event"].pop()
    for name in before.keys() - {"meta", "head"}:
        for was, now in zip(before[name], after[name], strict=True):
            assert was == {key: now[key] for key in was}, name
    with old.read() as conn:
        assert chain.verify(conn)[1] == []
        assert schema.numbers(conn) == (rows.SCHEMA, schema.NEEDS)
        assert conn.execute(select(DAEMON.c.schema_number)).scalars().all() == [2, 2]
        assert len(conn.execute(select(DELIVERY)).all()) == 4


def test_an_upgrade_is_on_the_record(old: Store) -> None:
    upgrading.upgrade(old, "ben")
    with old.read() as conn:
        event = chain.find(conn)[-1]
    assert (event.actor, event.verb, event.old, event.new) == ("ben", "store.upgrade", "schema 2", "schema 3")


def test_a_second_upgrade_finds_nothing_to_do(old: Store) -> None:
    upgrading.upgrade(old, "ben")
    again = upgrading.upgrade(old, "ben")
    assert (again.old, again.new, again.steps) == (3, 3, [])


def test_a_dry_run_says_what_would_happen_and_changes_no_byte(old: Store) -> None:
    before = old.path.read_bytes()  # type: ignore[union-attr]
    found = upgrading.upgrade(old, "ben", dry_run=True)
    assert [step.number for step in found.steps] == [3]
    assert found.steps[0].about.startswith("Several daemons")
    assert contents(old.path)["meta"] == contents_of(before, old.path)["meta"]  # type: ignore[arg-type]
    with pytest.raises(Refused, match="schema 2"), old.read():
        pass


def contents_of(data: bytes, near: Path) -> dict[str, list[Any]]:
    copy = near.with_name("before.db")
    copy.write_bytes(data)
    return contents(copy)


def test_a_start_imports_no_alembic(tmp_path: Path) -> None:

    code = (
        "import sys; from pathlib import Path; from govpost.store.engine import Store\n"
        "store = Store('sqlite:///a.db', Path(sys.argv[1]))\n"
        "with store.write('ana'): pass\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'alembic'])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "[]"


def test_a_broken_chain_leaves_the_store_as_it_was(old: Store) -> None:
    with bare.alone(old, "mallory") as tx:
        tx.conn.execute(text("UPDATE event SET why = 'nothing to see' WHERE id = 3"))
    with pytest.raises(Refused, match="chain is broken"):
        upgrading.upgrade(old, "ben")
    with bare.snapshot(old) as conn:
        assert schema.numbers(conn) == (2, 2)
        assert not inspect(conn).has_table("timer")


def test_a_store_that_is_not_there_is_not_made_by_an_upgrade(tmp_path: Path) -> None:
    store = Store("sqlite:///none.db", tmp_path)
    with pytest.raises(Refused, match="no store"):
        upgrading.upgrade(store, "ben")
    assert not (tmp_path / "none.db").exists()


DIES = """
import os, sys
from pathlib import Path
from govpost.store import upgrading
from govpost.store.engine import Store
upgrading._see_that_it_holds = lambda conn: os.kill(os.getpid(), 9)
upgrading.upgrade(Store(sys.argv[1], Path(sys.argv[2])), "ben")
"""


def test_an_upgrade_that_is_killed_leaves_the_old_schema(tmp_path: Path, store_url: str) -> None:
    store = Store(store_url, tmp_path)
    with store.write("ana") as tx:
        tx.event("test.happen", "thing")
    make_of_old(store, store_url)
    killed = subprocess.run(
        [sys.executable, "-c", DIES, store_url, str(tmp_path)], capture_output=True, check=False
    )
    assert killed.returncode == -9, killed.stderr
    with bare.snapshot(store) as conn:
        assert schema.numbers(conn) == (2, 2)
        assert not inspect(conn).has_table("timer")
        assert {column["name"] for column in inspect(conn).get_columns("daemon")}.isdisjoint(LATER["daemon"])
    store.close()
    assert upgrading.upgrade(store, "ben").new == rows.SCHEMA
    with store.read() as conn:
        assert chain.verify(conn)[1] == []
    store.close()


def test_a_store_that_no_release_made_is_left_alone(old: Store) -> None:
    with bare.alone(old, "test") as tx:
        schema.put(tx.conn, "schema", 1)
    with pytest.raises(Refused, match="schema 1, which no release had"):
        upgrading.upgrade(old, "ben")


def test_rows_that_would_belong_to_nothing_stop_the_upgrade(old: Store) -> None:
    with bare.alone(old, "mallory") as tx:
        tx.conn.execute(text("UPDATE attempt SET delivery_id = 'gone' WHERE id = 1"))
    with pytest.raises(Refused, match="belong to nothing"):
        upgrading.upgrade(old, "ben")
    with bare.snapshot(old) as conn:
        assert schema.numbers(conn) == (2, 2)


@pytest.fixture
def shared(tmp_path: Path, postgresql: Server) -> Iterator[Store]:
    """A store of the schema before, in PostgreSQL, on which an older daemon was heard of a moment ago."""
    released(tmp_path)
    first, store = Store("sqlite:///govpost.db", tmp_path), Store(postgresql.fresh(), tmp_path)
    upgrading.upgrade(first, "ben")
    moving.move(first, store, "ben", tmp_path)
    first.close()
    with store.write("daemon") as tx:
        tx.conn.execute(DAEMON.delete())
        names = {"id": "d1", "host": "box", "pid": 7, "version": "0.1", "state": "running"}
        record = DaemonRecord(started_at=tx.now, heartbeat_at=tx.now, **names)  # type: ignore[arg-type]
        meta.beat(tx, record)
    make_of_old(store, "x")
    yield store
    store.close()


def order(store: Store, words: str) -> None:
    with bare.alone(store, "test") as tx:
        tx.conn.execute(text(words))


def test_an_older_daemon_that_does_not_look_is_waited_for_and_then_named(
    shared: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrading, "PATIENCE", 0.3)
    for _ in range(2):
        with pytest.raises(Refused, match=r"still at work: govpost 0.1 on box \(process 7\)"):
            upgrading.upgrade(shared, "ben", stop_old=True)
    with bare.snapshot(shared) as conn:
        assert schema.numbers(conn) == (2, 3)
        assert [event.verb for event in chain.find(conn)].count("store.needs") == 1
    order(shared, "UPDATE daemon SET state = 'stopped'")
    assert upgrading.upgrade(shared, "ben", stop_old=True).new == rows.SCHEMA


def test_one_heartbeat_is_no_answer_since_the_look_may_have_been_before_the_question(shared: Store) -> None:
    waits: list[float] = []

    def beat(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) in (2, 4):
            order(shared, "UPDATE daemon SET heartbeat_at = clock_timestamp()")

    upgrading._stop_old(shared, "ben", upgrading.SCRIPTS, beat)
    assert len(waits) == 4


def test_what_an_older_daemon_holds_is_waited_for_though_nobody_hears_of_it(
    shared: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    order(shared, "UPDATE daemon SET heartbeat_at = heartbeat_at - interval '1 hour'")
    claim = "UPDATE delivery SET state = 'publishing', lease_owner = 'd1', lease_until = clock_timestamp()"
    order(shared, f"{claim} + interval '5 minutes'")
    monkeypatch.setattr(upgrading, "PATIENCE", 0.3)
    with pytest.raises(Refused, match="one holds a delivery until"):
        upgrading.upgrade(shared, "ben", stop_old=True)
    with pytest.raises(Refused, match="a delivery is under way, claimed until"):
        upgrading.upgrade(shared, "ben")
    order(shared, f"{claim} - interval '1 second'")
    assert upgrading.upgrade(shared, "ben").new == rows.SCHEMA
