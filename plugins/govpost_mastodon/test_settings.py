"""What config.toml and a post may say of a Mastodon channel."""

import pytest
from pydantic import ValidationError

from govpost_mastodon.settings import Options, Poll, Settings


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://social.example.gov", "https://social.example.gov"),
        (" https://social.example.gov/ ", "https://social.example.gov"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://localhost:3000/", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_the_server_is_an_https_address_or_loopback(url, kept):
    assert Settings(url=url).url == kept


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("social.example.gov", "such as https://social.example.gov"),
        ("@riverton@social.example.gov", "such as https://"),
        ("http://social.example.gov", "must begin with https://"),
        ("http://127.0.0.1.example.gov", "must begin with https://"),
        ("https://me:pw@social.example.gov", "a name or a password"),
        ("https://social.example.gov/@riverton", "the server alone: https://social.example.gov"),
        ("https://social.example.gov/?x=1", "the server alone"),
    ],
)
def test_a_wrong_address_is_refused_with_what_to_write(url, why):
    with pytest.raises(ValidationError, match=why):
        Settings(url=url)


def test_posts_are_public_unless_the_agency_says_otherwise():
    assert Settings(url="https://a.example").visibility == "public"
    with pytest.raises(ValidationError, match="'public' or 'unlisted'"):
        Settings(url="https://a.example", visibility="private")


def test_a_poll_needs_two_answers_with_words_and_five_minutes():
    assert Poll(options=[" Yes ", "No"]).options == ("Yes", "No")
    for wrong in ({"options": ["Yes"]}, {"options": ["Yes", " "]}, {"options": ["a", "b"], "expires_in": 60}):
        with pytest.raises(ValidationError):
            Poll.model_validate(wrong)


def test_what_no_post_may_ask_is_refused():
    with pytest.raises(ValidationError, match="scheduled_at"):
        Options.model_validate({"scheduled_at": "2026-11-27T08:00:00Z"})
