"""From one schema to the next while daemons of both versions deliver: nothing is doubled, and nothing lost."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, select

import office
from govpost.errors import Refused
from govpost.store import deliveries, schema, upgrading
from govpost.store.engine import Store
from govpost.store.machine_rows import DaemonRecord
from govpost.store.rows import ATTEMPT
from live import City, Receiver, until
from postgres import Server

EXPAND = '''
"""A mood for daemons."""
import sqlalchemy as sa
from alembic import op
revision, down_revision, needs = "4", "3", 3
def upgrade():
    op.add_column("daemon", sa.Column("mood", sa.String(), nullable=True))
    op.create_table("moods", sa.Column("name", sa.String(), primary_key=True))
'''
CONTRACT = '''
"""Every daemon has a mood."""
from alembic import op
revision, down_revision, needs = "5", "4", 4
def upgrade():
    op.execute("UPDATE daemon SET mood = '' WHERE mood IS NULL")
    op.alter_column("daemon", "mood", nullable=False)
'''
NEWER = """
import importlib.util, sys
from pathlib import Path
for name, old, new in (
    ("rows", "SCHEMA = 3\\n", "SCHEMA = 4\\n"),
    ("machine_rows", '    drain: str = ""\\n', '    drain: str = ""\\n    mood: str = "new"\\n'),
):
    spec = importlib.util.find_spec(f"govpost.store.{name}")
    text = Path(spec.origin).read_text()
    assert text.count(old) == 1
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    exec(compile(text.replace(old, new), spec.origin, "exec"), module.__dict__)
"""
"""Makes of this code the next version: it knows schema 4 and writes into its new column."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver(slow)
    yield receiver
    receiver.close()


def slow(post: dict[str, Any]) -> tuple[int, dict[str, str]]:
    time.sleep(0.2)
    return 201, {"id": post["key"]}


@pytest.fixture
def city(
    tmp_path: Path, receiver: Receiver, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[City]:
    monkeypatch.setattr(office, "STORE", postgresql.fresh())
    city = City(tmp_path, receiver.url)
    yield city
    city.end()


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    shutil.copytree(upgrading.SCRIPTS, folder)
    (folder / "versions" / "to_4.py").write_text(EXPAND)
    return folder


def working(city: City, number: int) -> list[DaemonRecord]:
    return [row for row in city.rows() if row.state == "running" and row.schema_number == number]


def settled(city: City, many: int) -> bool:
    with city.space.store.read() as conn:
        return Counter(row.state for row in deliveries.find(conn)) == {"live": many}


def versions_at_work(city: City, since: int = 0) -> set[int]:
    number = {row.id: row.schema_number for row in city.rows()}
    with city.space.store.read() as conn:
        owners = conn.execute(select(ATTEMPT.c.owner).where(ATTEMPT.c.id > since)).scalars().all()
    return {number[owner] for owner in owners}


def last_attempt(city: City) -> int:
    with city.space.store.read() as conn:
        return max(conn.execute(select(ATTEMPT.c.id)).scalars())


def test_two_versions_deliver_side_by_side_until_the_older_is_told_to_stop(
    city: City, receiver: Receiver, scripts: Path
) -> None:
    store = city.space.store
    city.daemon()
    until(lambda: working(city, 3), 60)
    first = [city.release(f"before-{number}") for number in range(4)]
    done = upgrading.upgrade(store, "ben", scripts=scripts)
    assert (done.old, done.new) == (3, 4)
    city.daemon(before=NEWER)
    until(lambda: working(city, 4), 60)
    mixed = [city.release(f"beside-{number}") for number in range(12)]
    until(lambda: settled(city, 16), 90)
    assert versions_at_work(city) == {3, 4}

    (scripts / "versions" / "to_5.py").write_text(CONTRACT)
    with pytest.raises(Refused, match=r"a daemon is running: govpost .* on ") as caught:
        upgrading.upgrade(store, "ben", scripts=scripts)
    assert "--stop-old" in caught.value.tip
    assert upgrading.upgrade(store, "ben", stop_old=True, scripts=scripts).new == 5
    (old,) = [row for row in city.rows() if row.schema_number == 3]
    assert "needs a govpost for schema 4 or newer; this one is for 3" in old.why
    number = last_attempt(city)
    last = [city.release(f"after-{number}") for number in range(4)]
    until(lambda: settled(city, 20), 90)
    assert versions_at_work(city, number) == {4}
    keys = [row.id for row in (*first, *mixed, *last)]
    assert sorted(post["key"] for post in receiver.posts) == sorted(keys)
    assert {"store.upgrade", "store.needs"} <= set(city.verbs())
    late = Store(office.STORE, city.root)
    with pytest.raises(Refused, match="needs a govpost for schema 4"), late.read():
        pass
    late.close()


def test_older_code_goes_on_with_a_store_that_only_grew(
    tmp_path: Path, scripts: Path, store_url: str
) -> None:
    store = Store(store_url, tmp_path)
    with store.read():
        pass
    upgrading.upgrade(store, "ben", scripts=scripts)
    store.close()
    again = Store(store_url, tmp_path)
    with again.write("ana") as tx:
        tx.event("test.happen", "thing")
        assert schema.numbers(tx.conn) == (4, 3)
        assert schema.too_old(tx.conn) is None
        assert inspect(tx.conn).has_table("moods")
    again.close()
