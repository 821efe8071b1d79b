"""The daemon's rounds over the rows, each in a transaction of its own."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from govpost import config as config_module
from govpost import config_watch, duties, pilots
from govpost.config import Config
from govpost.errors import GovpostError
from govpost.publisher import ACTOR
from govpost.store import chain, meta, rescue
from govpost.store.engine import Store
from govpost.workspace import Bench, Workspace

log = logging.getLogger("govpost.daemon")


def begin(store: Store, config: Config, bench: Bench, daemon: str) -> None:
    """Take back what a dead daemon held, then judge everything anew before the first claim."""
    with store.write(ACTOR) as tx:
        tx.event("daemon.start", f"daemon:{daemon}", new="running", why=f"process {os.getpid()}")
        for delivery in rescue.rescue(tx, daemon):
            log.warning("rescued delivery %s on %s", delivery.id, delivery.channel)
        meta.forget_daemons(tx, tx.now - timedelta(days=7))
    judge_anew(store, config, bench, "the daemon came back")


def keep(store: Store, config: Config, bench: Bench) -> None:
    """Hold and release, judge lateness, close repeats that are no longer safe."""
    with store.write(ACTOR) as tx:
        duties.judge_lateness(tx, config)
        duties.reconcile(tx, config, bench.fitted, bench.missing)
        duties.close_unsafe_repeats(tx, config, bench.fitted)
        duties.refit_overdue(tx, config)
        duties.say_no_goal(tx, config)


def judge_anew(store: Store, config: Config, bench: Bench, why: str, jump: float = 0.0) -> None:
    """Judge lateness, then fit every queue to its rate: after an outage, or when the clock jumped by seconds."""
    with store.write(ACTOR) as tx:
        if jump:
            rescue.follow_clock(tx, timedelta(seconds=jump))
        config_watch.note(tx, config)
        pilots.note_changed_charters(tx, config)
        duties.judge_lateness(tx, config)
        duties.reconcile(tx, config, bench.fitted, bench.missing)
        moved = duties.replan_all(tx, config, why)
    if moved:
        log.info("%d deliveries got a new slot: %s", moved, why)


def follow_clock(store: Store, config: Config, bench: Bench, daemon: str, jump: float) -> None:
    """Put a jump of the wall clock, in seconds, on record and judge everything anew."""
    why = f"the wall clock jumped by {jump:+.0f} s; everything is judged anew"
    log.warning(why)
    with store.write(ACTOR) as tx:
        tx.event("daemon.clock", f"daemon:{daemon}", why=why)
        meta.put(tx.conn, "clock-jump", {"at": tx.now.isoformat(), "seconds": round(jump)})
    judge_anew(store, config, bench, "the clock jumped", jump)


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


def log_head(store: Store) -> None:
    """Write the head of the event chain to the log, to be held against the store later."""
    with store.read() as conn:
        log.info("the head of the event chain is %s", chain.head(conn))
