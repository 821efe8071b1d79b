"""Secrets planted everywhere, a server and a plugin that give them back in every shape, and a search for each of them.

The plugin is not malicious: it only puts what it was given where it does not belong, as broken plugins do.
"""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import quote, quote_plus

SIGNS = "/9+Z\"q\\k=&%<7'"
"""Signs that each way of writing text treats in its own way."""

PLUGIN = '''
import govpost


class Mine(govpost.Rejected):
    """Somebody's own error: what it says of itself is not what it was made with."""

    def __init__(self, secret):
        super().__init__("refused")
        self.secret = secret

    def __str__(self):
        return f"refused with {self.secret}"

    def __repr__(self):
        return f"Mine({self.secret!r})"


class Odd(Exception):
    def __init__(self, secret):
        super().__init__(secret, {"token": secret})
        self.note = secret

    def __repr__(self):
        return self.note


class Mirror:
    name = "mirror"
    capabilities = govpost.Capabilities(max_chars=400, threads=True, idempotent_for=None)

    def publish(self, variant, channel, http):
        answer = self._send(variant.text.split()[0], variant, channel, http)
        answer.raise_for_status()
        said = answer.json()
        return govpost.Receipt(remote_id=said["id"], url=said["url"], raw=said)

    def _send(self, word, variant, channel, http):
        secrets = channel.secrets
        if word == "crashes":
            try:
                raise KeyError(secrets["env"])
            except KeyError as error:
                raise Odd(f"{secrets['file']} {secrets['credential']}") from error
        if word == "mine":
            raise Mine(secrets["file"])
        if word == "unbuilt":
            http.get("http://[" + secrets["env"] + "]/")
        if word == "userinfo":
            there = channel.settings["url"].replace("://", "://riverton:" + _quoted(secrets["credential"]) + "@")
            http.post(there + "/denies").raise_for_status()
        if word == "header":
            http.post(self._at(channel, "/x"), headers={"X-Token": secrets["file"] + "\\n"})
        if word == "cookie":
            http.post(self._at(channel, "/refuses"), headers={"Cookie": "s=" + secrets["file"]}).raise_for_status()
        if word == "odd-id":
            return http.post(self._at(channel, "/odd-id"), headers=self._head(channel))
        if word == "moved":
            http.post(self._at(channel, "/moved"), headers=self._head(channel)).raise_for_status()
        return http.post(
            self._at(channel, "/" + word.strip(".,")),
            params={"key": secrets["env"]},
            headers=self._head(channel),
            json={"text": variant.text, "credential": secrets["credential"], "all": dict(secrets)},
        )

    def confirm(self, variant, receipt, channel, http):
        http.get(self._at(channel, "/breaks"), headers=self._head(channel)).raise_for_status()

    def verify(self, channel, http):
        said = http.get(self._at(channel, "/me"), headers=self._head(channel)).json()
        shown = tuple(said["shapes"])
        return govpost.Account(
            remote_id="7", name=shown[0], url="https://mirror.example/" + shown[1], server=shown[2],
            limits={"most": shown, shown[0]: 5}, missing=shown, links=shown, notes=shown,
        )

    def measure(self, receipts, channel, http):
        http.get(self._at(channel, "/breaks"), headers=self._head(channel)).raise_for_status()

    def replies(self, channel, since, http):
        said = http.get(self._at(channel, "/me"), headers=self._head(channel)).json()["shapes"]
        for number, shape in enumerate(said):
            yield govpost.Reply(
                remote_id=f"r{number}", text=shape, author=shape, url="https://mirror.example/" + said[1],
                author_url="https://mirror.example/" + said[1], raw={"said": shape}, cursor=str(number),
                at=__import__("datetime").datetime(2026, 1, 1),
            )
        yield govpost.Reply(remote_id=said[0], text="id", author="x", at=None, cursor=said[0], to=said[0])

    def refresh(self, channel, http):
        answer = http.post(self._at(channel, "/token"), json={"refresh": channel.secrets["refresh_token"]})
        answer.raise_for_status()
        return answer.json()["new"]

    def login(self, channel, talk, http):
        password = talk.ask("Password", secret=True)
        answer = http.post(self._at(channel, "/login"), json={"password": password}, headers={
            "Authorization": "Basic " + __import__("base64").b64encode(f"riverton:{password}".encode()).decode()})
        if "wrong" in password:
            raise govpost.Unauthorized(f"{password} is wrong: {answer.text}", tip=f"not {password}")
        answer.raise_for_status()
        return answer.json()["new"]

    def _head(self, channel):
        return {"Authorization": "Bearer " + channel.secrets.get("access_token", channel.secrets["file"])}

    def _at(self, channel, path):
        return channel.settings["url"] + path


def _quoted(secret):
    from urllib.parse import quote
    return quote(secret, safe="")


@govpost.hookimpl
def govpost_platforms():
    return [Mirror()]
'''


