"""Copying every row of a store into another, of whatever engine, and proving that both hold the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, func, insert, null, select, text
from sqlalchemy.types import JSON

from govpost.errors import Refused
from govpost.store import schema
from govpost.store.chain_rows import EVENT
from govpost.store.rows import META

BATCH = 500
OF_THE_ENGINE = ("journal",)
"""Facts in `meta` that belong to the engine a store lies in, and do not move with its rows."""

Progress = Callable[[str, int, int], None]
"""Hears of a table, how many of its rows are done, and of how many."""


def quiet(_table: str, _done: int, _of: int) -> None:
    """Hear of progress and say nothing."""


def copy(source: Connection, target: Connection, progress: Progress = quiet) -> dict[str, int]:
    """Copy all rows of one snapshot into empty tables of the same schema; returns how many by table.

    The facts that a fresh store has of itself are replaced, but for those of its engine.
    """
    target.execute(META.delete().where(META.c.key.not_in(OF_THE_ENGINE)))
    counts = {table.name: _copy(source, target, table, progress) for table in schema.ordered()}
    move_sequences(target)
    return counts


def _copy(source: Connection, target: Connection, table: Table, progress: Progress) -> int:
    total, done = count(source, table), 0
    if table.name == "head":
        target.execute(table.delete())
    for batch in _batches(source, table):
        if target.dialect.name == "postgresql" and table is EVENT:
            _refuse_nul(batch)
        target.execute(insert(table), batch)
        done += len(batch)
        progress(table.name, done, total)
    return done


def _refuse_nul(events: Iterable[Mapping[str, Any]]) -> None:
    """PostgreSQL would keep another sign in its place, and the event's hash would no longer be true."""
    for event in events:
        for name, value in event.items():
            if isinstance(value, str) and "\0" in value:
                raise Refused(
                    f"event {event['id']} holds a NUL character in {name}, which PostgreSQL cannot keep",
                    "nothing was changed; the record must not be altered, so this store stays in SQLite",
                )


def _batches(source: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    names = [column.name for column in table.c]
    documents = [column for column in table.c if isinstance(column.type, JSON)]
    empty = [column.is_(null()).label(f"{column.name} is empty") for column in documents]
    for rows in _partitions(source, table, *empty):
        batch = [dict(zip(names, row, strict=False)) for row in rows]
        for place, column in enumerate(documents, len(names)):
            # A column without a document stays so, instead of holding the document `null`.
            for values, row in zip(batch, rows, strict=True):
                if row[place]:
                    values[column.name] = null()
        yield batch


def _partitions(conn: Connection, table: Table, *more: Any) -> Iterator[Any]:
    statement = select(*table.c, *more)
    if table is META:
        statement = statement.where(META.c.key.not_in(OF_THE_ENGINE))
    return conn.execute(statement.execution_options(yield_per=BATCH)).partitions()


def count(conn: Connection, table: Table) -> int:
    """Count the rows of a table, as far as they are copied."""
    statement = select(func.count()).select_from(table)
    if table is META:
        statement = statement.where(META.c.key.not_in(OF_THE_ENGINE))
    return int(conn.execute(statement).scalar_one())


def compare(source: Connection, target: Connection, progress: Progress = quiet) -> None:
    """Read every row back on both sides; `Refused` names the first table and row that differ."""
    table = differing(source, target, (), progress)
    if table is not None:
        raise Refused(
            f"the copy differs from the store in {table.name}: {_difference(source, target, table)}",
            "nothing was changed; run govpost store check on the store, then try again",
        )


def differing(
    source: Connection, target: Connection, without: Container[Table], progress: Progress = quiet
) -> Table | None:
    """Return the first table whose rows differ, but for those `without`; None when all are the same."""
    for table in schema.ordered():
        if table in without:
            continue
        if digest(source, table) != digest(target, table):
            return table
        total = count(source, table)
        progress(table.name, total, total)
    return None


def digest(conn: Connection, table: Table) -> tuple[int, int]:
    """Return how many rows a table has, and the sum of the hashes of each: equal whatever order they come in."""
    number, total = 0, 0
    for _, value in hashes(conn, table):
        number, total = number + 1, (total + value) % (1 << 256)
    return number, total


def hashes(conn: Connection, table: Table) -> Iterator[tuple[str, int]]:
    """Give each row's key and the hash over all its values."""
    keys = [place for place, column in enumerate(table.c) if column.primary_key]
    for rows in _partitions(conn, table):
        for row in rows:
            values = json.dumps([_kept(each) for each in row], sort_keys=True, default=_plain).encode()
            key = ", ".join(str(row[place]) for place in keys)
            yield key, int.from_bytes(hashlib.sha256(values).digest())


def _kept(value: Any) -> Any:
    """Return a text as every engine has it: PostgreSQL keeps no NUL, and its driver is told what to put there."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _plain(value: Any) -> str:
    moment = value.astimezone(UTC) if isinstance(value, datetime) else value
    return str(moment.isoformat())


def _difference(source: Connection, target: Connection, table: Table) -> str:
    here, there = dict(hashes(source, table)), dict(hashes(target, table))
    names = sorted(key for key in here.keys() | there.keys() if here.get(key) != there.get(key))
    return f"row {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def counted(table: Table) -> str | None:
    """Return the column of a table that its engine numbers by itself, None when there is none."""
    column = table.autoincrement_column
    return None if column is None else column.name


def move_sequences(conn: Connection) -> None:
    """Let PostgreSQL number on after the rows that came with their numbers."""
    if conn.dialect.name != "postgresql":
        return
    for table in schema.ordered():
        name = counted(table)
        if name is not None:
            conn.execute(
                text(
                    f"SELECT setval(pg_get_serial_sequence('{table.name}', '{name}'),"  # noqa: S608 - our own names
                    f" coalesce(max({name}), 1), max({name}) IS NOT NULL) FROM {table.name}"
                )
            )


def late_sequences(conn: Connection) -> list[str]:
    """Name the tables whose next number PostgreSQL would take from below their highest."""
    if conn.dialect.name != "postgresql":
        return []
    found = []
    for table in schema.ordered():
        name = counted(table)
        if name is None or table.name in ("event", "head"):
            continue
        last, highest = conn.execute(
            text(
                f"SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('{table.name}', '{name}')::regclass),"  # noqa: S608 - our own names
                f" 0), coalesce(max({name}), 0) FROM {table.name}"
            )
        ).one()
        if last < highest:
            found.append(table.name)
    return found
