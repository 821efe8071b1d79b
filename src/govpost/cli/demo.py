"""`govpost demo`: the whole way of a post, in a city made up for it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from govpost.cli import out
from govpost.cli.frame import Command


@click.command("demo", cls=Command, epilog="govpost demo\ngovpost demo --dir /tmp/riverton")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    help="Where to build the city; without it, a new folder.",
)
def command(folder: Path | None) -> int:
    """See the whole way of a post in a city made up for it: real files, a real site, a real receiver on loopback."""
    from govpost.demo.story import Story
    from govpost.errors import Refused

    if folder is not None and folder.exists() and any(folder.iterdir()):
        raise Refused(f"{folder} is not empty", "name a new folder, or leave --dir out")
    root = folder or Path(tempfile.mkdtemp(prefix="govpost-demo-"))
    Story(root=root.resolve(), run=_run, say=out.say, head=_head).tell()
    return 0


def _head(text: str) -> None:
    out.say()
    out.head(text)


def _run(line: list[str]) -> int:
    from govpost.cli.root import cli

    try:
        cli.main(line, "govpost")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
