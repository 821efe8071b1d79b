"""What a bulletin cannot be is said when the post is checked: no list is read and no server asked."""

from __future__ import annotations

import pytest

from govpost import Media, Rejected
from govpost_email import Email
from govpost_email.test_common import Desk, Office, mail_server, picture, variant

LARGE = 4_000


@pytest.fixture
def office(tmp_path):
    return Office(folder=tmp_path, port=1)


def refused(office: Office, **values) -> list[str]:
    return list(Email().refusals(variant(**values), office.channel))


def test_what_can_be_sent_is_not_refused_and_no_list_is_needed(office, tmp_path):
    office.limits = {"size": 1_000_000, "smtputf8": True}
    assert refused(office, key="", media=(picture(tmp_path / "a.png"),), link="https://example.gov/a") == []
    office.more = {"list_file": None, "to": "bulletin@lists.example.gov"}
    assert refused(office) == []


def test_everything_that_is_wrong_is_said_at_once(office, tmp_path):
    film = Media(path=tmp_path / "film.mp4", mime="video/mp4", alt="A film")
    said = refused(office, title="Bridge\nBcc: everyone@example.gov", link="/roads", media=(film,))
    assert [why.partition(":")[0] for why in said] == [
        "the title has a line break or control character in it",
        "the link '/roads' is no web address",
        "film.mp4 is video/mp4, which mail programs do not show",
    ]


def test_a_bulletin_without_a_title_is_refused(office):
    assert refused(office, title=None) == [
        "a bulletin needs a title, which becomes its subject: add title: to the post"
    ]


def test_a_line_that_no_server_takes_is_refused(office):
    office.more = {"unsubscribe_url": "https://x.example/" + "a" * 1000 + "/{token}"}
    assert "998 bytes" in refused(office)[0]


def test_a_copy_over_the_size_that_verify_found_is_refused(office, tmp_path):
    media = (picture(tmp_path / "a.png", side=900),)
    office.limits = {"size": LARGE}
    (said,) = refused(office, media=media)
    assert f"the server takes {LARGE:,}" in said
    assert refused(office, text="Long words. " * 500)
    office.more = {"dkim_selectors": ["a", "b", "c"]}
    (tmp_path / "a.png").unlink()
    assert refused(office, media=media)
    office.limits = {"size": None}
    assert refused(office, media=media) == []


def test_what_is_reckoned_is_never_less_than_what_is_sent(tmp_path):
    desk = Desk()
    media = (picture(tmp_path / "a.png", side=300), picture(tmp_path / "b.png", alt="Ñ" * 900))
    with mail_server(desk) as port:
        office = Office(folder=tmp_path, port=port)
        office.people("ana@example.gov")
        office.send_all(media=media)
    sent = len(desk.box[0].raw)
    office.limits = {"size": sent}
    assert refused(office, media=media)
    office.limits = {"size": sent + 12_000}
    assert refused(office, media=media) == []


def test_a_sender_in_letters_that_the_server_does_not_take_is_refused(office):
    office.more = {"sender": "ñandú@riverton.example.gov"}
    office.limits = {"smtputf8": False}
    (said,) = refused(office)
    assert "SMTPUTF8" in said
    office.limits = {}
    assert refused(office) == []


def test_what_is_refused_before_is_refused_at_the_gate_too(office):
    office.people("ana@example.gov")
    with pytest.raises(Rejected, match="line break"):
        office.send(variant(recipient=office.refs()[0], title="a\nb"))
