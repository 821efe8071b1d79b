"""`govpost metrics`: what platforms count of our posts, and asking them now."""

from __future__ import annotations

import csv
import sys
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from govpost.cli import gathered as shown
from govpost.cli import out
from govpost.cli.context import Session, instant, pass_session, span
from govpost.cli.frame import Noun

if TYPE_CHECKING:
    from govpost.collector.keeping import Gathered

_FORMULA = tuple("=+-@|＝＋－＠")
_GREW = "+/-"
_CSV = ("post", "channel", "platform", "part", "parts", "url", "live_at", "gone_at", "at", *shown.COUNTS)


@click.group("metrics", cls=Noun)
def command() -> None:
    """Metrics: what the platforms count of our posts. Unknown is not zero."""


@command.command("list", epilog="govpost metrics list --since 7d\ngovpost metrics list --csv")
@click.option("--post", metavar="POST", help="Only of this post, all its versions.")
@click.option("--channel", metavar="NAME", help="Only on this channel.")
@click.option("--since", metavar="WHEN", help="Only posts public since then: 7d, or a date.")
@click.option("--csv", "as_csv", is_flag=True, help="Answer in CSV, for spreadsheets.")
@pass_session
def list_(session: Session, post: str | None, channel: str | None, since: str | None, as_csv: bool) -> None:
    """List each post's latest counts, and by how much they grew since the sample before."""
    found = _measured(session, post, channel, _begin(session, since))
    if as_csv:
        _write_csv(found)
    elif session.as_json:
        out.document(found)
    else:
        _tell(session, found)


def _begin(session: Session, since: str | None) -> datetime | None:
    if since is None:
        return None
    if since.strip()[-1:].isalpha() and "T" not in since.upper():
        return session.now - span(since, "--since")
    return instant(session, since, "--since")


def _measured(
    session: Session, post: str | None, channel: str | None, since: datetime | None
) -> list[dict[str, Any]]:
    from govpost.pilots import known
    from govpost.store import gathered, posts, views
    from govpost.store.rows import DELIVERY

    if channel is not None:
        known(session.config, channel)
    with session.store.read() as conn:
        tests = [DELIVERY.c.post_id == posts.find(conn, post).id] if post else []
        tests += [DELIVERY.c.channel == channel] if channel else []
        tests += [DELIVERY.c.live_at >= since] if since else []
        found: list[dict[str, Any]] = []
        for page in gathered.measured(conn, *tests):
            slugs = views.slugs_of(conn, [each.delivery.post_id for each in page])
            found += [shown.measured(each, slugs[each.delivery.post_id]) for each in page]
    return found


def _tell(session: Session, found: Sequence[dict[str, Any]]) -> None:
    """Print a table: each count at its right edge, and beside those that moved by how much."""
    moved = {name for name in shown.COUNTS if any(each["growth"][name] for each in found)}
    counts = [
        column
        for name in shown.COUNTS
        for column in ((name.upper(), _GREW) if name in moved else (name.upper(),))
    ]
    rows = [[*_head(session, each), *_counts(each, moved)] for each in found]
    out.table(
        ("POST", "CHANNEL", "MEASURED", *counts), rows, empty="nothing has been measured yet", right=counts
    )


def _head(session: Session, each: dict[str, Any]) -> list[str]:
    part = f" {each['part']}/{each['parts']}" if each["parts"] > 1 else ""
    zone = session.config.agency.timezone
    at, gone = (_local(each[name], zone) for name in ("at", "gone_at"))
    when = f"{at or 'never'}; gone since {gone}" if gone else at
    return [f"{each['post']}{part}", each["channel"], when]


def _local(when: str | None, zone: str) -> str:
    return out.local(datetime.fromisoformat(when), zone) if when else ""


def _counts(each: dict[str, Any], moved: Collection[str]) -> Iterator[str]:
    for name in shown.COUNTS:
        yield shown.count(each[name])
        if name in moved:
            grown = each["growth"][name]
            yield f"{grown:+d}" if grown else ""


