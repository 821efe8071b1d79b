"""The root of the command line: a table of nouns, so that help costs no more than click itself."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

import govpost
from govpost.cli import errors
from govpost.cli.context import Session
from govpost.cli.frame import Noun

TABLE = {
    "init": ("init", "Make a new workspace."),
    "demo": ("demo", "See the whole way of a post in a city made up for it."),
    "post": ("post", "Take posts in, check, preview, submit, cancel, correct, withdraw."),
    "review": ("review", "Look at what waits for a second person; approve or return it."),
    "queue": ("queue", "See the calendar of what is planned; move it."),
    "delivery": ("delivery", "See how each delivery ended; settle the uncertain ones."),
    "metrics": ("metrics", "See what the platforms count of our posts; ask them now."),
    "explain": ("explain", "Say why a post goes out or not, when, and under which line of config.toml."),
    "status": ("status", "Say whether somebody must look, and the command that settles it."),
    "pilot": ("pilot", "Start, suspend, graduate and retire channels."),
    "channel": ("channel", "Pause and resume single channels."),
    "vault": (
        "vault",
        "See which secrets are stored and until when; exchange the keys they are sealed with.",
    ),
    "plugin": ("plugin", "List, switch, write and check plugins."),
    "daemon": ("daemon", "Publish what is due, in the foreground."),
    "freeze": ("freeze", "Stop everything on every channel, at once."),
    "thaw": ("thaw", "End the freeze."),
    "store": ("store", "Upgrade, check, back up, restore and move the store."),
    "audit": ("audit", "Read the record and verify that nobody changed it."),
    "doctor": ("doctor", "Look for what is wrong with this workspace."),
}
"""Command → its module in this package, and its line in `govpost --help`."""


def _refuse_bytes(word: str) -> None:
    try:
        word.encode()
    except UnicodeEncodeError:
        raise click.UsageError("the line holds bytes that are not UTF-8 text") from None


class Root(Noun):
    """The commands of `TABLE`, each imported when it is called; every error becomes a line, a tip and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the table."""
        return list(TABLE)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the module behind a name."""
        if cmd_name not in TABLE:
            return None
        command: click.Command = import_module(f"govpost.cli.{TABLE[cmd_name][0]}").command
        return command

    def known(self) -> Sequence[str]:
        """Name what may be called."""
        return list(TABLE)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table without importing what it names."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in TABLE.items()])

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> Any:
        """Run, turn what goes wrong into words, and always leave with the exit code."""
        line = list(sys.argv[1:] if args is None else args)
        session = Session(as_json="--json" in line)
        extra.pop("standalone_mode", None)

        def work() -> Any:
            for word in line:
                _refuse_bytes(word)
            return super(Root, self).main(
                line, prog_name or "govpost", standalone_mode=False, obj=session, **extra
            )

        code = errors.run(work, session)
        session.close()
        sys.exit(code)


@click.group(
    "govpost",
    cls=Root,
    epilog="govpost init riverton\ngovpost -C riverton post add content/\ngovpost -C riverton status",
)
@click.version_option(govpost.__version__, "-V", "--version", message="govpost %(version)s")
def cli() -> None:
    """Publish a government's posts: nothing unapproved, nothing twice, nothing lost."""
