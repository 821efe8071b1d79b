"""Files that come with a post: which may be read, and whether their names say what they are.

Nothing is opened that is not a regular file inside the workspace, and nothing large is read.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from govpost.characters import forbidden, place_at, tidy
from govpost.media_formats import BadFile, measured

__all__ = ["MAX_BYTES", "BadFile", "MediaInfo", "inside", "probe", "read_captions", "read_regular"]

MAX_BYTES = 20_000_000
_MAX_CAPTIONS = 1_000_000
_SUFFIXES = {
    "image/jpeg": (".jpg", ".jpeg"),
    "image/png": (".png",),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    "video/mp4": (".mp4", ".m4v"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaInfo:
    """What a medium is, from its bytes, and their digest; width and height in pixels, None for video."""

    mime: str
    width: int | None
    height: int | None
    bytes: int
    sha256: str


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
        # `inside` has followed every link; one that comes after it was put there to lead elsewhere.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
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
    mime, width, height = measured(data)
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES[mime]:
        named = f"its name ends in '{suffix}'" if suffix else "its name has no ending"
        raise BadFile(f"is {mime}, but {named}", f"rename it to {path.stem}{_SUFFIXES[mime][0]}")
    sha256 = hashlib.sha256(data).hexdigest()
    return MediaInfo(mime=mime, width=width, height=height, bytes=len(data), sha256=sha256)


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
