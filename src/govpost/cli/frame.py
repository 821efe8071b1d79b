"""What all commands share: the three options that may stand anywhere in the line, and help with an example."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.exceptions import NoSuchCommand


def _keep_root(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.obj.root = Path(value)


def _keep_person(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.obj.impersonate = value


def _keep_json(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        ctx.obj.as_json = True


def _common(*, hidden: bool) -> list[click.Parameter]:
    shared: dict[str, Any] = {"expose_value": False, "hidden": hidden}
    return [
        click.Option(
            ["-C", "root"],
            metavar="WORKSPACE",
            callback=_keep_root,
            help="The workspace's folder; without it, this one.",
            **shared,
        ),
        click.Option(
            ["--as", "person"],
            metavar="PERSON",
            callback=_keep_person,
            help="Act as somebody else, where config.toml allows it.",
            **shared,
        ),
        click.Option(
            ["--json", "as_json"],
            is_flag=True,
            callback=_keep_json,
            help="Answer in JSON, for scripts.",
            **shared,
        ),
    ]


def _write_example(epilog: str | None, formatter: click.HelpFormatter) -> None:
    if epilog:
        lines = epilog.splitlines()
        with formatter.section("Example" if len(lines) == 1 else "Examples"):
            formatter.write("".join(f"{'':>{formatter.current_indent}}{line}\n" for line in lines))


class Command(click.Command):
    """A command whose epilog is an example to copy."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _common(hidden=True)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the example as it stands."""
        _write_example(self.epilog, formatter)


class Noun(click.Group):
    """A group of verbs; an unknown verb is answered with the nearest one."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _common(hidden=type(self) is Noun)

    def known(self) -> Sequence[str]:
        """Name what may be called."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; NoSuchCommand with all possibilities otherwise."""
        command = self.get_command(ctx, args[0])
        if command is None:
            raise NoSuchCommand(args[0], possibilities=self.known(), ctx=ctx)
        return args[0], command, args[1:]

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the verbs in the order of their definition."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write each verb with the whole first sentence of its help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.get_short_help_str(200)) for name, verb in self.commands.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the example as it stands."""
        _write_example(self.epilog, formatter)
