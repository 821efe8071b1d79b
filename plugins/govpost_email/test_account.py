"""Logging in and verifying: what is asked, tried on the server, kept and told."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import pytest

from govpost import Unauthorized, Unavailable
from govpost.wire import Attempt
from govpost_email import Email
from govpost_email.addresses import reference, token
from govpost_email.test_common import LIST_KEY, PASSWORD, USER, Desk, Office, mail_server, variant
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
    assert kept == {"password": PASSWORD, "list_key": LIST_KEY}
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
    assert "2 get it, 1 line cannot be used (line 4 of residents.csv)" in account.notes
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


def test_verifying_counts_in_words(office):
    office.people("ana@example.gov", "ben@example.gov", "no address", "cleo@example.gov")
    left = office.folder / "left.txt"
    left.write_text("ana@example.gov\n")
    office.more = {"unsubscribed_file": str(left)}
    account = verify(office)
    assert account.notes[0] == "2 get it, 1 has left, 1 line cannot be used (line 4 of residents.csv)"
    assert account.missing == ()
    office.more |= {"suppressed_file": str(office.folder / "bounced.txt")}
    (office.folder / "bounced.txt").write_text("ben@example.gov\n")
    assert verify(office).notes[0].startswith("1 gets it, 2 have left or bounced, 1 line")


def test_a_line_of_somebody_unknown_who_left_is_missing(office):
    left = office.folder / "left.txt"
    left.write_text("# who left\nana@example.gov\nwhat is this\n")
    office.more = {"unsubscribed_file": str(left)}
    account = verify(office)
    (missing,) = account.missing
    assert missing.startswith("line 3 of left.txt: neither an address nor a reference nor a token")
    assert "list_key" in missing
    assert "who of them left is not known" in account.notes[0]


def test_a_file_of_those_who_left_that_is_not_there_is_missing_and_its_folder_is_named(office):
    office.more = {"unsubscribed_file": str(office.folder / "left.txt")}
    (missing,) = verify(office).missing
    assert f"left.txt, which says who left the list, is not in the folder {office.folder}" in missing
    assert "make it empty if nobody has left" in missing


def test_logging_in_again_keeps_the_list_key_and_who_left_stays_out(office):
    left = office.folder / "left.txt"
    office.more = {"unsubscribed_file": str(left)}
    left.write_text("")
    first = office.refs()[0]
    left.write_text(token(first, LIST_KEY) + "\n")
    kept, _ = login(office, PASSWORD)
    office.secrets = kept
    assert first not in office.refs()
    assert verify(office).missing == ()


@pytest.mark.parametrize("line", [token("a" * 20, LIST_KEY), "a" * 20])
def test_no_list_key_is_made_while_somebody_left_under_an_earlier_one(office, line):
    left = office.folder / "left.txt"
    left.write_text(f"{line}\n")
    office.more = {"unsubscribed_file": str(left)}
    office.secrets = {"list_key": ""}
    with pytest.raises(Unauthorized, match="no new list_key can tell who left") as caught:
        login(office)
    assert "list_key" in caught.value.tip
    left.write_text("ana@example.gov\n")
    kept, _ = login(office, PASSWORD)
    assert len(kept["list_key"]) == 64


def test_logging_in_without_the_file_of_those_who_left_says_to_make_it(office):
    office.more = {"unsubscribed_file": str(office.folder / "left.txt")}
    office.secrets = {"list_key": ""}
    with pytest.raises(Unavailable, match="is not in the folder") as caught:
        login(office)
    assert "make it empty if nobody has left" in caught.value.tip


def test_another_list_key_sends_nothing_to_those_who_may_have_left(office, desk):
    left = office.folder / "left.txt"
    left.write_text("")
    office.more = {"unsubscribed_file": str(left)}
    left.write_text(token(office.refs()[0], LIST_KEY) + "\n")
    office.secrets = {"list_key": "another key of this list"}
    with pytest.raises(Unavailable, match=r"line 1 of left\.txt: .*nothing is sent") as caught:
        office.refs()
    assert "list_key" in caught.value.tip
    ana = reference("ana@example.gov", "another key of this list")
    with pytest.raises(Unavailable, match="nothing is sent"):
        office.send(variant(recipient=ana))
    assert desk.asked == []
    assert "line 1 of left.txt" in verify(office).missing[0]


def test_references_of_nobody_on_the_list_are_told(office):
    left = office.folder / "left.txt"
    left.write_text(f"{reference('ana@example.gov', 'another key of this list')}\nzoe@example.gov\n")
    office.more = {"unsubscribed_file": str(left)}
    assert "1 reference of those who left: of nobody" in " ".join(verify(office).notes)


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
