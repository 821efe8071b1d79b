"""The conformance suite of the optional parts: honest platforms pass, and each lie is caught by its own check."""

from __future__ import annotations

import dataclasses

import httpx2
import pytest

from board import Board, BoardServer, Letters
from govpost.testing import PlatformContract, check
from govpost.testing.bench import Bench
from govpost.testing.fakes import response
from govpost.testing.parts.logins import Logins
from govpost.testing.words import heard, readable


class TestAnHonestPlatformKeepsEveryPart(PlatformContract):
    platform = Board()


class TestAnHonestPlatformWithRecipientsKeepsEveryPart(PlatformContract):
    platform = Letters()


class WithAPage(Board):
    """Its server shows a page where a person agrees, so that the server says itself what comes of a visit."""

    class Server(BoardServer):
        def visit(self, address):
            answer = self(httpx2.Request("GET", address))
            if answer.status_code == 302:
                return dict(httpx2.URL(answer.headers["location"]).params)
            return answer.text.removeprefix("<p>").removesuffix("</p>")

    example = dataclasses.replace(Board.example, server=Server)


class AsksForMore(Board):
    def login(self, channel, talk, http):
        talk.ask("Your mother's maiden name?")


def test_a_server_may_say_itself_what_comes_of_a_visit():
    assert [result for result in check(WithAPage(), [Logins]) if not result.ok] == []


def test_a_question_that_the_example_does_not_answer_is_named():
    messages = [result.message for result in check(AsksForMore(), [Logins]) if not result.ok]
    assert any("maiden name" in message for message in messages)


@pytest.mark.parametrize("limit", [400_000, 1_000_000, 5_000_000, 40_000_000])
def test_the_big_picture_is_as_big_as_the_platform_takes_and_no_bigger(limit):
    class Small(Board):
        capabilities = dataclasses.replace(Board.capabilities, max_media_bytes=limit)

    with Bench(Small(), lambda _: response(201)) as bench:
        (medium,) = bench.with_big_picture(bench.variant()).media
        size = medium.path.stat().st_size
    assert 0.97 * min(limit, 5_000_000) < size <= min(limit, 5_000_000)


def test_html_is_read_as_a_person_reads_it():
    said = '<!-- a note --><p>Caf&eacute; &lt;open&gt; <img alt="A door &amp; a key" src="d.png"></p>'
    read = readable(said)
    assert "Café <open>" in read
    assert "A door & a key" in read
    assert readable("5 > 4") == "5 > 4"


def test_what_is_no_json_says_nothing_but_its_headers():
    assert heard(httpx2.Response(200, text="hello", headers={"x-id": "7"})) == ["7"]
