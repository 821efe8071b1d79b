"""The site's REST API (WordPress core, ``wp/v2``): one call each, and what its refusals mean."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from govpost import Channel, PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from govpost_wordpress.decoding import decoded
from govpost_wordpress.settings import Settings

if TYPE_CHECKING:
    import httpx2

_LOGIN_TIP = (
    "make a new application password with `govpost channel login {}`; if it is right, the web server may keep the"
    " Authorization header from WordPress: see the plugin's README"
)
_RIGHTS_TIP = "give that user the role Author or Editor on the site, then run `govpost channel resume {}`"
_REFUSED_RIGHTS = frozenset({"rest_cannot_create", "rest_cannot_publish"})
_REFUSED_FILE = frozenset({"rest_upload_unknown_error", "rest_upload_sideload_error"})
_FLOOD = timedelta(seconds=15)
_MOVED = frozenset({301, 302, 303, 307, 308})
_BLOCKED = frozenset({403, 406})
_LATER = frozenset({408, 425, 429})
_BLOCKED_TIP = (
    "a firewall may stand before it: ask the site's admin to let the REST API through for this user"
)


@dataclass(frozen=True, kw_only=True)
class Api:
    """One site as one user. `root` is the address of its REST API, pretty or with ``?rest_route=``."""

    http: httpx2.Client
    channel: str
    settings: Settings
    root: str
    password: str

    @classmethod
    def of(cls, channel: Channel, http: httpx2.Client) -> Api:
        """Speak to a channel's site; `Unauthorized` when there is no password yet."""
        settings = Settings.of(channel)
        password = channel.secrets.get("password")
        if not password:
            tip = f"run `govpost channel login {channel.name}`"
            raise Unauthorized("there is no application password", tip=tip)
        root = channel.limits.get("api") or f"{settings.site}/wp-json/"
        return cls(http=http, channel=channel.name, settings=settings, root=root, password=password)

    def get(self, path: str, **query: Any) -> httpx2.Response:
        """Read; the answer is a good one."""
        answer = self.send("GET", path, params=query)
        if answer.status_code in _MOVED:
            there = answer.headers.get("location", "")
            raise Rejected(
                f"{self.settings.site} has moved to {there}", tip="write the new address as the setting site"
            )
        return self.good(answer)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Write JSON and return what the site made of it."""
        return said(self.good(self.send("POST", path, json=dict(body))))

    def upload(self, files: Mapping[str, Any], fields: Mapping[str, str]) -> Any:
        """Put a file into the media library; the fields go in the same request."""
        return said(self.good(self.send("POST", "wp/v2/media", files=files, data=fields)))

    def good(self, answer: httpx2.Response) -> httpx2.Response:
        """Return a good answer; raise what a refusal means."""
        meaning = self._meaning(answer) if answer.status_code >= 300 else None
        if meaning is not None:
            raise meaning
        return answer.raise_for_status()

    def send(self, method: str, path: str, **parts: Any) -> httpx2.Response:
        """Send one request; the answer may be anything."""
        address, query = self.root, dict(parts.pop("params", {}))
        if "rest_route=" in address:
            address, query = address.partition("?")[0], {"rest_route": f"/{path}", **query}
        else:
            address = f"{address.rstrip('/')}/{path}"
        login = (self.settings.user, self.password)
        return self.http.request(method, address, params=query or None, auth=login, **parts)

    def _meaning(self, answer: httpx2.Response) -> PublishError | None:
        """Say what HTTP alone does not: who is refused, and why."""
        code, words = _refusal(answer)
        user = self.settings.user
        if answer.status_code == 401 or _forbidden_status(answer):
            tip = _LOGIN_TIP.format(self.channel)
            return Unauthorized(f"the site does not accept the application password of {user}", tip=tip)
        if answer.status_code == 403 and code in _REFUSED_RIGHTS and "taxonomy" not in words:
            tip = _RIGHTS_TIP.format(self.channel)
            return Unauthorized(f"{user} has too few rights on the site: {words}", tip=tip)
        if code in _REFUSED_FILE:
            return Rejected(f"the site does not take this file: {words}", tip="use a JPEG, PNG, GIF or WebP")
        if code == "comment_flood":
            # WordPress says so with a 400 and without Retry-After; it counts 15 seconds.
            return RateLimited("the site takes one comment in 15 seconds", retry_after=_FLOOD)
        if answer.status_code == 413:
            tip = "make the file smaller, or raise upload_max_filesize on the site"
            return Rejected("the file is larger than the site's web server takes", tip=tip)
        return _refused(answer, words) if code else _blocked(answer)


def _refused(answer: httpx2.Response, words: str) -> PublishError | None:
    """Say in the site's own words why it refuses; None where the status alone says what happens next."""
    if not answer.is_client_error or answer.status_code in _LATER or not words:
        return None
    wrong = _wrong(answer)
    if "template" in wrong:
        known = wrong["template"].partition(" one of ")[2].strip(" .")
        tip = f"it has: {known}" if known else "leave the option template out"
        return Rejected("the site's theme has no such template", tip=tip)
    why = "; ".join(each.rstrip(". ") for each in wrong.values()) or words
    plain = html.unescape(re.sub(r"<[^<>]*>", "", why))
    return Rejected(f"the site refuses it ({answer.status_code}): {plain}")


def _wrong(answer: httpx2.Response) -> dict[str, str]:
    """Return what is wrong with each parameter, in words."""
    params = detail_of(answer).get("params")
    return {name: str(why) for name, why in params.items()} if isinstance(params, dict) else {}


def _blocked(answer: httpx2.Response) -> PublishError | None:
    """Say when a firewall refused the request: the site has never seen it, and may see the next one."""
    if answer.status_code not in _BLOCKED:
        return None
    words = f"the site did not answer itself: something before it said {answer.status_code}"
    return Unavailable(words, tip=_BLOCKED_TIP)


def said(answer: httpx2.Response) -> Any:
    """Return the JSON of an answer; `Uncertain` when it is none, as when a firewall answers instead of the site."""
    try:
        return decoded(answer)
    except ValueError as error:
        raise Uncertain(f"the site's answer ({answer.status_code}) is not JSON") from error


def code_of(answer: httpx2.Response) -> str:
    """Return WordPress's own word for an error, nothing when it is not WordPress that speaks."""
    return _refusal(answer)[0]


def detail_of(answer: httpx2.Response) -> Mapping[str, Any]:
    """Return the ``data`` of an error."""
    try:
        detail = decoded(answer)["data"]
    except (ValueError, KeyError, TypeError):
        return {}
    return detail if isinstance(detail, dict) else {}


def _refusal(answer: httpx2.Response) -> tuple[str, str]:
    try:
        body = decoded(answer)
        return str(body["code"]), str(body.get("message", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""


def _forbidden_status(answer: httpx2.Response) -> bool:
    """A stranger who asks for drafts is told that the parameter is wrong, not who he is."""
    return (
        answer.status_code == 400
        and code_of(answer) == "rest_invalid_param"
        and "forbidden" in _wrong(answer).get("status", "")
    )
