"""What the daemon does between deliveries: hold and release, judge lateness, fit queues to their rates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import and_, or_, select, update

from govpost import outcomes, planning
from govpost.config import Config
from govpost.domain import Action
from govpost.fitted import Fitted
from govpost.planner import ON_TIME
from govpost.rates import Rate
from govpost.states import DeliveryState, PilotState
from govpost.store import channels, conditions, deliveries, meta, obstacles, pilots
from govpost.store.engine import Tx
from govpost.store.rows import DELIVERY, DeliveryRecord
from govpost.times import describe, rfc3339

_WAITING = ("queued", "held")


def hold(tx: Tx, channel: str, why: str) -> int:
    """Hold everything queued on a channel, with the reason."""
    rows = deliveries.in_state(tx.conn, "queued", channel=channel)
    return sum(deliveries.move(tx, row, DeliveryState.HELD, why) for row in rows)


def reconcile(tx: Tx, config: Config, fitted: Mapping[str, Fitted], missing: Mapping[str, str]) -> None:
    """Hold what may not go out now and release what may again, channel by channel.

    `missing` says per channel why its platform is not loaded.
    """
    channels.ensure(tx, config.channels)
    for name, about in config.channels.items():
        pilots.propose(tx, name, about.platform)
        why = obstacles.obstacle(tx.conn, name, about.platform, tx.now)
        if why is None and name not in fitted:
            why = missing.get(name, f"no plugin brings the platform {about.platform}")
        pilot = pilots.get(tx.conn, name)
        if pilot is not None and pilot.state == PilotState.RETIRED:
            close(tx, name, f"the pilot of {name} was retired")
        elif why is not None:
            hold(tx, name, why)
            _say_why(tx, _releasable(tx, name), why)
        else:
            _release(tx, config, name)
    _hold_unknown(tx, config)


def close(tx: Tx, channel: str, why: str) -> None:
    """End what waits on a retired channel: nothing is ever sent there again, and what is unsettled asks a person."""
    waiting = deliveries.in_state(tx.conn, *_WAITING, channel=channel)
    for row in sorted(waiting, key=lambda each: -each.part):
        if row.ambiguous:
            deliveries.move(
                tx, row, DeliveryState.UNCERTAIN, f"{why}; an earlier attempt may be public", check_at=None
            )
        elif row.action == Action.WITHDRAW:
            deliveries.move(tx, row, DeliveryState.MISSED, f"{why}; take the post down by hand")
        else:
            deliveries.move(tx, row, DeliveryState.CANCELLED, why)


def _say_why(tx: Tx, rows: Iterable[DeliveryRecord], why: str) -> None:
    ids = [row.id for row in rows if row.reason != why]
    if ids:
        tx.conn.execute(update(DELIVERY).where(DELIVERY.c.id.in_(ids)).values(reason=why))


def _release(tx: Tx, config: Config, name: str) -> None:
    cap = obstacles.cap_reached(tx.conn, name)
    if cap is not None:
        for row in deliveries.find(
            tx.conn, DELIVERY.c.channel == name, DELIVERY.c.state == "queued", deliveries.opens_slot()
        ):
            deliveries.move(tx, row, DeliveryState.HELD, cap)
        _note_cap(tx, name, cap)
    waiting = _releasable(tx, name)
    released = [row for row in waiting if cap is None or row.part > 1 or row.action != Action.PUBLISH]
    if cap is not None:
        _say_why(tx, [row for row in waiting if row not in released], cap)
    for row in released:
        deliveries.move(tx, row, DeliveryState.QUEUED, "the reason is gone")
    if any(row.part == 1 and row.action == "publish" and row.due < tx.now for row in released):
        planning.replan(tx, config, name, "it was held past its time")


def _note_cap(tx: Tx, name: str, cap: str) -> None:
    """Leave one event when a cap is reached, and no second one until it is raised."""
    key = f"cap:{name}"
    if meta.get(tx.conn, key) != cap:
        meta.put(tx.conn, key, cap)
        tx.event("pilot.cap", f"pilot:{name}", why=cap, channel=name)


def _releasable(tx: Tx, name: str) -> list[DeliveryRecord]:
    """Return what is held on a channel and waits for no other part."""
    before = DELIVERY.alias("before")
    rows = tx.conn.execute(
        select(DELIVERY)
        .outerjoin(before, DELIVERY.c.waits_for == before.c.id)
        .where(DELIVERY.c.channel == name, DELIVERY.c.state == "held")
        .where(or_(DELIVERY.c.waits_for.is_(None), before.c.state.in_(("live", "withdrawn"))))
    )
    return [deliveries.record(row) for row in rows]


def _hold_unknown(tx: Tx, config: Config) -> None:
    for row in deliveries.find(
        tx.conn, DELIVERY.c.state == "queued", DELIVERY.c.channel.not_in(list(config.channels))
    ):
        deliveries.move(tx, row, DeliveryState.HELD, f"the channel {row.channel} is no longer in config.toml")


def judge_lateness(tx: Tx, config: Config) -> int:
    """Do with the late what the channel's rate says: ask, let expire, or send all the same."""
    rates = {name: config.rate(name) for name in config.channels}
    for row in deliveries.in_state(tx.conn, *_WAITING):
        rates.setdefault(row.channel, Rate())
    late = [row for name, rate in rates.items() for row in _late(tx, name, rate)]
    for row in late:
        _end_late(tx, row, rates[row.channel])
    return len(late)


