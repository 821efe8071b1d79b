"""A PDS of a few lines for the conformance suite: one account, its records, and an AppView that sees them at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx2

from govpost_bluesky.records import POST

DID = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
PDS = "https://pds.example"
PASSWORD = "abcd-efgh-ijkl-mnop"  # noqa: S105 - the example's own
_CITIZEN = {"did": "did:plc:z72i7hdynmk6r22z27h6tvur", "handle": "maria.example", "displayName": "Maria"}
_OPEN = frozenset(
    {
        *("_health", "com.atproto.server.createSession", "com.atproto.server.describeServer"),
        *(
            "com.atproto.identity.resolveHandle",
            "com.atproto.repo.getRecord",
            "com.atproto.repo.describeRepo",
        ),
    }
)
_ACCESS = ("access-token-of-the-example", "access-token-anew")
_REFRESH = ("refresh-token-of-the-example", "refresh-token-anew")
_WHEN = "2026-11-27T09:00:{:02d}.000Z"

Json = dict[str, Any]


class Refusal(Exception):
    """What a PDS says instead of yes: a name and a status."""

    def __init__(self, name: str, status: int = 400) -> None:
        super().__init__(name)
        self.status = status


class ExamplePds:
    """Answers as @atproto/pds does, as far as this plugin asks."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], Json] = {}
        self.notes: list[Json] = []
        self._methods: Mapping[str, Callable[[Json], Json]] = {
            "_health": _always({"version": "0.5"}),
            "com.atproto.server.createSession": self._log_in,
            "com.atproto.server.refreshSession": self._renew,
            "com.atproto.server.getSession": _always({"did": DID, "handle": "riverton.example.gov"}),
            "com.atproto.server.describeServer": _always(
                {"did": "did:web:pds.example", "availableUserDomains": [], "blobUploadLimit": 5_242_880}
            ),
            "com.atproto.identity.resolveHandle": self._resolve,
            "com.atproto.repo.uploadBlob": self._upload,
            "com.atproto.repo.getRecord": self._get,
            "com.atproto.repo.describeRepo": _always({"did": DID}),
            "com.atproto.repo.putRecord": self._put,
            "com.atproto.repo.applyWrites": self._apply,
            "com.atproto.repo.deleteRecord": self._delete,
            "app.bsky.actor.getProfile": _always({"did": DID}),
            "app.bsky.feed.getPosts": self._posts,
            "app.bsky.notification.listNotifications": self._heard,
        }

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        method = request.url.path.removeprefix("/xrpc/")
        try:
            _admit(method, request.headers.get("authorization", "").removeprefix("Bearer "))
            said = self._methods[method](_asked(request))
        except Refusal as no:
            return httpx2.Response(no.status, json={"error": str(no), "message": "no"})
        return httpx2.Response(200, json=said)

    def public(self) -> list[str]:
        """Return the words of each post."""
        posts = (record for (collection, _), record in self.records.items() if collection == POST)
        return [json.dumps(record, ensure_ascii=False) for record in posts]

    def reply(self, to: str, text: str) -> None:
        """Let a citizen answer a post."""
        number = len(self.notes)
        place = {"uri": to, "cid": "bafyparent"}
        self.notes.append(
            {
                "uri": f"at://{_CITIZEN['did']}/{POST}/3mbfvv7inta{'234567abcdefghij'[number % 16]}2",
                "cid": "bafyreply",
                "author": _CITIZEN,
                "reason": "reply",
                "reasonSubject": to,
                "record": {"text": text, "langs": ["en"], "reply": {"root": place, "parent": place}},
                "indexedAt": _WHEN.format(number),
            }
        )

    def _log_in(self, asked: Json) -> Json:
        if asked["password"] != PASSWORD:
            raise Refusal("AuthenticationRequired", 401)
        return self._session()

    def _renew(self, _: Json) -> Json:
        return self._session()

    def _heard(self, _: Json) -> Json:
        return {"notifications": self.notes[::-1]}

    def _session(self) -> Json:
        return {"did": DID, "accessJwt": "access-token-anew", "refreshJwt": "refresh-token-anew"}

    def _resolve(self, asked: Json) -> Json:
        if asked["handle"] != _CITIZEN["handle"]:
            raise Refusal("HandleNotFound")
        return {"did": _CITIZEN["did"]}

    def _upload(self, asked: Json) -> Json:
        link = "bafkrei" + hashlib.sha256(asked["content"]).hexdigest()[:52]
        blob = {"$type": "blob", "ref": {"$link": link}, "mimeType": asked["mime"]}
        return {"blob": {**blob, "size": len(asked["content"])}}

    def _get(self, asked: Json) -> Json:
        found = self.records.get((asked["collection"], asked["rkey"]))
        if found is None:
            raise Refusal("RecordNotFound")
        return {**_named(asked["collection"], asked["rkey"], found), "value": found}

    def _put(self, asked: Json) -> Json:
        place = (asked["collection"], asked["rkey"])
        if self.records.setdefault(place, asked["record"]) != asked["record"]:
            raise Refusal("InvalidSwap")
        return _named(*place, asked["record"])

    def _apply(self, asked: Json) -> Json:
        places = [(write["collection"], write["rkey"]) for write in asked["writes"]]
        if any(place in self.records for place in places):
            raise Refusal("InternalServerError", 500)
        for place, write in zip(places, asked["writes"], strict=True):
            self.records[place] = write["value"]
        return {"results": [_named(*place, self.records[place]) for place in places]}

    def _delete(self, asked: Json) -> Json:
        self.records.pop((asked["collection"], asked["rkey"]), None)
        return {}

    def _posts(self, asked: Json) -> Json:
        uris = asked["uris"] if isinstance(asked["uris"], list) else [asked["uris"]]
        held = {f"at://{DID}/{POST}/{rkey}" for collection, rkey in self.records if collection == POST}
        counts = {"likeCount": 3, "repostCount": 1, "replyCount": len(self.notes), "quoteCount": 0}
        return {"posts": [{"uri": uri, "cid": "bafy", "record": {}, **counts} for uri in uris if uri in held]}


def _admit(method: str, token: str) -> None:
    if method in _OPEN:
        return
    known = _REFRESH if method == "com.atproto.server.refreshSession" else _ACCESS
    if token not in known:
        raise Refusal("InvalidToken")


def _always(said: Json) -> Callable[[Json], Json]:
    return lambda _: said


def _asked(request: httpx2.Request) -> Json:
    kind = request.headers.get("content-type", "")
    if request.method == "GET":
        params = request.url.params
        return {name: params.get_list(name) if name == "uris" else params[name] for name in params}
    if kind.startswith("application/json"):
        asked: Json = json.loads(request.content)
        return asked
    return {"content": request.content, "mime": kind}


def _named(collection: str, rkey: str, record: Json) -> Json:
    cid = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
    return {"uri": f"at://{DID}/{collection}/{rkey}", "cid": f"bafyrei{cid[:52]}"}
