"""A store moves between engines whole: every row is read back, the chain holds, and the old place takes no more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, null, select, text, update

from govpost.errors import Refused
from govpost.store import backing, bare, chain, checking, copying, meta, moving, replacing, schema, upgrading
from govpost.store.chain_rows import EVENT
from govpost.store.engine import Store
from govpost.store.gathered_rows import REPLY, SAMPLE
from govpost.store.machine_rows import DaemonRecord
from govpost.store.rows import ATTEMPT, DELIVERY, META, REMARK
from postgres import Server
from test_migrations import released

NOW = datetime(2026, 11, 25, 18, 0, 0, 123456, tzinfo=UTC)
NOBODY = Path("/nonexistent")


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Store]:
    """A store with rows of every kind, odd ones too."""
    released(tmp_path)
    store = Store("sqlite:///govpost.db", tmp_path)
    upgrading.upgrade(store, "ben")
    with store.write("ana") as tx:
        row = tx.conn.execute(select(DELIVERY.c.id, DELIVERY.c.post_id)).first()
        assert row is not None
        odd = "Zürich 🏛️ \u2028 'quoted' \\ \t"
        tx.conn.execute(
            insert(REMARK),
            {"id": 41, "post_id": row.post_id, "version": 1, "person": "cleo", "at": NOW, "text": odd},
        )
        tx.conn.execute(insert(SAMPLE), {"id": 7, "delivery_id": row.id, "at": NOW, "views": 2_000_000_000})
        tx.conn.execute(update(DELIVERY).where(DELIVERY.c.id == row.id).values(staged=null()))
        reply: dict[str, Any] = {
            "id": "r1",
            "channel": "hub",
            "remote_id": "1",
            "kind": "reply",
            "state": "new",
        }
        reply |= {
            "author": odd,
            "text": "",
            "at": NOW,
            "seen_at": NOW,
            "raw": {"deep": [1, 2.5, None, odd, True]},
        }
        tx.conn.execute(insert(REPLY), reply)
        tx.event("test.happen", "thing", why=odd)
    yield store
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A place for a store on each engine."""
    if request.param == "sqlite":
        url = "sqlite:///other.db"
    else:
        server: Server = request.getfixturevalue("postgresql")
        url = server.fresh()
    store = Store(url, tmp_path / "there")
    yield store
    store.close()


def contents(store: Store) -> dict[str, tuple[int, int]]:
    with bare.snapshot(store) as conn:
        return {table.name: copying.digest(conn, table) for table in schema.ordered()}


def test_every_row_and_the_chain_arrive_and_the_move_is_on_the_record(full: Store, empty: Store) -> None:
    before = contents(full)
    done = moving.move(full, empty, "ben", NOBODY)
    after = contents(empty)
    for name in before.keys() - {"event", "head", "meta"}:
        assert after[name] == before[name], name
    with empty.read() as conn:
        end, troubles = chain.verify(conn)
        event = chain.find(conn)[-1]
    assert troubles == []
    assert str(end) == done.head
    assert end.event_id == before["event"][0] + 1
    assert (event.verb, event.actor, event.old, event.new) == ("store.move", "ben", full.name, empty.name)
    assert done.counts["delivery"] == 4
    assert checking.examine(empty, None).findings == []


def test_a_column_without_a_document_stays_empty_and_null_stays_null(full: Store, empty: Store) -> None:
    moving.move(full, empty, "ben", NOBODY)

    def nothing(store: Store) -> tuple[int, int]:
        with bare.snapshot(store) as conn:
            tests = (DELIVERY.c.staged.is_(null()), DELIVERY.c.receipt.is_(null()))
            return tuple(len(conn.execute(select(DELIVERY.c.id).where(test)).all()) for test in tests)  # type: ignore[return-value]

    assert nothing(full) == nothing(empty)
    assert nothing(full)[0] > 0


