"""Lies about uploads, about what is there, and about what was changed."""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from datetime import UTC, datetime

import httpx2

from board import HOST, Board, BoardServer
from govpost import Processing, Receipt, Rejected, Unavailable
from govpost.testing.parts.changing import Changing
from govpost.testing.parts.confirming import Confirming
from govpost.testing.parts.staging import Staging
from sins import caught, with_

# Files before the post


@caught(Staging, "staging makes nothing public", "staging twice is fine")
class PublishesWhileItStages(Board):
    def stage(self, variant, channel, http):
        early = dataclasses.replace(variant, key=f"early-{uuid.uuid4()}")
        staged = super().stage(variant, channel, http)
        self.publish(dataclasses.replace(early, staged=staged), channel, http)
        return staged


@caught(Staging, "staging twice is fine", "staging makes nothing public")
class StagesWhatIsNoJson(Board):
    def stage(self, variant, channel, http):
        return {**super().stage(variant, channel, http), "when": datetime.now(UTC)}


@caught(Staging, "a big picture goes through")
class TakesLessThanItSays(Board):
    def upload(self, medium, channel, http):
        if medium.path.stat().st_size > 1_000_000:
            raise Rejected("too big")
        return super().upload(medium, channel, http)


@caught(Staging, "an upload that takes long is kept")
class ForgetsWhatItStaged(Board):
    def stage(self, variant, channel, http):
        try:
            return super().stage(variant, channel, http)
        except Processing as slow:
            raise Unavailable("still busy") from slow


@caught(Staging, "an upload that takes long is kept")
class KeepsNothing(Board):
    def stage(self, variant, channel, http):
        try:
            return super().stage(variant, channel, http)
        except Processing as slow:
            raise Processing(staged={}) from slow


@caught(Staging, "an upload that takes long is kept")
class UploadsAgain(Board):
    def stage(self, variant, channel, http):
        return super().stage(dataclasses.replace(variant, staged={}), channel, http)


@caught(Staging, "an upload that takes long is kept", "polling ends by the deadline")
class SleepsByItself(Board):
    def wait(self, ids, channel, http):
        while self.ask(http, channel, f"media/{ids[-1]}").raise_for_status().status_code != 200:
            time.sleep(1)


@caught(Staging, "an upload that takes long is kept", "polling ends by the deadline")
class AsksWithoutAnEnd(Board):
    def wait(self, ids, channel, http):
        while self.ask(http, channel, f"media/{ids[-1]}").raise_for_status().status_code != 200:
            pass


@caught(Staging, "staging lets errors out")
class GoesOnWithoutThePicture(Board):
    def upload(self, medium, channel, http):
        try:
            return super().upload(medium, channel, http)
        except httpx2.HTTPError:
            return "none"


# Whether it is there


@caught(
    Confirming, "confirm finds nothing that was never published", "confirm does not take another post for it"
)
class SaysYesToEverything(Board):
    def confirm(self, variant, receipt, channel, http):
        return super().confirm(variant, receipt, channel, http) or Receipt(remote_id=variant.key)


@caught(
    Confirming,
    "confirm finds a post whose answer was lost",
    "confirm finds a post after the connection broke",
    "confirm tells two posts apart",
    "confirming raises when it cannot tell",
)
class NeedsTheReceipt(Board):
    def confirm(self, variant, receipt, channel, http):
        return super().confirm(variant, receipt, channel, http) if receipt else None


class MatchesWords(Board):
    length = 10

    class Listing(BoardServer):
        def get_posts(self, name, request):
            if name or request.url.params:
                return super().get_posts(name, request)
            return httpx2.Response(200, json=list(self.posts.values()))

    example = with_(server=Listing)

    def confirm(self, variant, receipt, channel, http):
        found = self.ask(http, channel, "posts").raise_for_status().json()
        same = [post["id"] for post in found if post["text"][: self.length] == variant.text[: self.length]]
        return Receipt(remote_id=same[-1]) if same else None


caught(Confirming, "confirm does not take another post for it")(MatchesWords)


@caught(Confirming, "confirm does not take another post for it", "confirm tells two posts apart")
class TakesTheLastPost(MatchesWords):
    length = 0


@caught(Confirming, "confirming changes nothing", "confirm does not take another post for it")
class ConfirmsByPublishing(Board):
    def confirm(self, variant, receipt, channel, http):
        found = super().confirm(variant, receipt, channel, http)
        http.post(f"{HOST}/posts", json=self.body(variant), headers=self.head(channel))
        return found


@caught(Confirming, "confirm finds what was published", "confirm tells two posts apart")
class ForgetsItsOwnReceipt(Board):
    def confirm(self, variant, receipt, channel, http):
        found = super().confirm(variant, receipt, channel, http)
        return None if receipt else found


# Corrections and withdrawals


@caught(Changing, "what was withdrawn is gone", "a failed withdrawal is not hidden")
class WithdrawsNothing(Board):
    def withdraw(self, receipt, notice, channel, http):
        pass


@caught(Changing, "withdrawing takes down one post alone")
class WithdrawsItsNeighbour(Board):
    def withdraw(self, receipt, notice, channel, http):
        super().withdraw(receipt, notice, channel, http)
        if receipt.remote_id != "p2":
            super().withdraw(Receipt(remote_id="p2"), notice, channel, http)


@caught(Changing, "withdrawing twice is fine")
class WithdrawsOnlyOnce(Board):
    def withdraw(self, receipt, notice, channel, http):
        http.delete(f"{HOST}/posts/{receipt.remote_id}", headers=self.head(channel)).raise_for_status()


@caught(Changing, "a correction keeps the post where it is", "a correction can be confirmed")
class CorrectsByPublishingAgain(Board):
    def amend(self, receipt, variant, channel, http):
        return self.publish(variant, channel, http)


@caught(Changing, "a correction keeps the post where it is")
class CorrectsNothing(Board):
    def amend(self, receipt, variant, channel, http):
        place = f"{HOST}/posts/{receipt.remote_id}"
        answer = http.put(place, json={"checked": variant.text}, headers=self.head(channel))
        return self.receipt(answer.raise_for_status())


@caught(Changing, "a correction keeps the post where it is")
class MovesWhatItCorrects(Board):
    def amend(self, receipt, variant, channel, http):
        changed = super().amend(receipt, variant, channel, http)
        return dataclasses.replace(changed, url=f"{changed.url}/2")


@caught(Changing, "a correction can be confirmed")
class DoesNotKnowItsCorrection(Board):
    def confirm(self, variant, receipt, channel, http):
        return None if variant.action == "amend" else super().confirm(variant, receipt, channel, http)


@caught(Changing, "amending twice is fine", "a correction keeps the post where it is")
class CorrectsOnlyOnce(Board):
    class Stubborn(BoardServer):
        def put_posts(self, name, request):
            if self.posts[name]["key"] == json.loads(request.content)["key"]:
                return httpx2.Response(409)
            return super().put_posts(name, request)

    example = with_(server=Stubborn)


@caught(Changing, "a refused correction is not hidden")
class HidesARefusedCorrection(Board):
    def amend(self, receipt, variant, channel, http):
        try:
            return super().amend(receipt, variant, channel, http)
        except httpx2.HTTPError:
            http.get(f"{HOST}/posts/{receipt.remote_id}", headers=self.head(channel))
            return receipt
