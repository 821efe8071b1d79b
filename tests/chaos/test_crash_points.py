"""Death at every statement between claim and receipt: nothing twice, nothing lost, whatever the platform can do.

`make chaos` hits every statement of the core (CHAOS_EVERY=1); `make test` every few, so that it stays quick.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

import postgres
from chaos import processes
from chaos.crash_points import CORE, Copied, Ground, Kept, Snapshot, statements
from chaos.ledger import Ledger
from chaos.town import FIRST, Town

TEMPERAMENTS = ("none", "key", "lookup", "text")
ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="module", params=ENGINES)
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    root = tmp_path_factory.mktemp("ground")
    store = ""
    snapshot: Snapshot = Copied()
    if request.param == "postgresql":
        server: postgres.Server = request.getfixturevalue("postgresql")
        store = server.fresh()
        snapshot = Kept(server, store.rpartition("%3D")[2])
    names = [f"{kind}-1" for kind in TEMPERAMENTS]
    platform = processes.Platform(root / "ledger.jsonl", 0, names)
    town = Town(root, {name: platform.ports[name] for name in names}, store=store)
    town.write(FIRST, names)
    town.approve(FIRST)
    ground = Ground(town, platform, Ledger(root / "ledger.jsonl"), snapshot)
    yield ground
    ground.close()


def every(ground: Ground, temperament: str) -> int:
    """Say how many statements to step on by: the platform without keys is where most can go wrong."""
    few = (4 if temperament == "none" else 12) * (4 if ground.store.several else 1)
    return int(os.environ.get("CHAOS_EVERY") or few)


@pytest.mark.parametrize("file", CORE)
@pytest.mark.parametrize("temperament", TEMPERAMENTS)
def test_killed_before_any_statement_a_post_is_published_once_or_asked_about(
    ground: Ground, temperament: str, file: str
) -> None:
    if file == ("store/sqlite.py" if ground.store.several else "store/postgres.py"):
        return
    channel = f"{temperament}-1"
    points = [point for point in statements(ground.points(channel), core=True) if point.file == file]
    assert points, "nothing of this file runs between claim and receipt"
    for point in points[:: every(ground, temperament)]:
        ground.die_at(channel, point)
        row = ground.recover(channel)
        held = ground.ledger.posts[channel, row.id]
        sent = ground.ledger.requests[channel, row.id]
        where = f"killed before {point}: {row.state}, {len(held)} posts, {len(sent)} requests"
        assert len(held) <= 1, where
        assert {post["text"] for post in held} <= {ground.town.approved[FIRST, channel]}, where
        if temperament == "none":
            assert len(sent) <= 1, where
            assert row.state == "uncertain" or (row.state == "live" and held), where
        else:
            assert (row.state, len(held)) == ("live", 1), where


def test_before_the_gate_a_death_costs_nothing_and_after_it_a_question(ground: Ground) -> None:
    found = [point for point in ground.points("none-1") if point.run == 1]
    claim = next(point for point in found if point.function == "_claim")
    gate = next(point for point in found if (point.file, point.function) == ("attempts.py", "publish"))
    recorded = next(point for point in found if point.function == "_settle")
    states = []
    for point in (claim, gate, recorded):
        ground.die_at("none-1", point)
        row = ground.recover("none-1")
        states.append((row.state, len(ground.ledger.posts["none-1", row.id])))
    assert states == [("live", 1), ("uncertain", 0), ("uncertain", 1)]
