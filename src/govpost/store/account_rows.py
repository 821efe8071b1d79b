"""The tables of who we are on each platform: what the server said, and the secrets a log-in left."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlmodel import Field, SQLModel

from govpost.store.rows import json_column, table


class AccountRecord(SQLModel):
    """What `verify` found the last time.

    ``links_back`` says whether the profile links to the agency's own site, ``expires_at`` when the credentials end
    by the server's word.
    """

    channel: str = Field(primary_key=True)
    platform: str
    checked_at: datetime
    remote_id: str
    name: str
    url: str | None = None
    server: str = ""
    limits: dict[str, Any]
    missing: list[str]
    links: list[str]
    notes: list[str]
    links_back: bool = False
    expires_at: datetime | None = None


class AccountRow(AccountRecord, table=True):
    __tablename__: ClassVar[str] = "account"
    limits: Any = json_column()
    missing: Any = json_column()
    links: Any = json_column()
    notes: Any = json_column()


class TokenRecord(SQLModel):
    """The secrets of one channel that a log-in or a refresh gave, sealed; ``n`` counts how often they were renewed.

    ``lease_owner`` is who refreshes them now, until ``lease_until``; ``expires_at`` is when they end, where known.
    """

    channel: str = Field(primary_key=True)
    sealed: str
    n: int = 1
    changed_at: datetime
    expires_at: datetime | None = None
    lease_owner: str | None = None
    lease_until: datetime | None = None


class TokenRow(TokenRecord, table=True):
    __tablename__: ClassVar[str] = "token"


ACCOUNT, TOKEN = TABLES = table(AccountRow), table(TokenRow)
