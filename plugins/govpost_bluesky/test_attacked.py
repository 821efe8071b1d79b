"""What a hostile tester did to Bluesky: mentions nobody can resolve, answers that are none, tokens that end at once."""

from __future__ import annotations

import httpx2
import pytest
from PIL import Image

from govpost import Media, RateLimited, Unauthorized, Unavailable
from govpost_bluesky.example import DID, ExamplePds
from govpost_bluesky.keys import rkey
from govpost_bluesky.records import POST
from govpost_bluesky.test_common import (
    Wire,
    channel,
    confirmed,
    instead,
    key,
    published,
    said,
    staged,
    variant,
)

PLAIN = channel()
GATED = channel(replies=["nobody"])
ASKS = "Ask @maria.example about it."
SESSION = {
    "access": "access-token-of-the-example",
    "session": f'{{"did": "{DID}", "pds": "https://pds.example", "handle": "riverton.example.gov"}}',
}
HTML = httpx2.Response(200, text="<html>Welcome</html>")


def only(pds: ExamplePds) -> dict:
    (record,) = (record for (kind, _), record in pds.records.items() if kind == POST)
    return record


def breaking(error: type[Exception]):
    def answer(request):
        raise error("broken", request=request)

    return answer


# Mentions


@pytest.mark.parametrize(
    "answer",
    [
        said(404, {"error": "NotFound"}),
        said(400, {"error": "InvalidRequest"}),
        said(403, {"error": "Forbidden"}),
        said(200, {}),
        said(200, {"did": 7}),
        said(200, {"did": "maria"}),
        said(200, ["did"]),
        HTML,
    ],
)
def test_a_mention_that_has_no_clear_did_is_plain_text(answer):
    pds = ExamplePds()
    wire = Wire(instead(pds, resolveHandle=answer))
    receipt = published(variant(ASKS), PLAIN, wire)
    assert only(pds)["text"] == ASKS
    assert "facets" not in only(pds)
    assert "unresolved" not in receipt.raw
    assert wire.methods().count("com.atproto.identity.resolveHandle") == 1


@pytest.mark.parametrize("answer", [said(502), said(503), said(501), breaking(httpx2.ReadError)])
def test_a_mention_that_cannot_be_looked_up_holds_up_no_post_and_the_receipt_says_so(answer):
    pds = ExamplePds()
    wire = Wire(instead(pds, resolveHandle=answer))
    receipt = published(variant(f"{ASKS} #bridge"), PLAIN, wire)
    assert receipt.raw["unresolved"] == ["maria.example"]
    assert [facet["features"][0]["$type"][-3:] for facet in only(pds)["facets"]] == ["tag"]
    assert wire.methods().count("com.atproto.identity.resolveHandle") == 3


def test_a_mention_is_looked_up_again_before_it_is_given_up():
    pds, answers = ExamplePds(), [said(502), said(502)]
    wire = Wire(instead(pds, resolveHandle=lambda request: answers.pop() if answers else pds(request)))
    assert "unresolved" not in published(variant(ASKS), PLAIN, wire).raw
    assert only(pds)["facets"]


def test_a_repeat_whose_mention_can_be_looked_up_by_now_meets_the_same_post():
    pds = ExamplePds()
    first = published(variant(ASKS), PLAIN, Wire(instead(pds, resolveHandle=said(502))))
    again = published(variant(ASKS), PLAIN, Wire(pds))
    assert first.remote_id == again.remote_id
    assert "facets" not in only(pds)


def test_a_server_that_is_away_or_asks_to_wait_is_not_taken_for_one_without_handles():
    away = Wire(instead(ExamplePds(), resolveHandle=breaking(httpx2.ConnectError)))
    with pytest.raises(Unavailable):
        staged(variant(ASKS), PLAIN, away)
    busy = Wire(instead(ExamplePds(), resolveHandle=said(429, {}, **{"Retry-After": "10"})))
    with pytest.raises(RateLimited):
        staged(variant(ASKS), PLAIN, busy)


# Answers that are none

LOST = said(400, {"error": "InvalidRequest", "message": f"Could not locate record: at://{DID}/{POST}/x"})
PART = f"at://{DID}/{POST}/{rkey(variant())}"
NO_RECORDS = [
    {},
    [],
    "no",
    {"uri": PART},
    {"uri": PART, "cid": "b", "value": None},
    {"uri": 5, "cid": "b", "value": {}},
]
NO_PARTS = [
    {"uri": PART, "value": {"createdAt": "2026-11-27T09:30:00.000Z"}},
    {"uri": PART, "cid": "b", "value": {}},
    {"uri": PART, "cid": "b", "value": {"createdAt": "2026-11-27T09:30:00"}},
    {"uri": PART, "cid": "b", "value": {"createdAt": "soon"}},
]


def test_an_older_servers_word_for_a_record_that_is_not_there_is_understood():
    pds = ExamplePds()
    wire = Wire(instead(pds, getRecord=LOST))
    assert confirmed(variant(), PLAIN, wire) is None
    assert published(variant(), GATED, wire).remote_id == PART


