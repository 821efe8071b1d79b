"""Lies about recipients, counts and what the public says."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import UTC, datetime

import httpx2

from board import HOST, PEOPLE, Board, Letters
from govpost import Metrics, NotWanted, Reply, Unavailable
from govpost.testing.parts.addressing import Addressing
from govpost.testing.parts.measuring import Measuring
from govpost.testing.parts.replying import Replying
from sins import able, caught

# Recipients


@caught(Addressing, "references are short and say nothing of the person")
class NamesAddresses(Letters):
    def recipients(self, channel, http):
        return [f"{who}@people.example" for who in PEOPLE]

    def publish(self, variant, channel, http):
        reference = variant.recipient.removesuffix("@people.example")
        return super().publish(dataclasses.replace(variant, recipient=reference), channel, http)


@caught(Addressing, "each recipient is named once and always the same")
class NamesThemAnew(Letters):
    def recipients(self, channel, http):
        return [f"r-{uuid.uuid4()}" for _ in PEOPLE]

    def publish(self, variant, channel, http):
        if variant.recipient.endswith("gone"):
            raise NotWanted
        return super().publish(dataclasses.replace(variant, recipient="r-1"), channel, http)


@caught(Addressing, "each recipient is named once and always the same")
class NamesSomebodyTwice(Letters):
    def recipients(self, channel, http):
        return [*PEOPLE, PEOPLE[0]]


@caught(Addressing, "asking for recipients changes nothing")
class AsksByWriting(Letters):
    def recipients(self, channel, http):
        http.post(f"{HOST}/media", json={"data": "", "alt": ""}, headers=self.head(channel))
        return PEOPLE


@caught(Addressing, "each recipient gets one copy")
class SendsOneCopyToAll(Letters):
    def body(self, variant):
        return super().body(variant) | {"key": "all"}


@caught(Addressing, "who is no longer on the list gets nothing")
class SendsToWhoeverWasThere(Letters):
    def publish(self, variant, channel, http):
        return Board.publish(self, variant, channel, http)


# Counts


class Counts(Board):
    def count(self, receipt, found):
        return found.get(receipt.remote_id)

    def measure(self, receipts, channel, http):
        found = super().measure(receipts, channel, http)
        counted = {receipt.remote_id: self.count(receipt, found) for receipt in receipts}
        return {name: count for name, count in counted.items() if count is not None}


@caught(
    Measuring,
    "a post that is gone is left out of the counts",
    "a post that never was is left out of the counts",
)
class CountsZeroForWhatIsGone(Counts):
    def count(self, receipt, found):
        return found.get(receipt.remote_id, Metrics(likes=0))


@caught(
    Measuring,
    "a post that is gone is left out of the counts",
    "a post that never was is left out of the counts",
)
class LosesTheOthers(Counts):
    def count(self, receipt, found):
        return found[receipt.remote_id]


@caught(Measuring, "the counts of a post are numbers or unknown")
class CountsBackwards(Counts):
    def count(self, receipt, found):
        return (receipt.remote_id in found and Metrics(likes=-1)) or None


@caught(Measuring, "a whole batch is measured in one call")
class CountsHalfABatch(Board):
    def measure(self, receipts, channel, http):
        return super().measure(receipts[:10], channel, http)


@caught(Measuring, "a whole batch is measured in one call")
class PromisesABiggerBatch(Board):
    def adapted(self, channel):
        return able(measure_batch=25)


@caught(Measuring, "measuring changes nothing")
class CountsByWriting(Board):
    def measure(self, receipts, channel, http):
        http.post(f"{HOST}/media", json={"data": "", "alt": ""}, headers=self.head(channel))
        return super().measure(receipts, channel, http)


@caught(Measuring, "measuring raises when it cannot count")
class CountsNothingWhenItCannot(Board):
    def measure(self, receipts, channel, http):
        try:
            return super().measure(receipts, channel, http)
        except httpx2.HTTPError:
            return {}


# Replies and answers


class Hears(Board):
    def change(self, found):
        return found

    def replies(self, channel, since, http):
        return self.change(super().replies(channel, since, http))


@caught(Replying, "what the public says is read oldest first")
class ReadsTheNewestFirst(Hears):
    def change(self, found):
        last = found[-1].cursor if found else None
        return [dataclasses.replace(each, cursor=last) for each in reversed(found)]


@caught(Replying, "what the public says is read oldest first", "reading goes on where it ended")
class KeepsTheMarkup(Hears):
    def change(self, found):
        return [dataclasses.replace(each, text=f"<p>{each.text}</p>") for each in found]


@caught(Replying, "what the public says is read oldest first")
class DoesNotSayToWhat(Hears):
    def change(self, found):
        return [dataclasses.replace(each, to=None) for each in found]


@caught(Replying, "reading goes on where it ended", "reading comes to an end")
class HasNoWayOn(Hears):
    def change(self, found):
        return [dataclasses.replace(each, cursor=None) for each in found]


@caught(Replying, "reading goes on where it ended")
class ReadsThePageBefore(Board):
    def replies(self, channel, since, http):
        return super().replies(channel, None, http)[:2]


@caught(Replying, "reading comes to an end")
class NeverComesToAnEnd(Board):
    def replies(self, channel, since, http):
        found = super().replies(channel, since, http)
        if since is None:
            return found
        when, name = datetime.now(UTC), str(uuid.uuid4())
        return [*found, Reply(remote_id=name, text="again", author="@bob", at=when, cursor=since)]


@caught(Replying, "our own words are no reply")
class HearsItself(Board):
    def replies(self, channel, since, http):
        found = self.ask(http, channel, "replies", **({"since": since} if since else {})).raise_for_status()
        return [self.heard(each) for each in found.json()]


@caught(Replying, "reading replies changes nothing")
class ReadsByWriting(Board):
    def replies(self, channel, since, http):
        http.post(f"{HOST}/media", json={"data": "", "alt": ""}, headers=self.head(channel))
        return super().replies(channel, since, http)


@caught(Replying, "reading replies raises when it cannot tell")
class HearsNothingWhenItCannot(Board):
    def replies(self, channel, since, http):
        try:
            return super().replies(channel, since, http)
        except httpx2.HTTPError:
            return []


@caught(Replying, "an answer is one post that names what it answers")
class AnswersNobody(Board):
    def answer(self, reply, variant, channel, http):
        return self.publish(variant, channel, http)


@caught(Replying, "an answer is one post that names what it answers")
class AnswersTwice(Board):
    def answer(self, reply, variant, channel, http):
        super().answer(reply, dataclasses.replace(variant, key="besides"), channel, http)
        return super().answer(reply, variant, channel, http)


@caught(Replying, "a failed answer is not hidden")
class HidesAFailedAnswer(Board):
    def answer(self, reply, variant, channel, http):
        try:
            return super().answer(reply, variant, channel, http)
        except httpx2.HTTPError as error:
            raise Unavailable("later") from error
