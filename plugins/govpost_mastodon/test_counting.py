"""How long a post is to Mastodon: graphemes, 23 for a link, a remote mention without its host, the warning with it.

The rule is that of the server's status_length_validator; its cases are written anew here.
"""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from govpost.counting import count
from govpost.render import counted, over_limit
from govpost_mastodon.test_common import EXAMPLE, MASTODON, channel, variant

ABLE = MASTODON.adapted(channel(EXAMPLE.limits))
DATA = Path(__file__).parents[2].parent / "shared" / "data" / "twitter-text" / "extract.yml"


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("Closed", 6),
        ("Straße – 迂回路", 12),
        ("👩🏽‍🚒", 1),
        ("👨‍👩‍👧‍👦🇸🇪", 2),
        ("e\u0301", 1),
        ("a\nb\n\nc", 6),
        ("https://a.gov", 23),
        ("https://riverton.example.gov/" + "x" * 400, 23),
        ("http://a.gov/ and https://b.gov/", 23 + 5 + 23),
        ("(https://a.gov/x)", 25),
        ("https://a.gov/x.", 24),
        ("https://a.gov/wiki/Bridge_(Main)", 23),
        ("www.a.gov", 9),
        ("a.gov", 5),
        ("xhttps://a.gov", 14),
        ("ftp://a.gov/x", 13),
        ("@ann", 4),
        ("@ann@elsewhere.example", 4),
        ("@ann.b@elsewhere.example:", 7),
        ("ask @ann@elsewhere.example or @bo@b.example", 4 + 4 + 4 + 3),
        ("ann@elsewhere.example", 21),
        ("#Riverton", 9),
    ],
)
def test_a_text_is_as_long_as_the_server_says(text, length):
    assert count(text, ABLE) == length


def test_every_link_of_the_reference_vectors_costs_23():
    if not DATA.exists():
        pytest.skip("../shared/data/twitter-text is not here")
    from ruamel.yaml import YAML

    plain = replace(ABLE, link_chars=None)
    cases = YAML(typ="safe", pure=True).load(DATA.read_text(encoding="utf-8"))["tests"]["urls"]
    wrong = []
    for case in cases:
        urls = [url for url in case["expected"] if re.match("https?://", url, re.IGNORECASE)]
        expected = count(case["text"], plain) + sum(23 - count(url, plain) for url in urls)
        if count(case["text"], ABLE) != expected:
            wrong.append(case["description"])
    assert len(cases) > 50
    assert wrong == []


def test_the_warning_counts_with_the_words_and_a_link_in_it_is_no_link():
    asked = variant("x" * 480, options={"warning": "Road works on Main St"})
    assert counted(asked, ABLE) == 501
    assert over_limit(asked, ABLE) == "the text has 501 characters, 1 over the limit of 500"
    linked = variant("See https://riverton.example.gov/roads", options={"warning": "https://a.gov/xy"})
    assert counted(linked, ABLE) == 4 + 23 + 16


def test_500_is_the_last_that_fits():
    assert over_limit(variant("ñ" * 500), ABLE) is None
    assert over_limit(variant("ñ" * 501), ABLE) is not None


def test_a_server_s_own_price_of_a_link_counts():
    assert count("https://a.gov", MASTODON.adapted(channel({"software": "mastodon", "link_chars": 30}))) == 30


@pytest.mark.parametrize(
    "software", ["gotosocial", "akkoma", "pixelfed", "takahe", "hollo", "snac", "quietnet"]
)
def test_other_servers_count_every_letter_whatever_price_they_state(software):
    able = MASTODON.adapted(channel({"software": software, "link_chars": 25}))
    assert count("https://a.gov", able) == 13
    assert count("@ann@elsewhere.example", able) == 22
    assert count("👩🏽‍🚒", able) == 4