@pytest.mark.parametrize("body", NO_RECORDS)
def test_an_answer_that_is_no_record_is_named_so(body):
    wire = Wire(instead(ExamplePds(), getRecord=said(200, body)))
    for ask in (
        lambda: confirmed(variant(), PLAIN, wire),
        lambda: published(variant(), GATED, wire),
        lambda: staged(variant(key=key(2), reply_to=PART), PLAIN, wire),
    ):
        with pytest.raises(Unavailable, match=r"^the server's answer is not a record$"):
            ask()


@pytest.mark.parametrize("body", NO_PARTS)
def test_a_part_before_without_name_or_time_is_no_record(body):
    wire = Wire(instead(ExamplePds(), getRecord=said(200, body)))
    with pytest.raises(Unavailable, match=r"^the server's answer is not a record$"):
        staged(variant(key=key(2), reply_to=PART), PLAIN, wire)


def test_a_part_before_whose_place_is_nonsense_is_itself_the_root():
    value = {"createdAt": "2026-11-27T09:30:00.000Z", "reply": "nonsense"}
    wire = Wire(instead(ExamplePds(), getRecord=said(200, {"uri": PART, "cid": "b", "value": value})))
    found = staged(variant(key=key(2), reply_to=PART), PLAIN, wire).staged
    assert found["reply"] == {"root": {"uri": PART, "cid": "b"}, "parent": {"uri": PART, "cid": "b"}}


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "bridge.mp4"
    path.write_bytes(b"film")
    return Media(path=path, mime="video/mp4", alt="The bridge opens", sha256="0" * 64)


@pytest.mark.parametrize("answer", [said(200, {}), said(200, {"blob": "no"}), said(200, []), HTML])
def test_an_upload_that_is_answered_with_nonsense_is_named_so(film, answer):
    wire = Wire(instead(ExamplePds(), uploadBlob=answer))
    with pytest.raises(Unavailable, match=r"^the server's answer is not an uploaded file$"):
        staged(variant(media=(film,)), PLAIN, wire)


@pytest.mark.parametrize(
    ("answers", "what"),
    [
        ({"getServiceAuth": said(200, {})}, "a leave to upload"),
        ({"uploadVideo": said(200, {})}, "the status of a video"),
        ({"uploadVideo": said(200, {"jobId": 5})}, "the status of a video"),
        ({"uploadVideo": said(200, {"blob": "no"})}, "the status of a video"),
        ({"uploadVideo": HTML}, "the status of a video"),
        ({"getJobStatus": HTML}, "the status of a video"),
    ],
)
def test_a_video_service_that_talks_nonsense_is_named_so(film, answers, what):
    usual = {
        "getServiceAuth": said(200, {"token": "leave"}),
        "uploadVideo": said(200, {"jobId": "job"}),
        "getJobStatus": said(200, {"blob": {}}),
    }
    wire = Wire(instead(ExamplePds(), **(usual | answers)))
    with pytest.raises(Unavailable, match=rf"^the server's answer is not {what}$"):
        staged(variant(media=(film,)), channel(video="https://video.example"), wire)


# Texts as they were approved

AR = "الجسر مغلق يوم الجمعة #جسر – @maria.example https://riverton.example.gov/جسر"
HE = "הגשר סגור ביום שישי (Oak Street 5). #גשר @maria.example https://riverton.example.gov/plan"
FAMILIES = "👨‍👩‍👧‍👦" * 100 + "#fest🎉"


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        (AR, ["#جسر", "@maria.example", "https://riverton.example.gov/جسر"]),
        (HE, ["#גשר", "@maria.example", "https://riverton.example.gov/plan"]),
        (f"{FAMILIES} #fest🎉", ["#fest🎉"]),
    ],
)
def test_a_text_arrives_letter_by_letter_and_its_marks_lie_where_they_are(text, marked):
    pds = ExamplePds()
    published(variant(text), PLAIN, Wire(pds))
    assert only(pds)["text"] == text
    places = [facet["index"] for facet in only(pds)["facets"]]
    assert [text.encode()[at["byteStart"] : at["byteEnd"]].decode() for at in places] == marked


def test_a_session_of_another_handle_publishes_nothing_under_the_new_one():
    with pytest.raises(Unauthorized, match="no session"):
        staged(variant(), channel(handle="harbor.example.gov", secrets=SESSION), Wire(ExamplePds()))


def test_a_picture_keeps_to_a_small_limit_of_the_servers(tmp_path):
    path = tmp_path / "noise.png"
    Image.effect_noise((1000, 800), 90).save(path)
    picture = Media(path=path, mime="image/png", alt="Noise", sha256="0" * 64)
    wire = Wire(ExamplePds())
    found = staged(variant(media=(picture,)), channel({"blob": 200_000}), wire).staged
    assert found["embed"]["images"][0]["image"]["size"] <= 200_000
