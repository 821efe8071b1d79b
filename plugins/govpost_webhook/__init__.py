"""webhook: posts as JSON to any HTTPS endpoint, signed when the channel has a signing key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, field_validator

from govpost import Capabilities, Channel, Example, Media, Platform, Receipt, Variant, hookimpl

if TYPE_CHECKING:
    import httpx2


class Settings(BaseModel, frozen=True, extra="forbid"):
    """``url`` takes the POST; ``idempotent`` says that the receiver ignores a key it has seen, for a day."""

    url: str
    idempotent: bool = False

    @field_validator("url")
    @classmethod
    def _https_but_on_loopback(cls, url: str) -> str:
        address = urlsplit(url)
        if not address.hostname or not (address.scheme == "https" or _loopback(address)):
            raise ValueError("must be an https:// address")
        if address.username or address.password:
            raise ValueError("must not hold a password: put it under secrets")
        return url


class Webhook:
    """One POST a post, and nothing else."""

    name = "webhook"
    Settings = Settings
    capabilities = Capabilities(title=True, link=True, max_media=4, max_media_bytes=5_000_000)
    example = Example(
        settings={"url": "https://hub.example/notices"}, secrets={"signing_key": "k3y-of-the-example"}
    )

    def adapted(self, channel: Channel) -> Capabilities:
        """Return the capabilities on this channel: a repeat is safe where the receiver says so."""
        safe = Settings.model_validate(channel.settings).idempotent
        return replace(self.capabilities, idempotent_for=timedelta(hours=24)) if safe else self.capabilities

    def publish(self, variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
        """POST the variant; the receiver's ``id`` and ``url`` make the receipt."""
        words = {name: getattr(variant, name) for name in ("text", "title", "link", "language", "corrects")}
        post = {
            "key": variant.key,
            "action": variant.action,
            **words,
            "media": [_described(m) for m in variant.media],
        }
        body = json.dumps(post, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": variant.key}
        if key := channel.secrets.get("signing_key"):
            headers["X-Govpost-Signature"] = (
                "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
            )
        answer = http.post(channel.settings["url"], content=body, headers=headers)
        answer.raise_for_status()
        said = _said(answer)
        remote_id = str(said.get("id") or answer.headers.get("location") or variant.key)
        return Receipt(remote_id=remote_id, url=said.get("url"), raw=said)


@hookimpl
def govpost_platforms() -> list[Platform]:
    """Bring the one platform of this plugin."""
    return [Webhook()]


def _described(medium: Media) -> dict[str, str]:
    data = base64.b64encode(medium.path.read_bytes()).decode()
    return {"alt": medium.alt, "sha256": medium.sha256, "mime": medium.mime, "data": data}


def _said(answer: httpx2.Response) -> Mapping[str, Any]:
    """Return the receiver's JSON object; an empty one when it said nothing or something else."""
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _loopback(address: Any) -> bool:
    try:
        return address.scheme == "http" and ipaddress.ip_address(address.hostname).is_loopback
    except ValueError:
        return bool(address.hostname == "localhost")
