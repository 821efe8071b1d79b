"""What stands under a text: pictures, one video, or a card."""

import json

import pytest

pytest.importorskip("PIL", reason="Pillow is in govpost's extra 'images'")

from govpost import Media, Processing, Rejected, Unavailable
from govpost_bluesky.example import ExamplePds
from govpost_bluesky.test_common import Wire, channel, instead, key, published, said, staged, variant
from govpost_bluesky.test_mp4 import mp4
from riverton import png

SERVICE = "https://video.bsky.app"
BLOB = {"$type": "blob", "ref": {"$link": "bafkreivideo"}, "mimeType": "video/mp4", "size": 9}
CARD = {"title": "Bridge closed on Friday", "description": "Take Oak Street."}


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "bridge.png"
    path.write_bytes(png(32, 20))
    return Media(path=path, mime="image/png", alt="Barriers on the bridge", sha256="ab" * 32)


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "bridge.mp4"
    path.write_bytes(b"not quite a film")
    return Media(
        path=path, mime="video/mp4", alt="Cars turning round", captions="WEBVTT\n\nñ", sha256="cd" * 32
    )


def embedded(what, wire, on=None):
    on = on or channel()
    published(what, on, wire)
    return wire.body("putRecord")["record"].get("embed")


def test_each_picture_has_its_description_and_shape(picture):
    wire = Wire(ExamplePds())
    embed = embedded(variant(media=(picture, picture)), wire)
    assert embed["$type"] == "app.bsky.embed.images"
    assert [(image["alt"], image["aspectRatio"]) for image in embed["images"]] == [
        ("Barriers on the bridge", {"width": 32, "height": 20})
    ] * 2
    upload = wire.requests[0]
    assert upload.headers["content-type"] == "image/png"
    assert upload.content == picture.path.read_bytes()


def test_a_server_that_takes_little_gets_little(tmp_path):
    from PIL import Image

    path = tmp_path / "noise.png"
    Image.effect_noise((400, 300), 90).convert("RGB").save(path)
    wire = Wire(ExamplePds())
    embedded(variant(media=(Media(path=path, mime="image/png"),)), wire, channel(limits={"blob": 120_000}))
    assert len(wire.requests[0].content) <= 120_000


def test_a_card_shows_the_link_of_the_text(picture):
    text = "Details: https://riverton.example.gov/bridge."
    wire = Wire(ExamplePds())
    embed = embedded(variant(text, options={"card": CARD}), wire)
    external = {"uri": "https://riverton.example.gov/bridge", **CARD}
    assert embed == {"$type": "app.bsky.embed.external", "external": external}
    embed = embedded(variant(text, key=key(2), options={"card": CARD}, media=(picture,)), wire)
    assert embed["external"]["thumb"]["mimeType"] == "image/png"


def test_a_card_may_name_its_link_itself_and_stands_at_the_first_part():
    pds = ExamplePds()
    asked = {"card": {"title": "Bridge", "link": "https://riverton.example.gov/b"}}
    first = published(variant(options=asked), channel(), Wire(pds))
    second = Wire(pds)
    assert embedded(variant(key=key(2), reply_to=first.remote_id, options=asked), second) is None
    assert "https://riverton.example.gov/b" in json.dumps(list(pds.records.values()))


def test_a_card_shows_its_picture_and_not_the_picture_s_description(picture):
    text = "Details: https://riverton.example.gov/bridge"
    embed = embedded(variant(text, options={"card": CARD}, media=(picture,)), Wire(ExamplePds()))
    assert "Barriers on the bridge" not in json.dumps(embed)


# Videos. What the video service answers stands in the lexicons app.bsky.video.*; there is none to run here.


