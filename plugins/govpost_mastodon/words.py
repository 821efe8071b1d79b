"""A status is HTML made from what was sent: back to plain text."""

from __future__ import annotations

import difflib
import re
import unicodedata
from html.parser import HTMLParser

_BLOCKS = frozenset(("p", "div", "blockquote", "pre", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6"))

_CLOSE = 0.6


class _Reader(HTMLParser):
    """Collects the text; a paragraph ends with an empty line, and what a server adds of its own is left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._skipped: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if self._skipped or "quote-inline" in classes or tag in ("script", "style"):
            if tag not in ("br", "img", "hr", "wbr"):
                self._skipped.append(tag)
        elif tag == "br":
            self.parts.append("\n")
        elif tag == "li":
            self.parts.append("\n- ")
        elif tag in _BLOCKS:
            self.parts.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        if self._skipped:
            if tag == self._skipped[-1]:
                self._skipped.pop()
        elif tag in _BLOCKS:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.parts.append(data)


def text_of(content: str) -> str:
    """Return the HTML of a status as plain text."""
    reader = _Reader()
    reader.feed(content)
    reader.close()
    return re.sub(r"\n{3,}", "\n\n", "".join(reader.parts)).strip()


def same(one: str, other: str) -> bool:
    """Say whether two texts are the same words; servers trim them and compose letters."""
    return _tidy(one) == _tidy(other)


def alike(one: str, other: str) -> bool:
    """Say whether two texts could be the same, shown differently: the letters outside links and mentions are equal."""
    return _letters(one) == _letters(other)


def close(one: str, other: str) -> bool:
    """Say whether a server may have made one text of the other: most letters outside links are the same."""
    shared = difflib.SequenceMatcher(None, _letters(one), _letters(other), autojunk=False)
    return alike(one, other) or shared.ratio() > _CLOSE


def _tidy(text: str) -> str:
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").strip().split("\n")
    return "\n".join(line.rstrip() for line in lines)


def _letters(text: str) -> str:
    bare = re.sub(r"\S*[/@]\S*|\S+\.\S+", "", unicodedata.normalize("NFKC", text))
    return "".join(filter(str.isalnum, bare)).casefold()
