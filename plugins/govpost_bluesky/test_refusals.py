"""What cannot go out is told while it can still be changed, without a word to the network."""

import sys

import pytest

from govpost import Media
from govpost_bluesky.example import ExamplePds
from govpost_bluesky.test_common import BLUESKY, SECRETS, Wire, channel, variant, verified
from riverton import png

CARD = {"title": "Bridge closed on Friday"}
LINKED = "Details: https://riverton.example.gov/bridge"


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "bridge.png"
    path.write_bytes(png(32, 20))
    return Media(path=path, mime="image/png", alt="Barriers on the bridge")


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "bridge.mp4"
    path.write_bytes(b"not quite a film")
    return Media(path=path, mime="video/mp4", alt="Cars turning round", captions="WEBVTT")


@pytest.fixture
def no_pillow(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)


def refused(what, on=None):
    return " ".join(BLUESKY.refusals(what, on or channel()))


def test_what_can_go_out_is_not_refused(picture, film):
    pytest.importorskip("PIL", reason="Pillow is in govpost's extra 'images'")
    for what in (
        variant(),
        variant(media=(picture, picture)),
        variant(media=(film,)),
        variant(LINKED, options={"card": CARD}, media=(picture,)),
        variant(options={"card": {**CARD, "link": "https://riverton.example.gov/bridge"}}),
    ):
        assert refused(what) == ""


@pytest.mark.usefixtures("no_pillow")
def test_without_pillow_a_picture_is_refused_with_what_to_install(picture, film):
    for what in (variant(media=(picture,)), variant(LINKED, options={"card": CARD}, media=(picture,))):
        assert "pip install 'govpost[images]'" in refused(what)
    assert refused(variant(media=(film,))) == refused(variant()) == ""


@pytest.mark.usefixtures("no_pillow")
def test_without_pillow_verify_says_what_to_install():
    (note,) = verified(channel(secrets=SECRETS), Wire(ExamplePds())).notes
    assert "Pillow" in note
    assert "govpost[images]" in note


def test_a_card_needs_a_link():
    assert "the card has no link" in refused(variant(options={"card": CARD}))
    later = variant(options={"card": CARD}, reply_to="at://did:plc:x/app.bsky.feed.post/3mbfvv7intp22")
    assert refused(later) == ""


def test_a_card_holds_one_picture_and_nothing_else(picture, film):
    for media in ((picture, picture), (film,)):
        assert "a card holds one picture" in refused(variant(LINKED, options={"card": CARD}, media=media))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_picture_that_moves_is_refused(tmp_path, kind):
    image = pytest.importorskip("PIL.Image", reason="Pillow is in govpost's extra 'images'")
    path = tmp_path / "moving"
    frames = [image.effect_noise((20, 20), 90).convert("RGB") for _ in range(2)]
    frames[0].save(path, kind, save_all=True, append_images=frames[1:])
    moving = Media(path=path, mime=f"image/{kind.lower()}", alt="Fireworks")
    assert "the picture “Fireworks” moves" in refused(variant(media=(moving,)))
    assert "moves" in refused(variant(LINKED, options={"card": CARD}, media=(moving,)))


def test_a_video_or_captions_over_the_limit_are_refused(film):
    small = {"blob": 10}
    said = refused(variant(media=(film,)), channel(limits=small))
    assert said.startswith("the video “Cars turning round” has 16 bytes and the server takes 10")
    through = channel(limits=small, video="https://video.bsky.app")
    assert refused(variant(media=(film,)), through) == ""
    long = Media(path=film.path, mime="video/mp4", captions="ñ" * 10_001)
    assert "the captions have 20,002 bytes" in refused(variant(media=(long,)))


def test_files_of_other_kinds_are_for_the_capabilities_to_refuse(tmp_path):
    assert refused(variant(media=(Media(path=tmp_path / "plan.gif", mime="image/gif"),))) == ""
