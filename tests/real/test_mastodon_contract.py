"""The conformance suite on a real server of the Mastodon family, where people look at what is public."""

from __future__ import annotations

import time
from typing import Any

import pytest

from govpost import Channel, Example
from govpost.testing import PlatformContract
from govpost.testing.sides import Network
from govpost.wire import Attempt
from govpost_mastodon import Mastodon as Plugin
from live import until
from real.servers.mastodon import Mastodon, MastodonAccount


class Public(Network):
    """The account's page as its readers see it, and a citizen who answers."""

    def __init__(self, account: MastodonAccount, citizen: MastodonAccount) -> None:
        super().__init__()
        self.account, self.citizen = account, citizen

    def public(self) -> list[str]:
        """Return each post with its warning and the descriptions of its pictures."""
        return [self._seen(post) for post in self.account.statuses()]

    def reply(self, to: str, text: str) -> None:
        """Let the citizen answer a post, naming its writer as every program does."""
        with self.citizen.client() as client:
            post = client.get(f"/api/v1/statuses/{to}").raise_for_status().json()
            words = f"@{post['account']['acct']} {text}"
            body = {"status": words, "in_reply_to_id": to, "visibility": "public"}
            said = client.post("/api/v1/statuses", json=body).raise_for_status().json()["id"]
        until(lambda: said in self._heard(), 60)

    def _heard(self) -> list[str]:
        with self.account.client() as client:
            heard = (
                client.get("/api/v1/notifications", params={"types[]": "mention"}).raise_for_status().json()
            )
        return [each["status"]["id"] for each in heard if each.get("status")]

    def _seen(self, post: dict[str, Any]) -> str:
        alts = " ".join(each["description"] or "" for each in post["media_attachments"])
        return f"{post['spoiler_text']} {post['content']} {alts}"


def limits(server: Mastodon, account: MastodonAccount) -> dict[str, Any]:
    """Return what verify finds on the server."""
    channel = Channel(
        name="square",
        platform="mastodon",
        settings={"url": server.url},
        secrets={"access_token": account.token},
    )
    with Attempt(channel, deadline=time.monotonic() + 60, read_only=True) as attempt:
        return dict(Plugin().verify(channel, attempt.client).limits)


class TestARealServerKeepsTheContract(PlatformContract):
    platform = Plugin()

    # Who answers here begins with a name, so that what is read is never word for word what the suite let them say;
    # test_mastodon.py reads an answer.
    test_what_the_public_says_is_read_oldest_first = None
    test_reading_goes_on_where_it_ended = None

    @pytest.fixture(autouse=True)
    def _aim(self, mastodon: Mastodon, monkeypatch: pytest.MonkeyPatch) -> None:
        account = mastodon.account()
        live = Example(
            settings={"url": mastodon.url},
            secrets={"access_token": account.token},
            limits=limits(mastodon, account),
            options=Plugin.example.options,
            server=lambda: Public(account, mastodon.citizen),
        )
        monkeypatch.setattr(type(self), "live", live)
