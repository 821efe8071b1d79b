"""What an engine of the store has to bring: its connections, its transactions, its clock, its troubles in our words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine

from govpost.errors import StoreUnavailable


class Backend(Protocol):
    """One engine of the store.

    `several` says whether daemons on several machines may share it; `path` is its file, if it is one; `folder` is where
    this machine keeps locks for it; `name` is what to call it before people, never with a password; `clock` gives the
    time that leases are judged by.
    """

    several: bool
    path: Path | None
    folder: Path
    name: str
    engine: Engine

    @property
    def clock(self) -> Callable[[], datetime]:
        """Return the clock."""

    def make(self) -> None:
        """Make an empty place for the store where that is ours to make."""

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a connection on which the tables may be made."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a connection whose transaction sees the store as it was at its first look."""

    def begin(self, conn: Connection, *, shared: bool) -> datetime:
        """Take the writers' lock of the transaction that has begun; return its time."""

    def facts(self, conn: Connection) -> dict[str, Any]:
        """Settle how a fresh store works, before its tables are made; what is to be remembered of that."""

    def check(self, conn: Connection, facts: Mapping[str, Any]) -> None:
        """Refuse a store that this program cannot use safely; `facts` are those it was made with."""

    def wake(self, conn: Connection) -> None:
        """Tell other processes, when the transaction commits, that there may be work."""

    def was_away(self, error: BaseException) -> bool:
        """Say whether after this error another copy of the store may answer."""

    def unavailable(self, error: BaseException) -> StoreUnavailable | None:
        """Say of an error that the store cannot be used now; None when it is a fault of our own."""
