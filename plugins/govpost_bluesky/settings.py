"""What `[channels.x] settings` must hold for Bluesky, and what a post may ask of Bluesky alone."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from govpost import Channel, Variant

# The syntax of handles and DIDs is that of the AT Protocol's specs/handle and specs/did.
HANDLE = re.compile(
    r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE
)
DID = re.compile(r"(?=.{1,2048}\Z)did:[a-z]+:[A-Za-z0-9._:%-]*[A-Za-z0-9._-]")
_SERVICE = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]*[A-Za-z0-9._-]#[A-Za-z0-9._-]+")
_ADDRESS = re.compile(r"https://[^/@?#\s]+|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?", re.IGNORECASE)

WHO = ("everyone", "nobody", "mentioned", "following", "followers")
LABELS = ("!no-unauthenticated", "porn", "sexual", "nudity", "graphic-media", "bot")


def _handle(text: str) -> str:
    text = text.strip().removeprefix("@")
    if DID.fullmatch(text):
        return text
    if not HANDLE.fullmatch(text):
        raise ValueError("must be the account's handle, such as riverton.example.gov, or its DID")
    return text.lower()


def _address(text: str) -> str:
    address = text.strip().rstrip("/")
    if not _ADDRESS.fullmatch(address):
        raise ValueError("must be an https:// address without a path, such as https://pds.example.gov")
    return address


def _service(text: str) -> str:
    if not _SERVICE.fullmatch(text):
        raise ValueError("must be a service's DID, such as did:web:api.bsky.app#bsky_appview")
    return text


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _known(words: Iterable[str]) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    known = tuple(words)

    def check(given: tuple[str, ...]) -> tuple[str, ...]:
        for word in given:
            if word not in known:
                near = difflib.get_close_matches(word, known, n=1)
                hint = f"did you mean '{near[0]}'?" if near else "known are " + ", ".join(known)
                raise ValueError(f"{word!r} is not known here – {hint}")
        return given

    return check


def _alone(given: tuple[str, ...]) -> tuple[str, ...]:
    if len(given) > 1 and {"everyone", "nobody"} & set(given):
        raise ValueError("'everyone' and 'nobody' stand alone")
    if not given:
        raise ValueError("must say who may reply; 'nobody' is a word, too")
    return given


Address = Annotated[str, AfterValidator(_address)]
Who = Annotated[
    tuple[str, ...], BeforeValidator(_listed), AfterValidator(_known(WHO)), AfterValidator(_alone)
]
Labels = Annotated[
    tuple[str, ...], BeforeValidator(_listed), AfterValidator(_known(LABELS)), Field(max_length=10)
]


class Settings(BaseModel):
    """Which account, where it lives, and what holds for each of its posts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    handle: Annotated[str, AfterValidator(_handle)]
    pds: Address | None = None
    replies: Who = ("everyone",)
    quotes: bool = True
    labels: Labels = ()
    video: Address | None = None
    appview: Annotated[str, AfterValidator(_service)] | None = None
    web: Address = "https://bsky.app"
    directory: Address = "https://plc.directory"
    resolver: Address = "https://public.api.bsky.app"

    @classmethod
    def of(cls, channel: Channel) -> Settings:
        """Read a channel's settings; pydantic's ValidationError when they are wrong."""
        return cls.model_validate(dict(channel.settings))


class Card(BaseModel):
    """The preview of a page under a post: its title and description, and the link when the text has several.

    The post's one picture becomes the card's. The record of a card has no place for the picture's own description,
    which therefore is not sent (lexicon app.bsky.embed.external): say in the text what it shows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Annotated[str, Field(min_length=1, max_length=300)]
    description: Annotated[str, Field(max_length=1_000)] = ""
    link: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None


class Options(BaseModel):
    """What a post may ask for under ``options: {channel: …}``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    card: Card | None = None
    labels: Labels | None = None
    replies: Who | None = None
    quotes: bool | None = None


class Wishes(BaseModel):
    """What holds for one post: its own options where it has them, else the channel's settings."""

    model_config = ConfigDict(frozen=True)

    card: Card | None
    labels: tuple[str, ...]
    replies: tuple[str, ...]
    quotes: bool

    @classmethod
    def of(cls, variant: Variant, channel: Channel) -> Wishes:
        """Lay a variant's options over its channel's settings."""
        settings, asked = Settings.of(channel), Options.model_validate(dict(variant.options))
        return cls(
            card=asked.card,
            labels=settings.labels if asked.labels is None else asked.labels,
            replies=settings.replies if asked.replies is None else asked.replies,
            quotes=settings.quotes if asked.quotes is None else asked.quotes,
        )
