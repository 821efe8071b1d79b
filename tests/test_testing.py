"""The conformance suite passes what is clean and fails each sin."""

import time
import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from govpost import Capabilities, Channel, Example, Receipt
from govpost.domain import Variant
from govpost.testing import Fake, FakePlatform, FakeWire, PlatformContract, check
from govpost.testing.fakes import FakeAmends, FakeConfirms, FakeStages, FakeWithdraws
from govpost.wire import Attempt

URL = "https://platform.example/posts"


class Clean(FakePlatform):
    example = Example(settings={"url": URL}, secrets={"token": "an example of one"})


class Whole(FakeStages, FakeConfirms, FakeAmends, FakeWithdraws, Clean):
    """A platform with every optional part."""

    def __init__(self):
        super().__init__(Capabilities(title=True, link=True, threads=True, idempotent_for=timedelta(hours=1)))


class Files:
    """A platform that writes files and never uses the wire."""

    name = "files"
    capabilities = Capabilities()
    example = Example(settings={"folder": "{tmp}/public", "nested": [{"more": "{tmp}"}], "n": 1})

    def publish(self, variant, channel, http):
        assert "{tmp}" not in str(channel.settings)
        self._path(variant.key, channel).write_text(variant.text)
        return Receipt(remote_id=variant.key)

    def confirm(self, variant, receipt, channel, http):
        return Receipt(remote_id=variant.key) if self._path(variant.key, channel).exists() else None

    def withdraw(self, receipt, notice, channel, http):
        self._path(receipt.remote_id, channel).unlink(missing_ok=True)

    def _path(self, key, channel):
        folder = Path(channel.settings["folder"])
        folder.mkdir(exist_ok=True)
        return folder / key

    def stage(self, variant, channel, http):
        return {}


class TestAPlatformWithSeveralRequestsKeepsTheContract(PlatformContract):
    class Several(Clean):
        def publish(self, variant, channel, http):
            place = http.get(URL).raise_for_status().json()["place"]
            return super().publish(variant, replace(channel, settings={"url": place}), http)

    platform = Several()

    def answer(self, request):
        if request.method == "GET":
            return httpx2.Response(200, json={"place": f"{URL}/here"})
        return super().answer(request)


class Form(Clean):
    capabilities_of_a_form = Capabilities(max_alt=20, max_chars=60)

    def __init__(self):
        super().__init__(self.capabilities_of_a_form)

    def publish(self, variant, channel, http):
        medium = variant.media[0]
        with medium.path.open("rb") as stream:
            answer = http.post(
                URL,
                data={"status": variant.text, "alt": medium.alt, "visibility": "public"},
                files={"file": (medium.path.name, stream, medium.mime)},
                headers={"Idempotency-Key": variant.key},
            )
        answer.raise_for_status()
        return Receipt(remote_id=answer.json()["id"])


class Templated(Clean):
    example = Example(settings={"url": URL}, words=("Notice: ", "A city speaks"))

    def __init__(self):
        super().__init__(Capabilities(max_media=0))

    def publish(self, variant, channel, http):
        xml = f"<post><by>A city speaks</by><text>Notice: {_escaped(variant.text)}</text></post>"
        answer = http.post(
            URL, content=xml, headers={"Content-Type": "application/xml", "X-Key": variant.key}
        )
        answer.raise_for_status()
        return Receipt(remote_id="1")


def _escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# Sins


class Sinner(Whole):
    """Sends the variant by a form of its own, for a sin to change something of it."""

    def send(self, variant, http, **more):
        return http.post(URL, json=self.body(variant) | more, headers={"Idempotency-Key": self.key(variant)})

    def key(self, variant):
        return variant.key

    def body(self, variant):
        media = [{"alt": medium.alt, "sha256": medium.sha256} for medium in variant.media]
        words = {name: getattr(variant, name) for name in ("text", "title", "link", "reply_to")}
        return {**words, "media": media, "staged": dict(variant.staged)}

    def publish(self, variant, channel, http):
        answer = self.send(variant, http)
        answer.raise_for_status()
        return Receipt(remote_id=answer.json()["id"])


