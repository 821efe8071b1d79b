"""The event chain: whatever is changed, taken out or put in is found and named."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select, text, update

import office
from govpost.errors import StoreUnavailable
from govpost.store import chain
from govpost.store.chain import Head
from govpost.store.chain_rows import EVENT, HEAD
from govpost.store.engine import Store

NOW = datetime(2026, 11, 25, 18, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(office.STORE, tmp_path, lambda: NOW)
    with store.write("ana") as tx:
        for number in range(1, 6):
            tx.event("test.happen", f"thing:{number}", old="a", new=None, why="it did", post=f"p{number}")
    yield store
    store.close()


def troubles(store: Store, kept: Head | None = None) -> list[str]:
    with store.read() as conn:
        return chain.verify(conn, kept)[1]


def head(store: Store) -> Head:
    with store.read() as conn:
        return chain.head(conn)


def tamper(store: Store, *statements: Any) -> None:
    with store.write("mallory") as tx:
        for statement in statements:
            tx.conn.execute(statement)


def test_an_untouched_chain_holds(store: Store) -> None:
    assert troubles(store) == []
    assert troubles(store, head(store)) == []
    assert str(head(store)).startswith("5:")


def test_an_empty_chain_holds(tmp_path: Path) -> None:
    store = Store(office.STORE, tmp_path, lambda: NOW)
    assert troubles(store, Head(0, chain.GENESIS)) == []
    with store.write("ana"):
        pass
    assert head(store) == Head(0, chain.GENESIS)
    store.close()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", datetime(2026, 11, 25, 18, 0, 0, 123457, tzinfo=UTC)),
        ("actor", "ben"),
        ("verb", "test.happened"),
        ("subject", "thing:33"),
        ("old", None),
        ("old", ""),
        ("new", ""),
        ("why", ""),
        ("detail", {"post": "p3"}),
        ("post", "p1"),
        ("channel", "hub"),
    ],
)
def test_a_changed_field_is_named(store: Store, column: str, value: Any) -> None:
    tamper(store, update(EVENT).where(EVENT.c.id == 3).values({column: value}))
    (found,) = troubles(store)
    assert found.startswith("event 3 of ")
    assert found.endswith("was changed")


def test_a_changed_hash_or_link_is_named(store: Store) -> None:
    tamper(store, update(EVENT).where(EVENT.c.id == 3).values(hash="0" * 64))
    assert any(found.startswith("event 3 of ") for found in troubles(store))
    assert "event 4 does not follow the one before it" in troubles(store)


def test_an_event_rewritten_with_a_fitting_hash_is_found_at_the_next(store: Store) -> None:
    with store.write("mallory") as tx:
        row = dict(tx.conn.execute(select(EVENT).where(EVENT.c.id == 3)).mappings().one())
        row["why"] = "nothing to see"
        row["hash"] = chain._hash(row)
        tx.conn.execute(update(EVENT).where(EVENT.c.id == 3).values(row))
    assert troubles(store) == ["event 4 does not follow the one before it"]


@pytest.mark.parametrize("column", ["detail", "at"])
def test_what_can_no_longer_be_read_is_named_and_the_rest_is_checked(store: Store, column: str) -> None:
    tamper(
        store,
        text(f"UPDATE event SET {column} = '{{broken' WHERE id = 3"),
        update(EVENT).where(EVENT.c.id == 5).values(why="other"),
    )
    first, second = troubles(store)
    assert first == "event 3 was changed: it cannot be read"
    assert second.startswith("event 5 of ")


def test_a_removed_event_is_named(store: Store) -> None:
    tamper(store, delete(EVENT).where(EVENT.c.id == 3))
    assert troubles(store) == ["event 3 is missing"]


def test_removed_events_are_named(store: Store) -> None:
    tamper(store, delete(EVENT).where(EVENT.c.id.in_([1, 2, 3])))
    assert troubles(store) == ["events 1 to 3 are missing"]


def forged(conn: Connection, number: int) -> dict[str, Any]:
    row = dict(conn.execute(select(EVENT).where(EVENT.c.id == 5)).mappings().one())
    row |= {"id": number, "prev": row["hash"], "why": "forged"}
    return row | {"hash": chain._hash(row)}


def test_an_event_put_in_after_the_end_is_found(store: Store) -> None:
    with store.write("mallory") as tx:
        tx.conn.execute(insert(EVENT), forged(tx.conn, 6))
    assert troubles(store) == ["the head names event 5, the last event is 6"]


def test_an_event_put_in_before_the_first_is_found(store: Store) -> None:
    with store.write("mallory") as tx:
        tx.conn.execute(insert(EVENT), forged(tx.conn, 0))
    assert troubles(store) == ["event 0 does not belong to the chain: events are numbered from 1"]


def test_an_event_put_in_between_is_found(store: Store) -> None:
    with store.write("mallory") as tx:
        for number in (5, 4):
            tx.conn.execute(update(EVENT).where(EVENT.c.id == number).values(id=number + 1))
        row = dict(tx.conn.execute(select(EVENT).where(EVENT.c.id == 3)).mappings().one())
        row |= {"id": 4, "prev": row["hash"]}
        tx.conn.execute(insert(EVENT), row | {"hash": chain._hash(row)})
    found = troubles(store)
    assert "event 5 does not follow the one before it" in found
    assert "the head names event 5, the last event is 6" in found


def test_a_cut_end_shows_against_the_head(store: Store) -> None:
    tamper(store, delete(EVENT).where(EVENT.c.id > 3))
    assert troubles(store) == ["the head names event 5, the last event is 3"]


def test_a_cut_end_with_a_fitting_head_shows_against_a_head_kept_elsewhere(store: Store) -> None:
    kept = head(store)
    with store.write("mallory") as tx:
        tx.conn.execute(delete(EVENT).where(EVENT.c.id > 3))
        last = tx.conn.execute(select(EVENT.c.hash).where(EVENT.c.id == 3)).scalar_one()
        tx.conn.execute(update(HEAD).values(event_id=3, hash=last))
    assert troubles(store) == []
    assert troubles(store, kept) == [
        "event 5, whose hash was kept, is missing: the end of the chain was cut off"
    ]


def test_a_chain_made_anew_shows_against_a_head_kept_elsewhere(store: Store) -> None:
    assert troubles(store, Head(4, "f" * 64)) == ["event 4 is not the one whose hash was kept"]


def test_a_changed_head_is_found(store: Store) -> None:
    tamper(store, update(HEAD).values(hash="f" * 64))
    assert troubles(store) == ["the head does not hold the hash of event 5, the last one"]


def test_a_missing_head_is_said_and_nothing_can_be_added(store: Store) -> None:
    tamper(store, delete(HEAD))
    with pytest.raises(StoreUnavailable, match="head of the event chain is missing"):
        troubles(store)
    with pytest.raises(StoreUnavailable, match="head"), store.write("ana") as tx:
        tx.event("test.happen", "x")


def test_events_are_found_by_post_channel_person_and_time(store: Store) -> None:
    with store.write("ben") as tx:
        tx.now = datetime(2026, 11, 26, tzinfo=UTC)
        tx.event("test.happen", "thing:6", channel="hub")

    def found(**tests: Any) -> list[int]:
        with store.read() as conn:
            return [event.id for event in chain.find(conn, **tests)]

    assert found(post="p2") == [2]
    assert found(channel="hub") == [6]
    assert found(actor="ben") == [6]
    assert found(since=datetime(2026, 11, 26, tzinfo=UTC)) == [6]
    assert found(until=datetime(2026, 11, 26, tzinfo=UTC), after_id=3) == [4, 5]
    assert found(limit=2) == [1, 2]


def test_ten_thousand_events_are_verified_in_seconds(tmp_path: Path) -> None:
    store = Store(office.STORE, tmp_path, lambda: NOW)
    with store.write("ana") as tx:
        for number in range(10_000):
            tx.event("test.happen", f"thing:{number}", post="p", why="as it must", n=number)
    began = time.process_time()
    assert troubles(store) == []
    assert time.process_time() - began < 5
    store.close()


WORDS = st.none() | st.text(max_size=5)
COLUMNS = st.sampled_from(
    ["actor", "verb", "subject", "old", "new", "why", "post", "channel", "prev", "hash"]
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(1, 5), column=COLUMNS, value=WORDS)
def test_whatever_field_is_set_to_another_value_it_is_found(
    store: Store, number: int, column: str, value: str | None
) -> None:
    if value is None and column not in ("old", "new", "post", "channel"):
        value = ""
    with store.write("mallory") as tx:
        before = tx.conn.execute(select(EVENT).where(EVENT.c.id == number)).mappings().one()
        tx.conn.execute(update(EVENT).where(EVENT.c.id == number).values({column: value}))
    assert bool(troubles(store)) == (before[column] != value)
    tamper(store, update(EVENT).where(EVENT.c.id == number).values(dict(before)))
    assert troubles(store) == []
