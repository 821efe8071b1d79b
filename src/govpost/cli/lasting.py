"""How long log-ins last, as `status` and `doctor` say it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from govpost.cli import shapes
from govpost.cli.attention import Item
from govpost.cli.context import Session

if TYPE_CHECKING:
    from govpost.expiries import Expiry


def expiries(session: Session, conn: Connection) -> list[Expiry]:
    """Return the log-ins that end, with the posts that wait for a later time."""
    from govpost import expiries

    return expiries.forecast(
        conn, session.config, lambda: session.workspace.bench_or_empty().fitted, session.now
    )


def items(session: Session, found: Iterable[Expiry]) -> Iterator[Item]:
    """Give those that need a person now."""
    for each in found:
        if each.pressing:
            why = each.words(session.config.agency.timezone)
            yield Item(kind="log-in", subject=each.ending.channel, why=why, command=each.command)


def lines(session: Session, found: Iterable[Expiry]) -> Iterator[str]:
    """Give those that have time yet, in words."""
    for each in found:
        if not each.pressing:
            yield f"{each.ending.channel}: {each.words(session.config.agency.timezone)}: {each.command}"


def shape(each: Expiry) -> dict[str, Any]:
    """Return one for scripts."""
    return {
        "channel": each.ending.channel,
        "expires_at": shapes.time(each.ending.at),
        "renews": each.ending.renews,
        "pressing": each.pressing,
        "posts": len(each.posts),
        "command": each.command,
    }
