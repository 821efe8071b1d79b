"""Requests to one server, as the account of one channel. Meaning is read from the status: texts are translated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from govpost import Channel, Unauthorized, Unavailable
from govpost_mastodon.settings import settings_of

if TYPE_CHECKING:
    import httpx2

GONE = (404, 410)


@dataclass(frozen=True)
class Api:
    """The server of a channel; paths begin with a slash."""

    channel: Channel
    http: httpx2.Client

    def send(self, method: str, path: str, *, key: str | None = None, **more: Any) -> httpx2.Response:
        """Send one request and return its answer, whatever it is; `key` goes as ``Idempotency-Key``."""
        # snac resets a connection that is used twice; a few handshakes cost less than an uncertain post.
        headers = {"Accept": "application/json", "Connection": "close"}
        if token := self.channel.secrets.get("access_token"):
            headers["Authorization"] = f"Bearer {token}"
        if key:
            headers["Idempotency-Key"] = key
        url = settings_of(self.channel).url + path
        return self.http.request(method, url, headers=headers, **more)

    def ask(self, path: str, **params: Any) -> Any:
        """GET JSON; HTTP errors raise."""
        return said(self.checked(self.send("GET", path, params=params)))

    def look(self, path: str, **params: Any) -> Any | None:
        """GET JSON, None where there is no such thing."""
        answer = self.send("GET", path, params=params)
        return None if answer.status_code in GONE else said(self.checked(answer))

    def checked(self, answer: httpx2.Response) -> httpx2.Response:
        """Return an answer that says yes; raise what its status says, and `Unauthorized` for a refused token."""
        # Takahē refuses a bad token with a plain "Invalid Bearer token" and 400.
        bad = answer.status_code == 400 and "bearer token" in answer.text[:200].lower()
        if bad or answer.status_code == 401:
            raise Unauthorized(
                "the server does not accept the access token: it was taken back, has ended, or is another server's",
                tip=f"govpost channel login {self.channel.name}",
            )
        answer.raise_for_status()
        return answer


def said(answer: httpx2.Response) -> Any:
    """Return the JSON of an answer; `Unavailable` when it is something else, such as a page for people."""
    try:
        return answer.json()
    except ValueError as error:
        raise Unavailable(f"{answer.request.url.path} answered with something that is not JSON") from error


def table(value: Any) -> Mapping[str, Any]:
    """Return a JSON object, an empty one where there is something else."""
    return value if isinstance(value, Mapping) else {}


def rows(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a JSON list, none where there is something else."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
