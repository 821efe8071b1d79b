"""Backups: one SQLite file with every row of one instant, whatever engine the store has, and the media beside it."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

import govpost
from govpost.errors import Refused, StoreUnavailable
from govpost.store import bare, chain, checking, copying, media, meta, restoring, schema
from govpost.store.checking import Examined
from govpost.store.copying import Progress, quiet
from govpost.store.engine import Store
from govpost.times import rfc3339

MEDIA = "media"
"""The folder beside a backup that holds the media its rows name."""


@dataclass(frozen=True, kw_only=True)
class Backup:
    """One backup: its file, the instant and the head of the chain it holds, and the media copied for it."""

    path: Path
    at: datetime
    head: str
    counts: dict[str, int]
    media: int
    copied: int
    missing: list[str]


def backup(
    store: Store,
    actor: str,
    place: Path,
    kept_media: Path,
    *,
    into_folder: bool,
    progress: Progress = quiet,
) -> Backup:
    """Write a backup to the file `place`, or a new file in that folder with the media beside it; verified.

    The store may be at work meanwhile. `Refused` where a file is already, for a store that was moved elsewhere, and
    when what was written is not whole.
    """
    if not bare.is_there(store):
        raise Refused(f"there is no store at {store.name} yet", "there is nothing to back up")
    _refuse_closed(store)
    now = store.clock()
    path = place / f"govpost-{now:%Y%m%dT%H%M%SZ}.db" if into_folder else place
    with _fresh(path) as temporary:
        counts = _write(store, temporary, progress)
        copy = at_file(temporary)
        try:
            head = _mark(copy, store.name, now)
            found = _see_that_it_is_whole(copy, counts)
            with bare.snapshot(copy) as conn:
                names = media.named(conn)
        finally:
            copy.close()
    with bare.alone(store, actor) as tx:
        tx.event("store.backup", "store", why=f"to {path}, up to event {head}")
    copied, missing = media.copy(names, kept_media, place / MEDIA) if into_folder else (0, [])
    return Backup(
        path=path, at=now, head=head, counts=found.counts, media=len(names), copied=copied, missing=missing
    )


def _refuse_closed(store: Store) -> None:
    with bare.snapshot(store) as conn:
        moved = meta.get(conn, schema.MOVED_KEY)
    if moved:
        raise Refused(
            f"this store was moved to {moved['to']} at {moved['at']}; a backup of it would lack all that came since",
            "set [store] database in config.toml to the new address",
        )


def at_file(path: Path, clock: Callable[[], datetime] | None = None) -> Store:
    """Open the store in a file of its own."""
    url = URL.create("sqlite", database=path.name)
    return Store(url.render_as_string(), path.parent, clock)


@contextmanager
def _fresh(path: Path) -> Iterator[Path]:
    """Give an empty private file that takes the name `path` only when all went well."""
    if path.exists():
        raise Refused(f"{path} is there already", "name a file that is not there yet, or a folder")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        yield temporary
        with temporary.open("rb") as done:
            os.fsync(done.fileno())
        _name(temporary, path)
    except OSError as error:
        raise StoreUnavailable(
            f"the backup cannot be written to {path}: {error.strerror}",
            "see that the disk has room and that this user may write there",
        ) from error
    finally:
        for rest in path.parent.glob(f"{temporary.name}*"):
            rest.unlink(missing_ok=True)


def _name(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)  # unlike a renaming, this never replaces what came meanwhile
    except FileExistsError:
        raise
    except OSError:
        temporary.rename(path)  # a disk without hard links


def _write(store: Store, path: Path, progress: Progress) -> dict[str, int] | None:
    """Fill an empty file with the store's rows; returns their numbers where the snapshot can be asked for them."""
    if store.path is not None:
        vacuum(store, path)
        return None
    copy = at_file(path)
    try:
        with bare.snapshot(store) as source:
            schema.check(source)
            with copy.translated(), copy.backend.writing() as target, target.begin():
                schema.create(target, {"journal": "delete"})
                counts = copying.copy(source, target, progress)
                copying.compare(source, target)
        return counts
    finally:
        copy.close()


def vacuum(store: Store, path: Path) -> None:
    """Copy an SQLite store as it is at one instant into an empty file."""
    with store.translated(), store.backend.engine.connect() as conn:
        raw = conn.connection.dbapi_connection
        if raw is not None:
            raw.execute("VACUUM INTO ?", (str(path),))
    plain = sqlite3.connect(path)
    try:
        plain.execute("PRAGMA journal_mode = DELETE")
    finally:
        plain.close()


def _mark(copy: Store, name: str, now: datetime) -> str:
    """Write into the copy what it is, and the freeze with which it wakes."""
    with bare.alone(copy, "backup") as tx:
        head = str(chain.head(tx.conn))
        mark: dict[str, Any] = {
            "at": rfc3339(now),
            "head": head,
            "of": name,
            "by": f"govpost {govpost.__version__}",
        }
        mark["frozen"] = meta.frozen(tx.conn)
        schema.put(tx.conn, restoring.MARK, mark)
        schema.put(tx.conn, "journal", "delete")
        schema.put(tx.conn, meta.FREEZE, restoring.frozen_at(now, "the backup"))
    return head


def _see_that_it_is_whole(copy: Store, counts: dict[str, int] | None) -> Examined:
    found = checking.examine(copy, None, closed=False)
    wrong = [each for each in found.findings if "govpost store upgrade" not in each.tip]
    if wrong:
        raise Refused(
            f"no backup was kept, since the copy is not whole: {wrong[0].what}",
            "govpost store check says what is wrong with the store itself",
        )
    if counts is not None:
        for name, number in counts.items():
            if name != "meta" and found.counts[name] != number:
                raise Refused(f"no backup was kept: rows of {name} are missing in the copy", "try again")
    return found
