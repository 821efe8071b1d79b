"""What config.toml says of a Mastodon channel, and what a post may ask of it alone."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, StringConstraints, field_validator

from govpost import Channel, Variant

Visibility = Literal["public", "unlisted"]
QuotePolicy = Literal["public", "followers", "nobody"]
Answer = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

_LOOPBACK = re.compile(r"127\.\d+\.\d+\.\d+|localhost|::1")


class Settings(BaseModel, frozen=True, extra="forbid"):
    """``url`` is the server's address; ``visibility`` and ``quote_policy`` hold where a post says nothing else."""

    url: str
    visibility: Visibility = "public"
    quote_policy: QuotePolicy | None = None

    @field_validator("url")
    @classmethod
    def _the_server_alone(cls, url: str) -> str:
        parts = urlsplit(url.strip())
        if not parts.hostname or parts.scheme not in ("http", "https"):
            raise ValueError("must be the server's address, such as https://social.example.gov")
        if parts.scheme == "http" and not _LOOPBACK.fullmatch(parts.hostname):
            raise ValueError("must begin with https://, or the access token could be read on the way")
        if parts.username or parts.password:
            raise ValueError("must not hold a name or a password")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(f"must be the server alone: {parts.scheme}://{parts.netloc}")
        return f"{parts.scheme}://{parts.netloc}"


class Poll(BaseModel, frozen=True, extra="forbid"):
    """A question with answers to choose from; ``expires_in`` is in seconds, a day where nothing is said."""

    options: tuple[Answer, ...] = Field(min_length=2)
    expires_in: int = Field(default=86_400, ge=300)
    multiple: bool = False
    hide_totals: bool = False


class Options(BaseModel, frozen=True, extra="forbid"):
    """``warning`` is shown in place of the post until a reader opens it; ``sensitive`` veils the pictures."""

    warning: str = ""
    sensitive: bool = False
    visibility: Visibility | None = None
    quote_policy: QuotePolicy | None = None
    poll: Poll | None = None


def settings_of(channel: Channel) -> Settings:
    """Return the channel's settings, checked."""
    return Settings.model_validate(dict(channel.settings))


def options_of(variant: Variant) -> Options:
    """Return what the post asks of this platform alone."""
    return Options.model_validate(dict(variant.options))
