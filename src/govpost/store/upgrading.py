"""From one schema to the next: Alembic's scripts, in one transaction, while nobody else writes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, text

from govpost.errors import Refused
from govpost.store import bare, chain, schema
from govpost.store.engine import Store, Tx
from govpost.store.rows import DELIVERY

if TYPE_CHECKING:
    from alembic.script import Script

SCRIPTS = Path(__file__).parent / "migrations"
ROUND = timedelta(seconds=6)
"""Longer than from one heartbeat of a daemon to the next: before each it looks what the store needs."""
PATIENCE = 60.0
"""How many seconds older daemons are given to finish what they hold."""


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
        wanted = max((_step(each).needs for each in _scripts_above(scripts, old)), default=needs)
        if wanted <= needs:
            return
        schema.put(tx.conn, schema.NEEDS_KEY, wanted)
        why = f"daemons for a schema below {wanted} claim nothing more"
        tx.event("store.needs", "store", old=str(needs), new=str(wanted), why=why)
        looked = tx.now + ROUND
    end = time.monotonic() + PATIENCE
    while found := _still_at_work(store, actor, wanted, looked):
        if time.monotonic() > end:
            raise Refused(
                f"an older daemon is still at work: {', '.join(found)}", "stop it, then upgrade again"
            )
        wait(0.5)


def _still_at_work(store: Store, actor: str, needs: int, looked: datetime) -> list[str]:
    """Name the older daemons not heard of since `looked`, by when they know; or all of them while a claim is out."""
    with bare.alone(store, actor) as tx:
        claimed = tx.conn.execute(
            select(DELIVERY.c.id).where(DELIVERY.c.state == "publishing").limit(1)
        ).first()
        return bare.busy_daemons(tx.conn, tx.now, needs, silent_since=None if claimed else looked)
