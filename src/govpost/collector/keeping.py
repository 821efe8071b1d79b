"""What a call brought is kept: samples, replies, when to ask again, and trouble that a person must hear of."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from govpost.collector import schedule
from govpost.collector.calls import Counted, Heard, Trouble
from govpost.config import Config
from govpost.domain import Metrics
from govpost.errors import RateLimited, Unauthorized
from govpost.store import deliveries, gathered
from govpost.store.engine import Tx
from govpost.store.gathered import Reading
from govpost.store.gathered_rows import SampleRecord
from govpost.wire_limits import Budget

FAILS = "channel.gathering-fails"

_DEFAULT_WAIT = timedelta(minutes=15)
_LEAST_WAIT = timedelta(minutes=1)
_MORE_SOON = timedelta(seconds=10)
_LINKED_WITHIN = timedelta(days=7)
_HALF = 0.5
_QUESTIONS = ("measuring: ", "replies: ")

log = logging.getLogger("govpost.collector")


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """What one call brought: posts measured, posts found gone, replies new and changed, or why it failed."""

    measured: int = 0
    gone: int = 0
    new: int = 0
    changed: int = 0
    why: str = ""


def together(found: Sequence[Gathered]) -> Gathered:
    """Return what several calls brought, with the first reason why one failed."""
    numbers = {
        name: sum(getattr(each, name) for each in found) for name in ("measured", "gone", "new", "changed")
    }
    return Gathered(**numbers, why=next((each.why for each in found if each.why), ""))


def counts(tx: Tx, channel: str, config: Config, live: Sequence[Reading], counted: Counted) -> Gathered:
    """Keep a sample of each post that was counted, and note which were left out."""
    failures = _note(tx, channel, "measuring", counted.trouble, counted.room)
    last = gathered.samples(tx.conn, [each.delivery.id for each in live])
    gone = 0
    for each in live:
        sample = counted.counts.get(each.delivery.remote_id or "")
        if sample is not None:
            _keep(tx, config, each, sample, last.get(each.delivery.id, []))
        elif each.delivery.remote_id in counted.gone:
            gone += _miss(tx, each)
        else:
            _ask_again(tx, config, each, counted.trouble, failures)
    why = counted.trouble.why if counted.trouble else ""
    return Gathered(measured=len(counted.counts), gone=gone, why=why)


def no_more(tx: Tx, readings: Sequence[Reading]) -> None:
    """Measure no more what is no longer live."""
    for each in readings:
        gathered.put_reading(tx, each.delivery.id, next_at=None, gone_at=None)


def _keep(tx: Tx, config: Config, each: Reading, sample: Metrics, before: Sequence[SampleRecord]) -> None:
    """Keep a sample: each planned one, and one by hand only when it says something new."""
    live_at = each.delivery.live_at or each.delivery.slot
    planned = each.plan.next_at is not None and each.plan.next_at <= tx.now
    if sample != Metrics() and (planned or not before or _numbers(before[-1]) != _numbers(sample)):
        gathered.add_sample(tx, each.delivery.id, sample)
    if each.plan.gone_at is not None and each.plan.next_at is None:
        deliveries.note(tx, each.delivery, "delivery.back", why="the platform knows it again")
    following = schedule.next_reading(live_at, config.collector.measure_at, tx.now)
    gathered.put_reading(tx, each.delivery.id, next_at=following, gone_at=None)


def _numbers(counted: Metrics | SampleRecord) -> list[int | None]:
    return [getattr(counted, name) for name in gathered.COUNTS]


def _miss(tx: Tx, each: Reading) -> bool:
    """Note that the platform left a post out; True when that is believed now."""
    found = schedule.absent(each.plan, tx.now)
    gathered.put_reading(tx, each.delivery.id, next_at=found.next_at, gone_at=found.gone_at)
    if found.believed:
        why = "the platform no longer knows it; it was asked twice"
        deliveries.note(tx, each.delivery, "delivery.gone", why=why, url=each.delivery.url)
    return found.believed


def _ask_again(tx: Tx, config: Config, each: Reading, trouble: Trouble | None, failures: int) -> None:
    ages, live_at = config.collector.measure_at, each.delivery.live_at or each.delivery.slot
    if trouble is None or trouble.refused:
        # The same question would get the same answer: it is asked again at the post's next age.
        again = schedule.next_reading(live_at, ages, tx.now)
    else:
        again = schedule.after_failure(live_at, ages, tx.now, failures)
    gathered.put_reading(tx, each.delivery.id, next_at=again)


def heard(tx: Tx, channel: str, every: timedelta, since: str | None, found: Heard) -> Gathered:
    """Keep the replies and, in the same transaction, the cursor to go on from."""
    new, changed = gathered.keep_replies(tx, found.replies)
    gathered.link_replies(tx, channel, tx.now - _LINKED_WITHIN)
    failures = _note(tx, channel, "replies", found.trouble, found.room, found.note)
    wait, cursor = _MORE_SOON if found.more else every, found.cursor
    if found.trouble is not None:
        wait = max(every, schedule.backoff(failures))
        if found.trouble.refused and failures >= schedule.TOO_MANY and cursor == since:
            cursor = None
    gathered.put_gathering(tx, channel, cursor=cursor, replies_at=tx.now + wait)
    return Gathered(new=new, changed=changed, why=found.trouble.why if found.trouble else "")


def hung(tx: Tx, channel: str) -> None:
    """Note that a plugin never came back: nothing is gathered on its channel until the daemon starts anew."""
    why = "a call into the plugin did not return; it is asked again when the daemon is started anew"
    log.error("nothing is gathered on channel %s: %s", channel, why)
    _tell(tx, channel, why)


def broken(tx: Tx, channel: str, error: Exception) -> None:
    """Note that gathering fails by a fault of our own."""
    _tell(tx, channel, f"a fault of govpost's own ({type(error).__name__}); the daemon's log has more")


def _tell(tx: Tx, channel: str, why: str) -> None:
    """Let a person see at once what no number of tries will mend; the event is written once."""
    known = gathered.gathering(tx.conn, channel)
    gathered.put_gathering(tx, channel, why=why, failures=max(known.failures, schedule.TOO_MANY))
    if known.why != why:
        tx.event(FAILS, f"channel:{channel}", why=why, channel=channel)


def well(tx: Tx, channel: str) -> None:
    """Forget what no question has to do with, once a channel is asked again."""
    known = gathered.gathering(tx.conn, channel)
    if known.why and not known.why.startswith(_QUESTIONS):
        gathered.put_gathering(tx, channel, why="", failures=0)


def _note(
    tx: Tx, channel: str, what: str, trouble: Trouble | None, room: Budget | None, note: str = ""
) -> int:
    """Keep how a channel's gathering stands; return how many failures there were in a row."""
    known = gathered.gathering(tx.conn, channel)
    if trouble is None:
        another = known.why.startswith(_QUESTIONS) and not known.why.startswith(f"{what}: ")
        why = f"{what}: {note}" if note else known.why if another else ""
        failures = known.failures if another else 0
        gathered.put_gathering(tx, channel, failures=failures, why=why, not_before=_rest(tx, room))
        return 0
    before = known.failures if known.why.startswith(_QUESTIONS) else 0
    failures = before + (not isinstance(trouble.error, RateLimited))
    why = f"{what}: {trouble.why}"
    if known.why != why:
        log.warning("channel %s, %s", channel, why)
    wait = _wait(trouble, failures)
    until = tx.now + wait if wait else None
    gathered.put_gathering(tx, channel, failures=failures, why=why, not_before=until)
    if failures == schedule.TOO_MANY and failures > before:
        tx.event(FAILS, f"channel:{channel}", why=f"{why} ({failures} times)", channel=channel)
    return failures


def _rest(tx: Tx, room: Budget | None) -> object:
    """Leave the second half of a platform's limit to deliveries."""
    if room is None or room.share >= _HALF:
        return None
    return tx.now + (room.reset or _LEAST_WAIT)


def _wait(trouble: Trouble, failures: int) -> timedelta | None:
    """Return how long the whole channel is not asked; other failures hold back only what failed."""
    if isinstance(trouble.error, RateLimited):
        asked = trouble.error.retry_after
        return max(asked, _LEAST_WAIT) if asked is not None else _DEFAULT_WAIT
    if isinstance(trouble.error, Unauthorized):
        return max(schedule.backoff(failures), _DEFAULT_WAIT)
    return None
