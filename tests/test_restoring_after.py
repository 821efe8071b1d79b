"""A store that was put back asks the one it replaces what went out after the backup, until the last moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

from govpost.editorial import freezing, queueing, resolving
from govpost.errors import Refused, Rejected, Unavailable
from govpost.store import checking, meta, replacing, upgrading
from govpost.store.engine import Store
from govpost.store.machine_rows import DaemonRecord
from govpost.store.rows import DELIVERY
from office import Office, Scripted
from test_addressing import bulletin_office
from test_copies import parted, people
from test_restoring import PLAIN, back_up, frozen, put_back

FRIDAY = "at: 2026-11-27 09:00"


@pytest.fixture
def hub() -> Scripted:
    return Scripted("hub", PLAIN)


@pytest.fixture
def office(tmp_path: Path, hub: Scripted, store_url: str) -> Iterator[Office]:
    assert store_url
    office = Office(tmp_path, {"hub": hub}, rates={"hub": 'windows = ["always"]\nlate = "send"'})
    office.start()
    yield office
    office.store.close()


def send_now(office: Office, slug: str) -> None:
    queueing.now(office.store, office.config, office.person("ben"), slug, "it is urgent", None)
    office.work()


def go_on(office: Office) -> None:
    """Thaw, and let a week pass."""
    freezing.thaw(office.store, office.config, office.person("cleo"), "done")
    for _ in range(14):
        office.wait(timedelta(hours=12))
        office.work()


def test_what_was_brought_forward_after_the_backup_does_not_go_out_again_on_its_day(
    office: Office, hub: Scripted
) -> None:
    office.release("road", more=FRIDAY)
    office.release("fair", more=FRIDAY)
    copy = back_up(office)
    send_now(office, "road")
    assert office.states("road") == ["live"]
    done = put_back(office, copy)
    assert (done.uncertain, done.compared) == (1, True)
    assert "failed or missed" not in (frozen(office) or {})["reason"]
    assert office.states("road") == ["uncertain"]
    assert "sent, tried or changed after that" in office.one("road").reason
    assert office.states("fair") == ["queued"], "it waits there too"
    go_on(office)
    assert sorted(len(copies) for copies in hub.held.values()) == [1, 1]
    assert len(hub.calls) == 2
    assert checking.examine(office.store, None).findings == []


def test_what_failed_and_was_tried_again_after_the_backup_is_no_longer_called_failed(
    office: Office, hub: Scripted
) -> None:
    hub.script = [Rejected("no"), Rejected("no")]
    office.release("road")
    office.release("fair")
    office.work()
    assert office.states("road") + office.states("fair") == ["failed", "failed"]
    copy = back_up(office)
    resolving.retry(office.store, office.config, office.person("ben"), office.one("road").id)
    office.work()
    assert office.states("road") == ["live"]
    assert put_back(office, copy).uncertain == 1
    assert (office.states("road"), office.state("road")) == (["uncertain"], "scheduled")
    assert (office.states("fair"), office.state("fair")) == (["failed"], "failed")
    with pytest.raises(Refused):
        resolving.retry(office.store, office.config, office.person("ben"), office.one("road").id)


def test_a_try_after_the_backup_counts_though_the_delivery_is_queued_again(
    office: Office, hub: Scripted
) -> None:
    office.release("road", more=FRIDAY)
    copy = back_up(office)
    hub.script = [Unavailable("not now")]
    send_now(office, "road")
    assert office.states("road") == ["queued"]
    assert put_back(office, copy).uncertain == 1


def test_a_claim_after_the_backup_counts_though_no_gate_of_it_is_known_any_more(office: Office) -> None:
    office.release("road", more=FRIDAY)
    copy = back_up(office)
    with office.tx() as tx:
        tx.conn.execute(update(DELIVERY).values(tries=1))
    assert put_back(office, copy).uncertain == 1


def test_copies_of_a_bulletin_that_went_on_are_moved_with_few_events(tmp_path: Path) -> None:
    office, _ = bulletin_office(tmp_path, *people(6))
    parted(office)
    with office.tx() as tx:
        tx.conn.execute(update(DELIVERY).values(due=tx.now + timedelta(days=3)))
    copy = back_up(office)
    with office.tx() as tx:
        some = DELIVERY.c.recipient.in_(("r-2", "r-3", "r-4"))
        tx.conn.execute(update(DELIVERY).where(some).values(state="live", tries=1))
    assert put_back(office, copy).uncertain == 3
    assert sorted(office.states("road")) == ["queued"] * 3 + ["uncertain"] * 3
    assert [event.detail["copies"] for event in office.events("delivery.uncertain")] == [3]


def test_a_store_that_cannot_be_read_leaves_what_it_knew_to_people(office: Office) -> None:
    office.release("road", more=FRIDAY)
    copy = back_up(office)
    send_now(office, "road")
    with office.tx() as tx:
        tx.conn.execute(text("ALTER TABLE delivery RENAME COLUMN gate_at TO gone"))
        tx.conn.execute(text("DROP TABLE daemon"))
    done = put_back(office, copy)
    assert (done.lost, done.compared, done.uncertain) == (None, False, 0)
    assert "failed or missed: it may be public too" in (frozen(office) or {})["reason"]
    assert office.states("road") == ["queued"]


def test_a_store_of_another_record_is_not_taken_for_one_that_knows_everything(
    office: Office, tmp_path: Path
) -> None:
    office.release("road", more=FRIDAY)
    copy = back_up(office)
    send_now(office, "road")
    first = put_back(office, copy)
    assert first.compared
    later = put_back(office, copy)
    assert not later.compared, "what was put back does not know what was lost with the first"
    assert later.uncertain == 1, "yet what it says is heeded"


def while_it_is_prepared(monkeypatch: pytest.MonkeyPatch, happen: object) -> None:
    """Let something happen after the first look at the store, and before the exchange."""
    upgrade = upgrading.upgrade

    def slow(store: Store, actor: str) -> object:
        assert callable(happen)
        happen()
        return upgrade(store, actor)

    monkeypatch.setattr(replacing.upgrading, "upgrade", slow)


def test_what_falls_due_and_goes_out_while_the_backup_is_prepared_is_an_open_question(
    office: Office, hub: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.release("road", more=FRIDAY)
    copy = back_up(office)

    def happen() -> None:
        office.wait(timedelta(days=2))
        office.work()
        assert office.states("road") == ["live"]

    while_it_is_prepared(monkeypatch, happen)
    assert put_back(office, copy).uncertain == 1
    assert office.states("road") == ["uncertain"]
    go_on(office)
    assert len(hub.calls) == 1


def test_a_daemon_that_starts_while_the_backup_is_prepared_is_in_the_way(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not office.store.several:
        return  # there the daemon's lock decides, which the command holds
    office.release("road", more=FRIDAY)
    copy = back_up(office)

    def happen() -> None:
        with office.tx("daemon") as tx:
            begun = {"started_at": tx.now, "heartbeat_at": tx.now, "state": "running"}
            meta.beat(tx, DaemonRecord(id="d1", host="box", pid=1, version="1", **begun))

    while_it_is_prepared(monkeypatch, happen)
    before = office.events()
    with pytest.raises(Refused, match="a daemon is running"):
        put_back(office, copy)
    assert office.events() == before
    assert office.states("road") == ["queued"]


def test_a_restore_into_an_empty_place_has_nothing_to_compare_with(office: Office, tmp_path: Path) -> None:
    office.release("road", more=FRIDAY)
    copy = back_up(office)
    fresh = Store("sqlite:///fresh/fresh.db", tmp_path, lambda: office.now)
    done = replacing.restore(fresh, "ben", copy, tmp_path)
    assert (done.aside, done.lost, done.compared) == (None, 0, False)
    fresh.close()
