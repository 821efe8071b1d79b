"""What a request says: its strings one by one, and whether each comes from what was approved."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import httpx2

from govpost.domain import Channel, Media, Variant
from govpost.evidence import parts, strings

# Set by the client or by the credentials; they carry no words of the post.
_PLUMBING = {
    *("accept", "accept-encoding", "authorization", "connection", "content-length", "content-type"),
    *("cookie", "host", "transfer-encoding", "user-agent"),
}
_TAG = re.compile(r"<(?:!--.*?--|/?[A-Za-z][^<>]*)>", re.DOTALL)
_MARKED = re.compile(r"</[A-Za-z]|<!--")
_ATTRIBUTE = re.compile(r"""(?:alt|title|href|src|label)=["']([^"']*)["']""")
_TOKEN = re.compile(r"\S{0,256}")
_DATE = re.compile(
    r"\b\d{1,2}\.? (?:de )?[^\W\d]{3,12}\.?,? (?:de )?\d{4}\b|\b[^\W\d]{3,12} \d{1,2}, \d{4}\b"
)
_MARKS = " .,;:–-()"
_DERIVED = re.compile(r"\d|^.{13,}$")

Leaf = tuple[str, str | bytes]


def leaves(request: httpx2.Request) -> Iterator[Leaf]:
    """Yield every string of a request with its place; bytes where it is not text. Numbers have no words."""
    yield "method", request.method
    for number, segment in enumerate(unquote(request.url.path).split("/")):
        yield f"path.{number}", segment
    for name, value in request.url.params.multi_items():
        yield f"query.{name}", value
    for name, value in request.headers.multi_items():
        if name.lower() not in _PLUMBING:
            yield f"header.{name.lower()}", value
    yield from _body(request.headers.get("content-type", ""), request.content)


def _body(content_type: str, body: bytes) -> Iterator[Leaf]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("multipart/"):
        for part in parts(content_type, body):
            yield "body.name", part.name
            if part.filename is not None:
                yield f"body.{part.name}.filename", part.filename
            yield from _pieces(f"body.{part.name}", _text(part.data))
    elif kind == "application/x-www-form-urlencoded":
        for name, value in parse_qsl(body.decode(), keep_blank_values=True):
            yield from _pieces(f"body.{name}", value)
    elif kind.endswith("json"):
        yield from _json(json.loads(body or b"null"), "body")
    elif body:
        text = _text(body)
        yield (
            "body",
            html.unescape(re.sub(r"<[^>]*>", " ", text)) if isinstance(text, str) and "<" in text else text,
        )


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _json(value: Any, place: str) -> Iterator[Leaf]:
    if isinstance(value, str):
        yield from _pieces(place, value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield f"{place} key", key
            yield from _json(item, f"{place}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _json(item, f"{place}.{number}")


def _pieces(place: str, text: str | bytes) -> Iterator[Leaf]:
    """Yield a string as it is; of HTML each text and each attribute that a reader may meet."""
    if isinstance(text, bytes) or not _MARKED.search(text):
        yield place, text
        return
    found = [*_TAG.split(text), *_ATTRIBUTE.findall(text)]
    for number, piece in enumerate(html.unescape(each).strip() for each in found):
        if piece:
            yield f"{place}.{number}", piece


def readable(text: str) -> str:
    """Return what a person reads of a text that may be HTML: as it is, and once more without marks."""
    if not set(text) & {"<", "&"}:
        return text
    attributes = " ".join(_ATTRIBUTE.findall(text))
    return f"{text}\n{html.unescape(_TAG.sub(' ', text))}\n{html.unescape(attributes)}"


def heard(answer: httpx2.Response) -> list[str]:
    """Return the strings that a server said."""
    said = [value for name, value in answer.headers.multi_items() if name.lower() not in _PLUMBING]
    try:
        return [*said, *strings(json.loads(answer.read()))]
    except ValueError:
        return said


def words_of(variant: Variant) -> list[str]:
    """Return the words that a reader will see, each of which must arrive as it is."""
    alts = [medium.alt for medium in variant.media]
    captions = [medium.captions for medium in variant.media if medium.captions]
    return [word for word in (variant.text, variant.title, variant.link, *alts, *captions) if word]


def approved(variant: Variant, channel: Channel, fixed: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return all that may stand in a request, the longest first; `known` is what the platform said."""
    plain = [variant.key, variant.action.value, variant.language, variant.reply_to, variant.corrects]
    moments = [variant.at.isoformat(), variant.at.isoformat().replace("+00:00", "Z")] if variant.at else []
    files = [form for medium in variant.media for form in _forms(medium)]
    given = [*strings(channel.settings), *channel.secrets.values(), *strings(variant.staged), *fixed]
    given += [text for text in known if len(text) > 1]
    every = {text for text in (*words_of(variant), *plain, *moments, *files, *given) if text}
    return sorted(every, key=lambda text: (-len(text), text))


def _forms(medium: Media) -> list[str]:
    data = medium.path.read_bytes()
    coded = base64.b64encode(data).decode()
    return [medium.sha256, medium.mime, medium.path.name, coded]


def stranger(leaf: str | bytes, variant: Variant, allowed: list[str], *, same_elsewhere: bool) -> str | None:
    """Return what in `leaf` nobody approved, None when all of it was.

    `same_elsewhere` says that another post has the same string in the same place.
    """
    if isinstance(leaf, bytes):
        digests = [hashlib.sha256(medium.path.read_bytes()).digest() for medium in variant.media]
        return (
            None
            if hashlib.sha256(leaf).digest() in digests
            else f"{len(leaf)} bytes that are no approved file"
        )
    words = words_of(variant)
    plain = html.unescape(leaf)
    rest = plain if any(word in plain for word in words) else leaf
    if any(rest in word for word in words):
        return None
    has_words = any(word in rest for word in words)
    gap = " " if has_words else ""
    rest = _DATE.sub(gap, rest)
    for text in allowed:
        rest = rest.replace(text, gap)
    rest = rest.strip(_MARKS)
    if has_words or not _TOKEN.fullmatch(rest):
        return rest or None
    return None if same_elsewhere or not rest or _DERIVED.search(rest) else rest
