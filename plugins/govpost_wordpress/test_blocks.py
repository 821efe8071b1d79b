"""Markdown becomes blocks that the editor knows: each opens and closes, and says nothing that was not written."""

from __future__ import annotations

import html
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from govpost_wordpress.blocks import block, blocks, paragraph, text

_DELIMITER = re.compile(
    r"<!--\s+(?P<close>/)?wp:(?P<name>[a-z][a-z0-9-]*)\s+(?P<attributes>\{.*?\}\s+)?-->", re.DOTALL
)


def parsed(markup: str) -> list[tuple[str, dict[str, object]]]:
    """Parse block markup as strictly as it can be; return each block's name and attributes in order."""
    found, opened, after = [], [], 0
    for each in _DELIMITER.finditer(markup):
        between = markup[after : each.start()]
        assert "<!--" not in between, "a comment that is no block"
        assert opened or not between.strip(), f"{between!r} stands outside every block"
        after = each.end()
        if each["close"]:
            assert opened.pop() == each["name"]
            continue
        opened.append(each["name"])
        attributes = each["attributes"] or "{}"
        assert not re.search(r"--|[<>&]", attributes), "signs that would end the comment"
        found.append((each["name"], json.loads(attributes)))
    assert opened == [] and not markup[after:].strip()
    return found


def words(markup: str) -> str:
    return "".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


KINDS = {
    "A line\nand *more*.": "<!-- wp:paragraph -->\n<p>A line and <em>more</em>.</p>\n<!-- /wp:paragraph -->",
    "## Roads": '<!-- wp:heading -->\n<h2 class="wp-block-heading">Roads</h2>\n<!-- /wp:heading -->',
    "- one\n- two": (
        "<!-- wp:list -->\n<ul><!-- wp:list-item -->\n<li>one</li>\n<!-- /wp:list-item -->\n\n"
        "<!-- wp:list-item -->\n<li>two</li>\n<!-- /wp:list-item --></ul>\n<!-- /wp:list -->"
    ),
    "3. three": (
        '<!-- wp:list {"ordered":true,"start":3} -->\n<ol start="3"><!-- wp:list-item -->\n<li>three</li>\n'
        "<!-- /wp:list-item --></ol>\n<!-- /wp:list -->"
    ),
    "> said": (
        '<!-- wp:quote -->\n<blockquote class="wp-block-quote"><!-- wp:paragraph -->\n<p>said</p>\n'
        "<!-- /wp:paragraph --></blockquote>\n<!-- /wp:quote -->"
    ),
    "```\na < b\n```": (
        '<!-- wp:code -->\n<pre class="wp-block-code"><code>a &lt; b</code></pre>\n<!-- /wp:code -->'
    ),
    "|A|\n|:-:|\n|1|": (
        '<!-- wp:table {"hasFixedLayout":false} -->\n<figure class="wp-block-table"><table><thead><tr>'
        '<th class="has-text-align-center" data-align="center">A</th></tr></thead><tbody><tr>'
        '<td class="has-text-align-center" data-align="center">1</td></tr></tbody></table></figure>\n'
        "<!-- /wp:table -->"
    ),
    "---": (
        '<!-- wp:separator -->\n<hr class="wp-block-separator has-alpha-channel-opacity"/>\n<!-- /wp:separator -->'
    ),
}


@pytest.mark.parametrize("markdown", KINDS)
def test_each_kind_of_block_is_written_as_the_editor_saves_it(markdown: str) -> None:
    assert blocks(markdown) == KINDS[markdown]


def test_a_list_in_a_list_stands_in_its_item() -> None:
    names = [name for name, _ in parsed(blocks("- one\n  1. two\n\n  three"))]
    assert names == ["list", "list-item", "list", "list-item"]


def test_a_list_with_more_than_words_in_it_stands_as_html() -> None:
    markup = blocks("- a\n\n      code [x]", language="es")
    assert [name for name, _ in parsed(markup)] == ["html"]
    assert '<div lang="es"><ul>' in markup and "[" not in markup


@pytest.mark.parametrize(
    ("own", "shown"),
    [
        ("# A\n### B\n# C", [2, 3, 2]),
        ("### A\n## B", [2, 2]),
        ("# a\n" + "".join(f"{'#' * n} x\n" for n in range(2, 7)), [2, 3, 4, 5, 6, 6]),
    ],
)
def test_headings_begin_under_the_title_and_leave_no_step_out(own: str, shown: list[int]) -> None:
    assert [found.get("level", 2) for _, found in parsed(blocks(own))] == shown


def test_html_of_the_author_is_words() -> None:
    markup = blocks("<script>x</script> <!-- wp:html --> & <b>")
    assert "&lt;script&gt;" in markup and "&lt;!-- wp:html --&gt; &amp; &lt;b&gt;" in markup


def test_no_shortcode_runs() -> None:
    markup = blocks('[gallery] `[x]` [^1](https://a.example/[b] "[t]")\n\n    [code]')
    assert "[" not in markup and "]" not in markup and "[gallery]" in html.unescape(markup)


def test_an_address_that_stands_alone_is_a_link_and_not_embedded() -> None:
    assert '<p><a href="https://v.example/1">https://v.example/1</a></p>' in blocks("https://v.example/1")


def test_a_picture_from_elsewhere_is_a_link_to_it() -> None:
    markup = blocks("![A plan](https://p.example/a.png) [![in](https://p.example/b.png)](https://c.example)")
    assert "<img" not in markup
    assert '<a href="https://p.example/a.png">A plan</a> <a href="https://c.example">in</a>' in markup
    assert '<a href="https://p.example/c.png">https://p.example/c.png</a>' in blocks(
        "![](https://p.example/c.png)"
    )


def test_another_language_is_named_on_every_run_of_words() -> None:
    markup = blocks("Hola\n\n- uno\n\n|A|\n|-|\n|b|", language="es")
    assert re.findall(r'<span lang="es">(\w+)</span>', markup) == ["Hola", "uno", "A", "b"]


def test_attributes_cannot_end_their_comment() -> None:
    hard = {"x": '--> <b> & "q" é'}
    ((_, found),) = parsed(block("image", "<p></p>", hard))
    assert found == hard


def test_words_stand_in_attributes_and_texts_alike() -> None:
    assert text('a "b" <c> & [d]') == "a &quot;b&quot; &lt;c&gt; &amp; &#091;d&#093;"
    assert paragraph("A & B", "es") == block("paragraph", '<p><span lang="es">A &amp; B</span></p>')


@given(st.text(alphabet='ab*_`#->[]()!|:\n 1.<&"\\~=\u00e9', max_size=80))
@settings(max_examples=300, deadline=None)
def test_whatever_is_written_becomes_whole_blocks_with_the_same_words(markdown: str) -> None:
    markup = blocks(markdown)
    parsed(markup)
    rendered = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    pictures = re.sub(
        r'<img src="([^"]*)" alt="([^"]*)"[^>]*>', lambda m: m[2] or html.escape(m[1]), rendered
    )
    assert words(markup) == words(pictures)
