"""What a hostile tester did to a bulletin: lists that are short for a moment, a server that does not relay for us."""

from __future__ import annotations

import os
import re
import time

import pytest

from govpost import NotWanted, Rejected, Unauthorized, Unavailable
from govpost_email import Email
from govpost_email.submission import meaning
from govpost_email.test_common import Desk, Office, mail_server, variant
from govpost_email.test_message import written

ANN, BOB = "ann@example.gov", "bob@example.gov"
WRITTEN = "was written to a moment ago"


@pytest.fixture
def office(tmp_path):
    desk = Desk()
    with mail_server(desk) as port:
        office = Office(folder=tmp_path, port=port)
        office.more = {"unsubscribed_file": str(tmp_path / "left.txt")}
        office.desk = desk
        left(office, "")
        os.utime(tmp_path / "left.txt", (0, 0))
        office.people(ANN, BOB)
        yield office


def left(office: Office, text: str) -> None:
    (office.folder / "left.txt").write_text(text)


def now(seconds: float) -> Email:
    """Return a platform that looks `seconds` after the list was written."""
    return Email(clock=lambda: time.time() + seconds)


def waits(what, *given) -> str:
    with pytest.raises(Unavailable, match=WRITTEN) as caught:
        what(*given, None)
    assert caught.value.alone
    return str(caught.value)


def test_a_list_that_is_short_for_a_moment_cancels_nobody(office):
    _, bob = office.refs()
    office.people(ANN)
    assert waits(now(50).publish, variant(recipient=bob), office.channel) == f"the list {WRITTEN}"
    with pytest.raises(NotWanted, match="no longer on the list"):
        now(61).publish(variant(recipient=bob), office.channel, None)
    assert not office.desk.box


@pytest.mark.parametrize("text", ["", "ema"])
def test_a_list_that_is_hardly_begun_lets_one_copy_wait_and_not_the_channel(office, text):
    _, bob = office.refs()
    (office.folder / "residents.csv").write_text(text)
    waits(now(50).publish, variant(recipient=bob), office.channel)
    waits(now(50).recipients, office.channel)
    with pytest.raises(Unavailable, match=r"list is empty|no column") as caught:
        now(61).recipients(office.channel, None)
    assert not caught.value.alone


def test_who_gets_a_copy_is_not_asked_of_a_list_that_is_being_written(office):
    waits(now(2).recipients, office.channel)
    assert len(list(now(10).recipients(office.channel, None))) == 2
    (office.folder / "residents.csv").write_text(f"email\n{ANN}\nbob@exam")
    waits(now(10).recipients, office.channel)
    assert len(list(now(61).recipients(office.channel, None))) == 2


def test_nobody_who_left_gets_mail_while_that_file_is_written_anew(office):
    ann, _ = office.refs()
    for text, age in (("", 50), (f"{BOB}\n", 2), (f"{BOB}\nann@ex", 50)):
        left(office, text)
        assert "who left" in waits(now(age).publish, variant(recipient=ann), office.channel)
    waits(now(50).recipients, office.channel)
    assert not office.desk.box


def test_lines_added_to_those_who_left_hold_up_no_bulletin(office):
    ann, _ = office.refs()
    left(office, f"{BOB}\n")
    with office._attempt(None) as attempt:
        now(10).publish(variant(recipient=ann), office.channel, attempt.client)
    assert len(office.desk.box) == 1


def test_a_file_from_a_clock_that_is_ahead_is_believed_in_the_end(office):
    path = office.folder / "residents.csv"
    os.utime(path, (time.time() + 30, time.time() + 30))
    waits(now(28).recipients, office.channel)
    os.utime(path, (time.time() + 90_000, time.time() + 90_000))
    assert len(list(now(10).recipients(office.channel, None))) == 2


@pytest.mark.parametrize(
    ("code", "text", "means"),
    [
        (554, "5.7.1 <ann@example.gov>: Relay access denied", Unauthorized),
        (550, "5.7.1 Relaying denied. IP name lookup failed", Unauthorized),
        (550, "5.7.54 SMTP; Unable to relay recipient in non-accepted domain", Unauthorized),
        (550, "relay not permitted", Unauthorized),
        (550, "5.7.1 Message refused by the recipient's wish", Rejected),
        (550, "5.1.1 unknown in our relay recipient table", Rejected),
        (550, "5.7.1 <ann@relay.example>: no", Rejected),
        (454, "4.7.1 Relay access denied", Unavailable),
    ],
)
def test_a_server_that_does_not_relay_for_us_says_so_of_us_and_not_of_a_reader(code, text, means):
    assert type(meaning("RCPT", code, text.encode())) is means


@pytest.mark.parametrize(
    ("language", "title", "text"),
    [
        ("ar", "الجسر مغلق يوم الجمعة", "استخدموا شارع البلوط (Oak Street) من 6:00 إلى 18:00."),
        ("he", "הגשר סגור ביום שישי", "השתמשו ברחוב האלון – Oak Street 5."),
    ],
)
def test_a_bulletin_from_right_to_left_arrives_letter_by_letter_and_takes_its_direction(
    language, title, text
):
    mail = written(language=language, title=title, text=text)
    assert mail.message["Subject"] == title
    assert text in mail.text and title in mail.html and text in mail.html
    main = mail.html.partition(f'<main lang="{language}" dir="auto">')[2]
    # the HTML standard: dir=auto goes by the first letter outside of what has a direction of its own
    outside = re.sub(r"<[^>]*>", "", re.sub(r'<p dir="auto".*?</p>', "", main))
    assert outside.strip().startswith(title)
