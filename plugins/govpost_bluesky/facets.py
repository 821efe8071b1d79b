"""What in a text is a link, a tag or a mention, and where: by UTF-8 bytes, as app.bsky.richtext.facet counts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from govpost_bluesky.settings import HANDLE

_LINK = re.compile(r"(?<![\w/])https?://[^\s<>\"]+", re.IGNORECASE)
_TAG = re.compile(r"(?<!\S)[#＃]([^\s\u00ad\u2060\u200a-\u200d\u20e2]+)")
_MENTION = re.compile(r"(?:(?<=[\s(\[“‘])|^)@([A-Za-z0-9.-]*[A-Za-z0-9])(?![\w@])", re.MULTILINE)
_CLOSING = {")": "(", "]": "[", "}": "{"}
_AFTER_A_SENTENCE = ".,;:!?…'\"“”„‘’‚«»‹›"
_LONGEST_TAG = 64
_LONGEST_TAG_BYTES = 640


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A link, tag or mention: its place in the text, by characters, and what it names."""

    kind: Literal["link", "tag", "mention"]
    start: int
    end: int
    value: str


def marks(text: str) -> list[Mark]:
    """Find links, tags and mentions, first to last; none lies in another."""
    found: list[Mark] = []
    for mark in (*_links(text), *_tags(text), *_mentions(text)):
        if not any(mark.start < other.end and other.start < mark.end for other in found):
            found.append(mark)
    return sorted(found, key=lambda mark: mark.start)


def facets(text: str, dids: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the facets of a text; a mention whose handle has no DID in `dids` stays plain text."""
    shown = [(mark, feature) for mark in marks(text) if (feature := _feature(mark, dids))]
    return [
        {
            "index": {"byteStart": _bytes(text, mark.start), "byteEnd": _bytes(text, mark.end)},
            "features": [feature],
        }
        for mark, feature in shown
    ]


def handles(text: str) -> list[str]:
    """Return the handles that a text mentions, each once."""
    return list(dict.fromkeys(mark.value for mark in marks(text) if mark.kind == "mention"))


def last_link(text: str) -> str | None:
    """Return the last link of a text."""
    return next((mark.value for mark in reversed(marks(text)) if mark.kind == "link"), None)


def _feature(mark: Mark, dids: Mapping[str, str]) -> dict[str, str] | None:
    kind = f"app.bsky.richtext.facet#{mark.kind}"
    if mark.kind == "link":
        return {"$type": kind, "uri": mark.value}
    if mark.kind == "tag":
        return {"$type": kind, "tag": mark.value}
    did = dids.get(mark.value)
    return {"$type": kind, "did": did} if did else None


def _links(text: str) -> Iterator[Mark]:
    for found in _LINK.finditer(text):
        link = _without_tail(found[0])
        if len(link) > len("https://"):
            yield Mark(kind="link", start=found.start(), end=found.start() + len(link), value=link)


def _without_tail(link: str) -> str:
    """Take off what ends the sentence rather than the link; a bracket stays when the link opened it."""
    while link:
        last = link[-1]
        opened = _CLOSING.get(last)
        unopened = opened is not None and link.count(last) > link.count(opened)
        if last not in _AFTER_A_SENTENCE and not unopened:
            break
        link = link[:-1]
    return link


def _tags(text: str) -> Iterator[Mark]:
    import regex  # type: ignore[import-untyped]

    for found in _TAG.finditer(text):
        tag = regex.sub(r"\p{P}+$", "", found[1])
        if regex.fullmatch(r"(?!\ufe0f).*[^\d\p{P}].*", tag) and _short(tag):
            yield Mark(kind="tag", start=found.start(), end=found.start() + 1 + len(tag), value=tag)


def _short(tag: str) -> bool:
    import regex

    return len(regex.findall(r"\X", tag)) <= _LONGEST_TAG and len(tag.encode()) <= _LONGEST_TAG_BYTES


def _mentions(text: str) -> Iterator[Mark]:
    for found in _MENTION.finditer(text):
        if HANDLE.fullmatch(found[1]):
            yield Mark(kind="mention", start=found.start(), end=found.end(), value=found[1].lower())


def _bytes(text: str, place: int) -> int:
    return len(text[:place].encode())
