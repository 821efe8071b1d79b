"""Lies about accounts and log-ins."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import httpx2

from board import HOST, Board, BoardServer
from govpost import Account, Rejected, Unavailable
from govpost.testing.parts.accounts import Accounts
from govpost.testing.parts.logins import Logins
from sins import caught, with_

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
