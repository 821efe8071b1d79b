"""webhook: posts as JSON to any HTTPS endpoint, signed when the channel has a signing key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, field_validator

from govpost import Capabilities, Channel, Example, Media, Platform, Receipt, Variant, hookimpl

if TYPE_CHECKING:
    import httpx2

ADDRESS = re.compile(
    r"https://[^/@\s]+(/\S*)?|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/\S*)?", re.IGNORECASE
)


class Settings(BaseModel, frozen=True, extra="forbid"):
    """``url`` takes the POST; ``idempotent`` says that the receiver ignores a key it has seen, for a day."""

    url: str
    idempotent: bool = False

    @field_validator("url")
    @classmethod
    def _must_be_https(cls, url: str) -> str:
        if not ADDRESS.fullmatch(url):
            raise ValueError("must be an https:// address without a password")
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
        safe = timedelta(hours=24) if channel.settings.get("idempotent") else None
        return replace(self.capabilities, idempotent_for=safe)

    def publish(self, variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
        """POST the variant; the receiver's ``id`` and ``url`` make the receipt."""
        names = ("key", "action", "text", "title", "link", "language", "corrects")
        post = {name: getattr(variant, name) for name in names} | {
            "media": [_described(m) for m in variant.media]
        }
        body = json.dumps(post, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": variant.key}
        if key := channel.secrets.get("signing_key"):
            headers["X-Govpost-Signature"] = (
                f"sha256={hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}"
            )
        answer = http.post(channel.settings["url"], content=body, headers=headers)
        answer.raise_for_status()
        said = _said(answer)
        remote_id = str(said.get("id") or answer.headers.get("location") or variant.key)
        return Receipt(remote_id=remote_id, url=said.get("url"), raw=said)


def _described(medium: Media) -> dict[str, str]:
    data = base64.b64encode(medium.path.read_bytes()).decode()
    return {"alt": medium.alt, "sha256": medium.sha256, "mime": medium.mime, "data": data}


def _said(answer: httpx2.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:  # a receiver need not say anything more than yes
        return {}
    return said if isinstance(said, dict) else {}


@hookimpl
def govpost_platforms() -> list[Platform]:
    """Bring the one platform of this plugin."""
    return [Webhook()]
