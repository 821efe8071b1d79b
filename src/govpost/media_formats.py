"""Pictures and films by their bytes: what they are, how large, whole, and nothing besides.

A file may be two things at once: a picture to whom we show it, an archive or a web page to somebody else. What is
approved is what is seen, so each format is walked from its first byte to its last.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from govpost.errors import GovpostError

_MAX_PIXELS = 100_000_000
_MAX_DRAWN = 2_000_000_000
_MAX_UNFOLDED = 4_000_000
_NOT_TAKEN = {
    b"%PDF": "a PDF",
    b"BM": "a BMP picture",
    b"II*\0": "a TIFF picture",
    b"MM\0*": "a TIFF picture",
    b"<svg": "an SVG drawing",
    b"<?xml": "an XML or SVG file",
    b"<!DOC": "a web page",
    b"<html": "a web page",
    b"PK\3\4": "a ZIP or office file",
}
_MP4_BRANDS = frozenset(b"isom iso2 iso4 iso5 iso6 mp41 mp42 avc1 M4V dash MSNV".split())
_SOF_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN, _END = 0xDA, 0xD9
_MARKER = re.compile(rb"\xff++([^\x00\xd0-\xd7])")
_NEXT_MARKER = re.compile(rb"(?<!\xff)\xff++[^\x00\xd0-\xd7]")
_PDF_WITHIN = 1_024  # where readers of PDF look for its mark, from the start
_ZIP_WITHIN = 65_557  # and readers of ZIP, from the end
_ZIP_END = re.compile(rb"PK\x05\x06")
_PAGE = re.compile(rb"<(?:script|html|!doctype html|svg)[\s>]|<\?php", re.IGNORECASE)
_PADDING = b"\0\r\n "


class BadFile(GovpostError):
    """A file that cannot go out; the message goes on from its name."""


class _Walked(NamedTuple):
    """A file walked through: its sides, the points drawn in all its frames and scans, and where it ends."""

    width: int
    height: int
    drawn: int
    end: int


def measured(data: bytes) -> tuple[str, int | None, int | None]:
    """Return the MIME type, width and height of a picture or film; `BadFile` when it is none, broken or more."""
    mime, walk = _kind(data)
    try:
        found = walk(data)
    except (struct.error, IndexError):
        raise _cut() from None
    _check_end(data, found.end)
    _check_disguise(data)
    if mime.startswith("video/"):
        return mime, None, None
    _check_size(found)
    return mime, found.width, found.height


def _kind(data: bytes) -> tuple[str, Callable[[bytes], _Walked]]:
    """Tell what the first bytes say: a MIME type, and who can walk through it."""
    for signature, known in _KINDS.items():
        if data.startswith(signature):
            return known
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp", _webp
    if data[4:8] == b"ftyp" and data[8:12].rstrip() in _MP4_BRANDS:
        return "video/mp4", _mp4
    tip = "use a JPEG, PNG, GIF or WebP picture, or an MP4 video"
    if not data:
        raise BadFile("is empty", tip)
    if data[4:8] == b"ftyp":
        raise BadFile("is a HEIC, AVIF or QuickTime file, which is not taken", tip)
    start = data[:64].lstrip()
    for signature, name in _NOT_TAKEN.items():
        if start.startswith(signature):
            raise BadFile(f"is {name}, not a picture", tip)
    raise BadFile("is not a picture or video", tip)


def _cut() -> BadFile:
    return BadFile("is cut short or broken", "export or copy it again")


def _check_end(data: bytes, end: int) -> None:
    if end > len(data):
        raise _cut()
    if rest := data[end:].strip(_PADDING):
        raise BadFile(
            f"holds {len(rest):,} bytes after its end, which nobody sees",
            "export it again as a plain picture",
        )


def _check_disguise(data: bytes) -> None:
    other = ""
    if b"%PDF-" in data[:_PDF_WITHIN]:
        other = "a PDF"
    elif _is_zip(data):
        other = "a ZIP file"
    elif _PAGE.search(data):
        other = "a web page or a script"
    if other:
        raise BadFile(f"is at the same time {other}", "export it again as a plain picture or video")


def _is_zip(data: bytes) -> bool:
    """Say whether the end of a ZIP file's directory lies where its readers look: its comment ends with the file."""
    tail = data[-_ZIP_WITHIN:]
    return any(
        int.from_bytes(tail[found.start() + 20 : found.start() + 22], "little")
        == len(tail) - found.start() - 22
        for found in _ZIP_END.finditer(tail)
    )


def _check_size(found: _Walked) -> None:
    if not found.width or not found.height:
        raise BadFile("is a picture without any points in it", "export it again")
    if found.width * found.height > _MAX_PIXELS:
        raise BadFile(f"is {found.width} × {found.height} points, too many to show", "make it smaller")
    if found.drawn > _MAX_DRAWN:
        raise BadFile("has so many frames that it is too much to show", "make it shorter or smaller")


