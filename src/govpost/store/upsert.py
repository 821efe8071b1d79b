"""Entering rows that somebody else may be entering at the same moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_new(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Enter the rows whose key is not there yet, leave the others as they are."""
    engine = postgresql if conn.dialect.name == "postgresql" else sqlite
    conn.execute(engine.insert(table).on_conflict_do_nothing(), list(rows))
