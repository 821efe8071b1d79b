"""A small workspace for tests about config.toml and content/."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from govpost import config
from govpost.config import Config
from govpost.errors import Mistakes

SMALL = """\
[agency]
name = "City of Riverton"
homepage = "https://riverton.example.gov/"
timezone = "America/Chicago"

[strategy]
mission = "Riverton tells residents what they need, in time."
main_channel = "website"

[strategy.goals.services]
statement = "Residents find city services"
serves = "what they need"
mode = "serve"
metric = "visits"
baseline = 1
target = 2

[strategy.audiences.residents]
description = "People living in Riverton"
scope = "external"
evidence = "census"

[people.ana]
name = "Ana Ruiz"
login = "ana"
roles = ["author"]

[people.ben]
name = "Ben Cole"
login = "ben"
roles = ["reviewer", "admin"]
discipline = "communications"

[channels.website]
platform = "website"

[channels.hub]
platform = "webhook"
"""


def write(root: Path, text: str | bytes = SMALL) -> Path:
    """Write config.toml into `root`."""
    content = text.encode() if isinstance(text, str) else text
    (root / "config.toml").write_bytes(content)
    return root


def small(root: Path, *changes: tuple[str, str], more: str = "") -> Config:
    """Load the small workspace with some words changed and lines added."""
    text = SMALL
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return config.load(write(root, text + more))


def said(error: Mistakes) -> list[str]:
    """Return the mistakes as a person sees them."""
    return [str(mistake) for mistake in error.mistakes]


def png(width: int = 2, height: int = 1) -> bytes:
    """Make a real PNG."""
    rows = (b"\0" + b"\x33\x66\x99" * width) * height

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
