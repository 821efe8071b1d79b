"""A secret is hidden in whatever shape it comes back, in time that grows with the text alone."""

from __future__ import annotations

import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaries import canary, shapes
from govpost.disguises import disguised
from govpost.evidence import HIDDEN, Redactor

SECRET = canary("x")
CLEAN = Redactor({"token": SECRET})


@pytest.mark.parametrize("shape", sorted(set(shapes(SECRET))))
def test_a_secret_is_hidden_in_every_shape(shape: str) -> None:
    assert CLEAN(f"you said '{shape}' to us").count(HIDDEN) == 1
    folded = f"{shape[:5]},\r\n {shape[5:]}"
    assert CLEAN(f"you said '{folded}' to us").count(HIDDEN) == 1


@given(st.text(min_size=6, max_size=40), st.binary(max_size=5), st.binary(max_size=5))
def test_whatever_a_secret_is_made_of_it_is_hidden(secret: str, before: bytes, after: bytes) -> None:
    if not secret.strip(" ,\t\r\n") or secret != secret.encode("utf-8", "replace").decode():
        return
    clean = Redactor({"token": secret})
    for shape in (secret, json.dumps(secret)[1:-1], json.dumps(json.dumps(secret))[2:-2], *shapes(secret)):
        assert HIDDEN in clean(shape), shape
    coded = base64.b64encode(before + secret.encode() + after).decode()
    assert HIDDEN in clean(coded)


def test_half_a_character_in_a_secret_is_hidden_too() -> None:
    assert Redactor({"token": "half-\ud83d-a-sign"})("you said half-\ud83d-a-sign") == f"you said {HIDDEN}"


def test_what_stands_by_chance_in_two_words_is_no_short_secret() -> None:
    clean = Redactor({"pin": "theme", "token": "library-news"})
    assert clean("the menu") == "the menu"
    assert clean("library-\n news, again") == f"{HIDDEN}, again"
    assert clean("a theme") == f"a {HIDDEN}"


def test_what_is_no_secret_stays_as_it_is() -> None:
    text = "Die Bibliothek öffnet am Sonntag um 9:00 & schließt um 12:00; a text without tokens, 50% \\ more"
    assert CLEAN(text) == text
    assert Redactor({"token": "abc"})("abc abc") == "abc abc"


def test_a_header_that_comes_in_pieces_is_hidden_whole() -> None:
    shown = CLEAN.headers([("X-Echo", SECRET[:20]), ("Date", "today"), ("x-echo", SECRET[20:])])
    assert shown == {"x-echo": HIDDEN, "date": "today"}


def test_an_id_that_is_a_secret_is_known_and_a_name_is_not() -> None:
    clean = Redactor({"token": SECRET, "pin": "4711", "user": "riverton-news-desk"})
    assert clean.gives_away(f"id-{SECRET}")
    assert clean.gives_away("4711")
    assert not clean.gives_away("id-4711")
    assert not clean.gives_away("riverton-news-desk")
    long = Redactor({"token": "4815162342108" * 2})
    assert long.tree({"id": int("4815162342108" * 2), "n": 4815}) == {"id": HIDDEN, "n": 4815}


@pytest.mark.parametrize("secret", ["\\\\\\", "&%<>\"' \t\n", "a b, c", "ü𝄞", "kkkkkkkkkkkkkkkkkkk"])
def test_every_repeat_in_a_pattern_has_an_end(secret: str) -> None:
    """Without one, a text of one sign would be read again from each of its places."""
    assert re.search(r"(?<![\\\[])[*+]", disguised(secret).shape.pattern) is None
    assert not re.search(r"\{\d+,\}", disguised(secret).shape.pattern)
