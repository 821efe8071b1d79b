"""`govpost audit`: the record of everything that happened, and whether it is whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from govpost.cli import out
from govpost.cli.context import Session, instant, pass_session
from govpost.cli.frame import Noun

if TYPE_CHECKING:
    from govpost.domain import Event
    from govpost.store.chain import Head

_HEAD = re.compile(r"(\d+):([0-9a-f]{64})")


@click.group("audit", cls=Noun)
def command() -> None:
    """The record: every move is an event that holds the hash of the one before."""


@command.command("log", epilog="govpost audit log --post library-hours --since 2026-11-01")
@click.option("--post", metavar="POST", help="Only what happened to this post.")
@click.option("--person", metavar="PERSON", help="Only what this person did; the daemon is one too.")
@click.option("--channel", metavar="NAME", help="Only on this channel.")
@click.option("--since", metavar="TIME", help="From this time on: a date, 'YYYY-MM-DD HH:MM' or RFC 3339.")
@click.option("--until", metavar="TIME", help="Before this time.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many, oldest first.")
@pass_session
def log(
    session: Session,
    post: str | None,
    person: str | None,
    channel: str | None,
    since: str | None,
    until: str | None,
    limit: int | None,
) -> None:
    """Print what happened, oldest first: who, when, what, why."""
    from govpost.daemon.notices import as_json
    from govpost.store import chain, posts, views

    with session.store.read() as conn:
        events = chain.find(
            conn,
            post=posts.find(conn, post).id if post else None,
            channel=channel,
            actor=person,
            since=instant(session, since, "--since") if since else None,
            until=instant(session, until, "--until") if until else None,
            limit=limit,
        )
    if session.as_json:
        out.document([as_json(event) for event in events])
        return
    zone = session.config.agency.timezone
    with session.store.read() as conn:
        slugs = views.slugs_of(conn, [each.detail["post"] for each in events if "post" in each.detail])
    rows = [
        (
            each.id,
            out.local(each.at, zone),
            each.actor,
            each.verb,
            _about(each, slugs),
            each.why,
        )
        for each in events
    ]
    out.table(("EVENT", "WHEN", "WHO", "WHAT", "ABOUT", "WHY"), rows, empty="nothing is on the record")


def _about(event: Event, slugs: Mapping[str, str]) -> str:
    slug = slugs.get(event.detail.get("post", ""))
    if slug is None:
        return event.subject
    return f"{slug} on {event.detail['channel']}" if "channel" in event.detail else slug


@command.command("verify", epilog="govpost audit verify\ngovpost audit verify --head 120:HASH")
@click.option(
    "--head", "kept", metavar="N:HASH", help="A head noted elsewhere earlier; events cut off since then show."
)
@pass_session
def verify(session: Session, kept: str | None) -> int:
    """Walk the whole chain; exits 1 and says where when an event was changed, removed or put in."""
    from govpost.store import chain

    known = _head(kept) if kept else None
    with session.store.read() as conn:
        end, troubles = chain.verify(conn, known)
    if session.as_json:
        out.document({"ok": not troubles, "head": str(end), "events": end.event_id, "troubles": troubles})
        return int(bool(troubles))
    for trouble in troubles:
        out.say(f"broken: {trouble}")
    if troubles:
        out.say("tip: keep a copy of the database as it is now, and compare it with a backup")
    else:
        out.say(
            f"{out.counted(end.event_id, 'event')}, each holds the hash of the one before: nothing was changed"
        )
    out.say(f"head: {end}")
    return int(bool(troubles))


def _head(text: str) -> Head:
    from govpost.store.chain import Head

    found = _HEAD.fullmatch(text.strip())
    if found is None:
        raise click.UsageError(
            "--head wants a number, a colon and 64 hex digits, as audit verify prints them"
        )
    return Head(int(found[1]), found[2])
