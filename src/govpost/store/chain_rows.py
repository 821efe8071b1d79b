"""The tables of the event chain."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlmodel import Field, SQLModel

from govpost.store.rows import json_column, table


class EventRow(SQLModel, table=True):
    """One thing that happened. ``post`` and ``channel`` repeat what ``detail`` says, to be found by."""

    __tablename__: ClassVar[str] = "event"
    id: int = Field(primary_key=True)
    at: datetime = Field(index=True)
    actor: str
    verb: str
    subject: str = Field(index=True)
    old: str | None = None
    new: str | None = None
    why: str
    detail: Any = json_column()
    post: str | None = Field(default=None, index=True)
    channel: str | None = Field(default=None, index=True)
    prev: str
    hash: str


class HeadRow(SQLModel, table=True):
    """The end of the event chain; one row, locked last in each transaction."""

    __tablename__: ClassVar[str] = "head"
    one: int = Field(primary_key=True)
    event_id: int
    hash: str


EVENT, HEAD = TABLES = table(EventRow), table(HeadRow)
