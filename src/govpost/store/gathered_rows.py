"""The tables of what came back: counts of our posts, and the public's words."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Index, Integer
from sqlmodel import Field, SQLModel

from govpost.store.rows import DELIVERY, json_column, table

COUNT: Any = BigInteger().with_variant(Integer(), "sqlite")
"""A count may be larger than PostgreSQL's INTEGER; SQLite's holds it anyway."""


class SampleRecord(SQLModel):
    """What a platform counted of one delivery at one time; None is unknown, not zero."""

    id: int | None = Field(default=None, primary_key=True)
    delivery_id: str = Field(index=True, foreign_key="delivery.id")
    at: datetime
    views: int | None = Field(default=None, sa_type=COUNT)
    likes: int | None = Field(default=None, sa_type=COUNT)
    shares: int | None = Field(default=None, sa_type=COUNT)
    replies: int | None = Field(default=None, sa_type=COUNT)
    quotes: int | None = Field(default=None, sa_type=COUNT)
    clicks: int | None = Field(default=None, sa_type=COUNT)


class SampleRow(SampleRecord, table=True):
    __tablename__: ClassVar[str] = "sample"


class ReadingRecord(SQLModel):
    """When a live delivery is measured next; None: no more. ``gone_at``: the platform no longer knew it then."""

    delivery_id: str = Field(primary_key=True, foreign_key="delivery.id")
    channel: str
    next_at: datetime | None = None
    gone_at: datetime | None = None


class ReadingRow(ReadingRecord, table=True):
    __tablename__: ClassVar[str] = "reading"
    __table_args__: ClassVar[Any] = (
        Index("reading_due", "channel", "next_at"),
        Index("reading_of", "channel", "delivery_id"),
    )


class ReplyRecord(SQLModel):
    """The public's words to us. ``delivery_id`` is the delivery of ours it belongs to, where we know one.

    ``answered_by`` is the post that answers it, the last one if there are several.
    """

    id: str = Field(primary_key=True)
    channel: str
    remote_id: str
    delivery_id: str | None = Field(default=None, index=True)
    answered_by: str | None = None
    kind: str
    state: str
    author: str
    author_url: str | None = None
    text: str
    language: str | None = None
    url: str | None = None
    to: str | None = None
    at: datetime
    seen_at: datetime
    raw: dict[str, Any]


class ReplyRow(ReplyRecord, table=True):
    __tablename__: ClassVar[str] = "reply"
    __table_args__: ClassVar[Any] = (Index("reply_once", "channel", "remote_id", unique=True),)
    raw: Any = json_column()


class GatheringRecord(SQLModel):
    """How the gathering of one channel stands: the cursor of its replies, when it goes on, and its last trouble.

    The measuring of whatever went live before ``planned_to`` is planned.
    """

    channel: str = Field(primary_key=True)
    cursor: str | None = None
    planned_to: datetime | None = None
    replies_at: datetime | None = None
    not_before: datetime | None = None
    failures: int = 0
    why: str = ""


class GatheringRow(GatheringRecord, table=True):
    __tablename__: ClassVar[str] = "gathering"


SAMPLE, READING = table(SampleRow), table(ReadingRow)
REPLY, GATHERING = table(ReplyRow), table(GatheringRow)
TABLES = (SAMPLE, READING, REPLY, GATHERING)

# Whoever gathers asks all day long what went live since the last time.
Index("went_live", DELIVERY.c.channel, DELIVERY.c.state, DELIVERY.c.live_at)