class SwallowsEverything(Sinner):
    def publish(self, variant, channel, http):
        try:
            return super().publish(variant, channel, http)
        except Exception:
            return Receipt(remote_id="42")


class FreshKeyEachCall(Sinner):
    def key(self, variant):
        return str(uuid.uuid4())


class StatusNeverChecked(Sinner):
    def publish(self, variant, channel, http):
        return Receipt(remote_id=str(self.send(variant, http).json() or "42"))


class ChangesAWord(Sinner):
    def body(self, variant):
        return super().body(variant) | {"text": variant.text.title()}


class CutsTheText(Sinner):
    def body(self, variant):
        return super().body(variant) | {"text": variant.text[:20]}


class DropsTheAlt(Sinner):
    def body(self, variant):
        return super().body(variant) | {"media": [medium.sha256 for medium in variant.media]}


class DropsTheLink(Sinner):
    def body(self, variant):
        return super().body(variant) | {"link": None}


class LosesUnicode(Sinner):
    def body(self, variant):
        return super().body(variant) | {"text": variant.text.encode("ascii", "ignore").decode()}


class TriesAgain(Sinner):
    def publish(self, variant, channel, http):
        if self.send(variant, http).is_success:
            return Receipt(remote_id="42")
        return super().publish(variant, channel, http)


class PostsTwice(Sinner):
    def publish(self, variant, channel, http):
        self.send(variant, http).raise_for_status()
        return super().publish(variant, channel, http)


class AddsAnAdvert(Sinner):
    def body(self, variant):
        return super().body(variant) | {"text": f"{variant.text}\nPosted with Bestcms"}


class AddsAnAdvertBesides(Sinner):
    def body(self, variant):
        return super().body(variant) | {"footer": "Posted with the best of all systems"}


class StampsTheTime(Sinner):
    def body(self, variant):
        return super().body(variant) | {"at": str(time.time_ns())}


class ChangesTheSettings(Sinner):
    def publish(self, variant, channel, http):
        channel.settings["seen"] = True
        return super().publish(variant, channel, http)


class ForgetsTheKey(Sinner):
    def key(self, variant):
        return "constant"


class ForgetsTheReply(Sinner):
    def body(self, variant):
        return super().body(variant) | {"reply_to": None}


class KeepsASecret(Sinner):
    def publish(self, variant, channel, http):
        receipt = super().publish(variant, channel, http)
        return replace(receipt, raw={"sent": {"token": channel.secrets["token"]}})


class FollowsRedirects(Sinner):
    def send(self, variant, http, **more):
        return http.post(URL, json=self.body(variant), headers={"K": variant.key}, follow_redirects=True)


class SendsOtherBytes(Sinner):
    def stage(self, variant, channel, http):
        http.post(URL, content=b"\xff" + variant.media[0].path.read_bytes()).raise_for_status()
        return {}


class MisreadsAnAnswer(Sinner):
    def publish(self, variant, channel, http):
        return Receipt(remote_id=self.send(variant, http).json()["id"] if False else 42)


class HasNoName(Sinner):
    name = "Not A Name"


class HasBadSettings(Sinner):
    class Settings:
        @staticmethod
        def model_validate(value):
            raise ValueError("no folder")


class HidesAFailedWithdrawal(Sinner):
    def withdraw(self, receipt, notice, channel, http):
        http.delete(f"{URL}/{receipt.remote_id}")


class WithdrawsOnlyWhatIsThere(Sinner):
    def withdraw(self, receipt, notice, channel, http):
        http.delete(f"{URL}/{receipt.remote_id}").raise_for_status()


class ConfirmsByWriting(Sinner):
    def confirm(self, variant, receipt, channel, http):
        http.post(f"{URL}/search").raise_for_status()


class SaysNotThereWhenItCannotTell(Sinner):
    def confirm(self, variant, receipt, channel, http):
        try:
            return super().confirm(variant, receipt, channel, http)
        except httpx2.HTTPError:
            return None


