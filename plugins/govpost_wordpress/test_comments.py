"""Comments: counted, read in their order with their state, and answered once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from govpost import Metrics, RateLimited, Receipt, Reply, Uncertain
from govpost.wire import read_error
from govpost_wordpress import example
from govpost_wordpress.test_common import CHANNEL, PLATFORM, POST, Answer, call, instead, publish, refusal

ANSWER = replace(POST, text="Thank **you** & yours.")


def replies(server: Answer, since: str | None = None) -> list[Reply]:
    found: list[Reply] = call(
        lambda http: list(PLATFORM.replies(CHANNEL, since, http)), server, read_error, read_only=True
    )
    return found


def answer(server: Answer, reply: Reply) -> Receipt:
    receipt: Receipt = call(lambda http: PLATFORM.answer(reply, ANSWER, CHANNEL, http), server)
    return receipt


def commented(*words: str) -> tuple[example.Server, Receipt]:
    server = example.Server()
    receipt = publish(server)
    for each in words:
        server.reply(receipt.remote_id, each)
    return server, receipt


def test_a_comment_comes_with_its_words_author_state_and_place() -> None:
    server, receipt = commented("Where do I park?")
    (row,) = server.rows["comments"].values()
    row["content"]["rendered"] = "<p>Where &amp; when?<br />\nNow?</p>\n<p>A <b>citizen</b></p>\n"
    row |= {"author_name": "Ann &amp; Bo", "author_url": "https://ann.example/", "status": "spam"}
    (reply,) = replies(server)
    assert reply.text == "Where & when?\nNow?\n\nA citizen"
    assert (reply.author, reply.author_url, reply.state) == ("Ann & Bo", "https://ann.example/", "spam")
    assert (reply.to, reply.remote_id) == (receipt.remote_id, f"comments/{row['id']}")


def test_comments_come_oldest_first_and_go_on_after_the_cursor() -> None:
    server, _ = commented("one", "two", "three")
    found = replies(server)
    assert [reply.text for reply in found] == ["one", "two", "three"]
    for row in server.rows["comments"].values():
        row["date_gmt"] = "2026-11-21T10:00:00"
    found = replies(server)
    assert [reply.text for reply in replies(server, found[0].cursor)] == ["two", "three"]
    assert replies(server, found[-1].cursor) == []


def test_comments_of_one_second_are_told_apart_over_pages() -> None:
    server, _ = commented(*(str(number) for number in range(250)))
    for row in server.rows["comments"].values():
        row["date_gmt"] = "2026-11-21T10:00:00"
    (earliest, *_) = server.rows["comments"]
    found = replies(server, f"2026-11-21T10:00:00+00:00/{earliest:012d}")
    assert [reply.text for reply in found] == [str(number) for number in range(1, 250)]


def test_what_was_thrown_away_and_what_we_said_ourselves_is_no_reply() -> None:
    server, _ = commented("one", "two", "three")
    rows = list(server.rows["comments"].values())
    rows[0]["status"], rows[1]["author"] = "trash", CHANNEL.limits["user_id"]
    assert [reply.text for reply in replies(server)] == ["three"]


def test_a_comment_on_a_page_names_the_page() -> None:
    server, _ = commented("one")
    (row,) = server.rows["comments"].values()
    row["_links"] = {"up": [{"href": "x"}, {"post_type": "page"}]}
    row["author_name"] = ""
    (reply,) = replies(server)
    assert reply.to == f"pages/{row['post']}" and reply.author == "anonymous"


def test_only_comments_that_are_shown_are_counted() -> None:
    server, receipt = commented("one", "two")
    next(iter(server.rows["comments"].values()))["status"] = "approved"
    gone = Receipt(remote_id="pages/999")
    found = call(lambda http: PLATFORM.measure([receipt, gone], CHANNEL, http), server, read_error)
    assert found == {receipt.remote_id: Metrics(replies=1)}


def test_an_answer_stands_under_its_comment_once() -> None:
    server, receipt = commented("Where do I park?")
    (reply,) = replies(server)
    first, again = answer(server, reply), answer(server, reply)
    assert first == again and not first.pending
    (_, ours) = server.rows["comments"].values()
    assert (ours["parent"], ours["content"]["rendered"]) == (
        int(reply.remote_id.removeprefix("comments/")),
        "<p>Thank you &amp; yours.</p>\n",
    )
    assert reply.to == receipt.remote_id


def test_an_answer_that_waits_for_a_moderator_is_pending() -> None:
    server, _ = commented("Where do I park?")
    (reply,) = replies(server)
    answer(server, reply)
    (_, ours) = server.rows["comments"].values()
    ours["status"] = "hold"
    assert answer(server, reply).pending


def test_a_site_that_says_it_has_the_answer_is_not_asked_again() -> None:
    server, _ = commented("Where do I park?")
    (reply,) = replies(server)
    with pytest.raises(Uncertain, match="already"):
        answer(instead(server, "POST", "/comments", 409, refusal("comment_duplicate", 409)), reply)


def test_a_site_that_finds_us_too_quick_is_given_its_time() -> None:
    server, _ = commented("Where do I park?")
    (reply,) = replies(server)
    with pytest.raises(RateLimited) as caught:
        answer(instead(server, "POST", "/comments", 400, refusal("comment_flood", 400)), reply)
    assert caught.value.retry_after == timedelta(seconds=15)
