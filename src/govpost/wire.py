"""What happens on the wire, translated: only here is known what an HTTP failure means for a delivery."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import httpx2

from govpost import wire_limits
from govpost.domain import Receipt
from govpost.errors import (
    NotWanted,
    Processing,
    PublishError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Uncertain,
)
from govpost.evidence import Exchange, Redactor, bounded, is_address, storable
from govpost.wire_attempt import Attempt, Client

if TYPE_CHECKING:
    import tenacity

__all__ = [
    "Attempt",
    "Client",
    "is_plugin_fault",
    "judge",
    "judge_gone",
    "publish_error",
    "quick_tries",
    "read_error",
    "retrying",
    "stage_error",
]

T = TypeVar("T")

QUICK_TRIES = 3
QUICK_WAIT = 60.0

_NAP = 0.25
_BROKE = frozenset(range(500, 600)) - {503}
_LONGEST_NAME = 1_000
_QUOTE = 200
_UNBUILDABLE = (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)


def publish_error(error: BaseException, attempt: Attempt) -> PublishError:
    """Say what a failure in publish, amend or withdraw means."""
    if isinstance(error, PublishError):
        return _own_word(_in_its_place(error, attempt), attempt)
    exchange = attempt.exchange_of(error)
    told = _told(error, exchange, attempt.clean)
    if any(other.writes and other.left and other is not exchange for other in attempt.exchanges):
        return Uncertain(told)
    if error is attempt.client.unbuilt or (
        isinstance(error, _UNBUILDABLE) and not (exchange and exchange.left)
    ):
        return Rejected(told, tip="look at the addresses and tokens of the channel's settings")
    return Uncertain(told) if exchange is None else _first_failure(error, exchange, told, attempt.clean)


def stage_error(error: BaseException, attempt: Attempt) -> PublishError:
    """Say what a failure in stage means: nothing was published."""
    if isinstance(error, PublishError):
        if isinstance(error, Processing) and not _can_be_kept(error.staged, attempt.clean):
            return Unavailable("the plugin staged what cannot be kept: a secret, or more than 64 KB")
        plain = _cleaned(error, attempt.clean)
        return Unavailable(str(plain), tip=plain.tip) if isinstance(plain, Uncertain) else plain
    exchange = attempt.exchange_of(error)
    return _nothing_published(error, exchange, _told(error, exchange, attempt.clean))


def read_error(error: BaseException, attempt: Attempt | None = None) -> PublishError:
    """Say what a failure in a read-only call means: it cannot be told now.

    Without `attempt` the platform's own words are left out, since its secrets are not known.
    """
    clean = attempt.clean if attempt else None
    if isinstance(error, PublishError):
        plain = _cleaned(error, clean) if clean else error
        return (
            plain if isinstance(plain, Unauthorized | Unavailable) else Unavailable(str(plain), tip=plain.tip)
        )
    exchange = attempt.exchange_of(error) if attempt else None
    meaning = _nothing_published(error, exchange, _told(error, exchange, clean))
    return Unavailable(str(meaning)) if isinstance(meaning, Rejected) else meaning


def judge(receipt: object, attempt: Attempt) -> Receipt:
    """Return the receipt a platform gave, without secrets; `Uncertain` when it cannot be believed."""
    if not isinstance(receipt, Receipt):
        raise Uncertain(f"the plugin returned {type(receipt).__name__}, not a Receipt")
    if not isinstance(receipt.remote_id, str) or not receipt.remote_id.strip():
        raise Uncertain("the plugin returned a Receipt without a remote_id")
    if attempt.exchanges and not attempt.exchanges[-1].good:
        last = attempt.exchanges[-1]
        raise Uncertain(f"the plugin returned a Receipt although {_told(last.error, last, attempt.clean)}")
    if attempt.clean.gives_away(receipt.remote_id):
        raise Uncertain("the plugin returned a Receipt with a secret in its remote_id")
    if not storable(receipt.remote_id) or len(receipt.remote_id) > _LONGEST_NAME:
        raise Uncertain(f"the plugin returned a Receipt with the remote_id {receipt.remote_id[:_QUOTE]!r}")
    address = receipt.url if is_address(receipt.url) else None
    said = receipt.raw if isinstance(receipt.raw, Mapping) else {"said": receipt.raw}
    url = attempt.clean(address) if address else None
    return dataclasses.replace(receipt, url=url, raw=bounded(attempt.clean.tree(said)))


def judge_gone(attempt: Attempt) -> None:
    """Raise `Uncertain` unless the last answer is a yes or a 404 or 410.

    For a withdraw that returned, and for a confirm that found nothing.
    """
    last = attempt.exchanges[-1] if attempt.exchanges else None
    if last is not None and not last.good and not (last.answered and last.status in (404, 410)):
        raise Uncertain(f"the plugin says it is gone although {_told(last.error, last, attempt.clean)}")


def is_plugin_fault(error: BaseException) -> bool:
    """Return whether a plugin broke by itself, rather than the platform or the wire."""
    return not isinstance(error, PublishError | httpx2.HTTPError | httpx2.InvalidURL)


def quick_tries(
    call: Callable[[], T],
    attempt: Attempt,
    stop: Callable[[], bool],
    meaning: Callable[[BaseException, Attempt], PublishError],
) -> T:
    """Return what `call` returns, within the tries of `retrying`; its failures raise as `meaning` says."""

    def once() -> T:
        try:
            return call()
        except BaseException as error:
            raise meaning(error, attempt) from error

    return retrying(attempt, stop)(once)


def retrying(attempt: Attempt, stop: Callable[[], bool] | None = None) -> tenacity.Retrying:
    """Return the quick tries of stage and read-only calls: three, within a minute, on `Unavailable` only.

    Waiting ends with the last error when `stop` turns true or the deadline would pass.
    """
    import tenacity

    stopped = stop or attempt.stop
    waited = [0.0]

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, RateLimited) else None
        return asked.total_seconds() if asked is not None else float(4 ** (state.attempt_number - 1))

    def enough(state: tenacity.RetryCallState) -> bool:
        longest = min(QUICK_WAIT - waited[0], attempt.budget.left())
        return state.attempt_number >= QUICK_TRIES or stopped() or state.upcoming_sleep >= longest

    def nap(seconds: float) -> None:
        waited[0] += seconds
        while seconds > 0:
            if stopped():
                raise Unavailable("the wait for another try was ended")
            attempt.sleep(min(_NAP, seconds))
            seconds -= _NAP

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(_worth_another_try), wait=wait, stop=enough, sleep=nap, reraise=True
    )


def _in_its_place(error: PublishError, attempt: Attempt) -> PublishError:
    """Hear in publish what is only meant for stage or before anything is sent as what it then is."""
    if isinstance(error, Processing):
        return (Uncertain if attempt.left else Unavailable)(str(error), tip=error.tip)
    if isinstance(error, NotWanted) and attempt.left:
        return Uncertain(f"{error} (after something had been sent)", tip=error.tip)
    return error


def _can_be_kept(staged: object, clean: Redactor) -> bool:
    """Say whether what was staged comes back from the store as it is: JSON, not too much, and without a secret."""
    try:
        kept = json.loads(json.dumps(staged, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return False
    return kept == staged == clean.tree(staged) and bounded(staged) is staged


def _worth_another_try(error: BaseException) -> bool:
    """A platform that still works on an upload is asked again later; what went up must not go up anew."""
    return isinstance(error, Unavailable) and not isinstance(error, Processing)


def _own_word(error: PublishError, attempt: Attempt) -> PublishError:
    """Let the plugin's own word stand, unless something may be public that it does not speak of."""
    plain = _cleaned(error, attempt.clean)
    exchanges = attempt.exchanges
    writes = [exchange for exchange in exchanges if exchange.writes]
    unanswered = any(write.left and not write.answered for write in writes)
    earlier = any(write.left for write in writes[:-1])
    broke = any(write.answered and write.status is not None and write.status in _BROKE for write in writes)
    failed_after = (
        bool(exchanges)
        and not exchanges[-1].good
        and any(write.left for write in writes if write is not exchanges[-1])
    )
    if isinstance(plain, Uncertain) or not (unanswered or earlier or failed_after or broke):
        return plain
    return Uncertain(f"{plain} (after something had been sent)", tip=plain.tip)


