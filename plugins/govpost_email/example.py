"""A mail server of a few lines on loopback, for the conformance suite: it takes mail after a log-in and keeps it."""

from __future__ import annotations

import base64
import email
import email.policy
import socketserver
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from govpost import Example
from govpost_email.words import ENGLISH, SPANISH

if TYPE_CHECKING:
    import httpx2

_USER = "agency"
_WORD = "the password of the example"
_GREETING = ("mail.example.gov", "SIZE 20000000", "8BITMIME", "AUTH PLAIN")


class Server:
    """Listens until it is closed; `settings` say where."""

    def __init__(self) -> None:
        self._listener = _Listener()
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.settings: Mapping[str, Any] = {"port": self._listener.server_address[1]}

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Refuse what is not mail."""
        raise AssertionError(f"the bulletin asks for {request.url}")

    def public(self) -> Iterable[str]:
        """Return the words of each message."""
        return [_words(data) for data in self._listener.box]

    def close(self) -> None:
        """Stop listening."""
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()


EXAMPLE = Example(
    settings={
        "host": "127.0.0.1",
        "tls": "none",
        "user": _USER,
        "sender": "news@riverton.example.gov",
        "sender_name": "City of Riverton",
        "to": "bulletin@lists.example.gov",
    },
    secrets={"password": _WORD},
    words=(*ENGLISH.values(), *SPANISH.values()),
    person={"password": _WORD},
    server=Server,
)


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        self.box: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Talk)


class _Talk(socketserver.StreamRequestHandler):
    server: _Listener

    def handle(self) -> None:
        self._say("220 mail.example.gov ESMTP")
        known = False
        for line in iter(self.rfile.readline, b""):
            verb, _, rest = line.decode().strip().partition(" ")
            if verb == "AUTH":
                known = (
                    rest == f"PLAIN {base64.b64encode(f'{chr(0)}{_USER}{chr(0)}{_WORD}'.encode()).decode()}"
                )
                self._say("235 2.7.0 Ok" if known else "535 5.7.8 Wrong user or password")
            elif verb == "QUIT":
                self._say("221 2.0.0 Bye")
                return
            else:
                self._answer(verb, known=known)

    def _answer(self, verb: str, *, known: bool) -> None:
        if verb.upper() == "EHLO":
            self._say(*(f"250-{line}" for line in _GREETING[:-1]), f"250 {_GREETING[-1]}")
        elif not known:
            self._say("530 5.7.0 Authentication required")
        elif verb == "DATA":
            self._say("354 Go on")
            self.server.box.append(b"".join(iter(self.rfile.readline, b".\r\n")).replace(b"\r\n..", b"\r\n."))
            self._say(f"250 2.0.0 Ok: queued as {len(self.server.box)}")
        else:
            self._say("250 2.0.0 Ok")

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


def _words(data: bytes) -> str:
    message = email.message_from_bytes(data, policy=email.policy.SMTP)
    parts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    return "\n".join([str(message["Subject"]), *parts])
