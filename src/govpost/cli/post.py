"""`govpost post`: from a draft under content/ to a post, and whatever happens to it later."""

from __future__ import annotations

from typing import Any

import click

from govpost.cli import out, shapes
from govpost.cli.context import Session, pass_session
from govpost.cli.frame import Noun

STATES = ("draft", "submitted", "approved", "scheduled", "published", "failed", "cancelled", "withdrawn")


@click.group("post", cls=Noun)
def command() -> None:
    """Posts: drafts that were taken in.

    POST is a slug, an id, or the unique beginning of an id.
    """


@command.command("add", epilog="govpost post add content/library-hours.md")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--draft", is_flag=True, help="Keep it as a draft; do not submit it for review yet.")
@click.option("--ack", multiple=True, metavar="RULE", help="Say that you have seen what this rule warns of.")
@pass_session
def add(session: Session, paths: tuple[str, ...], draft: bool, ack: tuple[str, ...]) -> int:
    """Take drafts in and submit them for review. A draft of a known post becomes its new version."""
    from govpost.cli import taking

    drafts = taking.load(session, paths)
    return taking.tell(session, taking.take(session, drafts, submit=not draft, acks=ack))


@command.command("list", epilog="govpost post list --state scheduled")
@click.option("--state", type=click.Choice(STATES), help="Only posts in this state.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many, newest first.")
@pass_session
def list_(session: Session, state: str | None, limit: int | None) -> None:
    """List posts, newest first."""
    from govpost.store import posts, views

    with session.store.read() as conn:
        cards = views.cards(conn, posts.every(conn, state=state, limit=limit))
    if session.as_json:
        out.document([shapes.post(card, session.workspace.root) for card in cards])
        return
    rows = [
        (card.post.slug, _state(card), card.post.title, card.post.author, card.post.id[:13]) for card in cards
    ]
    out.table(
        ("POST", "STATE", "TITLE", "AUTHOR", "ID"), rows, empty="no posts; govpost post add PATH takes one in"
    )


def _state(card: Any) -> str:
    return f"{card.post.state} (partly published)" if card.partly_published else str(card.post.state)


@command.command("show", epilog="govpost post show library-hours")
@click.argument("name", metavar="POST")
@pass_session
def show(session: Session, name: str) -> None:
    """Show where a post stands: approvals, remarks, and each delivery."""
    from govpost.cli import telling
    from govpost.store import views

    with session.store.read() as conn:
        card = views.card(conn, name)
    if session.as_json:
        out.document(shapes.post(card, session.workspace.root))
    else:
        telling.post(session, card)


@command.command("check", epilog="govpost post check content/library-hours.md")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@pass_session
def check(session: Session, paths: tuple[str, ...]) -> int:
    """Hold drafts against the rules without taking them in; exits 1 when one is blocked."""
    from govpost.cli import taking

    return taking.tell_checks(
        session, [taking.check(session, draft) for draft in taking.load(session, paths)]
    )


@command.command("preview", epilog="govpost post preview content/storm-guide --channel website")
@click.argument("name", metavar="PATH|POST")
@click.option("--channel", metavar="NAME", help="Only this channel.")
@pass_session
def preview(session: Session, name: str, channel: str | None) -> int:
    """Show for each channel just what would go out, part by part, with its count."""
    from govpost.cli import previews

    return previews.preview(session, name, channel)


@command.command("submit", epilog="govpost post submit library-hours")
@click.argument("name", metavar="POST")
@click.option("--ack", multiple=True, metavar="RULE", help="Say that you have seen what this rule warns of.")
@pass_session
def submit(session: Session, name: str, ack: tuple[str, ...]) -> int:
    """Submit a draft that was taken in, for review."""
    from govpost.cli import taking

    return taking.tell(session, [taking.submit(session, name, ack)])


@command.command("correct", epilog="govpost post correct library-hours content/library-hours-correction.md")
@click.argument("name", metavar="POST")
@click.argument("path", metavar="PATH")
@click.option("--ack", multiple=True, metavar="RULE", help="Say that you have seen what this rule warns of.")
@pass_session
def correct(session: Session, name: str, path: str, ack: tuple[str, ...]) -> int:
    """Take a draft in as the correction of a post that is public."""
    from govpost.cli import taking

    return taking.tell(session, [taking.correct(session, name, path, ack)])


@command.command("cancel", epilog='govpost post cancel library-hours --reason "the opening was put off"')
@click.argument("name", metavar="POST")
@click.option("--reason", default="cancelled by order", metavar="TEXT", help="Why; it is kept on the record.")
@pass_session
def cancel(session: Session, name: str, reason: str) -> None:
    """Stop a post: what has not gone out will not. What is public stays; withdraw takes it down."""
    from govpost.cli import telling
    from govpost.editorial import stopping

    stopped = stopping.cancel(session.store, session.actor, name, reason)
    telling.stopped(session, stopped, f"{stopped.post.slug} is {stopped.post.state}")


@command.command("withdraw", epilog='govpost post withdraw library-hours --reason error --remark "wrong day"')
@click.argument("name", metavar="POST")
@click.option(
    "--reason", "code", required=True, metavar="CODE", help="A reason code of [withdrawal] in config.toml."
)
@click.option("--remark", default="", metavar="TEXT", help="More, for the record only.")
@pass_session
def withdraw(session: Session, name: str, code: str, remark: str) -> None:
    """Take a post down everywhere. Its public words come from config.toml; the record stays."""
    from govpost.cli import telling
    from govpost.editorial import stopping

    actor, bench = session.actor, session.bench
    stopped = stopping.withdraw(session.store, session.config, bench.fitted, actor, name, code, remark)
    by_hand = stopped.by_hand and not stopped.stopped
    words = "stays up until you take it down" if by_hand else "is being withdrawn"
    telling.stopped(session, stopped, f"{stopped.post.slug} {words}")


@command.command("schedule", epilog="govpost post schedule library-hours")
@click.argument("name", metavar="POST")
@pass_session
def schedule(session: Session, name: str) -> None:
    """Give an approved post its slots, where config.toml leaves that to a publisher."""
    from govpost.cli import telling
    from govpost.editorial import reviewing

    reviewed = reviewing.schedule(session.store, session.desk, session.actor, name)
    telling.reviewed(session, reviewed)
