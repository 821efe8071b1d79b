"""One memory of compiled SQL for a whole run of tests.

SQLAlchemy keeps what it compiled with each engine, and nearly each test has an engine of its own: without this, a third
of the tests' time is spent on compiling the same statements again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

_COMPILED: dict[Any, Any] = {}


def share() -> None:
    """Let every engine of this process use the same memory."""
    for kind in (PGDialect_psycopg, SQLiteDialect_pysqlite):
        # The memory's keys hold the dialect; in one run there is one SQLite and one PostgreSQL.
        kind.__hash__ = _hash  # type: ignore[assignment, method-assign]
        kind.__eq__ = _is_same_kind  # type: ignore[method-assign]
    event.listen(Engine, "engine_connect", _use)


def _use(conn: Connection) -> None:
    conn.execution_options(compiled_cache=_COMPILED)


def _hash(dialect: object) -> int:
    return hash(type(dialect))


def _is_same_kind(dialect: object, other: object) -> bool:
    return True if type(dialect) is type(other) else NotImplemented
