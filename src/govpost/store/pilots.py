"""The rows of pilots and of their charters' versions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from govpost.digest import sha256
from govpost.states import PILOT as MACHINE
from govpost.states import PilotState, Role
from govpost.store.engine import Tx
from govpost.store.rows import CHARTER, PILOT, CharterRecord, PilotRecord

_GET = select(PILOT).where(PILOT.c.channel == bindparam("channel"))


def get(conn: Connection, channel: str) -> PilotRecord | None:
    """Return the pilot of a channel, None when it was never proposed."""
    row = conn.execute(_GET, {"channel": channel}).one_or_none()
    return None if row is None else PilotRecord.model_construct(**row._mapping)


def every(conn: Connection) -> dict[str, PilotRecord]:
    """Return all pilots by channel."""
    return {row.channel: PilotRecord.model_construct(**row._mapping) for row in conn.execute(select(PILOT))}


def propose(tx: Tx, channel: str, platform: str) -> PilotRecord:
    """Return the pilot of a channel, entering it as proposed when it is new."""
    found = get(tx.conn, channel)
    if found is not None:
        return found
    pilot = PilotRecord(channel=channel, platform=platform, state=PilotState.PROPOSED)
    tx.conn.execute(insert(PILOT), pilot.model_dump())
    tx.event(
        "pilot.propose", f"pilot:{channel}", new=pilot.state, why="named in config.toml", channel=channel
    )
    return pilot


def move(
    tx: Tx, pilot: PilotRecord, new: PilotState, roles: frozenset[Role], why: str, **values: Any
) -> bool:
    """Move a pilot if it still stands where `pilot` says; its event goes with it."""
    MACHINE.check(pilot.state, new, roles)
    statement = update(PILOT).where(PILOT.c.channel == pilot.channel, PILOT.c.state == pilot.state)
    if tx.conn.execute(statement.values(state=str(new), reason=why, **values)).rowcount == 0:
        return False
    tx.event(
        f"pilot.{new}",
        f"pilot:{pilot.channel}",
        old=pilot.state,
        new=str(new),
        why=why,
        channel=pilot.channel,
    )
    return True


def lock_charter(tx: Tx, pilot: PilotRecord, body: dict[str, Any], why: str) -> int:
    """Keep a charter as the pilot's next version unless it is the one already kept; return its number."""
    digest = sha256(body)
    versions = charters(tx.conn, pilot.channel)
    if versions and versions[-1].digest == digest:
        return versions[-1].n
    n = len(versions) + 1
    record = CharterRecord(channel=pilot.channel, n=n, at=tx.now, person=tx.actor, digest=digest, body=body)
    tx.conn.execute(insert(CHARTER), record.model_dump())
    tx.conn.execute(update(PILOT).where(PILOT.c.channel == pilot.channel).values(charter=n))
    old = str(n - 1) if versions else None
    tx.event(
        "pilot.charter",
        f"pilot:{pilot.channel}",
        old=old,
        new=str(n),
        why=why,
        channel=pilot.channel,
        digest=digest,
    )
    return n


def charters(conn: Connection, channel: str) -> list[CharterRecord]:
    """Return every version of a pilot's charter, oldest first."""
    rows = conn.execute(select(CHARTER).where(CHARTER.c.channel == channel).order_by(CHARTER.c.n))
    return [CharterRecord.model_construct(**row._mapping) for row in rows]
