"""What tests of many files share: a PostgreSQL a worker, and the two engines a store may be kept by."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import postgres

SQLITE = "sqlite:///.govpost/govpost.db"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Server]:
    """Return a running PostgreSQL."""
    with postgres.running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """Return the address of an empty store, once on each engine."""
    if request.param == "sqlite":
        return SQLITE
    server: postgres.Server = request.getfixturevalue("postgresql")
    return server.fresh()
