"""Several daemons on one store: what one may do alone, many do together once. Real threads, on each engine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, update

from govpost.domain import Capabilities, Receipt, Variant
from govpost.editorial import freezing
from govpost.errors import StoreUnavailable
from govpost.publisher import Publisher
from govpost.store import rescue
from govpost.store.rows import ATTEMPT, DELIVERY
from office import Office, Scripted

PLAIN = Capabilities(title=True, link=True)


class Together(Scripted):
    """A platform that lets calls through only when so many have come, or after a moment."""

    def __init__(self, name: str, together: int = 1) -> None:
        super().__init__(name, PLAIN)
        self.barrier = threading.Barrier(together)
        self.lock = threading.Lock()
        self.under_way = threading.Event()

    def publish(self, variant: Variant, channel: object, http: object) -> Receipt:
        with self.lock:
            self.calls.append(variant)
            receipt = self.accept(variant)
        self.under_way.set()
        try:
            self.barrier.wait(0.5)
        except threading.BrokenBarrierError:
            self.barrier.reset()
        return receipt


def daemons(office: Office, number: int) -> list[Publisher]:
    return [
        Publisher(store=office.store, owner=f"daemon-{each}", setup=office.setup(), monotonic=lambda: 1000.0)
        for each in range(number)
    ]


def at_once(*works: Callable[[], object]) -> None:
    """Run pieces of work at the same time; what the store could not take is tried again, as a lane does."""
    failed: list[BaseException] = []

    def run(work: Callable[[], object]) -> None:
        try:
            while True:
                try:
                    if not work():
                        return
                except StoreUnavailable:
                    continue
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert failed == []


def each_delivers(office: Office, number: int, *names: str) -> list[Callable[[], object]]:
    def of(publisher: Publisher, name: str) -> Callable[[], object]:
        return lambda: publisher.deliver(name)

    return [of(publisher, name) for publisher in daemons(office, number) for name in names]


def test_what_many_claim_at_once_each_goes_out_once(tmp_path: Path, store_url: str) -> None:
    hub = Together("hub")
    office = Office(tmp_path, {"hub": hub})
    office.start()
    slugs = [f"post-{number}" for number in range(24)]
    keys = [office.release(slug)[0].id for slug in slugs]
    office.keep_house()
    at_once(*each_delivers(office, 6, "hub"))
    assert sorted(call.key for call in hub.calls) == sorted(keys)
    assert {office.one(slug).state for slug in slugs} == {"live"}
    with office.store.read() as conn:
        assert sorted(conn.execute(select(ATTEMPT.c.delivery_id)).scalars()) == sorted(keys)


def test_the_gap_between_two_posts_holds_however_many_claim(tmp_path: Path, store_url: str) -> None:
    hub = Together("hub")
    office = Office(tmp_path, {"hub": hub}, rates={"hub": 'min_gap = "2h"\nlate = "send"'})
    office.start()
    for number in range(6):
        office.release(f"post-{number}")
    with office.tx() as tx:  # as after an outage, before anybody has fitted the queue to the rate again
        tx.conn.execute(update(DELIVERY).values(due=tx.now, slot=tx.now))
    at_once(*each_delivers(office, 6, "hub"))
    assert len(hub.calls) == 1


def test_a_pilots_cap_holds_however_many_claim(tmp_path: Path, store_url: str) -> None:
    hub = Together("hub")
    office = Office(tmp_path, {"hub": hub}, cap=3)
    office.start()
    for number in range(9):
        office.release(f"post-{number}")
    at_once(*each_delivers(office, 8, "hub"))
    assert len(hub.calls) == 3


@pytest.mark.parametrize("turn", range(4))
def test_a_post_whose_last_deliveries_end_at_the_same_moment_is_published(
    tmp_path: Path, store_url: str, turn: int
) -> None:
    names = ["alpha", "beta", "gamma", "delta"]
    barrier = threading.Barrier(len(names))
    platforms: dict[str, Scripted] = {name: Together(name) for name in names}
    for each in platforms.values():
        assert isinstance(each, Together)
        each.barrier = barrier
    office = Office(tmp_path, platforms)
    office.start()
    office.release("road")
    office.wait(10)  # past the head start of the main channel
    at_once(*each_delivers(office, 1, *names))
    assert set(office.states("road")) == {"live"}
    assert office.state("road") == "published"


def test_after_a_freeze_nothing_passes_the_gate_not_even_what_was_under_way(
    tmp_path: Path, store_url: str
) -> None:
    hub = Together("hub", 2)
    office = Office(tmp_path, {"hub": hub})
    office.start()
    for number in range(30):
        office.release(f"post-{number}")
    under_way = threading.Event()
    hub.under_way = under_way

    def freeze() -> bool:
        under_way.wait(60)
        freezing.freeze(office.store, office.config, office.person("ben"), "a storm")
        return False

    at_once(freeze, *each_delivers(office, 3, "hub"))
    (end,) = (event.id for event in office.events("freeze"))
    gates = [event.id for event in office.events("delivery.gate")]
    assert gates and max(gates) < end
    assert len(hub.calls) == len(gates) < 30


def test_an_outcome_after_the_lease_was_lost_changes_nothing_but_the_record(
    tmp_path: Path, store_url: str
) -> None:
    hub = Scripted("hub", PLAIN)
    office = Office(tmp_path, {"hub": hub})
    office.start()
    office.release("road")

    def stopped_for_long(variant: Variant) -> Receipt:
        receipt = hub.accept(variant)
        office.wait(3600)  # its process stood still; another daemon has taken over meanwhile
        with office.tx("daemon") as tx:
            (taken,) = rescue.rescue(tx, "daemon-2", {"office"})
        assert office.one("road").state == "uncertain" and taken.gate_at is not None
        return receipt

    hub.script = [stopped_for_long]
    office.publisher.deliver("hub")
    row = office.one("road")
    assert (row.state, row.remote_id, row.ambiguous) == ("live", "hub-1", row.ambiguous)
    assert [event.why for event in office.events("delivery.live")] == ["a late receipt"]
