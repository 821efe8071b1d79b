"""The tables. Each record is what leaves the store; its row subclass is the table and stays inside."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, Column, Index, Table, TextClause, text
from sqlmodel import Field, SQLModel

SCHEMA = 3
"""The version of the tables that this code was written for."""


# SQLite uses a partial index only where the statement has the same literal words.
_QUEUED, _FIRST = text("state = 'queued'"), text("part = 1")


def _only(rows: TextClause) -> dict[str, Any]:
    """Return how each engine is told that an index holds only some rows."""
    return {"sqlite_where": rows, "postgresql_where": rows}


def json_column() -> Any:
    """Return the field of a column that holds JSON, or nothing."""
    return Field(default=None, sa_column=Column(JSON, nullable=True))


class PostRecord(SQLModel):
    """A draft taken in: its editorial state and current version."""

    id: str = Field(primary_key=True)
    slug: str = Field(unique=True)
    version: int
    state: str = Field(index=True)
    title: str
    digest: str
    author: str
    corrects: str | None = None
    created_at: datetime
    updated_at: datetime
    submitted_at: datetime | None = None
    review_later: bool = False


class PostRow(PostRecord, table=True):
    __tablename__: ClassVar[str] = "post"


class VersionRecord(SQLModel):
    """One version of a post, as it was taken in; nothing of it changes afterwards."""

    post_id: str = Field(primary_key=True, foreign_key="post.id")
    n: int = Field(primary_key=True)
    digest: str
    taken_by: str
    taken_at: datetime
    source: str
    source_sha256: str
    config_hash: str
    strategy_hash: str
    draft: dict[str, Any]
    channels: dict[str, Any]
    findings: list[dict[str, Any]]


class VersionRow(VersionRecord, table=True):
    __tablename__: ClassVar[str] = "version"
    draft: Any = json_column()
    channels: Any = json_column()
    findings: Any = json_column()


class ApprovalRecord(SQLModel):
    """One person's word on exactly one digest."""

    id: int | None = Field(default=None, primary_key=True)
    post_id: str = Field(index=True, foreign_key="post.id")
    version: int
    digest: str
    person: str
    kind: str
    at: datetime
    dissent: str = ""
    reason: str = ""
    config_hash: str
    strategy_hash: str


class ApprovalRow(ApprovalRecord, table=True):
    __tablename__: ClassVar[str] = "approval"


class ShownRow(SQLModel, table=True):
    """Which digest a reviewer was last shown."""

    __tablename__: ClassVar[str] = "shown"
    post_id: str = Field(primary_key=True, foreign_key="post.id")
    person: str = Field(primary_key=True)
    digest: str
    at: datetime


class RemarkRecord(SQLModel):
    """A reviewer's reason, kept for good."""

    id: int | None = Field(default=None, primary_key=True)
    post_id: str = Field(index=True, foreign_key="post.id")
    version: int
    person: str
    at: datetime
    text: str


class RemarkRow(RemarkRecord, table=True):
    __tablename__: ClassVar[str] = "remark"


class DeliveryRecord(SQLModel):
    """One variant on its way to one channel.

    ``slot`` is the time the planner gave and lateness is judged by, ``due`` the time of the next try. ``waits_for``
    is the delivery that must be live first. ``tries`` counts claims and fences them; ``attempts`` counts what was
    used up. ``part`` numbers the parts of a thread, or the copies of a bulletin; no channel has both. ``recipient`` is
    the reference of the one a copy is for, ``staged`` what an unfinished `stage` left. ``ambiguous`` says that some
    attempt may have published and nobody has settled it.
    """

    id: str = Field(primary_key=True)
    post_id: str = Field(foreign_key="post.id")
    version: int
    channel: str
    platform: str
    part: int
    parts: int
    action: str
    state: str
    priority: int
    slot: datetime
    due: datetime
    wall: str
    zone: str
    not_before: datetime | None = None
    expires: datetime | None = None
    fixed: bool = False
    rush: bool = False
    variant: dict[str, Any]
    text_hash: str = Field(index=True)
    target: str | None = None
    notice: str | None = None
    waits_for: str | None = Field(default=None, index=True)
    recipient: str | None = None
    staged: dict[str, Any] | None = None
    reason: str = ""
    tries: int = 0
    attempts: int = 0
    ambiguous: bool = False
    gate_at: datetime | None = None
    first_sent: datetime | None = None
    lease_owner: str | None = None
    lease_until: datetime | None = None
    check_at: datetime | None = None
    live_at: datetime | None = None
    remote_id: str | None = None
    url: str | None = None
    receipt: dict[str, Any] | None = None
    created_at: datetime


