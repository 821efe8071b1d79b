"""Counts and replies come from the AppView, through the PDS."""

import pytest

from govpost import Metrics, Receipt, Unavailable
from govpost.wire import read_error
from govpost_bluesky.example import DID, ExamplePds
from govpost_bluesky.records import POST
from govpost_bluesky.test_common import BLUESKY, Wire, called, channel, instead, said

US = f"at://{DID}/{POST}/3mbfvv7intp22"
APPVIEW = "did:web:api.bsky.app#bsky_appview"
ON = channel()


def measured(wire, *uris, on=ON):
    receipts = [Receipt(remote_id=uri) for uri in uris]
    return called(BLUESKY.measure, receipts, on, on=on, wire=wire, meaning=read_error)


def heard(wire, since=None, on=ON):
    return list(called(BLUESKY.replies, on, since, on=on, wire=wire, meaning=read_error))


def note(number, reason="reply", **more):
    return {
        "uri": f"at://did:plc:maria/{POST}/3mbfvv7int{number:03}",
        "cid": "bafy",
        "author": {"did": "did:plc:maria", "handle": "maria.example"},
        "reason": reason,
        "reasonSubject": US,
        "record": {"text": f"Words {number}"},
        "indexedAt": f"2026-11-27T09:{number // 60:02}:{number % 60:02}.000Z",
        **more,
    }


def pages(*each):
    """Answer with one page after the other, newest first."""

    def answers(request):
        number = int(request.url.params.get("cursor", "0"))
        more = {"cursor": str(number + 1)} if number + 1 < len(each) else {}
        return said(200, {"notifications": each[number], **more})

    return Wire(instead(ExamplePds(), listNotifications=answers))


def test_counts_are_likes_reposts_replies_and_quotes():
    post = {"uri": US, "likeCount": 3, "repostCount": 2, "replyCount": 1, "quoteCount": 0}
    wire = Wire(instead(ExamplePds(), getPosts=said(200, {"posts": [post]})))
    gone = f"at://{DID}/{POST}/3mbfvv7intp23"
    assert measured(wire, US, gone) == {US: Metrics(likes=3, shares=2, replies=1, quotes=0)}
    assert wire.requests[0].url.params.get_list("uris") == [US, gone]


def test_an_unknown_count_is_none():
    wire = Wire(instead(ExamplePds(), getPosts=said(200, {"posts": [{"uri": US}]})))
    assert measured(wire, US)[US] == Metrics()


def test_an_appview_of_one_s_own_is_asked_for_by_name():
    on = channel(appview=APPVIEW)
    wire = Wire(ExamplePds())
    measured(wire, US, on=on)
    assert wire.requests[0].headers["atproto-proxy"] == APPVIEW


def test_a_server_without_an_appview_says_so():
    none = said(
        400, {"error": "InvalidRequest", "message": "No service configured for app.bsky.feed.getPosts"}
    )
    with pytest.raises(Unavailable, match="has no AppView") as caught:
        measured(Wire(instead(ExamplePds(), getPosts=none)), US)
    assert "appview = " in caught.value.tip


def test_replies_come_oldest_first_and_say_what_they_answer():
    pds = ExamplePds()
    pds.reply(US, "When does it open?")
    pds.reply(US, "¡Gracias!")
    first, second = heard(Wire(pds))
    assert (first.text, second.text) == ("When does it open?", "¡Gracias!")
    assert (first.author, first.language, first.to, first.kind) == ("Maria", "en", US, "reply")
    assert first.url.startswith("https://bsky.app/profile/did:plc:z72i7hdynmk6r22z27h6tvur/post/")
    assert first.raw["cid"] == "bafyreply"
    assert first.raw["root"]["uri"] == US


def test_a_quote_is_of_the_post_it_shows_and_a_mention_of_none():
    quote = note(1, "quote", record={"text": "Look", "reply": {"parent": {"uri": "at://did:plc:x/a/b"}}})
    mention = note(2, "mention", reasonSubject=None)
    odd = note(3, "like")
    said_of_us = heard(pages([odd, mention, quote]))
    assert [(reply.kind, reply.to) for reply in said_of_us] == [("quote", US), ("mention", None)]
    assert said_of_us[0].author == "maria.example"


def test_it_goes_on_where_it_stopped():
    notes = [note(number) for number in range(250)][::-1]
    wire = pages(notes[:100], notes[100:200], notes[200:])
    found = heard(wire, since=note(120)["indexedAt"])
    assert [reply.text for reply in found] == [f"Words {number}" for number in range(120, 250)]
    assert len(wire.requests) == 2
    assert found[-1].cursor == notes[0]["indexedAt"]


def test_the_first_time_it_reads_the_newest_page():
    notes = [note(number) for number in range(150)][::-1]
    wire = pages(notes[:100], notes[100:])
    assert len(heard(wire)) == 100
    assert wire.requests[0].url.params.get_list("reasons") == ["reply", "mention", "quote"]


def test_nothing_new_is_nothing():
    assert heard(pages([]), since="2026-11-27T09:00:00.000Z") == []
    assert heard(pages([note(1)]), since="2026-11-28T09:00:00.000Z") == []
