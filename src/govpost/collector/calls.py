"""The reading calls into a plugin: each under one deadline, each with an end whatever the plugin does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from textwrap import shorten
from typing import Any

import httpx2

from govpost import wire
from govpost.attempts import Monotonic
from govpost.collector import judging
from govpost.contract import Listens, Measures
from govpost.domain import Channel, Metrics, Receipt
from govpost.errors import PublishError, Unavailable
from govpost.fitted import Fitted
from govpost.store.gathered_rows import ReplyRecord
from govpost.wire_limits import Budget

MOST_REPLIES = 200
"""How many replies are taken in one call, so that a plugin that never ends does no harm."""

_LONGEST_WHY = 400
_MOST_SKIPPED = 50
_GONE = (404, 410)
_NOT_REFUSED = (401, 408, 425, 429)


@dataclass(frozen=True, kw_only=True)
class Call:
    """What every call needs: which channel, until when (an instant of `monotonic`), and when waiting has to end."""

    fitted: Fitted
    channel: Channel
    deadline: float
    monotonic: Monotonic
    stop: Callable[[], bool]

    def attempt(self) -> wire.Attempt:
        """Return a wire on which only reading is possible."""
        return wire.Attempt(
            self.channel, deadline=self.deadline, monotonic=self.monotonic, stop=self.stop, read_only=True
        )


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Why a call failed; ``refused`` says that the same call will hardly ever succeed: a 4xx, or a broken plugin."""

    error: PublishError
    refused: bool = False

    @property
    def why(self) -> str:
        """Say it in one short line."""
        return shorten(str(self.error), _LONGEST_WHY, placeholder=" …")


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What a platform counted by remote_id, and which posts it left out; what stands in neither is not known."""

    counts: Mapping[str, Metrics] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    trouble: Trouble | None = None
    room: Budget | None = None


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What the public said, and the cursor to go on from; ``more`` says that there may be more right away.

    Replies that came before a trouble are kept.
    """

    replies: tuple[ReplyRecord, ...] = ()
    cursor: str | None = None
    more: bool = False
    note: str = ""
    trouble: Trouble | None = None
    room: Budget | None = None


def measure(call: Call, receipts: Sequence[Receipt]) -> Counted:
    """Ask for the counts of some posts."""
    platform = call.fitted.platform
    assert isinstance(platform, Measures)  # noqa: S101 - the caller asked
    with call.attempt() as attempt:
        try:
            found = platform.measure(receipts, call.channel, attempt.client)
            return _counted(found, [each.remote_id for each in receipts], attempt)
        except BaseException as error:
            return Counted(trouble=_trouble(error, attempt), room=attempt.room)


def _counted(found: Mapping[str, Any], asked: Iterable[str], attempt: wire.Attempt) -> Counted:
    if not isinstance(found, Mapping):
        raise TypeError(f"the plugin returned {type(found).__name__}, not counts by remote_id")
    there = {name: judging.metrics(found[name]) for name in asked if name in found}
    broken = [each for each in attempt.exchanges if not each.good and each.status not in _GONE]
    if broken and len(there) < len(set(asked)):
        raise Unavailable(f"the plugin left posts out although {broken[-1].place()} failed")
    return Counted(
        counts={name: counted for name, counted in there.items() if counted is not None},
        gone=frozenset(asked) - there.keys(),
        room=attempt.room,
    )


def listen(call: Call, since: str | None, now: datetime) -> Heard:
    """Ask what the public said after a cursor."""
    platform = call.fitted.platform
    assert isinstance(platform, Listens)  # noqa: S101 - the caller asked
    kept: list[ReplyRecord] = []
    cursor = since
    skipped = 0
    with call.attempt() as attempt:
        try:
            for found in platform.replies(call.channel, since, attempt.client):
                reply = judging.reply(found, call.channel.name, now, attempt.clean)
                skipped += reply is None
                if reply is not None:
                    kept.append(reply)
                    cursor = judging.identity(found.cursor, attempt.clean) or cursor
                if len(kept) >= MOST_REPLIES or skipped >= _MOST_SKIPPED or attempt.budget.left() <= 0:
                    break
        except BaseException as error:
            trouble = _trouble(error, attempt)
            return Heard(replies=tuple(kept), cursor=cursor, trouble=trouble, room=attempt.room)
        return Heard(
            replies=tuple(kept),
            cursor=cursor,
            more=len(kept) >= MOST_REPLIES and cursor != since,
            note=f"the plugin gave {skipped} replies that are none" if skipped else "",
            room=attempt.room,
        )


def _trouble(error: BaseException, attempt: wire.Attempt) -> Trouble:
    try:
        meaning = wire.read_error(error, attempt)
    except Exception:
        meaning = Unavailable(f"the plugin failed with a {type(error).__name__} that cannot be read")
    return Trouble(error=meaning, refused=wire.is_plugin_fault(error) or _is_no(error))


def _is_no(error: BaseException) -> bool:
    if not isinstance(error, httpx2.HTTPStatusError):
        return False
    status = error.response.status_code
    return 400 <= status < 500 and status not in _NOT_REFUSED
