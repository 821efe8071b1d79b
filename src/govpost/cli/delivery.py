"""`govpost delivery`: how each delivery ended, and settling those where nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from govpost.cli import gathered as came_back
from govpost.cli import out, shapes
from govpost.cli.context import Session, pass_session
from govpost.cli.frame import Noun

if TYPE_CHECKING:
    from govpost.store.rows import DeliveryRecord

STATES = (
    "held",
    "queued",
    "publishing",
    "pending",
    "live",
    "uncertain",
    "failed",
    "missed",
    "cancelled",
    "withdrawn",
)


@click.group("delivery", cls=Noun)
def command() -> None:
    """Deliveries: one post on its way to one channel.

    ID is a delivery's id, or its unique beginning or end.
    """


@command.command("list", epilog="govpost delivery list --state uncertain")
@click.option("--state", type=click.Choice(STATES), help="Only in this state.")
@click.option("--channel", metavar="NAME", help="Only on this channel.")
@click.option("--post", metavar="POST", help="Only of this post, all its versions.")
@pass_session
def list_(session: Session, state: str | None, channel: str | None, post: str | None) -> None:
    """List deliveries in order of their time."""
    from govpost.cli import telling
    from govpost.store import posts, views
    from govpost.store.rows import DELIVERY

    with session.store.read() as conn:
        tests = [DELIVERY.c.state == state] if state else []
        tests += [DELIVERY.c.channel == channel] if channel else []
        tests += [DELIVERY.c.post_id == posts.find(conn, post).id] if post else []
        rows = views.sent(conn, *tests)
    if session.as_json:
        out.document([shapes.delivery(row, slug) for row, slug in rows])
    else:
        telling.deliveries(rows, empty="no deliveries", with_post=True)


@command.command("show", epilog="govpost delivery show 01939b2e")
@click.argument("name", metavar="ID")
@pass_session
def show(session: Session, name: str) -> None:
    """Show a delivery with every attempt and what was said on the wire."""
    from govpost.cli import attention
    from govpost.editorial import queueing
    from govpost.store import views

    with session.store.read() as conn:
        row = queueing.find(conn, name)
        slug = views.slugs_of(conn, [row.post_id])[row.post_id]
        tries = [shapes.attempt(each) for each in views.attempts(conn, row.id)]
        back = came_back.of(conn, row)
    found = shapes.delivery(row, slug)
    if session.as_json:
        out.document(
            {**found, "variant": row.variant, "notice": row.notice, "tried": tries, **back.as_json()}
        )
        return
    out.head(f"{slug} on {row.channel}: {row.state}")
    out.facts((key, value) for key, value in found.items() if key not in ("key", "post", "channel", "state"))
    for line in back.lines():
        out.say(line)
    for each in tries:
        for line in _attempt_lines(each):
            out.say(line)
    if row.state == "uncertain":
        out.say("look at the channel, then say what you saw:")
        out.say(f"  {attention.settles(row, slug)}")


def _attempt_lines(tried: Mapping[str, Any]) -> Iterator[str]:
    ended = f"{tried['outcome'] or 'not ended'}" + (f": {tried['reason']}" if tried["reason"] else "")
    yield f"attempt {tried['n']} at {tried['started_at']}: {ended}"
    for said in tried["evidence"]:
        told = {key: value for key, value in said.items() if value not in (None, "", {}, [])}
        yield "  " + "; ".join(
            f"{key}: {_short(value)}" for key, value in told.items() if not isinstance(value, Mapping)
        )
        for key, value in told.items():
            if isinstance(value, Mapping):
                yield f"    {key}"
                yield from (f"      {name}: {_short(word)}" for name, word in _flat(value))


def _flat(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, word in value.items():
        if isinstance(word, Mapping):
            yield from _flat(word)
        else:
            yield name, word


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 300 else f"{text[:300]}…"


@command.command(
    "resolve", epilog="govpost delivery resolve 01939b2e --live https://hub.example.gov/notices/42"
)
@click.argument("name", metavar="ID")
@click.option("--live", metavar="URL", help="The post is public, at this address.")
@click.option("--remote-id", metavar="TEXT", help="With --live: the platform's own id of it.")
@click.option("--not-there", is_flag=True, help="You have looked, and it is not there.")
@click.option("--give-up", is_flag=True, help="Nobody can tell: it ends failed, and may be public.")
@pass_session
def resolve(
    session: Session, name: str, live: str | None, remote_id: str | None, not_there: bool, give_up: bool
) -> None:
    """Settle an uncertain delivery by what you saw on the channel; --live also one that was given up.

    What is not there is queued again. Of a withdrawal it is the other way round: what is not there is withdrawn, what
    is still live is taken down again. Of a correction, --live says that the corrected words stand there.
    """
    from govpost.editorial import resolving

    if [live is not None, not_there, give_up].count(True) != 1:
        raise click.UsageError("say exactly one of --live URL, --not-there and --give-up")
    if remote_id is not None and live is None:
        raise click.UsageError("--remote-id goes with --live")
    store, actor = session.store, session.actor
    if live is not None:
        row = resolving.resolve_live(store, actor, name, live, remote_id)
    elif not_there:
        row = resolving.resolve_absent(store, session.config, session.bench.fitted, actor, name)
    else:
        row = resolving.give_up(store, actor, name)
    _tell(session, row)


@command.command("retry", epilog="govpost delivery retry 01939b2e")
@click.argument("name", metavar="ID")
@click.option("--not-there", is_flag=True, help="It was given up; you have looked, and it is not there.")
@pass_session
def retry(session: Session, name: str, not_there: bool) -> None:
    """Try a failed or missed delivery again, in a new slot. One that was given up may be public: look first."""
    from govpost.editorial import resolving

    looked = session.bench.fitted if not_there else None
    _tell(session, resolving.retry(session.store, session.config, session.actor, name, looked))


def _tell(session: Session, row: DeliveryRecord) -> None:
    from govpost.store import views

    with session.store.read() as conn:
        slug = views.slugs_of(conn, [row.post_id])[row.post_id]
    if session.as_json:
        out.document(shapes.delivery(row, slug))
        return
    when = f", {out.local(row.slot, row.zone)}" if row.state in ("queued", "held") else ""
    said = f" ({row.reason})" if row.reason else ""
    out.say(f"{slug} on {row.channel} is {row.state}{when}{said}")
