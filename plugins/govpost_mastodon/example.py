"""A small server of the family, for the conformance suite: it keeps posts, files and answers in memory."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from govpost import Example
from govpost_mastodon.login import OUT_OF_BAND, challenge

if TYPE_CHECKING:
    import httpx2

URL = "https://social.example"
TOKEN = "token-of-the-example"  # noqa: S105 - of no server
OURS = "1"
CITIZEN = "2"

Said = tuple[int, Any]


class Server:
    """Answers requests as Mastodon does; ``busy`` makes uploads take long."""

    def __init__(self) -> None:
        self.busy = False
        self.posts: dict[str, dict[str, Any]] = {}
        self.media: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, str] = {}
        self.notifications: list[dict[str, Any]] = []
        self.codes: dict[str, dict[str, str]] = {}
        self._number = 100

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        import httpx2

        request.read()
        status, body = self._answer(request)
        return httpx2.Response(
            status, json=body, headers={"date": _now().strftime("%a, %d %b %Y %H:%M:%S GMT")}
        )

    # What people see and do

    def public(self) -> list[str]:
        """Return what people read of each post: its warning, its words and its descriptions."""
        return [
            "\n".join((post["spoiler_text"], post["source"], *_described(post)))
            for post in self.posts.values()
        ]

    def reply(self, to: str, text: str) -> None:
        """Let a citizen answer a post."""
        post = self._post({"status": text, "in_reply_to_id": to}, CITIZEN)
        note = {"id": self._new(), "type": "mention", "account": _account(CITIZEN), "status": post}
        self.notifications.insert(0, note)

    def visit(self, address: str) -> Mapping[str, str] | str:
        """Let a person agree to what a log-in asks; return what the browser is sent back with, or the code shown."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = self._new()
        self.codes[code] = asked
        return code if asked["redirect_uri"] == OUT_OF_BAND else {"code": code, "state": asked["state"]}

    # What the programming interface does

    def _answer(self, request: httpx2.Request) -> Said:
        path, method = request.url.path, request.method
        if path in _PUBLIC:
            return 200, _PUBLIC[path]
        if path == "/oauth/token":
            return self._token(_form(request))
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"error": "The access token is invalid"}
        if path == "/api/v2/media":
            return self._upload(_parts(request))
        if path == "/api/v1/statuses" and method == "POST":
            return self._create(json.loads(request.content), request.headers.get("idempotency-key", ""))
        return (
            self._of_post(request, path, method)
            if path.startswith("/api/v1/statuses")
            else self._read(request)
        )

    def _token(self, form: Mapping[str, str]) -> Said:
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or challenge(form["code_verifier"]) != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": TOKEN, "token_type": "Bearer", "scope": asked["scope"]}

    def _upload(self, form: Mapping[str, str]) -> Said:
        name = self._new()
        self.media[name] = {"id": name, "type": "image", "description": form.get("description", "")}
        return self._file(name, 202)

    def _file(self, name: str, busy: int) -> Said:
        if name not in self.media:
            return 404, {"error": "Record not found"}
        return (busy if self.busy else 200), self.media[name] | {
            "url": None if self.busy else f"{URL}/{name}.png"
        }

    def _create(self, asked: Mapping[str, Any], key: str) -> Said:
        if key not in self.keys:
            if not asked.get("status") and not asked.get("media_ids"):
                return 422, {"error": "Validation failed: Text can't be blank"}
            self.keys[key] = self._post(asked, OURS)["id"]
        return self._status(self.keys[key])

    def _of_post(self, request: httpx2.Request, path: str, method: str) -> Said:
        name, _, part = path.removeprefix("/api/v1/statuses").strip("/").partition("/")
        if not name:
            asked = request.url.params.get_list("id[]")
            return 200, [self.posts[each] for each in asked if each in self.posts]
        post = self.posts.get(name)
        if post is None:
            return 404, {"error": "Record not found"}
        if part == "source":
            return 200, {"id": name, "text": post["source"], "spoiler_text": post["spoiler_text"]}
        if method == "PUT":
            self._fill(post, json.loads(request.content))
        elif method == "DELETE":
            del self.posts[name]
        return 200, post

    def _read(self, request: httpx2.Request) -> Said:
        path, params = request.url.path, request.url.params
        if path.startswith("/api/v1/media/"):
            return self._file(path.rpartition("/")[2], 206)
        lists = {
            f"/api/v1/accounts/{OURS}/statuses": [
                p for p in self.posts.values() if p["account"]["id"] == OURS
            ][::-1],
            "/api/v1/notifications": self.notifications,
        }
        if path in lists:
            return 200, _page(lists[path], params)
        known = {"/api/v1/accounts/verify_credentials": _ME, "/api/v1/apps/verify_credentials": _APP}
        return (200, known[path]) if path in known else (404, {"error": "Record not found"})

    def _status(self, name: str) -> Said:
        return (200, self.posts[name]) if name in self.posts else (404, {"error": "Record not found"})

    def _post(self, asked: Mapping[str, Any], account: str) -> dict[str, Any]:
        name = self._new()
        answered = self.posts.get(str(asked.get("in_reply_to_id")), {})
        post = {
            "id": name,
            "url": f"{URL}/@{account}/{name}",
            "account": _account(account),
            "created_at": _now().isoformat(),
            "visibility": asked.get("visibility", "public"),
            "in_reply_to_id": answered.get("id"),
            "in_reply_to_account_id": answered.get("account", {}).get("id"),
            "application": {"name": "govpost"},
            "favourites_count": 0,
            "reblogs_count": 0,
            "replies_count": 0,
            "quotes_count": 0,
        }
        self._fill(post, asked)
        self.posts[name] = post
        return post

    def _fill(self, post: dict[str, Any], asked: Mapping[str, Any]) -> None:
        text = str(asked.get("status") or "")
        changed = {str(each["id"]): each for each in asked.get("media_attributes", ())}
        files = [
            self.media[name] | {"description": changed.get(name, self.media[name])["description"]}
            for name in asked.get("media_ids", ())
        ]
        post |= {
            "source": text,
            "content": f"<p>{html.escape(text)}</p>",
            "spoiler_text": asked.get("spoiler_text", ""),
            "language": asked.get("language"),
            "media_attachments": files,
        }

    def _new(self) -> str:
        self._number += 1
        return str(self._number)


