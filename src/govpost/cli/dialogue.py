"""The person at the terminal during a log-in; away from a terminal the answers are lines on standard input."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

import click

from govpost.cli import out
from govpost.errors import Refused

PATIENCE = 300.0
"""How many seconds a person may take in the browser."""

_PAGE = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>govpost</title>
<body><h1>Thank you</h1><p>You can close this window and go back to the terminal.</p></body></html>
"""


class Terminal:
    """A `govpost.contract.Dialogue`. `browser`: the person has one here; `aside`: standard output is kept clean.

    As a context manager it closes the loopback address at the end.
    """

    def __init__(self, *, browser: bool, aside: bool = False, patience: float = PATIENCE) -> None:
        self.browser = browser
        self.aside = aside
        self.patience = patience
        self._listener: Listener | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listener is not None:
            self._listener.close()

    def say(self, words: str) -> None:
        """Show a line."""
        out.say(words, err=self.aside)

    def ask(self, question: str, *, secret: bool = False) -> str:
        """Ask for a line; a secret is not shown while it is typed. `Refused` where nobody answers."""
        if not sys.stdin.isatty():
            out.say(f"{question}:", err=True)
            line = sys.stdin.readline()
            if not line:
                raise Refused(
                    f"nobody answers: {question}", "run it on a terminal, or give one line for each answer"
                )
            return line.strip()
        try:
            typed: str = click.prompt(
                out.plain(question), hide_input=secret, default="", show_default=False, err=True
            )
        except click.Abort:
            raise KeyboardInterrupt from None
        return typed.strip()

    def redirect(self) -> str | None:
        """Return the loopback address a browser may be sent back to, None without a browser."""
        if not self.browser:
            return None
        if self._listener is None:
            self._listener = Listener()
        return self._listener.address

    def visit(self, address: str) -> Mapping[str, str]:
        """Open an address in the person's browser; return the query it came back with, nothing without a browser."""
        if urlsplit(address).scheme not in ("http", "https"):
            raise Refused(f"this is no web address: {address[:80]}", "see what the plugin's README says")
        self.say(f"Open this address in your browser:\n  {address}")
        if not self.browser:
            return {}
        import webbrowser

        if not webbrowser.open(address):
            self.say("No browser could be opened; open the address yourself, on this very machine.")
        return self._listener.wait(self.patience) if self._listener is not None else {}


class Listener:
    """A server on loopback, at a port and a path that nobody can guess, for one visit of a browser (RFC 8252, 7.3)."""

    def __init__(self) -> None:
        self._path = f"/{secrets.token_urlsafe(24)}"
        self._came: SimpleQueue[dict[str, str]] = SimpleQueue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._path, self._came))
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    @property
    def address(self) -> str:
        """Return where a browser may be sent back to."""
        return f"http://127.0.0.1:{self._server.server_port}{self._path}"

    def wait(self, seconds: float) -> dict[str, str]:
        """Return the query of the first visit; `Refused` when nobody came in time."""
        try:
            return self._came.get(timeout=seconds)
        except Empty:
            raise Refused(
                f"nobody came back from the browser within {seconds:.0f} seconds",
                "try again; --no-browser takes a code instead, where the platform shows one",
            ) from None

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def _handler(path: str, came: SimpleQueue[dict[str, str]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 30

        def do_GET(self) -> None:
            """Take the visit in and say thank you; any other path is not there."""
            place = urlsplit(self.path)
            right = secrets.compare_digest(place.path.encode(), path.encode())
            self._answer(200 if right else 404, _PAGE if right else b"")
            if right:
                came.put(dict(parse_qsl(place.query, keep_blank_values=True)))

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            for name, value in (
                ("Content-Type", "text/html; charset=utf-8"),
                ("Content-Length", str(len(body))),
                ("Cache-Control", "no-store"),
                ("Referrer-Policy", "no-referrer"),
                ("Content-Security-Policy", "default-src 'none'"),
            ):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: the address holds the code."""

    return Handler


def has_browser(environment: Mapping[str, str], system: str) -> bool:
    """Say whether a browser can be opened here: one is named in BROWSER, or the terminal has a display."""
    if environment.get("BROWSER"):
        return True
    display = system == "darwin" or environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    return bool(display) and sys.stdin.isatty()
