"""`govpost review`: what a second person sees, approves, returns or, in an emergency, releases."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from govpost.cli import out, shapes
from govpost.cli.context import Session, pass_session
from govpost.cli.frame import Noun

if TYPE_CHECKING:
    from govpost.cli.reading import Reading


@click.group("review", cls=Noun)
def command() -> None:
    """Review: nothing goes out that a second person did not approve, word for word."""


@command.command("list", epilog="govpost review list")
@pass_session
def list_(session: Session) -> None:
    """List what waits for a second person, and emergency releases still to be reviewed."""
    from govpost.editorial.reviewing import wanting
    from govpost.store import views

    with session.store.read() as conn:
        cards = views.cards(conn, views.waiting_for_review(conn))
    wants = [
        ["a later review of the emergency release"]
        if card.post.review_later
        else wanting(session.config, card.approvals_in_force)
        for card in cards
    ]
    if session.as_json:
        root = session.workspace.root
        out.document(
            [{**shapes.post(card, root), "wanting": want} for card, want in zip(cards, wants, strict=True)]
        )
        return
    zone = session.config.agency.timezone
    rows = [
        (
            card.post.slug,
            card.post.title,
            card.post.author,
            out.local(card.post.submitted_at, zone),
            "; ".join(want),
        )
        for card, want in zip(cards, wants, strict=True)
    ]
    out.table(("POST", "TITLE", "AUTHOR", "SUBMITTED", "WANTING"), rows, empty="nothing waits for review")


@command.command("show", epilog="govpost review show library-hours")
@click.argument("name", metavar="POST")
@pass_session
def show(session: Session, name: str) -> None:
    """Show what you would approve: what changed, every word, the findings, the slots, the digest."""
    from govpost.cli import reading

    found = reading.read(session, session.actor, name)
    if session.as_json:
        out.document(reading.as_json(session, found))
    else:
        reading.say(session, found)


@command.command(
    "approve",
    epilog='govpost review approve library-hours\ngovpost review approve library-hours --dissent "I would have waited"',
)
@click.argument("name", metavar="POST")
@click.option("--dissent", default="", metavar="TEXT", help="Approve, and keep your objection on the record.")
@click.option(
    "--digest", metavar="HEX", help="Approve only if the post has this digest, or one that begins so."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def approve(session: Session, name: str, dissent: str, digest: str | None, yes: bool) -> None:
    """Approve exactly what you were shown. The last approval wanted gives the post its slots."""
    from govpost.cli import telling
    from govpost.editorial import reviewing
    from govpost.states import Role

    actor = session.actor
    may = Role.REVIEWER in actor.roles
    asks = may and _on_a_terminal(session) and not yes
    found = _show_first(session, name, anew=asks) if may and (asks or digest is None) else None
    if asks and not click.confirm("Approve exactly this?"):
        out.say("not approved; govpost review return sends it back with a remark")
        return
    if asks and digest is None and found is not None:
        digest = found.card.post.digest
    reviewed = reviewing.approve(session.store, session.desk, actor, name, dissent=dissent, digest=digest)
    more = {"variants": found.variants} if found is not None else None
    telling.reviewed(session, reviewed, more)


def _on_a_terminal(session: Session) -> bool:
    return not session.as_json and sys.stdin.isatty() and sys.stdout.isatty()


def _show_first(session: Session, name: str, *, anew: bool) -> Reading | None:
    """Show what is to be approved where somebody is asked, or was never shown it; and note that it was shown."""
    from govpost.cli import reading
    from govpost.store import posts

    with session.store.read() as conn:
        post = posts.find(conn, name)
        seen = posts.last_shown(conn, post.id, session.actor.id)
    if (seen is not None and not anew) or post.state not in ("submitted", "scheduled", "published"):
        return None
    found = reading.read(session, session.actor, name)
    if not session.as_json:
        reading.say(session, found)
    return found


@command.command("return", epilog='govpost review return library-hours --remark "name the branch"')
@click.argument("name", metavar="POST")
@click.option("--remark", required=True, metavar="TEXT", help="What the author should change; it is kept.")
@pass_session
def return_(session: Session, name: str, remark: str) -> None:
    """Send a post back to its author with a remark."""
    from govpost.editorial import reviewing
    from govpost.store import views

    post = reviewing.give_back(session.store, session.actor, name, remark)
    if session.as_json:
        with session.store.read() as conn:
            out.document(shapes.post(views.cards(conn, [post])[0], session.workspace.root))
        return
    out.say(f"{post.slug} is a draft again; {post.author} sees your remark in govpost post show {post.slug}")


@command.command(
    "release", epilog='govpost review release boil-water-notice --reason "main break, nobody else on duty"'
)
@click.argument("name", metavar="POST")
@click.option("--reason", required=True, metavar="TEXT", help="Why it cannot wait; it is kept on the record.")
@pass_session
def release(session: Session, name: str, reason: str) -> None:
    """Release a post alone, in an emergency. For officers; another person reviews it afterwards."""
    from govpost.cli import telling
    from govpost.editorial import reviewing
    from govpost.states import Role

    actor = session.actor
    actor.need(Role.OFFICER, to="release posts alone")
    _show_first(session, name, anew=False)
    telling.reviewed(session, reviewing.release(session.store, session.desk, actor, name, reason))
    if not session.as_json:
        out.say("another person has to review it afterwards: govpost review list")
