"""What `govpost store` says: what a check found, what a backup holds, what a restore asks for, how far it is."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from govpost.cli import out

if TYPE_CHECKING:
    from govpost.cli.context import Session
    from govpost.store.backing import Backup
    from govpost.store.checking import Examined
    from govpost.store.replacing import Restored

CLEAR = "\r\x1b[K"


class Progress:
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


def check(session: Session, found: Examined) -> int:
    """Say whether a store is whole; returns the exit code."""
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


def backup(made: Backup, into: bool) -> None:
    """Say what a backup holds and what it does not; `into` a folder or not."""
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


def restored(done: Restored) -> None:
    """Say what was put back, and what is to be looked at before the thaw."""
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
