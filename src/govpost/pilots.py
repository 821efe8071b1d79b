"""Pilots: start, suspend, resume, graduate and retire one channel without touching another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, update

from govpost import duties
from govpost.config import Config
from govpost.errors import Refused, UsageFault, did_you_mean
from govpost.people import Actor
from govpost.states import PilotState, Role
from govpost.store import deliveries
from govpost.store import pilots as rows
from govpost.store.engine import Store, Tx
from govpost.store.rows import DELIVERY, PILOT, CharterRecord, PilotRecord
from govpost.times import moment_of_instant

_ENDS = ("ends",)
_OPEN = ("publishing", "pending", "uncertain", "missed")


@dataclass(frozen=True, kw_only=True)
class Pilot:
    """A pilot as people see it: its row, its charter's versions, what a start still needs, and what was counted."""

    row: PilotRecord
    missing: list[str]
    charters: list[CharterRecord]
    counts: Mapping[str, int]
    open_question: int = 0


def known(config: Config, channel: str) -> None:
    """`UsageFault` unless the channel stands in config.toml."""
    if channel not in config.channels:
        near = did_you_mean(channel, config.channels)
        raise UsageFault(
            f"there is no channel {channel!r} in config.toml{near}", f"known: {', '.join(config.channels)}"
        )


def get(tx: Tx, config: Config, channel: str) -> Pilot:
    """Return one pilot, entering it as proposed when it is new."""
    known(config, channel)
    row = rows.propose(tx, channel, config.channels[channel].platform)
    return Pilot(
        row=row,
        missing=config.channels[channel].pilot.missing(),
        charters=rows.charters(tx.conn, channel),
        counts=counts(tx, channel),
        open_question=len(deliveries.in_state(tx.conn, *_OPEN, channel=channel)),
    )


def counts(tx: Tx, channel: str) -> dict[str, int]:
    """Count a channel's deliveries by state."""
    found = tx.conn.execute(
        select(DELIVERY.c.state, func.count().label("number"))
        .where(DELIVERY.c.channel == channel)
        .group_by(DELIVERY.c.state)
    )
    return {row.state: row.number for row in found}


def start(store: Store, config: Config, actor: Actor, channel: str) -> Pilot:
    """Start a pilot: only with a complete charter, which is locked as it stands."""
    actor.need(Role.ADMIN, to="start pilots")
    with store.write(actor.id) as tx:
        pilot = get(tx, config, channel)
        if pilot.row.state != PilotState.PROPOSED:
            again = "resume" if pilot.row.state == PilotState.SUSPENDED else "show"
            tip = f"govpost pilot {again} {channel}; a new trial is a new channel in config.toml"
            raise Refused(f"the pilot of {channel} is {pilot.row.state} already", tip)
        if pilot.missing:
            names = ", ".join(pilot.missing)
            raise Refused(
                f"the charter of {channel} is incomplete: {names}", f"fill in [channels.{channel}.pilot]"
            )
        today = _day(config, channel, tx.now)
        charter = config.channels[channel].pilot
        ends = charter.end(today)
        if ends is not None and ends < today:
            raise Refused(
                f"the charter of {channel} ended on {ends}",
                f"set a later `ends` in [channels.{channel}.pilot]",
            )
        rows.lock_charter(tx, pilot.row, _body(config, channel, ends), "locked at the start")
        cap = charter.caps.get("posts")
        rows.move(
            tx,
            pilot.row,
            PilotState.RUNNING,
            actor.roles,
            "started with a complete charter",
            started_at=tx.now,
            ends=ends,
            cap_posts=int(cap) if cap is not None else None,
        )
        return get(tx, config, channel)


def _day(config: Config, channel: str, instant: datetime) -> date:
    return moment_of_instant(instant, config.zone(channel)).local().date()


def _body(config: Config, channel: str, ends: date | None) -> dict[str, Any]:
    body = config.channels[channel].pilot.model_dump(mode="json", exclude=set(_ENDS))
    return body | {"ends": ends.isoformat() if ends else None}


def suspend(store: Store, config: Config, actor: Actor, channel: str, reason: str) -> Pilot:
    """Stop one pilot; what is queued there is held."""
    actor.need(Role.ADMIN, to="suspend pilots")
    with store.write(actor.id) as tx:
        pilot = get(tx, config, channel)
        rows.move(tx, pilot.row, PilotState.SUSPENDED, actor.roles, reason, resumes_to=pilot.row.state)
        duties.hold(tx, channel, f"the pilot of {channel} is suspended: {reason}")
        return get(tx, config, channel)


def resume(store: Store, config: Config, actor: Actor, channel: str, reason: str) -> Pilot:
    """Let a suspended pilot go on as what it was."""
    actor.need(Role.ADMIN, to="resume pilots")
    with store.write(actor.id) as tx:
        pilot = get(tx, config, channel)
        if pilot.row.state != PilotState.SUSPENDED:
            raise Refused(
                f"the pilot of {channel} is {pilot.row.state}, not suspended", f"govpost pilot show {channel}"
            )
        back = PilotState(pilot.row.resumes_to or PilotState.RUNNING)
        rows.move(tx, pilot.row, back, actor.roles, reason, resumes_to=None)
        return get(tx, config, channel)


def graduate(store: Store, config: Config, actor: Actor, channel: str, reason: str) -> Pilot:
    """Make a channel permanent: its caps and end date no longer bind."""
    actor.need(Role.ADMIN, to="graduate pilots")
    with store.write(actor.id) as tx:
        pilot = get(tx, config, channel)
        rows.move(tx, pilot.row, PilotState.GRADUATED, actor.roles, reason, ends=None, cap_posts=None)
        return get(tx, config, channel)


def retire(store: Store, config: Config, actor: Actor, channel: str, reason: str) -> Pilot:
    """End a pilot: cancel what waits, keep what is uncertain until it is settled, leave other channels alone."""
    actor.need(Role.ADMIN, to="retire pilots")
    with store.write(actor.id) as tx:
        pilot = get(tx, config, channel)
        rows.move(tx, pilot.row, PilotState.RETIRED, actor.roles, reason)
        duties.close(tx, channel, f"the pilot of {channel} was retired: {reason}")
        return get(tx, config, channel)


def note_changed_charters(tx: Tx, config: Config) -> None:
    """Keep an edited charter of a started pilot as a new version, beside the locked ones."""
    for channel, row in rows.every(tx.conn).items():
        if channel not in config.channels or row.state in ("proposed", "retired") or row.charter == 0:
            continue
        charter = config.channels[channel].pilot
        start = _day(config, channel, row.started_at or tx.now)
        ends = charter.end(start)
        before = row.charter
        if rows.lock_charter(tx, row, _body(config, channel, ends), "config.toml was edited") == before:
            continue
        if "graduated" not in (row.state, row.resumes_to):
            cap = charter.caps.get("posts")
            values = {"ends": ends, "cap_posts": int(cap) if cap is not None else None}
            tx.conn.execute(update(PILOT).where(PILOT.c.channel == channel).values(values))
