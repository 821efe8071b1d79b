"""What `[channels.x] settings` must hold for WordPress, and what a post may ask of it."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from govpost import Channel

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

Kind = Literal["post", "page"]
Comments = Literal["open", "closed"]


def _site(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("must begin with https://: over http anyone on the way could read the password")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be the full address of the site, such as https://www.riverton.example.gov")
    if parts.username or parts.query or parts.fragment:
        raise ValueError("must be a plain address, without a login, '?' or '#'")
    if re.search(r"/(wp-json|wp-admin|wp-login\.php)(/|$)", parts.path):
        raise ValueError("must be the address of the site's front page, without /wp-admin or /wp-json")
    return address.rstrip("/")


def _user(name: str) -> str:
    if ":" in name:
        raise ValueError("must be a WordPress user name, which has no ':' in it")
    return name


def _template(words: str) -> str:
    if "{" in words.replace("{date}", "") or "<" in words:
        raise ValueError("must be plain words; {date} alone stands for the day of the correction")
    return words


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Settings(BaseModel):
    """Where the site is, who posts there, and what holds for every post that does not say otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: Annotated[str, AfterValidator(_site)]
    user: Annotated[Name, AfterValidator(_user)]
    type: Kind = "post"
    categories: tuple[Name, ...] = ()
    tags: tuple[Name, ...] = ()
    comments: Comments | None = None
    correction: Annotated[str | None, AfterValidator(lambda words: words and _template(words))] = None
    max_media_bytes: Annotated[int, Field(gt=0)] = 20_000_000

    @classmethod
    def of(cls, channel: Channel) -> Settings:
        """Read a channel's settings; pydantic's ValidationError when they are wrong."""
        return cls.model_validate(dict(channel.settings))


class Options(BaseModel):
    """What one post may ask for; what it leaves out is as the channel's settings say.

    ``featured`` counts the post's pictures from 1; 0 means that none stands above the post.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Kind | None = None
    categories: tuple[Name, ...] | None = None
    tags: tuple[Name, ...] | None = None
    excerpt: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000)] | None = None
    comments: Comments | None = None
    sticky: bool = False
    featured: Annotated[int, Field(ge=0, le=20)] = 1
    template: Annotated[str, StringConstraints(pattern=r"^[\w./-]+$", max_length=200)] | None = None