class HidesARefusedCorrection(Sinner):
    def amend(self, receipt, variant, channel, http):
        http.put(URL, json=self.body(variant))
        return receipt


class StagesWithoutLooking(Sinner):
    def stage(self, variant, channel, http):
        http.post(URL, content=variant.media[0].path.read_bytes())
        return {}


class StagesNothingAtAll(Sinner):
    def stage(self, variant, channel, http):
        return None


SINS = sorted(
    {
        cls
        for cls in globals().values()
        if isinstance(cls, type) and issubclass(cls, Sinner) and cls is not Sinner
    },
    key=lambda cls: cls.__name__,
)


def failed(platform):
    return [result for result in check(platform) if not result.ok]


@pytest.mark.parametrize("sin", SINS)
def test_each_sin_fails_the_suite(sin):
    results = failed(sin())
    assert results
    assert all(result.message for result in results)


@pytest.mark.parametrize("clean", [Clean, Whole, Files, Form, Templated, Sinner])
def test_what_is_clean_passes(clean):
    assert failed(clean()) == []


@pytest.mark.parametrize(
    ("sin", "told"),
    [
        (SwallowsEverything, "let HTTP errors out"),
        (FreshKeyEachCall, "never a fresh key"),
        (StatusNeverChecked, "let HTTP errors out"),
        (TriesAgain, "never retry"),
        (AddsAnAdvert, "Posted with Bestcms"),
        (ForgetsTheKey, "does not depend on variant.key"),
        (ForgetsTheReply, "reply_to"),
        (KeepsASecret, "secret"),
        (ChangesTheSettings, "changed its variant or its channel"),
        (HasBadSettings, "no folder"),
    ],
)
def test_the_suite_says_what_is_wrong(sin, told):
    assert any(told in result.message for result in failed(sin()))


def test_the_suite_tells_what_it_skipped():
    skipped = {result.name: result.message for result in check(Files()) if result.skipped}
    assert skipped["a refused post is rejected"] == "this platform does not use the wire"
    assert "an accepted post gives a receipt" not in skipped


# The fakes


def ask(wire, key="k1"):
    channel = Channel(name="n", platform="fake", settings={"url": URL})
    with Attempt(channel, deadline=time.monotonic() + 5, transport=wire) as attempt:
        return FakePlatform().publish(Variant(key=key, text="x"), channel, attempt.client)


def test_a_fake_wire_gives_its_answers_in_turn_and_the_last_one_for_ever():
    wire = FakeWire(503, (201, {"id": "7"}))
    with pytest.raises(httpx2.HTTPStatusError):
        ask(wire)
    assert [ask(wire).remote_id, ask(wire).remote_id] == ["7", "7"]
    assert len(wire.writes) == 3


def test_a_fake_wire_holds_what_it_took_in_even_when_its_answer_was_lost():
    wire = FakeWire(Fake.LOST_BEFORE, Fake.LOST_AFTER, Fake.SILENT, Fake.REFUSED)
    for key in "abcd":
        with pytest.raises(httpx2.TransportError):
            ask(wire, key)
    assert sorted(wire.held) == ["b", "c"]


def test_a_fake_wire_that_honours_keys_takes_a_post_in_once():
    wire = FakeWire(Fake.LOST_AFTER, (201, {"id": "2"}), (201, {"id": "3"}), idempotent=True)
    with pytest.raises(httpx2.TransportError):
        ask(wire)
    assert [ask(wire).remote_id, ask(wire, "k2").remote_id] == ["42", "2"]
    assert sorted(wire.held) == ["k1", "k2"]


def test_a_fake_platform_that_does_not_hold_a_post_says_so():
    channel = Channel(name="n", platform="fake", settings={"url": URL})
    with Attempt(channel, deadline=time.monotonic() + 5, transport=FakeWire(404), read_only=True) as attempt:
        assert Whole().confirm(Variant(key="k", text="x"), None, channel, attempt.client) is None
