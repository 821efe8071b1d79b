"""Bluesky with an AppView: counts, replies, answers, and gates that the AppView honours."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from govpost import Channel, Variant
from govpost.contract import Example
from govpost.testing import Network, PlatformContract
from govpost.times import uuid7
from govpost.wire import Attempt
from govpost_bluesky import Bluesky
from real.servers.appview import AppView
from real.servers.pds import BlueskyAccount
from real.test_heavy_servers import put
from real.town import Seat, town

pytestmark = pytest.mark.heavy

POST = "app.bsky.feed.post"


def seen(appview: AppView, account: BlueskyAccount, method: str, **params: Any) -> Any:
    """Return what the AppView says, once it has seen everything."""
    appview.flush()
    with account.client() as client:
        return client.get(method, params=params).raise_for_status().json()


def words(appview: AppView, account: BlueskyAccount, uri: str) -> list[str]:
    """Return the words of the replies that readers are shown under a post."""
    thread = seen(appview, account, "app.bsky.feed.getPostThread", uri=uri)["thread"]
    return [reply["post"]["record"]["text"] for reply in thread["replies"]]


def reference(appview: AppView, account: BlueskyAccount, uri: str) -> dict[str, str]:
    """Return uri and cid of a post."""
    (post,) = seen(appview, account, "app.bsky.feed.getPosts", uris=uri)["posts"]
    return {"uri": post["uri"], "cid": post["cid"]}


def seat(account: BlueskyAccount, more: str = "") -> Seat:
    settings = f'{{ handle = "{account.handle}", pds = "{account.url}"{more} }}'
    return Seat(name="bsky", platform="bluesky", settings=settings, secrets={"password": account.password})


def test_what_became_of_a_post_is_counted_and_read(tmp_path: Path, appview: AppView) -> None:
    agency, citizen = appview.account(), appview.account()
    made = town(tmp_path, seat(agency))
    made.release("bridge", "The bridge is closed.", channels="bsky")
    made.deliver()
    (row,) = made.deliveries("bridge", "bsky")
    post = reference(appview, agency, row["remote_id"])
    put(citizen, "app.bsky.feed.like", subject=post)
    put(citizen, "app.bsky.feed.repost", subject=post)
    put(
        citizen, POST, text="Until when? – ¿Hasta cuándo?", langs=["en"], reply={"root": post, "parent": post}
    )
    put(citizen, POST, text="Look at that.", embed={"$type": "app.bsky.embed.record", "record": post})
    appview.flush()
    made.ok("metrics", "collect", "--channel", "bsky")
    (row,) = made.deliveries("bridge", "bsky")
    counts = row["samples"][-1]
    assert [counts[name] for name in ("likes", "shares", "replies", "quotes")] == [1, 1, 1, 1]
    assert counts["views"] is None
    said = {reply["text"]: reply for reply in row["replies"]}
    assert "Until when? – ¿Hasta cuándo?" in said
    assert "Look at that." in said


def test_where_nobody_may_reply_nobody_is_shown(tmp_path: Path, appview: AppView) -> None:
    agency, citizen = appview.account(), appview.account()
    made = town(tmp_path, seat(agency, ', replies = "nobody", quotes = false'))
    for slug, more in (("shut", ""), ("open", "options:\n  bsky: { replies: everyone, quotes: true }\n")):
        made.release(slug, f"This one is {slug}.", channels="bsky", more=more)
    made.deliver()
    for slug, shown in (("shut", []), ("open", ["May I?"])):
        (row,) = made.deliveries(slug, "bsky")
        post = reference(appview, agency, row["remote_id"])
        put(citizen, POST, text="May I?", reply={"root": post, "parent": post})
        assert words(appview, citizen, row["remote_id"]) == shown
        (view,) = seen(appview, citizen, "app.bsky.feed.getPosts", uris=row["remote_id"])["posts"]
        assert view["viewer"].get("replyDisabled", False) is (slug == "shut")
        assert view["viewer"].get("embeddingDisabled", False) is (slug == "shut")


def test_a_thread_and_its_correction_read_from_top_to_bottom(tmp_path: Path, appview: AppView) -> None:
    agency = appview.account()
    made = town(tmp_path, seat(agency))
    parts = [f"Part {number}." for number in range(1, 5)]
    made.release("storm", "A storm.", channels="bsky", more=f"wording:\n  bsky: {json.dumps(parts)}\n")
    made.deliver()
    root = made.deliveries("storm", "bsky")[0]["remote_id"]
    found, node = [], seen(appview, agency, "app.bsky.feed.getPostThread", uri=root)["thread"]
    while node:
        found.append(node["post"]["record"]["text"])
        node = next(iter(node.get("replies", [])), None)
    assert found == parts


def test_our_answer_stands_under_the_reply(appview: AppView) -> None:
    agency, citizen = appview.account(), appview.account()
    channel, bluesky = channel_of(agency), Bluesky()
    ours = put(agency, POST, text="The pool is open.")
    put(citizen, POST, text="Until when?", reply={"root": ours, "parent": ours})
    appview.flush()
    with Attempt(channel, deadline=time.monotonic() + 60) as attempt:
        (reply,) = bluesky.replies(channel, None, attempt.client)
        variant = Variant(key=uuid7(datetime.now(UTC)), text="Until eight.", language="en")
        first = bluesky.answer(reply, variant, channel, attempt.client)
        # What the reply says of its thread may have been lost: then the AppView is asked.
        again = bluesky.answer(replace(reply, raw={}), variant, channel, attempt.client)
    assert first == again
    assert words(appview, citizen, reply.remote_id) == ["Until eight."]


def channel_of(account: BlueskyAccount) -> Channel:
    example = aimed(account)
    return Channel(
        name="bsky",
        platform="bluesky",
        settings=example.settings,
        secrets=example.secrets,
        limits=example.limits,
    )


def aimed(account: BlueskyAccount) -> Example:
    """Log in and return what the suite needs."""
    with account.client() as client:
        asked = {"identifier": account.did, "password": account.password}
        said = client.post("com.atproto.server.createSession", json=asked).raise_for_status().json()
    return Example(
        settings={"handle": account.handle, "pds": account.url},
        secrets={
            "access": said["accessJwt"],
            "refresh": said["refreshJwt"],
            "session": json.dumps({"did": account.did, "pds": account.url}),
        },
        limits={"blob": 5_242_880, "appview": True},
        person={"password": account.password},
    )


class World(Network):
    """The servers, with a citizen, and the eyes of everybody: reads wait until the AppView has seen everything."""

    def __init__(self, appview: AppView, agency: BlueskyAccount, citizen: BlueskyAccount) -> None:
        super().__init__()
        self._appview, self._agency, self._citizen = appview, agency, citizen

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if "/xrpc/app.bsky." in request.url.path:
            self._appview.flush()
        return super().__call__(request)

    def public(self) -> Sequence[str]:
        """Return the words of each post of ours that anyone can read."""
        return [json.dumps(each["value"], ensure_ascii=False) for each in self._agency.records()]

    def reply(self, to: str, text: str) -> None:
        """Let the citizen answer a post."""
        post = reference(self._appview, self._citizen, to)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        put(self._citizen, POST, text=text, createdAt=now, reply={"root": post, "parent": post})


class TestBlueskyKeepsTheWholeContractOnRealServers(PlatformContract):
    platform = Bluesky()

    @pytest.fixture(autouse=True)
    def _in_the_world(self, world: Example) -> None:
        type(self).live = world


@pytest.fixture(scope="module")
def world(appview: AppView) -> Iterator[Example]:
    """Log in once for the whole suite."""
    agency, citizen = appview.account(), appview.account()
    yield replace(aimed(agency), server=lambda: World(appview, agency, citizen))
