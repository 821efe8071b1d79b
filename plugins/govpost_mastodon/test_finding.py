"""Looking for a post whose answer was lost: it is found, nothing else is, and nothing is guessed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from govpost import Receipt, Unavailable
from govpost_mastodon.test_common import (
    EXAMPLE,
    Odd,
    Server,
    channel,
    confirm,
    picture,
    publish,
    stage,
    variant,
)

WORDS = "The bridge on Main Street is closed @ann@elsewhere.example https://riverton.example.gov/roads"


def shown_as(server, content, source=None):
    """Let the one post be shown as HTML, by a server that tells another source or none."""
    (post,) = server.posts.values()
    post["content"] = content
    told = 404 if source is None else (200, {"id": post["id"], "text": source})
    return Odd(server).at(f"/api/v1/statuses/{post['id']}/source", told)


def test_a_post_is_found_among_others():
    server = Server()
    for number in range(60):
        publish(variant(f"Notice {number}", key=f"n{number}"), server)
    ours, _ = publish(variant(WORDS, key="ours"), server)
    for number in range(60, 70):
        publish(variant(f"Notice {number}", key=f"n{number}"), server)
    found = confirm(variant(WORDS), server)
    assert found.remote_id == ours.remote_id
    assert found.url == ours.url


@pytest.mark.parametrize("other", [WORDS + ".", WORDS.upper(), WORDS.replace("Main", "Oak"), f"RT {WORDS}"])
def test_similar_words_are_not_ours(other):
    server = Server()
    publish(variant(other), server)
    assert confirm(variant(WORDS), server) is None


def test_a_known_post_is_asked_for_by_its_id():
    server = Server()
    ours, _ = publish(variant(WORDS), server)
    assert confirm(variant("other words"), server, ours).remote_id == ours.remote_id
    assert confirm(variant(WORDS), server, Receipt(remote_id="999")) is None


def test_where_the_source_is_not_told_the_shown_words_count():
    server = Server()
    ours, _ = publish(variant("One\n\nTwo & <three>"), server)
    odd = shown_as(server, "<p>One</p><p>Two &amp; &lt;three&gt;</p>")
    assert confirm(variant("One\n\nTwo & <three>"), odd).remote_id == ours.remote_id
    assert confirm(variant("The library opens at nine."), odd) is None
    with pytest.raises(Unavailable, match="its words are shown differently"):
        confirm(variant("One\n\nTwo"), odd)


@pytest.mark.parametrize(
    "shown",
    [
        # Takahē gives a mention back as the profile's address (activities/models/post.py).
        "Ask https://b.example/@ann/ about the bridge on Main Street, closed on Friday from six to six.",
        "",
        "Ask @ann@b.example about the bridge on Main Street, closed on Friday from six to six. -- sent by us",
    ],
)
def test_a_server_that_is_not_exact_never_makes_ours_absent(shown):
    words = "Ask @ann@b.example about the bridge on Main Street, closed on Friday from six to six."
    server = Server()
    publish(variant(words), server)
    odd = shown_as(server, f"<p>{words} -- sent by social.example</p>", source=shown)
    with pytest.raises(Unavailable, match="its words are shown differently"):
        confirm(variant(words), odd, on=channel({"software": "takahe"}))


def test_words_that_are_only_shown_alike_are_for_a_person():
    server = Server()
    publish(variant(WORDS), server)
    odd = shown_as(
        server, "<p>The bridge on Main Street is closed <a>@ann</a> <a>riverton.example.gov/…</a></p>"
    )
    with pytest.raises(Unavailable, match="may be it, but its words are shown differently"):
        confirm(variant(WORDS.replace("riverton.example.gov/roads", "riverton.example.gov/…")), odd)


def test_the_same_words_twice_are_for_a_person():
    server = Server()
    for key in ("a", "b"):
        publish(variant(WORDS, key=key), server)
    with pytest.raises(Unavailable, match="2 posts have these very words: https://") as told:
        confirm(variant(WORDS), server)
    assert "delivery resolve" in told.value.tip


def test_the_same_words_an_hour_too_early_are_for_a_person_and_a_day_too_early_are_another_post():
    server = Server()
    publish(variant(WORDS), server)
    (post,) = server.posts.values()
    now = datetime.now(UTC)
    post["created_at"] = (now - timedelta(hours=1)).isoformat()
    with pytest.raises(Unavailable, match="before this one was due"):
        confirm(variant(WORDS, at=now), server)
    post["created_at"] = (now - timedelta(days=1)).replace(tzinfo=None).isoformat()
    assert confirm(variant(WORDS, at=now), server) is None


def test_a_late_post_is_found_hours_after_it_was_due():
    server = Server()
    ours, _ = publish(variant(WORDS), server)
    due = datetime.now(UTC) - timedelta(hours=9)
    assert confirm(variant(WORDS, at=due), server).remote_id == ours.remote_id
    assert confirm(variant(WORDS, at=None), server).remote_id == ours.remote_id


def test_the_same_words_from_another_program_are_for_a_person():
    server = Server()
    publish(variant(WORDS), server)
    next(iter(server.posts.values()))["application"] = {"name": "A telephone"}
    with pytest.raises(Unavailable, match="was made with A telephone"):
        confirm(variant(WORDS), server)


def test_the_same_words_with_other_pictures_warning_or_place_are_for_a_person(tmp_path):
    server = Server()
    publish(variant(WORDS), server)
    with pytest.raises(Unavailable, match="has not the same pictures"):
        confirm(variant(WORDS, media=(picture(tmp_path),)), server)
    with pytest.raises(Unavailable, match="has another warning"):
        confirm(variant(WORDS, options={"warning": "Roads"}), server)
    with pytest.raises(Unavailable, match="does not answer the part before"):
        confirm(variant(WORDS, reply_to="5"), server)


def test_a_picture_without_words_is_found(tmp_path):
    server = Server()
    asked = stage(variant("", media=(picture(tmp_path),)), server)
    ours, _ = publish(asked, server)
    assert confirm(replace(asked, staged={}), server).remote_id == ours.remote_id


def test_a_boost_is_never_ours():
    server = Server()
    publish(variant(WORDS), server)
    next(iter(server.posts.values()))["reblog"] = {"id": "3"}
    assert confirm(variant(WORDS), server) is None


def test_an_account_that_was_never_verified_is_asked_for():
    server = Server()
    ours, _ = publish(variant(WORDS), server)
    assert confirm(variant(WORDS), server, on=channel()).remote_id == ours.remote_id


def test_a_server_that_does_not_page_is_not_taken_for_two_posts():
    server = Server()
    ours, _ = publish(variant(WORDS), server)
    page = (200, list(server.posts.values()))
    odd = Odd(server).at(f"/api/v1/accounts/{EXAMPLE.limits['account_id']}/statuses", page)
    assert confirm(variant(WORDS), odd).remote_id == ours.remote_id


def test_too_many_posts_since_are_for_a_person():
    server = Server()
    for number in range(130):
        publish(variant(f"Notice {number}", key=f"n{number}"), server)
    with pytest.raises(Unavailable, match="more than 120 posts since"):
        confirm(variant(WORDS), server)


def test_a_time_that_is_none_is_told():
    server = Server()
    publish(variant(WORDS), server)
    next(iter(server.posts.values()))["created_at"] = "yesterday"
    with pytest.raises(Unavailable, match="'yesterday', which is no time"):
        confirm(variant(WORDS), server)


def test_a_page_for_people_tells_nothing():
    with pytest.raises(Unavailable, match="is not JSON"):
        confirm(variant(WORDS), Odd().at("/api/v1/accounts/1/statuses", (200, "<html>Maintenance</html>")))
