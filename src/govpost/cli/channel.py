"""`govpost channel`: one channel stopped by a person or by trouble, and let go on."""

from __future__ import annotations

from typing import Any

import click

from govpost.cli import out, shapes
from govpost.cli.context import Session, pass_session, span
from govpost.cli.frame import Noun


@click.group("channel", cls=Noun)
def command() -> None:
    """Channels: the agency's official accounts, from config.toml."""


def _all(session: Session) -> list[dict[str, Any]]:
    from govpost.store import channels, deliveries, obstacles, views

    found = []
    with session.store.read() as conn:
        troubles, counts = channels.every(conn), views.counts_by_channel(conn)
        for name, about in session.config.channels.items():
            trouble = troubles.get(name) or channels.get(conn, name)
            paused = channels.is_paused(trouble, session.now)
            until = trouble.paused_until if paused and trouble.paused_until != channels.FOR_GOOD else None
            found.append(
                {
                    "name": name,
                    "platform": about.platform,
                    "main": name == session.config.main_channel,
                    "zone": session.config.zone(name),
                    "pilot": views.pilot(conn, name, about.platform).state,
                    "paused": paused,
                    "paused_until": shapes.time(until),
                    "paused_why": trouble.paused_why if paused else "",
                    "obstacle": obstacles.obstacle(conn, name, about.platform, session.now),
                    "next_allowed_at": shapes.time(trouble.next_allowed_at),
                    "next_due": shapes.time(deliveries.next_due(conn, name)),
                    "counts": counts.get(name, {}),
                }
            )
    return found


@command.command("list", epilog="govpost channel list")
@pass_session
def list_(session: Session) -> None:
    """List the channels: their pilot, and what stops them."""
    found = _all(session)
    if session.as_json:
        out.document(found)
        return
    rows = [
        (
            each["name"],
            each["platform"],
            each["pilot"],
            each["obstacle"] or "open",
            out.totals(each["counts"]),
        )
        for each in found
    ]
    out.table(
        ("CHANNEL", "PLATFORM", "PILOT", "STANDS", "DELIVERIES"), rows, empty="config.toml names no channels"
    )


@command.command(
    "pause", epilog='govpost channel pause hub --reason "the county is moving its server" --for 2h'
)
@click.argument("name", metavar="CHANNEL")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept on the record.")
@click.option(
    "--for", "duration", metavar="DURATION", help="For so long, such as 90m or 2d; without it, until resumed."
)
@pass_session
def pause(session: Session, name: str, reason: str, duration: str | None) -> None:
    """Stop one channel; what waits there is held."""
    from govpost.editorial import switching

    until = session.now + span(duration, "--for") if duration else None
    held = switching.pause_channel(session.store, session.config, session.actor, name, reason, until)
    shown = f" until {out.local(until, session.config.zone(name))}" if until else ""
    _tell(
        session, name, f"{name} is paused{shown}; {out.counted(held, 'delivery is', 'deliveries are')} held"
    )


@command.command("resume", epilog='govpost channel resume hub --reason "the server is back"')
@click.argument("name", metavar="CHANNEL")
@click.option("--reason", default="resumed by order", metavar="TEXT", help="Why; it is kept on the record.")
@pass_session
def resume(session: Session, name: str, reason: str) -> None:
    """Let a paused channel go on; the daemon lets go on what was held for it."""
    from govpost.editorial import switching

    switching.resume_channel(session.store, session.config, session.actor, name, reason)
    _tell(session, name, f"{name} goes on")


def _tell(session: Session, name: str, words: str) -> None:
    if session.as_json:
        out.document(next(each for each in _all(session) if each["name"] == name))
    else:
        out.say(words)
