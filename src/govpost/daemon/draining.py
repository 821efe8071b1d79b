"""Asking daemons to finish: they claim nothing more, end what is in flight, and stop."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from govpost.daemon import lock, peers
from govpost.errors import Refused
from govpost.people import Actor
from govpost.states import Role
from govpost.store import deliveries, meta, views
from govpost.store.engine import Store
from govpost.store.machine_rows import DaemonRecord

_LIST = "govpost status lists them"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far a daemon is, and what it has in flight (post and channel).

    ``ended`` by its own word, or buried by another; ``died`` without one, which its lock shows here; ``silent``: it is
    not known to have ended, and may wake; else ``finishing``.
    """

    daemon: DaemonRecord
    state: Literal["ended", "died", "silent", "finishing"]
    in_flight: tuple[str, ...] = ()

    @property
    def gone(self) -> bool:
        """Say whether it has ended and left nothing behind."""
        return self.state == "ended" or (self.state == "died" and not self.in_flight)

    @property
    def waited_for(self) -> bool:
        """Say whether waiting may still help."""
        return self.state == "finishing"


def ask(store: Store, actor: Actor, name: str | None, reason: str) -> list[DaemonRecord]:
    """Ask the daemon called `name` (None: all not known to have ended) to finish; returns those that were asked.

    `Refused` without the role, or where the name fits none or several.
    """
    actor.need(Role.PUBLISHER, Role.ADMIN, to="drain daemons")
    with store.write(actor.id) as tx:
        flights = _in_flight(tx.conn)
        standings = [_standing(store, row, tx.now, flights) for row in meta.daemons(tx.conn)]
        working = [each.daemon for each in standings if not each.gone]
        asked = working if name is None else [_named(working, name)]
        words = f"by {actor.id}" + (f": {reason}" if reason else "")
        meta.ask_drain(tx, [row.id for row in asked], words)
        for row in asked:
            tx.event(
                "daemon.drain",
                f"daemon:{row.id}",
                old=row.state,
                new="draining",
                why=reason,
                host=row.host,
                pid=row.pid,
            )
    return asked


def standing(store: Store, daemons: Sequence[DaemonRecord]) -> list[Standing]:
    """Say how far daemons are that were asked to finish."""
    asked = {row.id for row in daemons}
    with store.read() as conn:
        now = store.clock()
        rows = [row for row in meta.daemons(conn) if row.id in asked]
        flights = _in_flight(conn)
    return [_standing(store, row, now, flights) for row in sorted(rows, key=lambda row: (row.host, row.pid))]


def _in_flight(conn: Connection) -> dict[str, list[str]]:
    held = deliveries.in_state(conn, "publishing")
    slugs = views.slugs_of(conn, [row.post_id for row in held])
    found: dict[str, list[str]] = {}
    for row in held:
        found.setdefault(row.lease_owner or "", []).append(f"{slugs[row.post_id]} on {row.channel}")
    return found


def _standing(store: Store, row: DaemonRecord, now: datetime, flights: Mapping[str, list[str]]) -> Standing:
    state: Literal["ended", "died", "silent", "finishing"] = "finishing"
    if peers.ended(row):
        state = "ended"
    elif _has_died(store, row):
        state = "died"
    elif peers.is_silent(row, now):
        state = "silent"
    return Standing(daemon=row, state=state, in_flight=tuple(flights.get(row.id, ())))


def _has_died(store: Store, row: DaemonRecord) -> bool:
    """Say whether the kernel has freed a daemon's lock; False where that cannot be seen from here."""
    if not store.several:
        return not lock.is_held(store.folder)
    return row.host == socket.gethostname() and lock.is_freed(store.folder, row.id)


def _named(working: Sequence[DaemonRecord], name: str) -> DaemonRecord:
    """Find a daemon by its id, a unique beginning or end of it, its host, or host:process."""
    found = [row for row in working if name in (row.id, row.host, f"{row.host}:{row.pid}")]
    found = found or [row for row in working if row.id.startswith(name) or row.id.endswith(name)]
    if not found:
        raise Refused(f"no daemon at work is called {name}", _LIST)
    if len(found) > 1:
        names = ", ".join(f"{row.host}:{row.pid}" for row in found)
        raise Refused(f"{name} fits {len(found)} daemons: {names}", "name one of these, or say --all")
    return found[0]
