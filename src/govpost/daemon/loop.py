"""The daemon: look what is due, wake the channels' threads, keep house between, stop cleanly."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Literal

from govpost import settling
from govpost.daemon import clock, ending, following, housekeeping, idleness, jumps, peers, stranding
from govpost.daemon.gathering import Gatherer
from govpost.daemon.lanes import Lanes
from govpost.daemon.listening import Listener
from govpost.daemon.lock import Lock, OwnLock
from govpost.daemon.notices import Teller
from govpost.daemon.presence import Found, Presence
from govpost.daemon.stillness import Stillness
from govpost.errors import GovpostError, StoreUnavailable
from govpost.publisher import LEASE_MARGIN, Publisher, Setup
from govpost.workspace import Bench, Workspace

Mode = Literal["forever", "once", "until-idle"]

LONGEST_SLEEP = 1.0
WOKEN_SLEEP = 5.0
"""In seconds, where other processes say when there is work."""

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
        self.drained = ""
        # Without a store or with wrong settings there are no channels yet; the first turn reads everything again.
        self._config_seen = housekeeping.stamp(workspace.config.path)
        self.bench: Bench = workspace.bench_or_empty()
        self.reload_asked = not self.bench.registry.plugins
        self.presence = Presence(workspace, self.bench, self._config_seen[0])
        self.id = self.presence.record.id
        self.publisher = Publisher(
            store=self.store,
            owner=self.id,
            setup=self._setup(),
            monotonic=monotonic,
            may_claim=self._may_claim,
            claimed=lambda delivery: self.lanes.holds(delivery.id),
        )
        work = following.Following(
            self._work, lambda: workspace.config.main_channel, self.bell.ring, monotonic
        )
        self.lanes = Lanes(work, self.presence.troubled, monotonic)
        self.gatherer = Gatherer(self.publisher, lambda: bool(self._stands_back))
        self.teller = Teller(self.store, self.bench.registry, workspace.config.notify.command, self.id)
        self.listener = Listener(self.store, self.bell.ring)
        self.clocks = clock.Clocks(
            self.store.clock, monotonic, clock.slept if self.store.several else clock.never
        )
        self._ready = False
        self._stands_back = ""
        self._still = Stillness(self.store, monotonic)
        self._clock = clock.Clock(self.bell)
        self._guard = ending.Guard(lambda: ending.longest(workspace.config.daemon), self.publisher.abandon)

    # --- life ------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Work until told to stop; `Refused` when another daemon holds a database that only one may work on."""
        folder = self.store.folder
        lock = OwnLock(folder, self.id) if self.store.several else Lock(folder)
        if not self._take(lock):
            return
        log.info("%s begins", self.presence)
        try:
            self._open_lanes()
            self.teller.start()
            self.listener.start()
            self._clock.start()
            while not self.stop_asked and not self.drained:
                self._turn()
                if self._done():
                    break
                self._sleep()
        finally:
            self._drain()
            self._guard.ended()
            lock.free()
            log.info("%s has ended", self.presence)

    def _take(self, lock: Lock | OwnLock) -> bool:
        while not self.stop_asked:
            try:
                lock.take()
            except OSError as error:
                self.presence.troubled(f"the daemon's lock cannot be used: {error}")
                self.bell.wait(LONGEST_SLEEP)
            else:
                return True
        return False

    def handle_signals(self) -> None:
        """Reload on SIGHUP, drain on SIGTERM and SIGINT; a second one of these ends at once."""
        signal.signal(signal.SIGHUP, self._on_hup)
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)
        self._guard.start()

    def _on_hup(self, _number: int, _frame: FrameType | None) -> None:
        self.reload_asked = True
        self.bell.ring()

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        if self.stop_asked:
            self.publisher.abandon.set()
        self.stop_asked = True
        self.publisher.stopping.set()
        self._guard.ordered()
        self.bell.ring()

    def _drain(self) -> None:
        self._clock.stop()
        self.listener.stop()
        self.publisher.stopping.set()
        self.lanes.stop()
        self.gatherer.stop()
        self.presence.say(peers.STOPPING)
        end = ending.wait_for(
            self.lanes,
            ending.Patience.of(self.workspace.config.daemon, drained=bool(self.drained)),
            ordered=lambda: self.stop_asked,
            at_once=self.publisher.abandon,
            beat=lambda: self.presence.say(peers.STOPPING),
            monotonic=self.monotonic,
        )
        left = ending.say_left(self.lanes)
        self.gatherer.end(end - self.monotonic())
        self.publisher.abandon.set()
        if left:
            time.sleep(0.2)
        if not self.teller.stop():
            log.warning("stopping while a listener is still being told")
        self.presence.say(peers.STOPPED)

    def _turn(self) -> None:
        due = self._clock.take()
        try:
            self._reload_if_asked()
            if self.clocks.parted() or (self.store.several and clock.HEARTBEAT in due):
                jumps.judge(self.store, self.workspace.config, self.bench, self.id, self.clocks)
            looks = self._still.is_over() or self.mode != "forever"
            if looks or clock.HEARTBEAT in due:
                self._heed(self.presence.look())
            if not self._stands_back and not self.drained:
                self._do(due, looks=looks)
            if clock.HEARTBEAT in due:
                self.presence.show("secrets", peers.lacks(self.publisher.lacking.copy()))
                self.presence.beat(peers.RUNNING)
                self.teller.lease.keep()
            self.presence.mended()
        except GovpostError as error:
            self._clock.again(due)
            self.presence.troubled(error.message)
        self.progress()

    def _heed(self, found: Found) -> None:
        """Finish when somebody asked for it; claim nothing while another daemon works by something newer."""
        self.reload_asked |= found.plugin_back
        if found.drain and not self.drained:
            self.drained = found.drain
            self.presence.show("drain", f"drained: {found.drain}")
            self.publisher.stopping.set()
            log.info("%s finishes what is in flight, then ends: %s", self.presence, found.drain)
        if found.stands_back:
            if found.stands_back != self._stands_back:
                log.warning("nothing is claimed: %s", found.stands_back)
            self._stands_back = found.stands_back
        elif self._stands_back:
            if self._ready:
                why = "the daemons agree again"
                housekeeping.judge_anew(self.store, self.workspace.config, self.bench, why)
            self._stands_back = ""
            log.info("this daemon agrees with the newest; going on")
        if not self._ready and not self._stands_back and not self.drained:
            config = self.workspace.config
            housekeeping.begin(self.store, config, self.bench, self.presence.record, alone=found.alone)
            self._ready = True
        if self.presence.show("newest", self._stands_back):
            self._clock.note(clock.HEARTBEAT)

    def _do(self, due: set[str], *, looks: bool) -> None:
        """Do the duties that are due and wake who has work."""
        if self.mode != "forever" or (clock.HOUSE in due and self._still.needs_house()):
            self._keep_house()
            looks = True
        if clock.HEAD in due:
            housekeeping.log_head(self.store, self.id)
        if looks:
            for name in self._still.look(self.bench.fitted, busy=bool(self.lanes.busy())):
                self.lanes.wake(name)
        if clock.GATHER in due or self.mode != "forever":
            self.gatherer.wake(again=self.mode == "forever")

    def _keep_house(self) -> None:
        self._give_up_lost()
        self.bench = self.workspace.with_limits(self.bench)
        self.publisher.setup = self._setup()
        if self.store.several:
            housekeeping.take_back_from_dead(self.store, self.presence.record)
        at_once = self.mode != "forever"
        housekeeping.keep(self.store, self.workspace.config, self.bench, self.id, at_once=at_once)
        self._still.house_is_kept()
        self.teller.ring()

    def _work(self, channel: str) -> bool:
        return self.publisher.deliver(channel) or settling.look(self.publisher, channel)

    def _may_claim(self) -> bool:
        agrees = self._ready and not self._stands_back
        return agrees and not self.clocks.parted() and bool(self.workspace.config.strategy.goals)

    def _done(self) -> bool:
        if self.mode == "forever" or self.lanes.busy():
            return False
        if self.presence.trouble:
            return self.mode == "once"
        try:
            with self.store.read() as conn:
                busy = idleness.has_any_work if self.mode == "once" else idleness.is_busy
                idle = not busy(conn, list(self.bench.fitted), self.store.clock())
                return idle and self.gatherer.is_idle(conn)
        except StoreUnavailable:
            return False

    def _sleep(self) -> None:
        longest = 0.1 if self.mode != "forever" else WOKEN_SLEEP if self.listener.hears else LONGEST_SLEEP
        self.bell.wait(clock.seconds_until(self._still.next, self.store.clock(), longest))

    def _give_up_lost(self) -> None:
        patience = self.workspace.config.daemon.attempt + LEASE_MARGIN
        unrecorded, now = self.publisher.unrecorded, self.monotonic()
        stranding.give_up_lost(self.store, self.lanes, self.id, unrecorded, patience, now)
        stranding.give_back_orphans(self.store, self.lanes, self.id)
        self.gatherer.give_up_lost(self.monotonic())

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
            row = self.presence.working_by(fresh, bench, stamp[0])
            if not self.presence.look(row).stands_back:
                replan = fresh.strategy_hash != self.workspace.config.strategy_hash
                housekeeping.take_over(self.store, fresh, bench, replan=replan)
        except StoreUnavailable:
            self.reload_asked = True
            raise
        except GovpostError as error:
            why = f"config.toml is not taken over: {error.message}"
            self.presence.show("config", why)
            log.error(why)
            return
        self.presence.show("config", "")
        self.workspace.config, self.bench = fresh, bench
        self.presence.took_over(row, bench)
        self.publisher.setup = self._setup()
        self.publisher.lacking.clear()  # asked anew, by what the config says now
        self.teller.registry, self.teller.command = bench.registry, tuple(fresh.notify.command)
        self._open_lanes()
        self._clock.note(clock.HEARTBEAT)
        log.info("config.toml is read again")

    def _open_lanes(self) -> None:
        for name in self.bench.fitted:
            self.lanes.open(name, self.workspace.config.channels[name].threads)
        self.gatherer.open(self.bench.fitted)
