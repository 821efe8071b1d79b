"""The bulletin on a real submission server: one copy a recipient, and what each of its answers means."""

from __future__ import annotations

import pytest

from govpost import NotWanted, RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from govpost.testing import PlatformContract
from govpost_email import Email, govpost_platforms, submission
from govpost_email.test_common import Desk, Office, drop, mail_server, variant


class TestEmailKeepsTheContract(PlatformContract):
    platform = Email()


def test_the_plugin_brings_one_platform():
    (platform,) = govpost_platforms()
    assert platform.name == "email"


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def office(tmp_path, desk):
    with mail_server(desk) as port:
        made = Office(folder=tmp_path, port=port)
        made.people("ana@example.gov")
        yield made


def test_each_on_the_list_gets_a_copy_of_their_own(office, desk):
    office.people("ana@example.gov", "ben@example.gov", "cleo@example.gov")
    receipts = office.send_all()
    assert [mail.to for mail in desk.box] == ["ana@example.gov", "ben@example.gov", "cleo@example.gov"]
    assert all(mail.tls for mail in desk.box)
    assert {mail.message["Message-ID"] for mail in desk.box} == {receipt.remote_id for receipt in receipts}
    assert [mail.message["To"] for mail in desk.box] == [mail.to for mail in desk.box]
    assert receipts[0].raw == {"reply": "250 2.0.0 Ok: queued as 00001"}


def test_no_address_stands_in_a_reference_or_a_receipt(office):
    for ref, receipt in zip(office.refs(), office.send_all(), strict=True):
        assert len(ref) == 20
        assert "ana" not in f"{ref}{receipt}"


def test_the_same_copy_is_the_same_bytes_again(office, desk):
    office.send_all()
    office.send_all()
    assert desk.box[0].raw == desk.box[1].raw


def test_tls_from_the_first_byte(tmp_path):
    desk = Desk()
    with mail_server(desk, "tls") as port:
        office = Office(folder=tmp_path, port=port, security="tls")
        office.people("ana@example.gov")
        office.send_all()
    assert desk.box[0].tls


def test_in_the_open_only_on_this_machine(tmp_path):
    desk = Desk()
    with mail_server(desk, "none") as port:
        office = Office(folder=tmp_path, port=port, security="none")
        office.people("ana@example.gov")
        office.send_all()
    assert not desk.box[0].tls


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("unknown-1@example.gov", Rejected),
        ("full-1@example.gov", Unavailable),
        ("grey-1@example.gov", Unavailable),
    ],
)
def test_a_refused_recipient_is_that_copys_trouble_alone(office, desk, address, expected):
    office.people(address, "ben@example.gov")
    first, second = office.refs()
    with pytest.raises(expected) as caught:
        office.send(variant(1, recipient=first))
    assert type(caught.value) is expected
    assert address not in str(caught.value)
    office.send(variant(2, recipient=second))
    assert [mail.to for mail in desk.box] == ["ben@example.gov"]


def test_a_line_lost_after_the_dot_is_uncertain(office, desk):
    desk.at_dot = drop
    with pytest.raises(Uncertain, match="after the message"):
        office.send_all()
    assert len(desk.box) == 1


def test_who_left_the_list_meanwhile_gets_nothing(office, desk):
    (ref,) = office.refs()
    office.people("ben@example.gov")
    with pytest.raises(NotWanted, match="no longer on the list; an address that was mended gets the next"):
        office.send(variant(recipient=ref))
    assert desk.asked == []


def test_a_wrong_password_is_said_to_be_one(office):
    office.secrets = {"password": "wrong-one"}
    with pytest.raises(Unauthorized, match="535") as caught:
        office.send_all()
    assert "wrong-one" not in str(caught.value)


def test_a_server_that_closes_makes_the_channel_rest(office):
    office.people("closing-1@example.gov")
    with pytest.raises(RateLimited):
        office.send_all()


def test_an_address_of_another_script_is_written_to_as_its_owner_writes_it(office, desk):
    office.people("ñandú@münchen.example")
    office.send_all()
    (mail,) = desk.box
    assert mail.to == "ñandú@xn--mnchen-3ya.example"
    assert "SMTPUTF8" in mail.options
    assert "To: ñandú@xn--mnchen-3ya.example\r\n".encode() in mail.raw


def test_a_copy_taken_by_a_slow_server_within_the_deadline_is_held(office, desk):
    desk.wait = 0.5
    (receipt,) = office.send_all()
    assert receipt.raw == {"reply": "250 2.0.0 Ok: queued as 00001"}


def test_a_server_silent_after_the_dot_is_uncertain_by_the_deadline(office, desk, monkeypatch):
    monkeypatch.setattr(submission, "RESERVE", 0.0)
    desk.wait = 60
    with pytest.raises(Uncertain):
        office.send(variant(recipient=office.refs()[0]), seconds=8)
