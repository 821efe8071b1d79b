"""All that an act can reach, and the patience of the people who act."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import func, select

from chaos.clock import Offsets
from chaos.database import Database
from chaos.disk import Disk
from chaos.ledger import Ledger
from chaos.processes import Daemons
from chaos.town import Town
from govpost.daemon import peers
from govpost.errors import GovpostError, Refused, StoreUnavailable
from govpost.store import meta
from govpost.store.chain_rows import EVENT


@dataclass
class World:
    """All that an act can reach."""

    town: Town
    daemons: Daemons
    ledger: Ledger
    offsets: Offsets
    done: Counter[str] = field(default_factory=Counter)
    disk: Disk | None = None
    database: Database | None = None
    skipped: dict[str, str] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)
    story: list[tuple[float, str, float]] = field(default_factory=list)
    """When each act began and how long it took, in seconds."""
    began: float = field(default_factory=time.monotonic)

    def events(self, verb: str) -> int:
        """Count what happened so far."""
        try:
            with self.town.space.store.read() as conn:
                return int(conn.execute(select(func.count()).where(EVENT.c.verb == verb)).scalar_one())
        except StoreUnavailable:
            return 0

    def watched(self) -> bool:
        """Say whether a daemon that lives is at work."""
        try:
            with self.town.space.store.read() as conn:
                working = {row.pid for row in meta.daemons(conn) if row.state == peers.RUNNING}
        except StoreUnavailable:
            return False
        self.daemons.keep()
        return bool(working & set(self.daemons.alive.values()))

    def insist(self, work: Callable[[], object]) -> bool:
        """Do what a person does: try again when the store is busy. False when it was refused."""
        for _ in range(100):
            try:
                work()
            except Refused:
                return False
            except GovpostError:
                time.sleep(0.1)
            else:
                return True
        return False
