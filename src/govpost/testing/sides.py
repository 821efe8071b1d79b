"""The other side of the conformance suite: a small server, the network, or one fixed answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import httpx2

from govpost.contract import Example

_RESTORED = {"content-encoding", "content-length", "transfer-encoding", "connection"}

Answering = Callable[[httpx2.Request], httpx2.Response]


class Network:
    """A real server, reached over the network; inherit it to tell the suite what people can see there."""

    def __init__(self) -> None:
        self._transport = httpx2.HTTPTransport()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Hand the request on."""
        answer = self._transport.handle_request(request)
        content = answer.read()
        headers = [(name, value) for name, value in answer.headers.multi_items() if name not in _RESTORED]
        answer.close()
        return httpx2.Response(answer.status_code, headers=headers, content=content)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


class Side:
    """Who answers in one test, and what is known of it."""

    def __init__(self, example: Example, accept: Answering, *, live: bool) -> None:
        self.remembers = live or example.server is not None
        self._server: Any = example.server() if example.server else Network() if live else accept

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request."""
        answer: httpx2.Response = self._server(request)
        return answer

    def has(self, name: str) -> bool:
        """Return whether the server has something besides its answers."""
        return hasattr(self._server, name)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return settings that only this server knows, such as its port."""
        found: Mapping[str, Any] = getattr(self._server, "settings", {})
        return found

    @property
    def secrets(self) -> Mapping[str, str]:
        """Return secrets that only this server knows."""
        found: Mapping[str, str] = getattr(self._server, "secrets", {})
        return found

    def public(self) -> list[str]:
        """Return the words of each post that people can see there."""
        found: Iterable[str] = self._server.public()
        return list(found)

    def reply(self, to: str, text: str) -> None:
        """Let the public say something to the post with this remote_id."""
        self._server.reply(to, text)

    def visit(self, address: str) -> Any:
        """Let a person open an address and agree; return the query it came back with, or the code it showed."""
        return self._server.visit(address)

    def trouble(self, kind: str) -> None:
        """Let the next post meet trouble, for a platform without HTTP."""
        self._server.trouble(kind)

    def busy(self, *, still: bool) -> None:
        """Let what is uploaded take long, or be done."""
        self._server.busy = still

    def close(self) -> None:
        """Stop the server."""
        close = getattr(self._server, "close", None)
        if close is not None:
            close()


class Clock:
    """Time that passes only when somebody waits or asks the other side."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
