"""The webhook keeps the contract, and says on the wire what its README says."""

import hashlib
import hmac
import json
import time
from datetime import timedelta

import pytest
from pydantic import ValidationError

from govpost import Channel, Media, Variant
from govpost.testing import FakeWire, PlatformContract
from govpost.wire import Attempt, judge
from govpost_webhook import Settings, Webhook, govpost_platforms

URL = "https://hub.example/notices"


class TestWebhookKeepsTheContract(PlatformContract):
    platform = Webhook()


class IdempotentWebhook(Webhook):
    example = type(Webhook.example)(settings={"url": URL, "idempotent": True})


class TestAnIdempotentWebhookKeepsTheContract(PlatformContract):
    platform = IdempotentWebhook()


def publish(variant, answer=201, secrets=None):
    wire = FakeWire(answer)
    channel = Channel(name="hub", platform="webhook", settings={"url": URL}, secrets=secrets or {})
    with Attempt(channel, deadline=time.monotonic() + 10, transport=wire) as attempt:
        receipt = judge(Webhook().publish(variant, channel, attempt.client), attempt)
    return receipt, wire.requests[0]


def test_the_body_holds_the_post_and_the_header_its_key(tmp_path):
    picture = tmp_path / "bridge.png"
    picture.write_bytes(b"PNG")
    medium = Media(path=picture, mime="image/png", alt="A bridge", sha256="ab" * 32)
    variant = Variant(
        key="k1", text="Closed · cerrado", title="Bridge", link="https://x.example/", media=(medium,)
    )
    _, request = publish(variant)
    assert request.headers["idempotency-key"] == "k1"
    assert json.loads(request.content) == {
        "key": "k1",
        "action": "publish",
        "text": "Closed · cerrado",
        "title": "Bridge",
        "link": "https://x.example/",
        "language": None,
        "corrects": None,
        "media": [{"alt": "A bridge", "sha256": "ab" * 32, "mime": "image/png", "data": "UE5H"}],
    }


def test_a_signing_key_signs_the_very_bytes():
    _, request = publish(Variant(key="k1", text="ñ"), secrets={"signing_key": "key"})
    signed = hmac.new(b"key", request.content, hashlib.sha256).hexdigest()
    assert request.headers["x-govpost-signature"] == f"sha256={signed}"


def test_without_a_signing_key_nothing_is_signed():
    _, request = publish(Variant(key="k1", text="x"))
    assert "x-govpost-signature" not in request.headers


@pytest.mark.parametrize(
    ("answer", "remote_id", "url"),
    [
        ((201, {"id": 7, "url": "https://hub.example/7"}), "7", "https://hub.example/7"),
        ((201, None, {"location": "https://hub.example/8"}), "https://hub.example/8", None),
        (204, "k1", None),
        ((200, ["taken in"]), "k1", None),
    ],
)
def test_the_receipt_comes_from_whatever_the_receiver_says(answer, remote_id, url):
    receipt, _ = publish(Variant(key="k1", text="x"), answer)
    assert (receipt.remote_id, receipt.url) == (remote_id, url)


@pytest.mark.parametrize("url", [URL, "http://127.0.0.1:8000/x", "http://localhost/x", "http://[::1]:80/"])
def test_an_address_is_https_or_loopback(url):
    assert Settings(url=url).url == url


@pytest.mark.parametrize(
    "url", ["http://hub.example/", "hub.example", "ftp://127.0.0.1/", "https://u:pw@hub.example/"]
)
def test_any_other_address_is_refused(url):
    with pytest.raises(ValidationError):
        Settings(url=url)


def test_a_repeat_is_safe_only_where_the_receiver_says_so():
    def adapted(**settings):
        return Webhook().adapted(Channel(name="hub", platform="webhook", settings={"url": URL, **settings}))

    assert adapted().idempotent_for is None
    assert adapted(idempotent=True).idempotent_for == timedelta(hours=24)


def test_the_hook_brings_one_platform():
    assert [platform.name for platform in govpost_platforms()] == ["webhook"]
