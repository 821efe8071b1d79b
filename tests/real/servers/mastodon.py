"""The Mastodon family: mastodon_mock, a server from PyPI with stored posts, idempotency, rate limits and faults."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx2

from real.servers.process import CACHE, Server, free_port, needed

CONFIG = """\
media_storage_path = "{folder}/media"
[database]
path = "{folder}/mastodon.db"
[ratelimit]
enabled = true
limit = 300
window_seconds = 300
[[seed.accounts]]
username = "agency"
display_name = "City of Riverton"
access_token = "{agency}"
[[seed.accounts]]
username = "citizen"
display_name = "A citizen"
access_token = "{citizen}"
"""


@dataclass(frozen=True, kw_only=True)
class MastodonAccount:
    """Whose token it is; `name` is the part before the @, empty when only the token is known."""

    url: str
    name: str
    token: str

    def client(self) -> httpx2.Client:
        """Return a client that speaks for the account."""
        headers = {"authorization": f"Bearer {self.token}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False)

    def statuses(self) -> list[dict[str, Any]]:
        """Return what the account has posted and not deleted, newest first."""
        with self.client() as client:
            me = client.get("/api/v1/accounts/verify_credentials").raise_for_status().json()
            answer = client.get(f"/api/v1/accounts/{me['id']}/statuses", params={"limit": 40})
            statuses: list[dict[str, Any]] = answer.raise_for_status().json()
        return statuses


class Mastodon(Server):
    """A server with the real limit of 300 requests in 5 minutes for each token."""

    name = "mastodon"

    def prepare(self) -> None:
        self.program = needed(CACHE / "servers" / "bin" / "mastodon_mock")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.agency = MastodonAccount(url=self.url, name="agency", token=secrets.token_urlsafe(24))
        self.citizen = MastodonAccount(url=self.url, name="citizen", token=secrets.token_urlsafe(24))
        self.config = self.folder / "mastodon.toml"
        self.config.write_text(
            CONFIG.format(folder=self.folder, agency=self.agency.token, citizen=self.citizen.token)
        )

    def command(self) -> Sequence[str | Path]:
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--domain", f"127.0.0.1:{self.port}"]
        return [self.program, "serve", "--config", self.config, *where, "--log-level", "warning"]

    def answers(self) -> bool:
        return httpx2.get(f"{self.url}/api/v2/instance", timeout=5, trust_env=False).status_code == 200

    @classmethod
    def from_environment(cls) -> Self | None:
        """Read GOVPOST_MASTODON_URL and _TOKEN, and _CITIZEN_TOKEN for one who answers."""
        url = os.environ.get("GOVPOST_MASTODON_URL")
        if not url:
            return None
        server = cls.at(url)
        server.agency = MastodonAccount(url=server.url, name="", token=os.environ["GOVPOST_MASTODON_TOKEN"])
        citizen = os.environ.get("GOVPOST_MASTODON_CITIZEN_TOKEN")
        if citizen:
            server.citizen = MastodonAccount(url=server.url, name="", token=citizen)
        return server

    def account(self, name: str = "") -> MastodonAccount:
        """Sign up an account of its own, by default one that no other test knows; elsewhere it is the agency's."""
        if self.outside:
            return self.agency
        name = name or f"a{secrets.token_hex(4)}"
        form = {
            "username": name,
            "email": f"{name}@example.com",
            "password": "a-password",
            "agreement": "true",
        }
        answer = httpx2.post(f"{self.url}/api/v1/accounts", data=form, timeout=30, trust_env=False)
        return MastodonAccount(
            url=self.url, name=name, token=answer.raise_for_status().json()["access_token"]
        )

    def fault(self, effect: Mapping[str, Any], count: int = 1, **match: Any) -> None:
        """Let the next `count` matching requests fail, as in ``fault({"type": "ratelimit"}, path="/api/…")``.

        Effects: ``status`` (with status, body, headers), ``ratelimit``, ``latency`` (delay_ms), ``malformed``,
        ``timeout``. Matches: ``methods``, ``path`` (with ``*``), ``path_regex``.
        """
        self.ours()
        rule = {"match": match, "effect": effect, "count": count}
        httpx2.post(
            f"{self.url}/api/v1/_mock/faults", json=rule, timeout=30, trust_env=False
        ).raise_for_status()

    def mend(self) -> None:
        """Take all faults back."""
        httpx2.delete(f"{self.url}/api/v1/_mock/faults", timeout=30, trust_env=False).raise_for_status()
