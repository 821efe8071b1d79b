"""What plugins bring from outside is made fit to keep."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govpost import characters
from govpost.collector import judging
from govpost.domain import Metrics, Reply
from govpost.evidence import TEXT_LIMIT, Redactor, storable

NOW = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)
CLEAN = Redactor({"token": "very-secret"})


def reply(**values: Any) -> Any:
    fields = {"remote_id": "r1", "text": "Thanks!", "author": "@sam@example.social", "at": NOW}
    return judging.reply(Reply(**(fields | values)), "hub", NOW, CLEAN)


@pytest.mark.parametrize("value", ["7", 7.0, -1, True, 2**63, None, [], float("nan")])
def test_what_is_no_count_is_unknown(value: Any) -> None:
    assert judging.metrics(Metrics(views=value, likes=0)) == Metrics(views=None, likes=0)


@pytest.mark.parametrize("found", [None, {"views": 3}, 3, "Metrics"])
def test_what_are_no_metrics_are_none(found: Any) -> None:
    assert judging.metrics(found) is None


@pytest.mark.parametrize("found", [None, "Thanks!", {"text": "Thanks!"}])
def test_what_is_no_reply_is_none(found: Any) -> None:
    assert judging.reply(found, "hub", NOW, CLEAN) is None


@pytest.mark.parametrize("name", ["", "  ", None, 7, "x" * 1001, "half \ud800"])
def test_a_reply_without_an_id_to_know_it_by_is_none(name: Any) -> None:
    assert reply(remote_id=name) is None


def test_a_reply_is_kept_with_what_it_says() -> None:
    kept = reply(
        kind="quote",
        state="held",
        author_url="https://example.social/@sam",
        url="https://example.social/@sam/1",
        to="hub-1",
        language="en-US",
        raw={"id": "1", "by": {"token": "very-secret"}},
    )
    assert (kept.channel, kept.remote_id, kept.kind, kept.state) == ("hub", "r1", "quote", "held")
    assert (kept.author, kept.text, kept.to, kept.language) == (
        "@sam@example.social",
        "Thanks!",
        "hub-1",
        "en-US",
    )
    assert (kept.author_url, kept.url) == ("https://example.social/@sam", "https://example.social/@sam/1")
    assert (kept.at, kept.seen_at, kept.delivery_id) == (NOW, NOW, None)
    assert kept.raw == {"id": "1", "by": {"token": "[secret]"}}


@given(st.text(st.characters(codec=None), max_size=400))
def test_no_word_of_a_reply_steers_a_terminal(text: str) -> None:
    kept = reply(text=text, author=text)
    for shown in (kept.text, kept.author):
        assert not list(characters.forbidden(shown))
        assert storable(shown)
        json.dumps(shown).encode()
    assert "\n" not in kept.author


def test_lengths_are_bounded() -> None:
    kept = reply(text="a" * 50_000, author="b" * 5_000, url="https://example.social/" + "c" * 5_000)
    assert len(kept.text) == judging.LONGEST_TEXT + 1
    assert kept.text.endswith("…")
    assert len(kept.author) == judging.LONGEST_NAME
    assert kept.url is None


@pytest.mark.parametrize("text", [None, 7, b"bytes", ["a"]])
def test_words_that_are_none_are_empty(text: Any) -> None:
    kept = reply(text=text, author=text)
    assert (kept.text, kept.author) == ("", "?")


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "https://a b", "", 7, "http://x/\x1b[2J", "x\ud800"]
)
def test_only_web_addresses_are_kept(url: Any) -> None:
    kept = reply(url=url, author_url=url)
    assert (kept.url, kept.author_url) == (None, None)


@pytest.mark.parametrize("value", ["loud", None, 7, ["reply"]])
def test_an_unknown_kind_or_state_is_the_plain_one(value: Any) -> None:
    kept = reply(kind=value, state=value)
    assert (kept.kind, kept.state) == ("reply", "shown")


@pytest.mark.parametrize("value", ["x" * 20, "english!", 7, ""])
def test_what_is_no_language_is_unknown(value: Any) -> None:
    assert reply(language=value).language is None


@pytest.mark.parametrize(
    ("at", "kept"),
    [
        (NOW - timedelta(hours=1), NOW - timedelta(hours=1)),
        ((NOW - timedelta(hours=1)).astimezone(timezone(timedelta(hours=9))), NOW - timedelta(hours=1)),
        (datetime(2026, 11, 25, 17), datetime(2026, 11, 25, 17, tzinfo=UTC)),
        (NOW + timedelta(days=900), NOW),
        ("yesterday", NOW),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=9))), NOW),
    ],
)
def test_a_reply_is_never_from_the_future_and_always_has_a_time(at: Any, kept: datetime) -> None:
    assert reply(at=at).at == kept


def test_raw_words_are_bounded_and_always_json() -> None:
    assert reply(raw={"text": "a" * TEXT_LIMIT}).raw.keys() == {"bytes", "sha256"}
    assert reply(raw=["no", "mapping"]).raw == {}
    json.dumps(reply(raw={7: float("nan"), "at": NOW, "set": {1}}).raw, allow_nan=False)
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"in": deep}
    assert reply(raw=deep).raw == {}
