"""One claimed delivery to its outcome. The only caller of a platform's writes.

Claim, stage, gate, publish: the gate is committed before the wire is touched, the receipt before anything else is
done, and no transaction is open while the network is used.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from govpost import addressing, attempts, ending, gating, outcomes, recording, renewing, trouble
from govpost.attempts import Answer, Claim, Monotonic
from govpost.config import Config
from govpost.domain import Action, Channel
from govpost.errors import NotWanted, PublishError, Refused, Rejected, StoreUnavailable, Uncertain
from govpost.fitted import Fitted
from govpost.gating import Looked
from govpost.outcomes import Outcome, Standing
from govpost.sessions import Sessions
from govpost.states import DeliveryState
from govpost.store import channels, deliveries, gathered, meta, rescue
from govpost.store.deliveries import Fence
from govpost.store.engine import Store, Tx
from govpost.store.rows import DeliveryRecord

ACTOR = recording.ACTOR
LEASE_MARGIN = timedelta(seconds=30)

log = logging.getLogger("govpost.publisher")


@dataclass(frozen=True, kw_only=True)
class Setup:
    """The config in force and the channels fitted out under it; replaced whole on a reload."""

    config: Config
    fitted: dict[str, Fitted]


def _nothing(_delivery: DeliveryRecord) -> None:
    """Hear of a claim and do nothing."""


@dataclass(kw_only=True)
class Publisher:
    """Carries deliveries out.

    `unrecorded` holds what the store has not taken yet; no claim is made while there is any. `stopping` ends claims
    and waits, `abandon` ends even the attempts to record. `lacking` says for which channels this machine has no
    secret, though others may.
    """

    store: Store
    owner: str
    setup: Setup
    monotonic: Monotonic = time.monotonic
    unrecorded: dict[str, str] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)
    abandon: threading.Event = field(default_factory=threading.Event)
    may_claim: Callable[[], bool] = lambda: True
    claimed: Callable[[DeliveryRecord], None] = _nothing
    renewed_for: set[str] = field(default_factory=set)
    lacking: dict[str, str] = field(default_factory=dict)
    sessions: Sessions = field(init=False)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _instants: set[datetime | None] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.sessions = Sessions(store=self.store, owner=self.owner, monotonic=self.monotonic)

    def deliver(self, name: str) -> bool:
        """Carry the channel's next due delivery to its outcome; False when none may be taken now."""
        setup = self.setup
        fitted = setup.fitted.get(name)
        if fitted is None or not self.open():
            return False
        try:
            channel = self.sessions.open(fitted)
        except Refused as missing:
            self._lock_out(name, f"{missing.message}; {missing.tip}")
            return False
        self.lacking.pop(name, None)
        claim, gated = self._claim(fitted, setup.config)
        if claim is None:
            return gated
        self.claimed(claim.delivery)
        self._carry_out(fitted, claim, channel, gated=gated)
        return True

    def _carry_out(self, fitted: Fitted, claim: Claim, channel: Channel, *, gated: bool) -> None:
        staged = Answer()
        if not gated:
            if not self._check(fitted, claim, gating.is_as_approved):
                return
            if addressing.is_wanted(fitted, claim.delivery):
                self._part(fitted, claim, channel)
                return
            staged = attempts.stage(fitted, claim, channel, self.must_stop, self.monotonic)
            claim = claim.with_staged(staged.staged)
            if staged.error is not None:
                self._record(fitted, claim, self._renewed(fitted, claim, channel, staged))
            if staged.error is not None or not self._check(fitted, claim, self._gate):
                return
        answer = attempts.publish(fitted, claim, channel, self.monotonic)
        answer, room = self._renewed(fitted, claim, channel, answer), answer.room or staged.room
        self._record(fitted, claim, replace(answer, evidence=staged.evidence + answer.evidence, room=room))

    def _renewed(self, fitted: Fitted, claim: Claim, channel: Channel, answer: Answer) -> Answer:
        """Renew the credentials that an answer calls bad, once a delivery: new ones refused too lock the channel."""
        if claim.delivery.id in self.renewed_for:
            self.renewed_for.discard(claim.delivery.id)
            return answer
        _, known = renewing.renewed(
            self.sessions, fitted, channel, answer, deadline=claim.deadline, stop=self.must_stop
        )
        if known.renewed:
            self.renewed_for.add(claim.delivery.id)
        return known

    def _part(self, fitted: Fitted, claim: Claim, channel: Channel) -> None:
        """Part the delivery among its recipients; nothing has gone out, so a store in trouble means: later."""
        asked = attempts.recipients(fitted, claim, channel, self.must_stop, self.monotonic)
        if asked.error is not None:
            self._record(fitted, claim, asked)
            return
        said = f"{len(asked.recipients)} recipients"
        self._insist(claim, said, lambda tx: addressing.part(tx, claim, asked.recipients))

    def open(self) -> bool:
        """Say whether anything may be taken on now."""
        if self.store.several and self.store.memory.is_doubtful():
            return False
        return not self.unrecorded and not self.stopping.is_set() and self.may_claim()

    def must_stop(self) -> bool:
        """Say whether waits for a retry must end: we are stopping, or everything is frozen."""
        if self.stopping.is_set():
            return True
        try:
            with self.store.read() as conn:
                return meta.frozen(conn) is not None
        except StoreUnavailable:
            return True

    def _lock_out(self, name: str, why: str) -> None:
        if self.store.several:
            if self.lacking.get(name) != why:
                log.error("nothing is sent to %s from this machine: %s", name, why)
            self.lacking[name] = why
            return
        with self.store.write(ACTOR) as tx:
            if not channels.is_paused(channels.get(tx.conn, name), tx.now):
                channels.pause(tx, name, channels.FOR_GOOD, why)

    def _claim(self, fitted: Fitted, config: Config) -> tuple[Claim | None, bool]:
        """Claim; what needs no upload and no file read passes the gate in the same transaction.

        Without a claim, the second value says whether something was taken and stopped at the gate.
        """
        began, since, claim = self.monotonic(), None, None
        try:
            with self.store.write(ACTOR, shared=True) as tx:
                since = self._set_apart(tx)
                claim = self._take(tx, fitted, config, began)
                if claim is None:
                    return None, False
                looks = fitted.stages or fitted.foresees or claim.variant.media
                if looks or addressing.is_wanted(fitted, claim.delivery):
                    return claim, False
                return (claim if self._gate(tx, fitted, claim, Looked()) else None), True
        except StoreUnavailable as error:
            if since is not None and claim is not None:
                self._take_back(claim, since, f"the claim's commit was not answered: {error.message}")
            raise
        finally:
            self._instants.discard(since)

    def _set_apart(self, tx: Tx) -> datetime:
        """Give a claim an instant that no other one under way has: by that it is known if it must be taken back."""
        with self._turn:
            while tx.now in self._instants:
                tx.now += timedelta(microseconds=1)
            self._instants.add(tx.now)
            return tx.now

    def _take_back(self, claim: Claim, since: datetime, why: str) -> None:
        self.claimed(claim.delivery)  # whoever looks after lanes sees what this one is waiting with
        self._insist(claim, why, lambda tx: ending.take_back(tx, claim, since, why))

    def _take(self, tx: Tx, fitted: Fitted, config: Config, began: float) -> Claim | None:
        rate = config.rate(fitted.name)
        if gating.closed(tx, fitted) is not None:
            return None
        taken = deliveries.claim(
            tx,
            fitted.name,
            owner=self.owner,
            lease=config.daemon.attempt + LEASE_MARGIN,
            gap=rate.min_gap,
            main_channel=config.main_channel,
            refitted=rate.restricts,
        )
        return None if taken is None else self._prepare(tx, taken, config, began)

    def _prepare(self, tx: Tx, taken: DeliveryRecord, config: Config, began: float) -> Claim:
        variant = attempts.variant_of(tx.conn, taken, config)
        return Claim(
            config=config,
            delivery=taken,
            fence=Fence(self.owner, taken.tries),
            variant=variant,
            target=deliveries.get(tx.conn, taken.target) if taken.target else None,
            reply=gathered.kept_reply(tx.conn, variant.answers) if variant.answers else None,
            deadline=began + config.daemon.attempt.total_seconds(),
        )

    def _check(
        self, fitted: Fitted, claim: Claim, passes: Callable[[Tx, Fitted, Claim, Looked], bool]
    ) -> bool:
        looked = gating.look(fitted, claim)
        try:
            with self.store.write(ACTOR, shared=True) as tx:
                return passes(tx, fitted, claim, looked)
        except StoreUnavailable as error:
            why = f"the gate could not be committed: {error.message}"
            self._insist(claim, why, lambda tx: ending.give_back(tx, claim, why))
            return False

    def _gate(self, tx: Tx, fitted: Fitted, claim: Claim, looked: Looked) -> bool:
        if not gating.is_as_approved(tx, fitted, claim, looked) or ending.close_late_repeat(
            tx, fitted, claim
        ):
            return False
        off = gating.closed(tx, fitted)
        # Asked again: the clock may have jumped since, and what the gate notes would be judged by another time.
        if off is None and self.may_claim() and deliveries.gate(tx, claim.delivery, claim.fence):
            return True
        shut = (
            "the gate is shut: frozen, paused, suspended, cancelled or expired meanwhile, or the clock jumped"
        )
        ending.give_back(tx, claim, off or shut)
        return False

    def _record(self, fitted: Fitted, claim: Claim, answer: Answer) -> None:
        said = f"receipt {answer.receipt}" if answer.receipt else f"outcome {answer.error!r}"
        judged: list[Outcome] = []  # once: a commit whose answer was lost must not be judged by what it left
        self._insist(claim, said, lambda tx: self._settle(tx, fitted, claim, answer, judged))

    def _insist(self, claim: Claim, said: str, work: Callable[[Tx], None]) -> None:
        recording.insist(
            self.store, claim.delivery.id, said, work, unrecorded=self.unrecorded, abandon=self.abandon
        )

    def _outcome(self, fitted: Fitted, claim: Claim, answer: Answer, tx: Tx) -> Outcome:
        if answer.renewed:
            return outcomes.with_new_credentials(tx.now)
        if answer.receipt is not None:
            return outcomes.of_receipt(answer.receipt, tx.now, used=claim.delivery.attempts + 1)
        now = deliveries.get(tx.conn, claim.delivery.id)
        standing = Standing(
            attempts=now.attempts, ambiguous=now.ambiguous, first_sent=now.first_sent, slot=now.slot
        )
        error: PublishError = answer.error or Uncertain("the plugin said nothing")
        if isinstance(error, NotWanted) and now.recipient is None:
            error = Rejected(str(error), tip=error.tip)
        rate, attempt = claim.config.rate(fitted.name), claim.config.daemon.attempt
        outcome = outcomes.of_error(error, standing, rate, fitted.capabilities, tx.now, attempt)
        asks = fitted.confirms and claim.delivery.action == Action.PUBLISH
        return outcomes.ask_first(outcome, tx.now) if asks else outcome

    def _settle(self, tx: Tx, fitted: Fitted, claim: Claim, answer: Answer, judged: list[Outcome]) -> None:
        if not judged:
            judged.append(self._outcome(fitted, claim, answer, tx))
        delivery, (outcome,) = claim.delivery, judged
        if outcome.state == DeliveryState.CANCELLED:
            ending.call_off(tx, claim, outcome.reason)
        elif deliveries.move(
            tx, delivery, outcome.state, outcome.reason, fence=claim.fence, **outcome.values
        ):
            if answer.receipt is not None:
                rescue.note_duplicate(tx, delivery, outcome.values)
            self._after(tx, claim, outcome)
        elif deliveries.has_ended(tx.conn, delivery, str(outcome.state)):
            return  # it is recorded: only the answer to that commit was lost
        elif answer.receipt is not None:
            rescue.late_receipt(tx, delivery, dict(outcome.values))
        deliveries.end_attempt(tx, delivery, str(outcome.state), outcome.reason, answer.evidence)
        trouble.note(tx, fitted.name, outcome, crashed=answer.crashed, room=answer.room)

    def _after(self, tx: Tx, claim: Claim, outcome: Outcome) -> None:
        if outcome.repeat_at is not None:
            again = deliveries.get(tx.conn, claim.delivery.id)
            why = f"{outcome.reason}; a repeat with the same key is safe"
            deliveries.move(tx, again, DeliveryState.QUEUED, why, due=outcome.repeat_at, check_at=None)
