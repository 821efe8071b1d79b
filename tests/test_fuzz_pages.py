"""Whatever a post says, pages, feeds, bulletins and blocks show it as words: no tag, address or header of its own."""

from __future__ import annotations

import email
import email.policy
import json
import re
from html.parser import HTMLParser
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from govpost import markup, render
from govpost.characters import forbidden, tidy
from govpost.domain import Capabilities
from govpost.errors import Rejected
from govpost.sentences import pieces
from govpost_email import bodies as mail_bodies
from govpost_email.lists import _entries
from govpost_email.message import write
from govpost_email.settings import Settings as MailSettings
from govpost_website import bodies, test_common
from govpost_website.records import clean
from govpost_wordpress.blocks import blocks
from hostile import FUZZ, PROSE, TEXT, run_apart

_OF_PAGES = """
    html head meta title link body a header div p nav ul ol li main footer article h1 h2 h3 h4 h5 h6 time span strong em
    code pre blockquote hr br table thead tbody tr th td section details summary figure img video track
"""
TAGS = frozenset(_OF_PAGES.split())
EVIL = (
    "<script>alert(1)</script>",
    "[x](javascript:alert(1)) [y](JaVa&#x09;script:alert(1)) [z](data:text/html,<script>alert(1)</script>)",
    '![x" onerror="alert(1)](https://evil.example/x.png "t\' onload=\'a")',
    "<https://a.example/\"onmouseover='a'> <img src=x onerror=alert(1)>",
    "[a]: javascript:alert(1)\n\n[a] [b](<vbscript:x>)",
    '```html" onclick="a\n</code></pre><script>alert(1)</script>\n```',
    "|a|b|\n|:-:|--|\n|<b onclick=x>|</td><script>|",
    "<!-- wp:html --><script>alert(1)</script><!-- /wp:html -->\n\n[gallery ids='1'] --> <!--nextpage-->",
    "{{ 7*7 }}{% include '/etc/passwd' %}${7*7}#{7*7}",
    "]]></content><entry>&amp;&#0;&#x1F;&lt;script&gt;",
    "https://evil.example/embed\n\n<iframe src='https://evil.example'>",
)
WORDS = st.one_of(PROSE, st.sampled_from(EVIL), st.tuples(PROSE, st.sampled_from(EVIL)).map("\n".join))


