"""What a mail server that misbehaves makes of a copy: a server scripted line by line, over a real socket."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from govpost import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from govpost_email import talk
from govpost_email.test_common import Office, variant

GREETING = "250-mail.example.gov\r\n250-SIZE 4000\r\n250 AUTH PLAIN"
CLOSE = ""


@dataclass
class Script:
    """The answer to each verb; an empty one hangs up, ``DOT`` is the end of the message."""

    answers: dict[str, str] = field(default_factory=dict)
    greeting: str = "220 mail.example.gov ESMTP"
    seen: list[str] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    drip: float = 0.0
    cut: bool = False

    def answer(self, verb: str) -> str:
        self.seen.append(verb)
        usual = {"EHLO": GREETING, "AUTH": "235 Ok", "DATA": "354 Go on", "QUIT": "221 Bye"}
        return self.answers.get(verb, usual.get(verb, "250 Ok"))


@contextmanager
def scripted(script: Script) -> Iterator[int]:
    """Run a scripted server on loopback for one connection after the other; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                _talk(connection, script)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def _talk(connection: socket.socket, script: Script) -> None:
    if not _say(connection, script, script.greeting):
        return
    lines = connection.makefile("rb")
    for line in iter(lines.readline, b""):
        verb = line.decode("utf-8", "replace").split()[0].upper()
        script.lines.append(line)
        answer = script.answer(verb)
        if not _say(connection, script, answer):
            return
        if verb == "DATA" and script.cut:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        if verb == "DATA" and answer.startswith("354"):
            for text in iter(lines.readline, b".\r\n"):
                if not text:
                    return
                script.lines.append(text)
            if not _say(connection, script, script.answer("DOT")):
                return


def _say(connection: socket.socket, script: Script, answer: str) -> bool:
    if not answer:
        return False
    data = f"{answer}\r\n".encode()
    pieces = [data[n : n + 1] for n in range(len(data))] if script.drip else [data]
    for piece in pieces:
        time.sleep(script.drip)
        connection.sendall(piece)
    return True


def outcome(tmp_path, script: Script, seconds: float = 30, **values) -> PublishError:
    """Send one copy and return what it ends with."""
    with scripted(script) as port:
        office = Office(folder=tmp_path, port=port, security="none")
        office.people("ana@example.gov")
        (ref,) = office.refs()
        with pytest.raises(PublishError) as caught:
            office.send(variant(recipient=ref, **values), seconds=seconds)
    assert "ana@" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("verb", "answer", "expected"),
    [
        ("EHLO", "554 5.7.1 We do not know you", Unavailable),
        ("EHLO", "421 4.3.2 Closing", RateLimited),
        ("AUTH", "535 5.7.8 Wrong", Unauthorized),
        ("AUTH", "454 4.7.0 Temporary authentication failure", Unavailable),
        ("MAIL", "530 5.7.0 Authentication required", Unauthorized),
        ("MAIL", "553 5.7.1 Sender address rejected: not owned by user", Unauthorized),
        ("MAIL", "451 4.7.1 Too many messages, slow down", RateLimited),
        ("MAIL", "452 4.3.1 Insufficient system storage", Unavailable),
        ("MAIL", "552 5.3.4 Message too big", Rejected),
        ("MAIL", "550 5.3.4 Message too big", Rejected),
        ("MAIL", "501 5.5.4 Syntax", Rejected),
        ("RCPT", "550 5.1.1 <ana@example.gov> unknown", Rejected),
        ("RCPT", "451 4.7.1 <ana@example.gov> greylisted", Unavailable),
        ("RCPT", "452 4.2.2 Mailbox full", Unavailable),
        ("RCPT", "421 4.7.0 Too many connections", RateLimited),
        ("DATA", "554 5.5.1 No valid recipients", Rejected),
        ("DATA", "451 4.3.0 Later", Unavailable),
        ("DATA", "250 What", Unavailable),
        ("DOT", "554 5.7.1 Rejected as spam", Rejected),
        ("DOT", "451 4.3.0 Queue file write error", Unavailable),
        ("DOT", "421 4.7.0 Closing", RateLimited),
        ("DOT", "352 What", Uncertain),
        ("DOT", "no number at all", Uncertain),
        ("DOT", CLOSE, Uncertain),
        ("DATA", CLOSE, Unavailable),
        ("RCPT", CLOSE, Unavailable),
        ("MAIL", CLOSE, Unavailable),
        ("AUTH", CLOSE, Unavailable),
        ("EHLO", CLOSE, Unavailable),
        ("RCPT", "no number at all", Unavailable),
    ],
)
def test_each_answer_has_its_meaning(tmp_path, verb, answer, expected):
    script = Script({verb: answer})
    assert type(outcome(tmp_path, script)) is expected
    assert script.seen.count("DOT") == (verb == "DOT")


@pytest.mark.parametrize(
    ("greeting", "expected"),
    [("421 4.3.2 Come back later", RateLimited), ("554 5.7.1 Go away", Unavailable), (CLOSE, Unavailable)],
)
def test_a_server_that_does_not_greet_published_nothing(tmp_path, greeting, expected):
    assert type(outcome(tmp_path, Script(greeting=greeting))) is expected


