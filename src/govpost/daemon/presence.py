"""What a daemon says of itself in the store, and what it learns there of itself and the others."""

from __future__ import annotations

import logging
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import govpost
from govpost.config import Config
from govpost.daemon import housekeeping, peers
from govpost.errors import Refused, StoreUnavailable
from govpost.publisher import ACTOR
from govpost.store import meta, obstacles, schema
from govpost.store.machine_rows import DaemonRecord
from govpost.times import describe, utcnow, uuid7
from govpost.workspace import Bench, Workspace

_SKEW = timedelta(minutes=1)

log = logging.getLogger("govpost.daemon")


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a look at the daemons' rows told: who asked this one to finish, and why it must stand back.

    `alone` says that no other daemon is at work; `plugin_back`, that a plugin is switched on again that was left out.
    """

    drain: str = ""
    stands_back: str = ""
    alone: bool = True
    plugin_back: bool = False


class Presence:
    """The row of one daemon. `written` is when config.toml was written (a file's time, in ns)."""

    def __init__(self, workspace: Workspace, bench: Bench, written: int) -> None:
        self._store = workspace.store
        self._config = str(workspace.root.absolute() / "config.toml")
        self._skewed = False
        self.trouble = ""
        self.notes: dict[str, str] = {}
        now = workspace.clock()
        self.record = DaemonRecord(
            id=uuid7(now),
            host=socket.gethostname(),
            pid=os.getpid(),
            version=govpost.__version__,
            started_at=now,
            heartbeat_at=now,
            state="starting",
        )
        self.took_over(self.working_by(workspace.config, bench, written), bench)

    def __str__(self) -> str:
        return f"daemon {self.record.id} on {self.record.host} (process {self.record.pid})"

    def working_by(self, config: Config, bench: Bench, written: int) -> DaemonRecord:
        """Return the row as it is under a config and with the plugins of a bench."""
        update = {
            "config_hash": config.hash,
            "config_at": datetime.fromtimestamp(written / 1e9, UTC),
            "plugins_hash": peers.fingerprints(bench.registry),
            "loaded_at": self._store.clock(),
        }
        return self.record.model_copy(update=update)

    def took_over(self, row: DaemonRecord, bench: Bench) -> None:
        """Take a row as one's own, with the plugins of a bench."""
        self.record = row
        self._left_out = {each.name for each in bench.registry.plugins if each.state == "disabled"}

    def look(self, row: DaemonRecord | None = None) -> Found:
        """Look at the daemons' rows; with `row`, as if that were this one's."""
        mine = row or self.record
        with self._store.read() as conn:
            now, everyone = self._store.clock(), meta.daemons(conn)
            off, too_old = obstacles.disabled_plugins(conn), schema.too_old(conn)
        others = [other for other in everyone if other.id != mine.id]
        back = too_old or (
            peers.stands_back(mine, others, now, off, self._config) if self._store.several else ""
        )
        return Found(
            drain="".join(row.drain for row in everyone if row.id == mine.id),
            stands_back=back,
            alone=not peers.alive(others, now),
            plugin_back=not self._left_out <= off.keys(),
        )

    # --- what it says ------------------------------------------------------------------------------------------

    def show(self, about: str, why: str) -> bool:
        """Let the heartbeat say something about a matter, or no more; False when that is nothing new."""
        if self.notes.get(about, "") == why:
            return False
        self.notes.pop(about, None)
        if why:
            self.notes[about] = why
        return True

    def troubled(self, why: str) -> None:
        """Say once why nothing is claimed; the next turn tries again."""
        if self.trouble != why:
            log.error("nothing is claimed: %s", why)
        self.trouble = why

    def mended(self) -> None:
        """Say that the trouble is over."""
        if self.trouble:
            log.info("the store can be used again; going on")
            self.trouble = ""

    def beat(self, state: str) -> None:
        """Write the heartbeat, and note beside the store how far its record went."""
        why = "; ".join(filter(None, (self.trouble, *self.notes.values())))
        with self._store.write(ACTOR, shared=True) as tx:
            update = {"state": state, "why": why, "heartbeat_at": tx.now}
            meta.beat(tx, self.record.model_copy(update=update))
        self._note_head()
        if self._store.several:
            self._tell_skew(utcnow() - tx.now)

    def _note_head(self) -> None:
        wrong = housekeeping.note_head(self._store)
        if self.show("head", wrong) and wrong:
            log.warning(wrong)

    def _tell_skew(self, skew: timedelta) -> None:
        """Say once that this machine's clock is wrong: nothing depends on it, but its logs will puzzle somebody."""
        wrong = abs(skew) > _SKEW
        if wrong and not self._skewed:
            way = "ahead of" if skew > timedelta() else "behind"
            log.info(
                "this machine's clock is %s %s the database's, which decides; log lines bear this machine's",
                describe(skew),
                way,
            )
        self._skewed = wrong

    def say(self, state: str) -> None:
        """Write the heartbeat if the store takes it."""
        try:
            self.beat(state)
        except (StoreUnavailable, Refused) as error:
            log.error("the heartbeat could not be written: %s", error.message)
