"""A store that was put back: nothing goes out before its open questions are settled, and nothing goes out twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect, select

from govpost import settling
from govpost.domain import Capabilities
from govpost.editorial import freezing, resolving
from govpost.errors import Refused
from govpost.store import backing, bare, chain, checking, meta, replacing
from govpost.store.account_rows import TOKEN, TokenRecord
from govpost.store.deliveries import claim
from govpost.store.machine_rows import DaemonRecord
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
    restored = replacing.restore(office.store, "ben", copy, office.root / MEDIA, "the disk broke")
    office.store.memory.forget()  # whoever works on begins anew: no daemon runs while a store is put back
    return restored


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
        resolving.resolve_absent(
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