def _first_failure(error: BaseException, exchange: Exchange, told: str, clean: Redactor) -> PublishError:
    """Say what a failure means when no other request that writes has left."""
    if not exchange.writes and isinstance(error, httpx2.HTTPError):
        return _nothing_published(error, exchange, told)
    if isinstance(error, httpx2.HTTPStatusError):
        return _refused_write(error.response, told, clean)
    if exchange.left or not isinstance(error, httpx2.TransportError):
        return Uncertain(told)
    return Unavailable(told)


def _refused_write(answer: httpx2.Response, told: str, clean: Redactor) -> PublishError:
    status = answer.status_code
    if status in (307, 308):
        moved = clean(answer.headers.get("location", ""))
        return Rejected(told, tip=f"the address has moved: {moved}" if moved else "the address has moved")
    if 400 <= status < 500 or status == 503:
        return _refused(answer, told)
    return Uncertain(told)


def _nothing_published(error: BaseException, exchange: Exchange | None, told: str) -> PublishError:
    if isinstance(error, httpx2.HTTPStatusError) and (exchange is None or exchange.answered):
        return _refused(error.response, told)
    return Unavailable(told)


def _refused(answer: httpx2.Response, told: str) -> PublishError:
    """Say what a 4xx or 503 means; anything else is Unavailable."""
    status, now = answer.status_code, datetime.now(UTC)
    wait = wire_limits.retry_after(answer.headers, now)
    if status == 401:
        return Unauthorized(told)
    if status == 429:
        left = wire_limits.budget(answer.headers, now)
        return RateLimited(told, retry_after=wait if wait is not None or left is None else left.reset)
    if status == 503 and wait is not None:
        return RateLimited(told, retry_after=wait)
    if 400 <= status < 500 and status not in (408, 425):
        return Rejected(told)
    return Unavailable(told)


