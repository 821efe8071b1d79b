"""The servers that take more to install: an AppView counts and finds replies, Postfix delivers and bounces."""

from __future__ import annotations

import email
import email.policy
import smtplib
import time
from email.message import EmailMessage
from typing import Any

import pytest

from real.servers.appview import AppView
from real.servers.pds import BlueskyAccount
from real.servers.postfix import Postfix

pytestmark = pytest.mark.heavy

LETTER = "From: news@example.com\r\nTo: ann@example.com\r\nSubject: {}\r\n\r\nMain Street is closed.\r\n"


def put(who: BlueskyAccount, collection: str, **record: Any) -> dict[str, str]:
    """Create a record and return its reference."""
    whole = {"$type": collection, "createdAt": "2026-01-01T00:00:00.000Z", **record}
    with who.client() as client:
        answer = client.post(
            "com.atproto.repo.createRecord",
            json={"repo": who.did, "collection": collection, "record": whole},
        )
    made = answer.raise_for_status().json()
    return {"uri": made["uri"], "cid": made["cid"]}


def test_the_appview_counts_likes_and_reposts_and_finds_the_reply(appview: AppView) -> None:
    agency, citizen = appview.account(), appview.account()
    post = put(agency, "app.bsky.feed.post", text="Main Street is closed.")
    put(citizen, "app.bsky.feed.like", subject=post)
    put(citizen, "app.bsky.feed.repost", subject=post)
    put(citizen, "app.bsky.feed.post", text="Until when?", reply={"root": post, "parent": post})
    appview.flush()
    with agency.client() as client:
        posts = (
            client.get("app.bsky.feed.getPosts", params={"uris": post["uri"]})
            .raise_for_status()
            .json()["posts"]
        )
        thread = (
            client.get("app.bsky.feed.getPostThread", params={"uri": post["uri"]}).raise_for_status().json()
        )
    assert [(each["likeCount"], each["repostCount"], each["replyCount"]) for each in posts] == [(1, 1, 1)]
    assert [each["post"]["record"]["text"] for each in thread["thread"]["replies"]] == ["Until when?"]


def delivered(postfix: Postfix, subject: str) -> EmailMessage:
    """Wait for a message to arrive in the Maildir."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for raw in postfix.raw_mails():
            message = email.message_from_bytes(raw, policy=email.policy.default)
            if subject in str(message["Subject"]):
                return message
        time.sleep(0.1)
    raise AssertionError(f"{subject!r} was not delivered:\n{postfix.log.read_text()[-2000:]}")


def test_postfix_delivers_what_it_took_even_after_a_restart(postfix: Postfix) -> None:
    with postfix.login() as client:
        client.sendmail("news@example.com", "ann@example.com", LETTER.format("Road closed"))
    assert delivered(postfix, "Road closed")["X-Original-To"] == "ann@example.com"
    postfix.restart()
    with postfix.login() as client:
        client.sendmail("news@example.com", "ann@example.com", LETTER.format("Road open"))
    assert delivered(postfix, "Road open")["X-Original-To"] == "ann@example.com"


def test_postfix_refuses_the_unknown_and_bounces_what_it_cannot_deliver(postfix: Postfix) -> None:
    with postfix.login() as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            client.sendmail("news@example.com", "unknown-1@example.com", LETTER.format("x"))
        assert refused.value.recipients["unknown-1@example.com"][0] == 550
        client.sendmail("news@example.com", "eve@elsewhere.example", LETTER.format("Far away"))
    bounce = delivered(postfix, "Undelivered Mail Returned to Sender")
    assert bounce.get_content_type() == "multipart/report"
    status = next(part for part in bounce.walk() if part.get_content_type() == "message/delivery-status")
    assert "Status: 5.1.1" in status.as_string()


def test_postfix_takes_nothing_without_tls_and_password(postfix: Postfix) -> None:
    with smtplib.SMTP(postfix.host, postfix.port, timeout=30) as client:
        client.ehlo()
        assert client.docmd("MAIL FROM:<news@example.com>")[0] == 530
        client.starttls(context=postfix.context())
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(postfix.user, "wrong")
