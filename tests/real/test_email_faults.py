"""A mail server that breaks at the worst moments: nobody gets a copy twice, none is lost, by the server's own box."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from live import until
from real.servers.mail import MailServer
from real.servers.smtp_proxy import SmtpProxy
from real.test_email import READERS, Post, posted, seat
from real.town import end, kill

RATE = 'windows = ["always"]\ngrace = "2m"'


@dataclass(frozen=True, kw_only=True)
class Line:
    """A town whose mail goes through a proxy that fails on order."""

    post: Post
    proxy: SmtpProxy

    def copies(self) -> Counter[str]:
        """Count what each reader has got."""
        return Counter(mail.recipients[0] for mail in self.post.mails())

    def states(self, slug: str = "fair") -> list[str]:
        return sorted(self.post.town.states(slug, "bulletin"))

    def release(self, slug: str = "fair") -> None:
        self.post.town.release(slug, f"News of the {slug}.", channels="website, bulletin")

    def work(self, *states: str, slug: str = "fair", seconds: float = 150) -> None:
        """Let a daemon work until the copies stand in these states."""
        running = self.post.town.daemon()
        try:
            until(lambda: self.states(slug) == sorted(states), seconds)
        finally:
            end(running)


@pytest.fixture
def line(tmp_path: Path, mail: MailServer, mail_proxy: SmtpProxy) -> Line:
    place = replace(seat(mail, tmp_path, mail_proxy.port), rate=RATE)
    return Line(post=posted(tmp_path, mail, place), proxy=mail_proxy)


ONCE = Counter(READERS)


def test_an_answer_lost_after_the_dot_is_asked_about_and_never_sent_again(line: Line) -> None:
    lost = line.proxy.swallow("DOT", nth=2)
    line.release()
    line.work("live", "live", "uncertain")
    assert lost.done and line.copies() == ONCE
    (open_one,) = [
        each for each in line.post.town.deliveries("fair", "bulletin") if each["state"] == "uncertain"
    ]
    assert "after the message" in open_one["reason"]
    url = "https://riverton.example.gov/bulletins/fair"
    line.post.town.ok("delivery", "resolve", open_one["id"], "--live", url)
    line.work("live", "live", "live")
    assert line.copies() == ONCE


@pytest.mark.parametrize("verb", ["EHLO", "AUTH", "MAIL", "RCPT", "DATA"])
def test_a_line_lost_before_the_message_is_taken_up_again(line: Line, verb: str) -> None:
    lost = line.proxy.lose(verb)
    line.release()
    line.work("live", "live", "live")
    assert lost.done and line.copies() == ONCE


def test_a_daemon_killed_between_accept_and_receipt_sends_nothing_twice(line: Line) -> None:
    line.proxy.delay(60, "DOT", nth=2)
    line.release()
    running = line.post.town.daemon()
    # two copies go at once, in any order: all have arrived and only the receipt of the delayed one is still out
    until(lambda: len(line.post.mails()) == 3 and line.states().count("live") == 2, 90)
    kill(running)
    line.proxy.clear()
    line.work("live", "live", "uncertain")
    assert line.copies() == ONCE


def test_a_server_that_closes_and_comes_back_gets_each_copy_once(line: Line) -> None:
    storm = line.proxy.answer(421, body=b"4.3.2 Closing", method="MAIL", nth=2)
    line.release()
    line.work("live", "live", "live")
    assert storm.done and line.copies() == ONCE


def test_a_reader_put_off_gets_their_copy_later_and_the_others_do_not_wait(line: Line) -> None:
    line.post.readers("grey-1@residents.example", *READERS)
    line.release()
    line.work("live", "live", "live", "live")
    assert line.copies() == ONCE + Counter(["grey-1@residents.example"])
    asked = Counter(reader for each in line.proxy.seen for reader in READERS if reader in each.path)
    assert asked == ONCE
    assert sum("grey-1@" in each.path for each in line.proxy.seen) == 2


def test_a_password_changed_in_mid_queue_stops_the_channel_and_loses_nothing(line: Line) -> None:
    line.proxy.lose("RCPT", path="(bob|cyd)@", times=99)
    line.release()
    line.work("live", "queued", "queued")
    line.proxy.clear()
    line.proxy.answer(535, body=b"5.7.8 Authentication credentials invalid", method="AUTH", times=99)
    running = line.post.town.daemon()
    try:
        until(lambda: "535" in str(line.post.town.ask("channel", "list", by=None)), 150)
    finally:
        end(running)
    assert line.states() == ["live", "queued", "queued"]
    line.proxy.clear()
    line.post.town.ok("channel", "resume", "bulletin")
    line.work("live", "live", "live")
    assert line.copies() == ONCE


def test_a_server_that_restarts_in_mid_queue_gets_each_copy_once(line: Line, mail: MailServer) -> None:
    line.proxy.lose("RCPT", path="bob@", times=99)
    line.release()
    running = line.post.town.daemon()
    try:
        # nothing is on its way between dot and answer when the server goes down, whichever copy came first
        until(lambda: line.states().count("live") == 2, 150)
        mail.restart()
        line.proxy.clear()
        until(lambda: line.states() == ["live"] * 3, 150)
    finally:
        end(running)
    assert line.copies() == ONCE
