"""Markdown as the block editor's own markup (the comments of `serialize_blocks`), so that people can edit on.

Raw HTML is off. A picture from elsewhere becomes a link to it, and an address that stands alone becomes a link: else
WordPress would load what others serve. Square brackets are written as references, so that no shortcode runs.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from markdown_it.tree import SyntaxTreeNode

_ADDRESS = re.compile(r"https?://\S+")
_DEEPEST = 6
_ALIGN = re.compile(r"text-align:(left|center|right)")
_IN_LISTS = frozenset({"paragraph", "bullet_list", "ordered_list"})


def blocks(markdown: str, language: str | None = None) -> str:
    """Write Markdown as blocks; `language` is named on every run of words, where it is not the site's."""
    from markdown_it.tree import SyntaxTreeNode

    parser = _parser()
    tokens = parser.parse(markdown)
    _nest_headings(tokens)
    for token in tokens:
        if token.children:
            token.children = list(_safe(token.children))
    writer = _Writer(parser=parser, language=language)
    return "\n\n".join(writer.block(node) for node in SyntaxTreeNode(tokens).children)


def block(name: str, inner: str, attributes: Mapping[str, Any] | None = None) -> str:
    """Write one block around its HTML."""
    said = f" {_attributes(attributes)}" if attributes else ""
    return f"<!-- wp:{name}{said} -->\n{inner}\n<!-- /wp:{name} -->"


def paragraph(words: str, language: str | None = None) -> str:
    """Write plain words as a paragraph."""
    return block("paragraph", f"<p>{_in_language(text(words), language)}</p>")


def text(words: str) -> str:
    """Write plain words as HTML that shows exactly these, in a text or in an attribute."""
    return _no_shortcodes(html.escape(words))


