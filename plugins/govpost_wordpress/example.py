"""A small WordPress for the conformance suite: posts, files, terms and comments in memory.

It answers as WordPress 6.5 was seen to: a taken address gets ``-2``, a missing term is left out without a word, drafts
are for who is logged in.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email import message_from_bytes
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from govpost import Example

if TYPE_CHECKING:
    import httpx2

SITE = "https://www.example.gov"
USER = "govpost"
PASSWORD = "abcd EFGH ijkl MNOP qrst UVWX"  # noqa: S105 - of no site
_LOGIN = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
_OWN = 7
_ME = {
    "id": _OWN,
    "name": "Communications",
    "link": f"{SITE}/author/govpost/",
    "url": SITE,
    "locale": "en_US",
    "capabilities": dict.fromkeys(
        (
            *("publish_posts", "edit_published_posts", "delete_published_posts", "edit_others_posts"),
            *("publish_pages", "edit_published_pages", "delete_published_pages"),
            *("upload_files", "moderate_comments", "manage_categories"),
        ),
        True,
    ),
}
_INDEX = {
    "name": "City of Example",
    "timezone_string": "America/Chicago",
    "namespaces": ["oembed/1.0", "wp/v2"],
    "authentication": {
        "application-passwords": {
            "endpoints": {"authorization": f"{SITE}/wp-admin/authorize-application.php"}
        }
    },
}
_FRONT = f'<html lang="en-US"><nav><a href="{SITE}/contact">Contact</a></nav></html>'
_FEED = "<generator>https://wordpress.org/?v=7.0</generator>"
_COLLECTIONS = {
    "posts": "post",
    "pages": "page",
    "media": "attachment",
    "comments": "",
    "categories": "",
    "tags": "",
}

Row = dict[str, Any]
Said = tuple[int, Any]


class Server:
    """Answers requests as a site does."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[int, Row]] = {name: {} for name in _COLLECTIONS}
        self._number = 100

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        import httpx2

        request.read()
        path = request.url.path
        if path == "/":
            page = _FEED if "feed" in request.url.params else _FRONT
            link = {"link": f'<{SITE}/wp-json/>; rel="https://api.w.org/"'}
            return httpx2.Response(200, text=page, headers=link)
        status, body = self._answer(request, path.removeprefix("/wp-json").strip("/"))
        return httpx2.Response(
            status, json=_page(body, request.url.params), headers=_total(body, request.url.params)
        )

    # What people see and do

    def public(self) -> list[str]:
        """Return what people read: the posts, each with the words of the picture above it, and the comments."""
        ours = (row for row in self.rows["comments"].values() if row["author"] == _OWN)
        said = [html.unescape(row["content"]["rendered"]) for row in ours if row["status"] == "approved"]
        shown = [row for kind in ("posts", "pages") for row in self.rows[kind].values()]
        return [
            "\n".join((*(html.unescape(row[name]["raw"]) for name in ("title", "content")), self._lead(row)))
            for row in shown
            if row["status"] == "publish"
        ] + said

    def reply(self, to: str, text: str) -> None:
        """Let a citizen comment on a post, who was approved of before."""
        self._comment({"post": int(to.rpartition("/")[2]), "content": html.escape(text)}, author=0)

    def visit(self, address: str) -> Mapping[str, str]:
        """Let a person approve of the connection."""
        asked = parse_qs(urlsplit(address).query)
        return {"user_login": USER, "password": PASSWORD} if "success_url" in asked else {}

    def _lead(self, row: Row) -> str:
        above = self.rows["media"].get(row["featured_media"])
        return html.unescape(above["alt_text"]) if above else ""

    # What the REST API does

    def _answer(self, request: httpx2.Request, path: str) -> Said:
        if not path:
            return 200, _INDEX
        if request.headers.get("authorization") != _LOGIN:
            return _error(401, "rest_not_logged_in")
        known: Mapping[str, Any] = {
            "wp/v2/users/me": _ME,
            "wp/v2/themes": [{"theme_supports": {"post-thumbnails": True}}],
        }
        if path in known:
            return 200, known[path]
        name, _, number = path.removeprefix("wp/v2/").partition("/")
        if name not in self.rows:
            return _error(404, "rest_no_route")
        if number:
            return self._one(request, name, int(number.partition("/")[0]))
        return self._list(request, name) if request.method == "GET" else (201, self._make(request, name))

    def _one(self, request: httpx2.Request, name: str, number: int) -> Said:
        row = self.rows[name].get(number)
        if row is None:
            return _error(404, "rest_post_invalid_id")
        if request.method == "DELETE":
            if row["status"] == "trash":
                return _error(410, "rest_already_trashed")
            row |= {"status": "trash"} | ({"slug": f"{row['slug']}__trashed"} if "slug" in row else {})
        elif request.method == "POST":
            self._fill(name, row, json.loads(request.content))
        return 200, row

    def _list(self, request: httpx2.Request, name: str) -> Said:
        asked = request.url.params
        rows = [row for row in self.rows[name].values() if _wanted(row, name, asked)]
        return 200, rows[::-1] if asked.get("order") == "desc" else rows

    def _make(self, request: httpx2.Request, name: str) -> Row:
        told = _form(request) if name == "media" else json.loads(request.content)
        if name == "comments":
            return self._comment(told, author=_OWN)
        row: Row = {"id": self._new(), "name": html.escape(told.get("name", ""), quote=False)}
        if name in ("posts", "pages"):
            row = {"id": row["id"], "link": f"{SITE}/?p={row['id']}", "status": "draft", "featured_media": 0}
        elif name == "media":
            row |= {"status": "inherit", "source_url": f"{SITE}/wp-content/uploads/{told['filename']}"}
        self.rows[name][row["id"]] = row
        self._fill(name, row, told)
        return row

    def _fill(self, name: str, row: Row, told: Mapping[str, Any]) -> None:
        for field, value in told.items():
            if field in ("title", "content", "excerpt"):
                row[field] = {"raw": value}
            elif field in ("categories", "tags"):
                row[field] = [each for each in value if each in self.rows[field]]
            elif field == "slug":
                row[field] = self._free(name, value, row["id"])
            elif field not in ("action", "name"):
                row[field] = value
        if row.get("status") == "publish":
            row["link"] = f"{SITE}/{row['slug']}/"
        row["modified_gmt"] = _now()

    def _free(self, name: str, slug: str, number: int) -> str:
        taken = {row["slug"] for row in self.rows[name].values() if row["id"] != number and "slug" in row}
        return f"{slug}-2" if slug in taken else slug

    def _comment(self, told: Mapping[str, Any], author: int) -> Row:
        number = self._new()
        row = {
            "id": number,
            "post": told["post"],
            "parent": told.get("parent", 0),
            "author": author,
            "author_name": _ME["name"] if author else "A citizen",
            "author_url": "",
            "date_gmt": _now(),
            "content": {"rendered": f"<p>{told['content']}</p>\n"},
            "link": f"{SITE}/?p={told['post']}#comment-{number}",
            "status": "approved",
            "type": "comment",
        }
        self.rows["comments"][number] = row
        return row

    def _new(self) -> int:
        self._number += 1
        return self._number