def test_a_video_goes_up_with_its_captions(film):
    wire = Wire(ExamplePds())
    embed = embedded(variant(media=(film,)), wire)
    assert [request.headers.get("content-type") for request in wire.requests[:2]] == ["video/mp4", "text/vtt"]
    assert embed["$type"] == "app.bsky.embed.video"
    assert embed["video"]["mimeType"] == "video/mp4"
    assert [caption["lang"] for caption in embed["captions"]] == ["en"]
    assert embed["alt"] == "Cars turning round"


def test_a_video_may_go_without_description_and_captions(film):
    bare = Media(path=film.path, mime="video/mp4")
    embed = embedded(variant(media=(bare,)), Wire(ExamplePds()))
    assert set(embed) == {"$type", "video"}


@pytest.mark.parametrize("on", [channel(), channel(video=SERVICE)])
def test_a_video_that_says_how_wide_and_high_it_is_keeps_its_shape(film, on):
    film.path.write_bytes(mp4(1080, 1920))
    embed = embedded(variant(media=(film,)), Wire(service(READY)), on)
    assert embed["aspectRatio"] == {"width": 1080, "height": 1920}


def service(*states, sent=None):
    left = list(states)

    def status(_):
        return said(200, {"jobStatus": left.pop(0) if len(left) > 1 else left[0]})

    return instead(
        ExamplePds(),
        getServiceAuth=said(200, {"token": "a-grant"}),
        uploadVideo=sent or said(200, {"jobId": "j1", "state": "JOB_STATE_CREATED"}),
        getJobStatus=status,
    )


RUNNING = {"jobId": "j1", "state": "JOB_STATE_ENCODING"}
READY = {"jobId": "j1", "state": "JOB_STATE_COMPLETED", "blob": BLOB}


def test_the_video_service_has_it_ready_before_the_post_appears(film):
    wire = Wire(service(RUNNING, RUNNING, READY))
    embed = embedded(variant(media=(film,)), wire, channel(video=SERVICE))
    assert embed["video"] == BLOB
    grant, upload = wire.requests[0], wire.requests[1]
    assert dict(grant.url.params) == {"aud": "did:web:pds.example", "lxm": "com.atproto.repo.uploadBlob"}
    assert upload.headers["authorization"] == "Bearer a-grant"
    assert upload.url.params["name"] == f"{'cd' * 32}.mp4"


def test_a_video_that_the_service_knows_is_not_made_again(film):
    for answer in (
        said(409, {"error": "already_exists", "jobId": "j1", "state": "JOB_STATE_COMPLETED", "blob": BLOB}),
        said(200, {"jobStatus": READY}),
    ):
        embed = embedded(variant(media=(film,)), Wire(service(RUNNING, sent=answer)), channel(video=SERVICE))
        assert embed["video"] == BLOB


def test_a_video_that_takes_long_is_asked_for_again_and_not_sent_again(film):
    on = channel(video=SERVICE)
    with pytest.raises(Processing) as caught:
        staged(variant(media=(film,)), on, Wire(service(RUNNING)))
    assert caught.value.staged == {"job": "j1"}
    again = Wire(service(READY))
    ready = staged(variant(media=(film,), staged={"job": "j1"}), on, again)
    assert ready.staged["embed"]["video"] == BLOB
    assert not any("uploadVideo" in method for method in again.methods())


@pytest.mark.parametrize(
    ("failed", "why"),
    [
        ({"message": "Too long"}, "Too long"),
        ({"failureCode": "encoding_failure"}, "encoding_failure"),
        ({}, "no reason given"),
    ],
)
def test_a_video_that_fails_says_why(film, failed, why):
    wire = Wire(service({"jobId": "j1", "state": "JOB_STATE_FAILED", **failed}))
    with pytest.raises(Rejected, match=f"could not use the video “Cars turning round”: {why}"):
        staged(variant(media=(film,)), channel(video=SERVICE), wire)


def test_a_service_that_is_down_is_asked_again_later(film):
    with pytest.raises(Unavailable):
        staged(variant(media=(film,)), channel(video=SERVICE), Wire(service(RUNNING, sent=said(500))))
