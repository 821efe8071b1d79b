"""Pictures as Bluesky takes them: still, upright, small enough, and without what a camera notes about its owner."""

from __future__ import annotations

import importlib.util
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from govpost import Media, Rejected

if TYPE_CHECKING:
    from PIL import Image

# The lexicon allows 2,000,000 bytes since 2026; servers with older lexicons hold on to 1,000,000.
MOST_BYTES = 1_000_000
_LONGEST_SIDE = 4_000
_SIDES = (_LONGEST_SIDE, 3_000, 2_000, 1_500, 1_000, 600)
_QUALITIES = (90, 80, 70)
_ORIENTATION = 0x0112
MISSING = (
    "pictures for Bluesky need the library Pillow, which is not installed: pip install 'govpost[images]', or in a "
    "checkout pip install '.[images]'"
)
_MIMES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
TYPES = frozenset(_MIMES.values())
_ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}

# What a file may say of itself without saying anything of a person or place.
_HARMLESS = frozenset(
    {
        *(
            "jfif",
            "jfif_version",
            "jfif_unit",
            "jfif_density",
            "dpi",
            "icc_profile",
            "adobe",
            "adobe_transform",
        ),
        *(
            "progressive",
            "progression",
            "gamma",
            "transparency",
            "srgb",
            "chromaticity",
            "aspect",
            "interlace",
        ),
        *("loop", "background", "timestamp", "duration"),
    }
)
_HARMLESS_SEGMENTS = frozenset({"APP0", "APP2", "APP14"})


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The bytes that go up, and how wide and high the picture is, in pixels."""

    data: bytes
    mime: str
    width: int
    height: int


def called(medium: Media) -> str:
    """Return what people know a file by: the engine keeps files under the digest of their bytes."""
    kind = medium.mime.partition("/")[0].replace("image", "picture")
    return f"the {kind} “{medium.alt}”" if medium.alt else f"the {kind}"


def can_read() -> bool:
    """Say whether Pillow is here."""
    return importlib.util.find_spec("PIL") is not None


def flaw(medium: Media) -> str | None:
    """Say why a picture cannot go to Bluesky, as far as the beginning of its file tells; None when it can."""
    if not can_read():
        return MISSING
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(medium.path) as image:
            # Phones write MPO: a JPEG with further pictures behind it, of which the first is the one people see.
            moves = getattr(image, "is_animated", False) and image.format != "MPO"
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError):
        return f"{called(medium)} cannot be read as a picture; save it anew as JPEG or PNG"
    still = "Bluesky shows still pictures only; send an MP4 video, or save one frame"
    return f"{called(medium)} moves, and {still}" if moves else None


def prepared(path: Path, most: int = MOST_BYTES, *, name: str = "the picture") -> Picture:
    """Return a picture without a `flaw` as it goes up, at most `most` bytes; the same file gives the same bytes.

    A file that is small enough and says nothing of its maker goes up as it was approved. `Rejected` when it breaks off
    or cannot be made small enough; `name` is what people know it by.
    """
    from PIL import Image

    data = path.read_bytes()
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return _as_it_is(image, data, most) or _written(image, most, name)
    except (OSError, SyntaxError) as error:
        raise Rejected(
            f"{name} cannot be read as a picture: {error}", tip="save it anew as JPEG or PNG"
        ) from None


def _as_it_is(image: Image.Image, data: bytes, most: int) -> Picture | None:
    """Return the approved bytes themselves where nothing has to change."""
    if len(data) > most or max(image.size) > _LONGEST_SIDE or not _says_nothing(image, data):
        return None
    return _picture(image, data, _MIMES[image.format or ""])


def _says_nothing(image: Image.Image, data: bytes) -> bool:
    kind = image.format or ""
    if kind not in _MIMES or set(image.info) - _HARMLESS or getattr(image, "text", None) or image.getexif():
        return False
    segments = {name for name, _ in getattr(image, "applist", [])}
    if segments - _HARMLESS_SEGMENTS or getattr(image, "private_chunks", None):
        return False
    if kind == "WEBP":
        return int.from_bytes(data[4:8], "little") + 8 >= len(data)
    return data.endswith(_ENDS[kind])


def _written(image: Image.Image, most: int, name: str) -> Picture:
    kept = _kept(image, most)
    if kept is not None:
        return kept
    upright = _upright(image)
    if _sees_through(upright) or image.format == "PNG":
        drawn = _png(upright, most)
        if drawn is not None:
            return drawn
    flat = _flat(upright)
    for side in _SIDES:
        small = _within(flat, side)
        for quality in _QUALITIES:
            data = _encoded(small, "JPEG", quality=quality, optimize=True)
            if len(data) <= most:
                return _picture(small, data, "image/jpeg")
    raise Rejected(f"{name} cannot be made smaller than {most:,} bytes")


def _kept(image: Image.Image, most: int) -> Picture | None:
    """Write a JPEG again with its own tables, which leaves the picture as it is and its notes behind."""
    turned = image.getexif().get(_ORIENTATION, 1) != 1
    if image.format != "JPEG" or turned or max(image.size) > _LONGEST_SIDE or image.mode not in ("RGB", "L"):
        return None
    data = _encoded(image, "JPEG", quality="keep", optimize=True)
    return _picture(image, data, "image/jpeg") if len(data) <= most else None


def _upright(image: Image.Image) -> Image.Image:
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _sees_through(image: Image.Image) -> bool:
    return image.has_transparency_data


def _png(image: Image.Image, most: int) -> Picture | None:
    """Write drawings and whatever can be seen through as PNG, if that is small enough."""
    small = _within(image.convert("RGBA") if _sees_through(image) else image, _LONGEST_SIDE)
    data = _encoded(small, "PNG", optimize=True)
    return _picture(small, data, "image/png") if len(data) <= most else None


def _flat(image: Image.Image) -> Image.Image:
    """Put the picture on white: a JPEG cannot be seen through."""
    from PIL import Image

    if not _sees_through(image):
        return image if image.mode == "RGB" else _plain(image)
    shown = image.convert("RGBA")
    white = Image.new("RGBA", shown.size, "white")
    return _plain(Image.alpha_composite(white, shown))


def _plain(image: Image.Image) -> Image.Image:
    """Return the picture in red, green and blue; a colour profile of other colours no longer holds."""
    plain = image.convert("RGB")
    plain.info = {}
    return plain


def _within(image: Image.Image, side: int) -> Image.Image:
    from PIL import Image

    longest = max(image.size)
    if longest <= side:
        return image
    width, height = (max(1, round(length * side / longest)) for length in image.size)
    source = image.convert("RGB") if image.mode == "P" else image
    small = source.resize((width, height), Image.Resampling.LANCZOS)
    small.info = {key: value for key, value in image.info.items() if key == "icc_profile"}
    return small


def _encoded(image: Image.Image, kind: str, **how: object) -> bytes:
    """Write a picture with its colours and nothing else that it says."""
    profile = image.info.get("icc_profile")
    image.info = {}
    written = io.BytesIO()
    image.save(written, kind, icc_profile=profile, **how)
    image.info = {"icc_profile": profile} if profile else {}
    return written.getvalue()


def _picture(image: Image.Image, data: bytes, mime: str) -> Picture:
    return Picture(data=data, mime=mime, width=image.width, height=image.height)
