"""What a daemon last saw of the record, kept beside the store: it tells when the store was put back."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, select

from govpost.errors import Refused
from govpost.store import schema
from govpost.store.chain import Head
from govpost.store.chain_rows import EVENT
from govpost.times import rfc3339

NAME = "witness.json"
RESTORED = "store.restored"
"""The event that says that a store was put back, and that this was acted upon."""


class Witness(NamedTuple):
    """The head of the event chain as it was at `at`, by the store's clock; `store` says of which store, if known.

    `place` is where that store lay.
    """

    head: Head
    at: datetime
    store: str = ""
    place: str = ""


def keep(folder: Path, head: Head, at: datetime, store: str = "", place: str = "") -> None:
    """Write down what was seen, whole or not at all; OSError when the folder takes nothing."""
    fresh = folder / f".{NAME}.{os.getpid()}"
    handle = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        seen = {
            "event": head.event_id,
            "hash": head.hash,
            "at": at.isoformat(),
            "store": store,
            "place": place,
        }
        json.dump(seen, out)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(folder / NAME)


def read(folder: Path) -> Witness | None:
    """Return what was seen last; None when nothing was kept, or it cannot be read."""
    try:
        kept = json.loads((folder / NAME).read_text(encoding="utf-8"))
        head, at = Head(int(kept["event"]), str(kept["hash"])), datetime.fromisoformat(kept["at"])
        return Witness(head, at, str(kept.get("store", "")), str(kept.get("place", "")))
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


def refuse_loss(folder: Path, place: str) -> None:
    """Refuse to begin an empty store in the place of one that a daemon has worked on."""
    seen = read(folder)
    if seen is None or seen.place != place or seen.head.event_id == 0:
        return
    raise Refused(
        f"the store is gone: {place} held {seen.head.event_id} events at {rfc3339(seen.at)} and is empty now",
        f"put it back: govpost store restore FILE; to begin anew without it, take {folder / NAME} away",
    )


def _is_of_another(conn: Connection, witness: Witness) -> bool:
    known = schema.identity(conn)
    return bool(known and witness.store) and known != witness.store
