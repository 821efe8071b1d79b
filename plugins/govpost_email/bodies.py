"""A post's Markdown as HTML for mail programs: styles inline, nothing loaded from elsewhere, raw HTML stays text.

Mail programs drop style sheets and know no base address, so that a link without a host becomes words and address.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from markupsafe import Markup

_TOP = 2
_DEEPEST = 6
_CELL = "border-bottom:1px solid #cdd6df;padding:6px 10px 6px 0;text-align:start;vertical-align:top"
_CODE = "font-family:Menlo,Consolas,'Liberation Mono',monospace;font-size:15px"
_HEADING = "margin:28px 0 8px;font-size:20px;line-height:1.3;color:#16202b"
STYLES = MappingProxyType(
    {
        "p": "margin:0 0 16px",
        "ul": "margin:0 0 16px;padding-inline-start:24px",
        "ol": "margin:0 0 16px;padding-inline-start:24px",
        "li": "margin:0 0 6px",
        "a": "color:#0b4f82;text-decoration:underline",
        "blockquote": "margin:0 0 16px;padding-inline-start:14px;border-inline-start:4px solid #cdd6df",
        "table": "border-collapse:collapse;width:100%;margin:0 0 16px",
        "th": _CELL,
        "td": _CELL,
        "hr": "border:0;border-top:1px solid #cdd6df;margin:24px 0",
        "code": _CODE,
        "pre": f"{_CODE};white-space:pre-wrap;overflow-wrap:anywhere;margin:0 0 16px;padding:12px;background:#f1f5f9",
        **{f"h{level}": _HEADING for level in range(_TOP, _DEEPEST + 1)},
    }
)


def html(text: str) -> Markup:
    """Render Markdown; its first heading follows the bulletin's own title."""
    from markupsafe import Markup

    parser = _parser()
    tokens = parser.parse(text)
    _nest_headings(tokens)
    for token in tokens:
        _dress(token)
        if token.children is not None:
            token.children = list(_whole_links(token.children))
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - raw HTML is off


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("fence", _code)
    parser.add_render_rule("code_block", _code)
    return parser


def _code(renderer: object, tokens: Sequence[Token], index: int, *_: object) -> str:  # noqa: ARG001
    """Write a block of code; the usual renderer puts its style on the inner tag alone."""
    return f'<pre style="{STYLES["pre"]}">{escape(tokens[index].content)}</pre>\n'


def _dress(token: Token) -> None:
    """Put the style on a tag where it opens."""
    style = STYLES.get(token.tag)
    if style and token.nesting >= 0:
        token.attrSet("style", style)


def _nest_headings(tokens: Sequence[Token]) -> None:
    """Make headings follow the title without a gap, whatever levels the author used."""
    above: list[int] = []
    for token in tokens:
        if token.type not in {"heading_open", "heading_close"}:
            continue
        if token.type == "heading_open":
            own = int(token.tag[1])
            while above and above[-1] >= own:
                above.pop()
            above.append(own)
        token.tag = f"h{min(_TOP + len(above) - 1, _DEEPEST)}"


def _whole_links(tokens: Sequence[Token]) -> Iterator[Token]:
    """Keep links that lead somewhere; a picture from elsewhere becomes a link to it."""
    from markdown_it.token import Token

    opened: list[str] = []
    for token in tokens:
        _dress(token)
        if token.type == "image":
            yield from _named(token, linked=bool(opened))
        elif token.type == "link_open":
            opened.append(str(token.attrs["href"]))
            if _leads(opened[-1]):
                yield token
        elif token.type == "link_close":
            target = opened.pop()
            yield token if _leads(target) else Token("text", "", 0, content=f" ({target})")
        else:
            yield token


def _named(image: Token, *, linked: bool) -> Iterator[Token]:
    from markdown_it.token import Token

    target = str(image.attrs["src"])
    words = Token("text", "", 0, content=image.content or target)
    if linked or not _leads(target):
        yield words
        return
    yield Token("link_open", "a", 1, attrs={"href": target, "style": STYLES["a"]})
    yield words
    yield Token("link_close", "a", -1)


def _leads(target: str) -> bool:
    return target.lower().startswith(("https://", "http://", "mailto:", "tel:"))
