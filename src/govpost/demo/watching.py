"""Running the daemon while somebody watches: a progress bar on a terminal, one line an outcome elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from govpost.daemon.loop import Daemon
from govpost.domain import Event
from govpost.store import chain, deliveries, posts
from govpost.workspace import Workspace

SAID = {
    "delivery.live": "is live",
    "delivery.uncertain": "is UNCERTAIN",
    "delivery.failed": "failed",
    "delivery.queued": "will be tried again",
}


class Watcher:
    """Says what comes of each delivery as it happens."""

    def __init__(self, space: Workspace, say: Callable[[str], None]) -> None:
        self.space = space
        self.say = say
        self.seen = self._head()
        self.bar: Any = None
        self.task: Any = None

    def run(self) -> None:
        """Run the daemon until it is idle."""
        daemon = Daemon(self.space, mode="until-idle", progress=self.look)
        if not sys.stderr.isatty():
            daemon.run()
            self.look()
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
        with Progress(*columns, console=Console(stderr=True), transient=True) as self.bar:
            self.task = self.bar.add_task("publishing", total=self._due())
            daemon.run()
            self.look()

    def look(self) -> None:
        """Say what happened since the last look."""
        with self.space.store.read() as conn:
            events = chain.find(conn, after_id=self.seen)
            lines = [line for event in events if (line := self._line(conn, event)) is not None]
        self.seen = events[-1].id if events else self.seen
        for line in lines:
            if self.bar:
                self.bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
            else:
                self.say(line)
        if self.bar:
            done = sum(
                event.verb in ("delivery.live", "delivery.uncertain", "delivery.failed") for event in events
            )
            self.bar.advance(self.task, done)

    def _line(self, conn: Any, event: Event) -> str | None:
        outcome = SAID.get(event.verb)
        if outcome is None or (event.verb == "delivery.queued" and event.old != "publishing"):
            return None
        row = deliveries.get(conn, event.subject.partition(":")[2])
        part = f" part {row.part}" if row.parts > 1 else ""
        more = row.url if event.verb == "delivery.live" else event.why
        return f"  {posts.by_id(conn, row.post_id).slug}{part} on {row.channel} {outcome}: {more}"

    def _head(self) -> int:
        with self.space.store.read() as conn:
            return chain.head(conn).event_id

    def _due(self) -> int:
        with self.space.store.read() as conn:
            now = self.space.store.clock()
            return sum(row.due <= now for row in deliveries.in_state(conn, "queued"))
