"""The secrets a channel works with: config's, what a log-in left, and how they are renewed by one worker at a time.

A renewal may use up the old secrets, and a platform may close the account when they are shown again. So the lease on a
channel's row is taken before anything is sent and holds across machines; a lease that ended without a word means
that nobody knows whether the secrets are used up, and a person has to log in again. A platform that says
``refresh_repeats = True`` bears a repeat; there a renewal is simply tried again.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from govpost import wire
from govpost.contract import Refreshes
from govpost.domain import Channel
from govpost.errors import (
    PublishError,
    Refused,
    Rejected,
    StoreUnavailable,
    Unauthorized,
    Unavailable,
)
from govpost.evidence import Exchange
from govpost.fitted import Fitted
from govpost.sealing import Unkept, again, checked
from govpost.store import accounts
from govpost.store.account_rows import TokenRecord
from govpost.store.engine import Store
from govpost.wire_attempt import never

LONGEST = 60.0
"""How many seconds a renewal may take."""

LEASE = timedelta(seconds=LONGEST + 30)

_NAP = 0.1
_PATIENCE = (0.1, 0.3, 1.0, *[2.0] * 30)

log = logging.getLogger("govpost.sessions")


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """The right to renew: the lease's owner, and the secrets that it was taken for with their count."""

    owner: str
    n: int
    stored: dict[str, str] = field(repr=False)


@dataclass(kw_only=True)
class Sessions:
    """Opens channels with their secrets and renews these; `owner` names who works here, `actor` who is on record."""

    store: Store
    owner: str
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    actor: str = "daemon"

    def open(self, fitted: Fitted) -> Channel:
        """Return the channel as its platform needs it; `Refused` with a tip when a secret is missing."""
        return fitted.with_secrets(self.stored(fitted))

    def stored(self, fitted: Fitted) -> dict[str, str]:
        """Return what the last log-in left; `Refused` when it cannot be opened."""
        return self._read(fitted)[1]

    def _read(self, fitted: Fitted) -> tuple[TokenRecord | None, dict[str, str]]:
        """Return the stored secrets and their row; once more when they were sealed with another key in between."""
        row = self._row(fitted)
        try:
            return row, _stored(fitted, row)
        except Refused:
            fresh = self._row(fitted)
            if fresh == row:
                raise
            return fresh, _stored(fitted, fresh)

    def _row(self, fitted: Fitted) -> TokenRecord | None:
        with self.store.read() as conn:
            return accounts.token(conn, fitted.name)

    def can_renew(self, fitted: Fitted) -> bool:
        """Say whether the platform renews credentials."""
        return isinstance(fitted.platform, Refreshes)

    def renew(
        self, fitted: Fitted, failed: Channel, *, deadline: float, stop: Callable[[], bool] = never
    ) -> Channel:
        """Return the channel with other secrets than those that `failed`; call it after `Unauthorized`.

        Raises `Unauthorized` when a person has to log in again, `Unavailable` when nothing was renewed and it may be
        tried later. `deadline` is an instant of the monotonic clock; waiting ends when `stop` turns true.
        """
        try:
            return self._renew(fitted, failed, deadline, stop)
        except Refused as error:
            raise Unauthorized(error.message, tip=error.tip) from error
        except StoreUnavailable as error:
            raise Unavailable(error.message, tip=error.tip) from error

    def _renew(self, fitted: Fitted, failed: Channel, deadline: float, stop: Callable[[], bool]) -> Channel:
        while True:
            row, stored = self._read(fitted)
            channel = fitted.with_secrets(stored)
            if channel.secrets != failed.secrets:
                return channel
            waits = _is_leased(row, self.store.clock())
            turn = None if waits else self._take_turn(fitted, row, stored)
            if turn is not None:
                return self._refresh(fitted, channel, turn, deadline, stop)
            if stop() or self.monotonic() + _NAP > deadline:
                raise Unavailable("another worker renews the credentials")
            self.sleep(_NAP)

    def _take_turn(self, fitted: Fitted, seen: TokenRecord | None, stored: dict[str, str]) -> _Turn | None:
        """Take the lease; None when somebody was faster. The time of the transaction decides whether one has ended."""
        turn = _Turn(owner=f"{self.owner}/{uuid.uuid4().hex}", n=seen.n if seen else 0, stored=stored)
        with self.store.write(self.actor) as tx:
            if _is_leased(seen, tx.now):
                return None
            if seen is not None and seen.lease_owner is not None and not _bears_repeats(fitted):
                raise _lost(fitted, "a renewal was begun and nobody knows how it ended")
            row = TokenRecord(
                channel=fitted.name,
                sealed=seen.sealed if seen else fitted.sealer.seal(fitted.name, {}),
                n=turn.n,
                changed_at=tx.now,
                lease_owner=turn.owner,
                lease_until=tx.now + LEASE,
            )
            return turn if accounts.lease(tx, seen, row) else None

    def _refresh(
        self, fitted: Fitted, channel: Channel, turn: _Turn, deadline: float, stop: Callable[[], bool]
    ) -> Channel:
        platform = fitted.platform
        assert isinstance(platform, Refreshes)  # noqa: S101 - the caller asked `can_renew`
        deadline = min(deadline, self.monotonic() + LONGEST)
        with wire.Attempt(channel, deadline=deadline, monotonic=self.monotonic, stop=stop) as attempt:
            try:
                fresh = checked(platform.refresh(channel, attempt.client))
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                lost = _may_be_used_up(attempt) and not _bears_repeats(fitted)
                raise self._failed(fitted, turn, failure(error, attempt), lost=lost) from None
        return self._keep(fitted, channel, turn, fresh)

    def _failed(self, fitted: Fitted, turn: _Turn, meaning: PublishError, *, lost: bool) -> PublishError:
        """Say what a failed renewal leads to; the lease is given back unless the secrets may be used up."""
        self._let_go(fitted, turn, lost=lost)
        if lost:
            return _lost(fitted, f"the answer to a renewal was lost: {meaning}")
        if isinstance(meaning, Unavailable):
            return meaning
        return Unauthorized(str(meaning), tip=again(fitted.name))

    def _let_go(self, fitted: Fitted, turn: _Turn, *, lost: bool) -> None:
        """End the lease; where the store does not take it, it ends by time, which is the careful meaning."""
        try:
            with self.store.write(self.actor) as tx:
                accounts.end_lease(tx, fitted.name, turn.owner, lost_at=tx.now if lost else None)
        except StoreUnavailable as error:
            log.error("the lease on the credentials of %s ends by time: %s", fitted.name, error.message)

    def _keep(self, fitted: Fitted, channel: Channel, turn: _Turn, fresh: dict[str, str]) -> Channel:
        """Commit renewed secrets before anybody uses them, insistently: the old ones may be worth nothing now."""
        for wait in _PATIENCE:
            try:
                self._commit(fitted, channel, turn, fresh)
                return self.open(fitted)
            except StoreUnavailable as error:
                log.error("the renewed credentials of %s are not stored yet: %s", fitted.name, error.message)
            self.sleep(wait)
        raise _lost(fitted, "the renewed credentials could not be stored")

    def _commit(self, fitted: Fitted, channel: Channel, turn: _Turn, fresh: dict[str, str]) -> None:
        ends = fitted.ends({**channel.secrets, **fresh})
        with self.store.write(self.actor) as tx:
            sealed = fitted.sealer.seal(fitted.name, turn.stored | fresh)
            if accounts.renewed(tx, fitted.name, turn.n, turn.owner, sealed, ends):
                subject, why = f"channel:{fitted.name}", "the platform did not take the old ones"
                tx.event("channel.refreshed", subject, why=why, channel=fitted.name, secrets=sorted(fresh))


