"""What real servers said, recorded and played again.

To record anew, start a server with empty accounts and name it, one server at a time:

    GOVPOST_RECORD=takahe GOVPOST_RECORD_SAYS="Takahē 0.11.0" GOVPOST_RECORD_URL=http://127.0.0.1:8000 \
    GOVPOST_RECORD_TOKEN=… GOVPOST_RECORD_CITIZEN=… python -m pytest plugins/govpost_mastodon/test_cassettes.py
"""

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

from govpost import Action, Channel, Receipt, Variant
from govpost.errors import Rejected, Unauthorized, Unavailable
from govpost.wire import Attempt, publish_error, read_error
from govpost_mastodon import servers
from govpost_mastodon.test_common import MASTODON, picture

CASSETTES = Path(__file__).parent / "cassettes"
RECORD = os.environ.get("GOVPOST_RECORD", "")
SERVERS = ("mastodon_mock", "takahe")
NOWHERE = "http://127.0.0.1"
LINK = "https://riverton.example.gov/a_b?c=d#e"
WORDS = f"Main Street is closed <today> & tomorrow – “detour”: {LINK}\n\n迂回路 👩🏽‍🚒 #roads"
ALTS = ("Orange barriers across the bridge", "Ein Plan – “Umleitung” über die Oak Street 👩🏽‍🚒")


def _told(cassette: Any) -> str:
    says, day = os.environ["GOVPOST_RECORD_SAYS"], datetime.now(UTC).date()
    head = f"# Recorded from {says}, running on loopback, on {day}.\n# Tokens, cookies and media bytes are taken out.\n"
    return head + str(yamlserializer.serialize(cassette))


def _request(request: Any) -> Any:
    request.uri = re.sub(r"^http://[^/]+", NOWHERE, request.uri)
    kept = ("content-type", "idempotency-key")
    request.headers = {name: value for name, value in request.headers.items() if name.lower() in kept}
    if "multipart" in request.headers.get("Content-Type", request.headers.get("content-type", "")):
        request.body = b"[form with media bytes]"
    return request


def _response(response: Any) -> Any:
    kept = ("content-type", "date")
    response["headers"] = {
        name: value
        for name, value in response["headers"].items()
        if name.lower() in kept or name.lower().startswith("x-ratelimit")
    }
    # A page for people carries a token for its forms.
    body = response["body"]
    body["string"] = re.sub(
        rb"(csrf\w*\W+(?:value=)?\W*)\w{32,}", rb"\1taken-out", body["string"], flags=re.I
    )
    return response


TAPE = VCR(
    record_mode="all" if RECORD else "none",
    match_on=["method", "path", "query"],
    before_record_request=_request,
    before_record_response=_response,
)
TAPE.register_serializer("told", SimpleNamespace(serialize=_told, deserialize=yamlserializer.deserialize))
TAPE.serializer = "told"


@dataclass
class Stage:
    """One channel on one server, and the public."""

    url: str
    channel: Channel
    citizen: httpx2.Client

    @property
    def exact(self) -> bool:
        """Say whether the server shows words as they were sent."""
        software = servers.known(self.channel.limits)
        return software is not None and software.exact

    def call(self, part: str, *given: Any, read_only: bool = False, **more: Any) -> Any:
        """Call a part of the plugin under an attempt; an error comes out as the engine sees it."""
        with Attempt(self.channel, deadline=time.monotonic() + 60, read_only=read_only) as attempt:
            try:
                return getattr(MASTODON, part)(*given, channel=self.channel, http=attempt.client, **more)
            except Exception as error:
                raise (read_error if read_only else publish_error)(error, attempt) from error

    def confirm(self, variant: Variant, receipt: Receipt | None = None) -> Receipt | None:
        found: Receipt | None = self.call("confirm", variant, receipt, read_only=True)
        return found

    def publish(self, variant: Variant) -> tuple[Variant, Receipt]:
        """Stage and publish; the variant comes back due at the time when the server made the post."""
        with Attempt(self.channel, deadline=time.monotonic() + 60) as attempt:
            staged = MASTODON.stage(variant, self.channel, attempt.client)
        variant = replace(variant, staged=staged)
        receipt: Receipt = self.call("publish", variant)
        return replace(variant, staged={}, at=datetime.fromisoformat(receipt.raw["created_at"])), receipt

    def status(self, receipt: Receipt) -> Any:
        """Return a post as the public sees it."""
        return self.citizen.get(f"/api/v1/statuses/{receipt.remote_id}").raise_for_status().json()


