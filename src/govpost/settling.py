"""Open outcomes: ask the platform, repeat where that is safe, else leave the question to a person."""

from __future__ import annotations

from datetime import datetime

from govpost import attempts, duties, outcomes, renewing, seal
from govpost.attempts import Answer, Claim
from govpost.domain import Action
from govpost.errors import Refused, Unauthorized
from govpost.fitted import Fitted
from govpost.publisher import ACTOR, LEASE_MARGIN, Publisher
from govpost.states import DeliveryState
from govpost.store import deliveries, rescue
from govpost.store.deliveries import Fence
from govpost.store.engine import Tx
from govpost.store.rows import DeliveryRecord


def look(publisher: Publisher, name: str) -> bool:
    """Try to settle one open outcome of a channel; False when none should be looked at now."""
    fitted = publisher.setup.fitted.get(name)
    if fitted is None or not publisher.open():
        return False
    with publisher.store.write(ACTOR) as tx:
        # Asked again: the transaction may have learned that the clock jumped, and nothing may be judged by that yet.
        if not publisher.may_claim():
            return False
        delivery = rescue.claim_look(tx, name, publisher.setup.config.daemon.attempt + LEASE_MARGIN)
        if delivery is None:
            return False
        # Only of a post can the platform be asked: an original that is there says nothing of its amendment.
        if not fitted.confirms or delivery.action != Action.PUBLISH:
            if not _repeat(tx, publisher, fitted, delivery):
                _leave_open(tx, publisher, delivery)
            return True
        asked = tx.now
    answer = _ask(publisher, fitted, delivery)
    with publisher.store.write(ACTOR) as tx:
        _judge(tx, publisher, fitted, delivery, answer, asked)
    return True


def _repeat(tx: Tx, publisher: Publisher, fitted: Fitted, delivery: DeliveryRecord) -> bool:
    """Queue it again with the same key where the platform still knows the key and tries are left."""
    config = publisher.setup.config
    if (
        delivery.state != DeliveryState.UNCERTAIN
        or delivery.attempts >= config.rate(delivery.channel).attempts
    ):
        return False
    if not outcomes.repeat_is_safe(delivery.first_sent, tx.now, fitted.capabilities, config.daemon.attempt):
        return False
    if _is_past_its_grace(publisher, delivery, tx.now):
        return False
    why = f"{delivery.reason}; a repeat with the same key is safe"
    return deliveries.move(tx, delivery, DeliveryState.QUEUED, why, due=tx.now, check_at=None)


def _leave_open(tx: Tx, publisher: Publisher, delivery: DeliveryRecord) -> None:
    if delivery.state == DeliveryState.PENDING and _silent_too_long(publisher, delivery, tx.now):
        _give_up_waiting(tx, delivery)
    elif delivery.state == DeliveryState.PENDING:
        since = delivery.gate_at or delivery.due
        rescue.look_again(tx, delivery, outcomes.next_look(since, tx.now), "")
    else:
        rescue.look_again(tx, delivery, None, "")


def _ask(publisher: Publisher, fitted: Fitted, delivery: DeliveryRecord) -> Answer:
    config = publisher.setup.config
    with publisher.store.read() as conn:
        variant = attempts.variant_of(conn, delivery, config)
    sessions = publisher.sessions
    try:
        channel = sessions.open(fitted)
    except Refused as missing:
        return Answer(error=Unauthorized(missing.message))
    claim = Claim(
        config=config,
        delivery=delivery,
        fence=Fence("", 0),
        variant=variant,
        target=None,
        deadline=publisher.monotonic() + config.daemon.attempt.total_seconds(),
    )
    answer = attempts.confirm(fitted, claim, channel, publisher.must_stop, publisher.monotonic)
    channel, answer = renewing.renewed(
        sessions, fitted, channel, answer, deadline=claim.deadline, stop=publisher.must_stop
    )
    if answer.renewed:
        answer = attempts.confirm(fitted, claim, channel, publisher.must_stop, publisher.monotonic)
    return answer


def _judge(
    tx: Tx, publisher: Publisher, fitted: Fitted, delivery: DeliveryRecord, answer: Answer, asked: datetime
) -> None:
    gate_at = delivery.gate_at or delivery.due
    if answer.receipt is not None and not answer.receipt.pending:
        outcome = outcomes.of_receipt(answer.receipt, tx.now)
        deliveries.move(tx, delivery, DeliveryState.LIVE, "the platform confirms it", **outcome.values)
    elif delivery.state == DeliveryState.PENDING and _silent_too_long(publisher, delivery, tx.now):
        _give_up_waiting(tx, delivery)
    elif answer.receipt is None and answer.error is None and delivery.state == DeliveryState.UNCERTAIN:
        _absent(tx, publisher, fitted, delivery, asked)
    elif answer.error is None or not _repeat(tx, publisher, fitted, delivery):
        why = f"{delivery.reason.split('; asked:')[0]}; asked: {answer.error}" if answer.error else ""
        rescue.look_again(tx, delivery, outcomes.next_look(gate_at, tx.now), why)


def _absent(tx: Tx, publisher: Publisher, fitted: Fitted, delivery: DeliveryRecord, asked: datetime) -> None:
    """Believe "not there" only when every late arrival was past as we asked; without a known time, never."""
    now = deliveries.get(tx.conn, delivery.id)
    config, gate_at = publisher.setup.config, now.gate_at or now.due
    if now.tries != delivery.tries or not publisher.may_claim():
        return  # sent again while we asked, or the clock jumped: the answer does not speak of that
    other = seal.elsewhere(tx.conn, delivery, config)
    if other is not None:
        # Somewhere else was asked than where it was sent: that it is not there says nothing.
        why = f"{delivery.reason.split('; asked:')[0]}; asked: not believed, {other}"
        rescue.look_again(tx, delivery, outcomes.next_look(gate_at, tx.now), why)
        return
    ended = rescue.last_end(tx.conn, delivery)
    counts_from = outcomes.absence_counts_from(gate_at, fitted.capabilities, config.daemon.attempt, ended)
    if counts_from is None or delivery.remote_id is not None:
        # A platform that gave a receipt and shows nothing may still show it: only a person can tell.
        rescue.look_again(tx, delivery, outcomes.next_look(gate_at, tx.now), "")
    elif asked < counts_from:
        rescue.look_again(tx, delivery, counts_from, "")
    elif delivery.attempts >= config.rate(delivery.channel).attempts:
        rescue.look_again(
            tx, delivery, None, "the platform says it is not there, and all attempts are used up"
        )
    else:
        why = "the platform says it is not there"
        deliveries.move(tx, delivery, DeliveryState.QUEUED, why, due=tx.now, ambiguous=False, check_at=None)
        # Before a lane can take it: what is late by now is for the rate's `late` to decide.
        duties.judge_lateness(tx, config)


def _is_past_its_grace(publisher: Publisher, delivery: DeliveryRecord, now: datetime) -> bool:
    """Say whether a repeat would only be judged late again, and be asked about again, without an end."""
    rate = publisher.setup.config.rate(delivery.channel)
    return rate.late != "send" and delivery.part == 1 and delivery.slot < now - rate.grace


def _silent_too_long(publisher: Publisher, delivery: DeliveryRecord, now: datetime) -> bool:
    return now >= (delivery.gate_at or delivery.due) + publisher.setup.config.daemon.pending


def _give_up_waiting(tx: Tx, delivery: DeliveryRecord) -> None:
    why = "the platform took it in and never showed it"
    deliveries.move(tx, delivery, DeliveryState.UNCERTAIN, why, ambiguous=True, check_at=tx.now)
