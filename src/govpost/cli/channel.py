"""`govpost channel`: who we are on a channel, and one channel stopped by a person or by trouble, and let go on."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from govpost.cli import accounts, out, shapes
from govpost.cli.context import Session, pass_session, span
from govpost.cli.frame import Noun


@click.group("channel", cls=Noun)
def command() -> None:
    """Channels: the agency's official accounts, from config.toml."""


def _all(session: Session) -> list[dict[str, Any]]:
    from govpost.store import accounts as known
    from govpost.store import channels, deliveries, obstacles, views

    found = []
    with session.store.read() as conn:
        troubles, counts, people = channels.every(conn), views.counts_by_channel(conn), known.every(conn)
        for name, about in session.config.channels.items():
            trouble = troubles.get(name) or channels.get(conn, name)
            paused = channels.is_paused(trouble, session.now)
            account, token = people.get(name), known.token(conn, name)
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
                    "account": account.name if account else None,
                    "account_url": account.url if account else None,
                    "verified_at": shapes.time(account.checked_at if account else None),
                    "logged_in_at": shapes.time(token.changed_at if token else None),
                }
            )
    return found


@command.command("list", epilog="govpost channel list")
@pass_session
def list_(session: Session) -> None:
    """List the channels: their pilot, who we are there and when that was verified, and what stops them."""
    found = _all(session)
    if session.as_json:
        out.document(found)
        return
    rows = [
        (
            each["name"],
            each["platform"],
            each["pilot"],
            each["account"] or "-",
            (each["verified_at"] or "-")[:10],
            each["obstacle"] or "open",
            out.totals(each["counts"]),
        )
        for each in found
    ]
    out.table(
        ("CHANNEL", "PLATFORM", "PILOT", "ACCOUNT", "VERIFIED", "STANDS", "DELIVERIES"),
        rows,
        empty="config.toml names no channels",
    )


_ACCEPT = click.option(
    "--accept-account",
    "accept",
    is_flag=True,
    help="Take it when the credentials now belong to another account than before.",
)


@command.command("login", epilog="govpost channel login news")
@click.argument("name", metavar="CHANNEL")
@click.option("--no-browser", is_flag=True, help="Open no browser; type what the platform shows.")
@_ACCEPT
@pass_session
def login(session: Session, name: str, no_browser: bool, accept: bool) -> None:
    """Log a channel in at its platform; what it gives is stored encrypted, and the account is verified.

    Away from a terminal the answers are read from standard input, one a line.
    """
    from govpost import logins
    from govpost.cli.dialogue import Terminal, has_browser

    fitted = accounts.fitted(session, name)
    browser = not no_browser and has_browser(os.environ, sys.platform)
    with Terminal(browser=browser, aside=session.as_json) as talk:
        done = logins.login(
            accounts.sessions(session), session.config, fitted, session.actor, talk, accept=accept
        )
    account = accounts.shape(done.account) if done.account else None
    ok = not done.trouble and not (account and account["missing"])
    found = {"channel": name, "ok": ok, "account": account, "why": done.trouble, "tip": ""}
    if session.as_json:
        out.document(found | {"secrets": list(done.secrets)})
    else:
        out.say(f"{name} is logged in; stored: {', '.join(done.secrets)}")
        if account or done.trouble:
            accounts.show(session, found)
        _say_paused(session, name)
    if not ok:
        raise SystemExit(1)


def _say_paused(session: Session, name: str) -> None:
    about = next(each for each in _all(session) if each["name"] == name)
    if about["paused"]:
        out.say(f"it is still paused: {about['paused_why']}\nto let it go on: govpost channel resume {name}")


@command.command("logout", epilog="govpost channel logout news")
@click.argument("name", metavar="CHANNEL")
@pass_session
def logout(session: Session, name: str) -> None:
    """Forget the secrets that a log-in left; revoke them on the platform too."""
    from govpost import logins

    logins.logout(accounts.sessions(session), accounts.fitted(session, name), session.actor)
    _tell(session, name, f"the stored secrets of {name} are forgotten; revoke them on the platform too")


@command.command("verify", epilog="govpost channel verify news\ngovpost channel verify --all")
@click.argument("name", metavar="[CHANNEL]", required=False)
@click.option("--all", "every", is_flag=True, help="Verify every channel whose platform can be asked.")
@_ACCEPT
@pass_session
def verify(session: Session, name: str | None, every: bool, accept: bool) -> None:
    """Ask the platform who we are there and what its limits are; exits 1 when something is missing.

    The limits are kept, and posts are checked against them from then on.
    """
    from govpost.contract import Verifies
    from govpost.errors import UsageFault

    if (name is None) is not every or (every and accept):
        raise UsageFault("name one channel, or say --all", "govpost channel verify NAME")
    fits = session.bench.fitted
    names = [name] if name else [each for each in fits if isinstance(fits[each].platform, Verifies)]
    found = [accounts.verified(session, each, accept=accept) for each in names]
    if session.as_json:
        out.document(found if every else found[0])
    else:
        for each in found:
            accounts.show(session, each)
        if not found:
            out.say("no channel is on a platform that can be asked")
    if not all(each["ok"] for each in found):
        raise SystemExit(1)


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
