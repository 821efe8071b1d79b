"""The nouns of govpost: frozen values that cross every floor. No I/O, no rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from govpost.times import Moment

Counting = Literal["graphemes", "codepoints", "utf16", "bytes", "weighted"]
Markup = Literal["plain", "markdown", "html"]


class Action(StrEnum):
    """What a delivery does on its channel."""

    PUBLISH = "publish"
    AMEND = "amend"
    WITHDRAW = "withdraw"


class Priority(StrEnum):
    """How a post stands against others that want the same slot."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """Return 0 for low, 1 for normal, 2 for high."""
        return list(Priority).index(self)


class Severity(StrEnum):
    """Whether a finding stops a post or only says something."""

    BLOCKS = "blocks"
    WARNS = "warns"


@dataclass(frozen=True, kw_only=True, slots=True)
class Media:
    """A file that goes out with a post.

    ``focus`` is the point that must stay in view, x and y from -1 to 1 with the centre at 0, 0 and y upwards.
    ``captions`` is the text of a WebVTT file. ``sha256`` is the hex digest of the file's bytes.
    """

    path: Path
    mime: str
    alt: str = ""
    captions: str | None = None
    focus: tuple[float, float] | None = None
    sha256: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What an author wrote: one folder or file under content/.

    ``wording`` holds an author's own words for a channel, one string a thread part; ``options`` what only that
    channel's platform knows (a content warning, categories). ``lines`` maps a front-matter
    key (``media.0.alt``, ``body``) to its line in ``path``, so that findings can point there.
    """

    slug: str
    path: Path
    title: str
    body: str
    author: str | None = None
    goal: str | None = None
    audience: str | None = None
    topic: str | None = None
    channels: tuple[str, ...] = ()
    link: str | None = None
    language: str | None = None
    at: Moment | None = None
    not_before: Moment | None = None
    expires: Moment | None = None
    priority: Priority = Priority.NORMAL
    media: tuple[Media, ...] = ()
    wording: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    corrects: str | None = None
    answers: str | None = None
    lines: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """One official account of the agency on a platform, as a plugin sees it.

    ``limits`` is what the server itself said of its limits; ``secrets`` are resolved and never stored.
    """

    name: str
    platform: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What a platform can carry.

    ``max_chars`` None means no limit; ``count`` is how it counts; ``link_chars`` is what any link costs (None: its
    own length). ``title`` and ``link`` say whether the platform has a field of its own for them. ``threads`` says
    whether a post may reply to our own. ``max_bytes`` bounds the UTF-8 bytes of the text besides its length.
    ``short_mentions``: of ``@user@host`` only ``@user`` counts. ``counted_options`` names the options whose words count
    with the text. ``max_media_bytes`` bounds one file; ``alone`` names the media types that go out as the only file.
    ``measure_batch`` is how many posts are measured in one call. ``idempotent_for`` is how long a repeat
    with the same key is known to be safe (None: never). ``settles_after`` is how long after a publish ``confirm`` can
    be believed when it finds nothing (None: never).
    """

    max_chars: int | None = None
    count: Counting = "graphemes"
    link_chars: int | None = None
    max_bytes: int | None = None
    short_mentions: bool = False
    counted_options: tuple[str, ...] = ()
    max_media: int = 4
    max_media_bytes: int = 20_000_000
    media_types: tuple[str, ...] = ("image/jpeg", "image/png", "image/gif", "image/webp")
    alone: tuple[str, ...] = ("video/mp4",)
    max_alt: int | None = None
    markup: Markup = "plain"
    title: bool = False
    link: bool = False
    threads: bool = False
    measure_batch: int = 20
    idempotent_for: timedelta | None = None
    settles_after: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """The exact words and files for one channel.

    ``key`` is the delivery's id, the idempotency key. ``reply_to`` is the receipt's remote_id of the part before.
    ``staged`` is what `stage` returned. ``at`` is the due instant, fixed with the key. ``corrects`` is the address
    (or, lacking one, the remote_id) of the post this one corrects on the same channel. ``options`` is what the author
    asked of this platform alone, checked by its ``Options`` model and approved with the words; every part of a thread
    carries it. ``answers`` is our own id of the public's reply that this one answers. ``recipient`` is the reference of
    the one this copy is for, where each has a copy of their own.
    """

    key: str
    action: Action = Action.PUBLISH
    text: str
    title: str | None = None
    link: str | None = None
    language: str | None = None
    media: tuple[Media, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    recipient: str | None = None
    reply_to: str | None = None
    staged: Mapping[str, Any] = field(default_factory=dict)
    at: datetime | None = None
    corrects: str | None = None
    answers: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """The platform's word that it holds our post.

    ``pending`` means it has taken it in but does not show it yet; ``raw`` is what it said, kept as evidence.
    """

    remote_id: str
    url: str | None = None
    pending: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """Who a channel is on its platform, as the server itself says.

    ``name`` is what people see (``@riverton@social.example.gov``). ``server`` names software and version. ``limits``
    is JSON for `Channel.limits`: whatever `Adapts.adapted` needs to know of this server. ``missing`` names scopes or
    rights that the credentials lack, in words. ``links`` are the addresses on the public profile. ``notes`` are
    further things that a person should know. ``expires_at`` is when the credentials end, where the server says so.
    """

    remote_id: str
    name: str
    url: str | None = None
    server: str = ""
    limits: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Metrics:
    """What a platform counts of one post; None is unknown, not zero."""

    views: int | None = None
    likes: int | None = None
    shares: int | None = None
    replies: int | None = None
    quotes: int | None = None
    clicks: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """The public's words to us: an answer to a post of ours, a mention, or a quote.

    ``to`` is the remote_id of the post it answers. ``text`` is plain text. ``state`` is what the platform's moderation
    says of it. ``cursor`` is what `Listens.replies` takes as ``since`` to go on after this one; None: no way on.
    """

    remote_id: str
    text: str
    author: str
    at: datetime
    kind: Literal["reply", "mention", "quote"] = "reply"
    state: Literal["shown", "held", "spam"] = "shown"
    author_url: str | None = None
    url: str | None = None
    to: str | None = None
    language: str | None = None
    cursor: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a rule found: where, and what to do about it."""

    rule: str
    severity: Severity
    message: str
    tip: str = ""
    file: str | None = None
    line: int | None = None
    channel: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One thing that happened; only ever added, each holding the hash of the one before."""

    id: int
    at: datetime
    actor: str
    verb: str
    subject: str
    old: str | None
    new: str | None
    why: str
    detail: Mapping[str, Any]
    prev: str
    hash: str
