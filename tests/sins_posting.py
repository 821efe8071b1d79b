"""Lies about who a platform is, its words and its clock."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta

import httpx2
from pydantic import BaseModel

from board import Board, BoardServer
from govpost import Receipt, Rejected
from govpost.testing.parts.identity import Identity
from govpost.testing.parts.posting import Posting
from govpost.testing.parts.timing import Timing
from sins import able, caught, with_

# Who it is


@caught(Identity, "it has a name and capabilities")
class MeasuresNothingAtATime(Board):
    capabilities = able(measure_batch=0)

    def adapted(self, channel):
        return Board.capabilities


@caught(Identity, "its options are checked")
class TakesAnyOption(Board):
    class Options(BaseModel, extra="allow"):
        warning: str = ""


@caught(Identity, "its options are checked")
class CountsAnOptionThatIsNone(Board):
    capabilities = able(counted_options=("spoiler",))


@caught(Identity, "each option is sent")
class ForgetsAnOption(Board):
    def body(self, variant):
        body = super().body(variant)
        return body | {"options": {key: value for key, value in body["options"].items() if key != "loud"}}


@caught(Identity, "each option is sent", "the words of its options arrive")
class SendsNoOptions(Board):
    def body(self, variant):
        return super().body(variant) | {"options": {"warning": len(variant.options.get("warning", "")) > 99}}


@caught(Identity, "it adapts to limits that it has never seen")
class NeedsLimits(Board):
    def adapted(self, channel):
        return able(max_chars=channel.limits["longest"])


@caught(Identity, "its example fits its settings")
class HasAnExampleOfAnotherPlace(Board):
    class Settings(BaseModel):
        address: str


# A post and its words


@caught(Posting, "a repeat makes no second post")
class PromisesTooMuch(Board):
    class Forgetful(BoardServer):
        def post_posts(self, name, request):
            known, self.posts = self.posts, {}
            post = json.loads(super().post_posts(name, request).content) | {"id": f"p{len(known) + 1}"}
            self.posts = known | {post["id"]: post}
            return httpx2.Response(201, json=post)

    example = with_(server=Forgetful)


@caught(Posting, "people can read every word", "a thread is public part by part")
class HidesTheText(Board):
    def body(self, variant):
        return super().body(variant) | {"hidden": variant.text, "text": "."}


@caught(
    Posting,
    "a description arrives in every script",
    "every word arrives and no other does",
    "people can read every word",
    "a correction carries the words of the correction",
)
class DescribesInPlainLetters(Board):
    def upload(self, medium, channel, http):
        plain = medium.alt.encode("ascii", "ignore").decode()
        return super().upload(dataclasses.replace(medium, alt=plain), channel, http)


@caught(Posting, "a thread is public part by part")
class WritesAThreadIntoOnePost(Board):
    def publish(self, variant, channel, http):
        if variant.reply_to is None:
            return super().publish(variant, channel, http)
        return self.amend(Receipt(remote_id=variant.reply_to), variant, channel, http)


@caught(Posting, "every word arrives and no other does", "a correction carries the words of the correction")
class AdvertisesToAServerThatEchoes(Board):
    def body(self, variant):
        return super().body(variant) | {"footer": "<p>Posted with the best of all systems</p>"}


@caught(Posting, "an accepted post gives a receipt")
class KeepsASecret(Board):
    def publish(self, variant, channel, http):
        receipt = super().publish(variant, channel, http)
        return dataclasses.replace(receipt, raw={"sent": {"with": channel.secrets["token"]}})


@caught(Posting, "publishing changes neither variant nor channel")
class LeavesANoteInTheSettings(Board):
    def publish(self, variant, channel, http):
        channel.settings["seen"] = variant.key
        return super().publish(variant, channel, http)


@caught(Posting, "one publish sends no request that writes twice")
class SendsEverythingTwice(Board):
    def publish(self, variant, channel, http):
        super().publish(variant, channel, http)
        return super().publish(variant, channel, http)


@caught(Posting, "the same variant is sent the same way again")
class NumbersItsRequests(Board):
    def body(self, variant):
        return super().body(variant) | {"request": str(uuid.uuid4())}


@caught(Posting, "the key is sent where repeats are safe")
class TakesTheWordsForAKey(Board):
    def body(self, variant):
        return super().body(variant) | {"key": hashlib.sha256(variant.text.encode()).hexdigest()}


@caught(Posting, "a reply names the post it replies to")
class ForgetsTheThread(Board):
    def body(self, variant):
        return super().body(variant) | {"reply_to": None}


# Clocks


@caught(Timing, "a post due by a clock that is ahead is published now")
class Schedules(Board):
    def body(self, variant):
        return super().body(variant) | {"scheduled_at": variant.at.isoformat()}


@caught(Timing, "a post due by a clock that is ahead is published now")
class SchedulesOutOfSight(Schedules):
    class Blind(BoardServer):
        def public(self):
            return [post["text"] for post in self.posts.values()]

    example = with_(server=Blind)


@caught(Timing, "a post due an hour ago is published now", "a post is found whatever the clocks say")
class RefusesWhatIsLate(Board):
    def publish(self, variant, channel, http):
        if variant.at < datetime.now(UTC) - timedelta(minutes=30):
            raise Rejected("too late")
        return super().publish(variant, channel, http)


@caught(Timing, "a post is found whatever the clocks say")
class LooksAtItsOwnClock(Board):
    def confirm(self, variant, receipt, channel, http):
        if abs(variant.at - datetime.now(UTC)) > timedelta(minutes=30):
            return None
        return super().confirm(variant, receipt, channel, http)
