"""Logging in and verifying: what is asked, tried on the server, kept and told."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest

from govpost import Unauthorized, Unavailable
from govpost.wire import Attempt
from govpost_email import Email
from govpost_email.test_common import LIST_KEY, PASSWORD, USER, Desk, Office, mail_server
from govpost_email.test_signing import rsa_key, text


@dataclass
class Terminal:
    """Somebody who answers from a list and hears what is said."""

    answers: list[str]
    heard: list[str] = field(default_factory=list)
    hidden: list[bool] = field(default_factory=list)

    def say(self, words):
        self.heard.append(words)

    def ask(self, question, *, secret=False):
        self.heard.append(question)
        self.hidden.append(secret)
        return self.answers.pop(0)


def login(office, *answers):
    talk = Terminal(list(answers))
    with Attempt(office.channel, deadline=time.monotonic() + 60) as attempt:
        return Email().login(office.channel, talk, attempt.client), talk


def verify(office):
    with Attempt(office.channel, deadline=time.monotonic() + 60) as attempt:
        return Email().verify(office.channel, attempt.client)


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def office(tmp_path, desk):
    with mail_server(desk) as port:
        made = Office(folder=tmp_path, port=port)
        made.people("ana@example.gov", "ben@example.gov", "no address")
        yield made


def test_logging_in_asks_for_the_password_and_tries_it(office):
    kept, talk = login(office, PASSWORD)
    assert kept == {"password": PASSWORD}
    assert talk.hidden == [True]
    assert talk.heard == [f"Password of {USER}", f"localhost accepts {USER}."]


def test_logging_in_asks_for_the_user_where_the_settings_name_none_and_makes_a_list_key(office):
    office.more = {"user": None}
    office.secrets = {"list_key": ""}
    kept, talk = login(office, f" {USER} ", PASSWORD)
    assert (kept["user"], kept["password"]) == (USER, PASSWORD)
    assert len(kept["list_key"]) == 64
    assert talk.hidden == [False, True]
    assert kept["list_key"] not in " ".join(talk.heard)


def test_a_password_that_is_wrong_is_not_kept(office):
    with pytest.raises(Unauthorized, match="535"):
        login(office, "wrong")


def test_one_address_needs_no_list_key(office):
    office.more = {"list_file": None, "to": "bulletin@lists.example.gov"}
    office.secrets = {"list_key": ""}
    kept, _ = login(office, PASSWORD)
    assert kept == {"password": PASSWORD}


def test_verifying_says_who_we_are_and_what_the_server_takes(office, desk):
    account = verify(office)
    assert account.remote_id == "news@riverton.example.gov"
    assert account.name == "City of Riverton <news@riverton.example.gov>"
    assert "TLSv1." in account.server
    assert account.limits == {"size": 1_000_000, "smtputf8": True, "8bitmime": True, "dsn": False}
    assert account.missing == ()
    assert "3 on the list, 0 of them get nothing because they left or their mail came back" in account.notes
    assert "no usable address in line 4 of residents.csv" in account.notes
    assert desk.box == []
    assert desk.asked == []
    assert "ana@" not in repr(account)


def test_verifying_says_what_a_bulk_sender_lacks(office):
    office.more = {"unsubscribe_url": None, "sender_name": None}
    account = verify(office)
    said = " ".join(account.notes)
    assert account.name == "news@riverton.example.gov"
    assert "no unsubscribe_url" in said
    assert "nothing says who left the list" in said
    assert "not signed with DKIM here" in said


def test_verifying_knows_who_left_and_what_could_not_be_read(office):
    left = office.folder / "left.txt"
    left.write_text("ana@example.gov\nwhat is this\n")
    office.more = {"unsubscribed_file": str(left)}
    said = " ".join(verify(office).notes)
    assert "3 on the list, 1 of them" in said
    assert "1 lines of those who left are neither" in said


def test_verifying_names_at_most_five_bad_lines(office):
    office.people(*["no address " + str(n) for n in range(8)])
    assert "and 3 more" in " ".join(verify(office).notes)


def test_verifying_says_where_the_public_key_must_stand(office):
    office.more = {"dkim_selectors": ["2026"]}
    office.secrets = {"dkim_2026": text(rsa_key())}
    assert "2026._domainkey.riverton.example.gov" in " ".join(verify(office).notes)


def test_a_sender_whom_the_server_does_not_take_is_missing(office, desk):
    desk.at_mail = "553 5.7.1 <news@riverton.example.gov>: not owned by agency"
    (missing,) = verify(office).missing
    assert "553 5.7.1" in missing
    assert desk.box == []


def test_a_line_in_the_open_is_told(tmp_path):
    with mail_server(Desk(), "none") as port:
        office = Office(folder=tmp_path, port=port, security="none")
        office.people("ana@example.gov")
        account = verify(office)
    assert "no TLS" in account.server
    assert "in the open" in " ".join(account.notes)


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(office):
    office.more = {"ca_file": None}
    with pytest.raises(Unavailable, match="no certificate to trust") as caught:
        verify(office)
    assert "ca_file" in caught.value.tip


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_another_name_is_not_trusted(tmp_path, security):
    with mail_server(Desk(), security, name="mail.example.gov") as port:
        office = Office(folder=tmp_path, port=port, security=security)
        office.people("ana@example.gov")
        with pytest.raises(Unavailable, match="no certificate to trust: Hostname mismatch"):
            verify(office)


def test_a_ca_file_that_is_not_there_is_named(office):
    office.more = {"ca_file": "/nowhere/ca.pem"}
    with pytest.raises(Unavailable, match="ca_file cannot be read"):
        verify(office)
    assert LIST_KEY not in repr(office.channel)
