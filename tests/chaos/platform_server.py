"""A hostile platform on loopback, in a process of its own, with a ledger of what it truly accepted.

Every channel has a port. The ledger is a file of JSON lines; a line is written before its request is answered.
Standard input takes moods, one a line: `hostile`, `kind`, or `burn` (every channel but the calm one hangs); `forget`
empties all channels.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from chaos import faults
from chaos.faults import Fault
from chaos.wire import Broken, Request, answer, fail, read, reset

LATE = 0.6
"""How long after it was read a late post is taken in, in seconds; far less than the platforms' `settles_after`."""
CALM = "calm"


@dataclass
class Ledger:
    """What was asked and what was truly taken in, on disk before any answer."""

    path: str
    posts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.number = 0

    def write(self, **line: Any) -> None:
        os.write(self.handle, (json.dumps({"at": time.time()} | line) + "\n").encode())

    def forget(self) -> None:
        """Begin anew, as if nothing had ever been posted."""
        with self.lock:
            self.posts.clear()

    def take(self, channel: str, temperament: str, key: str, text: str, fault: Fault) -> str:
        """Store a post and return its id; one whose key is known where keys count is the post that was stored."""
        with self.lock:
            kept = self.posts.setdefault(channel, [])
            if temperament == "key":
                known = next((post for post in kept if post["key"] == key), None)
                if known is not None:
                    self.write(what="repeat", channel=channel, key=key, id=known["id"])
                    return str(known["id"])
            copies = 2 if fault.name == "twice" else 1
            made = [self._add(channel, key, text, own=number > 0) for number in range(copies)]
            return made[0]

    def _add(self, channel: str, key: str, text: str, *, own: bool) -> str:
        self.number += 1
        post = {"id": str(self.number), "key": key, "text": text}
        self.write(what="post", channel=channel, own=own, **post)
        self.posts[channel].append(post)
        return str(post["id"])

    def remove(self, channel: str, number: str) -> bool:
        with self.lock:
            kept = self.posts.get(channel, [])
            found = [post for post in kept if post["id"] == number]
            for post in found:
                self.write(what="gone", channel=channel, id=number, key=post["key"])
                kept.remove(post)
            return bool(found)

    def find(self, channel: str, name: str, value: str) -> list[str]:
        with self.lock:
            return [post["id"] for post in self.posts.get(channel, ()) if post[name] == value]


@dataclass
class Platform:
    """One channel's side of the server."""

    channel: str
    temperament: str
    server: Server
    port: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    connections: int = 0

    def open(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            with suppress(OSError):
                sock, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self._talk, args=(sock, self.connections), daemon=True).start()

    def _talk(self, sock: socket.socket, number: int) -> None:
        try:
            # What happens before a byte is read can only be drawn by the connection's number.
            early = self.server.fault(self, "connection", number)
            if early.name == "reset-unread":
                self.server.ledger.write(what="fault", channel=self.channel, fault=early.name)
                reset(sock)
                return
            if early.name == "refused":
                self.server.ledger.write(what="fault", channel=self.channel, fault=early.name)
                self._refuse_a_while()
            self._serve(sock, read(sock))
        except (OSError, Broken):
            pass
        finally:
            sock.close()

    def _refuse_a_while(self) -> None:
        """Close the door to those who come now, and open it again."""
        with self.server.door:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            time.sleep(0.1)
            self.listener = socket.create_server(("127.0.0.1", self.port), backlog=128)

    def _serve(self, sock: socket.socket, request: Request) -> None:
        about = request.headers.get("x-chaos-about", "")
        self.seen[request.method + about] += 1
        nth = self.seen[request.method + about]
        fault = self.server.fault(self, request.method, about, nth, reading=request.method == "GET")
        if request.method == "POST":
            key, text = request.headers.get("x-chaos-key", ""), str(request.body.get("text"))
            self.server.ledger.write(
                what="request",
                channel=self.channel,
                key=key,
                about=about,
                nth=nth,
                fault=fault.name,
                text=text,
            )
            self._publish(sock, fault, key, text)
        else:
            self.server.ledger.write(
                what=request.method.lower(), channel=self.channel, about=about, fault=fault.name
            )
            if not fail(sock, fault, self.server.elsewhere):
                answer(sock, 200, self._answer_to(request))

    def _publish(self, sock: socket.socket, fault: Fault, key: str, text: str) -> None:
        number = ""
        if fault.name == "late":
            reset(sock)
            time.sleep(LATE)
        if fault.takes:
            number = self.server.ledger.take(self.channel, self.temperament, key, text, fault)
        if fault.name != "late" and not fail(sock, fault, self.server.elsewhere):
            answer(sock, 201, self._receipt(number))

    def _receipt(self, number: str) -> dict[str, str]:
        return {"id": number, "url": f"http://127.0.0.1:{self.port}/posts/{number}"}

    def _answer_to(self, request: Request) -> dict[str, Any]:
        if request.method == "DELETE":
            number = request.path.rpartition("/")[2]
            return {"gone": self.server.ledger.remove(self.channel, number)}
        name, value = next(iter(request.query.items()), ("key", ""))
        found = self.server.ledger.find(self.channel, name, value) if name == self._asked_by() else []
        return {"found": [self._receipt(each) for each in found]}

    def _asked_by(self) -> str:
        return "key" if self.temperament == "lookup" else "text"


