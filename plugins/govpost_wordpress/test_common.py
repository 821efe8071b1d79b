"""What the tests of this plugin share: a channel, calls as the engine makes them, and answers in between."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from govpost import Channel, Media, Receipt, Variant
from govpost.testing import FakeWire
from govpost.wire import Attempt, judge, publish_error, read_error, stage_error
from govpost_wordpress import WordPress, example

KEY = "01920000-0000-7000-8000-0123456789ab"
SLUG = "bridge-closed-gp0123456789ab"
NOW = datetime.now(UTC).replace(microsecond=0)
CHANNEL = Channel(
    name="press",
    platform="wordpress",
    settings={"site": example.SITE, "user": example.USER},
    secrets={"password": example.PASSWORD},
    limits={"language": "en-US", "timezone": "America/Chicago", "user_id": 7},
)
POST = Variant(key=KEY, title="Bridge closed", text="Closed.", language="en", at=NOW - timedelta(minutes=1))
PLATFORM = WordPress()

Answer = Callable[[httpx2.Request], httpx2.Response]


class Talk:
    """A person at the terminal, with or without a browser."""

    def __init__(self, came: Mapping[str, str] | None = None, typed: str = example.PASSWORD) -> None:
        self.came, self.typed = came, typed
        self.visited: list[str] = []
        self.asked: list[str] = []

    def say(self, words: str) -> None:
        self.asked.append(words)

    def ask(self, question: str, *, secret: bool = False) -> str:
        assert secret, "a password must not be shown"
        self.asked.append(question)
        return self.typed

    def redirect(self) -> str | None:
        return None if self.came is None else "http://127.0.0.1:8123/"

    def visit(self, address: str) -> Mapping[str, str]:
        self.visited.append(address)
        return self.came or {}


def call(act: Callable[[Any], Any], server: Answer, meaning: Any = publish_error, **more: Any) -> Any:
    """Call the plugin as the engine does; errors come as what they mean."""
    with Attempt(CHANNEL, deadline=time.monotonic() + 60, transport=FakeWire(server), **more) as attempt:
        try:
            said = act(attempt.client)
            return judge(said, attempt) if isinstance(said, Receipt) else said
        except Exception as error:
            raise meaning(error, attempt) from error


def stage(server: Answer, variant: Variant = POST, channel: Channel = CHANNEL) -> Variant:
    staged = call(lambda http: PLATFORM.stage(variant, channel, http), server, stage_error)
    return replace(variant, staged=staged)


def publish(server: Answer, variant: Variant = POST, channel: Channel = CHANNEL) -> Receipt:
    staged = stage(server, variant, channel)
    receipt: Receipt = call(lambda http: PLATFORM.publish(staged, channel, http), server)
    return receipt


def confirm(server: Answer, receipt: Receipt | None = None) -> Receipt | None:
    look: Callable[[Any], Any] = lambda http: PLATFORM.confirm(POST, receipt, CHANNEL, http)  # noqa: E731
    found: Receipt | None = call(look, server, read_error, read_only=True)
    return found


def instead(server: Answer, method: str, path: str, status: int, body: Any = None, **headers: str) -> Answer:
    """Let one kind of request have another answer."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == method and request.url.path.rstrip("/").endswith(path):
            return httpx2.Response(status, json=body, headers=headers)
        return server(request)

    return answer


def refusal(code: str, status: int, message: str = "No.", **data: Any) -> dict[str, Any]:
    return {"code": code, "message": message, "data": {"status": status, **data}}


def picture(folder: Path, number: int = 1, mime: str = "image/png", **more: Any) -> Media:
    path = folder / f"{number}.{mime.partition('/')[2]}"
    path.write_bytes(bytes([number]))
    return Media(path=path, mime=mime, sha256=f"{number:x}" * 64, **{"alt": f"Picture {number}", **more})
