"""`govpost store`: upgrade, check, back up, restore and move the database and the media."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from govpost.cli import out
from govpost.cli.context import Session, pass_session
from govpost.cli.frame import Noun

if TYPE_CHECKING:
    from govpost.store.backing import Backup
    from govpost.store.checking import Examined
    from govpost.store.engine import Store
    from govpost.store.replacing import Restored

CLEAR = "\r\x1b[K"


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

    if store.several:
        yield
        return
    lock = Lock(store.folder)
    lock.take()
    try:
        yield
    finally:
        lock.free()


class _Progress:
    """One line on a terminal's stderr that is written over; nothing elsewhere."""

    def __init__(self) -> None:
        self.shown = False

    def __call__(self, table: str, done: int, of: int) -> None:
        """Say how far it is."""
        if sys.stderr.isatty():
            click.echo(f"{CLEAR}{table}: {done:,} of {of:,} rows", nl=False, err=True)
            self.shown = True

    def end(self) -> None:
        """Take the line away."""
        if self.shown:
            click.echo(CLEAR, nl=False, err=True)


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
    epilog="govpost store check\ngovpost store check /var/backups/govpost/govpost-20261127T060000Z.db",
)
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@pass_session
def check(session: Session, file: Path | None) -> int:
    """Look whether the store, or a backup, is whole: file, tables, event chain, states, media. Exits 1 if not."""
    from govpost.store import backing, checking

    if file is None:
        return _tell_check(session, checking.examine(session.store, _media(session)))
    beside = file.parent / backing.MEDIA
    found = backing.at_file(file.resolve())
    try:
        return _tell_check(session, checking.examine(found, beside if beside.is_dir() else None))
    finally:
        found.close()


def _tell_check(session: Session, found: Examined) -> int:
    if session.as_json:
        out.document({"ok": not found.findings, **asdict(found)})
        return int(bool(found.findings))
    for each in found.findings:
        out.say(f"wrong: {each.what}")
        out.say(f"  tip: {each.tip}")
    if not found.findings:
        rows, media = sum(found.counts.values()), out.counted(found.media, "medium", "media")
        out.say(f"{found.name} is whole: schema {found.schema}, {rows:,} rows, {media}")
    if found.head:
        out.say(f"head: {found.head}")
    return int(bool(found.findings))


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
    path, progress = Path(place).absolute(), _Progress()
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
        _tell_backup(made, into)
    return int(bool(made.missing))


def _tell_backup(made: Backup, into: bool) -> None:
    out.say(f"{made.path}: {sum(made.counts.values()):,} rows, read back and whole")
    out.say(f"head: {made.head}")
    if into:
        out.say(f"media: {made.copied} copied, {made.media - made.copied - len(made.missing)} there already")
    elif made.media:
        out.say(
            f"{out.counted(made.media, 'medium is', 'media are')} not in it: name a folder to have them too"
        )
    for each in made.missing:
        out.say(f"missing: {each}")
    out.say(
        "Not in it: config.toml, content/, and the key of the vault, without which stored log-ins cannot be read."
    )
    out.say("Keep the key ([security] vault_key, else .govpost/vault.key) elsewhere than the backups.")


@command.command("restore", epilog='govpost store restore /var/backups/govpost/ --reason "the disk broke"')
@click.argument("place", metavar="FILE|FOLDER")
@click.option("--reason", default="", metavar="TEXT", help="Why; it is kept on the record.")
@pass_session
def restore(session: Session, place: str, reason: str) -> int:
    """Put a backup (of a folder, the newest) in the place of the store; the one there now is set aside, not deleted.

    It starts frozen. What was due since the backup is uncertain until the platform or a person says what became of it.
    """
    from govpost.store import replacing

    actor = _admin(session, "restore the store")
    with _no_daemon(session.store):
        done = replacing.restore(session.store, actor, Path(place).absolute(), _media(session), reason)
    if session.as_json:
        told = {"backup": str(done.backup), "at": done.at.isoformat()}
        out.document({**asdict(done), **told})
    else:
        _tell_restored(done)
    return int(bool(done.missing))


def _tell_restored(done: Restored) -> None:
    out.say(f"restored from {done.backup}, the backup of {done.at:%Y-%m-%d %H:%M:%S} UTC")
    if done.aside is not None:
        out.say(f"the store that was there is kept: {done.aside}")
    if done.lost:
        out.say(f"  it holds {out.counted(done.lost, 'event')} that the backup does not know")
    for each in done.missing:
        out.say(f"missing: {each}")
    unsure = out.counted(done.uncertain, "delivery is", "deliveries are")
    out.say(f"everything is frozen; {unsure} uncertain, for they may be public by now")
    out.say("Next: start the daemon, which asks the platforms that can be asked, then look at")
    out.say("  govpost delivery list --state uncertain")
    if not done.compared:
        out.say(
            "No store told what went out after the backup, so these may be public too; look on the channels:"
        )
        out.say("  govpost queue list                       (planned for later; queue now may have sent it)")
        out.say("  govpost delivery list --state failed     (it may have been tried again)")
        out.say("  govpost delivery list --state missed")
        out.say("Cancel what you find there: govpost post cancel POST")
    out.say("Posts taken in after the backup are not in it: do not take one in again that is public.")
    out.say("When all is settled: govpost thaw --reason TEXT")


@command.command("move", epilog="govpost store move postgresql+psycopg://govpost@db.example.gov/govpost")
@click.argument("url", metavar="URL")
@pass_session
def move(session: Session, url: str) -> None:
    """Copy the whole store into another, empty database, prove it row by row, and take no more writes in the old."""
    from govpost.store import moving

    actor, progress, target = _mover(session), _Progress(), _target(session, url)
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
        out.say(
            'If the database wants a password, name where it lies: password = "file:PATH" (or credential:NAME).'
        )
        out.say("If several machines work on it, [store] media must name a folder that all of them share.")


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
