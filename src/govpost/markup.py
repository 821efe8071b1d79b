"""Markdown read by its tokens: to plain text, to HTML, and into the pieces at which it may be parted.

Raw HTML is off everywhere: a tag that an author writes shows as the characters it is made of.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from govpost.sentences import Piece, pieces

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_NESTED = frozenset(
    f"{name}_{end}"
    for name in ("bullet_list", "ordered_list", "list_item", "blockquote", "table", "tr")
    for end in ("open", "close")
)
_BLOCK_START = re.compile(
    r"[-+*](?:\s|\Z)|[>|]|#{1,6}(?:\s|\Z)|\d{1,9}[.)](?:\s|\Z)|```|~~~|\[[^\]]+\]:|([-*_]\s*){3,}$", re.M
)
_MARK = re.compile("\ue000(\\d+)\ue001")


@lru_cache(maxsize=8)  # a post goes to several channels
def plain(markdown: str) -> str:
    """Write Markdown as plain text: links as ``text (URL)``, lists with their marks, emphasis dropped."""
    frames: list[list[str]] = [[]]
    opened: list[Token] = []
    for token in _parser(verbatim=True).parse(markdown):
        if token.type not in _NESTED:
            frames[-1].append(_leaf(token))
        elif token.nesting == 1:
            frames.append([])
            opened.append(token)
        else:
            inner = [block for block in frames.pop() if block]
            frames[-1].append(_nest(opened.pop(), inner))
    return "\n\n".join(block for block in frames[0] if block)


def to_html(markdown: str) -> str:
    """Write Markdown as HTML."""
    return str(_parser().render(markdown)).strip()


def words_to_html(words: str) -> str:
    """Write an author's own words as HTML that shows exactly these words."""
    paragraphs = re.split(r"\n\s*\n", words.strip())
    return "\n".join(f"<p>{html.escape(text).replace(chr(10), '<br>' + chr(10))}</p>" for text in paragraphs)


def link_to_html(link: str) -> str:
    """Write a link that shows its address as a paragraph of HTML."""
    shown = html.escape(link)
    return f'<p><a href="{shown}">{shown}</a></p>'


def markdown_pieces(text: str) -> list[Piece]:
    """Part Markdown between blocks and list items, and in paragraphs between sentences.

    No code, link, picture, quotation, table or emphasis is ever parted; nor is a text whose links are defined
    elsewhere in it, because a part would lose the definition.
    """
    environment: dict[str, object] = {}
    tokens = _parser().parse(text, environment)
    if environment.get("references"):
        return _whole(text)
    starts = _line_starts(text)
    found: list[Piece] = []
    for first, last, block in _blocks(tokens):
        start, end = starts[first], starts[last]
        inner = _sentences(text[start:end]) if block == "paragraph_open" else _whole(text[start:end])
        found += [Piece(start + piece.start, start + piece.end, piece.last) for piece in inner]
    return found


@cache
def _parser(*, verbatim: bool = False) -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    if verbatim:
        parser.normalizeLink = parser.normalizeLinkText = str  # type: ignore[method-assign, assignment]
    parser.render("a")  # its rules are put together at the first use, which threads must not share
    return parser


def _leaf(token: Token) -> str:
    if token.type == "inline":
        return _inline(token.children or []).strip()
    return token.content.rstrip("\n")


def _nest(opened: Token, blocks: Sequence[str]) -> str:
    """Put a container's blocks together as its kind asks."""
    match opened.type:
        case "list_item_open":
            mark = f"{opened.info}{opened.markup} " if opened.info else "- "
            return mark + "\n".join(blocks).replace("\n", "\n" + " " * len(mark))
        case "blockquote_open":
            return "> " + "\n\n".join(blocks).replace("\n", "\n> ")
        case "tr_open":
            return " | ".join(blocks)
        case _:
            return "\n".join(blocks)


def _inline(tokens: Sequence[Token]) -> str:
    """Write the tokens of one line of text; a link's own text is kept aside until it ends."""
    frames: list[str] = [""]
    targets: list[str] = []
    for token in tokens:
        if token.type == "link_open":
            frames.append("")
            targets.append(str(token.attrGet("href") or ""))
        elif token.type == "link_close":
            words = frames.pop()
            frames[-1] += _linked(words, targets.pop())
        else:
            frames[-1] += _words(token)
    return frames[0]


def _linked(words: str, target: str) -> str:
    if not target or words in {target, target.removeprefix("mailto:")}:
        return words
    return f"{words} ({target})" if words.strip() else target


def _words(token: Token) -> str:
    match token.type:
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "image":
            return _inline(token.children or [])
        case _:
            return token.content


def _blocks(tokens: Sequence[Token]) -> Iterator[tuple[int, int, str]]:
    """Yield the first line, the line after the last, and the kind of each block that may stand alone."""
    lists = {"bullet_list_open", "ordered_list_open"}
    in_list = False
    for token in tokens:
        if token.level == 0 and token.nesting >= 0:
            in_list = token.type in lists
        stands = token.level == (1 if in_list else 0) and token.nesting >= 0
        if token.map and stands and token.type != "inline":
            yield token.map[0], token.map[1], token.type


def _sentences(paragraph: str) -> list[Piece]:
    """Part a paragraph where a sentence ends outside every link, code and emphasis."""
    candidates = [piece for piece in pieces(paragraph) if piece.end < len(paragraph.rstrip())]
    safe = _outside(paragraph, [piece.end for piece in candidates])
    found, start = [], len(paragraph) - len(paragraph.lstrip())
    for piece in candidates:
        after = len(paragraph) - len(paragraph[piece.end :].lstrip())
        if piece.end in safe and not _BLOCK_START.match(paragraph, after):
            found.append(Piece(start, piece.end, last=False))
            start = after
    return [*found, Piece(start, len(paragraph.rstrip()), last=True)]


def _outside(paragraph: str, places: Sequence[int]) -> set[int]:
    """Say which places stand in plain text: mark each, parse once, and see which marks come out as text."""
    if not places or "\ue000" in paragraph:
        return set()
    marked, after = "", 0
    for number, place in enumerate(places):
        marked += f"{paragraph[after:place]} \ue000{number}\ue001 "
        after = place
    (line,) = _parser().parseInline(marked + paragraph[after:])
    shown = [token.content for token in line.children or [] if token.type == "text" and token.level == 0]
    return {places[int(number)] for content in shown for number in _MARK.findall(content)}


def _whole(text: str) -> list[Piece]:
    """Take a text as one piece; an indent before it belongs to it."""
    body = text.rstrip()
    start = len(body) - len(body.lstrip("\n"))
    return [Piece(start, len(body), last=True)] if body else []


def _line_starts(text: str) -> list[int]:
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    return [*starts, len(text)]
