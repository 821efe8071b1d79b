"""`govpost vault`: which secrets are stored, under which key, until when; and the keys exchanged. Never a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from govpost.cli import out, shapes
from govpost.cli.context import Session, pass_session
from govpost.cli.frame import Noun

if TYPE_CHECKING:
    from govpost.rotating import Kept
    from govpost.sealing import Sealer


@click.group("vault", cls=Noun)
def command() -> None:
    """The stored secrets of channels, and the keys that they are sealed with."""


@command.command("show", epilog="govpost vault show")
@pass_session
def show(session: Session) -> int:
    """Show which channels have stored secrets, with which key they are sealed, and when they end; never a secret.

    Key 1 seals; the others only open. Exits 1 when something cannot be opened.
    """
    from govpost import rotating

    sealer = _sealer(session)
    keys, found = rotating.kept(session.store, sealer)
    told = [_shape(each) for each in found]
    ok = all(each["key"] for each in told)
    if session.as_json:
        out.document({"ok": ok, "where": _where(sealer), "keys": keys, "channels": told})
        return int(not ok)
    out.facts([("keys", f"{keys}, in {_where(sealer)}" if keys else "none yet")])
    out.table(
        ("CHANNEL", "KEY", "CHANGED", "RENEWED", "ENDS"),
        [_row(each, session) for each in found],
        empty="no log-in has left any secrets",
    )
    for each in found:
        if not each.key:
            name = each.row.channel
            out.say(f"tip: no key opens the secrets of {name}: bring the right key back, or {_again(name)}")
    return int(not ok)


@command.command("rotate", epilog="govpost vault rotate\ngovpost vault rotate --drop-old")
@click.option("--drop-old", is_flag=True, help="Take the older keys away as soon as nothing needs them.")
@pass_session
def rotate(session: Session, drop_old: bool) -> None:
    """Put a new key in front and seal all stored secrets with it; for admins.

    The key before stays and opens backups from before. Where [security] vault_key says where the keys lie, put the new
    one in front there first.
    """
    from govpost import rotating

    done = rotating.rotate(session.store, _sealer(session), session.actor, drop_old=drop_old)
    if session.as_json:
        names = ("keys", "dropped", "resealed", "closed")
        out.document({name: getattr(done, name) for name in names})
        return
    anew = ", ".join(done.resealed)
    out.say(f"sealed anew: {anew}" if anew else "nothing had to be sealed anew")
    gone = f"; {out.counted(done.dropped, 'older one')} taken away" if done.dropped else ""
    out.say(f"{out.counted(done.keys, 'key is', 'keys are')} in force{gone}")
    for name in done.closed:
        out.say(f"{name}: no key opens its secrets; {_again(name)}")


def _sealer(session: Session) -> Sealer:
    from govpost.sealing import Sealer

    return Sealer(root=session.config.root, reference=session.config.security.vault_key)


def _where(sealer: Sealer) -> str:
    return sealer.reference or str(sealer.path.relative_to(sealer.root))


def _again(channel: str) -> str:
    from govpost.sealing import again

    return again(channel)


def _shape(each: Kept) -> dict[str, Any]:
    row = each.row
    return {
        "channel": row.channel,
        "key": each.key or None,
        "changed_at": shapes.time(row.changed_at),
        "renewed": row.n - 1,
        "expires_at": shapes.time(row.expires_at),
        "renewing": row.lease_owner is not None,
    }


def _row(each: Kept, session: Session) -> tuple[object, ...]:
    zone, row = session.config.agency.timezone, each.row
    ends = out.local(row.expires_at, zone) or "-"
    return row.channel, each.key or "NONE", out.local(row.changed_at, zone), row.n - 1, ends
