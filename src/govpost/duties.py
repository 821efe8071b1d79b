"""What the daemon does between deliveries: hold and release, judge lateness, fit queues to their rates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy import ColumnElement, and_, exists, or_, select, update

from govpost import outcomes, planning
from govpost.config import Config
from govpost.domain import Action
from govpost.fitted import Fitted
from govpost.planner import ON_TIME
from govpost.rates import Rate
from govpost.states import DeliveryState, PilotState
from govpost.store import channels, conditions, copies, deliveries, meta, obstacles, pilots, waiting
from govpost.store.engine import Tx
from govpost.store.rows import DELIVERY, DeliveryRecord
from govpost.store.waiting import is_waiting
from govpost.times import describe, rfc3339


def hold(tx: Tx, channel: str, why: str) -> int:
    """Hold everything queued on a channel, with the reason."""
    queued = (DELIVERY.c.channel == channel, DELIVERY.c.state == "queued")
    return copies.move_all(tx, DeliveryState.HELD, why, *queued)


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
            _say_why(tx, why, *_releasable(name))
        else:
            _release(tx, config, name)
    _hold_unknown(tx, config)


def close(tx: Tx, channel: str, why: str) -> None:
    """End what waits on a retired channel: nothing is ever sent there again, and what is unsettled asks a person."""
    here = (DELIVERY.c.channel == channel, is_waiting())
    for row in copies.one_of_each(tx.conn, *here):
        if row.ambiguous:
            said = f"{why}; an earlier attempt may be public"
            copies.move(tx, row, DeliveryState.UNCERTAIN, said, *here, check_at=None)
        elif row.action == Action.WITHDRAW:
            copies.move(tx, row, DeliveryState.MISSED, f"{why}; take the post down by hand", *here)
        else:
            copies.move(tx, row, DeliveryState.CANCELLED, why, *here)


def _say_why(tx: Tx, why: str, *tests: ColumnElement[bool]) -> None:
    tx.conn.execute(update(DELIVERY).where(*tests, DELIVERY.c.reason != why).values(reason=why))


def _release(tx: Tx, config: Config, name: str) -> None:
    cap = obstacles.cap_reached(tx.conn, name)
    new, released = conditions.begins_post(), _releasable(name)
    if cap is not None:
        queued = (DELIVERY.c.channel == name, DELIVERY.c.state == "queued", new)
        copies.move_all(tx, DeliveryState.HELD, cap, *queued)
        _note_cap(tx, name, cap)
        _say_why(tx, cap, *released, new)
        released = (*released, ~new)
    if not deliveries.in_state(tx.conn, "held", channel=name, limit=1):
        return  # asked by itself, for which there is an index: the questions below may look at all that is queued
    past = bool(deliveries.find(tx.conn, *released, new, DELIVERY.c.due < tx.now, limit=1))
    copies.move_all(tx, DeliveryState.QUEUED, "the reason is gone", *released)
    if past:
        planning.replan(tx, config, name, "it was held past its time")


def _note_cap(tx: Tx, name: str, cap: str) -> None:
    """Leave one event when a cap is reached, and no second one until it is raised."""
    key = f"cap:{name}"
    if meta.get(tx.conn, key) != cap:
        meta.put(tx.conn, key, cap)
        tx.event("pilot.cap", f"pilot:{name}", why=cap, channel=name)


def _releasable(name: str) -> tuple[ColumnElement[bool], ...]:
    """Say of a row whether it is held on a channel and waits for no other part."""
    before = DELIVERY.alias("before")
    done = select(before.c.id).where(
        before.c.id == DELIVERY.c.waits_for, before.c.state.in_(("live", "withdrawn"))
    )
    free = or_(DELIVERY.c.waits_for.is_(None), exists(done))
    return DELIVERY.c.channel == name, DELIVERY.c.state == "held", free


def _hold_unknown(tx: Tx, config: Config) -> None:
    for name in waiting.channels(tx.conn):
        if name not in config.channels:
            hold(tx, name, f"the channel {name} is no longer in config.toml")


def judge_lateness(tx: Tx, config: Config) -> int:
    """Do with the late what the channel's rate says: ask, let expire, or send all the same."""
    rates = {name: config.rate(name) for name in config.channels}
    for name in waiting.channels(tx.conn):
        rates.setdefault(name, Rate())
    late = [(rate, tests) for name, rate in rates.items() for tests in _late(tx, name, rate)]
    return sum(
        _end_late(tx, row, rate, *tests)
        for rate, tests in late
        for row in copies.one_of_each(tx.conn, *tests)
    )


