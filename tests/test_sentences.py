"""A text is parted at the ends of sentences and paragraphs, never inside one."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govpost.counting import links
from govpost.sentences import pieces


def parted(text: str) -> list[str]:
    return [text[piece.start : piece.end] for piece in pieces(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Open from 9 a.m. to 5 p.m. on Friday.",
        "Dr. Ana Ruiz and Mrs. Lee met Gov. Will Smith.",
        "Detour by Oak St. and Main Ave. to Lincoln School.",
        "Lot No. 5 is at 12 St. Mary Road.",
        "The U.S. Army Corps comes on Nov. 27 to Washington, D.C. for a day.",
        "J. R. R. Tolkien wrote it, e.g. The Hobbit, i.e. Bilbo's tale.",
        "Acme Inc. and Bolt Co. Ltd. of EE.UU. are here.",
        "The trail is 3.5 miles; version 2.0.1 costs $4.50.",
        "Read https://a.gov/x.html?y=1.2 and www.b.gov/c.d today.",
        "Wait... what is this?",
        "Yahoo! announced it.",
        '"Where?" she asked.',
        "1. Call 311",
        "la Sra. López y el Dr. Ruiz, p. ej. El martes.",
    ],
)
def test_what_only_looks_like_an_end_is_none(text):
    assert parted(text) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Stay in. Go out.", ["Stay in.", "Go out."]),
        ("It closes at 5 p.m. The park stays open.", ["It closes at 5 p.m.", "The park stays open."]),
        ("Is it open? No. The road is shut!", ["Is it open?", "No.", "The road is shut!"]),
        ("Call 311. 2 wardens come.", ["Call 311.", "2 wardens come."]),
        ("He said “Go.” Then (so.) More.", ["He said “Go.”", "Then (so.)", "More."]),
        ("Wait... The end… Or not.", ["Wait...", "The end…", "Or not."]),
        ("Read more. https://a.gov", ["Read more.", "https://a.gov"]),
        ("¿Está abierto? ¡Sí! Venga.", ["¿Está abierto?", "¡Sí!", "Venga."]),
        ("次の文。「はい。」そう！？終わり", ["次の文。", "「はい。」", "そう！？", "終わり"]),
        ("مغلق اليوم؟ نعم. شكرا", ["مغلق اليوم؟", "نعم.", "شكرا"]),
        ("Title\n\nText goes on", ["Title", "Text goes on"]),
        (
            "Bring:\n- water\n- a radio\n1. first\n2) second",
            ["Bring:", "- water", "- a radio", "1. first", "2) second"],
        ),
        ("12 Oak Street\nRiverton", ["12 Oak Street\nRiverton"]),
        ("So it is:\n1. First thing. And more", ["So it is:", "1. First thing.", "And more"]),
    ],
)
def test_a_sentence_ends_where_a_reader_says_so(text, expected):
    assert parted(text) == expected


def test_the_last_sentence_of_a_paragraph_is_known():
    assert [piece.last for piece in pieces("One. Two.\n \nThree.")] == [False, True, True]


def test_a_link_among_words_without_spaces_is_not_cut():
    assert parted("詳しくはhttps://a.gov/b.cを。次") == ["詳しくはhttps://a.gov/b.cを。", "次"]


def test_no_cut_falls_before_a_character_that_joins_the_one_before():
    assert parted("文。\u0301次") == ["文。\u0301次"]
    assert parted("One. \u200dTwo.") == ["One. \u200dTwo."]


@pytest.mark.parametrize("text", ["", "  \n\n "])
def test_nothing_has_no_sentences(text):
    assert pieces(text) == []


LINKS = st.from_regex(r"https://[a-z]{1,6}\.gov/[a-z.?=&,;!]{0,12}[a-z]", fullmatch=True)
SOME = "The road is closed. Dr. No! ¿Qué? 次。 文！ 3.5 a.m. U.S. …"
WORDS = st.sampled_from([*SOME.split(), "\n\n", "\n- ", "\n", "👋🏽", "\u0301"])
TEXTS = st.lists(st.one_of(WORDS, LINKS, st.text(max_size=4)), max_size=40).flatmap(
    lambda parts: st.sampled_from([" ", "", "\n"]).map(lambda gap: gap.join(parts))
)


@given(TEXTS)
def test_between_sentences_lies_only_white_space(text):
    found = pieces(text)
    places = [0, *(place for piece in found for place in (piece.start, piece.end)), len(text)]
    assert places == sorted(places)
    gaps = zip(places[::2], places[1::2], strict=True)
    assert all(not text[start:end].strip() for start, end in gaps)
    assert all(text[piece.start : piece.end].strip() for piece in found)


@given(TEXTS)
def test_no_link_is_ever_cut(text):
    found = pieces(text)
    for start, end in links(text):
        assert any(piece.start <= start and end <= piece.end for piece in found)


@pytest.mark.parametrize(
    "text", [" " * 100_000 + "a", "。" * 100_000, "a. B" * 25_000, '."' * 50_000, "\n\n" * 50_000]
)
def test_a_long_text_is_read_in_no_time(text):
    began = time.process_time()
    pieces(text)
    assert time.process_time() - began < 2
