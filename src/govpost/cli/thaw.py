"""`govpost thaw`: end the freeze, and look again at what it delayed."""

from __future__ import annotations

import sys

import click

from govpost.cli import out, shapes
from govpost.cli.context import Session, pass_session
from govpost.cli.frame import Command


@click.command("thaw", cls=Command, epilog='govpost thaw --reason "the accounts are ours again"')
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept on the record.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def command(session: Session, yes: bool, reason: str) -> int:
    """End the freeze. What should have gone out meanwhile waits until a person has looked at it again.

    After a restore it asks first, on a terminal, while deliveries are uncertain.
    """
    from govpost.editorial import freezing
    from govpost.store import views

    session.fall_back()
    if not _goes_on(session, yes):
        out.say("still frozen")
        return 1
    found = freezing.thaw(session.store, session.config, session.actor, reason)
    rows = [*found.missed, *found.uncertain]
    with session.store.read() as conn:
        shown = views.sent(conn, views.among([row.id for row in rows]))
    if session.as_json:
        out.document(
            {"frozen": False, "review": [shapes.delivery(*each) for each in shown], "waiting": found.waiting}
        )
        return 0
    out.say(
        f"the freeze is over; the daemon lets go on {out.counted(found.waiting, 'delivery', 'deliveries')}"
    )
    for row, slug in shown:
        out.say(f"  look again: {slug} on {row.channel} is {row.state}")
        settle = "resolve" if row.state == "uncertain" else "retry"
        options = (
            " --live URL | --not-there | --give-up"
            if row.state == "uncertain"
            else f"  (or: govpost post cancel {slug})"
        )
        out.say(f"    govpost delivery {settle} {row.id}{options}")
    return 0


def _goes_on(session: Session, yes: bool) -> bool:
    """Say what is uncertain after a restore, and ask on a terminal whether to thaw all the same."""
    from govpost.cli import attention

    actor = session.actor
    with session.store.read() as conn:
        many = attention.unsettled(conn)
    if not many or not actor.known:
        return True
    unsure = out.counted(many, "delivery is", "deliveries are")
    out.say(f"govpost: since the restore {unsure} uncertain: public or not, nobody has looked", err=True)
    out.say("tip: settle them before the thaw: govpost delivery list --state uncertain", err=True)
    asks = not yes and not session.as_json and sys.stdin.isatty() and sys.stdout.isatty()
    return not asks or click.confirm("Thaw all the same?")
