"""A platform without a network: `FakeWire` answers what it is told, `FakePlatform` posts to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import httpx2

from govpost.domain import Capabilities, Channel, Receipt, Variant

HELD = (201, {"id": "42", "url": "https://platform.example/posts/42"})


class Fake(Enum):
    """What may go wrong on a wire."""

    REFUSED = "no connection could be made"
    UNREACHABLE = "no connection in time"
    NO_POOL = "no free connection in time"
    LOST_BEFORE = "the connection broke before the post was taken in"
    LOST_AFTER = "the post was taken in and the connection broke"
    SILENT = "the post was taken in and no answer came in time"

    def failure(self, request: httpx2.Request) -> httpx2.TransportError:
        """Return the error that a client meets."""
        return _FAILURES[self](self.value, request=request)


_FAILURES: Mapping[Fake, type[httpx2.TransportError]] = {
    Fake.REFUSED: httpx2.ConnectError,
    Fake.UNREACHABLE: httpx2.ConnectTimeout,
    Fake.NO_POOL: httpx2.PoolTimeout,
    Fake.LOST_BEFORE: httpx2.RemoteProtocolError,
    Fake.LOST_AFTER: httpx2.RemoteProtocolError,
    Fake.SILENT: httpx2.ReadTimeout,
}

Scripted = (
    int
    | tuple[int, Any]
    | tuple[int, Any, Mapping[str, str]]
    | Fake
    | Callable[[httpx2.Request], httpx2.Response]
)


def response(answer: int | tuple[Any, ...]) -> httpx2.Response:
    """Make a response from a status, a status and a JSON body, or these and headers."""
    status, body, headers = (*answer, None, None)[:3] if isinstance(answer, tuple) else (answer, None, None)
    content = b"" if body is None else json.dumps(body).encode()
    return httpx2.Response(
        status, content=content, headers={"content-type": "application/json", **(headers or {})}
    )


class FakeWire(httpx2.BaseTransport):
    """A transport that gives scripted answers, one a request, the last one again and again.

    `requests` holds what was sent. `held` holds the body of each post that was taken in, by its
    ``Idempotency-Key`` (or a number, when it had none); with `idempotent` a key that is held gets its first
    answer again.
    """

    def __init__(self, *answers: Scripted, idempotent: bool = False) -> None:
        self.requests: list[httpx2.Request] = []
        self.held: dict[str, bytes] = {}
        self.idempotent = idempotent
        self._answers = list(answers) or [HELD]
        self._given: dict[str, httpx2.Response] = {}

    @property
    def writes(self) -> list[httpx2.Request]:
        """Return the requests that may have changed something."""
        return [request for request in self.requests if request.method not in ("GET", "HEAD", "OPTIONS")]

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request by the script."""
        request.read()
        self.requests.append(request)
        key = request.headers.get("idempotency-key") or str(len(self.requests))
        if self.idempotent and key in self._given:
            return self._given[key]
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Fake):
            if answer in (Fake.LOST_AFTER, Fake.SILENT):
                self._hold(key, request, response(HELD))
            raise answer.failure(request)
        given = answer(request) if callable(answer) else response(answer)
        if given.is_success:
            self._hold(key, request, given)
        return given

    def _hold(self, key: str, request: httpx2.Request, given: httpx2.Response) -> None:
        if request in self.writes:
            self.held[key] = request.content
            self._given[key] = given


class FakePlatform:
    """A platform that posts the variant as JSON to ``settings["url"]``; its parts are the classes below."""

    name = "fake"

    def __init__(self, capabilities: Capabilities | None = None) -> None:
        self.capabilities = capabilities or Capabilities(title=True, link=True, threads=True, max_media=4)

    def publish(self, variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
        """Send one post."""
        return _send(http, "POST", channel.settings["url"], variant)


class FakeStages:
    """Uploads each medium before the post."""

    def stage(self, variant: Variant, channel: Channel, http: httpx2.Client) -> dict[str, Any]:
        """Send the files and return what they are called over there."""
        ids = []
        for medium in variant.media:
            answer = http.post(f"{channel.settings['url']}/media", content=medium.path.read_bytes())
            answer.raise_for_status()
            ids.append(answer.json()["id"])
        return {"media": ids}


class FakeConfirms:
    """Can be asked for a post by its key."""

    def confirm(
        self, variant: Variant, receipt: Receipt | None, channel: Channel, http: httpx2.Client
    ) -> Receipt | None:
        """Look for the post."""
        answer = http.get(f"{channel.settings['url']}/{receipt.remote_id if receipt else variant.key}")
        return None if answer.status_code == 404 else _receipt(answer)


class FakeAmends:
    """Can replace a post."""

    def amend(self, receipt: Receipt, variant: Variant, channel: Channel, http: httpx2.Client) -> Receipt:
        """Send the new words."""
        return _send(http, "PUT", f"{channel.settings['url']}/{receipt.remote_id}", variant)


class FakeWithdraws:
    """Can take a post down."""

    def withdraw(self, receipt: Receipt, notice: str, channel: Channel, http: httpx2.Client) -> None:
        """Delete the post; one that is gone already is fine."""
        answer = http.request(
            "DELETE", f"{channel.settings['url']}/{receipt.remote_id}", json={"notice": notice}
        )
        if answer.status_code not in (404, 410):
            answer.raise_for_status()


def _send(http: httpx2.Client, method: str, url: str, variant: Variant) -> Receipt:
    names = ("key", "text", "title", "link", "language", "reply_to", "corrects")
    post = {name: getattr(variant, name) for name in names}
    media = [{"alt": medium.alt, "sha256": medium.sha256} for medium in variant.media]
    body = {**post, "media": media, "staged": dict(variant.staged)}
    return _receipt(http.request(method, url, json=body, headers={"Idempotency-Key": variant.key}))


def _receipt(answer: httpx2.Response) -> Receipt:
    answer.raise_for_status()
    said = answer.json()
    return Receipt(remote_id=said["id"], url=said.get("url"), raw=said)
