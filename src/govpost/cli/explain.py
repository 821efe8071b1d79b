"""`govpost explain POST`: why it goes out or not, when, and under which line of config.toml."""

from __future__ import annotations

from typing import Any

import click

from govpost.cli import out
from govpost.cli.context import Session, pass_session
from govpost.cli.frame import Command


@click.command("explain", cls=Command, epilog="govpost explain library-hours")
@click.argument("name", metavar="POST")
@pass_session
def command(session: Session, name: str) -> None:
    """Say why a post will or will not go out, when, and under which line of config.toml."""
    from govpost.cli import explaining
    from govpost.store import views

    with session.store.read() as conn:
        card = views.card(conn, name)
    reasons = [*explaining.of_post(session, card), *explaining.of_deliveries(session, card)]
    if session.as_json:
        told = [reason.as_json() for reason in reasons]
        out.document({"id": card.post.id, "post": card.post.slug, "state": card.post.state, "reasons": told})
        return
    out.head(f"{card.post.slug} is {card.post.state}")
    for reason in reasons:
        where = f"{reason.channel}: " if reason.channel else ""
        out.say(f"  {where}{reason.why}")
        if reason.line is not None:
            out.say(f"    config.toml:{reason.line}{_quoted(session, reason.line)}")
        if reason.command:
            out.say(f"    {reason.command}")


def _quoted(session: Session, line: int) -> Any:
    lines = session.config.text.splitlines()
    return f": {lines[line - 1].strip()}" if line <= len(lines) else ""
