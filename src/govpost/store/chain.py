"""The event chain: every event holds the SHA-256 of the one before, and one row keeps the head."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, RowMapping, bindparam, insert, select, update

from govpost.digest import sha256
from govpost.domain import Event
from govpost.errors import StoreUnavailable
from govpost.store.chain_rows import EVENT, HEAD
from govpost.times import rfc3339

GENESIS = "0" * 64

_HEAD = select(HEAD.c.event_id, HEAD.c.hash)
_HEAD_FOR_ME = _HEAD.with_for_update()
_ADD = insert(EVENT)
_MOVE_HEAD = update(HEAD).values(event_id=bindparam("number"), hash=bindparam("last"))


class Happening(NamedTuple):
    """An event before it has a number."""

    verb: str
    subject: str
    old: str | None
    new: str | None
    why: str
    detail: dict[str, Any]


class Head(NamedTuple):
    """The end of the chain."""

    event_id: int
    hash: str

    def __str__(self) -> str:
        return f"{self.event_id}:{self.hash}"


def _hash(fields: Mapping[str, Any] | RowMapping) -> str:
    names = ("id", "actor", "verb", "subject", "old", "new", "why", "detail", "post", "channel", "prev")
    return sha256({name: fields[name] for name in names} | {"at": fields["at"].isoformat()})


def append(
    conn: Connection,
    at: datetime,
    actor: str,
    happenings: Sequence[Happening],
    expects: Callable[[Head], None] = lambda _head: None,
) -> Head:
    """Add events at the head, in the transaction of what they tell; return the new head.

    `expects` is asked about the old one, once nobody else can move it, and may raise.
    """
    number, last = before = head(conn, lock=True)
    expects(before)
    if not happenings:
        return before
    rows: list[dict[str, Any]] = []
    for happening in happenings:
        number += 1
        row = {"id": number, "at": at, "actor": actor, "prev": last} | happening._asdict()
        row["post"], row["channel"] = happening.detail.get("post"), happening.detail.get("channel")
        last = row["hash"] = _hash(row)
        rows.append(row)
    conn.execute(_ADD, rows)
    conn.execute(_MOVE_HEAD, {"number": number, "last": last})
    return Head(number, last)


def head(conn: Connection, *, lock: bool = False) -> Head:
    """Return the end of the chain; with `lock`, hold it until the transaction ends."""
    row = conn.execute(_HEAD_FOR_ME if lock else _HEAD).one_or_none()
    if row is None:
        raise StoreUnavailable("the head of the event chain is missing", "restore a backup of the store")
    return Head(row.event_id, row.hash)


def to_event(row: Row[Any]) -> Event:
    """Make the value that leaves the store."""
    fields = dict(row._mapping)
    for name in ("post", "channel"):
        fields.pop(name)
    return Event(**fields)


def find(
    conn: Connection,
    *,
    post: str | None = None,
    channel: str | None = None,
    actor: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after_id: int = 0,
    limit: int | None = None,
) -> list[Event]:
    """Return events in order, filtered."""
    statement = select(EVENT).where(EVENT.c.id > after_id).order_by(EVENT.c.id).limit(limit)
    tests = ((EVENT.c.post, post), (EVENT.c.channel, channel), (EVENT.c.actor, actor))
    for column, wanted in tests:
        if wanted is not None:
            statement = statement.where(column == wanted)
    if since is not None:
        statement = statement.where(EVENT.c.at >= since)
    if until is not None:
        statement = statement.where(EVENT.c.at < until)
    return [to_event(row) for row in conn.execute(statement)]


def verify(conn: Connection, kept: Head | None = None) -> tuple[Head, list[str]]:
    """Walk the chain and say where it is broken; `kept` is a head noted elsewhere earlier."""
    end = head(conn)
    troubles = list(_walk(_rows(conn), end, kept))
    return end, troubles


def _rows(conn: Connection) -> Iterator[RowMapping | int]:
    """Return the events in order; of one that can no longer be read, its number."""
    try:
        yield from conn.execute(select(EVENT).order_by(EVENT.c.id)).mappings().all()
    except (ValueError, TypeError):
        for number in conn.execute(select(EVENT.c.id).order_by(EVENT.c.id)).scalars().all():
            try:
                yield conn.execute(select(EVENT).where(EVENT.c.id == number)).mappings().one()
            except (ValueError, TypeError):
                yield number


def _walk(rows: Iterable[RowMapping | int], end: Head, kept: Head | None) -> Iterator[str]:
    number, last, kept_seen = 0, GENESIS, kept is None or kept.event_id == 0
    for row in rows:
        if isinstance(row, int):
            yield f"event {row} was changed: it cannot be read"
            number, last = row, ""
            continue
        if row["id"] < 1:
            yield f"event {row['id']} does not belong to the chain: events are numbered from 1"
            continue
        if row["id"] != number + 1:
            yield (
                f"event {number + 1} is missing"
                if row["id"] == number + 2
                else f"events {number + 1} to {row['id'] - 1} are missing"
            )
        elif last and row["prev"] != last:
            yield f"event {row['id']} does not follow the one before it"
        if row["hash"] != _hash(row):
            yield f"event {row['id']} of {rfc3339(row['at'])} ({row['verb']}) was changed"
        if kept is not None and row["id"] == kept.event_id:
            kept_seen = True
            if row["hash"] != kept.hash:
                yield f"event {row['id']} is not the one whose hash was kept"
        number, last = row["id"], row["hash"]
    if number != end.event_id:
        yield f"the head names event {end.event_id}, the last event is {number}"
    elif last != end.hash:
        yield f"the head does not hold the hash of event {number}, the last one"
    if not kept_seen and kept is not None:
        yield f"event {kept.event_id}, whose hash was kept, is missing: the end of the chain was cut off"
