"""Writes reference/commands.md, states.md and what stands in the plugins' READMEs of what they can.

All of it comes from the program itself; tests/test_docs.py checks that it is current.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import click

from govpost import states
from govpost.cli.describing import markdown
from govpost.cli.root import TABLE, cli

FOLDER = Path(__file__).parent / "reference"
PLUGINS = Path(__file__).parents[1] / "plugins"
BEGIN, END = "<!-- can:begin -->", "<!-- can:end -->"

COMMANDS_HEAD = """\
# Commands

<!-- Written by docs/make_reference.py; change the program, then run it. -->

    govpost [-C WORKSPACE] [--as PERSON] [--json] NOUN VERB …

Three options may stand anywhere in the line:

| option | means |
|---|---|
| `-C WORKSPACE` | The workspace's folder; without it, the folder you are in. |
| `--as PERSON` | Act as somebody else. Works only where config.toml says `[security] impersonation = true`. |
| `--json` | Answer in JSON, for scripts. See [json](json.md). |

`govpost --version` (or `-V`) prints the version; `--help` works after every noun and verb.

POST is a slug, an id, or the unique beginning of an id. ID of a delivery is its id, or a unique beginning or end of it.

## Exit codes

| code | means |
|---|---|
| 0 | done; warnings may have been printed |
| 1 | refused, or a finding that blocks, or (`status`, `doctor`, `audit verify`, `plugin check`) something is wrong |
| 2 | the line itself is wrong: an unknown command, option, channel or person |
| 3 | a fault of govpost's own; please report it |
| 130 | interrupted with Ctrl-C |

An error is one line and one tip on standard error. [errors](errors.md) lists what they mean.
"""

STATES_HEAD = """\
# States

<!-- Written by docs/make_reference.py from govpost/states.py; change that, then run it. -->

Three things have states: a post, a delivery (one post on its way to one channel)
and a pilot (the trial of one channel).
Each table below is the whole truth: a move that is not in it is refused.
Every move is one event on the record, written in the same transaction.

`daemon` and `planner` are the engine's own hands; the other words are [roles](config.md#people) of people.
"""

INTRO = {
    "Post": """\
A post is *scheduled* while any of its deliveries is held, queued, publishing, pending, uncertain or missed.
Else it is *published* if one is live, else *failed* if one failed, else *cancelled*.
This is worked out again in the transaction of each delivery.
"Partly published" is said of a post of which some deliveries are live and some are not; it is no state of its own.""",
    "Delivery": """\
Each delivery goes its own way; one channel's trouble moves no other channel's delivery.
Nothing leads from *uncertain* straight to *publishing*: it has to be settled first.""",
    "Pilot": """\
A channel publishes only while its pilot is *running* or *graduated*.
A resumed pilot goes back to what it was.""",
}

MEANINGS = {
    "Post": {
        "draft": "taken in, or sent back with a remark; nobody reviews it",
        "submitted": "waits for review",
        "approved": "released; waits for a publisher to give it its slots",
        "scheduled": "has its slots; something of it is still open",
        "published": "public, and nothing is open any more",
        "failed": "something failed, and nothing of it is known to be public",
        "cancelled": "stopped before anything was known to be public",
        "withdrawn": "was public, and was taken down",
    },
    "Delivery": {
        "held": "must not go out now; the reason is kept with it",
        "queued": "waits for its time",
        "publishing": "a worker has it",
        "pending": "the platform has taken it in and does not show it yet",
        "live": "public; the receipt is kept",
        "uncertain": "it may be public, nobody knows; a person, a look or a safe repeat settles it",
        "failed": "not public, or given up by a person who could not tell (the reason says so); not tried again",
        "missed": "too late or expired; a person decides",
        "cancelled": "stopped, or let expire",
        "withdrawn": "was public, and was taken down",
    },
    "Pilot": {
        "proposed": "the channel stands in config.toml and was never started",
        "running": "publishes, within its caps and until its end",
        "suspended": "stopped; what waits there is held",
        "graduated": "permanent: caps and end no longer bind",
        "retired": "ended for good",
    },
}


def commands() -> str:
    """Return the page of all commands."""
    return "\n".join([COMMANDS_HEAD, *_pages()])


def _pages() -> Iterator[str]:
    root = click.Context(cli, info_name="govpost")
    for name in TABLE:
        command = cli.get_command(root, name)
        assert command is not None  # noqa: S101 - the table names what is there
        context = click.Context(command, info_name=name, parent=root)
        yield _page(command, context)
        if isinstance(command, click.Group):
            for verb, below in command.commands.items():
                yield _page(below, click.Context(below, info_name=verb, parent=context))


def _page(command: click.Command, context: click.Context) -> str:
    is_noun = isinstance(command, click.Group)
    words = [f"{'##' if context.parent and not context.parent.parent else '###'} {context.command_path}\n"]
    if not is_noun:
        usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
        words.append(f"    {usage}\n")
    words.append("\n".join(line.strip() for line in (command.help or "").strip().splitlines()) + "\n")
    options = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
    options = [each for each in options if each.name not in ("help", "root", "person", "as_json")]
    if options:
        rows = [_row(each, context) for each in options]
        words.append("\n".join(["| option | means |", "|---|---|", *rows]) + "\n")
    if command.epilog:
        words.append(f"```sh\n{command.epilog}\n```\n")
    return "\n".join(words)


def _row(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    assert record is not None  # noqa: S101 - hidden options were left out
    name, text = (part.replace("|", "\\|") for part in record)
    return f"| `{name}` | {text} |"


def state_page() -> str:
    """Return the page of the three machines."""
    words = [STATES_HEAD]
    for title, machine in (("Post", states.POST), ("Delivery", states.DELIVERY), ("Pilot", states.PILOT)):
        meanings = MEANINGS[title]
        rows = [f"| {state.value} | {meanings[state.value]} |" for state in machine.states]
        listed = "\n".join(["| state | means |", "|---|---|", *rows])
        words += [f"## {title}\n", f"{INTRO[title]}\n", f"{listed}\n", f"{machine.table()}\n"]
        words.append(f"```mermaid\n{machine.mermaid()}\n```\n")
    return "\n".join(words)


PAGES = {"commands.md": commands, "states.md": state_page}


def readmes() -> dict[Path, str]:
    """Return the READMEs of the plugins, each with what its platforms can between its two marks."""
    paths = sorted(PLUGINS.glob("*/README.md"))
    return {path: _readme(path) for path in paths if BEGIN in path.read_text(encoding="utf-8")}


def _readme(path: Path) -> str:
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    platforms = importlib.import_module(path.parent.name).govpost_platforms()
    note = "<!-- Written by docs/make_reference.py from the code; change that, then run it. -->"
    tables = "\n\n".join(markdown(platform) for platform in platforms)
    return f"{before}{BEGIN}\n{note}\n\n{tables}\n\n{END}{after}"


def main() -> None:
    """Write the pages and the READMEs."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
    for path, text in readmes().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