class DeliveryRow(DeliveryRecord, table=True):
    __tablename__: ClassVar[str] = "delivery"
    __table_args__: ClassVar[Any] = (
        Index("due_now", "channel", "due", text("priority DESC"), "part", "id", **_only(_QUEUED)),
        Index("by_state", "state", "channel"),
        Index("by_slot", "channel", "action", "slot", **_only(_FIRST)),
        Index("by_post", "post_id", "version", "action", "state"),
    )
    variant: Any = json_column()
    receipt: Any = json_column()
    staged: Any = json_column()


class AttemptRecord(SQLModel):
    """One try at a delivery, with what was said on the wire."""

    id: int | None = Field(default=None, primary_key=True)
    delivery_id: str = Field(index=True, foreign_key="delivery.id")
    n: int
    owner: str
    started_at: datetime
    gate_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str | None = None
    reason: str = ""
    evidence: list[dict[str, Any]] | None = None


class AttemptRow(AttemptRecord, table=True):
    __tablename__: ClassVar[str] = "attempt"
    evidence: Any = json_column()


class ChannelRecord(SQLModel):
    """What trouble and rates say of a channel now.

    ``next_allowed_at`` is the platform's own word (RateLimited); ``gap_until`` keeps the posting rate's distance.
    """

    name: str = Field(primary_key=True)
    paused_until: datetime | None = None
    paused_why: str = ""
    next_allowed_at: datetime | None = None
    gap_until: datetime | None = None
    failures: int = 0
    crashes: int = 0


class ChannelRow(ChannelRecord, table=True):
    __tablename__: ClassVar[str] = "channel"


class PilotRecord(SQLModel):
    """The trial of one channel."""

    channel: str = Field(primary_key=True)
    platform: str
    state: str
    resumes_to: str | None = None
    charter: int = 0
    started_at: datetime | None = None
    ends: date | None = None
    cap_posts: int | None = None
    reason: str = ""


class PilotRow(PilotRecord, table=True):
    __tablename__: ClassVar[str] = "pilot"


class CharterRecord(SQLModel):
    """One locked version of a pilot's charter."""

    channel: str = Field(primary_key=True)
    n: int = Field(primary_key=True)
    at: datetime
    person: str
    digest: str
    body: dict[str, Any]


class CharterRow(CharterRecord, table=True):
    __tablename__: ClassVar[str] = "charter"
    body: Any = json_column()


class MetaRow(SQLModel, table=True):
    """Facts about the store itself: schema, journal, freeze, cursors."""

    __tablename__: ClassVar[str] = "meta"
    key: str = Field(primary_key=True)
    value: Any = json_column()


def table(row: type[SQLModel]) -> Table:
    """Return the table behind a row class, for Core statements."""
    found: Table = row.__table__  # type: ignore[attr-defined]
    return found


POST, VERSION, APPROVAL = table(PostRow), table(VersionRow), table(ApprovalRow)
SHOWN, REMARK, DELIVERY, ATTEMPT = table(ShownRow), table(RemarkRow), table(DeliveryRow), table(AttemptRow)
CHANNEL, PILOT, CHARTER = table(ChannelRow), table(PilotRow), table(CharterRow)
META = table(MetaRow)
TABLES = (POST, VERSION, APPROVAL, SHOWN, REMARK, DELIVERY, ATTEMPT, CHANNEL, PILOT, CHARTER, META)
