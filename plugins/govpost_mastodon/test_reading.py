"""Counts of our posts, what people said to us, and what we answer."""

from datetime import UTC, datetime

import pytest

from govpost import Metrics, Receipt, Reply
from govpost_mastodon.test_common import (
    EXAMPLE,
    MASTODON,
    VERIFIED,
    Odd,
    Server,
    ask,
    channel,
    publish,
    variant,
)

NOTIFICATIONS = "/api/v1/notifications"


def measure(receipts, server, on=VERIFIED):
    return ask(lambda http: MASTODON.measure(receipts, on, http), server, on=on, read_only=True)


def replies(server, since=None, on=VERIFIED):
    return ask(lambda http: list(MASTODON.replies(on, since, http)), server, on=on, read_only=True)


def notification(number, **status):
    post = {
        "id": f"s{number}",
        "created_at": f"2026-11-21T10:{number:02}:00Z",
        "content": "<p>Hi</p>",
        **status,
    }
    return {"id": str(number), "type": "mention", "account": {"acct": "ann@a.example"}, "status": post}


def test_several_posts_are_counted_in_one_request():
    server = Server()
    receipts = [publish(variant(key=key), server)[0] for key in ("a", "b")]
    first = server.posts[receipts[0].remote_id]
    first |= {"favourites_count": 3, "reblogs_count": 2, "replies_count": 1, "quotes_count": 4}
    found, wire = measure([*receipts, Receipt(remote_id="999")], server)
    assert wire.paths == ["GET /api/v1/statuses"]
    assert found[receipts[0].remote_id] == Metrics(likes=3, shares=2, replies=1, quotes=4)
    assert set(found) == {receipt.remote_id for receipt in receipts}


@pytest.mark.parametrize("limits", [{}, {"software": "mastodon", "api": 1}, {"software": "akkoma", "api": 9}])
def test_where_a_server_cannot_give_several_each_is_asked_for(limits):
    server = Server()
    receipt, _ = publish(variant(), server)
    del server.posts[receipt.remote_id]["quotes_count"]
    found, wire = measure([receipt, Receipt(remote_id="999")], server, channel(limits))
    assert wire.paths == [f"GET /api/v1/statuses/{receipt.remote_id}", "GET /api/v1/statuses/999"]
    assert found == {receipt.remote_id: Metrics(likes=0, shares=0, replies=0)}


def test_nothing_to_count_asks_nothing():
    assert measure([], Server())[1].paths == []


def test_answers_mentions_and_quotes_are_told_apart_oldest_first():
    quote = {"quoted_status": {"id": "q1"}}
    page = [
        {**notification(4, quote=quote), "type": "quote"},
        {**notification(5), "type": "favourite"},
        notification(3),
        notification(2, in_reply_to_id="p9", in_reply_to_account_id="somebody"),
        notification(
            1, in_reply_to_id="p1", in_reply_to_account_id="1", language="en", url="https://a.example/1"
        ),
    ]
    found, wire = replies(Odd().at(NOTIFICATIONS, (200, page)))
    assert [(each.kind, each.to) for each in found] == [
        ("reply", "p1"),
        ("mention", None),
        ("mention", None),
        ("quote", "q1"),
    ]
    first = found[0]
    assert (first.text, first.author, first.language, first.cursor) == ("Hi", "@ann@a.example", "en", "1")
    assert first.at == datetime(2026, 11, 21, 10, 1, tzinfo=UTC)
    assert wire.requests[0].url.params.get_list("types[]") == ["mention", "quote"]


@pytest.mark.parametrize("quote", [{"quoted_status_id": "q2"}, None])
def test_a_quote_that_is_not_shown_whole_still_comes(quote):
    page = [{**notification(1, quote=quote), "type": "quote"}]
    found, _ = replies(Odd().at(NOTIFICATIONS, (200, page)))
    assert found[0].to == ("q2" if quote else None)


def test_a_notification_without_a_post_is_passed_over():
    page = [{"id": "1", "type": "mention", "account": None, "status": None}]
    assert replies(Odd().at(NOTIFICATIONS, (200, page)))[0] == []


def test_reading_goes_on_after_the_cursor_page_by_page():
    server = Server()
    ours, _ = publish(variant(), server)
    for number in range(90):
        server.reply(ours.remote_id, f"Question {number}")
    newest, _ = replies(server)
    assert [reply.text for reply in newest][-1] == "Question 89"
    assert len(newest) == 40
    server.notifications.reverse()
    cursor = server.notifications[0]["id"]
    server.notifications.reverse()
    rest, wire = replies(server, cursor)
    assert [reply.text for reply in rest] == [f"Question {number}" for number in range(1, 90)]
    assert len(wire.paths) == 3
    assert replies(server, rest[-1].cursor)[0] == []


def test_a_server_that_ignores_the_cursor_is_not_asked_for_ever():
    page = [notification(number) for number in range(1, 41)]
    found, wire = replies(Odd().at(NOTIFICATIONS, (200, page)), "0")
    assert len(found) == 40
    assert len(wire.paths) == 2


def test_the_public_s_time_without_a_zone_is_utc():
    page = [notification(1, created_at="2026-11-21T10:00:00")]
    assert replies(Odd().at(NOTIFICATIONS, (200, page)))[0][0].at == datetime(2026, 11, 21, 10, tzinfo=UTC)


def said(visibility="public"):
    now = datetime(2026, 11, 21, tzinfo=UTC)
    return Reply(
        remote_id="77", text="When?", author="@ann@a.example", at=now, raw={"visibility": visibility}
    )


def answer(reply, **settings):
    on, asked = channel(EXAMPLE.limits, **settings), variant("@ann@a.example At noon.")
    return ask(lambda http: MASTODON.answer(reply, asked, on, http), Server(), on=on)[1]


def test_an_answer_says_the_approved_words_and_what_it_answers():
    wire = answer(said())
    assert (wire.body()["status"], wire.body()["in_reply_to_id"]) == ("@ann@a.example At noon.", "77")
    assert wire.writes[0].headers["idempotency-key"] == "k1"


@pytest.mark.parametrize(
    ("asked", "ours"),
    [("direct", "direct"), ("private", "private"), ("public", "unlisted"), ("unlisted", "unlisted")],
)
def test_what_was_said_in_private_is_not_answered_in_public(asked, ours):
    assert answer(said(asked), visibility="unlisted").body()["visibility"] == ours
