"""What tests of many files share: a PostgreSQL a worker, and the two engines a store may be kept by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import Engine

import compiled
import office
import postgres
from govpost.store import postgres as store_postgres

compiled.share()
# How long an example takes is the machine's mood, not the code's fault.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")

ENGINES = ("sqlite", "postgresql")

ON_BOTH = {
    "test_accounts",
    "test_addressing",
    "test_answering",
    "test_chain",
    "test_collector_gathering",
    "test_copies",
    "test_daemon_gathering",
    "test_duties",
    "test_evidence",
    "test_intake",
    "test_pilots",
    "test_planning",
    "test_posts",
    "test_publisher",
    "test_queueing",
    "test_renewing",
    "test_reviewing",
    "test_sessions",
    "test_stopping",
    "test_store_notes",
}
"""Tests of what the store keeps, which must come true on each engine."""


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Server]:
    """Return a running PostgreSQL."""
    with postgres.running() as server:
        yield server


@pytest.fixture
def store_url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the address of an empty store on the engine asked for, and let the test's office be kept there."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield office.STORE
        return
    server: postgres.Server = request.getfixturevalue("postgresql")
    monkeypatch.setattr(office, "STORE", server.fresh())
    opened: list[Engine] = []

    def remembered(*how: Any) -> Engine:
        opened.append(_engine(*how))
        return opened[-1]

    _engine = store_postgres._engine
    monkeypatch.setattr(store_postgres, "_engine", remembered)
    yield office.STORE
    for engine in opened:
        engine.dispose()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run on both engines the tests of `ON_BOTH`, and all that ask for `store_url`."""
    if metafunc.module.__name__ in ON_BOTH and "store_url" not in metafunc.fixturenames:
        metafunc.fixturenames.insert(0, "store_url")
    if "store_url" in metafunc.fixturenames:
        metafunc.parametrize("store_url", ENGINES, indirect=True)
