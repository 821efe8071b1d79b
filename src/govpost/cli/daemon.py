"""`govpost daemon`: the background process in the foreground, for a service manager or a terminal."""

from __future__ import annotations

import logging
import signal
import sys
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING, TextIO

import click

from govpost.cli import out
from govpost.cli.context import Session, pass_session, span
from govpost.cli.errors import INTERRUPTED, frames
from govpost.cli.frame import Noun

if TYPE_CHECKING:
    from govpost.daemon.loop import Mode

CLEAR = "\r\x1b[K"


class Lines(logging.Formatter):
    """One line a record for people; what could steer the terminal is left out."""

    def __init__(self, clear: str = "") -> None:
        super().__init__()
        self.clear = clear

    def format(self, record: logging.LogRecord) -> str:
        """Write a record: time, level when it is more than news, message, and the exception's name."""
        when = datetime.fromtimestamp(record.created, UTC).astimezone()
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        failed = f" ({record.exc_info[0].__name__})" if record.exc_info and record.exc_info[0] else ""
        message = " ".join(out.plain(record.getMessage()).split())
        return f"{self.clear}{when:%H:%M:%S} {level}{message}{failed}"


class JsonLines(logging.Formatter):
    """One JSON object a record, for log collectors."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record; the places of an exception go with it in one field."""
        fields = {
            "at": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["trace"] = "\n".join(frames(record.exc_info[1]))
        return out.as_json(fields)


class Progress:
    """One line on a terminal that is written over: how many deliveries stand where."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.shown = ""

    def __call__(self) -> None:
        """Write the line again when something has changed."""
        from govpost.errors import GovpostError
        from govpost.store import views
        from govpost.store.rows import DELIVERY

        try:
            with self.session.store.read() as conn:
                counts, due = views.counts(conn, DELIVERY), views.next_due(conn)
        except GovpostError:
            return
        following = f"; next due {out.local(due, self.session.config.agency.timezone)}" if due else ""
        line = f"deliveries: {out.totals(counts)}{following}"
        if line != self.shown:
            self.shown = line
            sys.stderr.write(f"{CLEAR}{line}")
            sys.stderr.flush()

    def again(self) -> None:
        """Write the line again below what was logged over it."""
        if self.shown:
            sys.stderr.write(self.shown)
            sys.stderr.flush()

    def end(self) -> None:
        """Leave the line standing."""
        if self.shown:
            sys.stderr.write("\n")


class Above(logging.StreamHandler[TextIO]):
    """Logs above the progress line."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(sys.stderr)
        self.progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, then the progress line again."""
        super().emit(record)
        self.progress.again()


@click.group(
    "daemon",
    cls=Noun,
    invoke_without_command=True,
    epilog="govpost daemon\ngovpost daemon --until-idle\ngovpost daemon drain --all",
)
@click.option("--once", is_flag=True, help="Make one pass over what is due, then end; 1 if it could not.")
@click.option(
    "--until-idle", is_flag=True, help="End when nothing is due, in flight or about to be tried again."
)
@click.pass_context
def command(ctx: click.Context, once: bool, until_idle: bool) -> int:
    """Publish what is due. Runs until it is told to stop; SIGHUP reads config.toml again."""
    if ctx.invoked_subcommand is not None:
        if once or until_idle:
            raise click.UsageError(f"--once and --until-idle do not go with {ctx.invoked_subcommand}")
        return 0
    if once and until_idle:
        raise click.UsageError("--once and --until-idle do not go together")
    return _run(ctx.obj, "once" if once else "until-idle" if until_idle else "forever")


def _run(session: Session, mode: Mode) -> int:
    from govpost.daemon.loop import Daemon

    on_terminal = sys.stderr.isatty() and not session.as_json
    progress = Progress(session)
    _log(progress if on_terminal else None)
    idle = Daemon(session.workspace, mode=mode)
    if on_terminal:
        idle.progress = progress
    interrupted = _handle_signals(idle)
    try:
        idle.run()
    finally:
        progress.end()
    if interrupted:
        return INTERRUPTED
    return int(mode == "once" and bool(idle.presence.trouble))


@command.command(
    "drain",
    epilog='govpost daemon drain --all --reason "the machine is restarted"\ngovpost daemon drain web2',
)
@click.argument("name", metavar="[DAEMON]", required=False)
@click.option("--all", "every", is_flag=True, help="Every daemon that is at work.")
@click.option("--reason", default="", metavar="TEXT", help="Why; it is kept on the record.")
@click.option(
    "--wait",
    default="60s",
    metavar="DURATION",
    show_default=True,
    help="How long to wait for the end; 0s: not at all.",
)
@pass_session
def drain(session: Session, name: str | None, every: bool, reason: str, wait: str) -> int:
    """Ask a daemon to claim nothing more, finish what is in flight and end. Exits 1 if it is not known to have ended.

    DAEMON is its id, a unique beginning or end of that, its host, or host:process. After the wait it goes on finishing.
    """
    from govpost.cli import drains
    from govpost.errors import UsageFault

    if (name is None) is not every:
        raise UsageFault("name one daemon, or say --all", "govpost status lists them")
    return drains.drain(session, name, reason, span(wait, "--wait"))


def _handle_signals(daemon: object) -> list[int]:
    """Let the daemon stop cleanly on signals, and note a Ctrl-C for the exit code."""
    from govpost.daemon.loop import Daemon

    assert isinstance(daemon, Daemon)  # noqa: S101 - typed late, for start-up
    daemon.handle_signals()
    stop = signal.getsignal(signal.SIGINT)
    interrupted: list[int] = []

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        interrupted.append(number)
        if callable(stop):
            stop(number, frame)

    signal.signal(signal.SIGINT, on_interrupt)
    return interrupted


def _log(progress: Progress | None) -> None:
    handler = Above(progress) if progress else logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(CLEAR) if progress else JsonLines())
    log = logging.getLogger("govpost")
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