def canary(name: str) -> str:
    """Return a secret that stands nowhere else."""
    return f"Kanarie-{name}-{SIGNS}-{name[::-1]}-eiranaK"


def shapes(secret: str) -> Iterator[str]:
    """Give the ways a secret may be written by those who do not mean to give it away."""
    raw = secret.encode()
    yield from (secret, quote(secret), quote(secret, safe=""), quote_plus(secret))
    yield re.sub("%..", lambda found: found[0].lower(), quote(secret, safe=""))
    yield from (json.dumps(secret)[1:-1], json.dumps(secret)[1:-1].replace("/", "\\/"), repr(secret)[1:-1])
    yield "".join(sign if sign.isascii() and sign.isalnum() else _escaped(sign) for sign in secret)
    yield from (html.escape(secret), html.escape(secret, quote=False), raw.hex(), raw.hex().upper())
    for before in ("", "Bearer ", "riverton:", "x"):
        whole = f"{before}{secret}".encode()
        yield from (base64.b64encode(whole).decode(), base64.urlsafe_b64encode(whole).decode().rstrip("="))


def _escaped(sign: str) -> str:
    units = sign.encode("utf-16-be").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


def sought(secret: str) -> Iterator[bytes]:
    """Give the bytes to search for: every shape, in base64 whatever stands before and after it."""
    yield from (shape.encode() for shape in shapes(secret))
    raw = secret.encode()
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + raw)
        core = coded[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
        yield from (core, core.replace(b"+", b"-").replace(b"/", b"_"))


def found(secrets: Mapping[str, str], written: Mapping[str, bytes]) -> list[str]:
    """Name each secret that stands somewhere in what was written, in any shape, or spread over lines."""
    leaks = []
    for place, data in written.items():
        squeezed = re.sub(rb"[\s,]+", b"", data)
        unescaped = data.replace(b'\\"', b'"').replace(b"\\\\", b"\\")
        for name, secret in secrets.items():
            for shape in sought(secret):
                for kind, text in (("", data), (" squeezed", squeezed), (" unescaped", unescaped)):
                    if shape in text:
                        at = text.index(shape)
                        leaks.append(
                            f"{name} in {place}{kind}: {text[max(0, at - 120) : at + len(shape) + 20]!r}"
                        )
    return leaks


class _Handler(BaseHTTPRequestHandler):
    """Answers with everything it was told, in every shape."""

    protocol_version = "HTTP/1.1"
    fresh: ClassVar[Mapping[str, str]] = {}
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        told = [self.headers[name] for name in ("Authorization", "X-Token", "Cookie") if self.headers[name]]
        secrets = [_plain(each) for each in told]
        with suppress(ValueError):
            secrets += [each for each in json.loads(body).values() if isinstance(each, str)]
        shown = [shape for secret in secrets for shape in shapes(secret)]
        self.seen.append(self.path)
        self._say(self.path.split("?")[0].strip("/"), shown or ["nothing"], secrets, body)

    def _say(self, word: str, shown: list[str], secrets: list[str], body: str) -> None:
        status = {"refuses": 400, "denies": 403, "breaks": 502, "busy": 503, "moved": 308, "login": 200}.get(
            word, 201
        )
        said: dict[str, object] = {
            "id": "42",
            "url": "https://mirror.example/42",
            "shapes": shown,
            "body": body,
            "path": self.path,
        }
        if word == "odd-id":
            said["id"] = secrets[0]
        if word in ("login", "token"):
            said["new"] = dict(self.fresh)
        if word in ("login", "token", "me"):
            status = 200
        text = json.dumps(said)
        if word == "denies":
            text = "you said " + " ".join(shown) + f" at {self.path}"
        data = text.encode()
        self.send_response(status, "No " + (secrets[0] if secrets else ""))
        half = len(secrets[0]) // 2 if secrets else 0
        for secret in secrets[:1]:
            self.send_header("X-Echo", secret[:half])
            self.send_header("X-Echo", secret[half:])
            self.send_header("X-Whole", secret)
            self.send_header("X-Told", self.headers["Authorization"] or "")
            self.send_header("X-Folded", f"{secret[:half]}\r\n {secret[half:]}")
            self.send_header("Set-Cookie", f"s={quote(secret)}")
        if word == "moved":
            self.send_header("Location", "https://mirror.example/?t=" + quote(secrets[0], safe=""))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _plain(credentials: str) -> str:
    """Return what stands behind ``Bearer`` or, decoded, behind ``Basic``."""
    scheme, _, said = credentials.partition(" ")
    return base64.b64decode(said).decode() if scheme == "Basic" else said or credentials


@contextmanager
def mirror(fresh: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Run the server; a log-in and a renewal give out `fresh`. Yields its address and the paths it was asked for."""
    seen: list[str] = []
    handler = type("Handler", (_Handler,), {"fresh": fresh, "seen": seen})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
