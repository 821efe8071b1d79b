"""What comes back by mail: bounces as Postfix writes them, complaints, wishes to leave, and people's answers."""

from __future__ import annotations

import re
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from govpost import Unavailable
from govpost.wire import Attempt
from govpost_email import Email
from govpost_email.addresses import reference, token
from govpost_email.reports import read
from govpost_email.settings import Settings
from govpost_email.test_common import LIST_KEY, Office, certificate

BOUNCE = (Path(__file__).parent / "cassettes" / "postfix-bounce.eml").read_bytes()
OURS = "<01920000-0000-7000-8000-000000000001.37790b08496da375eb65@example.com>"
REF = "37790b08496da375eb65"
ANSWER = f"""From: Ana Ruiz <Ana@example.org>
To: news@example.com
Subject: Re: Main Street bridge closed Friday
Message-ID: <a1@example.org>
In-Reply-To: {OURS}
Content-Type: text/plain; charset=utf-8

Does the detour take wheelchairs – and buses?
Write to ana@example.org.

> The bridge is closed on Friday.
> Unsubscribe: …
"""
COMPLAINT = f"""From: feedback@provider.example
Message-ID: <c1@provider.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary=x

--x
Content-Type: message/feedback-report

Feedback-Type: abuse
Version: 1

--x
Content-Type: message/rfc822

Message-ID: {OURS}

--x--
"""
LEAVING = (
    f"From: ana@example.org\nSubject: unsubscribe {token(REF, LIST_KEY)}\nMessage-ID: <l1@x>\n\nplease\n"
)
AWAY = f"From: ana@example.org\nAuto-Submitted: auto-replied\nIn-Reply-To: {OURS}\nMessage-ID: <w1@x>\n\nI am away.\n"
SETTINGS = {
    "host": "localhost",
    "sender": "news@example.com",
    "list_file": "residents.csv",
}


def judged(raw: str | bytes):
    data = raw.encode() if isinstance(raw, str) else raw
    return read(data, Settings.model_validate(SETTINGS), LIST_KEY)


# Reading one message


def test_a_bounce_of_postfix_tells_whose_copy_came_back_and_why():
    news = judged(BOUNCE)
    assert (news.kind, news.ref, news.about, news.status) == ("bounce", REF, OURS, "5.1.1")
    assert news.text == "failed 5.1.1 user unknown"
    assert news.ends


@pytest.mark.parametrize(
    ("status", "action", "kind", "ends"),
    [
        ("5.1.10", "failed", "bounce", True),
        ("5.2.1", "failed", "bounce", True),
        ("5.2.2", "failed", "bounce", False),
        ("5.7.1", "failed", "bounce", False),
        ("4.4.1", "delayed", "delay", False),
    ],
)
def test_only_a_mailbox_that_is_gone_ends_the_mail_to_it(status, action, kind, ends):
    raw = BOUNCE.replace(b"Status: 5.1.1", f"Status: {status}".encode()).replace(
        b"Action: failed", f"Action: {action}".encode()
    )
    news = judged(raw)
    assert (news.kind, news.ends) == (kind, ends)


def test_an_answer_is_kept_without_quotes_and_addresses():
    news = judged(ANSWER)
    assert (news.kind, news.about, news.message_id) == ("answer", OURS, "<a1@example.org>")
    assert news.ref == reference("ana@example.org", LIST_KEY)
    assert news.text == "Does the detour take wheelchairs – and buses?\nWrite to [address]."
    assert not news.ends


def test_an_answer_in_html_becomes_text():
    raw = "From: x\nContent-Type: text/html\n\n<style>p{}</style><p>When does it <b>open</b> &amp; close?</p>"
    news = judged(raw)
    assert " ".join(news.text.split()) == "When does it open & close?"
    assert news.about is None


def test_a_complaint_ends_the_mail():
    news = judged(COMPLAINT)
    assert (news.kind, news.ref, news.ends) == ("complaint", REF, True)