@pytest.fixture(params=SERVERS)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if RECORD and request.param != RECORD:
        pytest.skip(f"only {RECORD} is recorded")
    get = os.environ.get if RECORD else lambda _, otherwise="": otherwise
    url, token = get("GOVPOST_RECORD_URL", NOWHERE), get("GOVPOST_RECORD_TOKEN", "a-token")
    channel = Channel(
        name="fediverse", platform="mastodon", settings={"url": url}, secrets={"access_token": token}
    )
    headers = {"authorization": f"Bearer {get('GOVPOST_RECORD_CITIZEN', 'another')}", "connection": "close"}
    test = request.node.originalname.removeprefix("test_")
    path = CASSETTES / request.param / f"{test}.yaml"
    if RECORD:
        path.unlink(missing_ok=True)
    with (
        TAPE.use_cassette(str(path), serializer="told"),
        httpx2.Client(base_url=url, headers=headers, trust_env=False, timeout=30) as citizen,
    ):
        made = Stage(url, channel, citizen)
        made.channel = replace(channel, limits=made.call("verify", read_only=True).limits)
        yield made


def variant(key: str, text: str = WORDS, **more: Any) -> Variant:
    return Variant(**{"key": key, "text": text, "at": datetime.now(UTC), "language": "en", **more})


def test_we_are_known_by_name_and_server(stage):
    account = stage.call("verify", read_only=True)
    assert account.name == "@agency"
    assert account.server in ("Mastodon 4.6.0", "Takahē 0.11.0")
    assert account.missing == ()
    able = MASTODON.adapted(stage.channel)
    safe = account.limits["software"] == "mastodon"
    assert (able.max_chars, able.link_chars, able.max_media) == (500, 23 if safe else None, 4)
    assert (able.idempotent_for is not None) is safe
    assert bool(account.notes) is not safe


def test_two_described_pictures_arrive_as_they_were_sent(stage, tmp_path):
    media = tuple(real_picture(tmp_path, name, alt) for name, alt in zip("ab", ALTS, strict=True))
    sent, receipt = stage.publish(
        variant("pictures", f"Seen: {WORDS}", media=media, options={"warning": "Road works"})
    )
    shown = stage.status(receipt)
    # Takahē keeps the files of a post in no order.
    assert sorted(each["description"] for each in shown["media_attachments"]) == sorted(ALTS)
    assert (shown["spoiler_text"], shown["visibility"]) == ("Road works", "public")
    assert stage.confirm(sent).remote_id == receipt.remote_id
    assert stage.confirm(sent, receipt).url == receipt.url


def test_a_lost_post_is_found_and_no_similar_one(stage):
    others = [stage.publish(variant(f"other-{number}", f"{WORDS}{number}"))[1] for number in range(3)]
    sent, receipt = stage.publish(variant("lost"))
    found = stage.confirm(sent).remote_id
    assert found == receipt.remote_id and found not in {other.remote_id for other in others}
    similar = replace(sent, text=WORDS.replace("closed", "open"))
    if stage.exact:
        assert stage.confirm(similar) is None
    else:  # nobody can tell whether this server shows the words as they were sent
        with pytest.raises(Unavailable, match="its words are shown differently"):
            stage.confirm(similar)


def test_a_thread_hangs_together(stage):
    _, first = stage.publish(variant("part-1", "Part 1 of the storm guide"))
    _, second = stage.publish(variant("part-2", "Part 2 of the storm guide", reply_to=first.remote_id))
    assert stage.status(second)["in_reply_to_id"] == first.remote_id


def test_a_repeat_is_one_post_where_the_server_keeps_the_key(stage):
    sent, receipt = stage.publish(variant("again", "Said twice"))
    again = stage.call("publish", sent)
    safe = MASTODON.adapted(stage.channel).idempotent_for is not None
    assert (again.remote_id == receipt.remote_id) is safe


def test_a_correction_changes_words_and_descriptions_in_place(stage, tmp_path):
    _, receipt = stage.publish(variant("wrong", media=(real_picture(tmp_path, "a", ALTS[0]),)))
    right = variant(
        "right", "Main Street is open.", media=(real_picture(tmp_path, "a", ALTS[1]),), action=Action.AMEND
    )
    with Attempt(stage.channel, deadline=time.monotonic() + 60) as attempt:
        right = replace(right, staged=MASTODON.stage(right, stage.channel, attempt.client))
    changed = stage.call("amend", receipt, right)
    shown = stage.status(receipt)
    assert changed.remote_id == receipt.remote_id
    assert "Main Street is open." in shown["content"]
    # The mock leaves the files of a post alone when it is edited; servers that people use do not.
    kept = stage.channel.limits["software"] == "mastodon"
    assert [each["description"] for each in shown["media_attachments"]] == [ALTS[0] if kept else ALTS[1]]
    assert shown["edited_at"]


