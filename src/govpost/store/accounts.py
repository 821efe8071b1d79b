"""The rows of who we are on each platform, and of the sealed secrets that a log-in or a refresh left."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from govpost.store.account_rows import ACCOUNT, TOKEN, AccountRecord, TokenRecord
from govpost.store.conditions import is_queued
from govpost.store.engine import Tx
from govpost.store.rows import DELIVERY

_TOKEN = select(TOKEN).where(TOKEN.c.channel == bindparam("channel"))
_UNLEASED: Mapping[str, Any] = {"lease_owner": None, "lease_until": None}


def every(conn: Connection) -> dict[str, AccountRecord]:
    """Return what the last `verify` of each channel found."""
    return {
        row.channel: AccountRecord.model_construct(**row._mapping) for row in conn.execute(select(ACCOUNT))
    }


def get(conn: Connection, channel: str) -> AccountRecord | None:
    """Return what the last `verify` of a channel found, None when there was none."""
    row = conn.execute(select(ACCOUNT).where(ACCOUNT.c.channel == channel)).one_or_none()
    return None if row is None else AccountRecord.model_construct(**row._mapping)


def put(tx: Tx, record: AccountRecord) -> None:
    """Keep what `verify` found."""
    values = record.model_dump()
    if (
        tx.conn.execute(update(ACCOUNT).where(ACCOUNT.c.channel == record.channel).values(values)).rowcount
        == 0
    ):
        tx.conn.execute(insert(ACCOUNT), values)


def limits(conn: Connection, platforms: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the servers' limits by channel; what was found on another platform than `platforms` says is left out."""
    rows = conn.execute(select(ACCOUNT.c.channel, ACCOUNT.c.platform, ACCOUNT.c.limits))
    return {row.channel: row.limits for row in rows if platforms.get(row.channel) == row.platform}


def ends(conn: Connection, platforms: Mapping[str, str]) -> dict[str, tuple[datetime, bool]]:
    """Return when the credentials of each channel end, where that is known, and whether a log-in left them.

    What a server said before the last log-in, or of another platform than `platforms` says, counts no more.
    """
    known, stored = every(conn), {row.channel: row for row in tokens(conn)}
    found = {}
    for name, platform in platforms.items():
        about, row = known.get(name), stored.get(name)
        said = about.expires_at if about and about.platform == platform else None
        if said and row and about and about.checked_at < row.changed_at:
            said = None
        told = [each for each in (said, row.expires_at if row else None) if each is not None]
        if told:
            found[name] = (min(told), row is not None)
    return found


def waiting_after(conn: Connection, channel: str, when: datetime, most: int) -> list[str]:
    """Return the posts that wait on a channel for a time from `when` on, each once, the earliest first.

    Of each kind of waiting at most so many deliveries are looked at.
    """
    due: dict[str, datetime] = {}
    for waits in (is_queued(), DELIVERY.c.state == "held"):
        rows = select(DELIVERY.c.post_id, DELIVERY.c.due).where(
            waits, DELIVERY.c.channel == channel, DELIVERY.c.due >= when
        )
        for row in conn.execute(rows.order_by(DELIVERY.c.due).limit(most)):
            due[row.post_id] = min(row.due, due.get(row.post_id, row.due))
    return sorted(due, key=lambda post: (due[post], post))


def token(conn: Connection, channel: str) -> TokenRecord | None:
    """Return the sealed secrets of a channel, None when no log-in left any."""
    row = conn.execute(_TOKEN, {"channel": channel}).one_or_none()
    return None if row is None else TokenRecord.model_construct(**row._mapping)


def tokens(conn: Connection) -> list[TokenRecord]:
    """Return the sealed secrets of all channels, by name."""
    rows = conn.execute(select(TOKEN).order_by(TOKEN.c.channel))
    return [TokenRecord.model_construct(**row._mapping) for row in rows]


def reseal(tx: Tx, channel: str, sealed: str) -> None:
    """Keep the same secrets sealed with another key; who renews them meanwhile does not notice."""
    tx.conn.execute(update(TOKEN).where(TOKEN.c.channel == channel).values(sealed=sealed))


def keep_token(tx: Tx, channel: str, sealed: str, expires_at: datetime | None = None) -> None:
    """Keep what a log-in gave in place of what was there; whoever renews the old secrets comes too late."""
    fresh = {"sealed": sealed, "changed_at": tx.now, "expires_at": expires_at, **_UNLEASED}
    known = update(TOKEN).where(TOKEN.c.channel == channel).values(n=TOKEN.c.n + 1, **fresh)
    if tx.conn.execute(known).rowcount == 0:
        tx.conn.execute(insert(TOKEN), {"channel": channel, "n": 1, **fresh})


def forget_token(tx: Tx, channel: str) -> bool:
    """Forget the stored secrets of a channel; False when there were none."""
    return tx.conn.execute(delete(TOKEN).where(TOKEN.c.channel == channel)).rowcount == 1


def lease(tx: Tx, seen: TokenRecord | None, fresh: TokenRecord) -> bool:
    """Take the right to renew, unless the row is no longer as it was `seen` or somebody else has that right now.

    `fresh` holds channel, lease owner and end; where nothing was seen it becomes the row.
    """
    if seen is None:
        if token(tx.conn, fresh.channel) is not None:
            return False
        tx.conn.execute(insert(TOKEN), fresh.model_dump())
        return True
    ended = or_(TOKEN.c.lease_owner.is_(None), TOKEN.c.lease_owner == seen.lease_owner)
    statement = update(TOKEN).where(TOKEN.c.channel == seen.channel, TOKEN.c.n == seen.n, ended)
    taken = statement.values(lease_owner=fresh.lease_owner, lease_until=fresh.lease_until)
    return tx.conn.execute(taken).rowcount == 1


def renewed(
    tx: Tx, channel: str, n: int, owner: str, sealed: str, expires_at: datetime | None = None
) -> bool:
    """Keep renewed secrets and end the lease; False when they came too late."""
    statement = update(TOKEN).where(TOKEN.c.channel == channel, TOKEN.c.n == n, TOKEN.c.lease_owner == owner)
    values = {"sealed": sealed, "n": n + 1, "changed_at": tx.now, "expires_at": expires_at, **_UNLEASED}
    return tx.conn.execute(statement.values(values)).rowcount == 1


def end_lease(tx: Tx, channel: str, owner: str, *, lost_at: datetime | None = None) -> None:
    """End a lease. With `lost_at` its owner stays in the row: nobody knows whether the secrets are used up."""
    values = {"lease_until": lost_at} if lost_at else _UNLEASED
    tx.conn.execute(
        update(TOKEN).where(TOKEN.c.channel == channel, TOKEN.c.lease_owner == owner).values(values)
    )
