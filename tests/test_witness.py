"""A store that came back by other means than the command is noticed, before anything goes out twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import postgres
from govpost.domain import Capabilities
from govpost.errors import Refused, StoreUnavailable
from govpost.store import backing, bare, chain, meta, moving, restoring, schema, witness
from govpost.store import postgres as store_postgres
from govpost.store.engine import Store
from govpost.store.machine_rows import DaemonRecord
from govpost.store.witness import Witness
from govpost.times import utcnow
from live import living, until
from office import Confirming, Office, Scripted
from test_restoring import ASKED, PLAIN, back_up, frozen, put_back


@pytest.fixture
def hub() -> Scripted:
    return Scripted("hub", PLAIN)


@pytest.fixture
def small(tmp_path: Path, hub: Scripted) -> Iterator[Office]:
    office = Office(tmp_path, {"hub": hub, "wall": Confirming("wall", ASKED)}, now=utcnow())
    office.start()
    yield office
    office.store.close()


def copy_by_hand(office: Office, copy: Path) -> None:
    assert office.store.path is not None
    office.store.close()
    shutil.copy(copy, office.store.path)


def test_a_backup_copied_into_place_by_hand_sends_nothing_and_is_acted_upon_at_the_start(
    small: Office, hub: Scripted
) -> None:
    small.release("road")
    copy = back_up(small)
    small.work()
    copy_by_hand(small, copy)
    assert not small.publisher.deliver("hub")
    assert frozen(small) is not None
    assert restoring.settle(small.store, "daemon") is not None
    assert small.states("road") == ["uncertain", "uncertain"]
    assert len(hub.calls) == 1
    assert restoring.settle(small.store, "daemon") is None


def test_a_store_put_back_without_a_mark_is_noticed_by_what_a_daemon_saw(
    small: Office, hub: Scripted
) -> None:
    small.release("road")
    assert small.store.path is not None
    snapshot = small.root / "snapshot.db"
    small.store.close()
    shutil.copy(small.store.path, snapshot)
    made = small.now
    small.wait(60)
    small.work()
    with small.store.read() as conn:
        witness.keep(small.root, chain.head(conn), small.now)
    small.wait(60)
    copy_by_hand(small, snapshot)
    seen = witness.read(small.root)
    assert seen is not None
    settled = restoring.settle(small.store, "daemon", seen)
    assert settled is not None
    assert settled.uncertain == 2
    assert settled.at <= made
    assert "a daemon had seen" in small.events("store.restored")[0].why
    small.work()
    assert len(hub.calls) == 1
    small.wait(60)
    assert restoring.settle(small.store, "daemon", seen) is None, "it was acted upon"


def test_a_store_that_only_grew_is_not_taken_for_a_restored_one(small: Office) -> None:
    small.release("road")
    with small.store.read() as conn:
        witness.keep(small.root, chain.head(conn), small.now)
    small.work()
    assert restoring.settle(small.store, "daemon", witness.read(small.root)) is None
    assert frozen(small) is None


def test_a_store_made_anew_with_as_many_events_is_noticed_too(small: Office) -> None:
    with small.store.read() as conn:
        number = chain.head(conn).event_id
    seen = Witness(chain.Head(number, "f" * 64), small.now)
    assert restoring.settle(small.store, "daemon", seen) is not None


def test_the_witness_is_private_and_one_that_cannot_be_read_is_none(tmp_path: Path, small: Office) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    assert witness.read(folder) is None
    witness.keep(folder, chain.Head(3, "a" * 64), small.now)
    assert (folder / "witness.json").stat().st_mode & 0o777 == 0o600
    assert witness.read(folder) == Witness(chain.Head(3, "a" * 64), small.now)
    assert [path.name for path in folder.iterdir()] == ["witness.json"]
    for broken in ("", "[]", '{"event": 3}', '{"event": 3, "hash": "x", "at": "noon"}', "\0"):
        (folder / "witness.json").write_text(broken)
        assert witness.read(folder) is None


def test_a_daemon_notices_at_its_start_that_its_store_was_put_back(small: Office, hub: Scripted) -> None:
    small.release("road")
    assert small.store.path is not None
    snapshot = small.root / "snapshot.db"
    small.store.close()
    shutil.copy(small.store.path, snapshot)
    with living(small):
        until(lambda: small.states("road") == ["live", "live"])
    assert witness.read(small.store.folder) is not None
    copy_by_hand(small, snapshot)
    with living(small):
        until(lambda: "uncertain" in small.states("road", "hub"))
        assert frozen(small) is not None
        until(lambda: small.states("road", "wall") == ["live"])
    assert len(hub.calls) == 1


def test_a_daemon_notices_at_its_heartbeat_that_its_store_was_put_back(
    small: Office,
) -> None:
    """As when a server of PostgreSQL comes back from an earlier day while daemons run."""
    with living(small):
        until(lambda: witness.read(small.store.folder) is not None)
        with small.store.read() as conn:
            number = chain.head(conn).event_id
        later = Witness(chain.Head(number + 50, "f" * 64), small.store.clock())
        witness.keep(small.store.folder, later.head, later.at)
        until(lambda: frozen(small) is not None, 30)
    assert len(small.events("store.restored")) == 1


def test_a_store_that_nothing_happened_in_is_not_taken_for_a_restored_one(small: Office) -> None:
    nothing = Witness(chain.Head(0, chain.GENESIS), small.now)
    assert restoring.settle(small.store, "daemon", nothing) is None


def test_a_daemon_whose_store_goes_back_under_it_claims_nothing_of_it(small: Office, hub: Scripted) -> None:
    assert small.store.path is not None
    snapshot = small.root / "snapshot.db"
    with living(small) as live:
        small.release("road")
        until(lambda: small.states("road", "hub") == ["live"])
        live.stop()
    small.store.close()
    shutil.copy(small.store.path, snapshot)
    with living(small):
        small.release("fair")
        until(lambda: small.states("fair", "hub") == ["live"])
        shutil.copy(snapshot, small.root / "put-back.db")
        (small.root / "put-back.db").rename(small.store.path)
        until(lambda: frozen(small) is not None, 30)
    assert len(hub.calls) == 2


def daemons(office: Office) -> list[DaemonRecord]:
    with office.store.read() as conn:
        return meta.daemons(conn)


def test_a_head_that_cannot_be_noted_is_said_once_in_the_heartbeat(
    small: Office, caplog: pytest.LogCaptureFixture
) -> None:
    (small.store.folder / "witness.json").mkdir()
    with living(small) as live:
        until(lambda: any("cannot be noted" in row.why for row in daemons(small)))
        until(lambda: live.row().heartbeat_at > small.now + timedelta(seconds=7), 40)
    assert caplog.text.count("how far the record goes cannot be noted") == 1


@pytest.fixture
def office(tmp_path: Path, store_url: str) -> Iterator[Office]:
    assert store_url
    office = Office(tmp_path, {"hub": Scripted("hub", PLAIN)}, now=utcnow())
    office.start()
    yield office
    office.store.close()


def test_what_was_seen_of_another_store_says_nothing_of_this_one(office: Office) -> None:
    """As when [store] database names another one, or a demo begins anew."""
    other = Store("sqlite:///other.db", office.root / "other")
    with other.write("ana") as tx:
        for _ in range(30):
            tx.event("test.happen", "thing")
    restoring.bear_witness(other)
    other.close()
    shutil.copy(other.folder / "witness.json", office.store.folder / "witness.json")
    seen = witness.read(office.store.folder)
    assert seen is not None
    assert restoring.settle(office.store, "daemon", seen) is None
    assert frozen(office) is None
    assert restoring.settle(office.store, "daemon", seen._replace(store="")) is not None, (
        "an older note counts"
    )


def test_a_note_counts_where_the_store_has_no_name(office: Office) -> None:
    with office.tx() as tx:
        meta.drop(tx.conn, "store")
    seen = Witness(chain.Head(900, "f" * 64), office.now, "0" * 32)
    assert restoring.settle(office.store, "daemon", seen) is not None


def test_copies_of_a_store_keep_its_name(office: Office) -> None:
    with office.store.read() as conn:
        name = schema.identity(conn)
    assert len(name) == 32
    copy = back_up(office)
    put_back(office, copy)
    with office.store.read() as conn:
        assert schema.identity(conn) == name
    moved = Store("sqlite:///moved.db", office.root)
    moving.move(office.store, moved, "ben", office.root)
    for each in (backing.at_file(copy), moved):
        with bare.snapshot(each) as conn:
            assert schema.identity(conn) == name
        each.close()


def test_a_store_that_is_gone_is_not_begun_anew_behind_everybodys_back(
    tmp_path: Path, store_url: str
) -> None:
    office = Office(tmp_path, {"hub": Scripted("hub", Capabilities(title=True, link=True))})
    office.release("road")
    restoring.bear_witness(office.store)
    with office.store.backend.writing() as conn, conn.begin():
        for table in reversed(list(schema.ordered())):
            table.drop(conn)
    if office.store.path is not None:
        office.store.path.unlink()
    office.store.close()
    again = Store(office.store_url, tmp_path, lambda: office.now)
    with pytest.raises(Refused, match="the store is gone: ") as refused, again.write("ben"):
        pass
    assert "events at 2026-11-25T18:00:00Z and is empty now" in refused.value.message
    assert "govpost store restore FILE" in refused.value.tip
    assert again.path is None or not again.path.exists()
    (again.folder / witness.NAME).unlink()
    with again.write("ben") as tx:
        tx.event("test.anew", "everything")
    again.close()


def test_the_tables_that_go_under_a_running_daemon_are_trouble_and_no_fault(
    postgresql: postgres.Server,
) -> None:
    store = Store(postgresql.fresh(), Path("unused"))
    with pytest.raises(StoreUnavailable) as gone, store.translated(), store.backend.writing() as conn:
        conn.exec_driver_sql("SELECT * FROM event_that_is_gone")
    assert "govpost store restore" in gone.value.tip
    store.close()


@pytest.mark.parametrize(
    ("said", "tip"),
    [
        ("connection failed: fe_sendauth: no password supplied", "[store] password"),
        ('connection failed: FATAL: password authentication failed for user "x"', "[store] password"),
        ('connection failed: FATAL: database "city" does not exist', "make it first"),
        ("connection failed: Connection refused", "can be reached"),
    ],
)
def test_what_keeps_us_out_of_a_server_is_met_by_advice_that_fits(said: str, tip: str) -> None:
    assert tip in store_postgres._tip(said)
