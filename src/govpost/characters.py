"""Characters that must not go out, and where they are: controls, overrides of direction, no characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

_LAST_TWO = "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
# U+200E and U+200F are marks that Arabic and Hebrew need; the overrides can make one text read as another.
_FORBIDDEN = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef"
    f"{_LAST_TWO}]"
)


class Place(NamedTuple):
    """A line and a column, both counted from 1."""

    line: int
    column: int


def place_at(text: str, offset: int) -> Place:
    """Return the place of a character in a text whose lines end in \\n."""
    return Place(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def forbidden(text: str) -> Iterator[tuple[int, str]]:
    """Find each character that must not be there: its offset and its code point with its name."""
    for match in _FORBIDDEN.finditer(text):
        yield match.start(), _called(match.group())


def tidy(text: str) -> str:
    """Write a text as it is kept: NFC, lines ending in \\n, no white space around it."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def _called(character: str) -> str:
    code = ord(character)
    kind = "control character"
    if 0x202A <= code <= 0x2069:
        kind = unicodedata.name(character).lower()
    elif code >= 0xD800:
        kind = "half a character" if code <= 0xDFFF else "not a character"
    elif code >= 0x2028:
        kind = unicodedata.name(character, "line separator").lower()
    elif code == 0:
        kind = "NUL"
    return f"U+{code:04X} ({kind})"