def failure(error: BaseException, attempt: wire.Attempt) -> PublishError:
    """Say what a failed log-in or renewal means; the words of a broken plugin are left out: they could hold secrets."""
    if wire.is_plugin_fault(error):
        return Rejected(f"the plugin failed: {error if isinstance(error, Unkept) else type(error).__name__}")
    try:
        meaning = wire.stage_error(error, attempt)
        str(meaning)
    except Exception:
        return Rejected(f"the plugin failed with a {type(error).__name__} that cannot be read")
    return meaning


def _may_be_used_up(attempt: wire.Attempt) -> bool:
    """Say whether the old secrets may have been taken: by a request that was not clearly refused."""
    return any(each.writes and each.left and not _is_refused(each) for each in attempt.exchanges)


_TELLS_NOTHING = (408, 425)
"""Whoever stands between may say these after the platform took the old secrets."""


def _is_refused(exchange: Exchange) -> bool:
    status = exchange.status if exchange.answered else None
    return status is not None and (300 <= status < 500 or status == 503) and status not in _TELLS_NOTHING


def _stored(fitted: Fitted, row: TokenRecord | None) -> dict[str, str]:
    return {} if row is None else fitted.sealer.open(fitted.name, row.sealed)


def _is_leased(row: TokenRecord | None, now: datetime) -> bool:
    """Say whether somebody renews now; an end much further off than a lease lasts is from before a clock jumped."""
    return row is not None and row.lease_until is not None and now < row.lease_until <= now + 2 * LEASE


def _bears_repeats(fitted: Fitted) -> bool:
    return getattr(fitted.platform, "refresh_repeats", False) is True


def _lost(fitted: Fitted, why: str) -> Unauthorized:
    return Unauthorized(why, tip=again(fitted.name))