def _png(data: bytes) -> _Walked:
    width = height = drawn = 0
    kinds: set[bytes] = set()
    offset = 8
    while b"IEND" not in kinds:
        length, kind = struct.unpack_from(">I4s", data, offset)
        body = data[offset + 8 : offset + 8 + length]
        (crc,) = struct.unpack_from(">I", data, offset + 8 + length)
        if crc != zlib.crc32(kind + body) or (not kinds and kind != b"IHDR"):
            raise _cut()
        if kind == b"IHDR":
            width, height = struct.unpack_from(">II", body)
        elif kind == b"fcTL":
            across, down = struct.unpack_from(">II", body, 4)
            drawn += across * down
        elif kind in (b"iCCP", b"zTXt", b"iTXt"):
            _check_folded(kind, body)
        kinds.add(kind)
        offset += 12 + length
    if b"IDAT" not in kinds:
        raise _cut()
    return _Walked(width, height, drawn, offset)


def _check_folded(kind: bytes, body: bytes) -> None:
    """Refuse notes of a PNG that unfold to far more than anybody writes."""
    how = body.partition(b"\0")[2]
    folded = how[1:]
    if kind == b"iTXt":
        if how[:1] != b"\1":
            return
        folded = how[2:].partition(b"\0")[2].partition(b"\0")[2]
    try:
        unfolded = len(zlib.decompressobj().decompress(folded, _MAX_UNFOLDED + 1))
    except zlib.error:
        return
    if unfolded > _MAX_UNFOLDED:
        raise BadFile("holds notes that unfold to more than 4 MB", "export it again without notes")


def _jpeg(data: bytes) -> _Walked:
    first = _one_jpeg(data, 0)
    end = first.end
    # Telephones put a second picture, for bright screens, behind the first (CIPA DC-007).
    while data.startswith(b"\xff\xd8\xff", end):
        end = _one_jpeg(data, end).end
    return first._replace(end=end)


def _one_jpeg(data: bytes, start: int) -> _Walked:
    width = height = scans = 0
    for marker, offset in _jpeg_segments(data, start + 2):
        if marker in _SOF_MARKERS:
            down, across = struct.unpack_from(">HH", data, offset + 3)
            width, height = max(width, across), max(height, down)
        elif marker == _SCAN:
            if not width:
                break
            scans += 1
        elif marker == _END:
            if not scans:
                break
            return _Walked(width, height, width * height * scans, offset)
    raise _cut()


def _jpeg_segments(data: bytes, offset: int) -> Iterator[tuple[int, int]]:
    """Yield each marker with the offset behind it, through all scans, up to and with the end of the picture."""
    while found := _MARKER.match(data, offset):
        marker, offset = found[1][0], found.end()
        yield marker, offset
        if marker == _END:
            return
        offset += int(struct.unpack_from(">H", data, offset)[0])
        if marker == _SCAN and (coded := _NEXT_MARKER.search(data, offset)):
            offset = coded.start()


def _gif(data: bytes) -> _Walked:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    offset, frames, drawn = 13 + _colours(flags), 0, 0
    while (block := data[offset]) != 0x3B:
        if block == 0x2C:
            across, down, flags = struct.unpack_from("<HHB", data, offset + 5)
            frames, drawn = frames + 1, drawn + across * down
            width, height = max(width, across), max(height, down)
            offset = _gif_blocks(data, offset + 11 + _colours(flags))
        elif block == 0x21:
            offset = _gif_blocks(data, offset + 2)
        else:
            raise _cut()
    if not frames:
        raise _cut()
    return _Walked(width, height, drawn, offset + 1)


def _colours(flags: int) -> int:
    """Return how many bytes the table of colours takes up that a GIF's flags speak of."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_blocks(data: bytes, offset: int) -> int:
    while size := data[offset]:
        offset += 1 + size
    return offset + 1


def _webp(data: bytes) -> _Walked:
    (size,) = struct.unpack_from("<I", data, 4)
    end, offset, drawn = size + 8, 12, 0
    if end > len(data):
        raise _cut()
    width, height = _webp_sides(data)
    while offset + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, offset)
        if kind == b"ANMF":
            drawn += (_int24(data, offset + 14) + 1) * (_int24(data, offset + 17) + 1)
        offset += 8 + length + length % 2
    if offset not in (end, end + 1):
        raise _cut()
    return _Walked(width, height, drawn, end)


def _webp_sides(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        return _int24(data, 24) + 1, _int24(data, 27) + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise _cut()


def _int24(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 3], "little")


def _mp4(data: bytes) -> _Walked:
    kinds = set()
    offset = 0
    while offset < len(data):
        size, kind = struct.unpack_from(">I4s", data, offset)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, offset + 8)
        # Size 0 means "to the end of the file"; any other below 8 cannot hold its own header.
        size = size or len(data) - offset
        if size < 8 or offset + size > len(data):
            raise _cut()
        kinds.add(kind)
        offset += size
    if b"moov" not in kinds:
        raise _cut()
    return _Walked(0, 0, 0, offset)


_KINDS: dict[bytes, tuple[str, Callable[[bytes], _Walked]]] = {
    b"\x89PNG\r\n\x1a\n": ("image/png", _png),
    b"\xff\xd8\xff": ("image/jpeg", _jpeg),
    b"GIF87a": ("image/gif", _gif),
    b"GIF89a": ("image/gif", _gif),
}
