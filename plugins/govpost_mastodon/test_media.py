"""Files go up once, with what is said of them, and are waited for."""

from dataclasses import replace

import httpx2
import pytest

from govpost import Media, Processing, Rejected
from govpost_mastodon.test_common import (
    MASTODON,
    VERIFIED,
    Odd,
    Server,
    ask,
    picture,
    stage,
    variant,
)


def upload(asked, server, on=VERIFIED):
    return ask(lambda http: MASTODON.stage(asked, on, http), server, on=on)


def test_a_file_goes_up_with_its_description_and_focus(tmp_path):
    medium = picture(tmp_path, alt="Ein “Schild” 👩🏽‍🚒", focus=(0.5, -1.0))
    staged, wire = upload(variant(media=(medium,)), Server())
    assert wire.paths == ["POST /api/v2/media"]
    body = wire.writes[0].content.decode("utf-8", "replace")
    assert "Ein “Schild” 👩🏽‍🚒" in body
    assert 'name="focus"\r\n\r\n0.5,-1' in body
    assert 'filename="media.png"' in body
    assert "image/png" in body
    assert staged == {"media": [{"id": "101", "sha256": medium.sha256, "ready": True}]}


def test_a_post_without_files_sends_nothing():
    assert upload(variant(), Server())[1].paths == []


def test_an_upload_is_polled_to_its_end(tmp_path):
    server = Odd().at("POST/api/v2/media", (202, {"id": "9", "url": None}))
    server.at(
        "/api/v1/media/9", (206, {"id": "9", "url": None}), (200, {"id": "9", "url": "https://x.example/9"})
    )
    server.odd["/api/v2/media"] = server.odd.pop("POST/api/v2/media")
    staged, wire = upload(variant(media=(picture(tmp_path),)), server)
    assert wire.paths == ["POST /api/v2/media", "GET /api/v1/media/9", "GET /api/v1/media/9"]
    assert staged["media"][0]["ready"] is True


def test_what_takes_longer_is_kept_and_never_goes_up_again(tmp_path):
    server, asked = Server(), variant(media=(picture(tmp_path), picture(tmp_path, "sign.png", "A sign")))
    server.busy = True
    with pytest.raises(Processing, match="still works on 2 of 2 files") as slow:
        upload(asked, server)
    server.busy = False
    staged, wire = upload(replace(asked, staged=slow.value.staged), server)
    assert [path for path in wire.paths if path.startswith("POST")] == []
    assert [file["id"] for file in staged["media"]] == ["101", "102"]


def test_a_file_that_the_server_threw_away_goes_up_again(tmp_path):
    server, asked = Server(), variant(media=(picture(tmp_path),))
    once = stage(asked, server)
    server.media.clear()
    staged, _ = upload(once, server)
    assert staged["media"][0]["id"] != once.staged["media"][0]["id"]


@pytest.mark.parametrize("path", ["/api/v2/media", "/api/v1/media/101"])
def test_a_file_that_cannot_be_processed_is_rejected(tmp_path, path):
    server = Server()
    server.busy = True
    with pytest.raises(Rejected, match="cannot process the file"):
        upload(variant(media=(picture(tmp_path),)), Odd(server).at(path, 422))


def test_a_kept_file_that_could_not_be_processed_is_rejected(tmp_path):
    server, asked = Server(), variant(media=(picture(tmp_path),))
    once = stage(asked, server)
    with pytest.raises(Rejected, match="cannot process the file 101"):
        upload(once, Odd(server).at("/api/v1/media/101", 422))


def test_a_broken_thumbnail_is_no_refusal(tmp_path):
    answer = (500, {"error": "Error processing thumbnail for uploaded media"})
    with pytest.raises(httpx2.HTTPStatusError) as broken:
        upload(variant(media=(picture(tmp_path),)), Odd().at("/api/v2/media", answer))
    assert broken.value.response.status_code == 500


def test_a_file_without_an_id_is_rejected(tmp_path):
    with pytest.raises(Rejected, match="gave it no id"):
        upload(
            variant(media=(picture(tmp_path),)),
            Odd().at("/api/v2/media", (200, {"url": "https://x.example/"})),
        )


def test_a_file_is_named_by_what_it_is(tmp_path):
    film = tmp_path / "film"
    film.write_bytes(b"13 bytes long")
    _, wire = upload(variant(media=(Media(path=film, mime="video/quicktime", sha256="f" * 64),)), Server())
    assert b'filename="media.mov"' in wire.writes[0].content
