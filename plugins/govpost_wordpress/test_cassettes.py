"""What real sites said, recorded and played again.

To record anew, start a site (tests/real/servers/wordpress.py does) with an editor, an author and a contributor who
have application passwords, and name it, one site at a time:

    GOVPOST_RECORD=6.5 GOVPOST_RECORD_SAYS="WordPress 6.5.5 with SQLite" GOVPOST_RECORD_URL=http://127.0.0.1:8090 \
    GOVPOST_RECORD_EDITOR="editor:…" GOVPOST_RECORD_AUTHOR="author:…" GOVPOST_RECORD_CONTRIBUTOR="contributor:…" \
    python -m pytest plugins/govpost_wordpress/test_cassettes.py
"""

from __future__ import annotations

import html
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from vcr import VCR
from vcr.serializers import yamlserializer

from govpost import Action, Channel, Media, Receipt, Rejected, Unauthorized, Variant
from govpost.wire import Attempt, judge, publish_error, read_error, stage_error
from govpost_wordpress.test_common import PLATFORM
from riverton import png

CASSETTES = Path(__file__).parent / "cassettes"
RECORD = os.environ.get("GOVPOST_RECORD", "")
SERVERS = ("6.1", "6.5")
NOWHERE = "http://127.0.0.1"
WORDS = "Main Street is **closed** <today> & tomorrow – “detour” [map]\n\n迂回路 👩🏽‍🚒\n\n- one\n- two"
ALTS = ("Orange barriers: below 5 < 6 & 50%de", "Ein Plan – “Umleitung” über die Oak Street 👩🏽‍🚒")


def _told(cassette: Any) -> str:
    says, day = os.environ["GOVPOST_RECORD_SAYS"], datetime.now(UTC).date()
    head = f"# Recorded from {says}, running on loopback, on {day}.\n"
    head += "# Passwords, mail addresses and media bytes are taken out.\n"
    return head + str(yamlserializer.serialize(cassette))


def _request(request: Any) -> Any:
    request.uri = re.sub(r"^http://[^/]+", NOWHERE, request.uri)
    kind = next((value for name, value in request.headers.items() if name.lower() == "content-type"), "")
    request.headers = {"content-type": str(kind)} if kind else {}
    if "multipart" in str(kind):
        request.headers = {"content-type": "multipart/form-data"}
        request.body = b"[form with media bytes]"
    elif request.body:
        request.body = _anywhere(bytes(request.body))
    return request


def _response(response: Any) -> Any:
    kept = ("content-type", "link", "location", "x-wp-total", "x-wp-totalpages")
    response["headers"] = {
        name: [_anywhere(each.encode()).decode() for each in values]
        for name, values in response["headers"].items()
        if name.lower() in kept
    }
    body = _anywhere(response["body"]["string"])
    body = re.sub(rb'"(author_email|email|author_ip)":"[^"]*"', rb'"\1":""', body)
    response["body"]["string"] = re.sub(rb'"((?:author_)?avatar_urls)":\{[^}]*\}', rb'"\1":{}', body)
    return response


def _anywhere(said: bytes) -> bytes:
    return re.sub(rb"(http:\\?/\\?/127\.0\.0\.1):\d+", rb"\1", said)


TAPE = VCR(
    record_mode="all" if RECORD else "none",
    match_on=["method", "path", "query", "body"],
    before_record_request=_request,
    before_record_response=_response,
)
TAPE.register_serializer("told", SimpleNamespace(serialize=_told, deserialize=yamlserializer.deserialize))
TAPE.serializer = "told"


