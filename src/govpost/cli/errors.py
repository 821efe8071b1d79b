"""What goes wrong, told to a person (or a script): one line, one tip, an exit code; never a traceback."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import NoArgsIsHelpError, NoSuchCommand, NoSuchOption

from govpost.cli import out
from govpost.errors import GovpostError, Mistakes, did_you_mean

if TYPE_CHECKING:
    from govpost.cli.context import Session

OUR_FAULT = 3
INTERRUPTED = 130
SHOW = "GOVPOST_TRACEBACK"
"""The environment variable that shows tracebacks, for whoever mends govpost itself."""


def run(work: Callable[[], Any], session: Session) -> int:
    """Do `work` and return the exit code, after telling what went wrong."""
    try:
        found = work()
    except SystemExit as end:
        found = end.code
    except (click.Abort, KeyboardInterrupt):
        _tell(session, "interrupted", "", INTERRUPTED)
        found = INTERRUPTED
    except click.ClickException as error:
        found = _usage(session, error)
    except GovpostError as error:
        found = error.exit_code
        message, tip = _each_with_its_tip(session, error)
        several = isinstance(error, Mistakes)
        _tell(session, message, tip, found, prefix=not several, **_places(error))
    except Exception as error:
        found = _our_fault(session, error)
    return found if isinstance(found, int) else 0


def _usage(session: Session, error: click.ClickException) -> int:
    if isinstance(error, NoArgsIsHelpError):
        click.echo(error.message, err=True)
    else:
        _tell(session, _words(error), _usage_tip(error), error.exit_code)
    return error.exit_code


def _tell(session: Session, message: str, tip: str, code: int, *, prefix: bool = True, **more: Any) -> None:
    if session.as_json:
        told = {"error": message, "tip": tip, "exit": code, **more}
        click.echo(out.as_json(told), err=True)
        return
    message = message if not prefix else "govpost: " + " ".join(message.split())
    out.say(message, err=True)
    if tip:
        out.say(f"tip: {tip}", err=True)


def _each_with_its_tip(session: Session, error: GovpostError) -> tuple[str, str]:
    """Return what to print: where mistakes differ in what to do, each one's tip stands below it."""
    tips = [each.tip for each in error.mistakes] if isinstance(error, Mistakes) else []
    if session.as_json or len({tip for tip in tips if tip}) < 2:
        return error.message, error.tip
    assert isinstance(error, Mistakes)  # noqa: S101 - only mistakes have several tips
    lines = [f"{each}\n  tip: {each.tip}" if each.tip else str(each) for each in error.mistakes]
    return "\n".join(lines), ""


def _places(error: GovpostError) -> dict[str, Any]:
    if not isinstance(error, Mistakes):
        return {}
    names = ("message", "file", "line", "column", "tip")
    return {"mistakes": [{name: getattr(each, name) for name in names} for each in error.mistakes]}


def _words(error: click.ClickException) -> str:
    if isinstance(error, NoSuchCommand):
        name = error.command_name
        return f"there is no command {name!r}{did_you_mean(name, error.possibilities or ())}"
    if isinstance(error, NoSuchOption):
        name = error.option_name
        return f"there is no option {name}{did_you_mean(name, error.possibilities or ())}"
    text = error.format_message().rstrip(".")
    return text[:1].lower() + text[1:]


def _usage_tip(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{context.command_path if context else 'govpost'} --help shows how it is called"


def _our_fault(session: Session, error: Exception) -> int:
    if os.environ.get(SHOW):
        traceback.print_exception(error)
    kept = _keep(session, error)
    where = f"where it happened is written in {kept}" if kept else f"{SHOW}=1 shows where it happened"
    _tell(
        session, f"a fault of govpost's own: {type(error).__name__}", f"please report it; {where}", OUR_FAULT
    )
    return OUR_FAULT


def _keep(session: Session, error: BaseException) -> str | None:
    """Write the places of a fault, without any values: they could be secrets."""
    path = session.root / ".govpost" / "crash.log"
    if not path.parent.is_dir():
        return None
    lines = [
        f"{datetime.now(UTC).isoformat(timespec='seconds')} Python {sys.version.split()[0]}",
        *frames(error),
    ]
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(handle, "a", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor, for its mode
            stream.write("\n".join(lines) + "\n\n")
    except OSError:
        return None
    return str(path)


def frames(error: BaseException | None) -> Iterator[str]:
    """Give the names and places of an error and of what it came from, without any words: they could hold secrets."""
    while error is not None:
        yield type(error).__name__
        for frame in traceback.extract_tb(error.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
        error = error.__cause__ or error.__context__
