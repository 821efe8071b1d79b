"""From one schema to the next: Alembic's scripts, in one transaction, while nobody else writes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from govpost.errors import Refused
from govpost.store import bare, chain, schema
from govpost.store.engine import Store, Tx

if TYPE_CHECKING:
    from alembic.script import Script

SCRIPTS = Path(__file__).parent / "migrations"
PATIENCE = 90.0
"""How many seconds older daemons are given to finish what they hold: longer than until a silent one is gone."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One migration: the schema it leads to, the oldest code that may work on that, and what it is for."""

    number: int
    needs: int
    about: str


@dataclass(frozen=True, kw_only=True)
class Upgraded:
    """What an upgrade did, or with `dry_run` would do."""

    old: int
    new: int
    steps: list[Step]
    dry_run: bool


def upgrade(
    store: Store, actor: str, *, dry_run: bool = False, stop_old: bool = False, scripts: Path = SCRIPTS
) -> Upgraded:
    """Bring the store to the newest schema; all of it or, when anything fails, nothing.

    A dry run does the same and takes it back. With `stop_old`, daemons of code that is too old for the result are
    told to claim nothing more, and waited for; without it they are in the way, which is `Refused`.
    """
    if not bare.is_there(store):
        raise Refused(
            f"there is no store at {store.name} yet", "it is made on first use, with the newest schema"
        )
    if stop_old and not dry_run:
        _stop_old(store, actor, scripts)
    with bare.alone(store, actor, keep=not dry_run) as tx:
        return _climb(tx, scripts, dry_run=dry_run, heed_daemons=not stop_old)


def _climb(tx: Tx, scripts: Path, *, dry_run: bool, heed_daemons: bool) -> Upgraded:
    old, _ = schema.numbers(tx.conn)
    if old < schema.FIRST_RELEASED:
        raise Refused(f"the store has schema {old}, which no release had", "restore a backup of the store")
    todo = _scripts_above(scripts, old)
    steps = [_step(script) for script in todo]
    if steps and heed_daemons:
        bare.refuse_daemons(tx.conn, tx.now, steps[-1].needs, "upgrade again, or say --stop-old")
    if steps:
        bare.refuse_claims(tx.conn, tx.now, steps[-1].needs, "upgrade again")
    for script, step in zip(todo, steps, strict=True):
        _run(tx.conn, script)
        schema.put(tx.conn, schema.SCHEMA_KEY, step.number)
        schema.put(tx.conn, schema.NEEDS_KEY, step.needs)
    if steps:
        _see_that_it_holds(tx.conn)
        new = steps[-1].number
        tx.event("store.upgrade", "store", old=f"schema {old}", new=f"schema {new}", why=steps[-1].about)
    return Upgraded(old=old, new=steps[-1].number if steps else old, steps=steps, dry_run=dry_run)


def _scripts_above(folder: Path, old: int) -> list[Script]:
    from alembic.script import ScriptDirectory

    known = ScriptDirectory(folder, version_locations=[folder / "versions"])
    above = [each for each in known.iterate_revisions("heads", "base") if int(each.revision) > old]
    return sorted(above, key=lambda each: int(each.revision))


def _step(script: Script) -> Step:
    return Step(number=int(script.revision), needs=script.module.needs, about=script.doc)


def _run(conn: Connection, script: Script) -> None:
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext

    with Operations.context(MigrationContext.configure(conn)):
        script.module.upgrade()


def _see_that_it_holds(conn: Connection) -> None:
    if conn.dialect.name == "sqlite" and conn.execute(text("PRAGMA foreign_key_check")).all():
        raise Refused(
            "after the upgrade some rows would belong to nothing; the store stays as it was",
            "govpost store check names them",
        )
    _, troubles = chain.verify(conn)
    if troubles:
        raise Refused(
            f"the event chain is broken, so the store stays as it was: {troubles[0]}",
            "govpost audit verify shows all of it; compare with a backup",
        )


def _stop_old(store: Store, actor: str, scripts: Path, wait: Callable[[float], None] = time.sleep) -> None:
    """Raise what the store needs, so that older daemons claim nothing more; wait until none of them holds anything."""
    with bare.alone(store, actor) as tx:
        old, needs = schema.numbers(tx.conn)
        steps = [_step(each) for each in _scripts_above(scripts, old)]
        if not steps:
            return
        wanted = max(needs, *(step.needs for step in steps))
        if wanted > needs:
            schema.put(tx.conn, schema.NEEDS_KEY, wanted)
            why = f"daemons for a schema below {wanted} claim nothing more"
            tx.event("store.needs", "store", old=str(needs), new=str(wanted), why=why)
        beats = _Beats(tx.now)
    end = time.monotonic() + PATIENCE
    while found := _still_at_work(store, actor, wanted, beats):
        if time.monotonic() > end:
            raise Refused(f"an older daemon is still at work: {found}", "stop it, then upgrade again")
        wait(0.5)


class _Beats:
    """The heartbeats of older daemons since what the store needs was raised."""

    def __init__(self, raised: datetime) -> None:
        self._raised = raised
        self._heard: dict[str, set[datetime]] = {}

    def have_seen(self, daemon: bare.Older) -> bool:
        """Say whether a daemon has looked at the store since: it looks before each heartbeat.

        The look of the first heartbeat may have been before; that of the second was after the first.
        """
        heard = self._heard.setdefault(daemon.id, set())
        if daemon.heartbeat_at > self._raised:
            heard.add(daemon.heartbeat_at)
        return len(heard) > 1


def _still_at_work(store: Store, actor: str, needs: int, beats: _Beats) -> str:
    """Name the older daemons that may claim, or until when one of them holds something; "" when all are still."""
    with bare.alone(store, actor) as tx:
        waking = [
            each.name for each in bare.older_daemons(tx.conn, tx.now, needs) if not beats.have_seen(each)
        ]
        end = bare.claimed_until(tx.conn, tx.now, needs)
    if end is not None:
        waking.append(f"one holds a delivery until {end:%H:%M:%S} UTC")
    return ", ".join(waking)
