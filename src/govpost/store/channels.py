"""What trouble says of a channel: paused, told to wait, failing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from govpost.store.engine import Tx
from govpost.store.rows import CHANNEL, ChannelRecord
from govpost.store.upsert import insert_new

FOR_GOOD = datetime(9999, 1, 1, tzinfo=UTC)
"""`paused_until` of a channel that only a person resumes."""

_NAMES = select(CHANNEL.c.name)
_GET = select(CHANNEL).where(CHANNEL.c.name == bindparam("name"))
_GET_FOR_ME = _GET.with_for_update()


def ensure(tx: Tx, names: Iterable[str]) -> None:
    """Make a row for each channel that has none."""
    known = set(tx.conn.execute(_NAMES).scalars())
    fresh = [
        {"name": name, "paused_why": "", "failures": 0, "crashes": 0} for name in names if name not in known
    ]
    if fresh:
        # Two outcomes of a channel never seen may meet here.
        insert_new(tx.conn, CHANNEL, fresh)


def every(conn: Connection) -> dict[str, ChannelRecord]:
    """Return all channels by name."""
    rows = conn.execute(select(CHANNEL))
    return {row.name: ChannelRecord.model_construct(**row._mapping) for row in rows}


def get(conn: Connection, name: str, *, lock: bool = False) -> ChannelRecord:
    """Return one channel; a channel never seen is one without trouble."""
    row = conn.execute(_GET_FOR_ME if lock else _GET, {"name": name}).one_or_none()
    if row is None:
        return ChannelRecord(name=name)
    return ChannelRecord.model_construct(**row._mapping)


def lock(tx: Tx, name: str) -> None:
    """Let nobody else plan on a channel until the transaction ends; a channel never seen gets its row."""
    if tx.conn.execute(_GET_FOR_ME, {"name": name}).one_or_none() is None:
        ensure(tx, [name])
        tx.conn.execute(_GET_FOR_ME, {"name": name})


def put(tx: Tx, name: str, **values: Any) -> None:
    """Change a channel's row."""
    ensure(tx, [name])
    tx.conn.execute(update(CHANNEL).where(CHANNEL.c.name == name).values(values))


def pause(tx: Tx, name: str, until: datetime, why: str) -> None:
    """Stop claims on one channel until an instant (`FOR_GOOD`: until a person resumes it)."""
    put(tx, name, paused_until=until, paused_why=why)
    forever = until >= FOR_GOOD
    tx.event(
        "channel.pause",
        f"channel:{name}",
        old="open",
        new="paused",
        why=why,
        channel=name,
        until=None if forever else until.isoformat(),
    )


def resume(tx: Tx, name: str, why: str) -> None:
    """Let a paused channel go on."""
    put(tx, name, paused_until=None, paused_why="", next_allowed_at=None, failures=0, crashes=0)
    tx.event("channel.resume", f"channel:{name}", old="paused", new="open", why=why, channel=name)


def follow_clock_back(tx: Tx, span: timedelta) -> None:
    """Let the waits of every channel end as much earlier as the clock was put back; what a person ends stays."""
    for name, channel in every(tx.conn).items():
        waits = {wait: getattr(channel, wait) for wait in ("paused_until", "next_allowed_at", "gap_until")}
        shifted = {wait: at - span for wait, at in waits.items() if at is not None and at < FOR_GOOD}
        if shifted:
            put(tx, name, **shifted)


def is_paused(channel: ChannelRecord, now: datetime) -> bool:
    """Say whether claims on the channel are stopped at `now`."""
    return channel.paused_until is not None and channel.paused_until > now
