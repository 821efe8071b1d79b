"""The daemon's rounds over the rows, each in a transaction of its own."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from govpost import config as config_module
from govpost import config_watch, duties, pilots
from govpost.config import Config
from govpost.daemon import lock, peers
from govpost.daemon.clock import HEAD, HOUSE
from govpost.errors import GovpostError
from govpost.publisher import ACTOR
from govpost.store import chain, meta, rescue, restoring, timers, witness
from govpost.store.engine import Store, Tx
from govpost.store.machine_rows import DaemonRecord
from govpost.workspace import Bench, Workspace

EVERY = {HOUSE: timedelta(seconds=1.5), HEAD: timedelta(hours=23)}
"""After how long a duty of several daemons waits for one of them; a little less than each one's own round."""

log = logging.getLogger("govpost.daemon")


def begin(store: Store, config: Config, bench: Bench, daemon: DaemonRecord, *, alone: bool) -> None:
    """Take back what dead daemons held, then judge everything anew before the first claim.

    Where others are at work by this very config, everything is judged already. A store that was put back is made
    safe first.
    """
    settle_restored(store)
    with store.write(ACTOR) as tx:
        why = f"process {daemon.pid} on {daemon.host}"
        tx.event("daemon.start", f"daemon:{daemon.id}", new="running", why=why)
        # Before anything is claimed: whoever must not work beside a daemon looks for its row.
        meta.beat(tx, daemon.model_copy(update={"state": peers.RUNNING, "heartbeat_at": tx.now}))
        for delivery in rescue.rescue(tx, daemon.id):
            log.warning("rescued delivery %s on %s", delivery.id, delivery.channel)
        if not store.several:
            meta.bury(tx, [row.id for row in meta.daemons(tx.conn) if row.id != daemon.id])
        meta.forget_daemons(tx, tx.now - timedelta(days=7))
        seen = meta.get(tx.conn, config_watch.SEEN) or {}
    if alone or seen.get("hash") != config.hash:
        judge_anew(store, config, bench, "the daemon came back")
    note_head(store)


def settle_restored(store: Store) -> str:
    """Freeze a store that was put back, and leave open what was due since then; note its head for the next time.

    Returns what keeps the head from being noted, empty when nothing does.
    """
    for seen in (store.memory.seen, witness.read(store.folder)):
        settled = restoring.settle(store, ACTOR, seen)
        if settled is not None:
            log.error("everything is frozen: %s", restoring.reason(settled.at))
    if store.memory.refuses:
        store.memory.forget()
    try:
        restoring.bear_witness(store)
    except OSError as error:
        return f"how far the record goes cannot be noted in {store.folder}: {error.strerror}"
    return ""


def note_head(store: Store) -> str:
    """Do the same if anything has happened since the head was noted."""
    seen = witness.read(store.folder)
    with store.read() as conn:
        head = chain.head(conn)
    known = seen is not None and seen.head == head and not store.memory.refuses
    return "" if known else settle_restored(store)


def take_back_from_dead(store: Store, daemon: DaemonRecord) -> None:
    """Take back at once what dead daemons of this machine held; those of others are known by their leases' end."""
    for dead, path in lock.freed(store.folder):
        with store.write(ACTOR) as tx:
            here = {row.id for row in meta.daemons(tx.conn) if row.host == daemon.host}
            if dead in here:
                for delivery in rescue.rescue(tx, daemon.id, {dead}):
                    log.warning("rescued delivery %s on %s", delivery.id, delivery.channel)
                meta.bury(tx, {dead})
        path.unlink(missing_ok=True)


def keep(store: Store, config: Config, bench: Bench, daemon: str, *, at_once: bool = False) -> None:
    """Hold and release, judge lateness, close repeats that are no longer safe.

    Of several daemons one does it each time; `at_once` does it whoever did it last.
    """
    if not (at_once or _may_be_my_turn(store, HOUSE)):
        return
    with store.write(ACTOR) as tx:
        if not (at_once or _is_my_turn(tx, HOUSE, daemon)):
            return
        duties.judge_lateness(tx, config)
        duties.reconcile(tx, config, bench.fitted, bench.missing)
        duties.close_unsafe_repeats(tx, config, bench.fitted)
        duties.refit_overdue(tx, config)
        duties.say_no_goal(tx, config)
        if tx.several:
            for delivery in rescue.rescue(tx, daemon):
                log.warning("rescued delivery %s on %s", delivery.id, delivery.channel)


def _may_be_my_turn(store: Store, duty: str) -> bool:
    """Look whether a duty waits for one of several daemons, before anything is locked for it."""
    if not store.several:
        return True
    with store.read() as conn:
        return timers.is_due(conn, duty, EVERY[duty], store.clock())


def _is_my_turn(tx: Tx, duty: str, daemon: str) -> bool:
    return not tx.several or timers.take(tx, duty, EVERY[duty], daemon)


def judge_anew(store: Store, config: Config, bench: Bench, why: str) -> None:
    """Judge lateness, then fit every queue to its rate: after an outage, or when the clock jumped."""
    with store.write(ACTOR) as tx:
        judge_all(tx, config, bench, why)


def judge_all(tx: Tx, config: Config, bench: Bench, why: str) -> None:
    """Do the same within a transaction."""
    config_watch.note(tx, config)
    pilots.note_changed_charters(tx, config)
    duties.judge_lateness(tx, config)
    duties.reconcile(tx, config, bench.fitted, bench.missing)
    moved = duties.replan_all(tx, config, why)
    if moved:
        log.info("%d deliveries got a new slot: %s", moved, why)


def take_over(store: Store, config: Config, bench: Bench, *, replan: bool) -> None:
    """Make an edited config felt: its event, its charters, and new slots where the rates changed."""
    before, store.config_hash = store.config_hash, config.hash
    try:
        with store.write(ACTOR) as tx:
            config_watch.note(tx, config)
            pilots.note_changed_charters(tx, config)
            duties.reconcile(tx, config, bench.fitted, bench.missing)
            if replan:
                duties.replan_all(tx, config, "the posting rates were changed")
    except GovpostError:
        store.config_hash = before
        raise


def reread(workspace: Workspace) -> tuple[Config, Bench]:
    """Read config.toml and the plugins again; GovpostError when they cannot be taken over."""
    fresh = config_module.load(workspace.root)
    return fresh, replace(workspace, config=fresh).bench()


def stamp(path: Path) -> tuple[int, int]:
    """Return what changes when a file is written; zeros while it cannot be seen."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def log_head(store: Store, daemon: str) -> None:
    """Write the head of the event chain to the log, to be held against the store later; of several daemons one does."""
    if not _may_be_my_turn(store, HEAD):
        return
    if store.several:
        with store.write(ACTOR) as tx:
            if not _is_my_turn(tx, HEAD, daemon):
                return
    with store.read() as conn:
        log.info("the head of the event chain is %s", chain.head(conn))
