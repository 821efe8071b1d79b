"""A text is as long as the platform says: characters as people see them, weights as X counts, the price of a link."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govpost.counting import count, links
from govpost.domain import Capabilities

GRAPHEMES = Capabilities(count="graphemes")
DATA = Path(__file__).parents[2] / "shared" / "data"

# The installed Unicode data joins a letter to a sign that cannot stand there; no language writes these.
KNOWN = {"0061 × 094D ÷ 0924", "003F × 094D ÷ 0924", "094D ÷ 0915", "094D × 0308 ÷ 0915"}


def _data(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the reference data {name} is not beside the repository")
    return path


def _conformance(name: str, section: str) -> list[dict]:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).load(_data(f"twitter-text/{name}.yml").read_text("utf-8"))["tests"][
        section
    ]


def _break_tests() -> list[str]:
    lines = _data("unicode/GraphemeBreakTest.txt").read_text("utf-8").splitlines()
    cases = (line.split("#")[0].strip(" \t÷") for line in lines)
    return [case for case in cases if case]


def _text(codes: str) -> str:
    return "".join(chr(int(code, 16)) for code in re.findall(r"[0-9A-F]{4,6}", codes))


def _agrees(case: str) -> bool:
    parts = [_text(cluster) for cluster in case.split("÷")]
    return [count(part, GRAPHEMES) for part in ["".join(parts), *parts]] == [len(parts), *(1 for _ in parts)]


def test_a_character_is_what_unicode_says_a_reader_sees():
    cases = _break_tests()
    assert len(cases) == 766
    assert {case for case in cases if not _agrees(case)} == KNOWN


@pytest.mark.parametrize(
    ("section", "number"),
    [("WeightedTweetsWithDiscountedEmojiCounterTest", 22), ("UnicodeDirectionalMarkerCounterTest", 2)],
)
def test_weights_are_those_of_x(section, number):
    cases = _conformance("validate", section)
    assert len(cases) == number
    assert [case["description"] for case in cases if not _weighs(case)] == []


def _weighs(case: dict) -> bool:
    return count(case["text"], Capabilities(count="weighted")) == case["expected"]["weightedLength"]


def test_every_link_that_x_finds_is_found():
    cases = _conformance("extract", "urls")
    for case in cases:
        expected = [link for link in case["expected"] if re.match("https?://", link, re.IGNORECASE)]
        assert [case["text"][start:end] for start, end in links(case["text"])] == expected, case[
            "description"
        ]


@pytest.mark.parametrize(
    ("counting", "length"),
    [("graphemes", 3), ("codepoints", 8), ("utf16", 13), ("bytes", 28), ("weighted", 5)],
)
def test_each_platform_counts_in_its_own_unit(counting, length):
    assert count("\u00e9👩‍👩‍👧👋🏽", Capabilities(count=counting)) == length


def test_line_ends_of_two_characters_are_one_grapheme():
    assert count("a\r\nb", Capabilities(count="graphemes")) == 3


def test_a_link_costs_its_price_whatever_its_length():
    capabilities = Capabilities(link_chars=23)
    assert count("See https://a.gov", capabilities) == 27
    assert count(f"See https://a.gov/{'x' * 500}.", capabilities) == 28
    assert count("See www.a.gov", capabilities) == 13


def test_a_link_costs_its_length_where_no_price_is_set():
    assert count("https://a.gov/x", Capabilities()) == 15


def test_weighted_counts_keep_their_own_price_of_a_link():
    assert count("https://a.gov/x", Capabilities(count="weighted", link_chars=5)) == 23


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_graphemes_are_never_more_than_code_points_and_these_never_more_than_bytes(text):
    lengths = [
        count(text, Capabilities(count=unit)) for unit in ("graphemes", "codepoints", "utf16", "bytes")
    ]
    assert lengths == sorted(lengths)


@given(
    st.text(st.characters(max_codepoint=127), max_size=40),
    st.sampled_from(["", "a.gov", "http://a.gov/x", "#1"]),
)
def test_ascii_weighs_what_the_parser_of_x_says(text, more):
    from twitter_text import parse_tweet

    assert count(text + more, Capabilities(count="weighted")) == parse_tweet(text + more).weightedLength
