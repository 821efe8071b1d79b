"""What somebody must look at, each with the command that settles it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from govpost.cli import attention_gathered, pulse
from govpost.config import Config
from govpost.store import channels, deliveries, meta, pilots, posts, schema, views
from govpost.store.engine import Store
from govpost.store.rows import DELIVERY, DeliveryRecord
from govpost.store.witness import RESTORED

RECENT = timedelta(days=7)
"""How long an alarm that nobody can close stays in sight."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing to look at: what it is about, why, and what settles it."""

    kind: str
    subject: str
    why: str
    command: str

    def as_json(self) -> dict[str, str]:
        """Return it for scripts."""
        return {"kind": self.kind, "subject": self.subject, "why": self.why, "command": self.command}


def wrong_config(wrong: str | None) -> Iterator[Item]:
    """Say that config.toml is wrong and the one last taken over is in force."""
    if wrong is not None:
        why = f"{wrong}; the config last taken over is in force"
        yield Item(kind="config", subject="config.toml", why=why, command="govpost doctor")


def items(conn: Connection, config: Config, store: Store) -> list[Item]:
    """List everything that needs a person now, the gravest first."""
    now, moved, waiting = store.clock(), list(_moved(conn)), list(_deliveries(conn))
    if moved:
        return moved
    # What a restore made uncertain is settled before its freeze ends, so it is named before the thaw.
    first = [item for item in waiting if item.kind == "uncertain"] if unsettled(conn) else []
    return [
        *first,
        *_freeze(conn),
        *_duplicates(conn, now),
        *(item for item in waiting if item not in first),
        *_daemons(conn, config, store),
        *_channels(conn, now),
        *_pilots(conn, config, now),
        *_held(conn, now),
        *_releases(conn),
        *_come_back(conn),
    ]


def unsettled(conn: Connection) -> int:
    """Return how many deliveries are uncertain while the freeze of a restore is on; 0 when it is not."""
    restored = views.last_event(conn, RESTORED, "store")
    freeze = views.last_event(conn, "freeze", "everything")
    if meta.frozen(conn) is None or restored is None or (freeze is not None and freeze.id > restored.id):
        return 0
    return views.counts(conn, DELIVERY).get("uncertain", 0)


def _moved(conn: Connection) -> Iterator[Item]:
    """Name the one thing to do with a store that was moved away: its freeze is no freeze to thaw."""
    moved = meta.get(conn, schema.MOVED_KEY)
    if moved is not None:
        why = f"it was moved to {moved['to']} at {moved['at']}; nothing is sent or written from here any more"
        command = "set [store] database in config.toml to the new address"
        yield Item(kind="moved", subject="this store", why=why, command=command)


def _freeze(conn: Connection) -> Iterator[Item]:
    frozen = meta.frozen(conn)
    if frozen is not None:
        why = f"frozen by {frozen['by']} since {frozen['at']}: {frozen['reason']}"
        yield Item(kind="frozen", subject="everything", why=why, command="govpost thaw --reason TEXT")


def _duplicates(conn: Connection, now: datetime) -> Iterator[Item]:
    for event in views.events(conn, "delivery.duplicate", now - RECENT):
        slug = views.slugs_of(conn, [event.detail["post"]]).get(event.detail["post"], "?")
        key = event.subject.removeprefix("delivery:")
        yield Item(
            kind="duplicate",
            subject=f"{slug} on {event.detail['channel']}",
            why=f"{event.why}; take the second one down by hand",
            command=f"govpost delivery show {key}",
        )


SEES = {
    "publish": "--live URL | --not-there | --give-up",
    "amend": "--live URL (the corrected words stand there) | --not-there | --give-up",
    "withdraw": "--not-there (it is gone) | --live URL (it is still public) | --give-up",
}
SETTLES = {
    "uncertain": "govpost delivery resolve {id} {sees}",
    "failed": "govpost delivery retry {id}  (or: govpost post cancel {slug})",
    "missed": "govpost delivery retry {id}  (or: govpost post cancel {slug})",
}
OTHERWISE = (
    "(or: govpost delivery retry {id} --not-there, only if you looked; or: govpost post cancel {slug})"
)
GIVEN_UP = {
    "publish": f"govpost delivery resolve {{id}} --live URL  {OTHERWISE}",
    "amend": f"govpost delivery resolve {{id}} --live URL, where the corrected words stand  {OTHERWISE}",
    "withdraw": "govpost delivery retry {id}  (or, if it is gone: govpost delivery resolve {id} --not-there)",
}


def settles(row: DeliveryRecord, slug: str) -> str:
    """Return the command that settles a delivery; of one that may be public, it says that somebody has looked."""
    unsure = row.ambiguous and row.state in ("failed", "missed")
    form = GIVEN_UP[row.action] if unsure else SETTLES.get(row.state, "")
    return form.format(id=row.id, slug=slug, sees=SEES[row.action])


def _deliveries(conn: Connection) -> Iterator[Item]:
    for state in SETTLES:
        copies: dict[tuple[str, str, bool], list[DeliveryRecord]] = {}
        for row, slug in views.sent(conn, DELIVERY.c.state == state):
            if row.recipient is not None:
                copies.setdefault((slug, row.channel, row.ambiguous), []).append(row)
                continue
            yield Item(
                kind=state,
                subject=f"{slug} on {row.channel}" + (f", part {row.part}" if row.parts > 1 else ""),
                why=row.reason,
                command=settles(row, slug),
            )
        for (slug, channel, _), rows in copies.items():
            yield _copies(state, slug, channel, rows)


