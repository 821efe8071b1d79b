"""One call of the command line: which workspace, who acts, what is loaded so far. Everything comes late."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from govpost.config import Config
    from govpost.editorial.intake import Desk
    from govpost.people import Actor
    from govpost.store.engine import Store
    from govpost.workspace import Bench, Workspace


@dataclass
class Session:
    """What the options of the line said, and what was opened for it."""

    root: Path = field(default_factory=Path)
    impersonate: str | None = None
    as_json: bool = False
    _opened: Workspace | None = None

    @property
    def workspace(self) -> Workspace:
        """Open the workspace; UsageFault where there is none, Mistakes where its config.toml is wrong."""
        if self._opened is None:
            from govpost.workspace import open_workspace

            self._opened = open_workspace(self.root.resolve())
        return self._opened

    def fall_back(self) -> str | None:
        """Open the workspace even while config.toml is wrong, by the config last taken over; returns what is wrong."""
        from govpost import config as config_module
        from govpost.cli import out
        from govpost.errors import Mistakes
        from govpost.workspace import open_workspace

        try:
            self.workspace  # noqa: B018 - opening it is what is tried
        except Mistakes as wrong:
            last = config_module.load_last(self.root.resolve())
            if last is None:
                raise
            self._opened = open_workspace(self.root.resolve(), config=last)
            first = wrong.message.splitlines()[0]
            out.say(
                f"govpost: going on with the config last taken over, since config.toml is wrong: {first}",
                err=True,
            )
            return first
        return None

    @property
    def config(self) -> Config:
        """Return the checked config.toml."""
        return self.workspace.config

    @property
    def store(self) -> Store:
        """Return the store, without asking who it is for."""
        return self.workspace.store

    @property
    def now(self) -> datetime:
        """Return the present instant, as the store sees it."""
        return self.store.clock()

    @cached_property
    def reader(self) -> Actor:
        """Say who acts; nothing is written."""
        from govpost.people import who

        return who(self.config, self.impersonate)

    @cached_property
    def actor(self) -> Actor:
        """Say who acts, for a command that writes.

        First a store that was put back is made safe, and a config.toml that was edited is recorded.
        """
        if self.reader.known:
            self._settle(self.reader.id)
            self._note_config(self.reader.id)
        return self.reader

    def _settle(self, person: str) -> None:
        from govpost.cli import out
        from govpost.store import restoring, witness

        settled = restoring.settle(self.store, person, witness.read(self.store.folder))
        if settled is not None:
            with suppress(OSError):
                restoring.bear_witness(self.store)
            out.say(f"govpost: everything is frozen: {restoring.reason(settled.at)}", err=True)

    def _note_config(self, person: str) -> None:
        from govpost import config_watch
        from govpost.store import meta

        with self.store.read() as conn:
            seen = meta.get(conn, config_watch.SEEN) or {}
        if seen.get("hash") != self.config.hash:
            with self.store.write(person) as tx:
                config_watch.note(tx, self.config)

    @cached_property
    def bench(self) -> Bench:
        """Load the plugins."""
        return self.workspace.bench()

    @cached_property
    def desk(self) -> Desk:
        """Return what editors work with."""
        return self.workspace.desk(self.bench)

    def path(self, name: str) -> Path:
        """Find a file that the line names: in the workspace, else from where the command was called."""
        from govpost.errors import UsageFault

        inside, here = self.workspace.root / name, Path(name)
        try:
            return inside if inside.exists() or here.is_absolute() or not here.exists() else here.resolve()
        except OSError as error:
            raise UsageFault(
                f"{name[:60]} cannot be read: {error.strerror}", "name a post's file or folder"
            ) from None

    def today(self, zone: str | None = None) -> datetime:
        """Return the start of the present day in a zone, without it the agency's."""
        from govpost.times import zone as zone_of

        local = self.now.astimezone(zone_of(zone or self.config.agency.timezone))
        return local.replace(hour=0, minute=0, second=0, microsecond=0)

    def close(self) -> None:
        """Give the store back."""
        if self._opened is not None:
            self._opened.store.close()


def instant(session: Session, text: str, option: str, zone: str | None = None) -> datetime:
    """Read a time: RFC 3339, or a wall clock in `zone` (without it, the agency's); a date is its midnight."""
    from govpost.errors import UsageFault
    from govpost.times import moment_of_wall

    try:
        found = datetime.fromisoformat(text.strip())
        return found if found.tzinfo else moment_of_wall(found, zone or session.config.agency.timezone).utc
    except ValueError as error:
        said = (
            str(error)
            if "does not exist" in str(error) or "edge" in str(error)
            else f"{text!r} is not a time"
        )
        raise UsageFault(
            f"{option}: {said}", "write for example '2026-11-27 08:00', or 2026-11-27T08:00:00-06:00"
        ) from None


def span(text: str, option: str) -> timedelta:
    """Read a duration from the line."""
    from govpost.errors import UsageFault
    from govpost.times import duration

    try:
        return duration(text)
    except ValueError as error:
        raise UsageFault(f"{option}: {error}", "write for example 90m, 2h or 7d") from None


pass_session: Callable[[Callable[..., Any]], Callable[..., Any]] = click.pass_obj
"""Give a command its `Session` as the first argument."""
