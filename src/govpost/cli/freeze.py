"""`govpost freeze`: stop everything, everywhere, now."""

from __future__ import annotations

import click

from govpost.cli import out, shapes
from govpost.cli.context import Session, pass_session
from govpost.cli.frame import Command


@click.command(
    "freeze", cls=Command, epilog='govpost freeze --reason "the accounts may have been taken over"'
)
@click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept on the record.")
@pass_session
def command(session: Session, reason: str) -> None:
    """Stop everything: once this returns, nothing more is sent. What is on the wire already is named."""
    from govpost.editorial import freezing
    from govpost.store import views

    session.fall_back()
    found = freezing.freeze(session.store, session.config, session.actor, reason)
    with session.store.read() as conn:
        slugs = views.slugs_of(conn, [row.post_id for row in found.on_the_wire])
    if session.as_json:
        wire = [shapes.delivery(row, slugs[row.post_id]) for row in found.on_the_wire]
        out.document({"frozen": True, "held": found.held, "on_the_wire": wire})
        return
    out.say(f"everything is frozen; {out.counted(found.held, 'delivery is', 'deliveries are')} held")
    for row in found.on_the_wire:
        out.say(f"  on the wire already, left to finish: {slugs[row.post_id]} on {row.channel} ({row.id})")
    out.say("govpost thaw --reason TEXT ends it")
