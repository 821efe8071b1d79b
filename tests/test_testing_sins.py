"""Every check of the conformance suite has a lie that it, and nothing else of its part, catches."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
import uuid
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from pydantic import BaseModel

from board import HOST, PEOPLE, Board, BoardServer, Letters
from govpost import Account, Metrics, NotWanted, Processing, Receipt, Rejected, Reply, Unavailable
from govpost.testing import check
from govpost.testing.contract_suite import PARTS
from govpost.testing.parts.accounts import Accounts
from govpost.testing.parts.addressing import Addressing
from govpost.testing.parts.changing import Changing
from govpost.testing.parts.confirming import Confirming
from govpost.testing.parts.failing import Failing
from govpost.testing.parts.identity import Identity
from govpost.testing.parts.logins import Logins
from govpost.testing.parts.measuring import Measuring
from govpost.testing.parts.posting import Posting
from govpost.testing.parts.replying import Replying
from govpost.testing.parts.staging import Staging
from govpost.testing.parts.timing import Timing

SINS: list[tuple[type, type, set[str]]] = []


def caught(part, *names):
    """Note which checks must catch the platform below; their names stand in the report as they do here."""

    def note(sin):
        SINS.append((sin, part, set(names)))
        return sin

    return note


def with_(**changes):
    return dataclasses.replace(Board.example, **changes)


def able(**changes):
    return dataclasses.replace(Board.capabilities, **changes)


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


# Accounts and credentials


class Knows(Board):
    def change(self, account, channel):
        return account

    def verify(self, channel, http):
        return self.change(super().verify(channel, http), channel)


@caught(Accounts, "it says who we are")
class HasNoIdea(Knows):
    def change(self, account, channel):
        return dataclasses.replace(account, name="")


@caught(Accounts, "the limits of the server are kept and used")
class KeepsLimitsThatAreNoJson(Knows):
    def change(self, account, channel):
        return dataclasses.replace(account, limits={"longest": 400, "since": datetime.now(UTC)})


@caught(Accounts, "the limits of the server are kept and used")
class BreaksAtItsOwnLimits(Knows):
    def change(self, account, channel):
        return dataclasses.replace(account, limits={"longest": "four hundred"})


@caught(Accounts, "what it says of us holds no secret")
class TellsTheToken(Knows):
    def change(self, account, channel):
        return dataclasses.replace(account, notes=(f"logged in with {channel.secrets['token']}",))


@caught(Accounts, "verifying changes nothing")
class VerifiesByWriting(Board):
    def verify(self, channel, http):
        http.post(f"{HOST}/media", json={"data": "", "alt": ""}, headers=self.head(channel))
        return super().verify(channel, http)


@caught(Accounts, "wrong credentials are found out", "verifying raises when it cannot tell")
class KnowsItselfWithoutAsking(Board):
    def verify(self, channel, http):
        http.get(f"{HOST}/me")
        return Account(remote_id="1", name="@city")


@caught(Accounts, "a post with wrong credentials is unauthorized")
class BlamesThePost(Board):
    def publish(self, variant, channel, http):
        try:
            return super().publish(variant, channel, http)
        except httpx2.HTTPStatusError as error:
            raise Rejected("no") from error


@caught(Accounts, "new credentials work")
class RenewsNothing(Board):
    def refresh(self, channel, http):
        super().refresh(channel, http)
        return {"token": "what I made up"}


@caught(Accounts, "new credentials work")
class GivesMoreThanSecrets(Board):
    def refresh(self, channel, http):
        return {**super().refresh(channel, http), "expires": 3600}


@caught(Accounts, "credentials that cannot be renewed need a person")
class WaitsForDeadCredentials(Board):
    def exchange(self, http, **proof):
        answer = http.post(f"{HOST}/token", data=proof)
        if answer.status_code == 400:
            raise Unavailable("later")
        return answer.raise_for_status().json()


@caught(Accounts, "renewing is never repeated")
class RenewsAgain(Board):
    def refresh(self, channel, http):
        try:
            return super().refresh(channel, http)
        except httpx2.HTTPError:
            return super().refresh(channel, http)


# Logging in


class Trusting(BoardServer):
    def authorise(self, request):
        known = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        params = {"code_challenge": known, "state": "", **request.url.params}
        return super().authorise(httpx2.Request("GET", f"{HOST}/authorise", params=params))


@caught(Logins, "logging in with a browser works")
class LogsInWithoutProof(Board):
    example = with_(server=Trusting)

    def login(self, channel, talk, http):
        query = f"response_type=code&state=mine&redirect_uri={talk.redirect() or 'oob'}"
        back = talk.visit(f"{HOST}/authorise?{query}")
        if back and back["state"] != "mine":
            raise Rejected("not ours")
        return self.exchange(http, code=back.get("code") or talk.ask("The code"))


@caught(Logins, "an answer to somebody elses log in is refused")
class TakesAnyAnswer(Board):
    def login(self, channel, talk, http):
        class Deaf:
            redirect, ask = talk.redirect, talk.ask

            @staticmethod
            def visit(address):
                back = dict(talk.visit(address))
                return back and back | {"state": "a state of my own"}

        return super().login(channel, Deaf, http)


@caught(Logins, "logging in without a browser works", "what is secret is not shown")
class NeedsABrowser(Board):
    def login(self, channel, talk, http):
        if talk.redirect() is None:
            raise Rejected("no browser")
        return super().login(channel, talk, http)


@caught(Logins, "what is secret is not shown")
class ShowsTheToken(Board):
    def login(self, channel, talk, http):
        fresh = super().login(channel, talk, http)
        talk.say(f"your token is {fresh['token']}")
        return fresh


@caught(Logins, "what is secret is not shown")
class ReadsAPasswordInTheOpen(Board):
    example = with_(person={"password": "an example of one"})

    def login(self, channel, talk, http):
        return {"token": talk.ask("Your password?")}


@caught(
    Logins,
    "logging in with a browser works",
    "logging in without a browser works",
    "what is secret is not shown",
)
class LogsInForNothing(Board):
    def login(self, channel, talk, http):
        super().login(channel, talk, http)
        return {}


@caught(Logins, "logging in with a browser works", "logging in without a browser works")
class CallsTheTokenOtherwise(Board):
    def login(self, channel, talk, http):
        return {"access": super().login(channel, talk, http)["token"]}


@pytest.mark.parametrize(("sin", "part", "names"), SINS, ids=[sin.__name__ for sin, _, _ in SINS])
def test_each_lie_is_caught_by_its_own_check(sin, part, names):
    failed = {result.name: result.message for result in check(sin(), [part]) if not result.ok}
    assert set(failed) == names
    assert all(failed.values())


@pytest.mark.parametrize("honest", [Board, Letters])
def test_the_honest_twins_are_not_accused(honest):
    assert [result for result in check(honest()) if not result.ok] == []


def test_every_check_has_its_lie():
    checks = {
        (part, name.removeprefix("test_").replace("_", " "))
        for part in PARTS
        for name in vars(part)
        if name.startswith("test_") and part is not Failing
    }
    lies = {(part, name) for _, part, names in SINS for name in names}
    assert sorted(name for part, name in checks - lies) == []
