"""Opening the store: files, journal, transactions. Every write is one `BEGIN IMMEDIATE` (SQLite) transaction."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import SQLModel

from govpost.errors import Refused, StoreUnavailable
from govpost.store import account_rows, chain, chain_rows, gathered_rows, rows
from govpost.store.chain_rows import HEAD
from govpost.store.rows import META, SCHEMA
from govpost.times import utcnow

BUSY_SECONDS = 10
WAL_IS_SAFE = (3, 51, 3)
"""Before this SQLite version, WAL with several connections can corrupt a database (sqlite.org/wal.html)."""


_TABLES = [*rows.TABLES, *chain_rows.TABLES, *account_rows.TABLES, *gathered_rows.TABLES]


@dataclass(kw_only=True)
class Tx:
    """One write transaction: its connection, its time, who acts, and the events it will leave behind."""

    conn: Connection
    now: datetime
    actor: str
    config_hash: str
    events: list[chain.Happening] = field(default_factory=list)

    def event(
        self,
        verb: str,
        subject: str,
        *,
        old: str | None = None,
        new: str | None = None,
        why: str = "",
        **detail: Any,
    ) -> None:
        """Note what happened; it joins the chain when the transaction ends."""
        known = {key: value for key, value in detail.items() if value is not None}
        self.events.append(
            chain.Happening(verb, subject, old, new, why, known | {"config": self.config_hash[:16]})
        )


class Store:
    """The database of one workspace.

    `clock` gives the time of each transaction; `busy` is how many seconds a lock of another program is waited for.
    A database that cannot be used comes out as `StoreUnavailable`; an order that breaks the tables is our own fault.
    """

    def __init__(
        self, url: str, root: Path, clock: Callable[[], datetime] = utcnow, *, busy: float = BUSY_SECONDS
    ) -> None:
        self.clock = clock
        self.config_hash = ""
        self._url = _located(url, root)
        self._engine = _engine(self._url, busy)
        self._ready = False

    @property
    def path(self) -> Path:
        """Return the SQLite file."""
        return Path(self._url.database or "")

    @contextmanager
    def write(self, actor: str) -> Iterator[Tx]:
        """Open a write transaction; it commits with its events at the end, or leaves nothing behind."""
        with self._translated():
            self._prepare()
            with self._engine.connect().execution_options(govpost_writes=True) as conn, conn.begin():
                tx = Tx(conn=conn, now=self.clock(), actor=actor, config_hash=self.config_hash)
                yield tx
                chain.append(conn, tx.now, tx.actor, tx.events)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a read transaction; fetch everything, close, then use it."""
        with self._translated():
            self._prepare()
            with self._engine.connect() as conn, conn.begin():
                yield conn

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()

    def _prepare(self) -> None:
        if self._ready:
            return
        _make_file(self.path)
        with self._engine.connect() as conn:
            there = inspect(conn).has_table("meta")
            if there:
                self._check_schema(conn)
        if not there:
            self._create()
        self._ready = True

    def _create(self) -> None:
        with self._engine.connect().execution_options(govpost_writes=True) as conn:
            journal = _choose_journal(conn)
            conn.begin()
            if inspect(conn).has_table("meta"):
                self._check_schema(conn)
                return
            SQLModel.metadata.create_all(conn, tables=_TABLES)
            conn.execute(
                insert(META), [{"key": "schema", "value": SCHEMA}, {"key": "journal", "value": journal}]
            )
            conn.execute(insert(HEAD), {"one": 1, "event_id": 0, "hash": chain.GENESIS})
            conn.commit()

    def _check_schema(self, conn: Connection) -> None:
        facts: Mapping[str, Any] = {
            row.key: row.value for row in conn.execute(select(META.c.key, META.c.value))
        }
        if facts.get("schema") != SCHEMA:
            raise Refused(
                f"the store has schema {facts.get('schema')}, this govpost needs {SCHEMA}",
                "use the govpost version that made it, or move its data to a new store",
            )
        if facts.get("journal") == "wal" and sqlite3.sqlite_version_info < WAL_IS_SAFE:
            raise Refused(
                f"the store is in WAL mode and SQLite {sqlite3.sqlite_version} can corrupt it",
                "use a Python with SQLite 3.51.3 or newer",
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (IntegrityError, ProgrammingError):
            raise
        except (DBAPIError, DisconnectionError, PoolTimeout, sqlite3.Error) as error:
            raise self._unavailable(_said(error), error) from error
        except SQLAlchemyError as error:
            if isinstance(error.__cause__, sqlite3.Error):
                raise self._unavailable(_said(error), error) from error
            raise
        except OSError as error:
            if error.filename is None or not _is_ours(error.filename, self.path):
                raise
            said = f"the store cannot be used: {error.strerror} ({self.path})"
            raise self._unavailable(said, error) from error

    def _unavailable(self, said: str, error: BaseException) -> StoreUnavailable:
        # A connection opened on a read-only or broken disk stays so after the disk is mended.
        self._engine.dispose()
        return StoreUnavailable(said, _tip(error, self.path))


def _located(url: str, root: Path) -> URL:
    """Return the address of the database file; `Refused` for anything but SQLite in a file."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.drivername != "sqlite" or not parsed.database or parsed.query:
        raise Refused(
            f"[store] database = {url!r} cannot be used: this version keeps its store in an SQLite file",
            'write for example database = "sqlite:///.govpost/govpost.db"',
        )
    return parsed.set(database=str(root / parsed.database))


def _is_ours(filename: str | bytes | int, path: Path) -> bool:
    place = Path(os.fsdecode(filename)) if not isinstance(filename, int) else None
    return place is not None and path.parent in (place, place.parent)


def _engine(url: URL, busy: float) -> Engine:
    def connect() -> sqlite3.Connection:
        # Only `_make_file` makes a database: one that was moved away must not come back empty.
        name = f"file:{quote(url.database or '')}?mode=rw"
        return sqlite3.connect(name, uri=True, timeout=busy, check_same_thread=False)

    engine = create_engine(url, creator=connect, pool_size=8, max_overflow=64)
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
    connection.execute(f"PRAGMA synchronous = {'FULL' if mode == 'wal' else 'EXTRA'}")
    connection.execute("PRAGMA foreign_keys = ON")


def _on_begin(conn: Connection) -> None:
    writes = conn.get_execution_options().get("govpost_writes", False)
    conn.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _choose_journal(conn: Connection) -> str:
    mode = "wal" if sqlite3.sqlite_version_info >= WAL_IS_SAFE else "delete"
    raw = conn.connection.dbapi_connection
    if raw is not None:
        raw.execute(f"PRAGMA journal_mode = {mode}")
        raw.execute(f"PRAGMA synchronous = {'FULL' if mode == 'wal' else 'EXTRA'}")
    return mode


def _make_file(path: Path) -> None:
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return


def _said(error: BaseException) -> str:
    origin = getattr(error, "orig", None) or error.__cause__ or error
    return (
        f"the store cannot be used: {str(origin).splitlines()[0] if str(origin) else type(origin).__name__}"
    )


def _tip(error: BaseException, path: Path | None) -> str:
    text = str(getattr(error, "orig", None) or error)
    if "locked" in text:
        return "another program holds the database; wait for it or stop it, then try again"
    if "full" in text or "No space" in text or "File too large" in text:
        return "the disk is full: make room, then try again"
    if "readonly" in text or "Permission" in text or "Read-only" in text:
        return f"make {path} and its folder writable for this user"
    if "malformed" in text or "not a database" in text:
        return f"{path} is damaged: stop the daemon and restore a backup"
    if "unable to open" in text or "No such file" in text:
        return f"see that {path} is there and that this user may read and write it"
    return "see that the database can be reached and written, then try again"