@dataclass
class Server:
    """All channels, the port that nobody may ask, and the one whose TLS is broken."""

    seed: int
    ledger: Ledger
    mood: str = "kind"
    door: threading.Lock = field(default_factory=threading.Lock)

    def open(self, names: list[str]) -> dict[str, int]:
        elsewhere = socket.create_server(("127.0.0.1", 0))
        self.elsewhere = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/elsewhere"
        broken = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._trap, args=(elsewhere,), daemon=True).start()
        threading.Thread(target=self._break_tls, args=(broken,), daemon=True).start()
        platforms = [Platform(name, name.partition("-")[0], self) for name in names]
        for platform in platforms:
            platform.open()
        return {each.channel: each.port for each in platforms} | {"tls": broken.getsockname()[1]}

    def fault(self, platform: Platform, *about: object, reading: bool = False) -> Fault:
        """Say what happens to a request; `refused` and `reset-unread` are drawn for connections alone."""
        connection = about[0] == "connection"
        if self.mood == "kind" or platform.channel == CALM:
            return faults.OK
        if self.mood == "burn":
            return faults.OK if connection else faults.BY_NAME["hang-before"]
        share = 0.3 if connection else faults.SHARE
        fault = faults.choose(self.seed, platform.channel, *about, reading=reading, share=share)
        early = fault.name in ("refused", "reset-unread")
        return fault if early == connection else faults.OK

    def _trap(self, listener: socket.socket) -> None:
        while True:
            sock, _ = listener.accept()
            self.ledger.write(what="trap")
            sock.close()

    def _break_tls(self, listener: socket.socket) -> None:
        """Answer a TLS greeting with plain text, silence that ends, or a reset."""
        number = 0
        while True:
            sock, _ = listener.accept()
            number += 1
            self.ledger.write(what="fault", channel="tls", fault="tls")
            with suppress(OSError):
                sock.settimeout(1)
                sock.recv(4096)
                if number % 3 == 0:
                    sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                if number % 3 == 1:
                    reset(sock)
            sock.close()


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("ledger")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("channels", nargs="+")
    given = parser.parse_args()
    server = Server(given.seed, Ledger(given.ledger))
    print(json.dumps(server.open(given.channels)), flush=True)
    for line in sys.stdin:
        if line.strip() == "forget":
            server.ledger.forget()
        else:
            server.mood = line.strip()
        server.ledger.write(what="mood", mood=line.strip())
        print(json.dumps(line.strip()), flush=True)


if __name__ == "__main__":
    main()
