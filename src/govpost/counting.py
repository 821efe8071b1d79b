"""How long a text is, as a platform counts it, and where the links in it are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from govpost.domain import Capabilities, Counting

_REMOTE = re.compile(
    r"(?<![=/\w])(@[A-Za-z0-9_]+(?:[.-]+[A-Za-z0-9_]+)*)@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?![\w@])"
)
"""A mention of somebody elsewhere. Where the servers' own pattern may differ, more is counted, never less."""


def count(text: str, capabilities: Capabilities) -> int:
    """Return the length of `text` in the platform's own unit; a link costs ``link_chars`` where that is set.

    With ``short_mentions`` ``@user@host`` costs what ``@user`` does (Mastodon's status_length_validator).
    Weighted counts bring their own price for links.
    """
    if capabilities.link_chars is not None and capabilities.count != "weighted":
        text = _priced(text, capabilities.link_chars)
    if capabilities.short_mentions:
        text = _REMOTE.sub(r"\1", text)
    return _UNITS[capabilities.count](text)


def links(text: str) -> list[tuple[int, int]]:
    """Find the http and https links: where each begins and ends."""
    if "://" not in text:
        return []
    from twitter_text import extract_urls_with_indices

    found = extract_urls_with_indices(text, extract_urls_without_protocol=False)
    return [(link["indices"][0], link["indices"][1]) for link in found]


def _priced(text: str, price: int) -> str:
    """Put as many letters as a link costs in the place of each link."""
    parts, after = [], 0
    for start, end in links(text):
        parts += [text[after:start], "x" * price]
        after = end
    return "".join([*parts, text[after:]])


def _graphemes(text: str) -> int:
    if text.isascii() and "\r" not in text:
        return len(text)
    import regex  # type: ignore[import-untyped]

    return sum(1 for _ in regex.finditer(r"\X", text))


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _weighted(text: str) -> int:
    from twitter_text import extract_urls, parse_tweet

    # Plain ASCII weighs one each, and the parser takes a hundred times as long to say so.
    if text.isascii() and "\r" not in text and not extract_urls(text):
        return len(text)
    return int(parse_tweet(text).weightedLength)


_UNITS: Mapping[Counting, Callable[[str], int]] = {
    "graphemes": _graphemes,
    "codepoints": len,
    "utf16": _utf16,
    "bytes": _bytes,
    "weighted": _weighted,
}
