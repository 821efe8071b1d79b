"""A status is HTML made from what was sent: back to plain text."""

from __future__ import annotations

import difflib
import html
import re
import unicodedata

_BLOCKS = frozenset(("p", "div", "blockquote", "pre", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6"))
_EMPTY = frozenset(("br", "img", "hr", "wbr"))
# Python's own parser takes the square of the time for some pages, and holds up every other channel meanwhile.
_TAG = re.compile(r"(<[^<>]*>)")
_NAME = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_CLASS = re.compile(r"""\sclass=["']?([^"'>]*)""", re.IGNORECASE)

_CLOSE = 0.6
_COMPARED = 2_000


class _Reader:
    """Collects the text; a paragraph ends with an empty line, and what a server adds of its own is left out."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._skipped: list[str] = []

    def tag(self, text: str) -> None:
        found = _NAME.match(text)
        if found is None:
            return
        name = found[2].lower()
        if found[1]:
            self.end(name)
        else:
            classes = _CLASS.search(text)
            self.start(name, classes[1].split() if classes else [])

    def start(self, name: str, classes: list[str]) -> None:
        if self._skipped or "quote-inline" in classes or name in ("script", "style"):
            if name not in _EMPTY:
                self._skipped.append(name)
        elif name == "br":
            self.parts.append("\n")
        elif name == "li":
            self.parts.append("\n- ")
        elif name in _BLOCKS:
            self.parts.append("\n\n")

    def end(self, name: str) -> None:
        if self._skipped:
            if name == self._skipped[-1]:
                self._skipped.pop()
        elif name in _BLOCKS:
            self.parts.append("\n\n")

    def words(self, text: str) -> None:
        if not self._skipped:
            self.parts.append(html.unescape(text))


def text_of(content: str) -> str:
    """Return the HTML of a status as plain text."""
    reader = _Reader()
    for number, piece in enumerate(_TAG.split(content)):
        (reader.tag if number % 2 else reader.words)(piece)
    return re.sub(r"\n{3,}", "\n\n", "".join(reader.parts)).strip()


def same(one: str, other: str) -> bool:
    """Say whether two texts are the same words; servers trim them and compose letters."""
    return _tidy(one) == _tidy(other)


def alike(one: str, other: str) -> bool:
    """Say whether two texts could be the same, shown differently: the letters outside links and mentions are equal."""
    return _letters(one) == _letters(other)


def close(one: str, other: str) -> bool:
    """Say whether a server may have made one text of the other: most letters outside links are the same."""
    ours, theirs = _letters(one), _letters(other)
    # Comparing takes the square of the time; of long texts the beginnings are enough.
    shared = difflib.SequenceMatcher(None, ours[:_COMPARED], theirs[:_COMPARED], autojunk=False)
    return ours == theirs or (
        min(len(ours), len(theirs)) * 4 > len(ours) + len(theirs) and shared.ratio() > _CLOSE
    )


def _tidy(text: str) -> str:
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").strip().split("\n")
    return "\n".join(line.rstrip() for line in lines)


def _letters(text: str) -> str:
    bare = (word for word in unicodedata.normalize("NFKC", text).split() if not _is_address(word))
    return "".join(sign for word in bare for sign in word if sign.isalnum()).casefold()


def _is_address(word: str) -> bool:
    return "/" in word or "@" in word or "." in word[1:-1]
