"""`govpost queue`: what is planned, as a calendar, and moving it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta, tzinfo
from itertools import groupby
from typing import TYPE_CHECKING

import click

from govpost.cli import out, shapes
from govpost.cli.context import Session, instant, pass_session
from govpost.cli.frame import Noun

if TYPE_CHECKING:
    from govpost.store.rows import DeliveryRecord
    from govpost.store.views import Sent

DAYS = 7


@click.group("queue", cls=Noun)
def command() -> None:
    """The queue: what goes out when, under the posting rates of the strategy."""


@command.command("list", epilog="govpost queue list --days 14 --channel hub")
@click.option(
    "--days",
    type=click.IntRange(1, 400),
    metavar="N",
    help=f"So many days from today.  [{DAYS}; with --json: all]",
)
@click.option("--channel", metavar="NAME", help="Only this channel.")
@pass_session
def list_(session: Session, days: int | None, channel: str | None) -> None:
    """Show the calendar: each local day, each channel, what is planned; what is missed or uncertain is marked."""
    from govpost.pilots import known
    from govpost.store import views

    if channel is not None:
        known(session.config, channel)
    span = days if days is not None or session.as_json else DAYS
    until = None if span is None else session.today() + timedelta(days=span)
    with session.store.read() as conn:
        rows = views.queue(conn, channel, until)
    if session.as_json:
        out.document([shapes.delivery(row, slug) for row, slug in rows])
        return
    if not rows:
        out.say(f"nothing is planned within {span} days")
    for day, found in groupby(
        _first_parts(rows), key=lambda each: each[0].slot.astimezone(_zone(each[0])).date()
    ):
        out.head(f"{day:%A %Y-%m-%d}")
        for name, each in groupby(
            sorted(found, key=lambda pair: pair[0].channel), key=lambda pair: pair[0].channel
        ):
            out.say(f"  {name}")
            for row, slug in each:
                out.say(f"    {_line(row, slug)}")


def _first_parts(rows: Iterable[Sent]) -> list[Sent]:
    """Leave out parts that wait behind an earlier part of the same thread."""
    shown: set[tuple[str, str, str]] = set()
    found = []
    for row, slug in rows:
        thread = (row.post_id, row.channel, row.action)
        if thread not in shown or row.state in ("uncertain", "missed"):
            shown.add(thread)
            found.append((row, slug))
    return sorted(found, key=lambda each: each[0].slot.astimezone(_zone(each[0])).replace(tzinfo=None))


def _zone(row: DeliveryRecord) -> tzinfo:
    from govpost.times import zone

    return zone(row.zone)


def _line(row: DeliveryRecord, slug: str) -> str:
    time = f"{row.slot.astimezone(_zone(row)):%H:%M %Z}"
    action = "" if row.action == "publish" else f"  {row.action}"
    parts = f"  {out.counted(row.parts, 'part')}" if row.parts > 1 else ""
    mark = "!! " if row.state in ("uncertain", "missed") else ""
    reason = f": {row.reason}" if row.reason and row.state != "queued" else ""
    return f"{time}  {slug}{action}{parts}  {mark}{row.state}{reason}"


@command.command("move", epilog="govpost queue move library-hours --at '2026-11-27 08:00' --channel hub")
@click.argument("name", metavar="POST")
@click.option(
    "--at",
    "at",
    required=True,
    metavar="TIME",
    help="'YYYY-MM-DD HH:MM' on the channel's clock, or RFC 3339.",
)
@click.option("--channel", metavar="NAME", help="Only on this channel.")
@pass_session
def move(session: Session, name: str, at: str, channel: str | None) -> None:
    """Give a post another time, within its own limits and the posting rate."""
    from govpost.editorial import queueing

    actor = session.actor
    when = instant(session, at, "--at", _clock_of(session, name, channel))
    _tell(session, queueing.move(session.store, session.config, actor, name, when, channel), "moved to")


def _clock_of(session: Session, name: str, channel: str | None) -> str:
    """Return the zone whose clock a time on the line is read from."""
    from govpost.errors import UsageFault
    from govpost.pilots import known
    from govpost.store import views

    if channel is not None:
        known(session.config, channel)
        return session.config.zone(channel)
    with session.store.read() as conn:
        zones = {row.zone for row in views.card(conn, name).deliveries if row.state in ("queued", "held")}
    if len(zones) > 1:
        raise UsageFault(
            f"{name} goes to channels in several time zones: {', '.join(sorted(zones))}", "add --channel"
        )
    return zones.pop() if zones else session.config.agency.timezone


@command.command("now", epilog='govpost queue now library-hours --reason "the library asked for it"')
@click.argument("name", metavar="POST")
@click.option("--reason", required=True, metavar="TEXT", help="Why it cannot wait; it is kept on the record.")
@click.option("--channel", metavar="NAME", help="Only on this channel.")
@pass_session
def now(session: Session, name: str, reason: str, channel: str | None) -> None:
    """Send a post as soon as the daemon can: past the gap of the rate, not past its caps or windows."""
    from govpost.editorial import queueing

    _tell(
        session,
        queueing.now(session.store, session.config, session.actor, name, reason, channel),
        "goes out from",
    )


def _tell(session: Session, rows: list[DeliveryRecord], verb: str) -> None:
    from govpost.store import views

    with session.store.read() as conn:
        slugs = views.slugs_of(conn, [row.post_id for row in rows])
    if session.as_json:
        out.document([shapes.delivery(row, slugs[row.post_id]) for row in rows])
        return
    for row in rows:
        held = f" (held: {row.reason})" if row.state == "held" else ""
        out.say(f"{slugs[row.post_id]} on {row.channel} {verb} {out.local(row.slot, row.zone)}{held}")
