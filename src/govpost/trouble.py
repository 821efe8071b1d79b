"""What an outcome says of its channel: told to wait, near its limit, locked out, failing, or well again."""

from __future__ import annotations

from datetime import timedelta

from govpost import outcomes
from govpost.outcomes import Outcome
from govpost.states import PilotState, Role
from govpost.store import channels, pilots
from govpost.store.engine import Tx
from govpost.store.rows import ChannelRecord
from govpost.wire_limits import Budget


def note(tx: Tx, name: str, outcome: Outcome, *, crashed: bool, room: Budget | None = None) -> None:
    """Keep in the channel's row, in the delivery's own transaction, what its outcome says of the channel."""
    channel = channels.get(tx.conn, name)
    if not (_speaks(outcome, room) or channel.failures or channel.crashes):
        return
    channel = channels.get(tx.conn, name, lock=True)
    if outcome.channel_waits_until is not None:
        _wait(tx, channel, outcome.channel_waits_until - tx.now)
    elif room is not None and room.rest:
        _wait(tx, channel, room.rest)
    if outcome.locked_out:
        why = f"{outcome.reason}; mend the credentials, then resume the channel"
        channels.pause(tx, name, channels.FOR_GOOD, why)
    if outcome.trouble:
        _count(tx, channel, outcome, crashed=crashed)
    elif (channel.failures or channel.crashes) and not (outcome.channel_waits_until or outcome.locked_out):
        channels.put(tx, name, failures=0, crashes=0)


def _speaks(outcome: Outcome, room: Budget | None) -> bool:
    waits = outcome.channel_waits_until is not None or (room is not None and bool(room.rest))
    return waits or outcome.locked_out or outcome.trouble


def _wait(tx: Tx, channel: ChannelRecord, wait: timedelta) -> None:
    until = tx.now + wait
    channels.put(tx, channel.name, next_allowed_at=max(channel.next_allowed_at or until, until))


def _count(tx: Tx, channel: ChannelRecord, outcome: Outcome, *, crashed: bool) -> None:
    name = channel.name
    failures, crashes = channel.failures + 1, channel.crashes + 1 if crashed else 0
    channels.put(tx, name, failures=failures, crashes=crashes)
    pause = outcomes.breaker_pause(failures)
    if pause is not None and not channels.is_paused(channel, tx.now):
        channels.pause(tx, name, tx.now + pause, f"{failures} failures in a row, the last: {outcome.reason}")
    pilot = pilots.get(tx.conn, name)
    if crashes >= outcomes.CRASHES_SUSPEND and pilot is not None and pilot.state in ("running", "graduated"):
        why = f"its plugin broke {crashes} times in a row, the last: {outcome.reason}"
        pilots.move(tx, pilot, PilotState.SUSPENDED, frozenset({Role.DAEMON}), why, resumes_to=pilot.state)
