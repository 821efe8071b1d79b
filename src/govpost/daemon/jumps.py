"""Jumps of the store's clock: each is followed once, however many daemons share the store."""

from __future__ import annotations

import logging
from datetime import timedelta

from govpost.config import Config
from govpost.daemon import housekeeping
from govpost.daemon.clock import CLOCK_PART, Clocks
from govpost.publisher import ACTOR
from govpost.store import channels, meta, rescue
from govpost.store.engine import Store, Tx
from govpost.workspace import Bench

_FOLLOWED = "clock-followed"
"""The sum of all jumps that were followed, in seconds: what a daemon that was away finds done already."""

log = logging.getLogger("govpost.daemon")


def judge(store: Store, config: Config, bench: Bench, daemon: str, clocks: Clocks) -> None:
    """Follow a jump of the store's clock, if it is one and nobody has followed it yet.

    The first answer of a shared database is no jump: only this machine's clock was wrong, and nothing is claimed yet.
    """
    if store.several:
        with store.write(ACTOR, shared=True) as tx:  # asks the database for its time
            followed = _followed(tx)
        if clocks.followed is None:
            clocks.agree(clocks.jump())
        if not clocks.parted():
            clocks.followed = followed
    if clocks.parted():
        _follow(store, config, bench, daemon, clocks)


def _followed(tx: Tx) -> float:
    return float(meta.get(tx.conn, _FOLLOWED) or 0)


def _follow(store: Store, config: Config, bench: Bench, daemon: str, clocks: Clocks) -> None:
    """Shift what is counted from instants of the old time by what others have not, and judge everything anew.

    All of it or nothing: a jump that is on record is one that nothing is judged by any more.
    """
    with store.write(ACTOR) as tx:
        jump, done = clocks.jump(), _followed(tx)
        rest = jump - (done - (clocks.followed or 0)) if tx.several else jump
        if abs(rest) > CLOCK_PART:
            why = f"the wall clock jumped by {rest:+.0f} s; everything is judged anew"
            log.warning(why)
            tx.event("daemon.clock", f"daemon:{daemon}", why=why)
            meta.put(tx.conn, "clock-jump", {"at": tx.now.isoformat(), "seconds": round(rest)})
            rescue.follow_clock(tx, timedelta(seconds=rest))
            if rest < 0:
                channels.follow_clock_back(tx, timedelta(seconds=-rest))
            done += rest
            meta.put(tx.conn, _FOLLOWED, done)
            housekeeping.judge_all(tx, config, bench, "the clock jumped")
    clocks.agree(jump)
    clocks.followed = done
