"""What is kept of a post, one JSON file a key: all that is needed to build the site again.

``records/<key>.json`` is a post or an amendment of one; ``withdrawn/<key>.json`` is a tombstone and, once
there, stands for the post and all its amendments.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
import uuid
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from govpost import Media, Rejected, Variant
from govpost_website.settings import Settings

RECORDS = "records"
WITHDRAWN = "withdrawn"
MEDIA = "media"
ENDINGS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "video/mp4": "mp4",
}
_KEY = re.compile(r"[0-9A-Za-z-]{1,100}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}")
# What XML 1.0 (section 2.2) has no room for, not even escaped.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PAGE = re.compile(r"[a-z0-9-]{1,100}")
_SLUG_CHARS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A picture or film: ``name`` is its name under media/, ``captions`` the text of a WebVTT file."""

    name: str
    mime: str
    alt: str = ""
    captions: str | None = None

    @property
    def captions_name(self) -> str | None:
        """Return the name of the captions' file under media/."""
        return f"{digest(self.captions.encode())}.vtt" if self.captions else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One key's words and files; ``amends`` is the key of the post they correct. Times are RFC 3339."""

    key: str
    id: str
    page: str
    at: str
    language: str
    title: str
    text: str
    link: str | None = None
    corrects: str | None = None
    amends: str | None = None
    media: tuple[File, ...] = field(default=())

    @property
    def post(self) -> str:
        """Return the key of the post that these words belong to."""
        return self.amends or self.key

    def words(self) -> tuple[Any, ...]:
        """Return what a repeat with the same key must not change."""
        return (self.language, self.title, self.text, self.link, self.corrects, self.amends, self.media)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tombstone:
    """What is left of a post that was withdrawn; without ``page`` there was nothing to put a notice on."""

    key: str
    id: str = ""
    page: str | None = None
    published: str = ""
    at: str
    language: str
    title: str = ""
    notice: str


Kept = TypeVar("Kept", Record, Tombstone)


def checked_key(key: str) -> str:
    """Return a key that is safe as a file name; `Rejected` otherwise."""
    if not is_key(key):
        raise Rejected(
            f"the key {key[:40]!r} cannot be a file name", tip="keys are letters, digits and hyphens"
        )
    return key


def is_key(text: str) -> bool:
    """Say whether a text has the form of a key."""
    return _KEY.fullmatch(text) is not None


def clean(text: str) -> str:
    """Drop the characters that no feed can carry: control characters and lone surrogates."""
    return _ILLEGAL.sub("", text)


def record_of(variant: Variant, settings: Settings, amends: Record | None = None) -> Record:
    """Make the record of a variant, the same one each time; `Rejected` when it cannot stand on a page.

    An amendment keeps the id and the page of the post that it `amends`. OSError when a file cannot be read.
    """
    key, instant = checked_key(variant.key), _instant(variant)
    title = clean(variant.title or "").strip()
    return Record(
        key=key,
        id=amends.id if amends else tag(settings.host, instant, key),
        page=amends.page if amends else page_name(title, key),
        at=rfc3339(instant),
        language=_language(variant.language, settings),
        title=title,
        text=clean(variant.text),
        link=_web_address(variant.link),
        corrects=clean(variant.corrects) if variant.corrects else None,
        amends=amends.key if amends else None,
        media=tuple(_file(medium) for medium in variant.media),
    )


def tag(host: str, instant: datetime, what: str) -> str:
    """Return a tag URI (RFC 4151): never an address, so it stays when the site moves."""
    return f"tag:{host},{instant:%Y-%m-%d}:{what}"


def page_name(title: str, key: str) -> str:
    """Name a page for people, and uniquely: the title in ASCII and a piece of the key's digest."""
    ascii_title = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_title).strip("-")
    if len(words) > _SLUG_CHARS:
        words = words[:_SLUG_CHARS].rpartition("-")[0] or words[:_SLUG_CHARS]
    return f"{words or 'notice'}-{digest(key.encode())[:10]}"


def rfc3339(instant: datetime) -> str:
    """Write an instant in UTC to the second."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def dump(kept: Record | Tombstone) -> bytes:
    """Write a record so that equal records give equal bytes."""
    return (json.dumps(asdict(kept), indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def read(path: Path, kind: type[Kept]) -> Kept | None:
    """Read one record; None when there is none or it is broken, OSError when it cannot be read."""
    values = load(path)
    try:
        if "media" in values:
            values["media"] = tuple(File(**file) for file in values["media"])
        kept = kind(**values)
        return kept if _sound(kept) else None
    except (TypeError, ValueError, AttributeError):
        return None


def load(path: Path) -> dict[str, Any]:
    """Read a JSON object; an empty one when there is none or it is broken, OSError when it cannot be read."""
    try:
        values = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def _sound(kept: Record | Tombstone) -> bool:
    """Judge a record that somebody may have edited by hand, so that a bad one spoils no other's page."""
    datetime.fromisoformat(kept.at)
    text = "".join((kept.key, kept.id, kept.language, kept.title))
    return (
        is_key(kept.key)
        and (kept.page is None or _PAGE.fullmatch(kept.page) is not None)
        and text == clean(text)
    )


def _instant(variant: Variant) -> datetime:
    """Tell a post's time without looking at the clock, so that a repeat says the same."""
    if variant.at is not None:
        return variant.at.astimezone(UTC)
    try:
        key = uuid.UUID(variant.key)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return datetime.fromtimestamp((key.int >> 80) / 1000 if key.version == 7 else 0, UTC)


def _language(language: str | None, settings: Settings) -> str:
    return language if language and _LANGUAGE.fullmatch(language) else settings.language


def _web_address(link: str | None) -> str | None:
    if not link:
        return None
    try:
        parts = urlsplit(link)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and link == clean(link)
    except ValueError:
        usable = False
    if not usable or any(character.isspace() for character in link):
        raise Rejected(f"the link {link[:60]!r} is no web address", tip="write a full https address")
    return link


def _file(medium: Media) -> File:
    ending = ENDINGS.get(medium.mime)
    if ending is None:
        raise Rejected(
            f"{medium.path.name} is {medium.mime}, which the site does not show", tip="use JPEG or PNG"
        )
    with medium.path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if medium.sha256 and medium.sha256 != digest:
        raise Rejected(f"{medium.path.name} is not the file that was approved", tip="add the post again")
    captions = clean(medium.captions) if medium.captions else None
    return File(name=f"{digest}.{ending}", mime=medium.mime, alt=clean(medium.alt), captions=captions)


def digest(data: bytes) -> str:
    """Return the SHA-256 of some bytes in hex."""
    return hashlib.sha256(data).hexdigest()
