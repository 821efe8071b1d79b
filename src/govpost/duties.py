"""What the daemon does between deliveries: hold and release, judge lateness, fit queues to their rates."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import or_, select, update

from govpost import outcomes, planning
from govpost.config import Config
from govpost.fitted import Fitted
from govpost.rates import Rate
from govpost.states import DeliveryState
from govpost.store import channels, deliveries, obstacles, pilots
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
        if why is not None:
            hold(tx, name, why)
        else:
            _release(tx, config, name)
    _hold_unknown(tx, config)


def _release(tx: Tx, config: Config, name: str) -> None:
    cap = obstacles.cap_reached(tx.conn, name)
    if cap is not None:
        for row in deliveries.find(
            tx.conn, DELIVERY.c.channel == name, DELIVERY.c.state == "queued", deliveries.opens_slot()
        ):
            deliveries.move(tx, row, DeliveryState.HELD, cap)
    released = [
        row for row in _releasable(tx, name) if cap is None or row.part > 1 or row.action != "publish"
    ]
    for row in released:
        deliveries.move(tx, row, DeliveryState.QUEUED, "the reason is gone")
    if any(row.part == 1 and row.action == "publish" and row.due < tx.now for row in released):
        planning.replan(tx, config, name, "it was held past its time")


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
    late = [row for name in config.channels for row in _late(tx, name, config.rate(name))]
    for row in late:
        _end_late(tx, row, config.rate(row.channel))
    return len(late)


def _late(tx: Tx, name: str, rate: Rate) -> list[DeliveryRecord]:
    past_grace = DELIVERY.c.slot < tx.now - rate.grace
    expired = DELIVERY.c.expires <= tx.now
    return deliveries.find(
        tx.conn,
        DELIVERY.c.channel == name,
        DELIVERY.c.state.in_(_WAITING),
        deliveries.opens_slot(),
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
    """Ask a person about ambiguous deliveries whose safe time for a repeat has passed."""
    for row in deliveries.find(tx.conn, DELIVERY.c.state.in_(_WAITING), DELIVERY.c.ambiguous):
        known = fitted.get(row.channel)
        if known is None or outcomes.repeat_is_safe(
            row.first_sent, tx.now, known.capabilities, config.daemon.attempt
        ):
            continue
        why = "an earlier attempt may have been published, and a repeat is no longer safe"
        deliveries.move(tx, row, DeliveryState.UNCERTAIN, why, check_at=tx.now)


def replan_all(tx: Tx, config: Config, why: str) -> int:
    """Fit every queue to its rate, the main channel first, so that nothing floods."""
    names = sorted(config.channels, key=lambda name: name != config.main_channel)
    return sum(planning.replan(tx, config, name, why) for name in names)


def say_no_goal(tx: Tx, config: Config) -> None:
    """Say on what is due that nothing goes out while the strategy has no goals."""
    reason = "no_goal: the strategy has no goals, so nothing is published"
    rows = DELIVERY.c.state == "queued", DELIVERY.c.due <= tx.now
    if config.strategy.goals:
        tx.conn.execute(update(DELIVERY).where(*rows, DELIVERY.c.reason == reason).values(reason=""))
    else:
        tx.conn.execute(update(DELIVERY).where(*rows, DELIVERY.c.reason != reason).values(reason=reason))
