"""The calls into a plugin: each under one deadline, each ending in an `Answer` whatever the plugin does."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from govpost import wire
from govpost.config import Config
from govpost.contract import Addresses, Amends, Answers, Confirms, Stages, Withdraws
from govpost.domain import Action, Channel, Receipt, Reply, Variant
from govpost.draft_json import variant_from_dict
from govpost.errors import PublishError, Rejected, Unavailable, Uncertain
from govpost.fitted import Fitted
from govpost.store import deliveries
from govpost.store.deliveries import Fence
from govpost.store.rows import DeliveryRecord
from govpost.wire_limits import Budget

Monotonic = Callable[[], float]

_MOST_RECIPIENTS = 20_000
_REFERENCE = re.compile(r"[!-?A-~]{1,200}")
"""Printable ASCII without a space or an @: a reference is never an address."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claimed delivery, what it changes if it changes something, and when its attempt must be over.

    ``config`` is the one it was claimed under: what is held against the approval is what goes out, whatever is read
    again meanwhile. ``reply`` is what it answers. ``deadline`` is an instant of the monotonic clock.
    """

    config: Config
    delivery: DeliveryRecord
    fence: Fence
    variant: Variant
    target: DeliveryRecord | None
    deadline: float
    reply: Reply | None = None

    def with_staged(self, staged: Mapping[str, Any]) -> Claim:
        """Return the claim with what `stage` brought back."""
        return replace(self, variant=replace(self.variant, staged=staged))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a call: a receipt or an error, whether the plugin itself broke, and what was said on the wire.

    ``room`` is what the answers said of the platform's rate limits. ``renewed``: the credentials it calls bad have been
    renewed meanwhile.
    """

    receipt: Receipt | None = None
    error: PublishError | None = None
    crashed: bool = False
    staged: Mapping[str, Any] = field(default_factory=dict)
    recipients: tuple[str, ...] = ()
    evidence: list[dict[str, Any]] = field(default_factory=list)
    room: Budget | None = None
    renewed: bool = False


def variant_of(conn: Connection, delivery: DeliveryRecord, config: Config) -> Variant:
    """Return what a delivery carries, as its platform sees it, for a try as well as for a question about it."""
    before = deliveries.get(conn, delivery.waits_for) if delivery.waits_for else None
    return variant_from_dict(
        delivery.variant,
        config.root / config.store.media,
        key=delivery.id,
        at=delivery.slot,
        reply_to=before.remote_id if before and delivery.action == Action.PUBLISH else None,
        recipient=delivery.recipient,
        staged=delivery.staged,
    )


def receipt_of(delivery: DeliveryRecord) -> Receipt | None:
    """Return the receipt kept with a delivery, None when there is none."""
    kept = delivery.receipt
    if not kept or not kept.get("remote_id"):
        return None
    return Receipt(remote_id=kept["remote_id"], url=kept.get("url"), raw=kept.get("raw") or {})


def _meaning(
    translate: Callable[[BaseException, wire.Attempt], PublishError],
    error: BaseException,
    attempt: wire.Attempt,
    otherwise: type[PublishError],
) -> PublishError:
    """Translate a plugin's error; one that cannot even be read is as bad as it may be."""
    try:
        return translate(error, attempt)
    except Exception:
        return otherwise(f"the plugin failed with a {type(error).__name__} that cannot be read")


def stage(
    fitted: Fitted, claim: Claim, channel: Channel, stop: Callable[[], bool], monotonic: Monotonic
) -> Answer:
    """Let the plugin upload what the post needs, with a few quick tries; nothing becomes public here."""
    platform = fitted.platform
    if not isinstance(platform, Stages) or claim.delivery.action == Action.WITHDRAW:
        return Answer()
    with wire.Attempt(channel, deadline=claim.deadline, monotonic=monotonic, stop=stop) as attempt:
        try:
            staged = wire.quick_tries(
                lambda: platform.stage(claim.variant, channel, attempt.client),
                attempt,
                stop,
                wire.stage_error,
            )
            return Answer(staged=dict(staged), evidence=attempt.evidence(), room=attempt.room)
        except BaseException as error:
            failure = _meaning(wire.stage_error, error, attempt, Unavailable)
            return Answer(error=failure, crashed=wire.is_plugin_fault(error), evidence=attempt.evidence())


