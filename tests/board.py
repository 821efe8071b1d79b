"""A platform with every part, and the small server of its kind; what lies is made of it in test_testing_sins.py."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import httpx2
from pydantic import BaseModel

from govpost import (
    Account,
    Capabilities,
    Example,
    Metrics,
    NotWanted,
    Processing,
    Receipt,
    Reply,
    Unauthorized,
    polls,
)

HOST = "https://board.example"
EARLY = "2026-11-20T07:00:00+00:00"
PEOPLE = ("r-1", "r-2", "r-3", "r-4")


class BoardServer:
    """Remembers posts, pictures, replies and tokens; refuses what it does not know."""

    def __init__(self) -> None:
        self.posts: dict[str, dict] = {}
        self.media: dict[str, str] = {}
        self.said: list[dict] = []
        self.tokens, self.codes = {"an example of one": "a way to another"}, {}
        self.busy = False

    # What people do there

    def public(self) -> Iterable[str]:
        now = datetime.now(UTC)
        for post in self.posts.values():
            if datetime.fromisoformat(post.get("scheduled_at") or now.isoformat()) <= now:
                alts = [self.media[each] for each in post["media"]]
                yield "\n".join([post["text"], post["title"] or "", post["link"] or "", *alts])

    def reply(self, to: str, text: str) -> None:
        when = datetime(2026, 11, 20, 8, 0, tzinfo=UTC) + timedelta(seconds=len(self.said))
        self.said.append(
            {"id": f"s{len(self.said) + 1}", "to": to, "text": text, "at": when.isoformat(), "by": "@ada"}
        )

    # What it answers

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        noun, _, name = request.url.path.strip("/").partition("/")
        if noun in ("authorise", "token"):
            return getattr(self, noun)(request)
        if request.headers.get("authorization", "")[7:] not in self.tokens:
            return httpx2.Response(401)
        return getattr(self, f"{request.method.lower()}_{noun}")(name, request)

    def post_posts(self, _name, request):
        post = json.loads(request.content)
        known = next((each for each in self.posts.values() if each["key"] == post["key"]), None)
        post |= {"id": f"p{len(self.posts) + 1}"}
        return _json(known or self.posts.setdefault(post["id"], post), 201)

    def put_posts(self, name, request):
        if name not in self.posts:
            return httpx2.Response(404)
        self.posts[name] |= json.loads(request.content)
        return _json(self.posts[name])

    def delete_posts(self, name, _request):
        return httpx2.Response(204 if self.posts.pop(name, None) else 404)

    def get_posts(self, name, request):
        key = request.url.params.get("key")
        found = [post for post in self.posts.values() if name == post["id"] or key == post["key"]]
        if "ids" in request.url.params:
            ids = request.url.params["ids"].split(",")
            if len(ids) > 20:
                return httpx2.Response(400)
            return _json([{"id": each, "likes": 0} for each in ids if each in self.posts])
        return _json(found[0]) if found else httpx2.Response(404)

    def post_media(self, _name, request):
        said = json.loads(request.content)
        name = hashlib.sha256(said["data"].encode()).hexdigest()[:8]
        self.media[name] = said["alt"]
        return _json({"id": name}, 202)

    def get_media(self, name, _request):
        return _json({"id": name}, 206 if self.busy else 200)

    def get_replies(self, _name, request):
        since = request.url.params.get("since")
        own = [
            {name: post[name] for name in ("id", "text")} | {"to": post["reply_to"], "at": EARLY, "by": "us"}
            for post in self.posts.values()
            if post["reply_to"]
        ]
        said = [*own, *self.said]
        start = next((n for n, each in enumerate(said) if each["id"] == since), -1) + 1 if since else 0
        return _json(said[start:])

    def get_me(self, _name, _request):
        return _json({"id": "1", "name": "@city@board.example", "longest": 400})

    def authorise(self, request):
        asked = dict(request.url.params)
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked["code_challenge"]
        if asked["redirect_uri"] == "oob":
            return httpx2.Response(200, html=f"<p>{code}</p>")
        query = urlencode({"code": code, "state": asked["state"]})
        return httpx2.Response(302, headers={"location": f"{asked['redirect_uri']}?{query}"})

    def token(self, request):
        asked = dict(parse_qsl(request.content.decode()))
        proof = hashlib.sha256(asked.get("verifier", "").encode()).hexdigest()
        code_is_good = "code" in asked and self.codes.pop(asked["code"], None) == proof
        if not code_is_good and asked.get("again") not in self.tokens.values():
            return httpx2.Response(400)
        number = len(self.tokens)
        self.tokens[f"fresh token {number}"] = f"fresh way {number}"
        return _json({"token": f"fresh token {number}", "again": f"fresh way {number}"})


def _json(value, status=200):
    return httpx2.Response(status, json=value)


class Board:
    """An honest platform with every part but copies for recipients."""

    name = "board"
    host = HOST
    capabilities = Capabilities(
        title=True,
        link=True,
        threads=True,
        max_media=2,
        idempotent_for=timedelta(hours=1),
        settles_after=timedelta(0),
        counted_options=("warning",),
    )
    example = Example(
        secrets={"token": "an example of one", "again": "a way to another"},
        limits={"longest": 300},
        options={"warning": "talks of a flood", "loud": True},
        server=BoardServer,
    )

    class Options(BaseModel, extra="forbid"):
        warning: str = ""
        loud: bool = False

    # The post

    def head(self, channel):
        return {"Authorization": f"Bearer {channel.secrets['token']}"}

    def ask(self, http, channel, path, **query):
        return http.get(f"{self.host}/{path}", params=query or None, headers=self.head(channel))

    def body(self, variant):
        words = {name: getattr(variant, name) for name in ("key", "text", "title", "link", "reply_to")}
        return {**words, "options": dict(variant.options), "media": list(variant.staged.get("media", ()))}

    def publish(self, variant, channel, http):
        answer = http.post(f"{self.host}/posts", json=self.body(variant), headers=self.head(channel))
        return self.receipt(answer.raise_for_status())

    def receipt(self, answer):
        name = answer.json()["id"]
        return Receipt(remote_id=name, url=f"{self.host}/posts/{name}", raw={})

    def stage(self, variant, channel, http):
        ids = list(variant.staged.get("media", ())) or [
            self.upload(each, channel, http) for each in variant.media
        ]
        if ids:
            self.wait(ids, channel, http)
        return {"media": ids}

    def upload(self, medium, channel, http):
        data = base64.b64encode(medium.path.read_bytes()).decode()
        said = http.post(
            f"{self.host}/media", json={"alt": medium.alt, "data": data}, headers=self.head(channel)
        )
        return said.raise_for_status().json()["id"]

    def wait(self, ids, channel, http):
        for _ in polls(http):
            if self.ask(http, channel, f"media/{ids[-1]}").raise_for_status().status_code == 200:
                return
        raise Processing(staged={"media": ids})

    def confirm(self, variant, receipt, channel, http):
        answer = self.ask(http, channel, "posts", key=variant.key)
        if receipt is not None:
            answer = self.ask(http, channel, f"posts/{receipt.remote_id}")
        return None if answer.status_code == 404 else self.receipt(answer.raise_for_status())

    def amend(self, receipt, variant, channel, http):
        place = f"{self.host}/posts/{receipt.remote_id}"
        return self.receipt(
            http.put(place, json=self.body(variant), headers=self.head(channel)).raise_for_status()
        )

    def withdraw(self, receipt, notice, channel, http):
        answer = http.delete(f"{self.host}/posts/{receipt.remote_id}", headers=self.head(channel))
        if answer.status_code not in (404, 410):
            answer.raise_for_status()

    # What comes back

    def measure(self, receipts, channel, http):
        ids = ",".join(receipt.remote_id for receipt in receipts)
        found = self.ask(http, channel, "posts", ids=ids).raise_for_status().json()
        return {each["id"]: Metrics(likes=each["likes"]) for each in found}

    def replies(self, channel, since, http):
        found = (
            self.ask(http, channel, "replies", **({"since": since} if since else {}))
            .raise_for_status()
            .json()
        )
        return [self.heard(each) for each in found if each["by"] != "us"]

    def heard(self, each):
        when = datetime.fromisoformat(each["at"])
        return Reply(
            remote_id=each["id"],
            text=each["text"],
            author=each["by"],
            at=when,
            to=each["to"],
            cursor=each["id"],
        )

    def answer(self, reply, variant, channel, http):
        body = self.body(variant) | {"reply_to": reply.remote_id}
        return self.receipt(
            http.post(f"{self.host}/posts", json=body, headers=self.head(channel)).raise_for_status()
        )

    # The account

    def verify(self, channel, http):
        said = self.ask(http, channel, "me").raise_for_status().json()
        return Account(remote_id=said["id"], name=said["name"], limits={"longest": said["longest"]})

    def adapted(self, channel):
        return dataclasses.replace(self.capabilities, max_chars=channel.limits.get("longest", 200))

    def refresh(self, channel, http):
        return self.exchange(http, again=channel.secrets["again"])

    def exchange(self, http, **proof):
        answer = http.post(f"{self.host}/token", data=proof)
        if answer.status_code == 400:
            raise Unauthorized("log in again")
        return answer.raise_for_status().json()

    def login(self, channel, talk, http):
        verifier, state = "a word of my own", "a state of my own"
        query = {
            "response_type": "code",
            "redirect_uri": talk.redirect() or "oob",
            "code_challenge": hashlib.sha256(verifier.encode()).hexdigest(),
            "code_challenge_method": "S256",
            "state": state,
        }
        back = talk.visit(f"{self.host}/authorise?{urlencode(query)}")
        if back and back["state"] != state:
            raise Unauthorized("somebody else began this log-in")
        return self.exchange(
            http, code=back.get("code") or talk.ask("The code that the page shows"), verifier=verifier
        )


class Letters(Board):
    """An honest platform that sends each recipient a copy."""

    name = "letters"
    example = Example(secrets={"token": "an example of one", "again": "a way to another"}, server=BoardServer)

    def recipients(self, channel, http):
        return iter(PEOPLE)

    def publish(self, variant, channel, http):
        if variant.recipient not in PEOPLE:
            raise NotWanted
        return super().publish(variant, channel, http)

    def body(self, variant):
        return super().body(variant) | {"recipient": variant.recipient}
