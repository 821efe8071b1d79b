"""`govpost store`: upgrade, check, back up, restore and move the database and the media."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govpost.cli import out, telling_store
from govpost.cli.context import Session, pass_session
from govpost.cli.frame import Noun

if TYPE_CHECKING:
    from govpost.store.engine import Store


@click.group("store", cls=Noun)
def command() -> None:
    """The store: where everything that must not be lost is kept."""


def _media(session: Session) -> Path:
    return session.workspace.root / session.config.store.media


def _admin(session: Session, to: str) -> str:
    """Return who acts, an admin; without a look into the store, which may be of an older schema or broken."""
    from govpost.states import Role

    session.reader.need(Role.ADMIN, to=to)
    return session.reader.id


@contextmanager
def _no_daemon(store: Store) -> Iterator[None]:
    """Hold the daemon's lock of a store in a file, so that none runs and none starts."""
    from govpost.daemon.lock import Lock
    from govpost.errors import Refused

    if store.several:
        yield
        return
    lock = Lock(store.folder)
    try:
        lock.take()
    except OSError as error:
        raise Refused(f"the store's lock cannot be taken: {error}", "try again in a moment") from error
    try:
        yield
    finally:
        lock.free()


@command.command(
    "upgrade",
    epilog="govpost store upgrade --dry-run\ngovpost store upgrade\ngovpost store upgrade --stop-old",
)
@click.option("--dry-run", is_flag=True, help="Try it all, say what it would do, and take it back.")
@click.option(
    "--stop-old", is_flag=True, help="Tell daemons of an older govpost to claim nothing more, and wait."
)
@pass_session
def upgrade(session: Session, dry_run: bool, stop_old: bool) -> None:
    """Bring the store's tables to the schema of this govpost: all of it, or nothing."""
    from govpost.store import upgrading

    actor = _admin(session, "upgrade the store")
    with _no_daemon(session.store):
        done = upgrading.upgrade(session.store, actor, dry_run=dry_run, stop_old=stop_old)
    if session.as_json:
        out.document(asdict(done))
        return
    for step in done.steps:
        out.say(f"schema {step.number}: {step.about}")
    if not done.steps:
        out.say(f"the store has schema {done.old}, the newest; nothing is to be done")
    elif dry_run:
        out.say(f"it would lead from schema {done.old} to {done.new}; nothing was changed")
    else:
        out.say(f"the store was upgraded from schema {done.old} to {done.new}")


@command.command(
    "check",
    epilog="govpost store check\ngovpost store check /var/backups/govpost/\n"
    "govpost store check /var/backups/govpost/govpost-20261127T060000Z.db",
)
@click.argument("place", metavar="[FILE|FOLDER]", required=False, type=click.Path(path_type=Path))
@pass_session
def check(session: Session, place: Path | None) -> int:
    """Look whether the store, or a backup, is whole: file, tables, event chain, states, media. Exits 1 if not.

    Of a folder, the newest backup in it.
    """
    from govpost.store import backing, checking, replacing

    if place is None:
        return telling_store.check(session, checking.examine(session.store, _media(session)))
    file = replacing.newest(place)
    beside = file.parent / backing.MEDIA
    kept, found = beside if beside.is_dir() else None, backing.at_file(file.resolve())
    try:
        return telling_store.check(session, checking.examine(found, kept, absent=replacing.NAME_ONE))
    finally:
        found.close()


@command.command(
    "backup", epilog="govpost store backup /var/backups/govpost/\ngovpost store backup before-upgrade.db"
)
@click.argument("place", metavar="FILE|FOLDER")
@pass_session
def backup(session: Session, place: str) -> int:
    """Write all rows of one instant into an SQLite file, while the daemon works; into a folder with the media too."""
    from govpost.states import Role
    from govpost.store import backing

    session.reader.need(Role.ADMIN, Role.RECORDS, to="back the store up")
    path, progress = Path(place).absolute(), telling_store.Progress()
    into = place.endswith("/") or path.is_dir()
    try:
        made = backing.backup(
            session.store, session.reader.id, path, _media(session), into_folder=into, progress=progress
        )
    finally:
        progress.end()
    if session.as_json:
        out.document({**asdict(made), "path": str(made.path), "at": made.at.isoformat()})
    else:
        telling_store.backup(made, into)
    return int(bool(made.missing))


@command.command("restore", epilog='govpost store restore /var/backups/govpost/ --reason "the disk broke"')
@click.argument("place", metavar="FILE|FOLDER")
@click.option("--reason", default="", metavar="TEXT", help="Why; it is kept on the record.")
@click.option("--reopen", is_flag=True, help="Also where the store was moved elsewhere and is closed since.")
@pass_session
def restore(session: Session, place: str, reason: str, reopen: bool) -> int:
    """Put a backup (of a folder, the newest) in the place of the store; the one there now is set aside, not deleted.

    It starts frozen. What was due since the backup is uncertain until the platform or a person says what became of it.
    """
    from govpost.store import replacing

    actor = _admin(session, "restore the store")
    with _no_daemon(session.store):
        path, kept = Path(place).absolute(), _media(session)
        done = replacing.restore(session.store, actor, path, kept, reason, reopen=reopen)
    if session.as_json:
        told = {"backup": str(done.backup), "at": done.at.isoformat()}
        out.document({**asdict(done), **told})
    else:
        telling_store.restored(done)
    return int(bool(done.missing))


@command.command("move", epilog="govpost store move postgresql+psycopg://govpost@db.example.gov/govpost")
@click.argument("url", metavar="URL")
@pass_session
def move(session: Session, url: str) -> None:
    """Copy the whole store into another, empty database, prove it row by row, and take no more writes in the old."""
    from govpost.store import moving

    actor, progress, target = _mover(session), telling_store.Progress(), _target(session, url)
    try:
        with _no_daemon(session.store):
            done = moving.move(session.store, target, actor, _media(session), progress)
    finally:
        progress.end()
        target.close()
    if session.as_json:
        out.document({**asdict(done), "config": _line(url)})
        return
    out.say(
        f"{sum(done.counts.values()):,} rows are now in {done.target}; each was read back and is the same"
    )
    out.say(f"head: {done.head}")
    out.say(f"{done.source} takes no more writes. In config.toml, under [store], write:")
    out.say(f"  {_line(url)}")
    if target.several:
        out.say('If the database wants a password, name where it lies: password = "file:PATH".')
        out.say("If several machines work on it, [store] media must name a folder that all of them share,")
        out.say(
            "so must each channel that writes files (a website's folder), and all need one [security] vault_key."
        )


def _mover(session: Session) -> str:
    """Return who moves the store; one that was put back is made safe first, one that is closed takes no word of it."""
    from govpost.store import meta, schema

    person = _admin(session, "move the store")
    with session.store.read() as conn:
        closed = meta.get(conn, schema.MOVED_KEY) is not None
    return person if closed else session.actor.id


def _line(url: str) -> str:
    return f'database = "{url}"'


def _target(session: Session, url: str) -> Store:
    from govpost import vault
    from govpost.errors import UsageFault
    from govpost.store.engine import Store

    if _holds_password(url):
        raise UsageFault(
            "the address holds a password, and others may see it here",
            'take it out, and name where it lies in config.toml: [store] password = "file:PATH"',
        )
    reference = session.config.store.password
    password = None if reference is None else vault.resolve(reference, session.workspace.root)
    store = Store(url, session.workspace.root, password=password)
    store.config_hash = session.config.hash
    return store


def _holds_password(url: str) -> bool:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return False
    return parsed.password is not None or "password" in parsed.query
