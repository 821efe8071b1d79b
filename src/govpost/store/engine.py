"""Opening the store: its engine, its tables, its transactions. A write transaction leaves its events or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from govpost.errors import Refused
from govpost.store import chain, schema, witness
from govpost.store.backend import Backend
from govpost.store.memory import Memory
from govpost.store.sqlite import Sqlite

BUSY_SECONDS = 10


@dataclass(kw_only=True)
class Tx:
    """One write transaction: its connection, its time, who acts, and the events it will leave behind.

    `several` says whether other daemons may be at work on the same store.
    """

    conn: Connection
    now: datetime
    actor: str
    config_hash: str
    several: bool = False
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
        # What is hashed must be what every engine can keep: PostgreSQL takes no NUL.
        why = why.replace("\0", "\ufffd")
        self.events.append(
            chain.Happening(verb, subject, old, new, why, known | {"config": self.config_hash[:16]})
        )


class Store:
    """The database of one workspace.

    `clock` gives the time of each transaction; without one it is the engine's own, which on PostgreSQL is the
    database's. `busy` is how many seconds a lock of another program is waited for. A database that cannot be used
    comes out as `StoreUnavailable`; an order that breaks the tables is our own fault.
    """

    def __init__(
        self,
        url: str,
        root: Path,
        clock: Callable[[], datetime] | None = None,
        *,
        busy: float = BUSY_SECONDS,
        password: str | None = None,
    ) -> None:
        self.backend = open_backend(url, root, busy, password)
        self._given = clock
        self.clock: Callable[[], datetime] = clock or self.backend.clock
        self.config_hash = ""
        self.memory = Memory()
        self._ready = False

    @property
    def folder(self) -> Path:
        """Return the folder where this machine keeps locks and the like."""
        return self.backend.folder

    @property
    def path(self) -> Path | None:
        """Return the SQLite file, None where the store is no file."""
        return self.backend.path

    @property
    def name(self) -> str:
        """Return what to call the store before people; it holds no password."""
        return self.backend.name

    @property
    def several(self) -> bool:
        """Say whether daemons on several machines may share the store."""
        return self.backend.several

    @contextmanager
    def write(self, actor: str, *, shared: bool = False) -> Iterator[Tx]:
        """Open a write transaction; it commits with its events at the end, or leaves nothing behind.

        One at a time; only those that are `shared` may run beside each other, where the engine can, and must lock
        the rows they meet in.
        """
        with self.translated():
            self._prepare()
            with self.backend.writing() as conn, conn.begin():
                now = self.backend.begin(conn, shared=shared)
                schema.refuse_moved(conn)
                tx = Tx(
                    conn=conn,
                    now=self._given() if self._given else now,
                    actor=actor,
                    config_hash=self.config_hash,
                    several=self.several,
                )
                yield tx
                head = self._record(tx, shared=shared)
            if head is not None:
                self.memory.saw(head, tx.now, {each.verb for each in tx.events})

    def _record(self, tx: Tx, *, shared: bool) -> chain.Head | None:
        if not tx.events:
            return None
        verbs = {each.verb for each in tx.events}
        head = chain.append(
            tx.conn, tx.now, tx.actor, tx.events, lambda head: self.memory.check(tx.conn, head, verbs)
        )
        if not shared or any(each.new == "queued" for each in tx.events):
            self.backend.wake(tx.conn)
        return head

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a read transaction; fetch everything, close, then use it."""
        with self.translated():
            self._prepare()
            with self.backend.reading() as conn, conn.begin():
                yield conn

    def close(self) -> None:
        """Give every connection back."""
        self.backend.engine.dispose()

    def _prepare(self) -> None:
        if self._ready:
            return
        if self.path is not None and not self.path.exists():
            witness.refuse_loss(self.folder, self.name)
        self.backend.make()
        with self.backend.engine.connect() as conn:
            there = inspect(conn).has_table("meta")
            if there:
                self._check(conn)
        if not there:
            self._create()
        self._ready = True

    def _create(self) -> None:
        witness.refuse_loss(self.folder, self.name)
        with self.backend.writing() as conn:
            facts = self.backend.facts(conn)
            conn.begin()
            self.backend.begin(conn, shared=False)
            if inspect(conn).has_table("meta"):
                self._check(conn)
                return
            self.backend.check(conn, facts)
            schema.create(conn, facts)
            conn.commit()

    def _check(self, conn: Connection) -> None:
        self.backend.check(conn, schema.check(conn))

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Let what keeps the store from being used come out as `StoreUnavailable`."""
        try:
            yield
        except Exception as error:
            trouble = self.backend.unavailable(error)
            if trouble is None:
                raise
            if self.backend.was_away(error):
                self.memory.doubt()
            raise trouble from error


def open_backend(url: str, root: Path, busy: float, password: str | None) -> Backend:
    """Return the engine that an address names; `Refused` for an address that names none."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is not None and parsed.drivername == "sqlite" and parsed.database and not parsed.query:
        return Sqlite(parsed, root, busy)
    if parsed is not None and parsed.drivername in ("postgresql", "postgresql+psycopg") and parsed.database:
        from govpost.store.postgres import Postgres

        return Postgres(parsed, root, busy, password)
    # The address may hold a password: it is not shown.
    raise Refused(
        "[store] database is not the address of an SQLite file or of a PostgreSQL database",
        'write for example database = "sqlite:///.govpost/govpost.db"'
        ' or "postgresql+psycopg://govpost@db.example.gov/govpost"',
    )