def _copies(state: str, slug: str, channel: str, rows: list[DeliveryRecord]) -> Item:
    """Put the copies of one bulletin into one line: a list has many readers."""
    why, often = Counter(row.reason for row in rows).most_common(1)[0]
    most = f"most often: {why}" if often < len(rows) else why
    command = settles(rows[0], slug)
    if len(rows) > 1:
        command = f"govpost delivery list --post {slug} --state {state}, then for each: {command}"
    number = "1 copy" if len(rows) == 1 else f"{len(rows):,} copies"
    return Item(
        kind=state, subject=f"{slug} on {channel}, {number} of {rows[0].parts:,}", why=most, command=command
    )


def _daemons(conn: Connection, config: Config, store: Store) -> Iterator[Item]:
    beat = pulse.pulse(conn, store)
    for subject, why, command in pulse.troubles(conn, beat):
        yield Item(kind="daemon", subject=subject, why=why, command=command)
    for name in pulse.unserved(beat, config.channels):
        why = "no daemon at work has its secrets, so nothing is sent there"
        yield Item(kind="channel", subject=name, why=why, command="govpost doctor")


def _channels(conn: Connection, now: datetime) -> Iterator[Item]:
    for name, about in channels.every(conn).items():
        if channels.is_paused(about, now):
            command = f"govpost channel resume {name} --reason TEXT"
            yield Item(kind="paused", subject=name, why=about.paused_why, command=command)


def _pilots(conn: Connection, config: Config, now: datetime) -> Iterator[Item]:
    for name, pilot in pilots.every(conn).items():
        decide = (
            f"govpost pilot graduate {name} --reason TEXT  (or: govpost pilot retire {name} --reason TEXT)"
        )
        if (
            pilot.state in ("running", "suspended")
            and pilot.ends is not None
            and pilot.ends < _today(config, name, now)
        ):
            why = f"the pilot ended on {pilot.ends}; nothing new is planned there until somebody decides"
            yield Item(kind="decision", subject=name, why=why, command=decide)
        elif pilot.state == "suspended" and _by_daemon(conn, name):
            command = f"govpost pilot resume {name} --reason TEXT"
            yield Item(kind="suspended", subject=name, why=pilot.reason, command=command)


def _come_back(conn: Connection) -> Iterator[Item]:
    for channel, slug, many in attention_gathered.gone(conn):
        number = "a post" if many == 1 else f"{many} posts"
        why = f"the platform no longer shows {number} of ours, the newest {slug}"
        command = f"govpost metrics list --channel {channel}, then govpost post withdraw {slug} --reason CODE"
        yield Item(kind="gone", subject=channel, why=why, command=command)
    for channel, why in attention_gathered.failing(conn):
        command = f"govpost metrics collect --channel {channel}"
        yield Item(kind="gathering", subject=channel, why=why, command=command)


STARTS = {
    "proposed": "govpost pilot start {name}",
    "suspended": "govpost pilot resume {name} --reason TEXT",
    "retired": "govpost post cancel {slug}",
}


def _held(conn: Connection, now: datetime) -> Iterator[Item]:
    """Name each channel where posts stand still past their time, or whose pilot nobody has started."""
    if meta.frozen(conn) is not None:
        return
    known = pilots.every(conn)
    for name, rows in groupby(_standing_still(conn), key=lambda row: row.channel):
        state = known[name].state if name in known else "proposed"
        waiting = [row for row in rows if state == "proposed" or row.slot <= now]
        told = channels.is_paused(channels.get(conn, name), now) or (
            state == "suspended" and _by_daemon(conn, name)
        )
        if told or not waiting:
            continue
        slug = views.slugs_of(conn, [waiting[0].post_id])[waiting[0].post_id]
        many = len({row.post_id for row in waiting})
        count = "1 post stands" if many == 1 else f"{many} posts stand"
        command = STARTS.get(state, "govpost explain {slug}").format(name=name, slug=slug)
        yield Item(kind="held", subject=name, why=f"{count} still: {waiting[0].reason}", command=command)


def _standing_still(conn: Connection) -> list[DeliveryRecord]:
    held = deliveries.find(conn, DELIVERY.c.state == "held", DELIVERY.c.waits_for.is_(None))
    return sorted(held, key=lambda row: row.channel)


def _today(config: Config, name: str, now: datetime) -> Any:
    from govpost.times import zone

    return now.astimezone(
        zone(config.zone(name) if name in config.channels else config.agency.timezone)
    ).date()


def _by_daemon(conn: Connection, channel: str) -> bool:
    last = views.last_event(conn, "pilot.suspended", f"pilot:{channel}")
    return last is not None and last.actor == "daemon"


def _releases(conn: Connection) -> Iterator[Item]:
    for post in posts.later_reviews(conn):
        yield Item(
            kind="later review",
            subject=post.slug,
            why="released alone in an emergency; another person has to review it",
            command=f"govpost review show {post.slug}, then govpost review approve {post.slug}",
        )