def test_a_message_over_the_servers_size_is_refused_before_the_first_recipient(tmp_path):
    script = Script()
    assert isinstance(outcome(tmp_path, script, text="Long words. " * 500), Rejected)
    assert "MAIL" not in script.seen


def test_a_server_that_drips_its_answer_gets_no_more_time_than_a_silent_one(tmp_path):
    said = outcome(tmp_path, Script(drip=0.2), seconds=1.5)
    assert type(said) is Unavailable


def test_the_final_dot_is_not_sent_when_there_is_no_time_left_for_its_answer(tmp_path):
    script = Script()
    said = outcome(tmp_path, script, seconds=4.9)
    assert type(said) is Unavailable
    assert "not ended" in str(said)
    assert "DOT" not in script.seen


def test_a_line_that_breaks_within_the_message_published_nothing(tmp_path):
    script = Script({"EHLO": "250-mail.example.gov\r\n250 AUTH PLAIN"}, cut=True)
    said = outcome(tmp_path, script, text="Long words. " * 1_000_000)
    assert type(said) is Unavailable
    assert "before the message was complete" in str(said)


def test_a_port_that_waits_for_tls_is_found_out_soon_and_said_to_be_one(tmp_path, monkeypatch):
    monkeypatch.setattr(talk, "_GREETING_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as quiet:
        office = Office(folder=tmp_path, port=quiet.getsockname()[1])
        office.people("ana@example.gov")
        (ref,) = office.refs()
        with pytest.raises(Unavailable, match="took the connection and did not greet") as caught:
            office.send(variant(recipient=ref), seconds=3600)
    assert caught.value.tip == 'perhaps this port wants tls = "tls"'


def test_without_time_nothing_is_begun(tmp_path):
    script = Script()
    assert type(outcome(tmp_path, script, seconds=0)) is Unavailable
    assert script.seen == []


def test_nothing_is_sent_in_the_open_when_the_server_has_no_starttls(tmp_path):
    script = Script()
    with scripted(script) as port:
        office = Office(folder=tmp_path, port=port)
        office.people("ana@example.gov")
        with pytest.raises(Unavailable, match="offers no STARTTLS"):
            office.send_all()
    assert script.seen == ["EHLO", "QUIT"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [("454 4.7.0 TLS not available", "454"), (CLOSE, "TLS with localhost failed"), ("220 Go", "failed")],
)
def test_a_line_that_cannot_be_secured_is_not_used(tmp_path, answer, said):
    script = Script({"EHLO": "250-mail.example.gov\r\n250 STARTTLS", "STARTTLS": answer})
    with scripted(script) as port:
        office = Office(folder=tmp_path, port=port)
        office.people("ana@example.gov")
        with pytest.raises(Unavailable, match=said):
            office.send_all()
    assert "AUTH" not in script.seen


def test_a_server_without_plain_is_logged_in_to_by_the_ways_it_has(tmp_path):
    greeting = "250-mail.example.gov\r\n250 AUTH LOGIN"
    assert type(outcome(tmp_path, Script({"EHLO": greeting, "AUTH": "535 5.7.8 No"}))) is Unauthorized


def test_a_server_without_any_log_in_is_unavailable(tmp_path):
    said = outcome(tmp_path, Script({"EHLO": "250 mail.example.gov"}))
    assert type(said) is Unavailable
    assert "no way to log in" in str(said)


def test_without_a_user_nobody_logs_in(tmp_path):
    script = Script({"RCPT": "550 no"})
    with scripted(script) as port:
        office = Office(folder=tmp_path, port=port, security="none", more={"user": None})
        office.people("ana@example.gov")
        with pytest.raises(Rejected):
            office.send_all()
    assert "AUTH" not in script.seen


def test_without_a_password_nothing_is_tried(tmp_path):
    script = Script()
    with scripted(script) as port:
        office = Office(folder=tmp_path, port=port, security="none", secrets={"password": ""})
        office.people("ana@example.gov")
        with pytest.raises(Unauthorized, match="no password"):
            office.send_all()


def test_letters_of_other_scripts_need_a_server_that_takes_them(tmp_path):
    with scripted(Script()) as port:
        office = Office(folder=tmp_path, port=port, security="none")
        office.people("ñandú@example.gov")
        with pytest.raises(Rejected, match="SMTPUTF8"):
            office.send_all()


def test_bounces_are_asked_to_hold_no_words(tmp_path):
    script = Script({"EHLO": "250-mail.example.gov\r\n250-DSN\r\n250 AUTH PLAIN", "RCPT": "550 no"})
    outcome(tmp_path, script)
    assert b"MAIL FROM:<news@riverton.example.gov> RET=HDRS\r\n" in script.lines


def test_a_server_that_is_not_there_is_unavailable(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for security in ("none", "tls"):
        office = Office(folder=tmp_path, port=port, security=security)
        office.people("ana@example.gov")
        with pytest.raises(Unavailable, match="cannot be reached"):
            office.send_all()


def test_lines_that_begin_with_a_dot_are_doubled_on_the_way(tmp_path):
    script = Script({"DOT": "554 no"})
    outcome(tmp_path, script, text="```\n.\n..dots\n```")
    assert b"..\r\n" in script.lines
    assert b"...dots\r\n" in script.lines
