"""Telling others what happened: every event to the plugins, those that need a person to `[notify] command`."""

from __future__ import annotations

import json
import logging
import subprocess
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from govpost.daemon.leases import Lease
from govpost.domain import Event
from govpost.errors import Refused, StoreUnavailable
from govpost.registry import Registry
from govpost.store import chain, meta
from govpost.store.engine import Store
from govpost.times import rfc3339

TOLD = "told"
NEEDS_A_PERSON = frozenset(
    {
        "delivery.uncertain",
        "delivery.failed",
        "delivery.missed",
        "delivery.duplicate",
        "delivery.late-receipt",
        "delivery.gone",
        "channel.gathering-fails",
        "channel.pause",
        "pilot.cap",
        "pilot.suspended",
        "daemon.clock",
    }
)
_AT_ONCE = 200
_COMMAND_SECONDS = 30
_STOP_SECONDS = 5.0
_LEASE = timedelta(seconds=90)

log = logging.getLogger("govpost.notices")


def as_json(event: Event) -> dict[str, Any]:
    """Return an event as scripts see it."""
    fields = {
        name: getattr(event, name) for name in ("id", "actor", "verb", "subject", "old", "new", "why", "hash")
    }
    return fields | {"at": rfc3339(event.at), "detail": dict(event.detail)}


class Teller:
    """Reads on from where it stopped and tells each event once more at most after a crash, never less."""

    def __init__(self, store: Store, registry: Registry, command: Sequence[str], owner: str = "") -> None:
        self.store = store
        self.registry = registry
        self.command = tuple(command)
        self.lease = Lease(store, "telling", owner, _LEASE)
        self._bell = threading.Event()
        self._stop = self._cut = False
        self._told = 0
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    def start(self) -> None:
        """Begin telling, on a thread of its own."""
        self._thread.start()

    def ring(self) -> None:
        """Say that there may be something to tell."""
        self._bell.set()

    def stop(self, seconds: float = _STOP_SECONDS) -> bool:
        """Tell what is left and end; False when a listener does not return within some seconds."""
        self._stop = True
        self._bell.set()
        if self._thread.is_alive():
            self._thread.join(seconds)
        self._cut = True
        return not self._thread.is_alive()

    def tell(self) -> int:
        """Tell what has not been told yet, unless another daemon is at it; returns how many events that were."""
        events = self._untold()
        if not (events or self._told) or not self.lease.hold():
            return 0
        if self.store.several:
            events = self._untold()
        for event in events:
            # Asked each time: whoever was stopped for long is no longer the one who tells.
            if self._cut or not self.lease.is_held():
                break
            self.registry.broadcast(event, _listener_failed)
            if event.verb in NEEDS_A_PERSON:
                log.warning("%s %s: %s", event.verb, event.subject, event.why)
                self._run_command(event)
            # Kept here too: while the store takes no cursor, nobody is told the same again and again.
            self._told = event.id
        if self._told or self.store.several:
            with self.store.write("daemon") as tx:
                meta.put(tx.conn, TOLD, max(self._told, _cursor(tx.conn)))
                self.lease.give_back(tx)
            self._told = 0
        return len(events)

    def _untold(self) -> list[Event]:
        with self.store.read() as conn:
            return chain.find(conn, after_id=max(_cursor(conn), self._told), limit=_AT_ONCE)

    def _run(self) -> None:
        last = False
        while not last:
            self._bell.wait()
            self._bell.clear()
            last = self._stop
            try:
                while not self._cut and self.tell() == _AT_ONCE:
                    pass
            except (StoreUnavailable, Refused) as error:
                # A store that was moved away refuses too; the loop says so, once.
                log.debug("events wait to be told: %s", error.message)
            except Exception:
                log.exception("a fault of govpost's own while telling events")

    def _run_command(self, event: Event) -> None:
        if not self.command:
            return
        payload = json.dumps(as_json(event))
        try:
            subprocess.run(  # noqa: S603 - the command comes from config.toml, whose writers are trusted
                self.command,
                input=payload,
                text=True,
                timeout=_COMMAND_SECONDS,
                check=True,
                capture_output=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            log.error("[notify] command failed for event %s: %s", event.id, error)


def _cursor(conn: Connection) -> int:
    return int(meta.get(conn, TOLD) or 0)


def _listener_failed(plugin: str, error: BaseException) -> None:
    log.error("plugin %s failed to hear an event: %s: %s", plugin, type(error).__name__, error)