def _described(post: Mapping[str, Any]) -> list[str]:
    return [file["description"] for file in post["media_attachments"]]


def _account(name: str) -> dict[str, Any]:
    acct = "riverton" if name == OURS else "citizen@elsewhere.example"
    return {"id": name, "acct": acct, "url": f"{URL}/@{acct}"}


_SCOPES = ["read:accounts", "read:statuses", "read:notifications", "write:statuses", "write:media"]
_APP = {"name": "govpost", "scopes": _SCOPES}
_ME = _account(OURS) | {"source": {"fields": [{"name": "Site", "value": "https://riverton.example.gov/"}]}}
_PUBLIC: Mapping[str, Any] = {
    "/api/v1/apps": {"client_id": "app", "client_secret": "secret-of-the-example"},
    "/.well-known/nodeinfo": {
        "links": [{"rel": "http://nodeinfo.diaspora.software/ns/schema/2.0", "href": f"{URL}/nodeinfo/2.0"}]
    },
    "/nodeinfo/2.0": {"software": {"name": "mastodon", "version": "4.5.0"}},
    "/api/v2/instance": {
        "version": "4.5.0",
        "api_versions": {"mastodon": 7},
        "configuration": {
            "statuses": {
                "max_characters": 500,
                "max_media_attachments": 4,
                "characters_reserved_per_url": 23,
            },
            "media_attachments": {
                "supported_mime_types": ["image/jpeg", "image/png", "video/mp4"],
                "description_limit": 1500,
                "image_size_limit": 16_777_216,
                "video_size_limit": 103_809_024,
            },
            "polls": {
                "max_options": 4,
                "max_characters_per_option": 50,
                "min_expiration": 300,
                "max_expiration": 2_629_746,
            },
        },
    },
}


def _now() -> datetime:
    return datetime.now(UTC)


def _page(items: list[dict[str, Any]], params: Any) -> list[dict[str, Any]]:
    """Give a page of a list that has the newest first, as ``limit``, ``max_id`` and ``min_id`` ask."""
    older, newer, limit = params.get("max_id"), params.get("min_id"), int(params.get("limit", 20))
    found = [item for item in items if not older or int(item["id"]) < int(older)]
    if newer:
        return [item for item in found if int(item["id"]) > int(newer)][-limit:]
    return found[:limit]


def _form(request: httpx2.Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.content.decode()).items()}


def _parts(request: httpx2.Request) -> dict[str, str]:
    """Return the text fields of a multipart body."""
    found = re.findall(rb'name="(\w+)"\r\n\r\n(.*?)\r\n--', request.content, re.DOTALL)
    return {name.decode(): value.decode() for name, value in found}


EXAMPLE = Example(
    settings={"url": URL},
    secrets={"access_token": TOKEN},
    limits={
        "software": "mastodon",
        "version": "4.5.0",
        "api": 7,
        "account_id": OURS,
        "application": "govpost",
    },
    options={"warning": "Road works", "sensitive": True, "visibility": "unlisted", "quote_policy": "nobody"},
    server=Server,
)
"""What the conformance suite plays with."""