def test_new_rows_are_numbered_after_those_that_came(full: Store, empty: Store) -> None:
    moving.move(full, empty, "ben", NOBODY)
    with empty.write("cleo") as tx:
        delivery = tx.conn.execute(select(DELIVERY.c.id)).scalars().first()
        values = {"delivery_id": delivery, "n": 9, "owner": "x", "started_at": NOW, "reason": ""}
        highest = max(tx.conn.execute(select(ATTEMPT.c.id)).scalars())
        assert tx.conn.execute(insert(ATTEMPT).returning(ATTEMPT.c.id), values).scalar_one() == highest + 1
        post = tx.conn.execute(select(REMARK.c.post_id)).scalars().first()
        remark = {"post_id": post, "version": 1, "person": "cleo", "at": NOW, "text": "later"}
        assert tx.conn.execute(insert(REMARK).returning(REMARK.c.id), remark).scalar_one() == 42


def test_a_way_there_and_back_changes_no_row(full: Store, empty: Store, tmp_path: Path) -> None:
    before = contents(full)
    moving.move(full, empty, "ben", NOBODY)
    back = Store("sqlite:///back.db", tmp_path)
    moving.move(empty, back, "ben", NOBODY)
    after = contents(back)
    for name in before.keys() - {"event", "head", "meta"}:
        assert after[name] == before[name], name
    with back.write("ben") as tx:
        assert chain.verify(tx.conn)[1] == []
        tx.event("test.happen", "thing")
    back.close()


def test_the_old_place_takes_no_more_writes_but_can_be_read(full: Store, empty: Store) -> None:
    moving.move(full, empty, "ben", NOBODY)
    with pytest.raises(Refused, match="this store was moved to"), full.write("ana"):
        pass
    with full.read() as conn:
        assert meta.get(conn, "moved-to")["to"] == empty.name
    with empty.write("ana") as tx:
        tx.event("test.happen", "thing")
    with pytest.raises(Refused, match="was moved"):
        moving.move(full, empty, "ben", NOBODY)


def test_a_target_that_holds_anything_is_refused_and_the_old_place_goes_on(full: Store, empty: Store) -> None:
    with empty.write("ana") as tx:
        tx.event("test.happen", "thing")
    with pytest.raises(Refused, match="not empty"):
        moving.move(full, empty, "ben", NOBODY)
    with full.write("ana") as tx:
        tx.event("test.happen", "thing")
    with empty.read() as conn:
        assert len(chain.find(conn)) == 1


def test_a_fresh_store_may_be_the_target(full: Store, empty: Store) -> None:
    with empty.read():
        pass
    assert moving.move(full, empty, "ben", NOBODY).counts["delivery"] == 4


def test_a_broken_chain_is_not_moved_and_leaves_the_target_empty(full: Store, empty: Store) -> None:
    with full.write("mallory") as tx:
        tx.conn.execute(update(EVENT).where(EVENT.c.id == 3).values(why="nothing to see"))
    with pytest.raises(Refused, match="chain is broken"):
        moving.move(full, empty, "ben", NOBODY)
    assert not bare.is_there(empty)
    with full.write("ana"):
        pass


def test_a_row_that_changes_on_the_way_is_named(full: Store, empty: Store) -> None:
    """Here a trigger plays a faulty engine."""
    with empty.write("ana") as tx:
        if tx.conn.dialect.name == "sqlite":
            body = "AFTER INSERT ON remark BEGIN UPDATE remark SET text = 'other' WHERE id = NEW.id; END"
            tx.conn.execute(text(f"CREATE TRIGGER spoil {body}"))
        else:
            tx.conn.execute(
                text(
                    "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS"
                    " $$ BEGIN NEW.text = 'other'; RETURN NEW; END $$"
                )
            )
            tx.conn.execute(
                text("CREATE TRIGGER spoil BEFORE INSERT ON remark FOR EACH ROW EXECUTE FUNCTION spoil()")
            )
    with pytest.raises(Refused, match=r"differs from the store in remark: row 41"):
        moving.move(full, empty, "ben", NOBODY)
    with empty.read() as conn:
        assert chain.head(conn).event_id == 0
    with full.write("ana"):
        pass


