"""A PDS that breaks at the worst moments: never two posts, nothing lost, as the public repository lists them."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
import pytest

from live import until
from real.servers.pds import BlueskyAccount, Pds
from real.servers.proxy import Proxy
from real.test_bluesky import seat
from real.town import Town, end, kill, town

RATE = 'windows = ["always"]\ngrace = "2m"'
GATED = ', replies = ["nobody"], quotes = false'
PUT, APPLY = "repo.putRecord", "repo.applyWrites"
LOG_IN, RENEW = "server.createSession", "server.refreshSession"
LOG_INS = 30
"""How often an account may log in within five minutes."""


@dataclass(frozen=True, kw_only=True)
class Sky:
    """A town that reaches its PDS through a proxy which fails on order."""

    town: Town
    account: BlueskyAccount
    proxy: Proxy

    def texts(self, collection: str = "app.bsky.feed.post") -> list[str]:
        """Return the first lines of the posts that the repository lists, oldest first."""
        return [record["value"]["text"].splitlines()[0] for record in self.account.records(collection)]

    def release(self, *slugs: str, pictures: int = 0) -> None:
        for slug in slugs:
            self.town.release(slug, f"News of the {slug}.", channels="bsky", pictures=pictures)

    def settle(self, *slugs: str, state: str = "live") -> None:
        """Let a daemon work until the posts are where they belong."""
        running = self.town.daemon()
        try:
            for slug in slugs:
                self.town.until_state(slug, state, channel="bsky", seconds=110)
        finally:
            end(running)


Make = Callable[..., Sky]


@pytest.fixture
def make(tmp_path: Path, pds: Pds, proxied: Callable[[Pds], Proxy]) -> Make:
    """Return what makes a town on a fresh account, with more settings or other secrets."""

    def made(more: str = "", give: Callable[[BlueskyAccount], dict[str, str]] | None = None) -> Sky:
        pds.ours()
        account, proxy = pds.account(), proxied(pds)
        place = seat(account, pds, more, url=proxy.url, **(give(account) if give else {}))
        return Sky(town=town(tmp_path, replace(place, rate=RATE)), account=account, proxy=proxy)

    return made


@pytest.mark.parametrize(("more", "method"), [("", PUT), (GATED, APPLY)])
def test_a_swallowed_answer_leaves_one_post(make: Make, more: str, method: str) -> None:
    sky = make(more)
    lost = sky.proxy.swallow("POST", method)
    sky.release("fair", pictures=2)
    sky.settle("fair")
    assert lost.done
    assert sky.texts() == ["News of the fair."]
    gates = sky.account.records("app.bsky.feed.threadgate")
    assert len(gates) == bool(more)


def test_a_request_that_never_arrived_is_sent_again(make: Make) -> None:
    sky = make()
    lost = sky.proxy.lose("POST", PUT, times=2)
    sky.release("fair")
    sky.settle("fair")
    assert lost.done
    assert sky.texts() == ["News of the fair."]


@pytest.mark.parametrize(("more", "method"), [("", PUT), (GATED, APPLY)])
def test_a_daemon_killed_between_accept_and_receipt_leaves_one_post(
    make: Make, more: str, method: str
) -> None:
    sky = make(more)
    slow = sky.proxy.delay(60, "POST", method)
    sky.release("fair")
    running = sky.town.daemon()
    try:
        until(lambda: sky.texts() == ["News of the fair."], 60)
    finally:
        kill(running)
    assert slow.done
    assert "live" not in sky.town.states("fair", "bsky")
    sky.settle("fair")
    assert sky.texts() == ["News of the fair."]


def test_every_part_of_a_thread_survives_its_swallowed_answer(make: Make) -> None:
    sky = make()
    sky.proxy.swallow("POST", PUT, nth=2)
    sky.proxy.swallow("POST", PUT, nth=4)
    parts = [f"Part {number} of the storm guide." for number in range(1, 5)]
    sky.town.release("storm", "A storm.", channels="bsky", more=f"wording:\n  bsky: {json.dumps(parts)}\n")
    sky.settle("storm")
    records = sky.account.records()
    assert [record["value"]["text"] for record in records] == parts
    parents = [record["value"].get("reply", {}).get("parent", {}).get("uri") for record in records]
    assert parents == [None, *(record["uri"] for record in records[:3])]


def test_a_token_that_expired_is_renewed_once_for_all_that_waits(make: Make, pds: Pds) -> None:
    sky = make(give=lambda account: worn(account, pds))
    sky.release("fair", "market", "parade")
    sky.settle("fair", "market", "parade")
    assert sorted(sky.texts()) == ["News of the fair.", "News of the market.", "News of the parade."]
    assert sky.proxy.count("POST", RENEW) == 1
    assert sky.proxy.count("POST", LOG_IN) == 0


def test_tokens_that_died_in_mid_queue_heal_by_the_app_password(make: Make, pds: Pds) -> None:
    sky = make()
    sky.release("fair")
    sky.settle("fair")
    pds.secrets["GP_JWT_SECRET"] = secrets.token_hex(16)
    pds.restart()
    sky.release("market", "parade")
    sky.settle("market", "parade")
    assert sorted(sky.texts()) == ["News of the fair.", "News of the market.", "News of the parade."]
    assert sky.proxy.count("POST", LOG_IN) == 2


def test_a_storm_of_429_is_waited_out(make: Make) -> None:
    sky = make()
    full = b'{"error":"RateLimitExceeded","message":"Rate Limit Exceeded"}'
    storm = sky.proxy.answer(429, {"Retry-After": "1"}, full, "POST", PUT, times=4)
    sky.release("fair", "market")
    sky.settle("fair", "market")
    assert storm.done
    assert sorted(sky.texts()) == ["News of the fair.", "News of the market."]


def test_the_limit_of_log_ins_is_left_alone_once_it_was_met(make: Make) -> None:
    sky = make()
    body = {"identifier": sky.account.handle, "password": "not it"}
    address = f"{sky.account.url}/xrpc/com.atproto.{LOG_IN}"
    for _ in range(LOG_INS + 1):
        last = httpx2.post(address, json=body, timeout=30, trust_env=False)
    assert last.status_code == 429
    slugs = ("fair", "market", "parade", "concert", "picnic")
    sky.release(*slugs)
    running = sky.town.daemon()
    try:
        until(lambda: sky.proxy.count("POST", LOG_IN) > 0, 60)
        time.sleep(3)
    finally:
        end(running)
    # What was in flight together when the server first said no asks once each; nothing asks after that.
    assert sky.proxy.count("POST", LOG_IN) <= 2
    assert [sky.town.states(slug, "bsky") for slug in slugs] == [["queued"]] * len(slugs)
    assert sky.texts() == []


def test_a_server_that_is_restarted_meanwhile_takes_everything_in_the_end(make: Make, pds: Pds) -> None:
    sky = make()
    sky.release("fair")
    sky.settle("fair")
    pds.kill()
    sky.release("market", pictures=2)
    running = sky.town.daemon()
    try:
        until(lambda: sky.proxy.count("POST", "uploadBlob") > 2, 60)
        pds.restart()
        sky.town.until_state("market", "live", channel="bsky", seconds=110)
    finally:
        end(running)
    assert sky.texts() == ["News of the fair.", "News of the market."]


def worn(account: BlueskyAccount, pds: Pds) -> dict[str, str]:
    """Return the secrets of a session whose access token has expired; the server's own key signs it."""
    address = f"{account.url}/xrpc/com.atproto.{LOG_IN}"
    asked = {"identifier": account.handle, "password": account.password}
    said = httpx2.post(address, json=asked, timeout=30, trust_env=False).raise_for_status().json()
    claims = {"scope": "com.atproto.access", "aud": "did:web:localhost", "sub": account.did}
    text = (
        coded({"typ": "at+jwt", "alg": "HS256"})
        + b"."
        + coded({**claims, "iat": 1_700_000_000, "exp": 1_700_007_200})
    )
    signed = base64.urlsafe_b64encode(hmac.digest(pds.secrets["GP_JWT_SECRET"].encode(), text, "sha256"))
    return {
        "access": f"{text.decode()}.{signed.decode().rstrip('=')}",
        "refresh": said["refreshJwt"],
        "session": json.dumps({"did": account.did, "pds": account.url}),
    }


def coded(part: dict[str, object]) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
