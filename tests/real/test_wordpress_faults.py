"""A WordPress site that breaks at the worst moments: never two posts, nothing lost, as the site itself lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from live import until
from real.servers.proxy import Proxy
from real.servers.wordpress import WordPress, WordPressAccount
from real.test_wordpress import seat
from real.town import Town, end, kill, town

RATE = 'windows = ["always"]\ngrace = "2m"'
ONE = r"/wp/v2/posts/\d+$"
NEW = r"/wp/v2/posts$"
PUBLIC = 2
"""The second request to a post's own address makes it public; the first fills the draft."""


@dataclass(frozen=True, kw_only=True)
class Press:
    """A town that reaches its site through a proxy which fails on order."""

    town: Town
    site: WordPressAccount
    proxy: Proxy

    def own(self, status: str = "publish") -> list[dict[str, Any]]:
        """Return what the site lists of this account, the oldest first."""
        with self.site.client() as client:
            me = client.get("wp/v2/users/me").raise_for_status().json()["id"]
        return [post for post in reversed(self.site.posts(status=status)) if post["author"] == me]

    def titles(self, status: str = "publish") -> list[str]:
        """Return the titles of what the site lists of this account."""
        return [post["title"]["raw"] for post in self.own(status)]

    def release(self, slug: str, pictures: int = 0) -> None:
        self.town.release(slug, f"News of the {slug}.", channels="website, press", pictures=pictures)


@pytest.fixture
def press(tmp_path: Path, wordpress: WordPress, proxied: Callable[[WordPress], Proxy]) -> Press:
    site, proxy = wordpress.account(), proxied(wordpress)
    place = seat(wordpress, site, proxy.url)
    made = town(tmp_path, replace(place, rate=RATE))
    return Press(town=made, site=site, proxy=proxy)


def settle(press: Press, slug: str, state: str = "live") -> None:
    """Let a daemon work until the post is where it belongs."""
    running = press.town.daemon()
    try:
        press.town.until_state(slug, state, channel="press", seconds=100)
    finally:
        end(running)


def test_a_swallowed_answer_to_the_draft_leaves_one_draft_and_one_post(press: Press) -> None:
    lost = press.proxy.swallow("POST", NEW)
    press.release("fair")
    settle(press, "fair")
    assert lost.done
    assert press.titles() == ["About fair"] and press.titles("draft") == []
    assert not press.own()[0]["slug"].endswith("-2")


def test_a_swallowed_answer_to_a_picture_leaves_one_picture(press: Press) -> None:
    lost = press.proxy.swallow("POST", r"/wp/v2/media$")
    press.release("fair", pictures=2)
    settle(press, "fair")
    assert lost.done and press.titles() == ["About fair"]
    post = press.own()[0]
    with press.site.client() as client:
        files = client.get(f"wp/v2/media?parent={post['id']}").raise_for_status().json()
    assert len(files) == 2 and len({file["slug"] for file in files}) == 2


def test_a_swallowed_answer_to_the_publishing_is_looked_into(press: Press) -> None:
    lost = press.proxy.swallow("POST", ONE, nth=PUBLIC)
    press.release("fair")
    settle(press, "fair")
    assert lost.done and press.titles() == ["About fair"]
    (delivery,) = press.town.deliveries("fair", "press")
    assert delivery["remote_id"] == f"posts/{press.own()[0]['id']}"


def test_a_request_that_never_arrived_is_sent_again(press: Press) -> None:
    lost = press.proxy.lose("POST", ONE, nth=PUBLIC)
    press.release("fair")
    settle(press, "fair")
    assert lost.done and press.titles() == ["About fair"]


def test_a_daemon_killed_between_accept_and_receipt_leaves_one_post(press: Press) -> None:
    press.proxy.delay(30, "POST", ONE, nth=PUBLIC)
    press.release("fair")
    running = press.town.daemon()
    until(lambda: press.titles() == ["About fair"], 90)
    kill(running)
    press.proxy.clear()
    settle(press, "fair")
    assert press.titles() == ["About fair"] and press.titles("draft") == []


def test_a_storm_of_429_delays_and_loses_nothing(press: Press) -> None:
    storm = press.proxy.answer(429, {"Retry-After": "1"}, method="POST", path=r"/wp/v2/", times=3)
    for slug in ("fair", "market"):
        press.release(slug)
    settle(press, "fair")
    settle(press, "market")
    assert storm.done and sorted(press.titles()) == ["About fair", "About market"]


def test_a_password_revoked_in_mid_queue_stops_the_channel_and_loses_nothing(
    press: Press, wordpress: WordPress
) -> None:
    press.release("fair")
    settle(press, "fair")
    with wordpress.admin.client() as client:
        user = (
            client.get(f"wp/v2/users?context=edit&search={press.site.user}")
            .raise_for_status()
            .json()[0]["id"]
        )
        client.delete(f"wp/v2/users/{user}/application-passwords").raise_for_status()
    press.release("market")
    running = press.town.daemon()
    until(lambda: "application password" in str(press.town.ask("channel", "list", by=None)), 90)
    press.town.until_state("market", "held", channel="press")  # by the daemon, once the channel is paused
    end(running)
    with wordpress.admin.client() as client:
        made = client.post(
            f"wp/v2/users/{user}/application-passwords", json={"name": "new"}
        ).raise_for_status()
    (press.town.root / "secrets" / "press.password").write_text(made.json()["password"])
    press.town.ok("channel", "resume", "press")
    settle(press, "market")
    renewed = replace(press, site=replace(press.site, password=made.json()["password"]))
    assert renewed.titles() == ["About fair", "About market"]


def test_a_site_that_restarts_gets_its_post_once(press: Press, wordpress: WordPress) -> None:
    press.release("fair")
    wordpress.kill()
    running = press.town.daemon()
    try:
        until(lambda: press.proxy.seen, 90)
        wordpress.restart()
        press.town.until_state("fair", "live", channel="press", seconds=100)
    finally:
        end(running)
    assert press.titles() == ["About fair"]