def _write_csv(found: Sequence[dict[str, Any]]) -> None:
    csv.writer(sys.stdout, lineterminator="\r\n").writerow(
        [*_CSV, *(f"{name}_growth" for name in shown.COUNTS)]
    )
    # Where the list separator is a semicolon, one in unquoted words would begin a cell of its own.
    sheet = csv.writer(sys.stdout, lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC)
    for each in found:
        grown = [each["growth"][name] for name in shown.COUNTS]
        sheet.writerow([_cell(value) for value in [*(each[name] for name in _CSV), *grown]])


def _cell(value: Any) -> Any:
    """Keep words from being taken for a formula by a spreadsheet (OWASP: CSV injection)."""
    if not isinstance(value, str):
        return value
    text = " ".join(out.plain(value).split())
    return f"'{text}" if text.startswith(_FORMULA) else text


@command.command("collect", epilog="govpost metrics collect --channel hub")
@click.option("--channel", metavar="NAME", help="Only on this channel.")
@pass_session
def collect(session: Session, channel: str | None) -> int:
    """Ask the platforms now, whether or not it is due. Exits 1 when a channel could not be asked."""
    from govpost.pilots import known
    from govpost.states import Role

    if channel is not None:
        known(session.config, channel)
    people = [role for role in Role if role not in (Role.DAEMON, Role.PLANNER)]
    session.actor.need(*people, to="ask the platforms")
    found = [_collect(session, name) for name in ([channel] if channel else session.config.channels)]
    asked = [each for each in found if each["ok"] is not None or channel]
    failed = int(any(not each["ok"] for each in asked))
    if session.as_json:
        out.document(found)
        return failed
    for each in asked:
        out.say(f"{each['channel']}: {_brought(each)}")
    if not asked:
        out.say("no channel has a platform that counts or listens and may be asked now")
    return failed


def _collect(session: Session, name: str) -> dict[str, Any]:
    """Gather on one channel; `ok` is None where there is nothing to ask or nobody may."""
    from dataclasses import asdict

    from govpost.collector import keeping, turns

    fitted = session.bench.fitted.get(name)
    blank: dict[str, Any] = {"channel": name, "ok": None, **asdict(keeping.Gathered())}
    if fitted is None:
        return blank | {"ok": False, "why": session.bench.missing.get(name, "its platform is not loaded")}
    if not turns.gathers(fitted):
        return blank | {"why": f"the platform {fitted.platform.name} neither counts nor listens"}
    with session.store.read() as conn:
        why = turns.obstacle(conn, fitted, session.now)
    if why is not None:
        return blank | {"why": why}
    told = keeping.together(list(_with_progress(session, name)))
    return blank | asdict(told) | {"ok": not told.why}


def _with_progress(session: Session, name: str) -> Iterator[Gathered]:
    """Gather, and say on a terminal how far it is."""
    from govpost.cli import accounts
    from govpost.collector.gathering import Collector
    from govpost.publisher import Setup

    setup = Setup(config=session.config, fitted=dict(session.bench.fitted))
    collector = Collector(
        sessions=accounts.sessions(session), setup=lambda: setup, stop=lambda: False, actor=session.actor.id
    )
    measured = 0
    _progress(f"{name}: asking …")
    for told in collector.everything(setup.fitted[name], setup.config):
        measured += told.measured
        _progress(f"{name}: {out.counted(measured, 'post')} measured …")
        yield told
    _progress("")


def _progress(words: str) -> None:
    """Write over the line on a terminal's stderr; nothing elsewhere."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{out.plain(words)}", nl=False, err=True)


def _brought(each: dict[str, Any]) -> str:
    if each["why"] and not each["measured"] and not each["new"]:
        return f"{'failed' if each['ok'] is False else 'not asked'}: {each['why']}"
    parts = [f"{out.counted(each['measured'], 'post')} measured"]
    parts += [f"{out.counted(each['new'], 'new reply', 'new replies')}"]
    parts += [f"{each['changed']} changed"] if each["changed"] else []
    parts += [f"{each['gone']} gone"] if each["gone"] else []
    return ", ".join(parts) + (f"; then failed: {each['why']}" if each["why"] else "")