def _late(tx: Tx, name: str, rate: Rate) -> list[DeliveryRecord]:
    past_grace = and_(DELIVERY.c.slot < tx.now - rate.grace, deliveries.opens_slot())
    expired = and_(DELIVERY.c.expires <= tx.now, conditions.can_expire())
    return deliveries.find(
        tx.conn,
        DELIVERY.c.channel == name,
        DELIVERY.c.state.in_(_WAITING),
        expired if rate.late == "send" else or_(past_grace, expired),
    )


def _end_late(tx: Tx, row: DeliveryRecord, rate: Rate) -> None:
    expired = row.expires is not None and row.expires <= tx.now
    because = (
        f"; it was held: {row.reason}"
        if row.state == "held"
        else f"; last: {row.reason}"
        if row.tries
        else ""
    )
    if expired:
        why = f"it expired on {rfc3339(row.expires)}{because}" if row.expires else ""
    else:
        why = f"late by {describe(tx.now - row.slot)}, more than its grace of {describe(rate.grace)}{because}"
    if row.ambiguous:
        deliveries.move(
            tx, row, DeliveryState.UNCERTAIN, f"{why}; an earlier attempt may be public", check_at=tx.now
        )
    elif not expired and rate.late == "expire":
        deliveries.move(tx, row, DeliveryState.CANCELLED, why)
    else:
        deliveries.move(tx, row, DeliveryState.MISSED, why)


def close_unsafe_repeats(tx: Tx, config: Config, fitted: Mapping[str, Fitted]) -> None:
    """Ask a person about ambiguous deliveries whose safe time for a repeat has passed, and about silent ones."""
    close_silent(tx, config, fitted)
    for row in deliveries.find(tx.conn, DELIVERY.c.state.in_(_WAITING), DELIVERY.c.ambiguous):
        known = fitted.get(row.channel)
        if known is not None and outcomes.repeat_is_safe(
            row.first_sent, tx.now, known.capabilities, config.daemon.attempt
        ):
            continue
        why = "an earlier attempt may have been published, and a repeat is no longer safe"
        deliveries.move(tx, row, DeliveryState.UNCERTAIN, why, check_at=tx.now)


def close_silent(tx: Tx, config: Config, fitted: Mapping[str, Fitted]) -> None:
    """Ask a person about pending posts whose platform is not there to be asked any more."""
    for row in deliveries.in_state(tx.conn, "pending"):
        if row.channel not in fitted and tx.now >= (row.gate_at or row.due) + config.daemon.pending:
            why = "the platform took it in, and its plugin is not loaded to ask what became of it"
            deliveries.move(tx, row, DeliveryState.UNCERTAIN, why, ambiguous=True, check_at=tx.now)


def replan_all(tx: Tx, config: Config, why: str) -> int:
    """Fit every queue to its rate, the main channel first, so that nothing floods."""
    names = sorted(config.channels, key=lambda name: name != config.main_channel)
    return sum(planning.replan(tx, config, name, why) for name in names)


def refit_overdue(tx: Tx, config: Config) -> None:
    """Fit what is overdue to its channel's rate before any of it goes out, whatever it waited for."""
    for name, about in config.channels.items():
        if not config.rate(name).restricts or not _overdue(tx, name):
            continue
        waits = channels.get(tx.conn, name).next_allowed_at
        blocked = obstacles.obstacle(tx.conn, name, about.platform, tx.now) is not None
        if not blocked and (waits is None or waits <= tx.now):
            planning.replan(tx, config, name, "it was overdue")


def _overdue(tx: Tx, channel: str) -> bool:
    late = (DELIVERY.c.state == "queued", DELIVERY.c.tries == 0, DELIVERY.c.due < tx.now - ON_TIME)
    new = (DELIVERY.c.channel == channel, deliveries.opens_slot(), ~DELIVERY.c.rush)
    return bool(deliveries.find(tx.conn, *new, *late, limit=1))


def say_no_goal(tx: Tx, config: Config) -> None:
    """Say on what is due that nothing goes out while the strategy has no goals."""
    reason = "no_goal: the strategy has no goals, so nothing is published"
    rows = DELIVERY.c.state == "queued", DELIVERY.c.due <= tx.now
    if config.strategy.goals:
        tx.conn.execute(update(DELIVERY).where(*rows, DELIVERY.c.reason == reason).values(reason=""))
    else:
        tx.conn.execute(update(DELIVERY).where(*rows, DELIVERY.c.reason != reason).values(reason=reason))
