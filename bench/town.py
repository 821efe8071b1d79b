"""A workspace with as many approved posts as a measurement wants.

One post is written, checked, approved and planned the way people do it; its rows are then copied with other names and
times. So every copy is exactly as approved as the first, and the gate lets it through.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update

from govpost import content, people, pilots
from govpost.editorial import intake, reviewing
from govpost.store.engine import Tx
from govpost.store.rows import APPROVAL, DELIVERY, POST, VERSION
from govpost.times import uuid7
from govpost.workspace import Workspace, open_workspace

HEAD = """
[agency]
name = "City of Riverton"
homepage = "https://riverton.example.gov/"
timezone = "America/Chicago"
[store]
database = "{database}"
[security]
impersonation = true
[strategy]
mission = "Riverton tells residents what they need, in time."
main_channel = "c0"
[strategy.goals.services]
statement = "Residents find city services"
serves = "what they need"
mode = "serve"
metric = "visits"
baseline = 1
target = 2
[strategy.audiences.residents]
description = "People living in Riverton"
scope = "external"
evidence = "census"
[people.ana]
name = "Ana Ruiz"
login = "ana"
roles = ["author"]
[people.ben]
name = "Ben Cole"
login = "ben"
roles = ["reviewer", "publisher", "admin"]
"""

CHANNEL = """
[channels.{name}]
platform = "webhook"
threads = {threads}
settings = {{ url = "{address}/{name}" }}
[channels.{name}.rate]
{rate}
[channels.{name}.pilot]
question = "Does it help?"
goal = "services"
audience = "residents"
evidence = "survey"
why_here = "they are here"
metric = "visits"
baseline = 1
target = 2
owner = "ben"
deputy = "ana"
ends = "400d"
caps = {{ posts = 1000 }}
"""

NOTICE = """---
title: {title}
author: ana
goal: services
audience: residents
channels: [{channels}]
link: https://riverton.example.gov/{slug}
{more}---
{body}
"""

BATCH = 5_000
UNSENT: dict[str, Any] = {
    **dict.fromkeys(
        ("gate_at", "first_sent", "live_at", "remote_id", "url", "receipt", "lease_owner", "lease_until")
    ),
    "state": "queued",
    "reason": "",
    "tries": 0,
    "attempts": 0,
}


@dataclass
class Town:
    """An agency at work on channels c0, c1 …, all of them permanent."""

    space: Workspace
    channels: Sequence[str]

    @property
    def root(self) -> Path:
        """Return the folder of the workspace."""
        return self.space.root

    def write(self, slug: str, more: str = "", body: str = "", only: Sequence[str] = ()) -> Path:
        """Write a draft, for all channels or for some."""
        path = self.root / "content" / f"{slug}.md"
        path.parent.mkdir(exist_ok=True)
        words = body or f"What residents should know about {slug}, in the words of the city."
        title = slug.replace("-", " ").title()
        names = ", ".join(only or self.channels)
        path.write_text(NOTICE.format(title=title, channels=names, slug=slug, more=more, body=words))
        return path

    def release(self, slug: str, more: str = "") -> str:
        """Write, take in and approve a post; returns its id."""
        return self.approver(self.write(slug, more))()

    def approver(self, path: Path) -> Callable[[], str]:
        """Take a draft in; return the act of approving it, which plans it and returns its id."""
        draft = content.load(path, self.space.config)
        desk, who = self.space.desk(), self.space.config
        taken = intake.take_in(self.space.store, desk, people.who(who, "ana"), draft, submit=True)
        if taken.post is None:
            raise SystemExit(f"the example post is blocked: {taken.checked.findings}")
        ben = people.who(who, "ben")
        return lambda: reviewing.approve(self.space.store, desk, ben, draft.slug).post.id

    def copy(
        self,
        post_id: str,
        dues: Iterable[datetime],
        name: str = "copy",
        *,
        post_state: str = "scheduled",
        only: str | None = None,
        **values: Any,
    ) -> int:
        """Copy a released post once for each time, due then on every channel; returns how many deliveries that made.

        `only` names one channel to copy for; `values` replace columns of the deliveries.
        """
        with self.space.store.write("bench") as tx:
            made = _Copies(tx, post_id, {"state": post_state}, values)
            made.deliveries = [row for row in made.deliveries if only in (None, row["channel"])]
            for number, due in enumerate(dues):
                made.add(f"{name}-{number}", due)
            made.flush()
            # As planning would: by its event a daemon that rests knows that something happened.
            tx.event("bench.copy", f"post:{post_id}", new="queued", why=f"{made.count} deliveries")
        return made.count

    def change(self, *tests: Any, **values: Any) -> None:
        """Change deliveries directly."""
        with self.space.store.write("bench") as tx:
            tx.conn.execute(update(DELIVERY).where(*tests).values(**values))

    def sent(self) -> list[Any]:
        """Return the id and the time of all that is live."""
        return self.rows(DELIVERY.c.id, DELIVERY.c.due, where=[DELIVERY.c.state == "live"])

    def rows(self, *columns: Any, where: Sequence[Any] = ()) -> list[Any]:
        """Read deliveries."""
        with self.space.store.read() as conn:
            return list(conn.execute(select(*columns).where(*where)))


class _Copies:
    def __init__(self, tx: Tx, post_id: str, about: dict[str, Any], values: dict[str, Any]) -> None:
        self.tx, self.count = tx, 0
        self.post = dict(tx.conn.execute(select(POST).where(POST.c.id == post_id)).mappings().one()) | about
        self.version, self.approval = (
            dict(tx.conn.execute(select(table).where(table.c.post_id == post_id)).mappings().one())
            for table in (VERSION, APPROVAL)
        )
        self.approval.pop("id")
        found = tx.conn.execute(select(DELIVERY).where(DELIVERY.c.post_id == post_id)).mappings()
        self.deliveries = [dict(row) | UNSENT | values for row in found]
        self.tables = (POST, VERSION, APPROVAL, DELIVERY)
        self.rows: list[list[dict[str, Any]]] = [[] for _ in self.tables]

    def add(self, slug: str, due: datetime) -> None:
        own = uuid7(self.tx.now)
        posts, versions, approvals, deliveries = self.rows
        posts.append(self.post | {"id": own, "slug": slug})
        versions.append(self.version | {"post_id": own})
        approvals.append(self.approval | {"post_id": own})
        for row in self.deliveries:
            deliveries.append(row | {"id": uuid7(self.tx.now), "post_id": own, "slot": due, "due": due})
        self.count += len(self.deliveries)
        if len(posts) >= BATCH:
            self.flush()

    def flush(self) -> None:
        for table, rows in zip(self.tables, self.rows, strict=True):
            if rows:
                self.tx.conn.execute(insert(table), rows)
            rows.clear()


def town(
    root: Path,
    address: str,
    *,
    channels: int = 2,
    threads: int = 2,
    rate: str = 'windows = ["always"]',
    database: str = "sqlite:///.govpost/govpost.db",
    wal: bool = False,
) -> Town:
    """Make a workspace whose channels post to `address`; `wal` is for measuring only, see docs/performance.md."""
    names = [f"c{number}" for number in range(channels)]
    tables = [HEAD.format(database=database)]
    tables += [CHANNEL.format(name=name, threads=threads, address=address, rate=rate) for name in names]
    root.mkdir(parents=True, exist_ok=True)
    (root / "config.toml").write_text("\n".join(tables))
    made = Town(open_workspace(root), names)
    ben = people.who(made.space.config, "ben")
    for name in names:
        pilots.start(made.space.store, made.space.config, ben, name)
        pilots.graduate(made.space.store, made.space.config, ben, name, "for good")
    if wal:
        made.space.store.close()
        with sqlite3.connect(root / ".govpost" / "govpost.db") as raw:
            raw.execute("PRAGMA journal_mode = WAL")
    return made
