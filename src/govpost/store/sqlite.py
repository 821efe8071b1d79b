"""SQLite: one file, one writer at a time. Every write is one `BEGIN IMMEDIATE` transaction with a full sync."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from govpost.errors import Refused, StoreUnavailable
from govpost.times import utcnow

WAL_IS_SAFE = (3, 51, 3)
"""Before this SQLite version, WAL with several connections can corrupt a database (sqlite.org/wal.html)."""


class Sqlite:
    """The store in one file; a lock of another program is waited for `busy` seconds."""

    several = False

    def __init__(self, url: URL, root: Path, busy: float) -> None:
        self.file = root / (url.database or "")
        self.path: Path | None = self.file
        self.folder = self.file.parent
        self.name = str(self.file)
        self.clock: Callable[[], datetime] = utcnow
        self._busy, self._turn = busy, threading.Lock()
        self.engine = _engine(url.set(database=str(self.file)), busy)

    def make(self) -> None:
        """Make the file, for its owner alone."""
        if self.file.exists():
            return
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            os.close(os.open(self.file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            return

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a connection whose transactions begin with the writers' lock."""
        # Who waits inside SQLite sleeps by a clock; who waits here is woken when it is his turn.
        mine = self._turn.acquire(timeout=self._busy)
        try:
            with self.engine.connect().execution_options(govpost_writes=True) as conn:
                yield conn
        finally:
            if mine:
                self._turn.release()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection that takes no lock before it reads."""
        with self.engine.connect() as conn:
            yield conn

    def begin(self, _conn: Connection, *, shared: bool) -> datetime:  # noqa: ARG002 - there is one writer
        """Return the time; `BEGIN IMMEDIATE` has taken the lock."""
        return self.clock()

    def facts(self, conn: Connection) -> dict[str, Any]:
        """Choose the journal that is safe with this SQLite."""
        mode = "wal" if sqlite3.sqlite_version_info >= WAL_IS_SAFE else "delete"
        raw = conn.connection.dbapi_connection
        if raw is not None:
            raw.execute(f"PRAGMA journal_mode = {mode}")
            raw.execute(f"PRAGMA synchronous = {_sync(mode)}")
        return {"journal": mode}

    def check(self, _conn: Connection, facts: Mapping[str, Any]) -> None:
        """Refuse a journal that this SQLite can corrupt."""
        if facts.get("journal") == "wal" and sqlite3.sqlite_version_info < WAL_IS_SAFE:
            raise Refused(
                f"the store is in WAL mode and SQLite {sqlite3.sqlite_version} can corrupt it",
                "use a Python with SQLite 3.51.3 or newer",
            )

    def wake(self, _conn: Connection) -> None:
        """Nobody is told: the one daemon looks by itself."""

    def was_away(self, _error: BaseException) -> bool:
        """Say so: the file may have been put back."""
        return True

    def unavailable(self, error: BaseException) -> StoreUnavailable | None:
        """Translate what a locked, full, read-only, broken or missing file makes SQLite say."""
        if isinstance(error, IntegrityError | ProgrammingError):
            return None
        if isinstance(error, OSError):
            return self._of_file(error)
        cause = error.__cause__ if isinstance(error, SQLAlchemyError) else None
        if isinstance(error, DBAPIError | DisconnectionError | PoolTimeout | sqlite3.Error) or isinstance(
            cause, sqlite3.Error
        ):
            # A connection opened on a read-only or broken disk stays so after the disk is mended.
            self.engine.dispose()
            return StoreUnavailable(_said(error), self._tip(error))
        return None

    def _of_file(self, error: OSError) -> StoreUnavailable | None:
        if error.filename is None or not self._is_ours(error.filename):
            return None
        self.engine.dispose()
        return StoreUnavailable(f"the store cannot be used: {error.strerror} ({self.file})", self._tip(error))

    def _is_ours(self, filename: str | bytes | int) -> bool:
        place = Path(os.fsdecode(filename)) if not isinstance(filename, int) else None
        return place is not None and self.folder in (place, place.parent)

    def _tip(self, error: BaseException) -> str:
        text = str(getattr(error, "orig", None) or error)
        tips = (
            (("locked",), "another program holds the database; wait for it or stop it, then try again"),
            (("full", "No space", "File too large"), "the disk is full: make room, then try again"),
            (
                ("readonly", "Permission", "Read-only"),
                f"make {self.file} and its folder writable for this user",
            ),
            (
                ("malformed", "not a database"),
                f"{self.file} is damaged: stop the daemon and restore a backup",
            ),
            (
                ("unable to open", "No such file"),
                f"see that {self.file} is there and that this user may read and write it",
            ),
        )
        for signs, tip in tips:
            if any(sign in text for sign in signs):
                return tip
        return "see that the database can be reached and written, then try again"


def _sync(mode: str) -> str:
    return "FULL" if mode == "wal" else "EXTRA"


def _engine(url: URL, busy: float) -> Engine:
    def connect() -> sqlite3.Connection:
        # Only `make` makes a database: one that was moved away must not come back empty.
        name = f"file:{quote(url.database or '')}?mode=rw"
        return sqlite3.connect(name, uri=True, timeout=busy, check_same_thread=False)

    engine = create_engine(url, creator=connect, pool_size=8, max_overflow=64, hide_parameters=True)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "checkout", partial(_on_checkout, Path(url.database or "")))
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_checkout(path: Path, _connection: sqlite3.Connection, record: Any, _proxy: object) -> None:
    """Give up a connection whose file is no longer the one under `path`, say after a restored backup."""
    try:
        about = path.stat()
    except OSError as error:
        raise DisconnectionError(f"unable to open database file: {error.strerror}") from error
    if record.info.setdefault("file", (about.st_dev, about.st_ino)) != (about.st_dev, about.st_ino):
        raise DisconnectionError("the database file was replaced")


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own transaction handling would open transactions late and deferred; we say BEGIN ourselves.
    connection.isolation_level = None
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    connection.execute(f"PRAGMA synchronous = {_sync(mode)}")
    connection.execute("PRAGMA foreign_keys = ON")


def _on_begin(conn: Connection) -> None:
    writes = conn.get_execution_options().get("govpost_writes", False)
    conn.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _said(error: BaseException) -> str:
    origin = getattr(error, "orig", None) or error.__cause__ or error
    said = str(origin).splitlines()[0] if str(origin) else type(origin).__name__
    return f"the store cannot be used: {said}"
