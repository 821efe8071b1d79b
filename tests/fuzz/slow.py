"""Measure by hand: seconds a megabyte of every reader of foreign text, on texts made to be slow.

    python tests/fuzz/slow.py [SIZE] [READER …]

Each reader runs in a process of its own for as long as its texts take, at most ten seconds a text; a reader whose time
grows with the square of the size shows in the second column, which is the time for twice the size over that for once.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from hostile import slow_texts

PATIENCE = 10
SLOW = 1.0


class TooLong(BaseException):
    """A reader did not come to an end."""


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise TooLong


def readers() -> Mapping[str, Callable[[str], Any]]:
    """Name every reader of text that others wrote."""
    import httpx2

    from govpost import characters, evidence, markup, render, sentences
    from govpost.domain import Capabilities
    from govpost_bluesky import facets
    from govpost_email import addresses, lists, reports
    from govpost_email.settings import Settings
    from govpost_mastodon import words
    from govpost_website import bodies
    from govpost_wordpress import account, blocks, comments, decoding, posts

    mail = Settings.model_validate(
        {"host": "mail.example.gov", "sender": "news@example.gov", "to": "a@example.gov"}
    )
    able = Capabilities(max_chars=500, count="graphemes", threads=True, link_chars=23)
    clean = evidence.Redactor({"token": "a-long-secret"}, {"user": "somebody"})

    def a_mail(kind: str) -> Callable[[str], Any]:
        head = (
            b"From: a@b.example\r\nSubject: hi\r\nContent-Type: text/"
            + kind.encode()
            + b"; charset=utf-8\r\n\r\n"
        )
        return lambda text: reports.read(head + text.encode(), mail, "a list key for tests")

    return {
        "plain": markup.plain,
        "html": markup.to_html,
        "pieces": sentences.pieces,
        "markdown pieces": markup.markdown_pieces,
        "thread": lambda text: render._parts(text, able, 0),
        "characters": lambda text: list(characters.forbidden(text)),
        "evidence": clean,
        "website": lambda text: bodies.html(text, "https://news.example.gov/"),
        "website lead": bodies.lead,
        "blocks": blocks.blocks,
        "mail plain": a_mail("plain"),
        "mail html": a_mail("html"),
        "mail from": lambda text: reports.read(
            b"From: " + text.encode() + b"\r\n\r\n", mail, "a list key for tests"
        ),
        "mail raw": lambda text: reports.read(text.encode(), mail, "a list key for tests"),
        "addresses": addresses.without_addresses,
        "list": lambda text: list(
            lists._entries(lists._rows("email,name\n" + text, "a.csv", "email", ""), "k" * 20)
        ),
        "status": words.text_of,
        "status alike": lambda text: words.alike(text, text[1:]),
        "status close": lambda text: words.close(text, text[1:]),
        "comment": comments._plain,
        "wordpress shown": posts.shown,
        "wordpress json": lambda text: _tried(lambda: decoding.decoded(httpx2.Response(200, text=text))),
        "wordpress page": lambda text: account._site("", {}, text, text),
        "facets": facets.marks,
    }


def _tried(call: Callable[[], Any]) -> None:
    with contextlib.suppress(ValueError):
        call()


def seconds(read: Callable[[str], Any], text: str) -> float:
    """Return how long a reader takes; infinity when too long."""
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    start = time.perf_counter()
    try:
        read(text)
    except TooLong:
        return float("inf")
    except Exception as error:
        print(f"    {type(error).__name__}: {str(error)[:80]}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return time.perf_counter() - start


def main() -> None:
    """Print the slow ones."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    signal.signal(signal.SIGALRM, _stop)
    once, twice = slow_texts(size), slow_texts(2 * size)
    for name, read in readers().items():
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        read("Warm up. https://a.example")
        worst = 0.0
        for text in once:
            first, second = seconds(read, once[text]), seconds(read, twice[text])
            rate = second / 2 / size * 1e6
            worst = max(worst, rate)
            if second / max(first, 0.005) > 3 and second > 0.05:
                print(
                    f"{name:16} {text:24} {rate:8.2f} s/MB, {second / max(first, 0.001):5.1f} times for twice the size"
                )
        print(f"{name:16} worst {worst:.2f} s/MB", flush=True)


if __name__ == "__main__":
    main()