def test_a_running_daemon_is_in_the_way(full: Store, empty: Store) -> None:
    record = DaemonRecord(
        id="d1", host="box", pid=7, version="1", started_at=NOW, heartbeat_at=full.clock(), state="running"
    )
    with full.write("daemon") as tx:
        meta.beat(tx, record)
    with pytest.raises(Refused, match=r"a daemon is running: govpost 1 on box \(process 7\)"):
        moving.move(full, empty, "ben", NOBODY)
    with full.write("daemon") as tx:
        meta.beat(tx, record.model_copy(update={"heartbeat_at": full.clock() - timedelta(seconds=61)}))
    moving.move(full, empty, "ben", NOBODY)


def test_a_medium_that_rows_name_and_nobody_has_stops_the_move(
    full: Store, empty: Store, tmp_path: Path
) -> None:
    name_medium(full, "ab" * 32)
    with pytest.raises(Refused, match=r"abab, of the post .* is missing"):
        moving.move(full, empty, "ben", tmp_path / "media")


def name_medium(store: Store, sha256: str) -> None:
    from govpost.store.rows import VERSION

    with store.write("ana") as tx:
        row = tx.conn.execute(select(VERSION.c.post_id, VERSION.c.draft)).first()
        assert row is not None
        draft = {**row.draft, "media": [{"sha256": sha256, "mime": "image/png"}]}
        tx.conn.execute(update(VERSION).where(VERSION.c.post_id == row.post_id).values(draft=draft))


