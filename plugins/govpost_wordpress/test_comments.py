"""Comments: counted, read in their order with their state, and answered once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from govpost import Action, Metrics, RateLimited, Receipt, Rejected, Reply, Unavailable, Uncertain
from govpost.wire import read_error
from govpost_wordpress import example
from govpost_wordpress.test_common import (
    CHANNEL,
    PLATFORM,
    POST,
    Answer,
    call,
    instead,
    publish,
    refusal,
    stage,
)

ANSWER = replace(
    POST, key="01920000-0000-7000-8000-0123456789ac", text="Thank **you** & yours.", answers="r1"
)


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
    next(iter(server.rows["comments"].values()))["status"] = "hold"
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


# --- What becomes of our answers -------------------------------------------------------------------------------


def answered() -> tuple[example.Server, Receipt]:
    server, _ = commented("Where do I park?")
    return server, answer(server, replies(server)[0])


def confirmed(server: Answer, receipt: Receipt | None) -> Receipt | None:
    found: Receipt | None = call(
        lambda http: PLATFORM.confirm(ANSWER, receipt, CHANNEL, http), server, read_error, read_only=True
    )
    return found


def test_an_answer_puts_nothing_on_the_site_but_the_comment() -> None:
    server, _ = commented("Where do I park?")
    before = {name: dict(rows) for name, rows in server.rows.items()}
    variant = stage(server, ANSWER)
    assert variant.staged == {} and server.rows == before
    answer(server, replies(server)[0])
    assert len(server.rows["posts"]) == 1 and server.rows["media"] == {}


def test_an_answer_that_is_withdrawn_lies_in_the_trash_and_no_post_is_touched() -> None:
    server, receipt = answered()
    assert confirmed(server, receipt) == receipt
    posts = {number: dict(row) for number, row in server.rows["posts"].items()}
    for _ in range(2):
        call(lambda http: PLATFORM.withdraw(receipt, "", CHANNEL, http), server)
    (question, ours) = server.rows["comments"].values()
    assert (question["status"], ours["status"]) == ("approved", "trash")
    assert server.rows["posts"] == posts
    assert confirmed(server, receipt) is None
    assert confirmed(server, Receipt(remote_id="comments/999")) is None


def test_a_site_without_a_trash_holds_the_answer_back() -> None:
    server, receipt = answered()
    bare = instead(server, "DELETE", receipt.remote_id, 501, refusal("rest_trash_not_supported", 501))
    call(lambda http: PLATFORM.withdraw(receipt, "", CHANNEL, http), bare)
    (_, ours) = server.rows["comments"].values()
    assert ours["status"] == "hold"


def test_an_answer_that_somebody_took_down_is_not_given_again() -> None:
    server, receipt = answered()
    call(lambda http: PLATFORM.withdraw(receipt, "", CHANNEL, http), server)
    with pytest.raises(Rejected, match="took this answer down"):
        answer(server, replies(server)[0])


def test_a_lost_answer_is_settled_by_sending_it_again_and_not_by_looking_for_a_post() -> None:
    server, _ = answered()
    with pytest.raises(Unavailable, match="under its comment"):
        confirmed(server, None)


def test_an_answer_is_not_corrected_in_place() -> None:
    server, receipt = answered()
    correction = replace(ANSWER, action=Action.AMEND, answers=None, staged={"media": []})
    with pytest.raises(Rejected, match="not corrected") as caught:
        call(lambda http: PLATFORM.amend(receipt, correction, CHANNEL, http), server)
    assert "withdraw it" in caught.value.tip


@pytest.mark.parametrize("state", ["hold", "spam", "trash"])
def test_what_readers_do_not_see_is_not_answered(state: str) -> None:
    server, _ = commented("Where do I park?")
    (reply,) = replies(server)
    (row,) = server.rows["comments"].values()
    row["status"] = state
    with pytest.raises(Rejected, match="not shown") as caught:
        answer(server, reply)
    assert f"approve the comment first: {reply.url}" in caught.value.tip
    row["status"] = "approved"
    assert not answer(server, replace(reply, state="held")).pending


@pytest.mark.parametrize(("status", "words"), [(403, "not shown"), (404, "gone")])
def test_a_comment_that_cannot_be_seen_is_not_answered(status: int, words: str) -> None:
    server, _ = commented("Where do I park?")
    (reply,) = replies(server)
    hidden = instead(server, "GET", reply.remote_id, status, refusal("rest_cannot_read", status))
    with pytest.raises(Rejected, match=words):
        answer(hidden, reply)
    assert len(server.rows["comments"]) == 1
