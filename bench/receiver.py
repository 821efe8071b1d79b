"""A platform on loopback, in a process of its own: takes every POST, answers at once or after a while, keeps a ledger.

It answers `POST` with `{"id": …}`, which is what govpost's webhook and crosspost's Discord webhook both understand,
`GET /count` with how many it has taken, and `GET /ledger` with the key (the Idempotency-Key header) and the wall-clock
time of each.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any


class _Protocol(asyncio.Protocol):
    def __init__(self, ledger: list[tuple[str, float]], delay: float) -> None:
        self.ledger, self.delay, self.data = ledger, delay, b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            first, *lines = self.data[:end].decode("latin-1").split("\r\n")
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            body = _body(self.data[end + 4 :], headers)
            if body is None:
                if headers.get("expect"):
                    self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            self.data = self.data[end + 4 + body :]
            self._request(first, headers)

    def _request(self, first: str, headers: dict[str, str]) -> None:
        if first.startswith("GET"):
            self._answer(json.dumps(self.ledger if "/ledger" in first else len(self.ledger)))
            return
        self.ledger.append((headers.get("idempotency-key", ""), time.time()))
        asyncio.get_running_loop().call_later(self.delay, self._answer, f'{{"id": "{len(self.ledger)}"}}')

    def _answer(self, text: str) -> None:
        body = text.encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)


def _body(data: bytes, headers: dict[str, str]) -> int | None:
    """Return how long the request's body is, None while it is not all there."""
    if headers.get("transfer-encoding") == "chunked":
        end = data.find(b"0\r\n\r\n")
        return None if end < 0 else end + 5
    length = int(headers.get("content-length", 0))
    return length if len(data) >= length else None


def _serve(ready: Connection, delay: float) -> None:
    async def main() -> None:
        ledger: list[tuple[str, float]] = []
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Protocol(ledger, delay), "127.0.0.1", 0, backlog=512)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


@dataclass
class Receiver:
    """Where it listens."""

    address: str

    def count(self) -> int:
        """Return how many POSTs it has taken."""
        with urllib.request.urlopen(f"{self.address}/count") as answer:
            return int(json.load(answer))

    def ledger(self) -> list[tuple[str, float]]:
        """Return the key and the wall-clock second of every POST so far."""
        with urllib.request.urlopen(f"{self.address}/ledger") as answer:
            return [(key, at) for key, at in json.load(answer)]


@contextmanager
def receiver(delay: float = 0.0) -> Iterator[Receiver]:
    """Run a platform that answers after `delay` seconds."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, delay), daemon=True)
    process.start()
    try:
        yield Receiver(f"http://127.0.0.1:{ours.recv()}")
    finally:
        process.terminate()
        process.join()
