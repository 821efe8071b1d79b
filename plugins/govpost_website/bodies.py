"""A post's Markdown as HTML that is safe to put on a page and into a feed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urljoin

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from markupsafe import Markup

_DEEPEST = 6


def html(text: str, address: str, level: int = 2) -> Markup:
    """Render Markdown; links are resolved against the page's `address`, the first heading is an ``h<level>``.

    Raw HTML stays text, and a picture elsewhere becomes a link to it: a page loads nothing from others.
    """
    from markupsafe import Markup

    tokens = _parser().parse(text)
    _nest_headings(tokens, level)
    for token in tokens:
        if token.children:
            token.children = list(_own_links(token.children, address))
    parser = _parser()
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - raw HTML is off


def lead(text: str) -> str:
    """Return the first paragraph in plain words, nothing when there is none."""
    tokens = _parser().parse(text)
    for before, token in pairwise(tokens):
        if before.type == "paragraph_open":
            return "".join(_plain(token.children or []))
    return ""


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _nest_headings(tokens: Sequence[Token], level: int) -> None:
    """Make headings follow the page's own without a gap, whatever levels the author used."""
    above: list[int] = []
    for token in tokens:
        if token.type not in {"heading_open", "heading_close"}:
            continue
        if token.type == "heading_open":
            own = int(token.tag[1])
            while above and above[-1] >= own:
                above.pop()
            above.append(own)
        token.tag = f"h{min(level + len(above) - 1, _DEEPEST)}"


def _own_links(tokens: Sequence[Token], address: str) -> Iterator[Token]:
    from markdown_it.token import Token

    inside = 0
    for token in tokens:
        if token.type == "image":
            words = Token("text", "", 0, content=token.content or str(token.attrs["src"]))
            yield from [words] if inside else _link_to(str(token.attrs["src"]), words, address)
            continue
        if token.type == "link_open":
            token.attrs["href"] = _joined(address, str(token.attrs["href"]))
        inside += token.nesting if token.type in {"link_open", "link_close"} else 0
        yield token


def _link_to(target: str, words: Token, address: str) -> list[Token]:
    from markdown_it.token import Token

    opening = Token("link_open", "a", 1, attrs={"href": _joined(address, target)})
    return [opening, words, Token("link_close", "a", -1)]


def _joined(address: str, target: str) -> str:
    return urljoin(address, target)


def _plain(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type in {"text", "text_special", "code_inline", "image"}:
            yield token.content
        elif token.type in {"softbreak", "hardbreak"}:
            yield " "
