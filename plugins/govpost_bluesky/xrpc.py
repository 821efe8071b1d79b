"""XRPC: how a PDS is asked and told, and what its errors mean (atproto.com specs/xrpc)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from govpost import Channel, Rejected, Unauthorized, Unavailable
from govpost_bluesky.settings import Settings

if TYPE_CHECKING:
    import httpx2

# A PDS says these with status 400, although they are about the token (packages/pds auth-verifier.ts).
_ABOUT_TOKENS = frozenset({"ExpiredToken", "InvalidToken", "AccountTakedown", "AccountDeactivated"})
_SAY_ENOUGH = frozenset({401, 408, 425, 429})

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Session:
    """Who we are and where: the channel, the account's DID, its PDS, and the access token."""

    channel: Channel
    did: str
    pds: str
    access: str

    @classmethod
    def of(cls, channel: Channel) -> Session:
        """Return the session that log-in or refresh has left; `Unauthorized` when there is none."""
        access, where = channel.secrets.get("access"), kept(channel)
        if not access or where is None:
            raise Unauthorized("there is no session with Bluesky yet", tip=log_in(channel))
        pds = Settings.of(channel).pds or where["pds"]
        return cls(channel=channel, did=where["did"], pds=pds, access=access)

    def ask(
        self, http: httpx2.Client, method: str, *, proxy: str | None = None, **params: Any
    ) -> httpx2.Response:
        """Ask the PDS; `proxy` is the service it is to pass the question on to."""
        headers = {"atproto-proxy": proxy} if proxy else {}
        return self.heard(http.get(self.at(method), params=params, headers=self._bearer(headers)))

    def tell(self, http: httpx2.Client, method: str, body: Mapping[str, Any]) -> httpx2.Response:
        """Tell the PDS to do something."""
        return self.heard(http.post(self.at(method), json=dict(body), headers=self._bearer({})))

    def upload(self, http: httpx2.Client, data: bytes, mime: str) -> Json:
        """Upload a file; return the blob as a record names it. The same bytes give the same blob."""
        headers = self._bearer({"Content-Type": mime})
        answer = http.post(self.at("com.atproto.repo.uploadBlob"), content=data, headers=headers)
        blob: Json = shown(self.heard(answer), "an uploaded file", blob=dict)["blob"]
        return blob

    def heard(self, answer: httpx2.Response) -> httpx2.Response:
        """Return an answer as it is; `Unauthorized` when it is about a dead token."""
        if answer.status_code == 400 and (name := error_of(answer)) in _ABOUT_TOKENS:
            raise Unauthorized(f"Bluesky does not take our token: {name}", tip=log_in(self.channel))
        return answer

    def at(self, method: str) -> str:
        """Return the address of a method on the PDS."""
        return address(self.pds, method)

    def _bearer(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {**headers, "Authorization": f"Bearer {self.access}"}


def keep(channel: Channel, did: str, pds: str) -> str:
    """Write account and server as one secret: alone, each would be taken out of receipts and addresses."""
    return json.dumps({"did": did, "pds": pds, "handle": Settings.of(channel).handle})


def kept(channel: Channel) -> dict[str, str] | None:
    """Return the account's ``did`` and ``pds`` as log-in or refresh left them.

    None when config.toml names another account by now: its posts must not appear on the old one.
    """
    try:
        where = json.loads(channel.secrets.get("session", ""))
        handle = Settings.of(channel).handle
        if where.get("handle", handle) != handle:
            return None
        return {"did": str(where["did"]), "pds": str(where["pds"])}
    except (ValueError, AttributeError, TypeError, KeyError):
        return None


def address(host: str, method: str) -> str:
    """Return the address of a method on a host."""
    return f"{host}/xrpc/{method}"


def log_in(channel: Channel) -> str:
    """Return the tip for who has to log in again."""
    return f"run: govpost channel login {channel.name}"


def error_of(answer: httpx2.Response) -> str:
    """Return the name of the error an answer carries, nothing when it carries none."""
    return str((_said(answer) or {}).get("error") or "")


def lacks_appview(answer: httpx2.Response) -> bool:
    """Say whether a PDS refused to pass a question on because it knows no AppView."""
    return answer.status_code == 400 and "No service configured" in answer.text


def answered(answer: httpx2.Response) -> Json:
    """Return what an answer says; httpx2's HTTPStatusError lets itself out."""
    answer.raise_for_status()
    said = answer.json() if answer.content else {}
    return said if isinstance(said, dict) else {}


def from_pds(answer: httpx2.Response, pds: str, name: str) -> Json:
    """Return what a PDS says, which holds `name`; `Rejected` when something else stands at its address.

    A PDS answers these methods in JSON, and never by 404 or 405 (atproto.com specs/xrpc). One that is down or busy is
    often spoken for by the web server before it, whose words say nothing of what stands behind.
    """
    if answer.status_code < 500 and answer.status_code not in _SAY_ENOUGH:
        said = _said(answer)
        if said is None or answer.status_code in (404, 405) or (answer.is_success and name not in said):
            raise Rejected(
                f"what answers at {pds} is not a server of Bluesky (a PDS)",
                tip="look at pds in the channel's settings; without it the server is found by the handle",
            )
    return answered(answer)


def shown(answer: httpx2.Response, what: str, **kinds: type) -> Json:
    """Return what an answer to a question says; `Unavailable` in words when it lacks what makes it `what`."""
    answer.raise_for_status()
    said = _said(answer)
    if said is None or not all(isinstance(said.get(name), kind) for name, kind in kinds.items()):
        raise malformed(what)
    return said


def malformed(what: str) -> Unavailable:
    """Return what is raised when the answer to a question cannot be read."""
    return Unavailable(f"the server's answer is not {what}")


def text_at(answer: httpx2.Response, name: str) -> str:
    """Return a text that an answer holds, nothing when it holds none there."""
    text = (_said(answer) or {}).get(name)
    return text if isinstance(text, str) else ""


def _said(answer: httpx2.Response) -> Json | None:
    """Return the JSON object of an answer, None when it is none."""
    try:
        said = answer.json()
    except ValueError:
        return None
    return said if isinstance(said, dict) else None
