"""The conformance suite on the real site, where people look at what is public."""

from __future__ import annotations

import html
from typing import Any

import httpx2
import pytest

from govpost import Example
from govpost.testing import PlatformContract
from govpost.testing.sides import Network
from govpost_wordpress import WordPress
from real.servers.wordpress import WordPress as Site
from real.servers.wordpress import WordPressAccount


class Public(Network):
    """The site as its readers see it: the newest posts of one author, and what is said under them."""

    def __init__(self, url: str, account: WordPressAccount, other: WordPressAccount) -> None:
        super().__init__()
        self.other = other
        self.reader = httpx2.Client(base_url=f"{url}/wp-json/wp/v2/", timeout=60, trust_env=False)
        with account.client() as client:
            self.number = client.get("wp/v2/users/me").raise_for_status().json()["id"]

    def public(self) -> list[str]:
        """Return posts and our answers."""
        posts = self._all("posts", author=self.number)
        ours = [each for each in self._all("comments") if each["author"] == self.number]
        return [self._seen(post) for post in posts] + [each["content"]["rendered"] for each in ours]

    def reply(self, to: str, text: str) -> None:
        """Let somebody comment; WordPress lets only who moderates do that as fast as a test."""
        body = {"post": int(to.rpartition("/")[2]), "content": html.escape(text)}
        with self.other.client() as client:
            client.post("wp/v2/comments", json=body).raise_for_status()

    def close(self) -> None:
        """Close the connections."""
        self.reader.close()
        super().close()

    def _all(self, path: str, **asked: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while len(found) % 100 == 0:
            page = self.reader.get(path, params={**asked, "per_page": 100, "page": len(found) // 100 + 1})
            if page.status_code == 400:
                break
            rows = page.raise_for_status().json()
            found += rows
            if not rows:
                break
        return found

    def _seen(self, post: dict[str, Any]) -> str:
        lead = post["featured_media"]
        alt = self.reader.get(f"media/{lead}").raise_for_status().json()["alt_text"] if lead else ""
        title, content = post["title"]["rendered"], post["content"]["rendered"]
        return f'<h1>{title}</h1><img alt="{alt}">{content}'


class TestARealSiteKeepsTheContract(PlatformContract):
    platform = WordPress()

    @pytest.fixture(autouse=True)
    def _aim(self, wordpress: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        account = wordpress.account()
        live = Example(
            settings={"site": wordpress.url, "user": account.user},
            secrets={"password": account.password},
            limits={"language": "en-US", "timezone": "Europe/Stockholm"},
            person={"password": account.password},
            server=lambda: Public(wordpress.url, account, wordpress.admin),
        )
        monkeypatch.setattr(type(self), "live", live)
