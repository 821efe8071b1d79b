"""`govpost status`: whether somebody must look, and the command that settles it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from govpost.cli import out, shapes
from govpost.cli.context import Session, pass_session
from govpost.cli.frame import Command

if TYPE_CHECKING:
    from govpost.cli.attention import Item


@click.command("status", cls=Command, epilog="govpost status\ngovpost --json status")
@pass_session
def command(session: Session) -> int:
    """Say how things stand. Exits 1 while somebody must look, and prints what settles each."""
    from govpost.cli import attention, lasting, pulse
    from govpost.store import meta, views
    from govpost.store.rows import DELIVERY, POST

    wrong = session.fall_back()
    now = session.now
    with session.store.read() as conn:
        found = [*attention.wrong_config(wrong), *attention.items(conn, session.config, session.store)]
        expiries = lasting.expiries(session, conn)
        found += lasting.items(session, expiries)
        beat = pulse.pulse(conn, session.store)
        told: dict[str, Any] = {
            "ok": not found,
            "attention": [item.as_json() for item in found],
            "daemon": shapes.daemon(beat.daemon, now, running=beat.running) if beat.daemon else None,
            "daemons": [pulse.shape(beat, row) for row in beat.daemons],
            "frozen": meta.frozen(conn),
            "posts": views.counts(conn, POST),
            "deliveries": views.counts(conn, DELIVERY),
            "next_due": shapes.time(views.next_due(conn)),
            "clock_jump": meta.get(conn, "clock-jump"),
            "expiries": [lasting.shape(each) for each in expiries],
        }
        due = views.next_due(conn)
    warn(session, told["clock_jump"])
    if session.as_json:
        out.document(told)
        return int(bool(found))
    zone = session.config.agency.timezone
    out.facts(
        [
            ("daemon", _daemon_words(beat.words, told["daemon"])),
            ("posts", out.totals(told["posts"])),
            ("deliveries", out.totals(told["deliveries"])),
            ("next due", out.local(due, zone) or "nothing is queued"),
        ]
    )
    pulse.table(beat)
    for line in lasting.lines(session, expiries):
        out.say(line)
    _say(found)
    return int(bool(found))


def warn(session: Session, clock_jump: dict[str, Any] | None) -> None:
    """Say on stderr what is overdue without stopping anything."""
    from datetime import datetime, timedelta

    for line in session.config.warnings(session.today().date()):
        out.say(f"warning: {line}", err=True)
    if clock_jump and session.now - datetime.fromisoformat(clock_jump["at"]) < timedelta(days=1):
        out.say(
            f"warning: this machine's clock jumped by {clock_jump['seconds']:+.0f} s at {clock_jump['at']}",
            err=True,
        )


def _daemon_words(words: str, daemon: dict[str, Any] | None) -> str:
    if daemon is None:
        return words
    age = (
        f"heartbeat {daemon['heartbeat_age']:.0f} s ago"
        if daemon["running"]
        else f"last heard of at {daemon['heartbeat_at']}"
    )
    why = f"; {daemon['why']}" if daemon["why"] else ""
    return f"{words}, {age}, process {daemon['pid']} on {daemon['host']}{why}"


def _say(found: list[Item]) -> None:
    if not found:
        out.say("nobody has to look at anything")
        return
    out.say()
    out.head(f"{out.counted(len(found), 'thing needs', 'things need')} a person:")
    for item in found:
        out.say(
            f"  {item.kind}: {item.subject}: {item.why}" if item.why else f"  {item.kind}: {item.subject}"
        )
        out.say(f"    {item.command}")
