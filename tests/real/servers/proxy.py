"""Proxies between govpost and a real server that fail on order, as networks do."""

from __future__ import annotations

import http.client
import http.server
import re
import socket
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlsplit

HOP = {
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "host",
}
"""What belongs to one connection and is not handed on (RFC 9110, section 7.6.1)."""

Kind = Literal["swallow", "lose", "answer", "delay"]


@dataclass(kw_only=True)
class Order:
    """What to do with which requests: those that match, from the `nth` (counted from 1), `times` of them."""

    kind: Kind
    method: str
    path: re.Pattern[str]
    nth: int
    times: int
    seconds: float = 0
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seen: int = 0

    def takes(self, method: str, path: str) -> bool:
        """Count a request, and tell whether it is one of those meant."""
        if self.method not in ("*", method) or not self.path.search(path):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times

    @property
    def done(self) -> bool:
        return self.seen >= self.nth + self.times - 1


class Orders:
    """The orders of a proxy; the first that takes a request is the one that is followed."""

    def __init__(self) -> None:
        self._orders: list[Order] = []
        self._lock = threading.Lock()

    def swallow(self, method: str = "*", path: str = "", nth: int = 1, times: int = 1) -> Order:
        """Let the server accept the request, then reset the connection in place of the answer."""
        return self._add(Order(kind="swallow", method=method, path=re.compile(path), nth=nth, times=times))

    def lose(self, method: str = "*", path: str = "", nth: int = 1, times: int = 1) -> Order:
        """Reset the connection before the server has heard of the request."""
        return self._add(Order(kind="lose", method=method, path=re.compile(path), nth=nth, times=times))

    def delay(self, seconds: float, method: str = "*", path: str = "", nth: int = 1, times: int = 1) -> Order:
        """Hold the server's answer back."""
        return self._add(
            Order(kind="delay", method=method, path=re.compile(path), nth=nth, times=times, seconds=seconds)
        )

    def answer(
        self,
        status: int,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        method: str = "*",
        path: str = "",
        nth: int = 1,
        times: int = 1,
    ) -> Order:
        """Answer in place of the server, which never hears of the request."""
        pattern = re.compile(path)
        order = Order(
            kind="answer", method=method, path=pattern, nth=nth, times=times, status=status, body=body
        )
        order.headers = dict(headers or {})
        return self._add(order)

    def clear(self) -> None:
        """Take all orders back."""
        with self._lock:
            self._orders.clear()

    def _add(self, order: Order) -> Order:
        with self._lock:
            self._orders.append(order)
        return order

    def _find(self, method: str, path: str) -> Order | None:
        with self._lock:
            return next((each for each in self._orders if each.takes(method, path)), None)


@dataclass(frozen=True)
class Seen:
    """One request that came, and what the proxy did: the server's status, or the kind of order that was followed."""

    method: str
    path: str
    outcome: int | Kind


class Proxy(Orders):
    """An HTTP proxy on loopback: `url` stands for `target`, which is told its own name as host.

    ``path`` in an order is a regular expression, searched for in the request's path and query.
    """

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = urlsplit(target)
        self.seen: list[Seen] = []
        self._server = _Listener(self)
        self.url = f"http://localhost:{self._server.server_port}{self.target.path.rstrip('/')}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def count(self, method: str, path: str) -> int:
        """Return how many requests of a kind came."""
        return sum(each.method == method and re.search(path, each.path) is not None for each in self.seen)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Handler)

    def shutdown_request(self, request: Any) -> None:
        """Close without a farewell when `reset` asked for that."""
        if struct.unpack("ii", request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))[0]:
            request.close()
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no trouble of the proxy's."""


def reset(connection: socket.socket) -> None:
    """Let the next close send a reset (RST) in place of an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self._body()
        order = self.server.proxy._find(self.command, self.path)
        self._follow(order, body)
        self.wfile.flush()

    def _follow(self, order: Order | None, body: bytes) -> None:
        kind = order.kind if order else None
        if order and kind == "answer":
            self._note("answer")
            self._send(order.status, list(order.headers.items()), order.body)
        elif kind == "lose":
            self._note("lose")
            self._reset()
        else:
            status, headers, answer = self._forward(body)
            self._note("swallow" if kind == "swallow" else status)
            if kind == "swallow":
                self._reset()
                return
            if order:
                time.sleep(order.seconds)
            self._send(status, headers, answer)

    def _note(self, outcome: int | Kind) -> None:
        self.server.proxy.seen.append(Seen(self.command, self.path, outcome))

    def _reset(self) -> None:
        reset(self.connection)
        self.close_connection = True

    def _forward(self, body: bytes) -> tuple[int, Sequence[tuple[str, str]], bytes]:
        target = self.server.proxy.target
        upstream = http.client.HTTPConnection(str(target.hostname), target.port, timeout=110)
        try:
            upstream.putrequest(self.command, self.path, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in HOP and name.lower() != "content-length":
                    upstream.putheader(name, value)
            if body or "content-length" in self.headers:
                upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body or None)
            response = upstream.getresponse()
            return response.status, response.getheaders(), response.read()
        except OSError:
            return 502, [], b"the server behind the proxy does not answer"
        finally:
            upstream.close()

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(iter(self._chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().partition(b";")[0], 16)
        chunk = self.rfile.read(size)
        self.rfile.readline()
        return chunk

    def _send(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP | {"content-length"}:
                self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
