"""Putting a backup in the place of a store; what was there before is set aside and never deleted."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, inspect, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateSchema

from govpost.errors import Refused, StoreUnavailable
from govpost.store import (
    aftermath,
    backing,
    bare,
    chain,
    checking,
    copying,
    media,
    meta,
    restoring,
    schema,
    upgrading,
)
from govpost.store.engine import Store
from govpost.store.machine_rows import DAEMON
from govpost.store.moving import ANY, refuse_reopening
from govpost.store.rows import DELIVERY
from govpost.times import rfc3339

NAME_ONE = "name a file, or a folder that govpost store backup wrote"
_UNREADABLE = (SQLAlchemyError, ValueError, TypeError)
"""What comes of a store whose tables or values are not what they should be."""


class _Work(NamedTuple):
    """The copy of a backup that is to be put back, where its record ends, and who orders it why."""

    fresh: Store
    end: chain.Head
    actor: str
    reason: str
    stamp: str
    reopen: bool


class _Put(NamedTuple):
    settled: restoring.Settled
    known: aftermath.Aftermath | None
    aside: str | None


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What was put back: the backup's time, what is uncertain now, where the old store is, and media still missing.

    `compared` says that the old store told with which deliveries it went on after the backup.
    """

    backup: Path
    at: datetime
    uncertain: int
    aside: str | None
    lost: int | None
    compared: bool
    copied: int
    missing: list[str]


def find(place: Path) -> Path:
    """Return the backup at `place`: the file, or the newest in that folder."""
    found = newest(place)
    about = found.stat()
    if about.st_uid not in (0, os.geteuid()) or about.st_mode & 0o022:
        # Whoever could write it could have put approvals into it that nobody gave.
        raise Refused(
            f"{found} could have been written by somebody else than the user that govpost runs as",
            "restore only a file of that user or of root, which nobody else can write",
        )
    return found


def newest(place: Path) -> Path:
    """Return the file at `place`, or the newest backup in that folder, whoever may have written it."""
    if place.is_dir():
        every = sorted(place.glob("govpost-*.db"))
        if not every:
            raise Refused(f"{place} holds no backup", NAME_ONE)
        return every[-1]
    if not place.is_file():
        raise Refused(f"there is no backup at {place}", NAME_ONE)
    return place


def restore(
    store: Store, actor: str, place: Path, kept_media: Path, reason: str = "", *, reopen: bool = False
) -> Restored:
    """Put a backup in the place of a store that is absent or no longer used, frozen and with open questions.

    The caller holds the daemon's lock where there is one. `Refused` while a daemon runs, for a backup that is not
    whole, and unless `reopen` when one of the two was moved elsewhere; nothing has changed then.
    """
    path = find(place)
    reason = "; ".join(each for each in (reason, "with --reopen" if reopen else "") if each)
    store.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if store.path is None:
        _refuse_running(store, actor, reopen=reopen)
    elif not reopen:
        _refuse_moved_file(store)
    with _prepared(path, store, reopen=reopen) as (fresh, temporary):
        with bare.snapshot(fresh) as conn:
            end = chain.head(conn)
        upgrading.upgrade(fresh, actor)
        with bare.snapshot(fresh) as conn:
            names = media.named(conn)
        stamp = f"{store.clock():%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        work = _Work(fresh, end, actor, reason, stamp, reopen)
        put = _put(store, work, temporary)
    copied, missing = media.copy(names, path.parent / backing.MEDIA, kept_media)
    return Restored(
        backup=path,
        at=put.settled.at,
        uncertain=put.settled.uncertain,
        aside=put.aside,
        lost=put.known.lost if put.known is not None else 0 if put.aside is None else None,
        compared=put.known is not None and put.known.whole,
        copied=copied,
        missing=missing,
    )


def _refuse_running(store: Store, actor: str, *, reopen: bool) -> None:
    with bare.alone(store, actor) as tx:
        _refuse_in_use(tx.conn, tx.now, reopen=reopen)


def _refuse_in_use(conn: Connection, now: datetime, *, reopen: bool) -> None:
    if inspect(conn).has_table("daemon"):  # what is replaced may be a ruin
        bare.refuse_daemons(conn, now, ANY, "restore again")
    if not reopen:
        refuse_reopening(conn)


def _refuse_moved_file(store: Store) -> None:
    with ExitStack() as stack:
        try:
            if not bare.is_there(store):
                return
            conn = stack.enter_context(bare.snapshot(store))
        except (StoreUnavailable, Refused, *_UNREADABLE):
            return
        refuse_reopening(conn)