def _late(tx: Tx, name: str, rate: Rate) -> Iterator[tuple[ColumnElement[bool], ...]]:
    """Say of a row whether it comes too late, each way by itself, since each has its index.

    A bulletin is not late while its copies keep going out.
    """
    here = (DELIVERY.c.channel == name, is_waiting())
    yield *here, DELIVERY.c.expires.is_not(None), DELIVERY.c.expires <= tx.now, conditions.can_expire()
    if rate.late == "send":
        return
    limit = tx.now - rate.grace
    going_out = DELIVERY.c.post_id.in_(copies.under_way(tx.conn, name, limit, limit))
    stopped = and_(conditions.is_copy(), DELIVERY.c.action == Action.PUBLISH, ~going_out)
    yield *here, DELIVERY.c.slot < limit, or_(conditions.begins_post(), stopped)


def _end_late(tx: Tx, row: DeliveryRecord, rate: Rate, *tests: ColumnElement[bool]) -> int:
    expired = row.expires is not None and row.expires <= tx.now
    if expired:
        why = f"it expired on {rfc3339(row.expires)}" if row.expires else ""
    else:
        why = f"late by {describe(tx.now - row.slot)}, more than its grace of {describe(rate.grace)}"
    why += _because(row)
    if row.ambiguous:
        said = f"{why}; an earlier attempt may be public"
        return copies.move(tx, row, DeliveryState.UNCERTAIN, said, *tests, check_at=tx.now)
    if not expired and rate.late == "expire":
        return copies.move(tx, row, DeliveryState.CANCELLED, why, *tests)
    return copies.move(tx, row, DeliveryState.MISSED, why, *tests)


def _because(row: DeliveryRecord) -> str:
    """Say what kept a delivery; the last try of one copy says nothing of the others."""
    if row.state == "held":
        return f"; it was held: {row.reason}"
    return f"; last: {row.reason}" if row.tries and row.recipient is None else ""


def close_unsafe_repeats(tx: Tx, config: Config, fitted: Mapping[str, Fitted]) -> None:
    """Ask a person about ambiguous deliveries whose safe time for a repeat has passed, and about silent ones."""
    close_silent(tx, config, fitted)
    for row in deliveries.find(tx.conn, is_waiting(), DELIVERY.c.ambiguous):
        known = fitted.get(row.channel)
        if known is not None and outcomes.repeat_is_safe(
            row.first_sent, tx.now, known.capabilities, config.daemon.attempt
        ):
            continue
        why = "an earlier attempt may have been published, and a repeat is no longer safe"
        deliveries.move(tx, row, DeliveryState.UNCERTAIN, why, check_at=tx.now)


def close_silent(tx: Tx, config: Config, fitted: Mapping[str, Fitted]) -> None:
    """Ask a person about pending posts whose platform is not there to be asked any more."""
    for row in deliveries.find(
        tx.conn, DELIVERY.c.state == "pending", DELIVERY.c.channel.not_in(list(fitted))
    ):
        if tx.now >= (row.gate_at or row.due) + config.daemon.pending:
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
    late = (conditions.is_queued(), DELIVERY.c.tries == 0, DELIVERY.c.due < tx.now - ON_TIME)
    new = (DELIVERY.c.channel == channel, conditions.begins_post(), ~DELIVERY.c.rush)
    return bool(deliveries.find(tx.conn, *new, *late, limit=1))


def say_no_goal(tx: Tx, config: Config) -> None:
    """Say on what is due that nothing goes out while the strategy has no goals."""
    reason = "no_goal: the strategy has no goals, so nothing is published"
    for name in waiting.channels(tx.conn):
        due = update(DELIVERY).where(
            DELIVERY.c.channel == name, conditions.is_queued(), DELIVERY.c.due <= tx.now
        )
        if config.strategy.goals:
            tx.conn.execute(due.where(DELIVERY.c.reason == reason).values(reason=""))
        else:
            tx.conn.execute(due.where(DELIVERY.c.reason != reason).values(reason=reason))
