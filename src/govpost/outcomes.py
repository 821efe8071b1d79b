"""Where a delivery goes next, and why: the plugin's answer turned into one move. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from govpost.domain import Capabilities, Receipt
from govpost.errors import (
    NotWanted,
    Processing,
    PublishError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from govpost.rates import Rate
from govpost.states import DeliveryState
from govpost.times import describe

DEFAULT_WAIT = timedelta(seconds=60)
LONGEST_WAIT = timedelta(hours=24)
FIRST_LOOK = timedelta(seconds=5)
SHARE_OF_GRACE = 0.9
_GROWTH = 5
_SHORTEST_DELAY = timedelta(seconds=1)
_SHORTEST_PROCESSING = timedelta(seconds=10)
_LONGEST_PROCESSING = timedelta(hours=1)

BREAKER_AFTER = 3
BREAKER_FIRST = timedelta(minutes=1)
BREAKER_LONGEST = timedelta(minutes=30)
CRASHES_SUSPEND = 3


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is known of a delivery when its answer comes: how often it was tried, what is open, when it was due."""

    attempts: int
    ambiguous: bool
    first_sent: datetime | None
    slot: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One move: the state, the reason, what else changes in the row, and what it says of the channel.

    ``repeat_at``: an uncertain delivery may safely be sent again then. ``channel_waits_until``: the platform's word.
    ``trouble``: whether the breaker counts it. ``locked_out``: our credentials do not work.
    """

    state: DeliveryState
    reason: str
    values: Mapping[str, Any] = field(default_factory=dict)
    repeat_at: datetime | None = None
    channel_waits_until: datetime | None = None
    trouble: bool = False
    locked_out: bool = False


def of_receipt(receipt: Receipt, now: datetime, *, used: int | None = None) -> Outcome:
    """The platform holds the post: live, or pending until it shows it; `used` attempts led to that."""
    values: dict[str, Any] = {
        "remote_id": receipt.remote_id,
        "url": receipt.url,
        "receipt": {"remote_id": receipt.remote_id, "url": receipt.url, "raw": dict(receipt.raw)},
        "ambiguous": False,
    }
    if used is not None:
        values["attempts"] = used
    if receipt.pending:
        values["check_at"] = now + FIRST_LOOK
        return Outcome(
            state=DeliveryState.PENDING,
            reason="the platform has taken it in and does not show it yet",
            values=values,
        )
    values |= {"live_at": now, "check_at": None}
    return Outcome(state=DeliveryState.LIVE, reason="", values=values)


def with_new_credentials(now: datetime) -> Outcome:
    """Nothing was published, and the credentials have been renewed: at once again, no attempt used."""
    reason = "the credentials were renewed; it is tried again"
    return Outcome(state=DeliveryState.QUEUED, reason=reason, values={"due": now})


def of_error(
    error: PublishError,
    standing: Standing,
    rate: Rate,
    capabilities: Capabilities,
    now: datetime,
    attempt: timedelta,
) -> Outcome:
    """Say what an error means for the delivery: wait, stop, or ask a person."""
    said = str(error) + (f" ({error.tip})" if error.tip else "")
    free = _no_attempt_used(error, said, standing, rate, now)
    if free is not None:
        return free
    used = standing.attempts + 1
    if isinstance(error, Unavailable) and used < rate.attempts:
        values = {"attempts": used, "due": now + delay(used, rate)}
        return Outcome(state=DeliveryState.QUEUED, reason=said, values=values, trouble=not error.alone)
    if isinstance(error, Rejected | NotWanted | Unavailable):
        return _ended(error, said, standing, used)
    return _unknown(said, standing, used, rate, capabilities, now, attempt)


def _no_attempt_used(
    error: PublishError, said: str, standing: Standing, rate: Rate, now: datetime
) -> Outcome | None:
    match error:
        case RateLimited():
            return _told_to_wait(error, said, now)
        case Processing() if standing.slot is None or now <= standing.slot + rate.grace:
            return _still_working(error, said, now)
        case Unauthorized():
            return Outcome(state=DeliveryState.QUEUED, reason=said, locked_out=True)
        case NotWanted() if not standing.ambiguous:
            return Outcome(state=DeliveryState.CANCELLED, reason=said)
        case _:
            return None


def ask_first(outcome: Outcome, now: datetime) -> Outcome:
    """Let the platform be asked about what may be public before a person is."""
    if outcome.state != DeliveryState.UNCERTAIN or outcome.values.get("check_at") is not None:
        return outcome
    return replace(outcome, values={**outcome.values, "check_at": now + FIRST_LOOK})


def _told_to_wait(error: RateLimited, said: str, now: datetime) -> Outcome:
    wait = (
        DEFAULT_WAIT
        if error.retry_after is None
        else max(_SHORTEST_DELAY, min(error.retry_after, LONGEST_WAIT))
    )
    until = now + wait
    reason = f"{said}; the channel waits {describe(wait)}"
    return Outcome(
        state=DeliveryState.QUEUED, reason=reason, values={"due": until}, channel_waits_until=until
    )


def _still_working(error: Processing, said: str, now: datetime) -> Outcome:
    wait = max(_SHORTEST_PROCESSING, min(error.retry_after, _LONGEST_PROCESSING))
    values = {"due": now + wait, "staged": dict(error.staged)}
    return Outcome(state=DeliveryState.QUEUED, reason=said, values=values)


def _ended(error: PublishError, said: str, standing: Standing, used: int) -> Outcome:
    later = isinstance(error, Unavailable)
    trouble = isinstance(error, Unavailable) and not error.alone
    if standing.ambiguous:
        reason = f"{said}; but an earlier attempt may have been published"
        values: dict[str, Any] = {"attempts": used, "check_at": None}
        return Outcome(state=DeliveryState.UNCERTAIN, reason=reason, values=values, trouble=trouble)
    reason = f"{said}; all {used} attempts are used up" if later else said
    return Outcome(state=DeliveryState.FAILED, reason=reason, values={"attempts": used}, trouble=trouble)


def _unknown(
    said: str,
    standing: Standing,
    used: int,
    rate: Rate,
    capabilities: Capabilities,
    now: datetime,
    attempt: timedelta,
) -> Outcome:
    values: dict[str, Any] = {"attempts": used, "ambiguous": True, "check_at": now}
    again = now + delay(used, rate)
    safe = used < rate.attempts and repeat_is_safe(standing.first_sent, again, capabilities, attempt)
    return Outcome(
        state=DeliveryState.UNCERTAIN,
        reason=said,
        values=values,
        repeat_at=again if safe else None,
        trouble=True,
    )


def repeat_is_safe(
    first_sent: datetime | None, again: datetime, capabilities: Capabilities, attempt: timedelta
) -> bool:
    """Say whether a whole new attempt beginning at `again` ends while the platform still knows the key."""
    if capabilities.idempotent_for is None or first_sent is None:
        return False
    return again + attempt <= first_sent + capabilities.idempotent_for


def absence_counts_from(
    gate_at: datetime, capabilities: Capabilities, attempt: timedelta, ended: datetime | None = None
) -> datetime | None:
    """Return from when "not there" may be believed of the platform, None when never.

    When the attempt `ended` counts too: it was begun when an attempt might last longer than `attempt`.
    """
    if capabilities.settles_after is None:
        return None
    return max(gate_at + attempt, ended or gate_at) + capabilities.settles_after


def delay(used: int, rate: Rate) -> timedelta:
    """Return the wait before the next try, so that all tries spread over the grace, each wait longer than the last."""
    weights = [float(_GROWTH) ** step for step in range(max(rate.attempts - 1, 1))]
    share = weights[min(used, len(weights)) - 1] / sum(weights) * SHARE_OF_GRACE
    return max(_SHORTEST_DELAY, rate.grace * share)


def breaker_pause(failures: int) -> timedelta | None:
    """Return how long a channel rests after so many failures in a row, None while it need not."""
    if failures < BREAKER_AFTER:
        return None
    return min(BREAKER_FIRST * 2.0 ** min(failures - BREAKER_AFTER, 10), BREAKER_LONGEST)


def next_look(since: datetime, now: datetime) -> datetime:
    """Return when to ask the platform again about a post: soon at first, then ever more seldom."""
    return now + min(max((now - since) / 2, FIRST_LOOK), timedelta(hours=1))
