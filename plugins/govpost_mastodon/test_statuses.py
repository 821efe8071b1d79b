"""Posts made, changed and taken down: what is sent, what is refused before that, and what an answer means."""

import json
from dataclasses import replace

import pytest

from govpost import Action, Receipt, Rejected, Unauthorized, Uncertain
from govpost.wire import Attempt, publish_error
from govpost_mastodon.test_common import (
    EXAMPLE,
    MASTODON,
    VERIFIED,
    Odd,
    Server,
    ask,
    channel,
    picture,
    publish,
    stage,
    variant,
)

POLL = {"options": ["Yes", "No"], "expires_in": 3600}


def test_a_post_is_one_request_with_a_json_body_and_the_key():
    receipt, wire = publish(variant("Open – “today”", language="es-MX"))
    assert wire.paths == ["POST /api/v1/statuses"]
    request = wire.writes[0]
    assert request.headers["content-type"] == "application/json"
    assert request.headers["idempotency-key"] == "k1"
    assert request.headers["connection"] == "close"
    assert wire.body() == {
        "status": "Open – “today”",
        "spoiler_text": "",
        "sensitive": False,
        "media_ids": [],
        "visibility": "public",
        "language": "es-MX",
    }
    assert receipt.url == f"https://social.example/@1/{receipt.remote_id}"
    assert receipt.raw["created_at"]


def test_what_the_channel_says_holds_until_a_post_says_otherwise():
    on = channel(EXAMPLE.limits, visibility="unlisted", quote_policy="followers")
    _, wire = publish(variant(), on=on)
    assert (wire.body()["visibility"], wire.body()["quote_approval_policy"]) == ("unlisted", "followers")
    _, wire = publish(variant(options={"visibility": "public", "quote_policy": "nobody"}), on=on)
    assert (wire.body()["visibility"], wire.body()["quote_approval_policy"]) == ("public", "nobody")


def test_nothing_is_ever_left_to_the_server_to_time():
    _, wire = publish(variant(options={"poll": POLL}))
    assert not [name for name in wire.body() if "schedul" in name]


def test_a_warning_and_a_poll_go_out_with_the_post():
    _, wire = publish(variant(options={"warning": "Road works", "sensitive": True, "poll": POLL}))
    assert (wire.body()["spoiler_text"], wire.body()["sensitive"]) == ("Road works", True)
    assert wire.body()["poll"] == {**POLL, "multiple": False, "hide_totals": False}


def test_in_a_thread_the_question_is_asked_once():
    server = Server()
    first, _ = publish(variant(options={"poll": POLL}), server)
    _, wire = publish(variant(key="k2", options={"poll": POLL}, reply_to=first.remote_id), server)
    assert wire.body()["in_reply_to_id"] == first.remote_id
    assert "poll" not in wire.body()


@pytest.mark.parametrize("software", ["akkoma", "pleroma"])
def test_where_the_key_would_bring_back_an_old_refusal_it_is_not_sent(software):
    _, wire = publish(variant(), on=channel({"software": software}))
    assert "idempotency-key" not in wire.writes[0].headers


def test_a_key_that_the_server_has_seen_is_uncertain():
    server = Odd().at("/api/v1/statuses", (400, {"error": "Duplicate idempotency key."}))
    with pytest.raises(Uncertain, match="has seen this very post before"):
        publish(variant(), server)


def test_a_token_refused_by_400_is_unauthorized():
    server = Odd().at("/api/v1/statuses", (400, "Invalid Bearer token"))
    with pytest.raises(Unauthorized, match="does not accept the access token"):
        publish(variant(), server)


@pytest.mark.parametrize("answer", [(200, "<html>Welcome</html>"), (200, {}), (200, [])])
def test_a_yes_that_shows_no_post_is_uncertain(answer):
    with pytest.raises(Uncertain):
        publish(variant(), Odd().at("/api/v1/statuses", answer))


@pytest.mark.parametrize("status", [403, 404, 422])
def test_a_refusal_is_judged_by_its_status_whatever_page_comes_with_it(status):
    page = (status, "<html><h1>Något gick fel</h1></html>")
    server = Odd().at("/api/v1/statuses", page)
    with Attempt(VERIFIED, deadline=float("inf"), transport=_wire(server)) as attempt:
        try:
            MASTODON.publish(variant(), VERIFIED, attempt.client)
        except Exception as error:
            assert isinstance(publish_error(error, attempt), Rejected)
        else:
            raise AssertionError("a refused post gave a receipt")


def _wire(server):
    import httpx2

    return httpx2.MockTransport(server)


def test_pictures_must_have_gone_up_before_the_words(tmp_path):
    with pytest.raises(Rejected, match="1 files belong to the post, but 0 were uploaded"):
        publish(variant(media=(picture(tmp_path),)))


def test_a_correction_sends_the_whole_post_with_its_descriptions(tmp_path):
    server = Server()
    first, _ = publish(stage(variant("Friday", media=(picture(tmp_path),)), server), server)
    medium = picture(tmp_path, alt="A bridge with a sign", focus=(0.5, -0.25))
    again = variant(
        "Saturday", action=Action.AMEND, media=(medium,), options={"warning": "Roads"}, language="en"
    )
    again = stage(again, server)
    changed, wire = ask(lambda http: MASTODON.amend(first, again, VERIFIED, http), server)
    assert wire.paths == [f"PUT /api/v1/statuses/{first.remote_id}"]
    name = again.staged["media"][0]["id"]
    assert wire.body() == {
        "status": "Saturday",
        "spoiler_text": "Roads",
        "sensitive": False,
        "media_ids": [name],
        "media_attributes": [{"id": name, "description": "A bridge with a sign", "focus": "0.5,-0.25"}],
        "language": "en",
    }
    assert changed.remote_id == first.remote_id
    assert "Saturday\nA bridge with a sign" in server.public()[0]


def test_a_correction_may_change_who_quotes_and_never_who_sees():
    server = Server()
    first, _ = publish(variant(), server)
    again = replace(variant("New"), options={"quote_policy": "nobody", "visibility": "unlisted"})
    _, wire = ask(lambda http: MASTODON.amend(first, again, VERIFIED, http), server)
    assert wire.body()["quote_approval_policy"] == "nobody"
    assert "visibility" not in wire.body()


def test_a_withdrawal_takes_the_files_along():
    server = Server()
    first, _ = publish(variant(), server)
    _, wire = ask(lambda http: MASTODON.withdraw(first, "An error", VERIFIED, http), server)
    assert wire.paths == [f"DELETE /api/v1/statuses/{first.remote_id}"]
    assert wire.requests[0].url.params["delete_media"] == "true"
    assert server.posts == {}


def test_a_receipt_keeps_nothing_that_others_said(tmp_path):
    server = Server()
    first, _ = publish(stage(variant(media=(picture(tmp_path),)), server), server)
    assert set(first.raw) == {"id", "created_at", "visibility", "media", "sha256"}
    assert json.dumps(dict(first.raw))


def test_a_post_without_a_page_is_known_by_its_uri():
    odd = (200, {"id": "7", "url": None, "uri": "https://social.example/objects/7"})
    receipt, _ = publish(variant(), Odd().at("/api/v1/statuses", odd))
    assert receipt == Receipt(remote_id="7", url="https://social.example/objects/7", raw=receipt.raw)