class Judge(HTMLParser):
    """Reads HTML as browsers do, nearly, and stops at whatever could act."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        for name, value in attrs:
            assert not name.startswith("on"), name
            assert name not in {"srcdoc", "formaction", "http-equiv"} or tag == "meta", name
            if name in {"href", "src"}:
                self.judge_address(name, re.sub(r"[\0-\x20]", "", value or "").lower())

    def judge_address(self, name: str, address: str) -> None:
        scheme = address.partition(":")[0]
        assert scheme not in {"javascript", "vbscript", "file", "blob"}, address
        assert scheme != "data" or re.match(r"data:image/(png|gif|jpeg|webp);", address), address
        assert name != "src" or re.match(
            r"(cid:|(\.\./)?media/|https://news\.example\.gov/media/)", address
        ), address

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def shown(html: str) -> str:
    return "".join(Judge(html).words)


@FUZZ
@given(WORDS)
def test_markdown_becomes_html_that_cannot_act(text):
    shown(str(bodies.html(text, "https://news.example.gov/posts/a.html")))
    shown(str(mail_bodies.html(text)))
    shown(markup.words_to_html(text))
    if "<img" not in markup.to_html(text):
        shown(markup.to_html(text))


@FUZZ
@given(TEXT, TEXT)
@example('"><script>alert(1)</script>', 'https://a.example/"onclick="a')
def test_an_authors_own_words_are_shown_as_they_are(text, link):
    assert shown(markup.words_to_html(text)).split() == text.replace("\r", "\n").split() or "\0" in text
    assert "<" not in shown(markup.link_to_html(link)).replace(link, "")


@settings(FUZZ, max_examples=40)
@given(title=st.one_of(TEXT, st.sampled_from(EVIL)), text=WORDS, alt=TEXT, notice=WORDS)
@example(title='</title><script>alert(1)</script>"', text="x", alt='" onerror="alert(1)', notice="<b>")
@example(title="\x1b[2J\u202e\ufffe\0", text="\0\x0b\ud800", alt="\ud800", notice="\uffff")
def test_a_site_of_any_post_is_pages_and_feeds_that_only_show(tmp_path_factory, title, text, alt, notice):
    folder = tmp_path_factory.mktemp("site")
    medium = test_common.picture(folder.parent / f"{folder.name}.png")
    variant = test_common.variant(
        1, title=title, text=text, link="https://a.example/?a='b'&c", media=(medium,)
    )
    receipt = test_common.publish(folder, variant)
    judge_site(folder, clean(title).strip())
    test_common.withdraw(folder, receipt, notice)
    judge_site(folder, clean(title).strip())


def judge_site(folder, title):
    pages = list(folder.rglob("*.html"))
    assert len(pages) == 4
    for path in pages:
        assert path.resolve().is_relative_to(folder.resolve())
        words = shown(path.read_text("utf-8"))
        assert (
            path.parent.name != "posts"
            or title.split() == []
            or " ".join(title.split()) in " ".join(words.split())
        )
    feed = ElementTree.fromstring((folder / "feed.atom").read_bytes())
    for content in feed.iter("{http://www.w3.org/2005/Atom}content"):
        shown(content.text or "")
    for item in json.loads((folder / "feed.json").read_text("utf-8"))["items"]:
        shown(item["content_html"])
        assert urlsplit(item["url"]).hostname == "news.example.gov"


@FUZZ
@given(WORDS)
def test_blocks_hold_no_block_that_the_words_made(text):
    made = blocks(text, "es")
    names = re.findall(r"<!--(.*?)-->", made, re.DOTALL)
    assert len(names) == made.count("<!--") == made.count("-->")
    assert {re.sub(r"^ /?wp:([a-z-]+) .*", r"\1", name, flags=re.DOTALL) for name in names} <= {
        *("paragraph", "heading", "list", "list-item", "quote", "code", "table", "separator"),
    }
    shown(re.sub(r"<!--.*?-->", "", made, flags=re.DOTALL))
    assert "[" not in re.sub(r"<!--.*?-->", "", made, flags=re.DOTALL)


MAIL = MailSettings.model_validate(
    {
        "host": "mail.example.gov",
        "sender": "news@example.gov",
        "sender_name": "City",
        "to": "list@example.gov",
    }
)


@FUZZ
@given(title=st.one_of(TEXT, st.sampled_from(EVIL)), text=WORDS, name=TEXT)
@example(title="Hello\r\nBcc: evil@example.com\r\n\r\n<script>", text="x", name='"\r\nBcc: evil@example.com')
@example(title="=?utf-8?q?=0D=0ABcc:_evil=40example.com?=", text=".\r\n.\r\nMAIL FROM:<a@b>", name="a\0b")
def test_a_bulletin_of_any_words_has_its_own_headers_only(title, text, name):
    variant = test_common.variant(1, title=clean(title), text=clean(text))
    (entry,) = _entries([("ana@example.com", name, "line 2")], "a list key for tests").values()
    try:
        letter = write(variant, MAIL, entry, None)
    except Rejected as error:
        assert error.tip
        return
    message = email.message_from_bytes(letter.data, policy=email.policy.SMTP)
    assert not {"bcc", "cc", "x-evil"} & {header.lower() for header in message}
    assert [len(message.get_all(header, [])) for header in ("From", "To", "Subject", "Message-ID")] == [
        1,
        1,
        1,
        1,
    ]
    html = next(part for part in message.walk() if part.get_content_type() == "text/html")
    shown(html.get_content())


COUNTS = st.sampled_from(["graphemes", "codepoints", "utf16", "bytes", "weighted"])


@FUZZ
@given(PROSE, COUNTS, st.integers(1, 300), st.sampled_from(["plain", "markdown"]), st.booleans())
@example("a\u0301" * 50, "graphemes", 10, "plain", True)
def test_a_thread_holds_every_word_once_and_in_order(text, unit, limit, kind, priced):
    able = Capabilities(
        max_chars=limit, count=unit, markup=kind, threads=True, link_chars=23 if priced else None
    )
    for offset, _ in reversed(list(forbidden(text))):
        text = text[:offset] + text[offset + 1 :]
    text = tidy(text)
    parts = render._parts(text, able, 0)
    assert "".join("".join(parts).split()) == "".join(text.split())
    ends = [piece.end for piece in pieces(text)]
    assert ends == sorted(set(ends))


@pytest.mark.parametrize("kind", ["plain", "markdown", "html"])
def test_texts_made_to_be_slow_are_rendered_in_time(kind):
    code = f"""
import sys
sys.path.insert(0, "tests")
from hostile import slow_texts
from govpost import render
from govpost.characters import forbidden, tidy
from govpost.domain import Capabilities
from govpost.errors import Rejected
able = Capabilities(max_chars=500, count="graphemes", markup={kind!r}, threads=True, link_chars=23)
for name, text in slow_texts(12_000).items():
    parts = render._parts(render.plain(text) if {kind!r} == "plain" else text, able, 0)
    assert parts
print("done")
"""
    assert run_apart(code, 60) == "done\n"