def test_a_wish_to_leave_needs_the_token_that_only_its_reader_has():
    assert (judged(LEAVING).kind, judged(LEAVING).ref, judged(LEAVING).ends) == ("leaving", REF, True)
    forged = LEAVING.replace(token(REF, LIST_KEY), f"{REF}-{'0' * 20}")
    assert judged(forged).kind == "answer"


def test_a_machines_answer_is_nobodys():
    assert judged(AWAY).kind == "automatic"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n--x\n",
        b"Content-Type: text/plain; charset=klingon\n\nhm",
        b"Content-Type: multipart/mixed\n\nno boundary",
        b"From: =?utf-8?b?//8=?= <@>\nMessage-ID: <<\nSubject: \xff\n\nx",
        b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n%%%",
    ],
)
def test_whatever_comes_is_read_without_a_fault(raw):
    assert not judged(raw).ends


# The mailbox


class Box:
    """An IMAP mailbox of a few lines: what RFC 9051 needs for reading by UID."""

    def __init__(self, *mails: str | bytes) -> None:
        self.mails = [mail.encode() if isinstance(mail, str) else mail for mail in mails]
        self.validity = 7
        self.first = 11
        self.said: list[str] = []
        self.refuse = ""

    def uids(self) -> list[int]:
        return list(range(self.first, self.first + len(self.mails)))

    def answer(self, tag: str, line: str) -> bytes:
        self.said.append(re.sub(r"LOGIN .*", "LOGIN", line))
        verb = line.split(maxsplit=1)[0].upper()
        if self.refuse and self.refuse in line:
            return f"{tag} NO not here\r\n".encode()
        if verb == "CAPABILITY":
            return f"* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n".encode()
        if verb == "EXAMINE":
            about = f"* {len(self.mails)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] valid\r\n"
            return f"{about}{tag} OK [READ-ONLY] done\r\n".encode()
        if "SEARCH" in line:
            return f"* SEARCH {' '.join(map(str, self._found(line)))}\r\n{tag} OK done\r\n".encode()
        if "FETCH" in line:
            uid = int(line.split()[2])
            mail = self.mails[uid - self.first]
            head = f'* 1 FETCH (UID {uid} INTERNALDATE "21-Nov-2026 15:12:{uid:02} +0000" BODY[]<0> {{{len(mail)}}}\r\n'
            return head.encode() + mail + f")\r\n{tag} OK done\r\n".encode()
        return f"* BYE\r\n{tag} OK done\r\n".encode() if verb == "LOGOUT" else f"{tag} OK done\r\n".encode()

    def _found(self, line: str) -> list[int]:
        begins = re.search(r"UID (\d+):\*", line)
        if not begins:
            return self.uids()
        # n:* holds the newest even when it is older than n
        return [uid for uid in self.uids() if uid >= int(begins[1])] or self.uids()[-1:]


@contextmanager
def serving(box: Box) -> Iterator[int]:
    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"* OK ready\r\n")
            for line in self.rfile:
                tag, _, rest = line.decode().strip().partition(" ")
                self.wfile.write(box.answer(tag, rest))
                if rest.upper().startswith("LOGOUT"):
                    return

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def get_request(self) -> tuple[ssl.SSLSocket, object]:
            plain, address = super().get_request()
            return certificate().wrap_socket(plain, server_side=True), address

    with Listener(("127.0.0.1", 0), Talk) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield listener.server_address[1]
        listener.shutdown()
        thread.join()


@pytest.fixture
def office(tmp_path):
    return Office(folder=tmp_path, port=1)


def replies(office: Office, box: Box, since: str | None = None, seconds: float = 60):
    with serving(box) as port:
        office.more |= {
            "sender": "news@example.com",
            "imap_host": "localhost",
            "imap_port": port,
            "imap_user": "bounces",
            "suppressed_file": str(office.folder / "bounced.txt"),
        }
        office.secrets = {"imap_password": "a word"}
        with Attempt(office.channel, deadline=time.monotonic() + seconds) as attempt:
            return list(Email().replies(office.channel, since, attempt.client))