def test_a_correction_of_a_thread_answers_it_until_it_is_gone(stage):
    quiet = {"visibility": "unlisted"}
    _, first = stage.publish(variant("quiet", "The storm comes on Thursday.", options=quiet))
    sent, second = stage.publish(variant("anew", "The storm comes on Friday.", corrects=first.url))
    shown = stage.status(second)
    assert (shown["in_reply_to_id"], shown["visibility"]) == (first.remote_id, "unlisted")
    assert stage.confirm(sent).remote_id == second.remote_id
    stage.call("withdraw", first, "Published in error.")
    _, alone = stage.publish(variant("alone", "The storm comes on Saturday.", corrects=first.url))
    assert stage.status(alone)["in_reply_to_id"] is None


def test_what_is_withdrawn_is_gone_and_may_be_withdrawn_again(stage):
    sent, receipt = stage.publish(variant("gone", "Not for long"))
    for _ in range(2):
        stage.call("withdraw", receipt, "Published in error.")
    assert stage.confirm(sent) is None
    assert stage.confirm(sent, receipt) is None
    assert stage.call("measure", [receipt], read_only=True) == {}


def test_what_the_public_does_is_counted_and_read(stage):
    _, receipt = stage.publish(variant("asked", "Questions?"))
    post = f"/api/v1/statuses/{receipt.remote_id}"
    body = {"status": "@agency When is it open?", "in_reply_to_id": receipt.remote_id, "visibility": "public"}
    asked = stage.citizen.post("/api/v1/statuses", json=body).raise_for_status().json()
    for what in ("favourite", "reblog"):
        stage.citizen.post(f"{post}/{what}").raise_for_status()
    reply = _heard(stage, asked["id"])
    assert (reply.to, reply.kind) == (receipt.remote_id, "reply")
    assert reply.text.removeprefix("@agency").strip() == "When is it open?"
    assert reply.author.startswith("@citizen")
    assert stage.call("replies", since=reply.cursor, read_only=True) == []
    counts = stage.call("measure", [receipt], read_only=True)[receipt.remote_id]
    assert (counts.likes, counts.shares, counts.replies) == (1, 1, 1)
    answer = stage.call("answer", reply, variant("answer", "@citizen At noon."))
    assert stage.status(answer)["in_reply_to_id"] == asked["id"]


def test_a_bad_token_is_unauthorized(stage):
    stage.channel = replace(stage.channel, secrets={"access_token": "of-nobody"})
    with pytest.raises(Unauthorized):
        stage.call("publish", variant("nobody"))
    with pytest.raises(Unauthorized):
        stage.call("verify", read_only=True)


def test_a_post_that_is_too_long_is_rejected(stage):
    with pytest.raises(Rejected):
        stage.call("publish", variant("long", "x" * 501))


@pytest.mark.parametrize(
    "path", sorted(CASSETTES.rglob("*.yaml")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_a_cassette_says_who_spoke_and_tells_no_secret(path):
    text = path.read_text(encoding="utf-8")
    assert re.match(
        r"# Recorded from (mastodon_mock|Takahē) [\d.]+.*, running on loopback, on \d{4}-\d\d-\d\d\.\n", text
    )
    assert not re.search(
        r"authorization|bearer [\w-]{6,}\.|set-cookie|\w_token\b|password|(?:(?!x)\w){40,}",
        text,
        re.IGNORECASE,
    )
    assert "PNG" not in text


def real_picture(folder: Path, name: str, alt: str) -> Any:
    """Make a picture that servers can read."""
    from riverton import png

    medium = picture(folder, f"{name}.png", alt)
    medium.path.write_bytes(png(320, 200))
    return medium


def _heard(stage: Stage, post: str) -> Any:
    """Wait for what was said; a server that works behind the scenes needs a moment."""
    for _ in range(60):
        found = [
            reply for reply in stage.call("replies", since=None, read_only=True) if reply.remote_id == post
        ]
        if found:
            return found[0]
        if RECORD:
            time.sleep(0.5)
    raise AssertionError("what the public said never came")
