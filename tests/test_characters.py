"""Characters that must not go out are named with their code point and place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govpost.characters import forbidden, place_at, tidy


@pytest.mark.parametrize(
    ("character", "called"),
    [
        ("\0", "U+0000 (NUL)"),
        ("\x1b", "U+001B (control character)"),
        ("\x7f", "U+007F (control character)"),
        ("\x85", "U+0085 (control character)"),
        ("\u2028", "U+2028 (line separator)"),
        ("\u202e", "U+202E (right-to-left override)"),
        ("\u2066", "U+2066 (left-to-right isolate)"),
        ("\ud800", "U+D800 (half a character)"),
        ("\ufdd0", "U+FDD0 (not a character)"),
        ("\uffff", "U+FFFF (not a character)"),
        ("\U0010fffe", "U+10FFFE (not a character)"),
    ],
)
def test_a_forbidden_character_is_named(character, called):
    assert list(forbidden(f"ab{character}c")) == [(2, called)]


@pytest.mark.parametrize(
    "text", ["tab\tand\nline\r\n", "\u200e\u200f", "أهلا", "👩‍👩‍👧", "\u200b", "\ufeff", "é"]
)
def test_what_people_write_is_allowed(text):
    assert list(forbidden(text)) == []


def test_a_place_counts_lines_and_columns_from_one():
    assert [place_at("ab\n\nc", offset) for offset in (0, 1, 2, 3, 4)] == [
        (1, 1),
        (1, 2),
        (1, 3),
        (2, 1),
        (3, 1),
    ]


def test_tidy_text_is_nfc_with_one_kind_of_line_end():
    assert tidy("\r\n e\u0301\r\nb\rc \n") == "é\nb\nc"


@given(st.text())
def test_tidying_twice_changes_nothing(text):
    assert tidy(tidy(text)) == tidy(text)
