"""A market square for tests: a server on loopback that speaks OAuth with single-use refresh tokens, and its plugin.

A refresh token that is shown twice closes the account for good, as servers with reuse detection do (RFC 9700, 4.14.2).
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from cli_city import CHARTER, City, city

PLUGIN = """
from dataclasses import replace

from pydantic import BaseModel

import govpost


class Settings(BaseModel, frozen=True, extra="forbid"):
    url: str


class Square:
    name = "square"
    capabilities = govpost.Capabilities(max_chars=100, title=True, link=True)
    Settings = Settings
    REPEATS

    def adapted(self, channel):
        longest = channel.limits.get("longest", self.capabilities.max_chars)
        return replace(self.capabilities, max_chars=int(longest))

    def publish(self, variant, channel, http):
        answer = http.post(self._at(channel, "/posts"), json={"text": variant.text}, headers=self._bearer(channel))
        answer.raise_for_status()
        return govpost.Receipt(remote_id=answer.json()["id"])

    def verify(self, channel, http):
        answer = http.get(self._at(channel, "/me"), headers=self._bearer(channel))
        answer.raise_for_status()
        return govpost.Account(**answer.json())

    def refresh(self, channel, http):
        form = {"grant_type": "refresh_token", "refresh_token": channel.secrets.get("refresh_token", "")}
        answer = http.post(self._at(channel, "/token"), data=form)
        if answer.status_code == 400 and "password" in channel.secrets:
            answer = http.post(self._at(channel, "/token"), data={"grant_type": "password"})
        answer.raise_for_status()
        return answer.json()

    def login(self, channel, talk, http):
        back = talk.redirect()
        query = "state=s1&redirect_uri=" + (back or "none")
        came = talk.visit(self._at(channel, "/authorize?" + query))
        code = came.get("code") or talk.ask("The code that the page shows", secret=True)
        if came and came["state"] != "s1":
            raise govpost.Unauthorized("another log-in came back")
        answer = http.post(self._at(channel, "/token"), data={"grant_type": "authorization_code", "code": code})
        answer.raise_for_status()
        talk.say("The square has let us in.")
        return answer.json()

    def _at(self, channel, path):
        return channel.settings["url"] + path

    def _bearer(self, channel):
        return {"Authorization": "Bearer " + channel.secrets.get("access_token", "")}


@govpost.hookimpl
def govpost_platforms():
    return [Square()]
"""

CHANNEL = """
[channels.square]
platform = "square"
settings = { url = "URL" }
[channels.square.rate]
windows = ["always"]
[channels.square.pilot]
CHARTER
"""


@dataclass
class Square:
    """The server's own ledger. `steps` says what becomes of the next answers at /token: lose, busy, break, no."""

    url: str = ""
    code: str = "code-canary-81723"
    account: dict[str, Any] = field(
        default_factory=lambda: {"remote_id": "7", "name": "@riverton", "limits": {"longest": 40}}
    )
    access: str = ""
    refresh: str = ""
    issued: int = 0
    closed: bool = False
    denied: int = 0
    used: list[str] = field(default_factory=list)
    posts: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.go.set()

    def tokens(self) -> dict[str, str]:
        """Give out a new pair; the one before is worth nothing any more."""
        self.issued += 1
        self.access, self.refresh = f"access-canary-{self.issued}-5519", f"refresh-canary-{self.issued}-7713"
        return {"access_token": self.access, "refresh_token": self.refresh}

    def expire(self) -> None:
        """Let the access token run out."""
        self.access = ""

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer at /token (RFC 6749, 4.1.3 and 6)."""
        self.asked.set()
        step = self.steps.pop(0) if self.steps else ""
        if step in ("busy", "no"):
            return (503, {}) if step == "busy" else (400, {"error": "invalid_grant"})
        self.go.wait(60)
        with self.lock:
            answer = self._token(form)
        if step == "lose":
            return 0, {}
        return (200, {"access_token": 5}) if step == "break" else answer

    def _token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if form["grant_type"] == "authorization_code":
            return (200, self.tokens()) if form["code"] == self.code else (400, {"error": "invalid_grant"})
        if form["grant_type"] == "password":
            return 200, self.tokens()
        shown = form.get("refresh_token", "")
        self.closed = self.closed or shown in self.used
        if self.closed or shown != self.refresh:
            return 400, {"error": "invalid_grant"}
        self.used.append(shown)
        return 200, self.tokens()

    def is_let_in(self, header: str | None) -> bool:
        found = not self.closed and bool(self.access) and header == f"Bearer {self.access}"
        with self.lock:
            self.denied += not found
        return found


def _handler(square: Square) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = urlsplit(self.path)
            if place.path == "/authorize":
                asked = dict(parse_qsl(place.query))
                back = urlencode({"code": square.code, "state": asked["state"]})
                self.answer(302, {}, location=f"{asked['redirect_uri']}?{back}")
            elif not square.is_let_in(self.headers["Authorization"]):
                self.answer(401, {"error": "who are you?"})
            else:
                self.answer(200, square.account)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if self.path == "/token":
                self.answer(*square.token(dict(parse_qsl(body))))
            elif not square.is_let_in(self.headers["Authorization"]):
                self.answer(401, {"error": "who are you?"})
            else:
                square.posts.append(json.loads(body)["text"])
                self.answer(201, {"id": str(len(square.posts))})

        def answer(self, status: int, said: dict[str, Any], location: str = "") -> None:
            if status == 0:
                self.close_connection = True
                return
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if location:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


class Server(ThreadingHTTPServer):
    """Says nothing of those who are killed before they have heard its answer."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def open_square() -> Iterator[Square]:
    """Run the server."""
    square = Square()
    server = Server(("127.0.0.1", 0), _handler(square))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    square.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield square
    finally:
        square.go.set()
        server.shutdown()
        server.server_close()
        thread.join()


def city_with(square: Square, root: Path, *, repeats: bool = False, more: str = "", store: str = "") -> City:
    """Make a city with a channel on the square, its pilot running; `store` is the address of its database."""
    made = city(root, start=False)
    more += f'[store]\ndatabase = "{store}"\n' if store else ""
    made.change("[daemon]", more + "[daemon]") if more else None
    path = root / "config.toml"
    channel = CHANNEL.replace("CHARTER", CHARTER).replace("URL", square.url)
    path.write_text(path.read_text(encoding="utf-8") + channel, encoding="utf-8")
    folder = root / "plugins"
    folder.mkdir()
    (folder / "square.py").write_text(
        PLUGIN.replace("REPEATS", "refresh_repeats = True" if repeats else ""), encoding="utf-8"
    )
    for place, mode in ((folder, 0o755), (folder / "square.py", 0o644)):
        place.chmod(mode)
    made.ok("pilot", "start", "square")
    return made
