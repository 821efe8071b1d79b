"""Drafts and variants go through JSON and come back exactly."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from govpost.domain import Action, Draft, Media, Priority, Variant
from govpost.draft_json import from_dict, to_dict, variant_from_dict, variant_to_dict
from govpost.times import Moment, moment_of_instant

STORE = Path("/store")
WORDS = st.text(max_size=8)
MAYBE = st.none() | WORDS
SHARE = st.floats(-1, 1)


@st.composite
def media(draw: st.DrawFn) -> Media:
    sha = draw(st.text("0123456789abcdef", min_size=64, max_size=64))
    return Media(
        path=STORE / sha,
        mime="image/png",
        alt=draw(WORDS),
        captions=draw(MAYBE),
        focus=draw(st.none() | st.tuples(SHARE, SHARE)),
        sha256=sha,
    )


def moments() -> st.SearchStrategy[Moment | None]:
    instants = st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC))
    zones = st.sampled_from(["America/Chicago", "UTC", "Asia/Kathmandu"])
    return st.none() | st.builds(moment_of_instant, instants, zones)


TUPLES = st.lists(WORDS, max_size=3).map(tuple)
DRAFTS = st.builds(
    Draft,
    slug=WORDS,
    path=st.just(Path("/content/a/post.md")),
    title=WORDS,
    body=WORDS,
    author=MAYBE,
    goal=MAYBE,
    audience=MAYBE,
    topic=MAYBE,
    channels=TUPLES,
    link=MAYBE,
    language=MAYBE,
    at=moments(),
    not_before=moments(),
    expires=moments(),
    priority=st.sampled_from(Priority),
    media=st.lists(media(), max_size=2).map(tuple),
    wording=st.dictionaries(WORDS, TUPLES, max_size=2),
    corrects=MAYBE,
    lines=st.dictionaries(WORDS, st.integers(1, 99), max_size=2),
)
VARIANTS = st.builds(
    Variant,
    key=WORDS,
    action=st.sampled_from(Action),
    text=WORDS,
    title=MAYBE,
    link=MAYBE,
    language=MAYBE,
    media=st.lists(media(), max_size=2).map(tuple),
    reply_to=MAYBE,
    staged=st.dictionaries(WORDS, WORDS, max_size=2),
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
    corrects=MAYBE,
)


@given(DRAFTS)
@settings(deadline=None, max_examples=60)
def test_a_draft_comes_back_exactly(draft):
    assert from_dict(json.loads(json.dumps(to_dict(draft))), STORE) == draft


@given(VARIANTS)
@settings(deadline=None, max_examples=60)
def test_a_variant_comes_back_exactly_with_what_its_delivery_knows(variant):
    value = json.loads(json.dumps(variant_to_dict(variant)))
    assert not {"key", "at", "reply_to", "staged"} & set(value)
    again = variant_from_dict(
        value, STORE, key=variant.key, at=variant.at, reply_to=variant.reply_to, staged=variant.staged
    )
    assert again == variant


def test_without_a_delivery_a_variant_has_no_key():
    variant = variant_from_dict(variant_to_dict(Variant(key="k", text="t", reply_to="r")), STORE)
    assert variant == Variant(key="", text="t")
