"""What a server is known to refuse is said before anybody approves it, without asking the network."""

import pytest

from govpost import Media
from govpost_mastodon.test_common import EXAMPLE, MASTODON, VERIFIED, channel, picture, variant

POLL = {"options": ["Yes", "No"], "expires_in": 3600}
LIMITS = {
    **EXAMPLE.limits,
    "poll": {"max_options": 4, "max_chars": 50, "shortest": 600, "longest": 2_629_746},
}
PIXELFED = channel({"software": "pixelfed"})


def refused(asked, on=VERIFIED):
    return list(MASTODON.refusals(asked, on))


@pytest.mark.parametrize(
    ("poll", "why"),
    [
        ({"options": list("abcde")}, "the poll has 5 answers; the server takes 4"),
        (
            {"options": ["Yes", "N" * 51]},
            f"the poll's answer '{'N' * 51}' has 51 characters; the server takes 50",
        ),
        (
            {"options": ["a", "b"], "expires_in": 9_999_999},
            "the poll is open for 9,999,999 s; the server takes 2,629,746 s at most",
        ),
        (
            {"options": ["a", "b"], "expires_in": 300},
            "the poll is open for 300 s; the server takes 600 s or more",
        ),
    ],
)
def test_a_poll_over_the_limits_that_verify_found_is_refused_in_words(poll, why):
    assert refused(variant(options={"poll": poll}), channel(LIMITS)) == [why]


def test_a_poll_within_the_limits_is_taken_and_all_that_is_wrong_is_said_at_once():
    assert refused(variant(options={"poll": POLL}), channel(LIMITS)) == []
    assert len(refused(variant(options={"poll": {"options": ["a" * 51] * 5}}), channel(LIMITS))) == 6


def test_a_limit_that_the_server_does_not_state_is_none():
    on = channel({**LIMITS, "poll": {"longest": 3600}})
    assert refused(variant(options={"poll": POLL}), on) == []
    assert refused(variant(options={"poll": {**POLL, "expires_in": 3601}}), on)


def test_a_poll_takes_no_pictures(tmp_path):
    asked = variant(options={"poll": POLL}, media=(picture(tmp_path),))
    assert refused(asked) == ["a post cannot hold a poll and pictures"]


def test_a_server_of_pictures_takes_no_post_without_one(tmp_path):
    assert refused(variant(), PIXELFED) == ["Pixelfed takes no post without a picture"]
    assert refused(variant(media=(picture(tmp_path),)), PIXELFED) == []
    assert refused(variant(answers="0190"), PIXELFED) == []
    assert refused(variant(reply_to="100"), PIXELFED) == []
    assert "Pixelfed has no polls" in refused(variant(options={"poll": POLL}), PIXELFED)


def test_each_kind_of_file_has_its_own_largest_size(tmp_path):
    on = channel({**EXAMPLE.limits, "image_bytes": 5, "video_bytes": 50})
    assert refused(variant(media=(picture(tmp_path),)), on) == [
        "bridge.png has 13 bytes; the server takes images of 5 bytes"
    ]
    film = tmp_path / "film"
    film.write_bytes(b"13 bytes long")
    asked = Media(path=film, mime="video/quicktime", sha256="f" * 64)
    assert refused(variant(media=(asked,)), on) == []
    film.unlink()
    assert refused(variant(media=(asked,)), on) == []
