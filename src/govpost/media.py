"""Files that come with a post: which may be read, and what their bytes say they are.

Nothing is opened that is not a regular file inside the workspace, and nothing large is read.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from govpost.characters import forbidden, place_at, tidy
from govpost.errors import GovpostError

MAX_BYTES = 20_000_000
_MAX_CAPTIONS = 1_000_000
_MAX_PIXELS = 100_000_000
_SUFFIXES = {
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "video/mp4": (".mp4", ".m4v"),
}
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
_MP4_BRANDS = (
    b"isom",
    b"iso2",
    b"iso4",
    b"iso5",
    b"iso6",
    b"mp41",
    b"mp42",
    b"avc1",
    b"M4V ",
    b"dash",
    b"MSNV",
)
_SOF_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class BadFile(GovpostError):
    """A file that cannot go out; the message goes on from its name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaInfo:
    """What a medium is, from its bytes; width and height in pixels, None for video."""

    mime: str
    width: int | None
    height: int | None
    bytes: int


def inside(path: Path, root: Path) -> Path:
    """Return the real path of a file in the workspace `root`; `BadFile` when links lead out of it."""
    try:
        real = path.resolve()
    except (OSError, RuntimeError, ValueError):
        raise BadFile("leads nowhere: its links go in a circle or its name is impossible") from None
    if not real.is_relative_to(root.resolve()):
        raise BadFile("lies outside the workspace", "copy the file beside the post")
    return real


def read_regular(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes; never waits on a pipe and never opens a device."""
    try:
        _check(path.stat(), limit)
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            _check(os.fstat(stream.fileno()), limit)
            return stream.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise BadFile("does not exist", "check the name, or copy the file there") from None
    except (OSError, ValueError) as error:
        raise BadFile(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _check(found: os.stat_result, limit: int) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise BadFile("is a folder, not a file")
    if not stat.S_ISREG(found.st_mode):
        raise BadFile("is no ordinary file", "copy what it holds into a file")
    if found.st_size > limit:
        raise BadFile(f"is {_size(found.st_size)}; at most {_size(limit)} are taken", "make it smaller")


def _size(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB" if count >= 100_000 else f"{count:,} bytes"


def probe(path: Path) -> MediaInfo:
    """Say what a picture or video is, from its bytes alone; `BadFile` when it is neither or broken."""
    data = read_regular(path, MAX_BYTES)
    mime, measure = _kind(data)
    try:
        width, height = measure(data)
    except (struct.error, IndexError):
        raise _cut() from None
    _check_size(width, height)
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES[mime]:
        named = f"its name ends in '{suffix}'" if suffix else "its name has no ending"
        raise BadFile(f"is {mime}, but {named}", f"rename it to {path.stem}{_SUFFIXES[mime][0]}")
    return MediaInfo(mime=mime, width=width, height=height, bytes=len(data))


def read_captions(path: Path) -> str:
    """Read a WebVTT file, tidied; `BadFile` when it is none."""
    if path.suffix.lower() != ".vtt":
        raise BadFile("is not a .vtt file", "save the captions as WebVTT")
    try:
        text = read_regular(path, _MAX_CAPTIONS).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile("is not UTF-8 text", "save the captions again as UTF-8") from None
    if not text.startswith("WEBVTT"):
        raise BadFile("is not a WebVTT file: it must begin with WEBVTT", "export the captions as WebVTT")
    for offset, called in forbidden(text):
        raise BadFile(f"holds {called} in line {place_at(text, offset).line}", "delete that character")
    return tidy(text)


_Size = tuple[int | None, int | None]
_Measure = Callable[[bytes], _Size]


def _check_size(width: int | None, height: int | None) -> None:
    if width is None or height is None:
        return
    if not width or not height:
        raise BadFile("is a picture without any points in it", "export it again")
    if width * height > _MAX_PIXELS:
        raise BadFile(f"is {width} × {height} points, too many to show", "make it smaller")


def _kind(data: bytes) -> tuple[str, _Measure]:
    """Tell what the first bytes say: a MIME type, and who can measure it."""
    for signature, known in _KINDS.items():
        if data.startswith(signature):
            return known
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp", _webp
    if data[4:8] == b"ftyp" and data[8:12] in _MP4_BRANDS:
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


def _png(data: bytes) -> _Size:
    width = height = 0
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
        kinds.add(kind)
        offset += 12 + length
    if b"IDAT" not in kinds:
        raise _cut()
    return width, height


def _jpeg(data: bytes) -> _Size:
    size: tuple[int, int] | None = None
    for marker, offset in _jpeg_segments(data):
        if marker in _SOF_MARKERS:
            height, width = struct.unpack_from(">HH", data, offset + 3)
            size = (width, height)
        if marker == 0xDA:
            if size is None or data.rfind(b"\xff\xd9") < offset:
                break
            return size
    raise _cut()


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield each marker with the offset of its length field, up to and with the start of the scan."""
    offset = 2
    while data[offset] == 0xFF:
        marker = data[offset + 1]
        if marker == 0xFF:
            offset += 1
            continue
        yield marker, offset + 2
        offset += 2 + int(struct.unpack_from(">H", data, offset + 2)[0])


def _gif(data: bytes) -> _Size:
    width, height = struct.unpack_from("<HH", data, 6)
    if not data.rstrip(b"\0").endswith(b";"):
        raise _cut()
    return width, height


def _webp(data: bytes) -> _Size:
    (size,) = struct.unpack_from("<I", data, 4)
    if size + 8 > len(data):
        raise _cut()
    kind = data[12:16]
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise _cut()


def _mp4(data: bytes) -> _Size:
    kinds = []
    offset = 0
    while offset < len(data):
        size, kind = struct.unpack_from(">I4s", data, offset)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, offset + 8)
        # Size 0 means "to the end of the file"; any other below 8 cannot hold its own header.
        size = size or len(data) - offset
        if size < 8 or offset + size > len(data):
            raise _cut()
        kinds.append(kind)
        offset += size
    if b"moov" not in kinds:
        raise _cut()
    return None, None


_KINDS: dict[bytes, tuple[str, _Measure]] = {
    b"\x89PNG\r\n\x1a\n": ("image/png", _png),
    b"\xff\xd8\xff": ("image/jpeg", _jpeg),
    b"GIF87a": ("image/gif", _gif),
    b"GIF89a": ("image/gif", _gif),
}
