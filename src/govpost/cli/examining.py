"""The single checks of `govpost doctor`."""

from __future__ import annotations

import platform
import sqlite3
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import govpost
from govpost import rotating, vault
from govpost.cli import lasting, out, pulse
from govpost.cli.context import Session
from govpost.daemon import peers
from govpost.errors import GovpostError
from govpost.sealing import Sealer, again
from govpost.states import Role
from govpost.store import meta

_OTHERS = 0o077
OLDEST = (3, 11)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at; `ok` None is only a note."""

    check: str
    ok: bool | None
    detail: str
    tip: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it for scripts."""
        return {"check": self.check, "ok": self.ok, "detail": self.detail, "tip": self.tip}


def examine(session: Session) -> Iterator[Check]:
    """Look at everything, one after the other."""
    config = session.config
    yield Check(check="govpost", ok=True, detail=govpost.__version__)
    yield Check(
        check="Python",
        ok=sys.version_info >= OLDEST,
        detail=platform.python_version(),
        tip="3.11 or newer is needed",
    )
    yield Check(check="config.toml", ok=True, detail=f"{config.path}, {config.hash[:12]}")
    yield from _store(session)
    yield from _folder(session)
    yield from _shared(session)
    yield from _plugins(session)
    yield from _secrets(session)
    yield from _vault(session)
    yield from _zones(session)
    yield from _people(session)
    yield from _daemon(session)


def _store(session: Session) -> Iterator[Check]:
    try:
        with session.store.read() as conn:
            journal = meta.get(conn, "journal")
        with session.store.write(session.reader.id):
            pass
    except GovpostError as error:
        yield Check(check="store", ok=False, detail=error.message, tip=error.tip)
        return
    engine = f"SQLite {sqlite3.sqlite_version}, journal {journal}" if journal else session.store.name
    detail = f"{engine}; it can be read and written"
    yield Check(check="store", ok=True, detail=detail)


def _folder(session: Session) -> Iterator[Check]:
    for place in (session.store.folder, session.store.path):
        if place is not None and place.exists():
            mode = stat.S_IMODE(place.stat().st_mode)
            tip = f"chmod go-rwx {place}"
            yield Check(
                check="permissions",
                ok=not mode & _OTHERS,
                detail=f"{place.name} has mode {mode:04o}",
                tip=tip,
            )


def _shared(session: Session) -> Iterator[Check]:
    """Note what would be each machine's own, where several may work on the store."""
    try:
        if not session.store.several:
            return
    except GovpostError:
        return  # the check of the store says why
    config = session.config
    places: dict[str, object] = {"[store] media": config.store.media}
    places |= {
        f"[channels.{name}] folder": each.settings.get("folder") for name, each in config.channels.items()
    }
    for name, place in places.items():
        if place and not Path(str(place)).is_absolute():
            detail = (
                f"{name} lies in this workspace; if several machines work, name one that all of them share"
            )
            yield Check(check="shared", ok=None, detail=detail)
    if config.security.vault_key is None:
        detail = "[security] vault_key is not set; if several machines work, all of them need the same key"
        yield Check(check="shared", ok=None, detail=detail)


def _plugins(session: Session) -> Iterator[Check]:
    try:
        bench = session.bench
    except GovpostError as error:
        yield Check(check="channels", ok=False, detail=" ".join(error.message.split("\n")), tip=error.tip)
        return
    for plugin in bench.registry.plugins:
        detail = f"{plugin.name} is {plugin.state}" + (f": {plugin.reason}" if plugin.reason else "")
        ok = {"loaded": True, "failed": False}.get(plugin.state)
        yield Check(check="plugin", ok=ok, detail=detail, tip=f"mend {plugin.source}, or take it away")
    off = {plugin.name for plugin in bench.registry.plugins if plugin.state == "disabled"}
    for name, why in bench.missing.items():
        by_order = session.config.channels[name].platform in off
        yield Check(
            check="channel",
            ok=None if by_order else False,
            detail=f"{name} cannot publish: {why}",
            tip="govpost plugin list shows the platforms",
        )


