"""What the tests of this plugin share: a channel, a small server whose answers can be changed, calls on it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx2

from govpost import Channel, Media, Variant
from govpost.testing import FakeWire
from govpost.wire import Attempt
from govpost_mastodon import Mastodon
from govpost_mastodon.example import EXAMPLE, TOKEN, URL, Server

MASTODON = Mastodon()


def channel(limits: Mapping[str, Any] | None = None, token: str = TOKEN, **settings: Any) -> Channel:
    """Make a channel on the small server; without `limits` it was never verified."""
    return Channel(
        name="fediverse",
        platform="mastodon",
        settings={"url": URL, **settings},
        limits=limits or {},
        secrets={"access_token": token},
    )


VERIFIED = channel(EXAMPLE.limits)


class Odd:
    """The small server, which answers some paths in its own way: a status with JSON, a page for people, or a call."""

    def __init__(self, server: Server | None = None, **odd: Any) -> None:
        self.server = server or Server()
        self.odd = {name.replace("__", "/"): answer for name, answer in odd.items()}

    def at(self, path: str, *answers: Any, method: str = "") -> "Odd":
        """Give these answers, one a request, the last one again and again."""
        self.odd[method + path] = list(answers)
        return self

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        for name in (request.method + request.url.path, request.url.path):
            if name in self.odd:
                answers = self.odd[name]
                return reply(answers.pop(0) if len(answers) > 1 else answers[0], request)
        return self.server(request)


def reply(answer: Any, request: httpx2.Request) -> httpx2.Response:
    """Make a response from a status, a status and JSON or a page, or a function of the request."""
    if callable(answer):
        made: httpx2.Response = answer(request)
        return made
    status, body = answer if isinstance(answer, tuple) else (answer, {})
    if isinstance(body, str):
        return httpx2.Response(status, text=body, headers={"content-type": "text/html; charset=utf-8"})
    return httpx2.Response(status, json=body)


class Wire(FakeWire):
    """What was sent, easily read."""

    def body(self, number: int = -1) -> Any:
        """Return the JSON of one of the requests that write, by default the last."""
        return json.loads(self.writes[number].content)

    @property
    def paths(self) -> list[str]:
        """Return method and path of each request."""
        return [f"{request.method} {request.url.path}" for request in self.requests]


def ask(
    call: Callable[[httpx2.Client], Any],
    server: Any = None,
    *,
    on: Channel = VERIFIED,
    read_only: bool = False,
    seconds: float = 60,
) -> tuple[Any, Wire]:
    """Make a call under an attempt; waiting takes no time."""
    wire = Wire(server or Server())
    now = [1000.0]
    with Attempt(
        on,
        deadline=1000.0 + seconds,
        monotonic=lambda: now[0],
        transport=wire,
        read_only=read_only,
        sleep=lambda span: now.__setitem__(0, now[0] + span),
    ) as attempt:
        return call(attempt.client), wire


def stage(variant: Variant, server: Any, on: Channel = VERIFIED) -> Variant:
    """Upload a variant's files and return it as it will be published."""
    staged, _ = ask(lambda http: MASTODON.stage(variant, on, http), server, on=on)
    return replace(variant, staged=staged)


def publish(variant: Variant, server: Any = None, on: Channel = VERIFIED) -> tuple[Any, Wire]:
    """Publish a variant."""
    return ask(lambda http: MASTODON.publish(variant, on, http), server, on=on)


def confirm(variant: Variant, server: Any, receipt: Any = None, on: Channel = VERIFIED) -> Any:
    """Ask whether a variant is there."""
    return ask(lambda http: MASTODON.confirm(variant, receipt, on, http), server, on=on, read_only=True)[0]


def variant(text: str = "The bridge is closed.", **more: Any) -> Variant:
    """Make a variant that is due now."""
    return Variant(**{"key": "k1", "text": text, "at": datetime.now(UTC), **more})


def picture(folder: Any, name: str = "bridge.png", alt: str = "A bridge", **more: Any) -> Media:
    """Make a picture of a few bytes."""
    path = folder / name
    path.write_bytes(b"PNG" + name.encode())
    return Media(**{"path": path, "mime": "image/png", "alt": alt, "sha256": name.ljust(64, "0"), **more})


__all__ = ["EXAMPLE", "MASTODON", "TOKEN", "URL", "VERIFIED", "Server"]
