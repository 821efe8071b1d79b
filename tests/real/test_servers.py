"""Each server answers, lets its accounts in and survives a restart; the proxies fail when they are told to."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from real.servers.mail import MailServer
from real.servers.mastodon import Mastodon
from real.servers.pds import Pds
from real.servers.process import Server
from real.servers.proxy import Proxy
from real.servers.smtp_proxy import SmtpProxy
from real.servers.wordpress import WordPress

TOP = Path(__file__).parents[2]
POST = "app.bsky.feed.post"
LETTER = "From: news@example.gov\r\nSubject: Road closed\r\n\r\nMain Street is closed.\r\n"


def record(text: str) -> dict[str, str]:
    return {"$type": POST, "text": text, "createdAt": "2026-01-01T00:00:00.000Z"}


def test_an_agency_and_a_citizen_post_on_the_pds(pds: Pds) -> None:
    for who in (pds.agency, pds.citizen):
        with who.client() as client:
            asked = {"repo": who.did, "collection": POST, "record": record(who.handle)}
            answer = client.post("com.atproto.repo.createRecord", json=asked)
        assert answer.status_code == 200
        assert int(answer.headers["ratelimit-remaining"]) < 3000
        assert who.handle in [each["value"]["text"] for each in who.records()]


def test_what_the_pds_took_is_there_after_a_power_cut(pds: Pds) -> None:
    who = pds.account()
    with who.client() as client:
        client.post(
            "com.atproto.repo.createRecord",
            json={"repo": who.did, "collection": POST, "record": record("kept")},
        ).raise_for_status()
    pds.kill()
    with pytest.raises(httpx2.ConnectError):
        who.records()
    pds.restart()
    assert [each["value"]["text"] for each in who.records()] == ["kept"]
    who.client().close()


def test_the_mastodon_server_knows_a_repeat_by_its_key_even_after_a_restart(mastodon: Mastodon) -> None:
    who = mastodon.account()
    headers = {"idempotency-key": "one"}
    with who.client() as client:
        first = client.post("/api/v1/statuses", json={"status": "hello"}, headers=headers).json()["id"]
    mastodon.restart()
    with who.client() as client:
        assert (
            client.post("/api/v1/statuses", json={"status": "hello"}, headers=headers).json()["id"] == first
        )
    assert len(who.statuses()) == 1


def test_a_citizen_answers_on_the_mastodon_server(mastodon: Mastodon) -> None:
    with mastodon.agency.client() as agency, mastodon.citizen.client() as citizen:
        post = agency.post("/api/v1/statuses", json={"status": "hello"}).json()["id"]
        reply = {"status": "@agency hi", "in_reply_to_id": post}
        assert citizen.post("/api/v1/statuses", json=reply).status_code == 200
        context = agency.get(f"/api/v1/statuses/{post}/context").json()
    assert [each["account"]["username"] for each in context["descendants"]] == ["citizen"]


def test_the_mastodon_server_fails_on_order(mastodon: Mastodon) -> None:
    who = mastodon.account()
    mastodon.fault({"type": "ratelimit"}, methods=["POST"], path="/api/v1/statuses")
    with who.client() as client:
        refused = client.post("/api/v1/statuses", json={"status": "hello"})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "300")
        assert client.post("/api/v1/statuses", json={"status": "hello"}).status_code == 200
    mastodon.mend()


def test_an_editor_publishes_and_a_contributor_may_not(wordpress: WordPress) -> None:
    post = {"title": "Road closed", "content": "Main Street is closed.", "status": "publish", "slug": "road"}
    for role, status in (("editor", 201), ("author", 201), ("contributor", 403)):
        with wordpress.account(role).client() as client:
            answer = client.post("wp/v2/posts", json=post)
        assert answer.status_code == status
    links = {each["link"] for each in wordpress.agency.posts() if each["title"]["raw"] == "Road closed"}
    assert links == {f"{wordpress.url}/road/", f"{wordpress.url}/road-2/"}
    for link in links:
        assert "Main Street is closed." in httpx2.get(link, timeout=60, trust_env=False).text


def test_a_citizens_first_comment_waits_for_the_editor(wordpress: WordPress) -> None:
    who = wordpress.account("subscriber")
    with wordpress.agency.client() as agency, who.client() as citizen:
        post = agency.post("wp/v2/posts", json={"title": "Ask us", "content": "Now.", "status": "publish"})
        comment = citizen.post("wp/v2/comments", json={"post": post.json()["id"], "content": "Why?"}).json()
        assert comment["status"] == "hold"
        approved = agency.post(f"wp/v2/comments/{comment['id']}", json={"status": "approved"})
    assert approved.json()["status"] == "approved"


def test_the_site_serves_the_pictures_it_took_and_keeps_them_over_a_restart(wordpress: WordPress) -> None:
    data = (TOP / "content" / "job-fair" / "job-fair.png").read_bytes()
    with wordpress.agency.client() as client:
        headers = {"content-type": "image/png", "content-disposition": 'attachment; filename="fair.png"'}
        url = client.post("wp/v2/media", content=data, headers=headers).json()["source_url"]
    wordpress.restart()
    assert httpx2.get(url, timeout=60, trust_env=False).content == data


def test_the_mail_server_answers_each_recipient_by_its_name(mail: MailServer) -> None:
    before, wanted = len(mail.mails()), ["ann@example.com", "unknown-1@example.com", "grey-1@example.com"]
    with mail.login() as client:
        refused = client.sendmail("news@example.gov", wanted, LETTER)
        assert {name: code for name, (code, _) in refused.items()} == {wanted[1]: 550, wanted[2]: 451}
        assert client.sendmail("news@example.gov", wanted[2], LETTER) == {}
        with pytest.raises(smtplib.SMTPDataError, match="554"):
            client.sendmail("news@example.gov", "spam-1@example.com", LETTER)
        with pytest.raises(smtplib.SMTPSenderRefused, match="552"):
            client.sendmail("news@example.gov", "ann@example.com", LETTER + "x" * mail.size)
    kept = mail.mails()[before:]
    assert [each.recipients for each in kept] == [("ann@example.com",), ("grey-1@example.com",)]
    assert kept[0].message["Subject"] == "Road closed"
    assert (kept[0].tls, kept[0].user) == (True, mail.user)
    assert [each["address"] for each in mail.refused()][-3:] == [*wanted[1:], "spam-1@example.com"]


def test_the_mail_server_takes_nothing_without_tls_and_password(mail: MailServer) -> None:
    with smtplib.SMTP(mail.host, mail.port, timeout=30) as client:
        assert client.docmd("MAIL FROM:<news@example.gov>")[0] == 530
        client.starttls(context=mail.context())
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(mail.user, "wrong")
    with smtplib.SMTP_SSL(mail.host, mail.tls_port, timeout=30, context=mail.context()) as client:
        client.login(mail.user, mail.password)
        client.sendmail("news@example.gov", "ann@example.com", LETTER)
    assert mail.mails()[-1].tls


def test_mail_is_kept_over_a_restart(mail: MailServer) -> None:
    with mail.login() as client:
        client.sendmail("news@example.gov", "ann@example.com", LETTER)
    before = mail.mails()
    mail.restart()
    with mail.login() as client:
        client.sendmail("news@example.gov", "ben@example.com", LETTER)
    assert mail.mails()[:-1] == before


def test_the_proxy_swallows_the_answer_of_the_second_post_that_the_server_took(
    mastodon: Mastodon, proxied: Callable[[Server], Proxy]
) -> None:
    who, proxy = mastodon.account(), proxied(mastodon)
    order = proxy.swallow("POST", "/api/v1/statuses$", nth=2)
    with who.client() as client:
        client.base_url = httpx2.URL(proxy.url)
        assert client.post("/api/v1/statuses", json={"status": "one"}).status_code == 200
        with pytest.raises(httpx2.ReadError):
            client.post("/api/v1/statuses", json={"status": "two"})
        assert client.post("/api/v1/statuses", json={"status": "three"}).status_code == 200
    assert order.done
    assert [each["content"] for each in who.statuses()[:3]] == ["<p>three</p>", "<p>two</p>", "<p>one</p>"]
    assert [each.outcome for each in proxy.seen] == [200, "swallow", 200]


def test_the_proxy_loses_delays_and_answers(mastodon: Mastodon, proxied: Callable[[Server], Proxy]) -> None:
    who, proxy = mastodon.account(), proxied(mastodon)
    before = who.statuses()
    proxy.lose("POST")
    proxy.answer(429, {"retry-after": "7"}, b"{}", method="POST")
    proxy.delay(0.2, "GET")
    with who.client() as client:
        client.base_url = httpx2.URL(proxy.url)
        with pytest.raises(httpx2.ReadError):
            client.post("/api/v1/statuses", json={"status": "lost"})
        refused = client.post("/api/v1/statuses", json={"status": "refused"})
        assert (refused.status_code, refused.headers["retry-after"], refused.json()) == (429, "7", {})
        began = time.monotonic()
        assert client.get("/api/v2/instance").json()["title"]
        assert time.monotonic() - began >= 0.2
    assert who.statuses() == before


def test_the_proxy_hands_pictures_through_byte_for_byte(pds: Pds, proxied: Callable[[Server], Proxy]) -> None:
    picture, proxy, who = bytes(range(256)) * 4000, proxied(pds), pds.account()
    with who.client() as client:
        for content in (picture, iter([picture[:1000], picture[1000:]])):
            answer = client.post(
                f"{proxy.url}/xrpc/com.atproto.repo.uploadBlob",
                content=content,
                headers={"content-type": "image/png"},
            )
            assert answer.json()["blob"]["size"] == len(picture)


def test_the_mail_proxy_drops_the_line_when_the_server_has_taken_the_message(
    mail: MailServer, mail_proxy: SmtpProxy
) -> None:
    before = len(mail.mails())
    order = mail_proxy.swallow("DOT")
    with pytest.raises(smtplib.SMTPServerDisconnected), mail.login(mail_proxy.port) as client:
        client.sendmail("news@example.gov", "ann@example.com", LETTER)
    assert order.done and len(mail.mails()) == before + 1
    with mail.login(mail_proxy.port) as client:
        client.sendmail("news@example.gov", "ann@example.com", LETTER)
    assert len(mail.mails()) == before + 2
    assert mail_proxy.count("DOT") == 2


def test_the_mail_proxy_answers_and_loses(mail: MailServer, mail_proxy: SmtpProxy) -> None:
    before = len(mail.mails())
    mail_proxy.answer(450, body=b"4.2.0 Mailbox busy", method="RCPT", path="ann@")
    mail_proxy.lose("DOT")
    with pytest.raises(smtplib.SMTPServerDisconnected), mail.login(mail_proxy.port) as client:
        refused = client.sendmail("news@example.gov", ["ann@example.com", "ben@example.com"], LETTER)
        assert refused["ann@example.com"][0] == 450
    assert len(mail.mails()) == before
