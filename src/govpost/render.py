"""Draft × Capabilities → Variants: what exactly goes out on a channel. Nothing is ever cut."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any

from govpost.counting import count
from govpost.domain import Action, Capabilities, Draft, Media, Variant
from govpost.markup import link_to_html, markdown_pieces, plain, to_html, words_to_html
from govpost.sentences import Piece, pieces

__all__ = ["count", "counted", "fits", "over_limit", "plain", "render", "wrong_media"]


def render(
    draft: Draft,
    channel: str,
    capabilities: Capabilities,
    *,
    action: Action = Action.PUBLISH,
    corrects: str | None = None,
) -> tuple[Variant, ...]:
    """Write the parts that go out on `channel`; media, title and link field go with the first."""
    return tuple(
        Variant(
            key="",
            action=action,
            text=text,
            title=draft.title if capabilities.title and number == 0 else None,
            link=draft.link if capabilities.link and number == 0 else None,
            language=draft.language,
            media=draft.media if number == 0 else (),
            options=draft.options.get(channel, {}),
            corrects=corrects,
            answers=draft.answers if number == 0 else None,
        )
        for number, text in enumerate(_texts(draft, channel, capabilities))
    )


def fits(variant: Variant, capabilities: Capabilities) -> list[str]:
    """Say why a variant cannot go out under these capabilities; nothing when it can."""
    over = over_limit(variant, capabilities)
    return [*([over] if over else []), *(reason for _, reason in wrong_media(variant, capabilities))]


def over_limit(variant: Variant, capabilities: Capabilities) -> str | None:
    """Say by how much the text is too long, or that there is none."""
    if not variant.text.strip() and not variant.media:
        return "there is no text"
    limit, length = capabilities.max_chars, counted(variant, capabilities)
    if limit is not None and length > limit:
        unit = "bytes" if capabilities.count == "bytes" else "characters"
        return f"the text has {length} {unit}, {length - limit} over the limit of {limit}"
    most, size = capabilities.max_bytes, len(variant.text.encode())
    if most is not None and size > most:
        return f"the text has {size} bytes, {size - most} over the limit of {most}"
    return None


def counted(variant: Variant, capabilities: Capabilities) -> int:
    """Return the length of a variant as its platform counts it, with the options whose words count too."""
    return count(variant.text, capabilities) + _counted_options(variant.options, capabilities)


def _counted_options(options: Mapping[str, Any], capabilities: Capabilities) -> int:
    able = replace(capabilities, link_chars=None, short_mentions=False)
    return sum(count(str(options[name]), able) for name in capabilities.counted_options if options.get(name))


def wrong_media(variant: Variant, capabilities: Capabilities) -> list[tuple[int | None, str]]:
    """Say what is wrong with the files, each with the index of the file; None where all are meant."""
    found: list[tuple[int | None, str]] = []
    if len(variant.media) > capabilities.max_media:
        found.append((None, f"there {_files(len(variant.media))}, the limit is {capabilities.max_media}"))
    solo = [medium for medium in variant.media if medium.mime in capabilities.alone]
    if solo and len(variant.media) > 1:
        found.append((None, f"{solo[0].path.name} is {solo[0].mime} and goes out only by itself"))
    for index, medium in enumerate(variant.media):
        found += [(index, f"{medium.path.name} {reason}") for reason in _wrong_medium(medium, capabilities)]
    return found


def _files(number: int) -> str:
    return "is 1 media file" if number == 1 else f"are {number} media files"


def _wrong_medium(medium: Media, capabilities: Capabilities) -> Iterator[str]:
    if medium.mime not in capabilities.media_types:
        yield f"is {medium.mime}; taken are {', '.join(capabilities.media_types) or 'no files'}"
    most = capabilities.max_alt
    if most is not None and (length := count(medium.alt, _plainly(capabilities))) > most:
        yield f"has a description of {length} characters, {length - most} over the limit of {most}"
    try:
        size = medium.path.stat().st_size
    except OSError:
        return
    if size > capabilities.max_media_bytes:
        yield f"has {size:,} bytes, over the limit of {capabilities.max_media_bytes:,}"


def _plainly(capabilities: Capabilities) -> Capabilities:
    """A description is counted by its characters, whatever the text is weighed by."""
    return replace(
        capabilities,
        count="graphemes" if capabilities.count == "graphemes" else "codepoints",
        link_chars=None,
    )


def _texts(draft: Draft, channel: str, capabilities: Capabilities) -> Sequence[str]:
    own = draft.wording.get(channel)
    if own:
        return [words_to_html(words) for words in own] if capabilities.markup == "html" else own
    taken = _counted_options(draft.options.get(channel, {}), capabilities)
    return _parts(_whole(draft, capabilities), capabilities, taken)


def _whole(draft: Draft, capabilities: Capabilities) -> str:
    """Write body and link as one text."""
    text = draft.body.strip("\n") if capabilities.markup == "markdown" else plain(draft.body)
    link = None if capabilities.link or _holds(text, draft.link) else draft.link
    match capabilities.markup:
        case "html":
            blocks = to_html(draft.body), link and link_to_html(link)
        case "markdown":
            blocks = text, link and f"<{link}>"
        case _:
            blocks = text, link
    return "\n\n".join(block for block in blocks if block)


def _holds(text: str, link: str | None) -> bool:
    """Say whether `link` itself stands in the text, not only as the beginning of a longer one."""
    if not link:
        return False
    after = r"(?=[\"'”’»›)\]}>*.,;:!?…]*(?:\s|\Z))"
    return re.search(rf"(?<![\w/=]){re.escape(link)}{after}", text) is not None


def _parts(text: str, capabilities: Capabilities, taken: int) -> list[str]:
    """Part a text that is over the limit at the ends of sentences, where the platform has threads.

    `taken` is how much of the limit each part's options use up.
    """
    limit = None if capabilities.max_chars is None else capabilities.max_chars - taken
    if limit is None or not capabilities.threads or capabilities.markup == "html":
        return [text]
    found = markdown_pieces(text) if capabilities.markup == "markdown" else pieces(text)
    if not found:
        return [text]
    starts, ends = _ruler(text, found, capabilities)
    parts, first = [], 0
    while first < len(found):
        last = _last(found, starts, ends, first, limit)
        parts.append(text[found[first].start : found[last].end])
        first = last + 1
    return parts


def _ruler(text: str, found: Sequence[Piece], capabilities: Capabilities) -> tuple[list[int], list[int]]:
    """Measure once where each piece starts and ends, so that a part's length is one subtraction."""
    words = [count(text[piece.start : piece.end], capabilities) for piece in found]
    gaps = [count(text[one.end : two.start], capabilities) for one, two in pairwise(found)]
    ends = list(accumulate(map(sum, zip(words, [0, *gaps], strict=True))))
    return [end - length for end, length in zip(ends, words, strict=True)], ends


def _last(found: Sequence[Piece], starts: Sequence[int], ends: Sequence[int], first: int, limit: int) -> int:
    """Choose the last piece of a part: the end of a paragraph where that leaves it at least half full."""
    full = max(first, bisect_right(ends, starts[first] + limit) - 1)
    if full == len(found) - 1:
        return full
    half = bisect_left(ends, starts[first] + limit / 2, first)
    return next((last for last in range(full, half - 1, -1) if found[last].last), full)
