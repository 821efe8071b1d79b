"""What a real PDS said, replayed: each cassette's first line names the server that answered.

To record anew: start @atproto/pds on port 2583 and its directory on 2582, make the accounts agency.test and
citizen.test with the password below, delete cassettes/, run this file with ``--record-mode=once``.
"""

import base64
import hashlib
import hmac
import json
import os
import time
from dataclasses import replace

import pytest

from govpost import Media, Rejected, Unauthorized, Unavailable, Uncertain
from govpost.wire import Attempt, judge, publish_error, read_error, stage_error
from govpost_bluesky.keys import rkey
from govpost_bluesky.records import POST, POSTGATE, THREADGATE
from govpost_bluesky.test_common import BLUESKY, channel, key, variant
from riverton import png

PDS = "http://localhost:2583"
DIRECTORY = "http://localhost:2582"
PASSWORD = "a-password-for-tests"
HIDDEN = {"password", "accessJwt", "refreshJwt", "email"}

pytestmark = pytest.mark.vcr


def hidden(value):
    if isinstance(value, dict):
        return {name: "hidden" if name in HIDDEN else hidden(item) for name, item in value.items()}
    return [hidden(item) for item in value] if isinstance(value, list) else value


def without_secrets(request):
    request.headers = {
        k: v for k, v in request.headers.items() if k.lower() not in ("authorization", "user-agent")
    }
    kind = next((v for k, v in request.headers.items() if k.lower() == "content-type"), "")
    if request.path.endswith("uploadBlob"):
        media = bytes(request.body or b"")
        if not media.startswith(b"media "):  # the recorder asks more than once
            request.body = b"media " + hashlib.sha256(media).hexdigest().encode()
    elif "json" in str(kind):
        request.body = json.dumps(hidden(json.loads(request.body))).encode()
    return request


def without_tokens(response):
    body = response["body"]["string"]
    if body[:1] in (b"{", b"["):
        response["body"]["string"] = json.dumps(hidden(json.loads(body))).encode()
        response["headers"].pop("Content-Length", None)
        response["headers"].pop("content-length", None)
    return response


@pytest.fixture(scope="module")
def vcr_config():
    return {
        "before_record_request": without_secrets,
        "before_record_response": without_tokens,
        "match_on": ("method", "scheme", "host", "port", "path", "query", "body"),
        "decode_compressed_response": True,
    }


def on(secrets=None, **settings):
    at_home = {"handle": "agency.test", "pds": PDS, "directory": DIRECTORY, **settings}
    return channel(secrets={"password": PASSWORD} if secrets is None else secrets, **at_home)


def call(what, *given, at, meaning=publish_error):
    """Call a part of the platform over real connections, or over what a cassette has in their place."""
    with Attempt(at, deadline=time.monotonic() + 60) as attempt:
        try:
            said = what(*given, at, attempt.client)
        except Exception as error:
            raise meaning(error, attempt) from error
        return judge(said, attempt) if hasattr(said, "remote_id") and hasattr(said, "raw") else said


def here(**settings):
    """Log in and return the channel with its session."""
    at = on(**settings)
    return replace(at, secrets={**at.secrets, **call(BLUESKY.refresh, at=at)})


def who(at):
    return json.loads(at.secrets["session"])["did"]


def publish(what, at):
    ready = replace(what, staged=call(BLUESKY.stage, what, at=at, meaning=stage_error))
    return call(BLUESKY.publish, ready, at=at)


def confirm(what, at):
    return call(BLUESKY.confirm, what, None, at=at, meaning=read_error)


def record(receipt, at):
    """Return the record as the server holds it."""
    with Attempt(at, deadline=time.monotonic() + 60) as attempt:
        found = attempt.client.get(
            f"{PDS}/xrpc/com.atproto.repo.getRecord",
            params={"repo": who(at), "collection": POST, "rkey": receipt.remote_id.rpartition("/")[2]},
        )
        return found.raise_for_status().json()["value"]


def test_a_session_begins_by_password_and_goes_on_by_token():
    at = here()
    again = call(
        BLUESKY.refresh, at=replace(at, secrets={k: v for k, v in at.secrets.items() if k != "password"})
    )
    assert json.loads(again["session"]) == {"did": who(at), "pds": PDS, "handle": "agency.test"}
    with pytest.raises(Unauthorized, match="no app password is kept"):
        call(BLUESKY.refresh, at=replace(at, secrets={**at.secrets, "refresh": "junk", "password": ""}))


def test_a_wrong_password_is_refused():
    with pytest.raises(Unauthorized, match="does not take this password"):
        call(BLUESKY.refresh, at=on(secrets={"password": "a-wrong-one"}))


def test_the_home_of_an_account_is_found_from_its_did():
    at = here()
    found = on(handle=who(at), pds=None)
    assert json.loads(call(BLUESKY.refresh, at=found)["session"])["pds"] == PDS


def test_the_server_says_who_we_are_and_what_it_takes():
    account = call(BLUESKY.verify, at=here(), meaning=read_error)
    assert (account.name, account.server) == ("@agency.test", f"PDS 0.5.35 at {PDS}")
    assert account.limits == {"blob": 5_242_880, "appview": False}
    assert "the account's e-mail address is not confirmed; videos need that" in account.notes