def _page(body: Any, asked: Mapping[str, str]) -> Any:
    size = int(asked.get("per_page", 10))
    first = size * (int(asked.get("page", 1)) - 1)
    return body[first : first + size] if isinstance(body, list) else body


def _total(body: Any, asked: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(body, list):
        return {}
    pages = -(-len(body) // int(asked.get("per_page", 10)))
    return {"x-wp-total": str(len(body)), "x-wp-totalpages": str(pages)}


def _wanted(row: Row, name: str, asked: Mapping[str, str]) -> bool:
    tests = (
        ("slug", lambda value: row.get("slug") in value.split(",")),
        ("author", lambda value: str(row.get("author", _OWN)) == value),
        ("modified_after", lambda value: row["modified_gmt"] > value[:19]),
        ("include", lambda value: str(row["id"]) in value.split(",")),
        ("post", lambda value: str(row["post"]) == value),
        ("parent", lambda value: str(row.get("parent")) == value),
        ("search", lambda value: value.lower() in row["name"].lower()),
        ("after", lambda value: row["date_gmt"] > value[:19]),
    )
    if not all(test(asked[field]) for field, test in tests if field in asked):
        return False
    usual = {"posts": "publish", "pages": "publish", "comments": "approved"}.get(name)
    states = asked.get("status", usual)
    return states is None or states == "any" or row["status"] in states.split(",")


def _form(request: httpx2.Request) -> dict[str, str]:
    """Read a multipart form; the file is only its name."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    told: dict[str, str] = {}
    for part in message_from_bytes(head + request.content).walk():
        field = re.search(r'\bname="([^"]*)"', part.get("content-disposition", ""))
        if field and part.get_filename():
            told["filename"] = str(part.get_filename())
        elif field:
            told[field[1]] = bytes(part.get_payload(decode=True) or b"").decode()
    return told


def _error(status: int, code: str) -> Said:
    return status, {"code": code, "message": "No.", "data": {"status": status}}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")


EXAMPLE = Example(
    settings={"site": SITE, "user": USER},
    secrets={"password": PASSWORD},
    limits={
        "api": f"{SITE}/wp-json/",
        "user_id": _OWN,
        "language": "en-US",
        "timezone": "America/Chicago",
        "thumbnails": False,
    },
    options={
        "categories": ["Notices"],
        "tags": ["water"],
        "sticky": True,
        "excerpt": "What residents should know",
        "comments": "closed",
        "template": "wide.php",
    },
    person={"password": PASSWORD},
    words=("Corrected on",),
    server=Server,
)
