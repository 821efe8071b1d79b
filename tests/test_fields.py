"""Every key of front matter holds what it promises."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govpost.fields import Fields, is_slug, slug_of
from govpost.front_matter import read

ZONE = "America/Chicago"


def fields(header: str = "") -> Fields:
    return Fields(read(f"---\n{header}\n---\n", "f"), "f", ZONE)


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("riverton.example.gov/a", "must begin with https://"),
        ("ftp://riverton.example.gov/", "must begin with https://"),
        ("javascript:alert(1)", "must begin with https://"),
        ("https:///path", "must begin with https://"),
        ("https://ana:pw@riverton.example.gov/", "user name or password"),
        ("https://riverton.example.gov/a b", "a space"),
        ("https://riverton.example.gov\\@evil.example/", "a space or a character"),
        ("https://[::1/", "is not a web address"),
        ("https://riverton.example.gov:99999/", "is not a web address"),
        ("https://riverton.example.gov/" + "a" * 2000, "longer than 2,000"),
    ],
)
def test_a_link_is_an_address_that_anybody_can_open(link, words):
    reader = fields("link: x")
    assert reader.link(link, ("link",)) is None
    assert words in reader.mistakes[0].message
    assert (reader.mistakes[0].line, reader.mistakes[0].column) == (2, 1)


@pytest.mark.parametrize(
    "link",
    ["https://riverton.example.gov/a?b=c#d", "http://xn--bcher-kva.example", "https://bücher.example/ä"],
)
def test_good_links_are_taken(link):
    reader = fields()
    assert reader.link(link, ("link",)) == link
    assert reader.mistakes == []


@pytest.mark.parametrize(
    ("written", "wall", "utc"),
    [
        ("2026-11-27 08:00", "2026-11-27T08:00", datetime(2026, 11, 27, 14, tzinfo=UTC)),
        ("2026-11-27T08:00:00", "2026-11-27T08:00", datetime(2026, 11, 27, 14, tzinfo=UTC)),
        ("2026-11-27 08:00Z", "2026-11-27T02:00", datetime(2026, 11, 27, 8, tzinfo=UTC)),
        ("2026-11-27T08:00:00+01:00", "2026-11-27T01:00", datetime(2026, 11, 27, 7, tzinfo=UTC)),
        ("2026-11-01 01:30", "2026-11-01T01:30", datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_the_agencys_wall_clock_or_has_an_offset(written, wall, utc):
    moment = fields().moment(written, ("at",))
    assert moment is not None
    assert (moment.wall, moment.zone, moment.utc) == (wall, ZONE, utc)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("tomorrow", "is not a time"),
        ("2026-11-27", "is not a time"),
        ("2026-11-27 08:00:30", "is not a time"),
        ("2026-11-31 08:00", "no day or time of the calendar"),
        ("2026-11-27 25:00", "no day or time of the calendar"),
        ("0001-01-01 00:00", "no day or time of the calendar"),
        ("2026-11-27 08:00+99:00", "no day or time of the calendar"),
        ("2026-03-08 02:30", "does not exist in America/Chicago"),
    ],
)
def test_a_time_that_is_none_is_a_mistake(written, words):
    reader = fields("at: x")
    assert reader.moment(written, ("at",)) is None
    assert words in reader.mistakes[0].message
    assert reader.mistakes[0].line == 2


@given(st.text() | st.from_regex(r"\d{4}-\d\d-\d\d \d\d:\d\d([+-]\d\d:?\d\d)?", fullmatch=True))
def test_no_time_raises(written):
    reader = fields()
    assert (reader.moment(written, ("at",)) is None) or not reader.mistakes


@given(st.text())
def test_no_link_raises(written):
    reader = fields()
    assert (reader.link(written, ("link",)) is None) or not reader.mistakes


@given(st.text())
def test_a_suggested_name_is_one_that_a_post_may_have(name):
    assert is_slug(slug_of(name))


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Main Street!", "main-street"),
        ("Año Nuevo", "ano-nuevo"),
        ("a--b", "a-b"),
        ("水", "post"),
        ("x" * 99, "x" * 80),
    ],
)
def test_the_suggested_name_is_the_nearest(name, slug):
    assert slug_of(name) == slug


@pytest.mark.parametrize(
    ("value", "kind"), [(3.0, "a number"), (True, "yes or no"), ([], "a list"), ({}, "a table")]
)
def test_text_is_never_guessed_from_something_else(value, kind):
    reader = fields()
    assert reader.text(value, ("title",)) is None
    assert f"must be text, not {kind}" in reader.mistakes[0].message


@pytest.mark.parametrize("value", [[0, 2], [0], [0, 1, 0], ["a", 0], [True, 0], "x", [0, float("nan")]])
def test_a_focus_is_two_shares(value):
    reader = fields()
    assert reader.focus(value, ("media", "0", "focus")) is None
    assert len(reader.mistakes) == 1


def test_a_good_focus_is_taken():
    assert fields().focus([0, -0.5], ("focus",)) == (0.0, -0.5)
    assert fields().focus(None, ("focus",)) is None
