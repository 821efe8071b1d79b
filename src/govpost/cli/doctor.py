"""`govpost doctor`: what is wrong with this workspace, and what to do about it."""

from __future__ import annotations

import click

from govpost.cli import out
from govpost.cli.context import Session, pass_session
from govpost.cli.frame import Command


@click.command("doctor", cls=Command, epilog="govpost doctor")
@pass_session
def command(session: Session) -> int:
    """Look for what is wrong: programs, config, store, plugins, secrets, people. Exits 1 when something is."""
    from govpost.cli import examining
    from govpost.cli.status import warn

    checks = list(examining.examine(session))
    warn(session, None)
    wrong = [each for each in checks if each.ok is False]
    if session.as_json:
        out.document({"ok": not wrong, "checks": [each.as_json() for each in checks]})
        return int(bool(wrong))
    words = {True: "ok", False: "WRONG", None: "note"}
    out.table(
        ("CHECK", "RESULT", "WHAT"), [(each.check, words[each.ok], each.detail) for each in checks], empty=""
    )
    for each in wrong:
        if each.tip:
            out.say(f"tip: {each.check}: {each.tip}")
    return int(bool(wrong))
