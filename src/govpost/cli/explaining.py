"""The reasons behind a post's future, each with the line of config.toml it rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from govpost import planning
from govpost.cli import attention, out, pulse
from govpost.cli.context import Session
from govpost.config import Config
from govpost.editorial import reviewing
from govpost.store import obstacles
from govpost.store.engine import Tx
from govpost.store.rows import DeliveryRecord
from govpost.store.views import Card
from govpost.times import rfc3339

_RULE = re.compile(r"\[([\w.-]+)\] (\w+) = ")


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One reason: on which channel (None: the post itself), when it goes, why, what settles it."""

    why: str
    channel: str | None = None
    part: int | None = None
    state: str | None = None
    due: datetime | None = None
    line: int | None = None
    command: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it for scripts; `line` is a line of config.toml."""
        due = rfc3339(self.due) if self.due else None
        names = ("channel", "part", "state", "why", "line", "command")
        return {**{name: getattr(self, name) for name in names}, "due": due}


def of_post(session: Session, card: Card) -> Iterator[Reason]:
    """Say what the post itself still needs."""
    post, config = card.post, session.config
    if post.state == "draft":
        yield Reason(why="it is a draft: nobody has submitted it", command=f"govpost post submit {post.slug}")
    elif post.state == "submitted":
        for wish in reviewing.wanting(config, card.approvals_in_force):
            line = config.line("review", "stages", "0") or config.line("review")
            yield Reason(why=f"it waits for {wish}", line=line, command=f"govpost review show {post.slug}")
    elif post.state == "approved":
        yield Reason(
            why="it is approved, and a publisher gives it its slots",
            line=config.line("review", "schedule"),
            command=f"govpost post schedule {post.slug}",
        )
    elif post.state == "cancelled":
        yield Reason(why="it was cancelled: nothing of it goes out")
    if not config.strategy.goals:
        yield Reason(why="the strategy has no goals, so nothing is published", line=config.line("strategy"))


def of_deliveries(session: Session, card: Card) -> Iterator[Reason]:
    """Say of each delivery why it stands where it does, of the copies of a bulletin together."""
    alike: dict[tuple[object, ...], list[DeliveryRecord]] = {}
    for row in card.deliveries:
        alone = row.id if row.recipient is None else ""
        key = (row.channel, row.action, row.state, row.reason, row.slot, row.due, row.ambiguous, alone)
        alike.setdefault(key, []).append(row)
    with session.store.write(session.reader.id) as tx:
        found = [_of_delivery(tx, session.config, card, rows[0], len(rows)) for rows in alike.values()]
        beat = pulse.pulse(tx.conn, session.store)
    yield from found
    if not beat.running and any(row.state == "queued" for row in card.deliveries):
        yield Reason(why=f"the daemon {beat.words}; without it nothing goes out", command="govpost daemon")


def _of_delivery(tx: Tx, config: Config, card: Card, row: DeliveryRecord, many: int) -> Reason:
    when, line, command, due = out.local(row.slot, row.zone), None, "", None
    if row.state == "queued":
        due = row.due
        why, line = _queued(tx, config, row, when)
    elif row.state == "held":
        why, line = f"it is held: {row.reason}; its time is {when}", _line_of_obstacle(tx, config, row)
    elif row.state == "live":
        said = "it was taken down" if row.action == "withdraw" else "it is public since"
        why = f"{said} {out.local(row.live_at, row.zone)}" + (f": {row.url}" if row.url else "")
    elif row.state in ("publishing", "pending"):
        why = f"it is on its way: {row.state}"
    else:
        why = f"it is {row.state}" + (f": {row.reason}" if row.reason else "")
        command = attention.settles(row, card.post.slug)
        line = config.line("channels", row.channel, "rate", "late") if row.state == "missed" else None
    return Reason(
        why=_which(row, many) + why,
        channel=row.channel,
        part=row.part,
        state=row.state,
        due=due,
        line=line,
        command=command,
    )


def _which(row: DeliveryRecord, many: int) -> str:
    if row.recipient is not None:
        return f"{out.counted(many, 'copy', 'copies')} of {row.parts:,}: "
    return f"part {row.part}: " if row.parts > 1 else ""


def _queued(tx: Tx, config: Config, row: DeliveryRecord, when: str) -> tuple[str, int | None]:
    stopped = obstacles.obstacle(tx.conn, row.channel, row.platform, tx.now)
    stopped = stopped or (_begins_post(row) and obstacles.cap_reached(tx.conn, row.channel)) or None
    if stopped:
        return f"it is queued for {when}, but {stopped}", _line_of_obstacle(tx, config, row)
    rate = ("channels", row.channel, "rate")
    if row.tries and row.reason:
        again = out.local(row.due, row.zone)
        return f"it is tried again at {again}: {row.reason}", config.line(*rate, "attempts")
    given = _given(row)
    if given is not None:
        return f"it goes out at {when}{given}", None
    why = _why_not_before(tx, config, row)
    if why is None:
        return f"it goes out at {when}, as early as may be", config.line(*rate, "windows") or config.line(
            *rate
        )
    return f"it goes out at {when}, not earlier: {why}", line_of_rule(config, why)


def _given(row: DeliveryRecord) -> str | None:
    """Say what set the time where no rate did, None where one did."""
    if row.rush:
        return " or as soon as may be, by order"
    if row.fixed:
        return ": the post or a publisher asked for that time"
    return None if _begins_post(row) else ""


def _begins_post(row: DeliveryRecord) -> bool:
    return row.part == 1 and row.action == "publish" and row.recipient is None


def _why_not_before(tx: Tx, config: Config, row: DeliveryRecord) -> str | None:
    """Say what stood against the earliest time the post could have had."""
    if row.channel not in config.channels:
        return None
    earliest = max(each for each in (row.created_at, row.not_before) if each is not None)
    if row.not_before is not None and row.slot == row.not_before:
        return "the post says not_before"
    if row.slot <= earliest:
        return None
    return planning.calendar(tx, config, row.channel, [row.id]).refuses(earliest)


def line_of_rule(config: Config, why: str) -> int | None:
    """Return the line of the config key that a reason of the planner names."""
    found = _RULE.search(why)
    if found is None:
        return None
    table = found[1].split(".")
    return config.line(*table, found[2]) or config.line(*table)


def _line_of_obstacle(tx: Tx, config: Config, row: DeliveryRecord) -> int | None:
    if obstacles.cap_reached(tx.conn, row.channel):
        return config.line("channels", row.channel, "pilot", "caps")
    if "pilot" in row.reason:
        return config.line("channels", row.channel, "pilot")
    return config.line("channels", row.channel, "platform") if "plugin" in row.reason else None