@pytest.mark.parametrize("step", ["_close", "_open"])
def test_a_move_that_died_in_the_middle_leaves_one_store_open_at_most_and_a_second_call_ends_it(
    full: Store, empty: Store, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    die_at(step, full, empty, monkeypatch)
    for store in (empty,) if step == "_close" else (full, empty):
        with pytest.raises(Refused, match="was moved to"), store.write("daemon", shared=True):
            pass
    done = moving.move(full, empty, "ben", NOBODY)
    with empty.write("ana") as tx:
        assert str(chain.head(tx.conn)) == done.head
        assert [event.verb for event in chain.find(tx.conn)].count("store.move") == 1
    with pytest.raises(Refused, match="was moved"), full.write("ana"):
        pass
    assert checking.examine(empty, None).findings == []


def die_at(step: str, full: Store, empty: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Move, and die before a step; before `_close` the copy is there already, as after a lost connection."""
    with monkeypatch.context() as patch:
        if step == "_close":
            patch.setattr(moving, "_close", lambda *_: None)
            patch.setattr(moving, "_open", die)
            with pytest.raises(KeyboardInterrupt):
                moving.move(full, empty, "ben", NOBODY)
        else:
            patch.setattr(moving, step, die)
            with pytest.raises(KeyboardInterrupt):
                moving.move(full, empty, "ben", NOBODY)


@pytest.mark.parametrize("loud", [True, False])
def test_what_an_unfinished_move_left_is_not_used_once_the_store_went_on(
    full: Store, empty: Store, monkeypatch: pytest.MonkeyPatch, loud: bool
) -> None:
    die_at("_close", full, empty, monkeypatch)
    with full.write("daemon") as tx:
        tx.conn.execute(update(DELIVERY).values(check_at=NOW))
        if loud:
            tx.event("test.happen", "thing")
    with pytest.raises(Refused, match="a move that did not end"):
        moving.move(full, empty, "ben", NOBODY)
    with full.write("ana"):
        pass


def test_a_backup_of_a_copy_that_did_not_arrive_can_be_used(
    full: Store, empty: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    die_at("_open", full, empty, monkeypatch)
    backing.backup(empty, "ben", tmp_path / "copy.db", NOBODY, into_folder=False)
    fresh = Store("sqlite:///fresh/fresh.db", tmp_path)
    replacing.restore(fresh, "ben", tmp_path / "copy.db", tmp_path)
    with fresh.write("ana"):
        pass
    fresh.close()


def test_a_delivery_under_way_is_in_the_way_though_nobody_is_heard_of(full: Store, empty: Store) -> None:
    claim = {"state": "publishing", "lease_owner": "d1"}
    with full.write("daemon") as tx:
        row = tx.conn.execute(select(DELIVERY.c.id)).scalars().first()
        until = tx.now + timedelta(minutes=5)
        this = update(DELIVERY).where(DELIVERY.c.id == row)
        tx.conn.execute(this.values(**claim, lease_until=until))
    with pytest.raises(Refused, match=f"claimed until {until:%H:%M:%S} UTC"):
        moving.move(full, empty, "ben", NOBODY)
    with full.write("daemon") as tx:
        tx.conn.execute(this.values(**claim, lease_until=tx.now - timedelta(seconds=1)))
    moving.move(full, empty, "ben", NOBODY)


def die(*_: object) -> None:
    raise KeyboardInterrupt


def test_progress_is_told_by_table(full: Store, empty: Store) -> None:
    told: list[tuple[str, int, int]] = []
    moving.move(full, empty, "ben", NOBODY, lambda *line: told.append(line))
    assert ("delivery", 4, 4) in told


def test_a_store_cannot_move_to_itself(full: Store, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="already"):
        moving.move(full, Store("sqlite:///govpost.db", tmp_path), "ben", NOBODY)


def test_what_numbers_new_rows_too_low_is_found_by_the_check(
    full: Store, postgresql: Server, tmp_path: Path
) -> None:
    there = Store(postgresql.fresh(), tmp_path)
    moving.move(full, there, "ben", NOBODY)
    with there.write("mallory") as tx:
        tx.conn.execute(text("SELECT setval(pg_get_serial_sequence('remark', 'id'), 3)"))
    (found,) = checking.examine(there, None).findings
    assert "new rows of remark would take numbers that are used already" in found.what
    there.close()


def test_an_old_place_has_its_own_journal_and_the_new_one_another(full: Store, empty: Store) -> None:
    moving.move(full, empty, "ben", NOBODY)
    with empty.read() as conn:
        kept = conn.execute(select(META.c.value).where(META.c.key == "journal")).scalar_one_or_none()
    assert (kept is None) == empty.several


def test_the_umask_does_not_open_what_is_made(full: Store, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        moving.move(full, Store("sqlite:///made/new.db", tmp_path), "ben", NOBODY)
    finally:
        os.umask(before)
    assert (tmp_path / "made" / "new.db").stat().st_mode & 0o777 == 0o600


def test_a_target_of_another_schema_and_a_store_that_is_not_there_are_refused(
    full: Store, empty: Store, tmp_path: Path
) -> None:
    with empty.write("ana") as tx:
        schema.put(tx.conn, "schema", 99)
    with pytest.raises(Refused, match="another schema"):
        moving.move(full, empty, "ben", NOBODY)
    with pytest.raises(Refused, match="there is no store"):
        moving.move(Store("sqlite:///none.db", tmp_path), empty, "ben", NOBODY)


def test_a_daemon_that_stood_still_through_the_move_finds_the_gate_shut(full: Store, empty: Store) -> None:
    moving.move(full, empty, "ben", NOBODY)
    with full.read() as conn:
        frozen = meta.frozen(conn)
    assert frozen is not None
    assert "was moved to" in frozen["reason"]
    with empty.read() as conn:
        assert meta.frozen(conn) is None


def test_a_sign_that_postgresql_cannot_keep_stops_no_move(full: Store, empty: Store) -> None:
    with full.write("daemon") as tx:
        tx.conn.execute(update(DELIVERY).values(reason="the platform said\0no", receipt={"said": "a\0b"}))
    moving.move(full, empty, "ben", NOBODY)
    with empty.read() as conn:
        reasons = set(conn.execute(select(DELIVERY.c.reason)).scalars())
        receipts = conn.execute(select(DELIVERY.c.receipt)).scalars().all()
    assert reasons == {"the platform said\ufffdno" if empty.several else "the platform said\0no"}
    assert receipts == [{"said": "a\0b"}] * 4
    assert checking.examine(empty, None).findings == []


def test_an_event_with_such_a_sign_is_named_and_nothing_is_moved(full: Store, empty: Store) -> None:
    with full.write("ana") as tx:
        number = chain.head(tx.conn).event_id + 1
        tx.event("test.happen", "thing", old="a\0b")
    if not empty.several:
        moving.move(full, empty, "ben", NOBODY)
        return
    with pytest.raises(Refused, match=f"event {number} holds a NUL character in old"):
        moving.move(full, empty, "ben", NOBODY)
    assert not bare.is_there(empty)
    with full.write("ana"):
        pass
