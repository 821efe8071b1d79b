"""The hostile platform's four temperaments as a plugin: the ordinary contract over the ordinary wire.

The harness copies this file into the plugins folder of its workspace.
"""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta
from typing import Any

from govpost import Capabilities, Channel, Platform, Receipt, Uncertain, Variant, hookimpl

ONE_IN = 100
"""How many attempts go over the port whose TLS is broken: one in so many."""


class Plain:
    """It posts, withdraws, and knows no keys."""

    name = "chaos-none"
    capabilities = Capabilities(title=True, link=True)

    def publish(self, variant: Variant, channel: Channel, http: Any) -> Receipt:
        """POST it, now and then to a port that breaks TLS."""
        headers = {"X-Chaos-Key": variant.key, "X-Chaos-About": variant.title or ""} | self._key(variant)
        return _receipt(http.post(_address(variant, channel), json={"text": variant.text}, headers=headers))

    def _key(self, variant: Variant) -> dict[str, str]:
        return {}

    def withdraw(self, receipt: Receipt, notice: str, channel: Channel, http: Any) -> None:
        """DELETE it."""
        answer = http.delete(f"{channel.settings['url']}/{receipt.remote_id}")
        answer.raise_for_status()
        if "gone" not in _said(answer):
            raise Uncertain("the answer cannot be understood")


class Keyed(Plain):
    """It knows an idempotency key for a day."""

    name = "chaos-key"
    capabilities = Capabilities(title=True, link=True, idempotent_for=timedelta(days=1))

    def _key(self, variant: Variant) -> dict[str, str]:
        return {"Idempotency-Key": variant.key}


class LookedUp(Plain):
    """It can be asked for a key."""

    name = "chaos-lookup"
    capabilities = Capabilities(title=True, link=True, settles_after=timedelta(seconds=3))

    def confirm(
        self, variant: Variant, receipt: Receipt | None, channel: Channel, http: Any
    ) -> Receipt | None:
        """GET what it holds."""
        answer = http.get(
            channel.settings["url"],
            params=self._question(variant),
            headers={"X-Chaos-About": variant.title or ""},
        )
        answer.raise_for_status()
        said = _said(answer)
        if not isinstance(said.get("found"), list):
            raise Uncertain("the answer cannot be understood")
        return (
            Receipt(remote_id=said["found"][0]["id"], url=said["found"][0]["url"]) if said["found"] else None
        )

    def _question(self, variant: Variant) -> dict[str, str]:
        return {"key": variant.key}


class Searched(LookedUp):
    """It can be searched for a text."""

    name = "chaos-text"

    def _question(self, variant: Variant) -> dict[str, str]:
        return {"text": variant.text}


def _address(variant: Variant, channel: Channel) -> str:
    moment = f"{variant.key}:{int(time.monotonic() * 10)}".encode()
    broken = hashlib.sha256(moment).digest()[0] * ONE_IN < 256
    return str(channel.settings["tls" if broken and "tls" in channel.settings else "url"])


def _receipt(answer: Any) -> Receipt:
    answer.raise_for_status()
    said = _said(answer)
    if not said.get("id"):
        raise Uncertain("the answer cannot be understood")
    return Receipt(remote_id=said["id"], url=said.get("url"))


def _said(answer: Any) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


@hookimpl
def govpost_platforms() -> list[Platform]:
    """Bring the four."""
    return [Plain(), Keyed(), LookedUp(), Searched()]