def recipients(
    fitted: Fitted, claim: Claim, channel: Channel, stop: Callable[[], bool], monotonic: Monotonic
) -> Answer:
    """Ask who gets a copy; an Answer without an error names at least one, each once."""
    platform = fitted.platform
    assert isinstance(platform, Addresses)  # noqa: S101 - the caller asked `fitted.addresses`
    with wire.Attempt(
        channel, deadline=claim.deadline, monotonic=monotonic, stop=stop, read_only=True, private=True
    ) as attempt:
        try:
            found = _references(platform.recipients(channel, attempt.client))
            return Answer(recipients=found, evidence=attempt.evidence())
        except BaseException as error:
            crashed = wire.is_plugin_fault(error)
            if crashed:  # its words may hold an address
                failure: PublishError = Unavailable(f"the plugin failed at its list: {type(error).__name__}")
            else:
                failure = _meaning(wire.stage_error, error, attempt, Unavailable)
            return Answer(error=failure, crashed=crashed, evidence=attempt.evidence())


def _references(found: Iterable[object]) -> tuple[str, ...]:
    """Return the references, each once; `Rejected` when one is none or there are too many to be a list of people."""
    references = dict.fromkeys(islice(found, _MOST_RECIPIENTS + 1))
    if len(references) > _MOST_RECIPIENTS:
        raise Rejected(f"there are more than {_MOST_RECIPIENTS:,} recipients")
    wrong = [each for each in references if not isinstance(each, str) or not _REFERENCE.fullmatch(each)]
    if wrong:
        raise Rejected(f"the plugin gave {len(wrong)} references that are none, or that show an address")
    if not references:
        raise Rejected(
            "there is nobody to send it to", tip="see the list of recipients in the channel's settings"
        )
    return tuple(str(each) for each in references)


def publish(fitted: Fitted, claim: Claim, channel: Channel, monotonic: Monotonic = time.monotonic) -> Answer:
    """Let the plugin publish, amend or withdraw, once."""
    private = claim.delivery.recipient is not None
    with wire.Attempt(channel, deadline=claim.deadline, monotonic=monotonic, private=private) as attempt:
        try:
            receipt = _act(fitted, claim, channel, attempt)
            return Answer(receipt=receipt, evidence=attempt.evidence(), room=attempt.room)
        except BaseException as error:
            failure = _meaning(wire.publish_error, error, attempt, Uncertain)
            crashed = wire.is_plugin_fault(error)
            return Answer(error=failure, crashed=crashed, evidence=attempt.evidence(), room=attempt.room)


def _act(fitted: Fitted, claim: Claim, channel: Channel, attempt: wire.Attempt) -> Receipt:
    platform, action = fitted.platform, claim.delivery.action
    if action == Action.PUBLISH and claim.variant.answers is not None:
        return wire.judge(_answer(fitted, claim, channel, attempt), attempt)
    if action == Action.PUBLISH:
        return wire.judge(platform.publish(claim.variant, channel, attempt.client), attempt)
    receipt = receipt_of(claim.target) if claim.target is not None else None
    if receipt is None:
        raise Rejected("there is no receipt of what it should change")
    if action == Action.AMEND and isinstance(platform, Amends):
        return wire.judge(platform.amend(receipt, claim.variant, channel, attempt.client), attempt)
    if action == Action.WITHDRAW and isinstance(platform, Withdraws):
        platform.withdraw(receipt, claim.delivery.notice or "", channel, attempt.client)
        wire.judge_gone(attempt)
        return receipt
    raise Rejected(f"the platform {platform.name} cannot {action}")


def _answer(fitted: Fitted, claim: Claim, channel: Channel, attempt: wire.Attempt) -> Receipt:
    platform = fitted.platform
    if claim.reply is None:
        raise Rejected("the reply that it answers is no longer kept")
    if not isinstance(platform, Answers):
        raise Rejected(f"the platform {platform.name} cannot answer")
    return platform.answer(claim.reply, claim.variant, channel, attempt.client)


def confirm(
    fitted: Fitted, claim: Claim, channel: Channel, stop: Callable[[], bool], monotonic: Monotonic
) -> Answer:
    """Ask the platform whether it holds the post; an Answer with neither receipt nor error means not there now."""
    platform = fitted.platform
    assert isinstance(platform, Confirms)  # noqa: S101 - the caller asked `fitted.confirms`
    known = receipt_of(claim.delivery)
    with wire.Attempt(
        channel, deadline=claim.deadline, monotonic=monotonic, stop=stop, read_only=True
    ) as attempt:
        try:
            found = wire.quick_tries(
                lambda: platform.confirm(claim.variant, known, channel, attempt.client),
                attempt,
                stop,
                wire.read_error,
            )
            if found is None:
                wire.judge_gone(attempt)
            else:
                found = wire.judge(found, attempt)
            return Answer(receipt=found, evidence=attempt.evidence(), room=attempt.room)
        except BaseException as error:
            return Answer(
                error=_meaning(wire.read_error, error, attempt, Unavailable), evidence=attempt.evidence()
            )
