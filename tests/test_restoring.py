"""A store that was put back: nothing goes out before its open questions are settled, and nothing goes out twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, update

from govpost import settling
from govpost.domain import Capabilities
from govpost.editorial import freezing, queueing
from govpost.errors import Refused
from govpost.store import backing, bare, chain, checking, meta, replacing, restoring, witness
from govpost.store.account_rows import TOKEN, TokenRecord
from govpost.store.deliveries import claim
from govpost.store.engine import Store
from govpost.store.rows import DaemonRecord
from govpost.store.witness import Witness
from office import Confirming, Office, Scripted

PLAIN = Capabilities(title=True, link=True, idempotent_for=timedelta(hours=1))
ASKED = Capabilities(
    title=True, link=True, idempotent_for=timedelta(hours=1), settles_after=timedelta(minutes=5)
)
MEDIA = Path("media")


@pytest.fixture
def hub() -> Scripted:
    return Scripted("hub", PLAIN)


@pytest.fixture
def wall() -> Confirming:
    return Confirming("wall", ASKED)


@pytest.fixture
def office(tmp_path: Path, hub: Scripted, wall: Confirming, store_url: str) -> Iterator[Office]:
    assert store_url
    late = 'windows = ["always"]\nlate = "send"'
    office = Office(tmp_path, {"hub": hub, "wall": wall}, rates={"wall": late})
    office.start()
    yield office
    office.store.close()


def back_up(office: Office) -> Path:
    path = office.root / "copies" / "copy.db"
    backing.backup(office.store, "ben", path, office.root / MEDIA, into_folder=False)
    return path


def put_back(office: Office, copy: Path) -> replacing.Restored:
    return replacing.restore(office.store, "ben", copy, office.root / MEDIA, "the disk broke")


def look(office: Office) -> None:
    """Ask the platforms, as a daemon does even while everything is frozen."""
    for name in office.fitted:
        while settling.look(office.publisher, name):
            pass


def frozen(office: Office) -> dict[str, str] | None:
    with office.store.read() as conn:
        return meta.frozen(conn)


def test_what_was_due_is_uncertain_and_what_comes_later_waits(office: Office, hub: Scripted) -> None:
    office.release("road")
    office.release("fair", more="at: 2026-11-30 09:00")
    copy = back_up(office)
    office.work()
    assert office.states("road") == ["live", "live"]
    office.wait(600)
    done = put_back(office, copy)
    assert done.uncertain == 2
    assert office.states("road") == ["uncertain", "uncertain"]
    assert office.states("fair") == ["queued", "queued"]
    assert "it may have been published since" in office.one("road", "hub").reason
    assert [event.verb for event in office.events() if event.old in ("open", None)][-2:] == [
        "freeze",
        "store.restored",
    ]
    assert "the disk broke" in office.events("store.restored")[0].why
    assert checking.examine(office.store, None).findings == []


def test_a_restored_store_is_frozen_until_somebody_thaws_it_and_nothing_goes_out_twice(
    office: Office, hub: Scripted, wall: Confirming
) -> None:
    office.release("road")
    copy = back_up(office)
    office.work()
    put_back(office, copy)
    found = frozen(office)
    assert found is not None
    assert found["reason"].startswith("restored from the backup of 2026-11-25T18:00")
    office.work()
    assert office.states("road", "wall") == ["live"], "the platform that can be asked knows it"
    assert office.states("road", "hub") == ["uncertain"], "the other is left to a person"
    freezing.thaw(office.store, office.config, office.person("cleo"), "all settled")
    for _ in range(30):
        office.wait(timedelta(minutes=10))
        office.work()
    assert [len(copies) for copies in hub.held.values()] == [1]
    assert [len(copies) for copies in wall.held.values()] == [1]
    assert len(hub.calls) == 1


def test_not_there_is_believed_only_when_all_that_was_under_way_must_have_arrived(
    office: Office, wall: Confirming
) -> None:
    office.release("road", channels=["wall"])
    copy = back_up(office)
    office.wait(timedelta(days=2))
    put_back(office, copy)
    freezing.thaw(office.store, office.config, office.person("cleo"), "done")
    look(office)
    assert office.states("road") == ["uncertain"], "two days old, and yet it may have been sent a moment ago"
    office.wait(timedelta(minutes=6))
    look(office)
    assert office.states("road") == ["uncertain"]
    with pytest.raises(Refused):
        queueing.resolve_absent(
            office.store, office.config, office.fitted, office.person("ben"), office.one("road").id
        )
    office.wait(timedelta(minutes=2))
    look(office)
    assert office.states("road") == ["queued"]
    office.publisher.deliver("wall")
    assert [len(copies) for copies in wall.held.values()] == [1]


def test_a_key_that_a_platform_would_know_is_not_repeated_by_itself(office: Office, hub: Scripted) -> None:
    """After the backup somebody may have cancelled it: only a person can tell."""
    office.release("road", channels=["hub"])
    copy = back_up(office)
    put_back(office, copy)
    freezing.thaw(office.store, office.config, office.person("cleo"), "done")
    office.wait(60)
    office.work()
    assert hub.calls == []
    assert office.one("road").first_sent is None


def test_what_was_uncertain_in_the_backup_is_asked_about_anew(office: Office, wall: Confirming) -> None:
    from govpost.errors import Uncertain

    wall.script = [Uncertain("no answer")]
    office.release("road", channels=["wall"])
    office.publisher.deliver("wall")
    copy = back_up(office)
    office.wait(timedelta(hours=3))
    put_back(office, copy)
    row = office.one("road")
    assert (row.state, row.gate_at, row.check_at, row.first_sent) == (
        "uncertain",
        office.now,
        office.now,
        None,
    )
    look(office)
    assert office.states("road") == ["uncertain"], "it may have been sent again after the backup"


def test_a_claim_in_the_backup_ends_as_an_open_question(office: Office, wall: Confirming) -> None:
    office.release("road", channels=["wall"])
    with office.tx("daemon") as tx:
        assert claim(tx, "wall", owner="d1", lease=timedelta(minutes=3), gap=timedelta(0), main_channel="hub")
    copy = back_up(office)
    put_back(office, copy)
    row = office.one("road")
    assert (row.state, row.lease_owner, row.lease_until, row.ambiguous) == ("uncertain", None, None, True)


def test_daemons_are_forgotten_and_secrets_kept_with_a_warning(office: Office) -> None:
    with office.tx("daemon") as tx:
        meta.beat(
            tx,
            DaemonRecord(
                id="d1",
                host="box",
                pid=1,
                version="1",
                started_at=tx.now,
                heartbeat_at=tx.now,
                state="stopped",
            ),
        )
        sealed = TokenRecord(
            channel="hub", sealed="x", changed_at=tx.now, lease_owner="d1", lease_until=tx.now
        )
        tx.conn.execute(TOKEN.insert(), sealed.model_dump())
    put_back(office, back_up(office))
    with office.store.read() as conn:
        assert meta.daemons(conn) == []
        # An owner of a lease that has ended: what it stands for is shown no second time for a renewal.
        assert conn.execute(select(TOKEN.c.sealed, TOKEN.c.lease_owner)).one() == ("x", "restored")
    (event,) = office.events("store.restored")
    assert "log in again" in event.why
    assert event.detail["accounts"] == ["hub"]


def test_a_freeze_from_before_the_backup_is_not_forgotten(office: Office) -> None:
    freezing.freeze(office.store, office.config, office.person("ben"), "the mayor said so")
    put_back(office, back_up(office))
    assert "it was frozen then already, by ben: the mayor said so" in office.events("store.restored")[0].why


def test_the_store_that_was_there_is_kept_whole(office: Office) -> None:
    office.release("road")
    copy = back_up(office)
    office.work()
    with office.store.read() as conn:
        before = chain.head(conn)
    done = put_back(office, copy)
    assert done.aside is not None
    assert done.lost is not None
    assert done.lost > 0
    if office.store.path is not None:
        old = backing.at_file(Path(done.aside))
        with bare.snapshot(old) as conn:
            assert chain.head(conn) == before
            assert chain.verify(conn)[1] == []
        old.close()
    else:
        name = done.aside.split()[2]
        with office.store.read() as conn:
            number = conn.exec_driver_sql(f"SELECT event_id FROM {name}.head").scalar_one()
            assert number == before.event_id
            assert "delivery" in inspect(conn).get_table_names(name)


def test_a_running_daemon_is_in_the_way_where_several_share_the_store(office: Office) -> None:
    copy = back_up(office)
    with office.tx("daemon") as tx:
        meta.beat(
            tx,
            DaemonRecord(
                id="d1",
                host="box",
                pid=1,
                version="1",
                started_at=tx.now,
                heartbeat_at=tx.now,
                state="running",
            ),
        )
    if not office.store.several:
        return  # there the daemon's lock decides, which the command holds
    with pytest.raises(Refused, match="a daemon is running"):
        put_back(office, copy)


# --- by hand ---------------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path, hub: Scripted, wall: Confirming) -> Iterator[Office]:
    office = Office(tmp_path, {"hub": hub, "wall": wall})
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


def test_a_plain_copy_without_a_mark_is_restored_as_of_its_last_event(small: Office) -> None:
    small.release("road")
    assert small.store.path is not None
    plain = small.root / "plain.db"
    small.store.close()
    shutil.copy(small.store.path, plain)
    last = small.events()[-1].at
    small.wait(timedelta(hours=1))
    assert put_back(small, plain).at == last.replace(microsecond=0)


def test_a_backup_of_a_moved_store_can_be_used_again(small: Office, tmp_path: Path) -> None:
    from govpost.store import moving

    copy_to = Store("sqlite:///elsewhere.db", tmp_path)
    moving.move(small.store, copy_to, "ben", tmp_path)
    copy_to.close()
    copy = small.root / "late.db"
    backing.backup(small.store, "ben", copy, tmp_path, into_folder=False)
    put_back(small, copy)
    with small.store.write("ana"):
        pass


def test_the_newest_of_a_folder_is_taken_and_media_come_along(small: Office) -> None:
    folder = small.root / "copies"
    folder.mkdir()
    kept = small.root / "media"
    kept.mkdir()
    import hashlib

    name = hashlib.sha256(b"picture").hexdigest()
    (kept / name).write_bytes(b"picture")
    small.release("road")
    from govpost.store.rows import VERSION

    with small.tx() as tx:
        draft = {
            **tx.conn.execute(select(VERSION.c.draft)).scalar_one(),
            "media": [{"sha256": name, "mime": "x"}],
        }
        tx.conn.execute(update(VERSION).values(draft=draft))
    backing.backup(small.store, "ben", folder, kept, into_folder=True)
    small.wait(3600)
    small.release("fair")
    made = backing.backup(small.store, "ben", folder, kept, into_folder=True)
    assert (made.media, made.copied, made.missing) == (1, 0, [])
    assert (folder / "media" / name).read_bytes() == b"picture"
    assert (folder / "media" / name).stat().st_nlink == 1
    (kept / name).write_bytes(b"other")
    done = put_back(small, folder)
    assert done.backup == made.path
    assert (done.copied, done.missing) == (1, [])
    assert (kept / name).read_bytes() == b"picture"
    (folder / "media" / name).unlink()
    (kept / name).unlink()
    again = put_back(small, folder)
    assert len(again.missing) == 1
    assert "of the post road, is missing" in again.missing[0]


def test_a_place_without_a_backup_is_refused(small: Office) -> None:
    (small.root / "empty").mkdir()
    with pytest.raises(Refused, match="holds no backup"):
        put_back(small, small.root / "empty")
    with pytest.raises(Refused, match="there is no backup at"):
        put_back(small, small.root / "none.db")


def test_a_clock_that_jumps_cuts_no_wait_of_a_restored_store_short(office: Office, wall: Confirming) -> None:
    from govpost.store import rescue

    office.release("road", channels=["wall"])
    put_back(office, back_up(office))
    jump = timedelta(hours=5)
    office.wait(jump)
    with office.tx("daemon") as tx:
        rescue.follow_clock(tx, jump)
    look(office)
    assert office.states("road") == ["uncertain"]


def test_a_backup_that_others_could_write_is_refused(small: Office) -> None:
    copy = back_up(small)
    copy.chmod(0o620)
    with pytest.raises(Refused, match="could have been written by somebody else"):
        put_back(small, copy)
