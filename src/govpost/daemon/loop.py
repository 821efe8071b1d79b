"""The daemon: look what is due, wake the channels' threads, keep house between, stop cleanly."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Literal

import govpost
from govpost import settling
from govpost.daemon import clock, housekeeping, idleness, stranding
from govpost.daemon.gathering import Gatherer
from govpost.daemon.lanes import Lanes
from govpost.daemon.lock import Lock
from govpost.daemon.notices import Teller
from govpost.errors import GovpostError, Refused, StoreUnavailable
from govpost.publisher import ACTOR, LEASE_MARGIN, Publisher, Setup
from govpost.store import meta
from govpost.store.rows import DaemonRecord
from govpost.times import uuid7
from govpost.workspace import Bench, Workspace

Mode = Literal["forever", "once", "until-idle"]

LONGEST_SLEEP = 1.0

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
        self.bell = clock.Bell()
        self.stop_asked = False
        self.trouble = ""
        self.notes: dict[str, str] = {}
        # Without a store or with wrong settings there are no channels yet; the first turn reads everything again.
        self.bench: Bench = workspace.bench_or_empty()
        self.reload_asked = not self.bench.registry.plugins
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
        self.lanes, self.gatherer = Lanes(self._work, self._troubled, monotonic), Gatherer(self.publisher)
        self.teller = Teller(self.store, self.bench.registry, workspace.config.notify.command)
        self.clocks = clock.Clocks(self.store.clock, monotonic)
        self._ready = False
        self._config_seen = housekeeping.stamp(workspace.config.path)
        self._next_due: datetime | None = None
        self._clock = clock.Clock(self.bell)

    # --- life ------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Work until told to stop; `Refused` when another daemon holds the database."""
        lock = Lock(self._folder())
        if not self._take(lock):
            return
        try:
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
        return self.store.folder

    def _take(self, lock: Lock) -> bool:
        while not self.stop_asked:
            try:
                lock.take()
            except OSError as error:
                self._troubled(f"the folder of the database cannot be used: {error}")
                self.bell.wait(LONGEST_SLEEP)
            else:
                return True
        return False

    def handle_signals(self) -> None:
        """Reload on SIGHUP, drain on SIGTERM and SIGINT; a second one of these ends at once."""
        signal.signal(signal.SIGHUP, self._on_hup)
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)

    def _on_hup(self, _number: int, _frame: FrameType | None) -> None:
        self.reload_asked = True
        self.bell.ring()

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        if self.stop_asked:
            self.publisher.abandon.set()
        self.stop_asked = True
        self.publisher.stopping.set()
        self.bell.ring()

    def _drain(self) -> None:
        self._clock.stop()
        self.publisher.stopping.set()
        self.lanes.stop()
        self.gatherer.stop()
        self._say("stopping")
        end = self.monotonic() + self.workspace.config.daemon.drain.total_seconds()
        while self.lanes.busy() and self.monotonic() < end and not self.publisher.abandon.is_set():
            time.sleep(0.05)
        left = self.lanes.busy()
        for busy in left:
            log.warning("stopping while %s is still at work on %s", busy.channel, busy.delivery or "a look")
        self.gatherer.end(end - self.monotonic())
        self.publisher.abandon.set()
        if left:
            time.sleep(0.2)
        if not self.teller.stop():
            log.warning("stopping while a listener is still being told")
        self._say("stopped")

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
            if clock.GATHER in due or self.mode != "forever":
                self.gatherer.wake(again=self.mode == "forever")
            self._mended()
        except GovpostError as error:
            self._clock.again(due)
            self._troubled(error.message)
        self.progress()

    def _begin(self) -> None:
        housekeeping.begin(self.store, self.workspace.config, self.bench, self.record.id)
        self._ready = True

    def _keep_house(self) -> None:
        self._give_up_lost()
        self.bench = self.workspace.with_limits(self.bench)
        self.publisher.setup = self._setup()
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
        return self._ready and not self.clocks.parted() and bool(self.workspace.config.strategy.goals)

    def _done(self) -> bool:
        if self.mode == "forever" or self.lanes.busy():
            return False
        if self.trouble:
            return self.mode == "once"
        try:
            with self.store.read() as conn:
                busy = idleness.has_any_work if self.mode == "once" else idleness.is_busy
                idle = not busy(conn, list(self.bench.fitted), self.store.clock())
                return idle and self.gatherer.is_idle(conn)
        except StoreUnavailable:
            return False

    def _sleep(self) -> None:
        longest = LONGEST_SLEEP if self.mode == "forever" else 0.1
        self.bell.wait(clock.seconds_until(self._next_due, self.store.clock(), longest))

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

    def _give_up_lost(self) -> None:
        patience = self.workspace.config.daemon.attempt + LEASE_MARGIN
        stranding.give_up_lost(self.store, self.lanes, self.publisher.unrecorded, patience, self.monotonic())
        stranding.give_back_orphans(self.store, self.lanes, self.record.id)
        self.gatherer.give_up_lost(self.monotonic())

    # --- clocks ----------------------------------------------------------------------------------------------

    def _judge_clock(self) -> None:
        if self.clocks.parted():
            jump = self.clocks.jump()
            housekeeping.follow_clock(self.store, self.workspace.config, self.bench, self.record.id, jump)
            self.clocks.agree(jump)

    # --- config ----------------------------------------------------------------------------------------------

    def _setup(self) -> Setup:
        return Setup(config=self.workspace.config, fitted=dict(self.bench.fitted))

    def _reload_if_asked(self) -> None:
        stamp = housekeeping.stamp(self.workspace.config.path)
        if not self.reload_asked and stamp == self._config_seen:
            return
        self.reload_asked, self._config_seen = False, stamp
        try:
            fresh, bench = housekeeping.reread(self.workspace)
            replan = fresh.strategy_hash != self.workspace.config.strategy_hash
            housekeeping.take_over(self.store, fresh, bench, replan=replan)
        except StoreUnavailable:
            self.reload_asked = True
            raise
        except GovpostError as error:
            self.notes["config"] = f"config.toml is not taken over: {error.message}"
            log.error(self.notes["config"])
            return
        self.notes.pop("config", None)
        self.workspace.config, self.bench = fresh, bench
        self.record.config_hash = fresh.hash
        self.publisher.setup = self._setup()
        self.teller.registry, self.teller.command = bench.registry, tuple(fresh.notify.command)
        self._open_lanes()
        log.info("config.toml is read again")

    def _open_lanes(self) -> None:
        for name in self.bench.fitted:
            self.lanes.open(name, self.workspace.config.channels[name].threads)
        self.gatherer.open(self.bench.fitted)

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
