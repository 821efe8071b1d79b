"""A server of the Mastodon family at the worst moments: never two posts, nothing lost, as the server lists them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from live import until
from real.servers.mastodon import Mastodon, MastodonAccount
from real.servers.proxy import Proxy
from real.test_mastodon import ids, seat
from real.town import ALTS, Town, end, kill, town

RATE = 'windows = ["always"]\ngrace = "2m"'
NEW = r"/api/v1/statuses$"
MEDIA = r"/api/v2/media$"


@dataclass(frozen=True, kw_only=True)
class Square:
    """A town that reaches its server through a proxy which fails on order."""

    town: Town
    account: MastodonAccount
    proxy: Proxy
    before: frozenset[str]

    def posts(self) -> list[dict[str, Any]]:
        """Return what the server lists of the account and this test made, oldest first."""
        return [post for post in reversed(self.account.statuses()) if post["id"] not in self.before]

    def words(self) -> list[str]:
        """Return the first words of what the server lists, oldest first."""
        with self.account.client() as client:
            sources = [
                client.get(f"/api/v1/statuses/{post['id']}/source").raise_for_status().json()["text"]
                for post in self.posts()
            ]
        return [source.splitlines()[0] for source in sources]

    def release(self, slug: str, pictures: int = 0, more: str = "") -> None:
        self.town.release(
            slug, f"News of the {slug}.", channels="website, square", pictures=pictures, more=more
        )

    def settle(self, *slugs: str) -> None:
        """Let a daemon work until these posts are live."""
        running = self.town.daemon()
        try:
            for slug in slugs:
                self.town.until_state(slug, "live", channel="square", seconds=100)
        finally:
            end(running)


@pytest.fixture
def square(tmp_path: Path, mastodon: Mastodon, proxied: Callable[[Mastodon], Proxy]) -> Square:
    account, proxy = mastodon.account(), proxied(mastodon)
    made = town(tmp_path, replace(seat(mastodon, account, proxy.url), rate=RATE))
    made.ok("channel", "verify", "square")
    return Square(town=made, account=account, proxy=proxy, before=ids(account))


@pytest.fixture
def forgetful(square: Square) -> Square:
    """The same, where the server found is one that makes a second post of a repeat."""
    named = json.dumps({"software": {"name": "takahe", "version": "0.11.0"}}).encode()
    square.proxy.answer(200, {"content-type": "application/json"}, named, path="/nodeinfo/")
    said = square.town.ask("channel", "verify", "square")
    assert said["account"]["server"] == "Takahē 0.11.0"
    square.proxy.clear()
    return square


def test_a_swallowed_answer_leaves_one_post(square: Square) -> None:
    lost = square.proxy.swallow("POST", NEW)
    square.release("fair")
    square.settle("fair")
    assert lost.done and square.words() == ["News of the fair."]


def test_a_swallowed_answer_is_looked_up_where_a_repeat_would_be_a_second_post(forgetful: Square) -> None:
    lost = forgetful.proxy.swallow("POST", NEW)
    forgetful.release("fair", pictures=2)
    forgetful.settle("fair")
    assert lost.done and forgetful.words() == ["News of the fair."]
    assert forgetful.proxy.count("POST", NEW) == 1


def test_a_request_that_never_arrived_is_sent_again(square: Square) -> None:
    lost = square.proxy.lose("POST", NEW)
    square.release("fair")
    square.settle("fair")
    assert lost.done and square.words() == ["News of the fair."]


def test_a_request_that_never_arrived_waits_for_certainty_where_a_repeat_would_be_a_second_post(
    forgetful: Square,
) -> None:
    lost = forgetful.proxy.lose("POST", NEW)
    forgetful.release("fair")
    running = forgetful.town.daemon()
    try:
        forgetful.town.until_state("fair", "uncertain", channel="square")
        until(lambda: forgetful.proxy.count("GET", "/statuses") > 0, 60)
    finally:
        end(running)
    assert lost.done and forgetful.words() == []
    assert forgetful.town.states("fair", "square") == ["uncertain"]
    assert forgetful.proxy.count("POST", NEW) == 1


@pytest.mark.parametrize("kind", ["square", "forgetful"])
def test_a_daemon_killed_between_accept_and_receipt_leaves_one_post(
    kind: str, request: pytest.FixtureRequest
) -> None:
    square: Square = request.getfixturevalue(kind)
    square.proxy.delay(30, "POST", NEW)
    square.release("fair")
    running = square.town.daemon()
    until(lambda: square.words() == ["News of the fair."], 90)
    kill(running)
    square.proxy.clear()
    square.settle("fair")
    assert square.words() == ["News of the fair."]


def test_a_thread_goes_on_after_a_lost_answer_in_its_middle(square: Square) -> None:
    parts = [f"Part {number} of four." for number in range(1, 5)]
    lost = square.proxy.swallow("POST", NEW, nth=2)
    square.release("guide", more="wording:\n  square:\n" + "".join(f"    - {part}\n" for part in parts))
    square.settle("guide")
    assert lost.done and square.words() == parts


def test_a_swallowed_answer_to_a_picture_makes_no_second_post(square: Square) -> None:
    lost = square.proxy.swallow("POST", MEDIA, nth=2)
    square.release("fair", pictures=2)
    square.settle("fair")
    (post,) = square.posts()
    assert lost.done and tuple(each["description"] for each in post["media_attachments"]) == ALTS


def test_a_storm_of_429_delays_and_loses_nothing(square: Square) -> None:
    # Mastodon names the end of the wait as a time, and sends no Retry-After.
    soon = (datetime.now(UTC) + timedelta(seconds=8)).isoformat()
    headers = {"X-RateLimit-Limit": "300", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": soon}
    storm = square.proxy.answer(429, headers, method="POST", path=NEW, times=3)
    for slug in ("fair", "market"):
        square.release(slug)
    square.settle("fair", "market")
    assert storm.seen >= 1 and sorted(square.words()) == ["News of the fair.", "News of the market."]


def test_a_limit_of_the_server_itself_is_waited_for(square: Square, mastodon: Mastodon) -> None:
    mastodon.ours()
    square.release("fair")
    mastodon.fault(
        {"type": "status", "status": 429, "headers": {"Retry-After": "2"}},
        path="/api/v1/statuses",
        methods=["POST"],
    )
    try:
        square.settle("fair")
    finally:
        mastodon.mend()
    assert square.words() == ["News of the fair."]


def test_a_token_revoked_in_mid_queue_stops_the_channel_and_loses_nothing(square: Square) -> None:
    square.release("fair")
    square.settle("fair")
    refused = square.proxy.answer(
        401, body=b'{"error": "The access token was revoked"}', path="/api/", times=1_000
    )
    square.release("market")
    running = square.town.daemon()
    until(lambda: square.town.ask("channel", "list", by=None)[1]["paused"], 90)
    square.town.until_state("market", "held", channel="square")  # by the daemon, once the channel is paused
    end(running)
    assert refused.seen
    square.proxy.clear()
    square.town.ok("channel", "resume", "square")
    square.settle("market")
    assert square.words() == ["News of the fair.", "News of the market."]


def test_a_server_that_restarts_gets_its_post_once(square: Square, mastodon: Mastodon) -> None:
    mastodon.ours()
    square.release("fair")
    mastodon.kill()
    running = square.town.daemon()
    try:
        until(lambda: square.proxy.seen, 90)
        mastodon.restart()
        square.town.until_state("fair", "live", channel="square", seconds=100)
    finally:
        end(running)
    assert square.words() == ["News of the fair."]


def test_a_broken_server_is_looked_into_and_never_posted_to_twice(square: Square, mastodon: Mastodon) -> None:
    mastodon.ours()
    broken = square.proxy.answer(502, body=b"<html>Bad gateway</html>", method="POST", path=NEW)
    square.release("fair")
    square.settle("fair")
    assert broken.done and square.words() == ["News of the fair."]