@dataclass
class Stage:
    """One channel on one site, and the public."""

    channel: Channel
    folder: Path
    number: int

    def call(self, part: str, *given: Any, meaning: Any = publish_error, **more: Any) -> Any:
        """Call a part of the plugin as the engine does; an error comes out as what it means."""
        only = meaning is read_error
        with Attempt(self.channel, deadline=time.monotonic() + 60, read_only=only) as attempt:
            try:
                said = getattr(PLATFORM, part)(*given, channel=self.channel, http=attempt.client, **more)
                return judge(said, attempt) if isinstance(said, Receipt) else said
            except Exception as error:
                raise meaning(error, attempt) from error

    def publish(self, variant: Variant, part: str = "publish", *before: Any) -> Receipt:
        """Stage and publish, or amend."""
        staged = self.call("stage", variant, meaning=stage_error)
        receipt: Receipt = self.call(part, *before, replace(variant, staged=staged))
        return receipt

    def get(self, path: str, login: str = "") -> Any:
        """Ask the site as the public does, or as `login`."""
        user = tuple(login.split(":", 1)) if login else None
        with httpx2.Client(trust_env=False, timeout=30, headers={"connection": "close"}) as client:
            return client.get(f"{self.channel.settings['site']}/wp-json/wp/v2/{path}", auth=user).json()

    def variant(self, n: int = 1, text: str = WORDS, pictures: int = 0, **more: Any) -> Variant:
        media = []
        for number in range(pictures):
            path = self.folder / f"{number}.png"
            path.write_bytes(png(32, 20))
            media.append(Media(path=path, mime="image/png", alt=ALTS[number], sha256=f"{number + 1}" * 64))
        key = f"01920000-0000-7000-8000-0000{self.number:04x}{n:04x}"
        at = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
        asked = {
            "key": key,
            "text": text,
            "title": "Main Street: closed & <shut>",
            "language": "en",
            "at": at,
        }
        return Variant(**{**asked, "media": tuple(media), **more})


def _login(role: str) -> str:
    return os.environ[f"GOVPOST_RECORD_{role.upper()}"] if RECORD else f"{role}:a-password"


@pytest.fixture(params=SERVERS)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    if RECORD and request.param != RECORD:
        pytest.skip(f"only {RECORD} is recorded")
    user, _, password = _login("editor").partition(":")
    settings = {"site": os.environ["GOVPOST_RECORD_URL"] if RECORD else NOWHERE, "user": user}
    channel = Channel(name="press", platform="wordpress", settings=settings, secrets={"password": password})
    test = request.node.originalname.removeprefix("test_")
    path = CASSETTES / request.param / f"{test}.yaml"
    if RECORD:
        path.unlink(missing_ok=True)
    limits = {"language": "en-US", "timezone": "Europe/Stockholm", "thumbnails": False}
    number = sum(test.encode()) + 0x1000 * SERVERS.index(request.param)
    with TAPE.use_cassette(str(path), serializer="told"):
        yield Stage(replace(channel, limits=limits), tmp_path, number)