def _cleaned(error: PublishError, clean: Redactor) -> PublishError:
    """Say again without secrets what a plugin said, by an error of our own, and bound what it asks for."""
    ours = next(kind for kind in type(error).__mro__ if kind.__module__ == PublishError.__module__)
    again: PublishError = Exception.__new__(ours, clean(str(error)))
    kept = {name: getattr(error, name, None) for name in ("alone", "retry_after", "staged")}
    again.__dict__ = kept | {"tip": clean(str(error.tip or ""))}
    if isinstance(again, RateLimited):
        again.retry_after = _wait(again.retry_after)
    elif isinstance(again, Processing):
        again.retry_after = _wait(again.retry_after) or timedelta()
    return again


def _wait(asked: object) -> timedelta | None:
    """Return how long a plugin asks us to wait; a plain number is taken as seconds."""
    seconds = asked.total_seconds() if isinstance(asked, timedelta) else asked
    if not isinstance(seconds, int | float) or not math.isfinite(seconds):
        return None
    return wire_limits.bounded(float(seconds))


def _told(error: BaseException | None, exchange: Exchange | None, clean: Redactor | None) -> str:
    """Say in one short line what happened."""
    if exchange is not None and exchange.answered:
        said = " ".join((clean or str)(exchange.received.text()).split())[:_QUOTE]
        text = f"{exchange.place()} answered {exchange.status}" + (f": {said}" if said else "")
    elif exchange is not None:
        text = f"{exchange.place()} failed: {type(error).__name__}: {error}"
    elif isinstance(error, httpx2.HTTPStatusError):
        text = f"the platform answered {error.response.status_code}"
    elif clean is None:
        text = f"the platform could not be asked ({type(error).__name__})"
    else:
        text = f"the plugin failed: {type(error).__name__}: {error}"
    return " ".join((clean or str)(text).split())[: 2 * _QUOTE]
