"""`govpost init DIR`: a workspace to begin with."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from govpost.cli import out
from govpost.cli.context import Session, pass_session
from govpost.cli.frame import Command


@click.command("init", cls=Command, epilog="govpost init riverton")
@click.argument("folder", metavar="DIR")
@pass_session
def command(session: Session, folder: str) -> None:
    """Make a new workspace, with you as its first person. Nothing that is there is overwritten."""
    from govpost.cli import beginning

    root = session.root / folder
    person, written = beginning.make(root)
    if session.as_json:
        out.document(
            {"root": str(root.resolve()), "person": person, "files": [str(path) for path in written]}
        )
        return
    for path in written:
        out.say(f"wrote {path}")
    where = "" if root.resolve() == Path.cwd() else f" -C {shlex.quote(str(root))}"
    out.say(
        f"\nYou are its first person, {person}, with every role. Whoever wrote a post may not approve it,"
    )
    out.say(f"so a second person is needed: add one to {root / 'config.toml'}.\n")
    out.say("Next:")
    out.say(f"  govpost{where} doctor")
    out.say(f"  govpost{where} pilot start website")
    out.say(f"  govpost{where} post add content/welcome.md")