def read(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def test_we_are_known_by_name_and_site(stage: Stage) -> None:
    account = stage.call("verify", meaning=read_error)
    assert account.name.startswith("editor on ") and account.missing == ()
    assert re.fullmatch(r"WordPress 6\.[15]\.\d+", account.server)
    assert account.limits["timezone"] == "Europe/Stockholm" and account.limits["thumbnails"] is False


def test_two_described_pictures_arrive_as_they_were_sent(stage: Stage) -> None:
    asked = {
        "categories": ["Roads & Bridges"],
        "tags": ["closure"],
        "excerpt": "Short & <sweet>",
        "comments": "open",
    }
    receipt = stage.publish(stage.variant(pictures=2, options=asked))
    assert receipt.pending is False and receipt.raw["date_gmt"] == "2026-11-21T09:00:00"
    assert receipt.raw["date"] == "2026-11-21T10:00:00"
    post = stage.get(receipt.remote_id)
    assert read(post["title"]["rendered"]) == "Main Street: closed & <shut>"
    assert read(post["excerpt"]["rendered"]) == "Short & <sweet>"
    shown = read(post["content"]["rendered"])
    assert shown == "Main Street is closed <today> & tomorrow – “detour” [map] 迂回路 👩🏽‍🚒 one two"
    alts = re.findall(r'\balt="([^"]*)"', post["content"]["rendered"])
    assert tuple(map(html.unescape, alts)) == ALTS
    library = [stage.get(f"media/{number}")["alt_text"] for number in receipt.raw["media"]]
    assert tuple(map(html.unescape, library)) == ALTS
    named = [stage.get(f"categories/{number}")["name"] for number in post["categories"]]
    assert list(map(html.unescape, named)) == ["Roads & Bridges"] and len(post["tags"]) == 1


def test_a_repeat_is_one_post_and_one_picture(stage: Stage) -> None:
    variant = stage.variant(pictures=1, options={"tags": ["closure"]})
    assert stage.call("confirm", variant, None, meaning=read_error) is None
    first = stage.publish(variant)
    again = stage.publish(variant)
    assert (first.remote_id, first.url, first.raw["media"]) == (
        again.remote_id,
        again.url,
        again.raw["media"],
    )
    assert first.raw["revision"] == again.raw["revision"]
    found = stage.call("confirm", variant, None, meaning=read_error)
    assert found.remote_id == first.remote_id and not found.url.rstrip("/").endswith("-2")
    assert (
        stage.call("confirm", replace(variant, key=variant.key[:-1] + "f"), None, meaning=read_error) is None
    )


def test_a_correction_shows_and_the_version_before_is_kept(stage: Stage) -> None:
    usual = {**stage.channel.settings, "comments": "closed", "categories": ["News"]}
    stage.channel = replace(stage.channel, settings=usual)
    asked = {"categories": ["Fairs"], "excerpt": "Come early.", "comments": "open", "sticky": True}
    first = stage.publish(stage.variant(text="The fair is on Friday.", options=asked))
    before = stage.get(first.remote_id)
    new = stage.variant(2, text="La feria es el sábado.", action=Action.AMEND, language="es")
    second = stage.publish(new, "amend", first)
    assert (second.remote_id, second.url) == (first.remote_id, first.url)
    post = stage.get(first.remote_id)
    assert read(post["content"]["rendered"]) == "Corregido el 21 de noviembre de 2026. La feria es el sábado."
    assert '<span lang="es">' in post["content"]["rendered"]
    for left in ("categories", "excerpt", "comment_status", "sticky", "template", "featured_media"):
        assert post[left] == before[left]
    assert post["comment_status"] == "open" and read(post["excerpt"]["rendered"]) == "Come early."
    kept = stage.get(f"{first.remote_id}/revisions", _login("editor"))
    versions = {each["id"]: read(each["content"]["rendered"]) for each in kept}
    assert "Friday" in versions[first.raw["revision"]] and "sábado" in versions[second.raw["revision"]]


def test_what_is_withdrawn_is_in_the_trash_and_stays_there(stage: Stage) -> None:
    variant = stage.variant()
    receipt = stage.publish(variant)
    for _ in range(2):
        assert stage.call("withdraw", receipt, "Withdrawn.") is None
    for known in (receipt, None):
        assert stage.call("confirm", variant, known, meaning=read_error) is None
    assert stage.call("measure", [receipt], meaning=read_error) == {}
    with pytest.raises(Rejected, match="trash"):
        stage.publish(variant)
    gone = Receipt(remote_id="posts/987654")
    assert stage.call("withdraw", gone, "") is None
    assert stage.call("confirm", variant, gone, meaning=read_error) is None


def test_a_page_is_found_among_pages(stage: Stage) -> None:
    variant = stage.variant(options={"type": "page", "comments": "closed"})
    receipt = stage.publish(variant)
    assert receipt.remote_id.startswith("pages/")
    found = stage.call("confirm", variant, None, meaning=read_error)
    assert found.remote_id == receipt.remote_id
    assert stage.call("withdraw", receipt, "") is None


def test_what_the_public_says_is_counted_read_and_answered_once(stage: Stage) -> None:
    receipt = stage.publish(stage.variant(options={"comments": "open"}))
    number = int(receipt.remote_id.partition("/")[2])
    author = tuple(_login("author").split(":", 1))
    told = {"post": number, "content": f"Where & when do I park? {number}"}
    with httpx2.Client(trust_env=False, timeout=30, headers={"connection": "close"}, auth=author) as client:
        said = client.post(f"{stage.channel.settings['site']}/wp-json/wp/v2/comments", json=told)
    assert said.status_code == 201
    *_, reply = list(_drawn(stage, None))
    assert (reply.text, reply.state, reply.to) == (told["content"], "held", receipt.remote_id)
    assert stage.call("measure", [receipt], meaning=read_error)[receipt.remote_id].replies == 0
    answer = Variant(key="k", text="By the **river** & the park.", answers="r1")
    with pytest.raises(Rejected, match="not shown"):
        stage.call("answer", reply, answer)
    editor = tuple(_login("editor").split(":", 1))
    with httpx2.Client(trust_env=False, timeout=30, headers={"connection": "close"}, auth=editor) as client:
        shown = {"status": "approved"}
        client.post(f"{stage.channel.settings['site']}/wp-json/wp/v2/{reply.remote_id}", json=shown)
    assert stage.call("stage", answer, meaning=stage_error) == {}
    first, again = (stage.call("answer", reply, answer) for _ in range(2))
    assert first == again and not first.pending
    assert stage.call("confirm", answer, first, meaning=read_error).remote_id == first.remote_id
    assert stage.call("measure", [receipt], meaning=read_error)[receipt.remote_id].replies == 2
    own = [each for each in _drawn(stage, reply.cursor) if each.remote_id == first.remote_id]
    assert [each.text for each in own] == ["By the river & the park."]
    for _ in range(2):
        assert stage.call("withdraw", first, "") is None
    assert stage.call("confirm", answer, first, meaning=read_error) is None
    assert stage.call("measure", [receipt], meaning=read_error)[receipt.remote_id].replies == 1


def _drawn(stage: Stage, since: str | None) -> list[Any]:
    with Attempt(stage.channel, deadline=time.monotonic() + 60, read_only=True) as attempt:
        return list(PLATFORM.replies(stage.channel, since, attempt.client))


def test_a_wrong_password_is_unauthorized_in_every_call(stage: Stage) -> None:
    stage.channel = replace(stage.channel, secrets={"password": "not the right one"})
    receipt = Receipt(remote_id="posts/1")
    for part, given, meaning in (
        ("verify", (), read_error),
        ("stage", (stage.variant(),), stage_error),
        ("publish", (stage.variant(staged={"id": 1, "media": []}),), publish_error),
        ("confirm", (stage.variant(), None), read_error),
        ("confirm", (stage.variant(), receipt), read_error),
        ("amend", (receipt, stage.variant(staged={"media": []})), publish_error),
        ("withdraw", (receipt, ""), publish_error),
    ):
        with pytest.raises(Unauthorized):
            stage.call(part, *given, meaning=meaning)


def test_a_contributor_cannot_publish_and_the_channel_waits(stage: Stage) -> None:
    user, _, password = _login("contributor").partition(":")
    settings = {**stage.channel.settings, "user": user}
    stage.channel = replace(stage.channel, settings=settings, secrets={"password": password})
    with pytest.raises(Unauthorized, match="contributor has too few rights"):
        stage.publish(stage.variant())
    with pytest.raises(Rejected, match="no category 'Traffic'"):
        stage.publish(stage.variant(2, options={"categories": ["Traffic"]}))
    account = stage.call("verify", meaning=read_error)
    assert "publish posts" in account.missing and "upload pictures" in account.missing


def test_a_file_that_is_not_what_it_says_is_rejected(stage: Stage) -> None:
    variant = stage.variant(pictures=1)
    variant.media[0].path.write_bytes(b"no picture at all")
    with pytest.raises(Rejected, match="does not take this file"):
        stage.publish(variant)
