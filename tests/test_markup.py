"""Markdown reads the same as plain text, as HTML, and in pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govpost.markup import link_to_html, markdown_pieces, plain, to_html, words_to_html


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("Some *very* **bold** `code`", "Some very bold code"),
        ("[the map](https://a.gov/map)", "the map (https://a.gov/map)"),
        ("[https://a.gov/ñ](https://a.gov/ñ)", "https://a.gov/ñ"),
        ("<https://a.gov/ñ>", "https://a.gov/ñ"),
        ("<me@a.gov>", "me@a.gov"),
        ("[](https://a.gov)", "https://a.gov"),
        ("[x]()", "x"),
        ("[the *big* ![map](m.png)](https://a.gov)", "the big map (https://a.gov)"),
        ("![A *red* bridge](bridge.jpg)", "A red bridge"),
        ("# Title\n\nText", "Title\n\nText"),
        ("one\ntwo  \nthree\\\nfour", "one two\nthree\nfour"),
        ("- a\n- b\n\n  c", "- a\n- b\n  c"),
        ("3. a\n4. b\n   - c", "3. a\n4. b\n   - c"),
        ("1) a", "1) a"),
        ("> said\n>\n> she", "> said\n> \n> she"),
        ("```\nx  = *1*\n\ny\n```", "x  = *1*\n\ny"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a | b\n1 | 2"),
        ("one\n\n***\n\ntwo", "one\n\ntwo"),
        ("<b>raw</b> &amp; \\*", "<b>raw</b> & *"),
        ("<script>\nalert(1)\n</script>", "<script> alert(1) </script>"),
        ("[map][m]\n\n[m]: https://a.gov", "map (https://a.gov)"),
        ("[x](javascript:alert)", "[x](javascript:alert)"),
        ("https://a.gov/a_b_c*d*", "https://a.gov/a_b_cd"),
        ("", ""),
    ],
)
def test_markdown_becomes_plain_text(markdown, expected):
    assert plain(markdown) == expected


@given(st.text(alphabet=st.sampled_from("ab *_`[]()!<>#-1.\n|>\\&"), max_size=80))
def test_any_markdown_can_be_read(markdown):
    plain(markdown)
    to_html(markdown)


def test_html_shows_raw_html_as_its_characters():
    assert to_html("<b>x</b> *y*") == "<p>&lt;b&gt;x&lt;/b&gt; <em>y</em></p>"


def test_own_words_become_html_that_shows_these_words():
    assert words_to_html("a < b\nc\n\n*d*") == "<p>a &lt; b<br>\nc</p>\n<p>*d*</p>"


def test_a_link_becomes_html_that_shows_its_address():
    expected = '<p><a href="https://a.gov/?a&amp;b">https://a.gov/?a&amp;b</a></p>'
    assert link_to_html("https://a.gov/?a&b") == expected


def parted(text: str) -> list[str]:
    return [text[piece.start : piece.end] for piece in markdown_pieces(text)]


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("One. *Two. Three.* Four.", ["One.", "*Two. Three.*", "Four."]),
        ("One. `a. B` c. Two.", ["One.", "`a. B` c. Two."]),
        ("See [this. That](https://a.gov). Two.", ["See [this. That](https://a.gov).", "Two."]),
        ('See [x](https://a.gov "A. B"). Two.', ['See [x](https://a.gov "A. B").', "Two."]),
        ("# A. B\n\nOne.\nTwo.", ["# A. B", "One.", "Two."]),
        ("- a. B\n- c\n  - d. E\n", ["- a. B", "- c\n  - d. E"]),
        ("> A. B\n\n```\nc. D\n\nE\n```", ["> A. B", "```\nc. D\n\nE\n```"]),
        ("    code. X\n\nOne.", ["    code. X", "One."]),
        ("It was. # not a title", ["It was. # not a title"]),
        ("It was. **Bold.**", ["It was.", "**Bold.**"]),
        ("A. [b]. C.\n\n[b]: https://a.gov", ["A. [b]. C.\n\n[b]: https://a.gov"]),
        ("A. \ue000B. C.", ["A. \ue000B. C."]),
        ("文。*次。* 終", ["文。", "*次。*", "終"]),
        ("", []),
        ("[b]: https://a.gov", ["[b]: https://a.gov"]),
    ],
)
def test_markdown_is_parted_outside_of_every_construct(markdown, expected):
    assert parted(markdown) == expected


WORDS = "One. Two! *Three. Four.* **Five.** `six. Seven` [e. I](https://a.gov/x.y) Nine. - # > 1. 文。次"
BLOCKS = st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=12).map(" ".join)


@given(st.lists(BLOCKS, min_size=1, max_size=4).map("\n\n".join))
def test_parts_read_as_the_whole_does(markdown):
    words = [plain(part).split() for part in parted(markdown)]
    assert "".join("".join(part) for part in words) == "".join(plain(markdown).split())


@given(st.text(alphabet=st.sampled_from("ab. *_`[]()!<>#-1\n|>A"), max_size=60))
def test_between_pieces_lies_only_white_space(markdown):
    found = markdown_pieces(markdown)
    places = [0, *(place for piece in found for place in (piece.start, piece.end)), len(markdown)]
    assert places == sorted(places)
    gaps = zip(places[::2], places[1::2], strict=True)
    assert not any(markdown[start:end].strip() for start, end in gaps)
