"""What Bluesky's tests share: a channel, variants, and calls as the engine makes them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from govpost import Account, Channel, Receipt, Variant
from govpost.wire import Attempt, judge, publish_error, read_error, stage_error
from govpost_bluesky import Bluesky
from govpost_bluesky.example import PDS

SHARED = Path(__file__).parents[3] / "shared" / "data" / "bsky"
AT = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
KEY = "01920000-0000-7000-8000-000000000001"
BLUESKY = Bluesky()
SECRETS = BLUESKY.example.secrets

Answers = Callable[[httpx2.Request], httpx2.Response]


class Wire(httpx2.BaseTransport):
    """Notes what is sent; one function answers it all."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.requests: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        self.requests.append(request)
        return self.answers(request)

    def methods(self) -> list[str]:
        return [request.url.path.rpartition("/")[2] for request in self.requests]

    def body(self, method: str) -> Any:
        """Return the JSON that was last sent to a method."""
        found = [each for each in self.requests if each.url.path.endswith(method)]
        return json.loads(found[-1].content)


def channel(limits: dict[str, Any] | None = None, secrets: Any = None, **settings: Any) -> Channel:
    return Channel(
        name="bsky",
        platform="bluesky",
        settings={"handle": "riverton.example.gov", "pds": PDS, **settings},
        secrets=SECRETS if secrets is None else secrets,
        limits=limits or {},
    )


def variant(text: str = "The bridge is closed.", **values: Any) -> Variant:
    return Variant(**{"key": KEY, "text": text, "language": "en", "at": AT, **values})


def key(number: int) -> str:
    return f"01920000-0000-7000-8000-{number:012x}"


def called(
    what: Callable[..., Any], *given: Any, on: Channel, wire: Wire, meaning: Any = publish_error
) -> Any:
    """Call a part of the platform and return what it gives, or raise what the engine makes of its error."""
    with Attempt(on, deadline=time.monotonic() + 60, transport=wire, sleep=lambda _: None) as attempt:
        try:
            said = what(*given, attempt.client)
        except Exception as error:
            raise meaning(error, attempt) from error
        return judge(said, attempt) if isinstance(said, Receipt) else said


def staged(what: Variant, on: Channel, wire: Wire) -> Variant:
    return replace(what, staged=called(BLUESKY.stage, what, on, on=on, wire=wire, meaning=stage_error))


def published(what: Variant, on: Channel, wire: Wire) -> Receipt:
    return called(BLUESKY.publish, staged(what, on, wire), on, on=on, wire=wire)


def confirmed(what: Variant, on: Channel, wire: Wire) -> Receipt | None:
    return called(BLUESKY.confirm, what, None, on, on=on, wire=wire, meaning=read_error)


def verified(on: Channel, wire: Wire) -> Account:
    return called(BLUESKY.verify, on, on=on, wire=wire, meaning=read_error)


def said(status: int, body: Any = None, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, json=body if body is not None else {}, headers=headers)


def instead(pds: Answers, **answers: httpx2.Response | Answers) -> Answers:
    """Answer some methods, named by their last word, otherwise than `pds` does."""

    def reply(request: httpx2.Request) -> httpx2.Response:
        answer = answers.get(request.url.path.rpartition(".")[2])
        if answer is None:
            return pds(request)
        return answer if isinstance(answer, httpx2.Response) else answer(request)

    return reply