def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _attributes(attributes: Mapping[str, Any]) -> str:
    written = json.dumps(attributes, ensure_ascii=False, separators=(",", ":"))
    for sign, code in (("--", "\\u002d\\u002d"), ("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        written = written.replace(sign, code)
    return written.replace('\\"', "\\u0022")


def _no_shortcodes(markup: str) -> str:
    return markup.replace("[", "&#091;").replace("]", "&#093;")


def _in_language(markup: str, language: str | None) -> str:
    return f'<span lang="{html.escape(language)}">{markup}</span>' if language and markup else markup


def _nest_headings(tokens: Sequence[Token]) -> None:
    """Let headings begin under the page's own, each at most one step deeper than the one it belongs to."""
    above: list[int] = []
    for token in tokens:
        if token.type == "heading_open":
            own = int(token.tag[1])
            above = [level for level in above if level < own] + [own]
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(len(above) + 1, _DEEPEST)}"


def _safe(tokens: Sequence[Token]) -> Iterator[Token]:
    """Turn pictures into links, and line ends in the source into spaces."""
    from markdown_it.token import Token

    alone = len(tokens) == 1 and tokens[0].type == "text" and _ADDRESS.fullmatch(tokens[0].content)
    inside = 0
    for token in tokens:
        inside += token.nesting if token.type in ("link_open", "link_close") else 0
        if token.type == "image":
            words = Token("text", "", 0, content=token.content or str(token.attrs["src"]))
            yield from _link(str(token.attrs["src"]), words, inside)
        elif token.type == "softbreak":
            yield Token("text", "", 0, content=" ")
        elif alone:
            yield from _link(token.content, token, inside)
        else:
            yield token


def _link(address: str, words: Token, inside: int) -> list[Token]:
    from markdown_it.token import Token

    opening = Token("link_open", "a", 1, attrs={"href": address})
    return [words] if inside else [opening, words, Token("link_close", "a", -1)]


@dataclass(frozen=True, kw_only=True)
class _Writer:
    parser: MarkdownIt
    language: str | None

    def block(self, node: SyntaxTreeNode) -> str:
        """Write one block; what the editor has no block for stands as HTML."""
        kinds: Mapping[str, Callable[[SyntaxTreeNode], str]] = {
            "paragraph": self._paragraph,
            "heading": self._heading,
            "bullet_list": self._list,
            "ordered_list": self._list,
            "blockquote": self._quote,
            "fence": _code,
            "code_block": _code,
            "table": self._table,
            "hr": _rule,
        }
        return kinds.get(node.type, self._html)(node)

    def _inline(self, node: SyntaxTreeNode) -> str:
        """Write the words of a node whose only child is a line of text."""
        return "".join(_in_language(self._plain(child), self.language) for child in node.children)

    def _plain(self, node: SyntaxTreeNode) -> str:
        line = [node.token] if node.token else []
        return _no_shortcodes(self.parser.renderer.render(line, self.parser.options, {}).strip())

    def _paragraph(self, node: SyntaxTreeNode) -> str:
        return block("paragraph", f"<p>{self._inline(node)}</p>")

    def _heading(self, node: SyntaxTreeNode) -> str:
        level = int(node.tag[1])
        inner = f'<{node.tag} class="wp-block-heading">{self._inline(node)}</{node.tag}>'
        return block("heading", inner, {"level": level} if level != 2 else None)

    def _quote(self, node: SyntaxTreeNode) -> str:
        inner = "\n\n".join(self.block(child) for child in node.children)
        return block("quote", f'<blockquote class="wp-block-quote">{inner}</blockquote>')

    def _list(self, node: SyntaxTreeNode) -> str:
        if any(child.type not in _IN_LISTS for item in node.children for child in item.children):
            return self._html(node)
        attributes: dict[str, Any] = {"ordered": True} if node.type == "ordered_list" else {}
        start = node.attrs.get("start", 1)
        if start != 1:
            attributes["start"] = start
        opening = f'<{node.tag} start="{start}">' if start != 1 else f"<{node.tag}>"
        items = "\n\n".join(block("list-item", self._item(item)) for item in node.children)
        return block("list", f"{opening}{items}</{node.tag}>", attributes)

    def _item(self, node: SyntaxTreeNode) -> str:
        lines = [self._inline(child) for child in node.children if child.type == "paragraph"]
        inner = [self._list(child) for child in node.children if child.type != "paragraph"]
        return f"<li>{'<br><br>'.join(lines)}{''.join(inner)}</li>"

    def _table(self, node: SyntaxTreeNode) -> str:
        parts = "".join(f"<{part.tag}>{self._rows(part.children)}</{part.tag}>" for part in node.children)
        figure = f'<figure class="wp-block-table"><table>{parts}</table></figure>'
        return block("table", figure, {"hasFixedLayout": False})

    def _rows(self, rows: Iterable[SyntaxTreeNode]) -> str:
        return "".join(f"<tr>{''.join(self._cell(cell) for cell in row.children)}</tr>" for row in rows)

    def _cell(self, node: SyntaxTreeNode) -> str:
        align = _ALIGN.search(str(node.attrs.get("style", "")))
        where = f' class="has-text-align-{align[1]}" data-align="{align[1]}"' if align else ""
        return f"<{node.tag}{where}>{self._inline(node)}</{node.tag}>"

    def _html(self, node: SyntaxTreeNode) -> str:
        rendered = self.parser.renderer.render(node.to_tokens(), self.parser.options, {}).strip()
        lang = f'<div lang="{html.escape(self.language)}">{rendered}</div>' if self.language else rendered
        return block("html", _no_shortcodes(lang))


def _code(node: SyntaxTreeNode) -> str:
    words = _no_shortcodes(html.escape(node.content.rstrip("\n"), quote=False))
    return block("code", f'<pre class="wp-block-code"><code>{words}</code></pre>')


def _rule(_node: SyntaxTreeNode) -> str:
    return block("separator", '<hr class="wp-block-separator has-alpha-channel-opacity"/>')