@contextmanager
def _prepared(path: Path, store: Store, *, reopen: bool) -> Iterator[tuple[Store, Path]]:
    """Give a copy of the backup to work on, beside the place where it goes; the backup itself stays as it is."""
    temporary = store.folder / f".restore-{secrets.token_hex(4)}.db"
    source = backing.at_file(path)
    try:
        found = checking.examine(source, None, closed=False, absent=NAME_ONE)
        wrong = [each for each in found.findings if "govpost store upgrade" not in each.tip]
        if wrong:
            raise Refused(f"the backup {path} is not whole: {wrong[0].what}", "restore an earlier one")
        if not reopen:
            with bare.snapshot(source) as conn:
                refuse_reopening(conn)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        backing.vacuum(source, temporary)
        fresh = backing.at_file(temporary, store.clock)
        with fresh.translated(), fresh.backend.writing() as conn:
            facts = fresh.backend.facts(conn)
        with bare.alone(fresh, "restore") as tx:
            for key, value in facts.items():
                schema.put(tx.conn, key, value)
            for key in (schema.MOVED_KEY, schema.ARRIVING_KEY):
                meta.drop(tx.conn, key)
            # Whoever was at work when the copy was made has nothing to do with it.
            tx.conn.execute(DAEMON.delete())
            tx.conn.execute(
                update(DELIVERY).where(DELIVERY.c.lease_until > tx.now).values(lease_until=tx.now)
            )
        try:
            yield fresh, temporary
        finally:
            fresh.close()
    finally:
        source.close()
        for rest in store.folder.glob(f"{temporary.name}*"):
            rest.unlink(missing_ok=True)


def _settle(work: _Work, now: datetime, known: aftermath.Aftermath | None) -> restoring.Settled:
    with work.fresh.write(work.actor) as tx:
        tx.now = max(tx.now, now)
        if meta.get(tx.conn, restoring.MARK) is None:
            # A copy made by other means: what it last recorded says from when it is.
            schema.put(tx.conn, restoring.MARK, {"at": rfc3339(restoring.last_event(tx))})
        if known is None:
            settled = restoring.settle_in(tx, work.reason)
        else:
            settled = restoring.settle_in(tx, work.reason, known.went_on, compared=known.whole)
        assert settled is not None  # noqa: S101 - the mark was put there just now
        return settled


def _put(store: Store, work: _Work, temporary: Path) -> _Put:
    if store.path is None:
        return _put_rows(store, work)
    known = _in_file(store, work)
    settled = _settle(work, store.clock(), known)
    work.fresh.close()
    return _Put(settled, known, _exchange(store, temporary, store.path, work.stamp))


def _in_file(store: Store, work: _Work) -> aftermath.Aftermath | None:
    """Look what the store that is there now knows and the backup does not; None when it cannot be read."""
    try:
        if not bare.is_there(store):
            return None
        with bare.snapshot(store) as there, bare.snapshot(work.fresh) as backup:
            return aftermath.read(there, backup, work.end)
    except (StoreUnavailable, Refused, *_UNREADABLE):
        return None


def _exchange(store: Store, fresh: Path, path: Path, stamp: str) -> str | None:
    """Give the file its name; the one that had it before gets another, with what belongs to it."""
    if not path.exists():
        fresh.replace(path)
        return None
    with suppress(sqlite3.Error, StoreUnavailable), store.translated():
        _fold(path)
    store.close()
    aside = path.with_name(f"{path.name}.before-{stamp}")
    try:
        os.link(path, aside)
    except OSError:
        path.replace(aside)  # a disk without hard links
    for rest in ("-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            Path(f"{path}{rest}").replace(f"{aside}{rest}")
    fresh.replace(path)
    return str(aside)


def _fold(path: Path) -> None:
    """Bring what a write-ahead log still holds into the file itself."""
    plain = sqlite3.connect(path, timeout=5)
    try:
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        plain.close()


def _put_rows(store: Store, work: _Work) -> _Put:
    """Copy the rows into PostgreSQL; tables that are there already go into a schema of their own.

    What is due is judged under the lock under which the tables are exchanged: nobody sends anything in between.
    """
    with store.translated(), store.backend.writing() as conn, conn.begin():
        now = bare.take(store, conn)
        known, aside = None, None
        if inspect(conn).has_table("meta"):
            _refuse_in_use(conn, now, reopen=work.reopen)
            known = _in_tables(conn, work)
            aside = _set_aside(conn, work.stamp)
        settled = _settle(work, now, known)
        schema.create(conn, {})
        with bare.snapshot(work.fresh) as source:
            copying.copy(source, conn)
            copying.compare(source, conn)
    return _Put(settled, known, aside)


def _in_tables(conn: Connection, work: _Work) -> aftermath.Aftermath | None:
    try:
        with bare.snapshot(work.fresh) as backup, conn.begin_nested():
            return aftermath.read(conn, backup, work.end)
    except (StoreUnavailable, Refused, *_UNREADABLE):
        return None


def _set_aside(conn: Connection, stamp: str) -> str:
    name = f"govpost_before_{stamp.lower().replace('-', '_')}"
    conn.execute(CreateSchema(name))
    for table in inspect(conn).get_table_names():
        if table in {each.name for each in schema.TABLES}:
            conn.execute(text(f'ALTER TABLE "{table}" SET SCHEMA "{name}"'))
    return f"the schema {name} of the same database"
