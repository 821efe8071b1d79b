"""What the website's tests share: a channel in a folder, variants, and the bytes of a whole site."""

from __future__ import annotations

import hashlib
import struct
import zlib
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from govpost import Action, Channel, Media, Receipt, Variant
from govpost_website import Website

WITHDRAWN_AT = datetime(2026, 11, 30, 16, 5, 7, 123456, tzinfo=UTC)
WEB = Website(lambda: WITHDRAWN_AT)


def channel(folder: Path, **settings: Any) -> Channel:
    defaults = {
        "base_url": "https://news.example.gov/",
        "title": "City of Example",
        "author": "City press office",
    }
    return Channel(
        name="website", platform="website", settings={"folder": str(folder), **defaults, **settings}
    )


def key(number: int) -> str:
    return f"01920000-0000-7000-8000-{number:012x}"


def variant(number: int = 1, **values: Any) -> Variant:
    at = datetime(2026, 11, 1 + number % 28, 14, number % 60, tzinfo=UTC)
    defaults = {
        "key": key(number),
        "title": f"Notice {number}",
        "text": f"Words of notice {number}.",
        "at": at,
    }
    return Variant(**{**defaults, "language": "en", **values})


def amendment(number: int, **values: Any) -> Variant:
    return variant(number, **{"action": Action.AMEND, "text": "Better words.", **values})


def publish(folder: Path, what: Variant, **settings: Any) -> Receipt:
    return WEB.publish(what, channel(folder, **settings), None)


def amend(folder: Path, receipt: Receipt, what: Variant) -> Receipt:
    return WEB.amend(receipt, what, channel(folder), None)


def withdraw(folder: Path, receipt: Receipt, notice: str = "It named the wrong day.") -> None:
    WEB.withdraw(receipt, notice, channel(folder), None)


def confirm(folder: Path, what: Variant, receipt: Receipt | None = None) -> Receipt | None:
    return WEB.confirm(what, receipt, channel(folder), None)


def page(folder: Path, receipt: Receipt) -> str:
    assert receipt.url
    return (folder / "posts" / receipt.url.rsplit("/", 1)[1]).read_text("utf-8")


def tree(folder: Path, *, hidden: bool = False) -> dict[str, str]:
    """Return the digest of every file of a site; what lies in .work is not public."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (hidden or ".work" not in path.parts)
    }


def picture(path: Path, shade: int = 90) -> Media:
    """Make a small picture and describe it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes([shade, 120, 160]) * 16) * 9
    head = struct.pack(">IIBBBBB", 16, 9, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Media(path=path, mime="image/png", alt="Barriers across the bridge", sha256=digest)


class Seen(HTMLParser):
    """Collects the tags of a page with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag in names]