def _secrets(session: Session) -> Iterator[Check]:
    for name, reference in sorted(session.config.references().items()):
        try:
            vault.resolve(reference, session.workspace.root)
        except GovpostError as error:
            detail = f"{name} cannot be resolved here: {error.message}"
            yield Check(check="secret", ok=False, detail=detail, tip=error.tip)
            continue
        group = vault.read_by_group(reference, session.workspace.root)
        yield Check(check="secret", ok=True, detail=f"{name} can be resolved")
        if group:
            detail = (
                f"{name}: the whole group of {group} can read or change it; mode 0600 keeps it to one account"
            )
            yield Check(check="secret", ok=None, detail=detail)


def _vault(session: Session) -> Iterator[Check]:
    """Look whether the stored secrets can be opened, and how long they last."""
    sealer = Sealer(root=session.config.root, reference=session.config.security.vault_key)
    try:
        keys, found = rotating.kept(session.store, sealer)
        with session.store.read() as conn:
            expiries = lasting.expiries(session, conn)
    except GovpostError as error:
        yield Check(check="stored secrets", ok=False, detail=error.message, tip=error.tip)
        return
    for name in (each.row.channel for each in found if not each.key):
        detail = f"no key opens those of {name}"
        yield Check(check="stored secrets", ok=False, detail=detail, tip=again(name))
    if keys:
        older = sum(each.key > 1 for each in found)
        counts = f"{out.counted(keys, 'key')}, {out.counted(len(found), 'channel')}"
        detail = counts + (f", {older} under an older key" if older else "")
        yield Check(check="stored secrets", ok=True, detail=detail)
    for each in expiries:
        detail = f"{each.ending.channel}: {each.words(session.config.agency.timezone)}"
        yield Check(check="log-in", ok=False if each.pressing else None, detail=detail, tip=each.command)


def _zones(session: Session) -> Iterator[Check]:
    config = session.config
    names = sorted({config.agency.timezone, *(config.zone(name) for name in config.channels)})
    yield Check(
        check="time zones",
        ok=True,
        detail=f"data for {', '.join(names)}; now {session.now.astimezone():%Y-%m-%d %H:%M %Z}",
    )


def _people(session: Session) -> Iterator[Check]:
    people = session.config.people
    authors = [name for name, person in people.items() if Role.AUTHOR in person.roles]
    others = [name for name, person in people.items() if Role.REVIEWER in person.roles]
    ok = any(author != other for author in authors for other in others)
    detail = f"{len(people)} in config.toml; " + (
        "a second person can approve" if ok else "nobody can approve what another wrote"
    )
    yield Check(
        check="people", ok=ok, detail=detail, tip="add a second person with the role reviewer to config.toml"
    )
    try:
        actor = session.reader
    except GovpostError as error:
        yield Check(check="you", ok=False, detail=error.message, tip=error.tip)
        return
    roles = ", ".join(sorted(actor.roles)) or "none"
    detail = (
        f"{actor.name} ({actor.id}), roles: {roles}"
        if actor.known
        else f"{actor.id} is nobody in config.toml and may only read"
    )
    yield Check(check="you", ok=True if actor.known else None, detail=detail)


def _daemon(session: Session) -> Iterator[Check]:
    try:
        with session.store.read() as conn:
            beat = pulse.pulse(conn, session.store)
    except GovpostError:
        return
    yield Check(check="daemon", ok=True if beat.running else None, detail=beat.words)
    for row in peers.alive(beat.daemons, beat.now):
        detail = f"{row.host} (process {row.pid}), version {row.version}: {row.why or row.state}"
        yield Check(check="daemon", ok=None if row.why else True, detail=detail)
    for name in pulse.unserved(beat, session.config.channels):
        detail = f"{name}: no daemon at work has what it takes to send there"
        yield Check(check="channel", ok=False, detail=detail, tip="give one of their machines its secrets")