def test_bounces_and_answers_are_told_oldest_first_and_without_addresses(office):
    found = replies(office, Box(BOUNCE, AWAY, ANSWER))
    bounce, answer = found
    assert (bounce.author, bounce.to, bounce.state, bounce.kind) == (REF, OURS, "held", "reply")
    assert bounce.raw == {"kind": "bounce", "status": "5.1.1"}
    assert (answer.to, answer.state, answer.raw) == (OURS, "shown", {"kind": "answer"})
    assert bounce.at < answer.at
    assert bounce.at.isoformat() == "2026-11-21T15:12:11+00:00"
    assert [reply.cursor for reply in found] == ["7:11", "7:13"]
    assert not any("@example.org" in f"{reply.text}{reply.author}" for reply in found)


def test_who_bounced_complained_or_left_gets_nothing_more(office):
    box = Box(
        BOUNCE,
        COMPLAINT.replace(REF, "a" * 20),
        LEAVING.replace(token(REF, LIST_KEY), token("b" * 20, LIST_KEY)),
    )
    found = replies(office, box)
    assert [reply.raw["kind"] for reply in found] == ["bounce", "complaint"]
    noted = {token(each, LIST_KEY) for each in (REF, "a" * 20, "b" * 20)}
    assert set((office.folder / "bounced.txt").read_text().split()) == noted
    replies(office, box)
    assert len((office.folder / "bounced.txt").read_text().split()) == 3


def test_reading_goes_on_behind_the_last_one_and_comes_to_an_end(office):
    box = Box(BOUNCE, ANSWER, AWAY)
    since = replies(office, box)[-1].cursor
    assert since == "7:13"
    assert replies(office, box, since) == []
    box.mails.append(ANSWER.replace("<a1@", "<a2@").encode())
    assert [reply.remote_id for reply in replies(office, box, since)] == ["<a2@example.org>"]


def test_a_mailbox_made_anew_is_read_from_its_newest_page(office):
    box = Box(*[ANSWER.replace("<a1@", f"<a{n}@") for n in range(60)])
    found = replies(office, box, "6:70")
    assert len(found) == 50
    assert found[0].remote_id == "<a10@example.org>"


def test_the_mailbox_is_not_changed(office):
    box = Box(ANSWER)
    replies(office, box)
    assert not any(word in " ".join(box.said) for word in ("STORE", "SELECT", "EXPUNGE", "COPY"))
    assert "PEEK" in " ".join(box.said)


def test_reading_ends_before_the_deadline(office):
    assert replies(office, Box(ANSWER), seconds=4.5) == []


def test_an_empty_mailbox_says_nothing(office):
    assert replies(office, Box()) == []
    assert not (office.folder / "bounced.txt").exists()


def test_a_message_without_an_id_is_named_by_its_place(office):
    (reply,) = replies(office, Box("From: ana@example.org\n\nhello\n"))
    assert (reply.remote_id, reply.kind, reply.to) == ("imap:7:11", "mention", None)


@pytest.mark.parametrize("refuse", ["LOGIN", "EXAMINE", "SEARCH", "FETCH"])
def test_a_mailbox_that_cannot_be_read_is_named(office, refuse):
    box = Box(ANSWER)
    box.refuse = refuse
    with pytest.raises(Unavailable, match="the mailbox at localhost cannot be read") as caught:
        replies(office, box)
    assert "imap_password" in caught.value.tip
    assert "a word" not in str(caught.value)


def test_a_mailbox_that_is_not_there_is_named(office):
    with serving(Box()) as port:
        pass
    office.more = {
        "imap_host": "localhost",
        "imap_port": port,
        "suppressed_file": str(office.folder / "b.txt"),
    }
    with (
        Attempt(office.channel, deadline=time.monotonic() + 60) as attempt,
        pytest.raises(Unavailable, match="localhost cannot be reached"),
    ):
        Email().replies(office.channel, None, attempt.client)


def test_without_a_mailbox_nobody_says_anything(office):
    with Attempt(office.channel, deadline=time.monotonic() + 60) as attempt:
        assert list(Email().replies(office.channel, None, attempt.client)) == []
