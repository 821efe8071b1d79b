"""Credentials that expire are renewed once, and what waited goes out; what cannot be renewed asks a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cli_city import receiver
from govpost.domain import Capabilities, Channel, Receipt, Variant
from govpost.errors import (
    NotWanted,
    Processing,
    PublishError,
    RateLimited,
    Unauthorized,
    Unavailable,
    Uncertain,
)
from govpost.store import channels
from office import Confirming, Office, Scripted

PLAIN = Capabilities(title=True, link=True)


class Expiring(Confirming):
    """Accepts one token at a time; `refreshes` is what it says to whoever asks for a new one."""

    def __init__(self, name: str = "hub", *, good: str = "t-1") -> None:
        super().__init__(name, PLAIN)
        self.good = good
        self.refreshes: list[str | PublishError] = []
        self.asked = 0

    def publish(self, variant: Variant, channel: Channel, http: Any) -> Receipt:
        self.check(channel)
        return super().publish(variant, channel, http)

    def confirm(
        self, variant: Variant, receipt: Receipt | None, channel: Channel, http: Any
    ) -> Receipt | None:
        self.check(channel)
        return super().confirm(variant, receipt, channel, http)

    def check(self, channel: Channel) -> None:
        if channel.secrets.get("token") != self.good:
            raise Unauthorized("the token has expired")

    def refresh(self, channel: Channel, http: Any) -> Mapping[str, str]:
        self.asked += 1
        step = self.refreshes.pop(0) if self.refreshes else self.good
        if isinstance(step, PublishError):
            raise step
        return {"token": step}


class Uploading(Expiring):
    """Takes files first; says once that it still works on them."""

    def __init__(self) -> None:
        super().__init__()
        self.staged: list[Mapping[str, Any]] = []
        self.busy = 1
        self.kept: Any = {"media": ["m-1"]}

    def stage(self, variant: Variant, channel: Channel, http: Any) -> Mapping[str, Any]:
        self.check(channel)
        self.staged.append(variant.staged)
        if len(self.staged) <= self.busy:
            raise Processing("it is still worked on", staged=self.kept, retry_after=timedelta(seconds=40))
        return {"media": ["m-1"], "done": True}


def office_of(tmp_path: Path, platform: Scripted) -> Office:
    office = Office(tmp_path, {"hub": platform})
    office.start()
    return office


def is_paused(office: Office) -> bool:
    with office.store.read() as conn:
        return channels.is_paused(channels.get(conn, "hub"), office.now)


def test_an_expired_token_is_renewed_once_and_the_post_goes_out(tmp_path: Path) -> None:
    hub = Expiring()
    office = office_of(tmp_path, hub)
    office.release("road")
    office.release("park")
    office.work()
    assert office.states("road") + office.states("park") == ["live", "live"]
    assert hub.asked == 1
    assert office.one("road").attempts == 1
    assert not is_paused(office)


def test_a_token_that_expires_in_mid_queue_delays_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    hub = Expiring()
    office = office_of(tmp_path, hub)
    for slug in ("one", "two", "three"):
        office.release(slug)
    office.keep_house()
    while office.one("one").state != "live":
        office.publisher.deliver("hub")
    hub.good = "t-2"
    office.work()
    assert [office.one(slug).state for slug in ("one", "two", "three")] == ["live"] * 3
    assert len(hub.texts()) == 3
    assert hub.asked == 2


def test_new_credentials_that_are_refused_too_pause_the_channel(tmp_path: Path) -> None:
    hub = Expiring()
    hub.refreshes = ["still-wrong"]
    office = office_of(tmp_path, hub)
    office.release("road")
    office.work()
    assert hub.asked == 1
    assert is_paused(office)
    assert office.states("road") == ["held"] or office.states("road") == ["queued"]
    assert hub.texts() == []


def test_what_only_a_person_can_renew_pauses_the_channel_and_loses_nothing(tmp_path: Path) -> None:
    hub = Expiring()
    hub.refreshes = [Unauthorized("the refresh token is spent", tip="log in again")]
    office = office_of(tmp_path, hub)
    office.release("road")
    office.work()
    assert is_paused(office)
    assert "log in again" in office.one("road").reason


def test_a_renewal_that_cannot_be_had_now_is_tried_later(tmp_path: Path) -> None:
    hub = Expiring()
    hub.refreshes = [Unavailable("the token server is down")]
    office = office_of(tmp_path, hub)
    office.release("road")
    office.work()
    assert (office.states("road"), is_paused(office)) == (["queued"], False)
    office.wait(timedelta(minutes=20))
    office.work()
    assert office.states("road") == ["live"]


def test_a_question_is_asked_again_with_new_credentials(tmp_path: Path) -> None:
    hub = Expiring()
    hub.script = [hub.accept_then(Uncertain("the answer was lost"))]
    office = office_of(tmp_path, hub)
    office.release("road")
    office.keep_house()
    office.publisher.deliver("hub")
    office.publisher.deliver("hub")
    hub.good = "t-2"
    office.wait(timedelta(minutes=10))
    office.work()
    assert office.states("road") == ["live"]
    assert hub.asked == 2
    assert len(hub.texts()) == 1


def test_an_upload_that_takes_long_is_asked_for_again_and_not_sent_again(tmp_path: Path) -> None:
    hub = Uploading()
    office = office_of(tmp_path, hub)
    office.release("road")
    office.work()
    (row,) = office.deliveries("road")
    assert (row.state, row.attempts, row.reason) == ("queued", 0, "it is still worked on")
    office.wait(timedelta(seconds=30))
    office.work()
    assert office.states("road") == ["queued"]
    office.wait(timedelta(seconds=30))
    office.work()
    assert office.states("road") == ["live"]
    assert hub.staged == [{}, {"media": ["m-1"]}]
    assert hub.calls[0].staged == {"media": ["m-1"], "done": True}


def test_credentials_that_expired_before_an_upload_are_renewed_too(tmp_path: Path) -> None:
    hub = Uploading()
    hub.busy = 0
    office = office_of(tmp_path, hub)
    office.release("road")
    office.work()
    assert (office.states("road"), hub.asked, len(hub.staged)) == (["live"], 1, 1)


def test_no_secret_of_a_renewal_reaches_the_record(tmp_path: Path) -> None:
    hub = Expiring(good="canary-token-1")
    office = office_of(tmp_path, hub)
    office.release("road")
    office.work()
    assert office.states("road") == ["live"]
    assert b"canary-token-1" not in office.store.path.read_bytes()


@pytest.mark.parametrize("asked", [timedelta(seconds=90), timedelta(0)])
def test_a_channel_that_was_told_to_wait_does_not_ask_for_new_credentials(
    tmp_path: Path, asked: timedelta
) -> None:
    hub = Expiring(good="t-1")
    office = office_of(tmp_path, hub)
    hub.script = [RateLimited("slow down", retry_after=asked)]
    office.release("road")
    office.work()
    assert hub.asked == 1


class Misplaced(Scripted):
    """Says in publish, after a 201, what is only meant for before."""

    def __init__(self, word: PublishError, *, sends: bool) -> None:
        super().__init__("hub", PLAIN)
        self.word, self.sends = word, sends

    def publish(self, variant: Variant, channel: Channel, http: Any) -> Receipt:
        self.calls.append(variant)
        if self.sends:
            http.post(channel.settings["room"], content=b"x")
        raise self.word


@pytest.mark.parametrize(
    ("word", "sends", "state"),
    [
        (Processing("still at work", staged={"n": 1}), True, "uncertain"),
        (Processing("still at work", staged={"n": 1}), False, "queued"),
        (NotWanted("they left"), True, "uncertain"),
        (NotWanted("they left"), False, "failed"),
    ],
)
def test_what_is_meant_for_before_is_not_believed_after_something_was_sent(
    tmp_path: Path, word: PublishError, sends: bool, state: str
) -> None:
    with receiver(201, 201, 201) as url:
        hub = Misplaced(word, sends=sends)
        office = office_of(tmp_path, hub)
        office.edit_config('room = "hub"', f'room = "{url}"')
        office.release("road")
        office.work()
        office.wait(timedelta(minutes=30))
        office.work()
        assert office.states("road") == [state]
        assert len(hub.calls) == (1 if state != "queued" else 2)


@pytest.mark.parametrize("staged", [{"token": "x"}, {"when": object()}])
def test_what_cannot_be_kept_of_an_upload_is_said_and_never_handed_back_changed(
    tmp_path: Path, staged: Any
) -> None:
    hub = Uploading()
    hub.kept, hub.busy = staged, 1_000
    office = office_of(tmp_path, hub)
    office.release("road")
    office.work()
    row = office.one("road")
    assert (row.state, row.attempts, row.staged) == ("queued", 1, None)
    assert "cannot be kept" in row.reason


def test_an_upload_that_never_ends_uses_its_attempts_up_once_it_is_late(tmp_path: Path) -> None:
    hub = Uploading()
    hub.busy = 1_000_000
    office = Office(
        tmp_path, {"hub": hub}, rates={"hub": 'windows = ["always"]\nlate = "send"\ngrace = "10m"'}
    )
    office.start()
    office.release("road")
    for _ in range(400):
        office.work()
        office.wait(timedelta(seconds=30))
        if office.states("road") == ["failed"]:
            break
    assert office.states("road") == ["failed"]
    assert len(hub.staged) < 40


def test_a_question_knows_all_that_the_try_knew(tmp_path: Path) -> None:
    hub = Uploading()
    seen: list[Variant] = []
    original = hub.confirm
    hub.confirm = lambda variant, *more: (seen.append(variant), original(variant, *more))[1]  # type: ignore[method-assign]
    office = office_of(tmp_path, hub)
    office.release("road")
    office.work()
    with office.tx("test") as tx:
        tx.conn.exec_driver_sql("UPDATE delivery SET recipient = 'r-1'")
    hub.script = [hub.accept_then(Uncertain("lost"))]
    office.wait(timedelta(minutes=2))
    office.work()
    office.wait(timedelta(minutes=10))
    office.work()
    assert {(each.recipient, tuple(each.staged)) for each in seen} == {("r-1", ("media",))}


def test_a_person_ends_a_rest_that_the_platform_asked_for(tmp_path: Path) -> None:
    hub = Expiring()
    office = office_of(tmp_path, hub)
    with office.tx("daemon") as tx:
        channels.put(tx, "hub", next_allowed_at=office.now + timedelta(hours=20))
    office.release("road")
    office.work()
    assert office.states("road") == ["queued"]
    with office.tx("ben") as tx:
        channels.resume(tx, "hub", "the platform is fine")
    office.work()
    assert office.states("road") == ["live"]
