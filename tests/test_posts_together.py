"""Deliveries of one post that end at the same instant, on each engine."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from govpost.domain import Capabilities
from govpost.publisher import Publisher
from govpost.store import deliveries, posts
from govpost.store.rows import DELIVERY
from office import Office, Scripted

CHANNELS = ("hub", "square")


def test_two_claims_of_one_post_that_end_at_the_gate_do_not_wait_for_each_other(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(tmp_path, {name: Scripted(name, Capabilities()) for name in CHANNELS})
    office.start()
    office.release("road")
    office.wait(10)  # past the head start of the main channel
    with office.tx() as tx:
        for row in deliveries.find(tx.conn):
            forged = row.variant | {"text": "Something nobody approved."}
            tx.conn.execute(DELIVERY.update().where(DELIVERY.c.id == row.id).values(variant=forged))
    together = threading.Barrier(2)
    settle = posts.settle

    def settle_together(tx: Any, post_id: str) -> None:
        if office.store.several:
            together.wait(20)
        settle(tx, post_id)

    monkeypatch.setattr(posts, "settle", settle_together)
    workers = [Publisher(store=office.store, owner=name, setup=office.setup()) for name in CHANNELS]
    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(worker.deliver, name) for worker, name in zip(workers, CHANNELS, strict=True)]
        assert [each.result(60) for each in done] == [True, True]
    assert office.states("road") == ["failed", "failed"]
    assert office.state("road") == "failed"
