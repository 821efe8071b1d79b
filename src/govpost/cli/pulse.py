"""How the daemons are: which are at work, which fell silent, and what of it needs a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from govpost.cli import out, shapes
from govpost.daemon import lock, peers
from govpost.store import deliveries, meta
from govpost.store.engine import Store
from govpost.store.machine_rows import DaemonRecord
from govpost.store.rows import DELIVERY
from govpost.times import describe

_HISTORY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """The daemons, newest heartbeat first, and whether one is running at all; `now` is the store's time."""

    daemons: Sequence[DaemonRecord]
    running: bool
    now: datetime

    @property
    def daemon(self) -> DaemonRecord | None:
        """Return the daemon heard of last."""
        return next(iter(self.daemons), None)

    @property
    def words(self) -> str:
        """Say it in a few words."""
        if self.daemon is None:
            return "has never run here"
        if not self.running:
            return "is not running"
        working = len(peers.alive(self.daemons, self.now))
        return (
            self.daemon.state
            if working < 2
            else f"{working} are at work; the last heard of: {self.daemon.state}"
        )

    def state(self, row: DaemonRecord) -> str:
        """Say how one of them is: its own word, or that it is silent, and since when."""
        return f"silent since {row.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC" if self.is_silent(row) else row.state

    def is_history(self, row: DaemonRecord) -> bool:
        """Say whether one ended so long ago that nobody asks any more."""
        return peers.ended(row) and self.now - row.heartbeat_at > _HISTORY

    def is_silent(self, row: DaemonRecord) -> bool:
        """Say whether one has neither ended by its own word nor been heard of lately."""
        return peers.is_silent(row, self.now)


def pulse(conn: Connection, store: Store) -> Pulse:
    """Look at the daemons. An only one runs while it holds its lock, one of several while its heart beats."""
    rows, now = meta.daemons(conn), store.clock()
    running = bool(peers.alive(rows, now)) if store.several else lock.is_held(store.folder)
    return Pulse(daemons=rows, running=running, now=now)


def shape(beat: Pulse, row: DaemonRecord) -> dict[str, Any]:
    """Return a daemon for scripts; only the newest runs where there can be one alone."""
    running = beat.running and not peers.ended(row) and not beat.is_silent(row)
    return {**shapes.daemon(row, beat.now, running=running), "silent": beat.is_silent(row)}


def table(beat: Pulse) -> None:
    """Print the daemons that have not ended by their own word, when there are several."""
    rows = [row for row in beat.daemons if row.state != peers.STOPPED and not beat.is_history(row)]
    if len(rows) < 2 and not any(map(beat.is_silent, rows)):
        return
    out.say()
    out.table(
        ("HOST", "PROCESS", "STATE", "VERSION", "HEARTBEAT", "WHY"),
        [
            (
                row.host,
                row.pid,
                beat.state(row),
                row.version,
                f"{describe(beat.now - row.heartbeat_at)} ago",
                row.why,
            )
            for row in rows
        ],
        empty="",
        below="WHY",
    )


def unserved(beat: Pulse, channels: Iterable[str]) -> list[str]:
    """Return the channels to which none of the daemons at work can send, by their own word."""
    working = [row for row in peers.alive(beat.daemons, beat.now) if row.state == peers.RUNNING]
    return [name for name in channels if working and not any(peers.serves(row, name) for row in working)]


def troubles(conn: Connection, beat: Pulse) -> Iterator[tuple[str, str, str]]:
    """Yield what needs a person: about what, why, and the command that settles it."""
    queued = (DELIVERY.c.state == "queued", DELIVERY.c.due <= beat.now)
    due = [] if beat.running else deliveries.find(conn, *queued)
    if due:
        many = out.counted(len(due), "delivery is", "deliveries are")
        yield "the daemon", f"it {beat.words}, and {many} due", "govpost daemon"
    holders = {row.lease_owner for row in deliveries.in_state(conn, "publishing")}
    for row in beat.daemons:
        if beat.is_silent(row) and (row.id in holders or (beat.running and row is beat.daemon)):
            held = ", and it holds deliveries" if row.id in holders else ""
            why = f"its last heartbeat was {describe(beat.now - row.heartbeat_at)} ago{held}"
            yield _name(beat, row), why, "govpost doctor"
        elif beat.running and row.why and not peers.ended(row) and not beat.is_silent(row):
            older = f"copy the newer config.toml to {row.host}, or touch the one there if that is right"
            yield _name(beat, row), row.why, older if peers.has_older_config(row) else "govpost doctor"


def _name(beat: Pulse, row: DaemonRecord) -> str:
    several = sum(not peers.ended(each) for each in beat.daemons) > 1
    return f"the daemon on {row.host} (process {row.pid})" if several else "the daemon"