def test_a_post_with_two_described_pictures_is_there_once_and_then_gone(tmp_path):
    media = []
    for number, alt in enumerate(("Barriers on the bridge", "Plan der Umleitung – 迂回路 👩🏽‍🚒")):
        path = tmp_path / f"{number}.png"
        path.write_bytes(png(32 + number, 20))
        media.append(Media(path=path, mime="image/png", alt=alt))
    at = here()
    text = "✨ Closed, says @citizen.test not @nobody.test: https://riverton.example.gov/straße #Brücke"
    what = variant(text, media=tuple(media))
    receipt = publish(what, at)
    assert publish(what, at) == receipt == confirm(what, at)
    held = record(receipt, at)
    assert (held["text"], held["langs"], held["createdAt"]) == (text, ["en"], "2026-11-27T09:30:00.000Z")
    assert [image["alt"] for image in held["embed"]["images"]] == [medium.alt for medium in media]
    assert [image["aspectRatio"]["width"] for image in held["embed"]["images"]] == [32, 33]
    kinds = [facet["features"][0]["$type"].partition("#")[2] for facet in held["facets"]]
    assert kinds == ["mention", "link", "tag"]
    for _ in range(2):
        call(BLUESKY.withdraw, receipt, "wrong", at=at)
    assert confirm(what, at) is None


def test_other_words_at_our_key_are_never_taken_for_ours():
    at = here()
    what = variant("The pool opens on Monday.", key=key(2))
    receipt = publish(what, at)
    other = replace(what, text="The pool opens on Tuesday.")
    with pytest.raises(Uncertain, match="another text stands where this post belongs"):
        publish(other, at)
    with pytest.raises(Unavailable, match="another text"):
        confirm(other, at)
    assert record(receipt, at)["text"] == what.text


def test_a_thread_of_four_with_its_gates():
    at = here(replies=["mentioned"], quotes=False)
    parent, receipts = None, []
    for number in range(1, 5):
        part = variant(f"Part {number} of four.", key=key(10 + number), reply_to=parent)
        receipts.append(publish(part, at))
        assert publish(part, at) == receipts[-1]
        parent = receipts[-1].remote_id
    assert [receipt.raw["gates"] for receipt in receipts] == [[THREADGATE, POSTGATE], *[[POSTGATE]] * 3]
    root = {"uri": receipts[0].remote_id, "cid": receipts[0].raw["cid"]}
    assert [record(receipt, at)["reply"]["root"] for receipt in receipts[1:]] == [root] * 3
    for receipt in reversed(receipts):
        call(BLUESKY.withdraw, receipt, "wrong", at=at)


def test_a_correction_with_a_card_stands_under_what_it_corrects():
    at = here()
    wrong = publish(variant("The library opens at 8.", key=key(20)), at)
    card = {
        "title": "Opening hours",
        "description": "Of all branches.",
        "link": "https://riverton.example.gov/library",
    }
    words = "Correction: the library opens at 9."
    right = publish(variant(words, key=key(21), corrects=wrong.url, options={"card": card}), at)
    held = record(right, at)
    assert (
        held["reply"]["parent"] == held["reply"]["root"] == {"uri": wrong.remote_id, "cid": wrong.raw["cid"]}
    )
    assert held["embed"]["external"] == {
        "uri": card["link"],
        "title": card["title"],
        "description": card["description"],
    }


def test_what_the_server_will_not_have_is_rejected(tmp_path):
    at = here()
    with pytest.raises(Rejected, match="grapheme too big"):
        publish(variant("x" * 301, key=key(30)), at)
    film = tmp_path / "film.mp4"
    film.write_bytes(b"\0" * 5_300_000)
    with pytest.raises(Rejected, match="413"):
        publish(variant(key=key(31), media=(Media(path=film, mime="video/mp4"),)), at)


def test_an_expired_token_is_found_out_and_renewed():
    at = here()
    old = replace(at, secrets={**at.secrets, "access": expired(who(at))})
    with pytest.raises(Unauthorized, match="ExpiredToken"):
        publish(variant("Still closed.", key=key(40)), old)
    fresh = replace(old, secrets={**old.secrets, **call(BLUESKY.refresh, at=old)})
    assert publish(variant("Still closed.", key=key(40)), fresh).remote_id.endswith(
        rkey(variant(key=key(40)))
    )


def expired(did):
    """Write the token of yesterday; the server's own secret is known where a cassette is recorded."""

    def coded(part):
        return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")

    said = {"scope": "com.atproto.access", "aud": "did:web:localhost", "sub": did, "iat": 1_700_000_000}
    text = coded({"typ": "at+jwt", "alg": "HS256"}) + b"." + coded({**said, "exp": 1_700_007_200})
    secret = os.environ.get("GP_JWT_SECRET", "").encode()
    return (text + b"." + base64.urlsafe_b64encode(hmac.digest(secret, text, "sha256")).rstrip(b"=")).decode()


def test_a_server_without_an_appview_cannot_count():
    at = here()
    receipt = publish(variant("Counted by nobody.", key=key(50)), at)
    with pytest.raises(Unavailable, match="has no AppView"):
        call(BLUESKY.measure, [receipt], at=at, meaning=read_error)
    with pytest.raises(Unavailable, match="has no AppView"):
        call(lambda *given: list(BLUESKY.replies(given[0], None, given[1])), at=at, meaning=read_error)
