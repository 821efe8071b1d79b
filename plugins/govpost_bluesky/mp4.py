"""How wide and high an MP4 film is shown, from the headers of its tracks (ISO/IEC 14496-12, 8.3.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_HEAD = 8
_LARGE = 16
_MATRIX = slice(-44, -8)
_SIDES = slice(-8, None)
_LEAST = 84


def shape(film: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels as people see them; None when the file does not say."""
    for kind, movie in _boxes(memoryview(film)):
        if kind != b"moov":
            continue
        for name, track in _boxes(movie):
            header = dict(_boxes(track)).get(b"tkhd", memoryview(b"")) if name == b"trak" else b""
            if len(header) >= _LEAST and all(sides := _sides(header)):
                return sides
    return None


def _sides(header: bytes | memoryview) -> tuple[int, int]:
    """Return the sides, which are 16.16 numbers; a film taken upright says so by a matrix that turns it."""
    width, height = (side >> 16 for side in struct.unpack(">2I", header[_SIDES]))
    across, turned, *_ = struct.unpack(">9i", header[_MATRIX])
    return (height, width) if turned and not across else (width, height)


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Go through boxes: a size of 32 bits and a name; a size of 1 has 64 bits behind the name, 0 is all the rest."""
    while len(data) >= _HEAD:
        size, head = int.from_bytes(data[:4]), _HEAD
        if size == 1:
            size, head = int.from_bytes(data[_HEAD:_LARGE]), _LARGE
        size = size or len(data)
        if size < head:
            return
        yield bytes(data[4:_HEAD]), data[head:size]
        data = data[size:]
