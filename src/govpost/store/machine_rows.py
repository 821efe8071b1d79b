"""The tables of those who work: the daemons, and the duties that one of several does."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlmodel import Field, SQLModel

from govpost.store.rows import SCHEMA, table


class DaemonRecord(SQLModel):
    """One daemon and its heartbeat.

    ``config_hash`` is the config.toml it works by, ``config_at`` when that file was written; ``plugins_hash`` names
    the plugins it has loaded and ``loaded_at`` when. ``drain`` says who asked it to finish, and why.
    """

    id: str = Field(primary_key=True)
    host: str
    pid: int
    version: str
    started_at: datetime
    heartbeat_at: datetime
    state: str
    why: str = ""
    config_hash: str = ""
    config_at: datetime | None = None
    plugins_hash: str = ""
    loaded_at: datetime | None = None
    schema_number: int = SCHEMA
    drain: str = ""


class DaemonRow(DaemonRecord, table=True):
    __tablename__: ClassVar[str] = "daemon"


class TimerRow(SQLModel, table=True):
    """A periodic duty that one daemon of several does: when it is due again, and who did it last."""

    __tablename__: ClassVar[str] = "timer"
    name: str = Field(primary_key=True)
    due: datetime
    owner: str | None = None


DAEMON, TIMER = TABLES = table(DaemonRow), table(TimerRow)
