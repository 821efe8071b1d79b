"""What the conformance suite says: words that mean nothing and that no other post has, and pictures."""

from __future__ import annotations

import hashlib
import random
import struct
import zlib
from pathlib import Path

from govpost.domain import Capabilities, Media

# Letters of several scripts, a joined emoji, a combining mark and the characters that markup trips over.
UNICODE = "Ñandú Straße 日本語 👩🏽‍🚒 e\u0301 “<&>”"

_AROUND = 2_000  # what stands around the pixels of a picture, in bytes, and a little more
_LETTERS = "bdfgklmnprstvz"


class Speaker:
    """Says words that mean nothing and that another seed never says."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - words, not secrets
        self._tail = _spelled(seed)

    def words(self, count: int) -> str:
        """Return some words."""
        return " ".join("".join(self._random.choices(_LETTERS, k=7)) + self._tail for _ in range(count))


def _spelled(number: int) -> str:
    """Spell a number in letters, since digits may be taken for something derived."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def picture(folder: str, seed: int, alt: str, capabilities: Capabilities, size: int = 0) -> Media:
    """Write a picture of nearly `size` bytes, or a tiny one, and describe it."""
    types = capabilities.media_types
    mime = "image/png" if "image/png" in types else types[0]
    path = Path(folder, f"picture-{seed}.{mime.partition('/')[2]}")
    path.write_bytes(_png(seed, size))
    return Media(path=path, mime=mime, alt=alt, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def _png(seed: int, size: int) -> bytes:
    """Return a picture of one colour; a big one is stored without being packed."""
    side = max(1, int((max(0, size - _AROUND) / 3.01) ** 0.5))
    row = bytes([0]) + bytes([seed % 256]) * (3 * side)
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(row * side, level=0 if size else -1)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
