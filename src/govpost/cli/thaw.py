"""`govpost thaw`: end the freeze, and look again at what it delayed."""

from __future__ import annotations

import click

from govpost.cli import out, shapes
from govpost.cli.context import Session, pass_session
from govpost.cli.frame import Command


@click.command("thaw", cls=Command, epilog='govpost thaw --reason "the accounts are ours again"')
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept on the record.")
@pass_session
def command(session: Session, reason: str) -> None:
    """End the freeze. What should have gone out meanwhile waits until a person has looked at it again."""
    from govpost.editorial import freezing
    from govpost.store import views

    session.fall_back()
    found = freezing.thaw(session.store, session.config, session.actor, reason)
    rows = [*found.missed, *found.uncertain]
    with session.store.read() as conn:
        shown = views.sent(conn, views.among([row.id for row in rows]))
    if session.as_json:
        out.document(
            {"frozen": False, "review": [shapes.delivery(*each) for each in shown], "waiting": found.waiting}
        )
        return
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
