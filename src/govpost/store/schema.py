"""Which schema a store has, and whether this code may work on it.

Two rows of `meta` say it: `schema` is the number of the tables, `needs` the oldest code, by its `SCHEMA`, that may
work on them. A start compares them and guesses nothing; only `govpost store upgrade` changes tables.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update
from sqlmodel import SQLModel

from govpost.errors import Refused
from govpost.store import account_rows, chain, chain_rows, gathered_rows, machine_rows, rows, waiting
from govpost.store.chain_rows import HEAD
from govpost.store.rows import META

NEEDS = 3
"""The oldest code, by its SCHEMA, that may work on the tables that this code makes."""
SCHEMA_KEY, NEEDS_KEY = "schema", "needs"
MOVED_KEY, ARRIVING_KEY = "moved-to", "moving-from"
"""The facts that a store's rows were moved elsewhere, and that those of another are not all here yet."""
STORE_KEY = "store"
"""The fact which store this is: drawn when it is made, and kept by its copies. Older ones have none."""
FIRST_RELEASED = 2

_MOVING = select(META.c.key, META.c.value).where(META.c.key.in_((MOVED_KEY, ARRIVING_KEY)))

TABLES = (*rows.TABLES, *machine_rows.TABLES, *chain_rows.TABLES, *account_rows.TABLES, *gathered_rows.TABLES)
"""Every table of the store."""
INDEXES = waiting.INDEXES
"""The indexes that do not stand with their table."""


def ordered() -> Iterator[Table]:
    """Give every table, each after those it refers to."""
    ours = set(TABLES)
    return (table for table in SQLModel.metadata.sorted_tables if table in ours)


def create(conn: Connection, facts: Mapping[str, Any]) -> None:
    """Make the tables of an empty store, and remember `facts` of how it works."""
    SQLModel.metadata.create_all(conn, tables=TABLES)
    known = {SCHEMA_KEY: rows.SCHEMA, NEEDS_KEY: NEEDS, STORE_KEY: secrets.token_hex(16), **facts}
    conn.execute(insert(META), [{"key": key, "value": value} for key, value in known.items()])
    conn.execute(insert(HEAD), {"one": 1, "event_id": 0, "hash": chain.GENESIS})


def facts(conn: Connection) -> dict[str, Any]:
    """Return what `meta` holds."""
    return {row.key: row.value for row in conn.execute(select(META.c.key, META.c.value))}


def identity(conn: Connection) -> str:
    """Return which store this is, "" for one that was made before stores were told apart."""
    found = conn.execute(select(META.c.value).where(META.c.key == STORE_KEY)).scalar_one_or_none()
    return str(found or "")


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
    """Refuse to write to a store whose rows were moved elsewhere, or have not yet arrived for good."""
    known = {row.key: row.value for row in conn.execute(_MOVING)}
    if moved := known.get(MOVED_KEY):
        raise Refused(
            f"this store was moved to {moved['to']} at {moved['at']}; nothing may be written to it any more",
            "set [store] database in config.toml to the new address",
        )
    if arriving := known.get(ARRIVING_KEY):
        raise Refused(
            f"this store is a copy that {arriving['from']} was moved to, and that move did not end",
            "call govpost store move once more, with the old address in config.toml, before this one is used",
        )


def put(conn: Connection, key: str, value: Any) -> None:
    """Keep a fact in `meta`."""
    if conn.execute(update(META).where(META.c.key == key).values(value=value)).rowcount == 0:
        conn.execute(insert(META), {"key": key, "value": value})
