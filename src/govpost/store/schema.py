"""Which schema a store has, and whether this code may work on it.

Two rows of `meta` say it: `schema` is the number of the tables, `needs` the oldest code, by its `SCHEMA`, that may
work on them. A start compares them and guesses nothing; only `govpost store upgrade` changes tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update
from sqlmodel import SQLModel

from govpost.errors import Refused
from govpost.store import account_rows, chain, chain_rows, gathered_rows, rows
from govpost.store.chain_rows import HEAD
from govpost.store.rows import META

NEEDS = 3
"""The oldest code, by its SCHEMA, that may work on the tables that this code makes."""
SCHEMA_KEY, NEEDS_KEY, MOVED_KEY = "schema", "needs", "moved-to"
FIRST_RELEASED = 2

TABLES = (*rows.TABLES, *chain_rows.TABLES, *account_rows.TABLES, *gathered_rows.TABLES)
"""Every table of the store."""


def ordered() -> Iterator[Table]:
    """Give every table, each after those it refers to."""
    ours = set(TABLES)
    return (table for table in SQLModel.metadata.sorted_tables if table in ours)


def create(conn: Connection, facts: Mapping[str, Any]) -> None:
    """Make the tables of an empty store, and remember `facts` of how it works."""
    SQLModel.metadata.create_all(conn, tables=TABLES)
    known = {SCHEMA_KEY: rows.SCHEMA, NEEDS_KEY: NEEDS, **facts}
    conn.execute(insert(META), [{"key": key, "value": value} for key, value in known.items()])
    conn.execute(insert(HEAD), {"one": 1, "event_id": 0, "hash": chain.GENESIS})


def facts(conn: Connection) -> dict[str, Any]:
    """Return what `meta` holds."""
    return {row.key: row.value for row in conn.execute(select(META.c.key, META.c.value))}


def numbers(conn: Connection) -> tuple[int, int]:
    """Return the schema of the store, and the oldest code that may work on it."""
    asked = select(META.c.key, META.c.value).where(META.c.key.in_((SCHEMA_KEY, NEEDS_KEY)))
    known = {row.key: row.value for row in conn.execute(asked)}
    schema = int(known.get(SCHEMA_KEY) or 0)
    return schema, int(known.get(NEEDS_KEY) or schema)


def check(conn: Connection) -> dict[str, Any]:
    """Refuse a store whose tables this code does not know; return what `meta` holds."""
    schema, _ = numbers(conn)
    if schema < rows.SCHEMA:
        raise Refused(
            f"the store has schema {schema}, this govpost needs {rows.SCHEMA}",
            "make a backup of it, then run: govpost store upgrade",
        )
    trouble = too_old(conn)
    if trouble is not None:
        raise Refused(trouble, "install the version of govpost that upgraded it")
    return facts(conn)


def too_old(conn: Connection) -> str | None:
    """Say that this code may no longer work on the store, None while it may."""
    schema, needs = numbers(conn)
    if needs <= rows.SCHEMA:
        return None
    return (
        f"the store was upgraded to schema {schema} and needs a govpost for schema {needs} or newer;"
        f" this one is for {rows.SCHEMA}"
    )


def refuse_moved(conn: Connection) -> None:
    """Refuse to write to a store whose rows were moved elsewhere."""
    moved = conn.execute(select(META.c.value).where(META.c.key == MOVED_KEY)).scalar_one_or_none()
    if moved:
        raise Refused(
            f"this store was moved to {moved['to']} at {moved['at']}; nothing may be written to it any more",
            "set [store] database in config.toml to the new address",
        )


def put(conn: Connection, key: str, value: Any) -> None:
    """Keep a fact in `meta`."""
    if conn.execute(update(META).where(META.c.key == key).values(value=value)).rowcount == 0:
        conn.execute(insert(META), {"key": key, "value": value})
