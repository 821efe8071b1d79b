"""What a daemon last saw of the record, kept beside the store: it tells when the store was put back."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, select

from govpost.store import schema
from govpost.store.chain import Head
from govpost.store.chain_rows import EVENT

NAME = "witness.json"
RESTORED = "store.restored"
"""The event that says that a store was put back, and that this was acted upon."""


class Witness(NamedTuple):
    """The head of the event chain as it was at `at`, by the store's clock; `store` says of which store, if known."""

    head: Head
    at: datetime
    store: str = ""


def keep(folder: Path, head: Head, at: datetime, store: str = "") -> None:
    """Write down what was seen, whole or not at all; OSError when the folder takes nothing."""
    fresh = folder / f".{NAME}.{os.getpid()}"
    handle = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump({"event": head.event_id, "hash": head.hash, "at": at.isoformat(), "store": store}, out)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(folder / NAME)


def read(folder: Path) -> Witness | None:
    """Return what was seen last; None when nothing was kept, or it cannot be read."""
    try:
        kept = json.loads((folder / NAME).read_text(encoding="utf-8"))
        head, at = Head(int(kept["event"]), str(kept["hash"])), datetime.fromisoformat(kept["at"])
        return Witness(head, at, str(kept.get("store", "")))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def is_ahead(conn: Connection, witness: Witness) -> bool:
    """Say whether the witness saw events that the store no longer has, and nobody has acted upon that since."""
    if witness.head.event_id == 0 or _is_of_another(conn, witness):
        return False
    same = conn.execute(select(EVENT.c.hash).where(EVENT.c.id == witness.head.event_id)).scalar_one_or_none()
    if same == witness.head.hash:
        return False
    settled = select(EVENT.c.id).where(EVENT.c.verb == RESTORED, EVENT.c.at > witness.at).limit(1)
    return conn.execute(settled).first() is None


def _is_of_another(conn: Connection, witness: Witness) -> bool:
    known = schema.identity(conn)
    return bool(known and witness.store) and known != witness.store
