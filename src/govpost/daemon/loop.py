"""The daemon: look what is due, wake the channels' threads, keep house between, stop cleanly."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Literal

import govpost
from govpost import settling
from govpost.daemon import clock, housekeeping, idleness
from govpost.daemon.lanes import Busy, Lanes
from govpost.daemon.lock import Lock
from govpost.daemon.notices import Teller
from govpost.errors import GovpostError, Refused, StoreUnavailable
from govpost.publisher import ACTOR, LEASE_MARGIN, Publisher, Setup
from govpost.store import channels, deliveries, meta, rescue
from govpost.store.rows import DaemonRecord
from govpost.times import uuid7
from govpost.workspace import Bench, Workspace

Mode = Literal["forever", "once", "until-idle"]

LONGEST_SLEEP = 1.0
CLOCK_PART = 60.0
"""How far wall and monotonic clock may part, in seconds, before everything is judged anew."""

log = logging.getLogger("govpost.daemon")


class Daemon:
    """One daemon on one workspace. `run` returns when it is told to stop, or when `mode` says that it is done."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        mode: Mode = "forever",
        monotonic: Callable[[], float] = time.monotonic,
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        self.workspace = workspace
        self.mode = mode
        self.monotonic = monotonic
        self.progress = progress
        self.store = workspace.store
        self.bell = threading.Event()
        self.reload_asked = False
        self.stop_asked = False
        self.trouble = ""
        self.notes: dict[str, str] = {}
        self.bench: Bench = workspace.bench_or_empty()
        self.record = DaemonRecord(
            id=uuid7(workspace.clock()),
            host=socket.gethostname(),
            pid=os.getpid(),
            version=govpost.__version__,
            started_at=workspace.clock(),
            heartbeat_at=workspace.clock(),
            state="starting",
            config_hash=workspace.config.hash,
        )
        self.publisher = Publisher(
            store=self.store,
            owner=self.record.id,
            setup=self._setup(),
            monotonic=monotonic,
            may_claim=self._may_claim,
            claimed=lambda delivery: self.lanes.holds(delivery.id),
        )
        self.lanes = Lanes(self._work, self._troubled, monotonic)
        self.teller = Teller(self.store, self.bench.registry, workspace.config.notify.command)
        self._offset = self._clock_offset()
        self._ready = False
        self._config_seen = self._config_stamp()
        self._next_due: datetime | None = None
        self._clock = clock.Clock(self.bell)

    # --- life ------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Work until told to stop; `Refused` when another daemon holds the database."""
        lock = Lock(self._folder())
        try:
            self._take(lock)
            self._open_lanes()
            self.teller.start()
            self._clock.start()
            while not self.stop_asked:
                self._turn()
                if self._done():
                    break
                self._sleep()
        finally:
            self._drain()
            lock.free()

    def _folder(self) -> Path:
        path = self.store.path
        return path.parent if path is not None else self.workspace.root / ".govpost"

    def _take(self, lock: Lock) -> None:
        while not self.stop_asked:
            try:
                lock.take()
            except OSError as error:
                self._troubled(f"the folder of the database cannot be used: {error}")
                self.bell.wait(LONGEST_SLEEP)
            else:
                return

    def handle_signals(self) -> None:
        """Reload on SIGHUP, drain on SIGTERM and SIGINT; a second one of these ends at once."""
        signal.signal(signal.SIGHUP, self._on_hup)
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)

    def _on_hup(self, _number: int, _frame: FrameType | None) -> None:
        self.reload_asked = True
        self.bell.set()

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        if self.stop_asked:
            self.publisher.abandon.set()
        self.stop_asked = True
        self.publisher.stopping.set()
        self.bell.set()

    def _drain(self) -> None:
        self._clock.stop()
        self.publisher.stopping.set()
        self.lanes.stop()
        self._say("stopping")
        end = self.monotonic() + self.workspace.config.daemon.drain.total_seconds()
        while self.lanes.busy() and self.monotonic() < end and not self.publisher.abandon.is_set():
            time.sleep(0.05)
        left = self.lanes.busy()
        for busy in left:
            log.warning("stopping while %s is still at work on %s", busy.channel, busy.delivery or "a look")
        self.publisher.abandon.set()
        if left:
            time.sleep(0.2)
        self.teller.stop()
        try:
            self.teller.tell()
        except (StoreUnavailable, Refused):
            log.error("events could not be told while stopping")
        self._say("stopped")

    # --- one turn --------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        due = self._clock.take()
        try:
            self._reload_if_asked()
            self._judge_clock()
            if not self._ready:
                self._begin()
            if clock.HEARTBEAT in due:
                self._beat("running")
            if clock.HOUSE in due or self.mode != "forever":
                self._keep_house()
            if clock.HEAD in due:
                housekeeping.log_head(self.store)
            self._wake_due()
            self._mended()
        except GovpostError as error:
            self._clock.again(due)
            self._troubled(error.message)
        self.progress()

    def _begin(self) -> None:
        """Take back what a dead daemon held, then judge everything anew before the first claim."""
        with self.store.write(ACTOR) as tx:
            tx.event("daemon.start", f"daemon:{self.record.id}", new="running", why=f"process {os.getpid()}")
            for delivery in rescue.rescue(tx, self.record.id):
                log.warning("rescued delivery %s on %s", delivery.id, delivery.channel)
            meta.forget_daemons(tx, tx.now - timedelta(days=7))
        housekeeping.judge_anew(self.store, self.workspace.config, self.bench, "the daemon came back")
        self._ready = True

    def _keep_house(self) -> None:
        self._strand_lost()
        housekeeping.keep(self.store, self.workspace.config, self.bench)
        self.teller.ring()

    def _wake_due(self) -> None:
        with self.store.read() as conn:
            now = self.store.clock()
            due = [name for name in self.bench.fitted if idleness.has_work(conn, name, now)]
            self._next_due = idleness.next_work(conn, self.bench.fitted, now)
        for name in due:
            self.lanes.wake(name)

    def _work(self, channel: str) -> bool:
        return self.publisher.deliver(channel) or settling.look(self.publisher, channel)

    def _may_claim(self) -> bool:
        return self._ready and not self._clock_parted() and bool(self.workspace.config.strategy.goals)

    def _done(self) -> bool:
        if self.mode == "forever":
            return False
        if self.trouble and self.mode == "until-idle":
            return False
        if self.lanes.busy():
            return False
        if self.mode == "once":
            return self._once_is_over()
        try:
            with self.store.read() as conn:
                return not idleness.is_busy(conn, list(self.bench.fitted), self.store.clock())
        except StoreUnavailable:
            return False

    def _once_is_over(self) -> bool:
        if self.trouble:
            return True
        with self.store.read() as conn:
            now = self.store.clock()
            return not any(idleness.has_work(conn, name, now) for name in self.bench.fitted)

    def _sleep(self) -> None:
        longest = LONGEST_SLEEP if self.mode == "forever" else 0.1
        self.bell.wait(clock.seconds_until(self._next_due, self.store.clock(), longest))
        self.bell.clear()

    # --- trouble ---------------------------------------------------------------------------------------------

    def _troubled(self, why: str) -> None:
        """Say once why nothing is claimed; the next turn tries again."""
        if self.trouble != why:
            log.error("nothing is claimed: %s", why)
        self.trouble = why

    def _mended(self) -> None:
        if self.trouble:
            log.info("the store can be used again; going on")
            self.trouble = ""

    def _strand_lost(self) -> None:
        """Give up on threads that did not come back: their delivery is settled as unknown, their channel paused."""
        patience = (self.workspace.config.daemon.attempt + LEASE_MARGIN).total_seconds()
        for busy in self.lanes.busy():
            if self.monotonic() - busy.since > patience:
                self._strand(busy)

    def _strand(self, busy: Busy) -> None:
        why = "a call into the plugin did not return"
        with self.store.write(ACTOR) as tx:
            if busy.delivery is not None:
                delivery = deliveries.get(tx.conn, busy.delivery)
                if delivery.state == "publishing":
                    rescue.strand(tx, delivery, why)
            channels.pause(
                tx, busy.channel, channels.FOR_GOOD, f"{why}; restart the daemon, then resume the channel"
            )
        busy.lost = True
        log.error("channel %s is paused: %s", busy.channel, why)

    # --- clocks ----------------------------------------------------------------------------------------------

    def _clock_offset(self) -> float:
        return self.store.clock().timestamp() - self.monotonic()

    def _clock_parted(self) -> bool:
        return abs(self._clock_offset() - self._offset) > CLOCK_PART

    def _judge_clock(self) -> None:
        if not self._clock_parted():
            return
        jump = timedelta(seconds=round(self._clock_offset() - self._offset))
        why = f"the wall clock jumped by {jump.total_seconds():+.0f} s; everything is judged anew"
        log.warning(why)
        with self.store.write(ACTOR) as tx:
            tx.event("daemon.clock", f"daemon:{self.record.id}", why=why)
            meta.put(tx.conn, "clock-jump", {"at": tx.now.isoformat(), "seconds": jump.total_seconds()})
        housekeeping.judge_anew(self.store, self.workspace.config, self.bench, "the clock jumped")
        self._offset = self._clock_offset()

    # --- config ----------------------------------------------------------------------------------------------

    def _config_stamp(self) -> tuple[int, int]:
        try:
            found = self.workspace.config.path.stat()
        except OSError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_size)

    def _setup(self) -> Setup:
        return Setup(config=self.workspace.config, fitted=dict(self.bench.fitted))

    def _reload_if_asked(self) -> None:
        stamp = self._config_stamp()
        if not self.reload_asked and stamp == self._config_seen:
            return
        self.reload_asked, self._config_seen = False, stamp
        try:
            fresh, bench = housekeeping.reread(self.workspace)
        except GovpostError as error:
            self.notes["config"] = f"config.toml is not taken over: {error.message}"
            log.error(self.notes["config"])
            return
        self.notes.pop("config", None)
        rates_changed = fresh.strategy_hash != self.workspace.config.strategy_hash
        self.workspace.config, self.bench = fresh, bench
        self.store.config_hash = self.record.config_hash = fresh.hash
        self.publisher.setup = self._setup()
        self.teller.registry, self.teller.command = bench.registry, tuple(fresh.notify.command)
        self._open_lanes()
        housekeeping.take_over(self.store, fresh, bench, replan=rates_changed)
        log.info("config.toml is read again")

    def _open_lanes(self) -> None:
        for name in self.bench.fitted:
            self.lanes.open(name, self.workspace.config.channels[name].threads)

    # --- heartbeat -------------------------------------------------------------------------------------------

    def _beat(self, state: str) -> None:
        why = "; ".join([self.trouble, *self.notes.values()]).strip("; ")
        record = self.record.model_copy(
            update={"state": state, "why": why, "heartbeat_at": self.store.clock()}
        )
        with self.store.write(ACTOR) as tx:
            meta.beat(tx, record)

    def _say(self, state: str) -> None:
        try:
            self._beat(state)
        except (StoreUnavailable, Refused) as error:
            log.error("the heartbeat could not be written: %s", error.message)
