"""A store that comes back without what this process saw of it: nothing is added to it before it is made safe."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from govpost.daemon import housekeeping
from govpost.domain import Capabilities, Channel, Variant
from govpost.errors import StoreUnavailable
from govpost.store import chain, deliveries, meta, rescue, schema
from govpost.store.chain_rows import EVENT, HEAD
from govpost.store.memory import LOOKS_WITHIN
from office import Office, Scripted


class Careful(Scripted):
    """It is asked what it will not take, and looks into the store meanwhile."""

    office: Office
    curious = False

    def refusals(self, variant: Variant, channel: Channel) -> list[str]:
        if not self.curious:
            return []
        with self.office.store.write("somebody") as tx:
            tx.event("test.somebody-writes", "meanwhile")
        return []


@pytest.fixture
def hub() -> Careful:
    return Careful("hub", Capabilities(title=True, link=True))


@pytest.fixture
def office(tmp_path: Path, hub: Careful, store_url: str) -> Office:
    office = hub.office = Office(tmp_path, {"hub": hub})
    office.start()
    return office


def fail_over(office: Office, events: int) -> None:
    """Let a replica take over that had not heard of the last events."""
    with office.store.backend.writing() as conn, conn.begin():
        last = conn.execute(select(EVENT).order_by(EVENT.c.id.desc()).offset(events).limit(1)).one()
        conn.execute(delete(EVENT).where(EVENT.c.id > last.id))
        conn.execute(update(HEAD).values(event_id=last.id, hash=last.hash))


def test_nothing_is_claimed_from_a_store_that_lost_what_this_daemon_did(office: Office, hub: Careful) -> None:
    office.release("road")
    with office.tx() as tx:
        tx.event("test.lost", "later")
    fail_over(office, 1)
    with pytest.raises(StoreUnavailable, match="the store has gone back"):
        office.publisher.deliver("hub")
    assert hub.calls == []
    assert office.one("road").state == "queued"


def test_such_a_store_is_frozen_by_the_next_heartbeat_and_then_used_again(
    office: Office, hub: Careful
) -> None:
    office.release("road")
    office.work()
    with office.tx() as tx:
        tx.event("test.lost", "later")
    fail_over(office, 1)
    with pytest.raises(StoreUnavailable), office.tx() as tx:
        tx.event("test.refused", "now")
    housekeeping.settle_restored(office.store)
    with office.store.read() as conn:
        assert meta.frozen(conn) is not None
        assert chain.verify(conn)[1] == []
    with office.tx() as tx:
        tx.event("test.goes-on", "now")
    assert [event.verb for event in office.events()][-1] == "test.goes-on"


def test_a_store_that_went_another_way_meanwhile_is_noticed_after_it_was_away(office: Office) -> None:
    with office.tx() as tx:
        tx.event("test.lost", "later")
    fail_over(office, 1)
    office.store.memory, before = type(office.store.memory)(), office.store.memory
    for number in range(3):  # others, who had seen less, went on
        with office.tx() as tx:
            tx.event("test.others", str(number))
    office.store.memory = before
    before.doubt()
    with pytest.raises(StoreUnavailable, match="has gone back"), office.tx() as tx:
        tx.event("test.refused", "now")


def test_after_the_store_was_away_a_daemon_waits_until_all_have_looked_at_it(
    office: Office, hub: Careful, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.release("road")
    office.store.memory.doubt()
    assert office.publisher.open() is not office.store.several
    clock = office.store.memory._away + LOOKS_WITHIN
    monkeypatch.setattr("govpost.store.memory.time.monotonic", lambda: clock)
    assert office.publisher.open()


def test_what_a_plugin_is_asked_before_the_gate_holds_no_lock(office: Office, hub: Careful) -> None:
    office.release("road")
    hub.curious = True
    office.work()
    assert office.one("road").state == "live"
    assert office.events("test.somebody-writes")


def test_a_late_receipt_is_kept_though_another_daemon_claims_at_that_moment(
    office: Office, hub: Careful
) -> None:
    office.release("road")
    row, claimed, office.publisher.owner = office.one("road"), threading.Event(), "daemon-1"

    def claim() -> None:
        with office.store.write("daemon", shared=True) as tx:
            taken = deliveries.claim(
                tx, "hub", owner="daemon-2", lease=timedelta(minutes=3), gap=timedelta(), main_channel="hub"
            )
            assert taken is not None
            claimed.set()
            late.join(0.5)  # the other transaction has time to look at what is not committed yet

    def receive() -> None:
        claimed.wait(20)
        with office.store.write("daemon", shared=True) as tx:
            rescue.late_receipt(tx, row, {"remote_id": "hub-7", "url": None})

    late = threading.Thread(target=receive)
    late.start()
    claim()
    late.join(30)
    now = office.one("road")
    assert (now.state, now.remote_id) == ("live", "hub-7")


def test_code_that_has_become_too_old_passes_no_gate(office: Office, hub: Careful) -> None:
    office.release("road")
    with office.tx() as tx:
        meta.put(tx.conn, schema.NEEDS_KEY, 99)
    office.publisher.deliver("hub")
    if office.store.several:
        assert (hub.calls, office.one("road").state) == ([], "queued")
        assert office.events("delivery.gate") == []


def test_a_machine_without_a_secret_leaves_a_shared_channel_to_the_others(
    office: Office, hub: Careful, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.release("road")
    office.edit_config(
        'settings = { room = "hub" }', 'settings = { room = "hub" }\nsecrets = { key = "env:GONE_1" }'
    )
    assert not office.publisher.deliver("hub")
    paused = [event.why for event in office.events("channel.pause")]
    if office.store.several:
        assert paused == []
        assert "GONE_1 is not set" in office.publisher.lacking["hub"]
    else:
        assert "GONE_1 is not set" in paused[0]
    monkeypatch.setenv("GONE_1", "a secret that is there")
    office.publisher.deliver("hub")
    assert office.publisher.lacking == {}
