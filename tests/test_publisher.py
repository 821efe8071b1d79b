"""One delivery to its outcome: claim, stage, gate, publish, and what each answer of a platform leads to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from govpost import ending, wire
from govpost.daemon import jumps, stranding
from govpost.daemon.clock import Clocks
from govpost.daemon.lanes import Lanes
from govpost.domain import Capabilities, Channel, Receipt, Variant
from govpost.editorial import resolving, switching
from govpost.errors import (
    RateLimited,
    Refused,
    Rejected,
    StoreUnavailable,
    Unauthorized,
    Unavailable,
    Uncertain,
)
from govpost.states import DeliveryState
from govpost.store import chain, channels, deliveries, rescue
from live import until
from office import Changing, Confirming, Office, Scripted

PLAIN = Capabilities(title=True, link=True)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick tries' rests between questions are the wire's affair; here they take no time."""
    monkeypatch.setattr(wire, "Attempt", partial(wire.Attempt, sleep=lambda _seconds: None))


@pytest.fixture
def hub() -> Scripted:
    return Scripted("hub", PLAIN)


@pytest.fixture
def office(tmp_path: Path, hub: Scripted) -> Office:
    office = Office(tmp_path, {"hub": hub})
    office.start()
    return office


def test_an_approved_post_goes_out_once_with_the_delivery_id_as_its_key(
    office: Office, hub: Scripted
) -> None:
    (row,) = office.release("road")
    office.work()
    office.work()
    assert [call.key for call in hub.calls] == [row.id]
    assert office.one("road").state == "live"
    assert office.one("road").url == "https://hub.example/1"
    assert office.state("road") == "published"


def test_nothing_that_is_not_approved_goes_out(office: Office, hub: Scripted) -> None:
    office.write("road")
    office.take_in("road")
    office.work()
    assert hub.calls == []


def test_unavailable_queues_again_with_the_same_key_and_uses_one_attempt(
    office: Office, hub: Scripted
) -> None:
    hub.script = [Unavailable("busy")]
    office.release("road")
    office.work()
    row = office.one("road")
    assert (row.state, row.attempts, row.reason) == ("queued", 1, "busy")
    assert row.due > office.now
    office.wait(timedelta(minutes=5))
    office.work()
    assert office.one("road").state == "live"
    assert len({call.key for call in hub.calls}) == 1


def test_attempts_spread_over_the_grace_and_then_it_fails(office: Office, hub: Scripted) -> None:
    hub.script = [Unavailable("busy")] * 5
    office.release("road")
    began = office.now
    for _ in range(5):
        office.work()
        office.wait(max(office.one("road").due - office.now, timedelta(seconds=1)))
    row = office.one("road")
    assert (row.state, row.attempts) == ("failed", 5)
    assert "all 5 attempts are used up" in row.reason
    assert timedelta(hours=1) < office.now - began < timedelta(hours=2)
    assert office.state("road") == "failed"


def test_rate_limited_makes_the_whole_channel_wait_and_uses_no_attempt(office: Office, hub: Scripted) -> None:
    hub.script = [RateLimited("slow down", retry_after=timedelta(minutes=10))]
    office.release("road")
    office.release("water")
    office.work()
    assert len(hub.calls) == 1
    assert sorted(office.states("road") + office.states("water")) == ["queued", "queued"]
    assert {row.attempts for row in (office.one("road"), office.one("water"))} == {0}
    office.wait(timedelta(minutes=9))
    office.work()
    assert len(hub.calls) == 1
    office.wait(timedelta(minutes=2))
    office.work()
    assert office.states("road") + office.states("water") == ["live", "live"]


def test_unauthorized_pauses_the_channel_and_the_delivery_waits(office: Office, hub: Scripted) -> None:
    hub.script = [Unauthorized("token refused")]
    office.release("road")
    office.work()
    office.work()
    row = office.one("road")
    assert (row.state, row.attempts) == ("held", 0)
    assert "token refused" in row.reason
    with office.tx() as tx:
        channels.resume(tx, "hub", "new token")
    office.work()
    assert office.one("road").state == "live"


def test_rejected_fails_at_once(office: Office, hub: Scripted) -> None:
    hub.script = [Rejected("too rude")]
    office.release("road")
    office.work()
    assert (office.one("road").state, office.one("road").reason) == ("failed", "too rude")


@pytest.mark.parametrize(
    "error", [Uncertain("no answer"), KeyError("x"), SystemExit(1), RuntimeError("boom")]
)
def test_an_unclear_end_is_uncertain_and_never_retried_blindly(
    office: Office, hub: Scripted, error: BaseException
) -> None:
    hub.script = [hub.accept_then(error)]
    office.release("road")
    for _ in range(20):
        office.work()
        office.wait(timedelta(minutes=30))
    assert office.one("road").state == "uncertain"
    assert len(hub.calls) == 1
    assert office.state("road") == "scheduled"


def test_a_plugin_that_breaks_every_time_suspends_its_pilot_and_no_other(tmp_path: Path) -> None:
    bad, good = Scripted("bad", PLAIN), Scripted("good", PLAIN)
    bad.script = [RuntimeError("bug")] * 50
    office = Office(tmp_path, {"good": good, "bad": bad})
    office.start()
    for slug in ("one", "two", "three", "four"):
        office.release(slug)
    for _ in range(3):
        office.work()
        office.wait(timedelta(minutes=2))
    office.work()
    assert [office.one(slug, "good").state for slug in ("one", "two", "three", "four")] == ["live"] * 4
    assert [office.one(slug, "bad").state for slug in ("one", "two", "three", "four")].count("uncertain") == 3
    assert office.one("four", "bad").state == "held"
    assert "suspended" in office.one("four", "bad").reason


class TestASafeRepeat:
    """Where the platform honours the key for a while, an unclear end may be repeated, and only then."""

    @pytest.fixture
    def hub(self) -> Scripted:
        return Scripted("hub", Capabilities(title=True, link=True, idempotent_for=timedelta(hours=1)))

    def test_is_made_with_the_same_key_and_ends_live(self, office: Office, hub: Scripted) -> None:
        hub.script = [hub.accept_then(Uncertain("no answer"))]
        office.release("road")
        office.work()
        assert office.one("road").state == "queued"
        office.wait(timedelta(minutes=2))
        office.work()
        assert office.one("road").state == "live"
        assert len(hub.calls) == 2
        assert hub.texts() == ["What residents should know about road."]

    def test_is_not_made_once_the_platform_may_have_forgotten_the_key(
        self, office: Office, hub: Scripted
    ) -> None:
        hub.script = [hub.accept_then(Uncertain("no answer"))]
        office.release("road")
        office.work()
        office.wait(timedelta(minutes=59))
        office.work()
        assert office.one("road").state == "uncertain"
        assert len(hub.calls) == 1

    def test_that_fails_otherwise_still_leaves_it_uncertain(self, office: Office, hub: Scripted) -> None:
        hub.script = [hub.accept_then(Uncertain("no answer")), Rejected("duplicate text")]
        office.release("road")
        office.work()
        office.wait(timedelta(minutes=2))
        office.work()
        row = office.one("road")
        assert row.state == "uncertain"
        assert "an earlier attempt may have been published" in row.reason


class TestConfirm:
    """A platform that can be asked settles what is uncertain, as far as its word can be believed."""

    @pytest.fixture
    def hub(self) -> Confirming:
        return Confirming("hub", Capabilities(title=True, link=True, settles_after=timedelta(minutes=5)))

    def test_found_means_live(self, office: Office, hub: Confirming) -> None:
        hub.script = [hub.accept_then(Uncertain("no answer"))]
        office.release("road")
        office.work()
        assert office.one("road").state == "live"
        assert len(hub.calls) == 1

    def test_not_there_counts_only_after_the_deadline_and_the_settling_time(
        self, office: Office, hub: Confirming
    ) -> None:
        hub.script = [Uncertain("no answer")]
        office.release("road")
        office.work()
        office.wait(timedelta(minutes=6))
        office.work()
        assert office.one("road").state == "uncertain"
        office.wait(timedelta(minutes=2))
        office.work()
        assert office.one("road").state == "live"
        assert len(hub.calls) == 2

    def test_an_error_tells_nothing(self, office: Office, hub: Confirming) -> None:
        hub.script = [Uncertain("no answer")]
        hub.answers = [Unavailable("ask later")] * 100
        office.release("road")
        for _ in range(10):
            office.work()
            office.wait(timedelta(minutes=3))
        assert office.one("road").state == "uncertain"
        assert len(hub.calls) == 1

    def test_pending_becomes_live_when_the_platform_shows_it(self, office: Office, hub: Confirming) -> None:
        hub.script = [Receipt(remote_id="p1", pending=True)]
        hub.answers = [
            Receipt(remote_id="p1", pending=True),
            Receipt(remote_id="p1", url="https://hub.example/p1"),
        ]
        office.release("road")
        office.work()
        assert office.one("road").state == "pending"
        for _ in range(3):
            office.wait(timedelta(seconds=30))
            office.work()
        assert (office.one("road").state, office.one("road").url) == ("live", "https://hub.example/p1")

    def test_pending_that_stays_silent_past_its_limit_is_uncertain(
        self, office: Office, hub: Confirming
    ) -> None:
        hub.script = [Receipt(remote_id="p1", pending=True)]
        hub.answers = [None] * 100
        office.release("road")
        for _ in range(12):
            office.work()
            office.wait(timedelta(minutes=10))
        assert office.one("road").state == "uncertain"

    def test_not_there_counts_only_if_it_was_asked_after_the_settling_time(
        self, office: Office, hub: Confirming
    ) -> None:
        hub.script = [Uncertain("no answer")]
        hub.answers = [Unavailable("ask later")] * 3
        office.release("road")
        office.work()
        office.wait(timedelta(minutes=6, seconds=30))
        truth = hub.confirm

        def slowly(*asked: Any) -> Receipt | None:
            hub.confirm = truth  # type: ignore[method-assign]
            office.wait(60)
            hub.accept(asked[0])  # it arrives after we asked and before the answer came
            return None

        hub.confirm = slowly  # type: ignore[assignment, method-assign]
        office.work()
        assert (office.one("road").state, len(hub.calls)) == ("live", 1)

    def test_not_there_says_nothing_of_what_was_sent_meanwhile(self, office: Office, hub: Confirming) -> None:
        hub.script = [Uncertain("no answer"), Uncertain("no answer")]
        hub.answers = [Unavailable("ask later")] * 3
        office.release("road")
        office.work()
        office.wait(timedelta(hours=1))

        def meanwhile(*_asked: Any) -> None:
            hub.answers = [Unavailable("ask later")] * 9
            del hub.confirm  # type: ignore[method-assign]
            one = office.one("road").id
            resolving.resolve_absent(office.store, office.config, office.fitted, office.person("ben"), one)
            office.publisher.deliver("hub")

        hub.confirm = meanwhile  # type: ignore[assignment, method-assign]
        office.work()
        assert (office.one("road").state, len(hub.calls)) == ("uncertain", 2)

    def test_what_a_repeat_ends_is_asked_about(self, tmp_path: Path) -> None:
        hub = Confirming("hub", replace(PLAIN, idempotent_for=timedelta(hours=1)))
        office = Office(tmp_path, {"hub": hub})
        office.start()
        hub.script = [hub.accept_then(Uncertain("no answer")), Rejected("duplicate")]
        hub.answers = [Unavailable("ask later")]
        office.release("road")
        for _ in range(9):
            office.work()
            office.wait(60)
        assert (office.one("road").state, len(hub.calls)) == ("live", 2)

    def test_without_a_settling_time_not_there_never_queues_again(self, tmp_path: Path) -> None:
        hub = Confirming("hub", PLAIN)
        office = Office(tmp_path, {"hub": hub})
        office.start()
        hub.script = [Uncertain("no answer")]
        office.release("road")
        for _ in range(30):
            office.work()
            office.wait(timedelta(hours=1))
        assert office.one("road").state == "uncertain"
        assert len(hub.calls) == 1


class TestTheGate:
    """The last committed check: nothing passes that is not exactly what was approved, or not now."""

    def test_a_changed_row_stops_the_delivery_with_a_reason(self, office: Office, hub: Scripted) -> None:
        (row,) = office.release("road")
        changed = dict(row.variant, text="Something nobody approved")
        with office.tx() as tx:
            tx.conn.exec_driver_sql("UPDATE delivery SET variant = json(?)", (json.dumps(changed),))
        office.work()
        assert hub.calls == []
        assert office.one("road").state == "failed"
        assert "words differ" in office.one("road").reason

    def test_changed_settings_stop_the_delivery_with_a_reason(self, office: Office, hub: Scripted) -> None:
        office.release("road")
        office.edit_config('room = "hub"', 'room = "elsewhere"')
        office.work()
        assert hub.calls == []
        assert "settings of hub changed since the approval" in office.one("road").reason

    def test_a_variant_that_no_longer_fits_fails_with_that_reason(
        self, office: Office, hub: Scripted
    ) -> None:
        office.release("road")
        hub.capabilities = Capabilities(title=True, link=True, max_chars=10)
        office.read_config()
        office.publisher.setup = office.setup()
        office.work()
        assert hub.calls == []
        assert office.one("road").state == "failed"
        assert "10" in office.one("road").reason

    def test_a_row_without_an_approval_does_not_pass(self, office: Office, hub: Scripted) -> None:
        office.release("road")
        with office.tx() as tx:
            tx.conn.exec_driver_sql("DELETE FROM approval")
        office.work()
        assert hub.calls == []
        assert "no approval" in office.one("road").reason

    def test_nothing_goes_out_while_the_strategy_has_no_goals(self, office: Office, hub: Scripted) -> None:
        office.release("road")
        office.publisher.may_claim = lambda: False
        office.work()
        assert (hub.calls, office.one("road").state) == ([], "queued")


class TestAThread:
    """Parts go out in order, each answering the one before."""

    @pytest.fixture
    def hub(self) -> Changing:
        return Changing("hub", Capabilities(max_chars=60, threads=True))

    BODY = "First sentence about the storm. Second sentence about water. Third sentence about power."

    def test_each_part_answers_the_one_before_it(self, office: Office, hub: Changing) -> None:
        rows = office.release("storm", self.BODY)
        assert len(rows) > 2
        assert [row.state for row in rows] == ["queued"] + ["held"] * (len(rows) - 1)
        office.work()
        assert set(office.states("storm")) == {"live"}
        replies = [call.reply_to for call in hub.calls]
        assert replies == [None] + [f"hub-{number}" for number in range(1, len(rows))]

    def test_later_parts_stay_held_when_one_fails_until_it_is_tried_again(
        self, office: Office, hub: Changing
    ) -> None:
        hub.script = [hub.accept, Rejected("no")]
        office.release("storm", self.BODY)
        office.work()
        states = office.states("storm")
        assert states[:2] == ["live", "failed"]
        assert set(states[2:]) == {"held"}
        assert "part 2 before it is failed" in office.deliveries("storm")[2].reason
        resolving.retry(office.store, office.config, office.person("ben"), office.deliveries("storm")[1].id)
        office.work()
        assert set(office.states("storm")) == {"live"}

    def test_withdrawing_goes_last_part_first(self, office: Office, hub: Changing) -> None:
        from govpost.editorial import stopping

        rows = office.release("storm", self.BODY)
        office.work()
        stopping.withdraw(office.store, office.config, office.fitted, office.person("ben"), "storm", "error")
        office.work()
        assert [remote for remote, _ in hub.withdrawn] == [f"hub-{n}" for n in range(len(rows), 0, -1)]
        assert {row.state for row in office.deliveries("storm") if row.action == "publish"} == {"withdrawn"}
        assert office.state("storm") == "withdrawn"
        assert {notice for _, notice in hub.withdrawn} == {office.config.withdrawal["error"]}


def test_a_late_receipt_is_recorded_and_a_second_one_is_an_alarm(office: Office, hub: Scripted) -> None:
    (row,) = office.release("road")
    from govpost.outcomes import of_receipt
    from govpost.store import chain, rescue

    with office.tx("daemon") as tx:
        claimed = deliveries.claim(
            tx, "hub", owner="lost", lease=timedelta(minutes=3), gap=timedelta(), main_channel="hub"
        )
        assert claimed is not None
        assert deliveries.gate(tx, claimed, deliveries.Fence("lost", claimed.tries))
    office.restart()
    assert office.one("road").state == "uncertain"
    first = of_receipt(Receipt(remote_id="a", url="https://hub.example/a"), office.now)
    second = of_receipt(Receipt(remote_id="b", url="https://hub.example/b"), office.now)
    with office.tx("daemon") as tx:
        rescue.late_receipt(tx, row, dict(first.values))
    assert office.one("road").state == "live"
    with office.tx("daemon") as tx:
        rescue.late_receipt(tx, row, dict(second.values))
    with office.store.read() as conn:
        verbs = [event.verb for event in chain.find(conn)]
    assert verbs.count("delivery.duplicate") == 1


def test_a_daemon_that_dies_before_the_gate_leaves_the_delivery_queued(office: Office, hub: Scripted) -> None:
    office.release("road")
    with office.tx("daemon") as tx:
        deliveries.claim(
            tx, "hub", owner="lost", lease=timedelta(minutes=3), gap=timedelta(), main_channel="hub"
        )
    office.restart()
    office.work()
    assert office.one("road").state == "live"
    assert len(hub.calls) == 1


def test_a_clock_that_jumps_after_the_claim_was_decided_stops_it_at_the_gate(
    office: Office, hub: Scripted
) -> None:
    (row,) = office.release("road")
    answers = [True, False]
    office.publisher.may_claim = lambda: answers.pop(0) if answers else True
    assert office.publisher.deliver("hub")
    after = office.one("road")
    assert (hub.calls, after.state, after.gate_at, after.first_sent) == ([], "queued", None, None)
    assert "the clock jumped" in after.reason
    office.work()
    assert [call.key for call in hub.calls] == [row.id]


def test_a_missing_secret_pauses_the_channel_before_anything_is_claimed(
    office: Office, hub: Scripted
) -> None:
    office.edit_config(
        'settings = { room = "hub" }', 'settings = { room = "hub" }\nsecrets = { k = "env:NOT_THERE" }'
    )
    office.release("road")
    office.work()
    office.work()
    assert hub.calls == []
    assert office.one("road").state == "held"
    assert "NOT_THERE" in office.one("road").reason


def test_evidence_of_every_attempt_is_kept(office: Office, hub: Scripted) -> None:
    hub.script = [Unavailable("busy")]
    (row,) = office.release("road")
    office.work()
    office.wait(timedelta(minutes=5))
    office.work()
    with office.store.read() as conn:
        attempts = conn.exec_driver_sql("SELECT n, outcome, reason FROM attempt ORDER BY n").all()
    assert [tuple(each) for each in attempts] == [(1, "queued", "busy"), (2, "live", "")]
    assert row.id == office.one("road").id


def test_variants_reach_the_plugin_with_their_due_time(office: Office, hub: Scripted) -> None:
    (row,) = office.release("road")
    office.work()
    call: Variant = hub.calls[0]
    assert call.at == row.slot
    assert call.link == "https://riverton.example.gov/road"


def test_only_an_uncertain_delivery_can_be_resolved(office: Office) -> None:
    (row,) = office.release("road")
    with pytest.raises(Refused, match="queued"):
        resolving.resolve_live(office.store, office.person("ben"), row.id, "https://hub.example/1", None)


def test_the_attempt_that_succeeds_counts_too(office: Office, hub: Scripted) -> None:
    hub.script = [Unavailable("busy"), RateLimited("slow down", retry_after=timedelta(seconds=30))]
    office.release("road")
    for _ in range(4):
        office.work()
        office.wait(timedelta(minutes=3))
    row = office.one("road")
    assert (row.state, row.attempts, row.tries) == ("live", 2, 3)


def test_a_late_receipt_that_is_pending_stays_a_question(tmp_path: Path) -> None:
    hub = Confirming("hub", PLAIN)
    office = Office(tmp_path, {"hub": hub})
    office.start()

    def lost(_variant: Variant) -> Receipt:
        with office.tx("daemon") as tx:
            rescue.strand(tx, office.one("road"), "the thread was lost")
        return Receipt(remote_id="p1", pending=True)

    hub.script = [lost]
    office.release("road")
    office.publisher.deliver("hub")
    row = office.one("road")
    assert (row.state, row.remote_id, row.live_at, row.ambiguous) == ("uncertain", "p1", None, True)
    hub.answers = [Receipt(remote_id="p1", url="https://hub.example/p1")]
    office.wait(10)
    office.work()
    assert office.one("road").state == "live"


def test_a_pending_receipt_late_for_what_was_queued_again_is_no_second_try(tmp_path: Path) -> None:
    hub = Scripted("hub", replace(PLAIN, idempotent_for=timedelta(hours=1)))
    office = Office(tmp_path, {"hub": hub})
    office.start()

    def lost(_variant: Variant) -> Receipt:
        with office.tx("daemon") as tx:
            rescue.strand(tx, office.one("road"), "the thread was lost")
            again = deliveries.get(tx.conn, office.one("road").id)
            deliveries.move(tx, again, DeliveryState.QUEUED, "a repeat is safe", due=tx.now)
        return Receipt(remote_id="p1", pending=True)

    hub.script = [lost]
    office.release("road")
    office.publisher.deliver("hub")
    assert (office.one("road").state, office.one("road").remote_id) == ("uncertain", "p1")


def test_a_repeat_that_brings_another_receipt_is_an_alarm(tmp_path: Path) -> None:
    hub = Scripted("hub", replace(PLAIN, idempotent_for=timedelta(days=30)))
    office = Office(tmp_path, {"hub": hub})
    office.start()
    hub.script = [Receipt(remote_id="a", pending=True), Receipt(remote_id="b")]
    office.release("road")
    for _ in range(60):
        office.work()
        office.wait(timedelta(hours=1))
    assert office.one("road").state == "live"
    assert [event.why for event in office.events("delivery.duplicate")] == [
        "the key was published twice: a and b"
    ]


def test_a_disabled_plugin_sends_not_even_the_next_part(tmp_path: Path) -> None:
    hub = Scripted("hub", Capabilities(link=True, max_chars=60, threads=True))
    office = Office(tmp_path, {"hub": hub})
    office.start()

    def disabled(variant: Variant) -> Receipt:
        switching.disable_plugin(office.store, office.config, office.person("ben"), "office", ["hub"], "bug")
        return hub.accept(variant)

    hub.script = [disabled]
    office.release("storm", "First sentence of the storm guide. Second sentence of the storm guide.")
    office.work()
    office.work()
    assert (office.states("storm"), len(hub.calls)) == (["live", "held"], 1)
    switching.enable_plugin(office.store, office.person("ben"), "office")
    office.work()
    assert office.states("storm") == ["live", "live"]


class Uploading(Scripted):
    """It stages; `meanwhile` happens during the upload."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)
    rooms: tuple[Any, ...] = ()

    def stage(self, variant: Variant, channel: Channel, http: Any) -> dict[str, Any]:
        self.meanwhile()
        return {}

    def publish(self, variant: Variant, channel: Channel, http: Any) -> Receipt:
        self.rooms += (channel.settings["room"],)
        return super().publish(variant, channel, http)


def uploading(tmp_path: Path) -> tuple[Office, Uploading]:
    hub = Uploading("hub", PLAIN)
    office = Office(tmp_path, {"hub": hub})
    office.start()
    office.release("road")
    return office, hub


def test_a_plugin_disabled_during_an_upload_shuts_the_gate(tmp_path: Path) -> None:
    office, hub = uploading(tmp_path)
    hub.meanwhile = lambda: switching.disable_plugin(
        office.store, office.config, office.person("ben"), "office", ["hub"], "bug"
    )
    office.publisher.deliver("hub")
    assert (hub.calls, office.one("road").reason) == ([], "the plugin office is disabled: bug")


def test_what_goes_out_is_what_the_gate_has_seen_whatever_is_read_again_meanwhile(tmp_path: Path) -> None:
    office, hub = uploading(tmp_path)
    office.edit_config('room = "hub"', 'room = "elsewhere"')
    hub.meanwhile = lambda: office.edit_config('room = "elsewhere"', 'room = "hub"')
    office.work()
    assert (office.one("road").state, hub.rooms) == ("failed", ())


def test_a_channel_taken_out_of_the_config_on_the_wire_still_gets_its_outcome(tmp_path: Path) -> None:
    site, hub = Scripted("site", PLAIN), Scripted("hub", PLAIN)
    office = Office(tmp_path, {"site": site, "hub": hub})
    office.start()

    def gone(_variant: Variant) -> Receipt:
        text = (office.root / "config.toml").read_text()
        (office.root / "config.toml").write_text(text[: text.index("[channels.hub]")])
        office.read_config()
        office.publisher.setup = office.setup()
        raise Rejected("no")

    hub.script = [gone]
    office.release("road", channels=["hub"])
    office.publisher.deliver("hub")
    assert (office.one("road").state, office.one("road").reason) == ("failed", "no")


def test_a_shorter_wait_does_not_end_a_longer_one(office: Office, hub: Scripted) -> None:
    def told_twice(_variant: Variant) -> Receipt:
        with office.tx("daemon") as tx:
            channels.put(tx, "hub", next_allowed_at=tx.now + timedelta(hours=5))
        raise RateLimited("slow down", retry_after=timedelta(minutes=1))

    hub.script = [told_twice]
    office.release("road")
    office.publisher.deliver("hub")
    with office.store.read() as conn:
        assert channels.get(conn, "hub").next_allowed_at == office.now + timedelta(hours=5)


class Unreadable(Exception):
    def __str__(self) -> str:
        raise ValueError("it cannot even be shown")


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (RateLimited("slow", retry_after=60), "queued"),  # type: ignore[arg-type]
        (RateLimited("slow", retry_after=float("nan")), "queued"),  # type: ignore[arg-type]
        (RateLimited("slow", retry_after="soon"), "queued"),  # type: ignore[arg-type]
        (Rejected("half a character: \ud83d"), "failed"),
        (Rejected("no", tip=None), "failed"),  # type: ignore[arg-type]
        (Rejected({"error": 7}), "failed"),  # type: ignore[arg-type]
        (Unreadable(), "uncertain"),
        (Receipt(remote_id="1", raw=None), "live"),  # type: ignore[arg-type]
        (Receipt(remote_id="1", raw=["a"]), "live"),  # type: ignore[arg-type]
        (Receipt(remote_id="1", url="https://hub.example/\ud83d"), "live"),
        (Receipt(remote_id="\ud83d"), "uncertain"),
    ],
    ids=ascii,
)
def test_no_answer_of_a_plugin_is_too_odd_to_be_recorded(
    office: Office, hub: Scripted, said: Receipt | BaseException, state: str
) -> None:
    hub.script = [said]
    office.release("road")
    office.publisher.deliver("hub")
    assert office.one("road").state == state


@pytest.mark.parametrize("minutes", [60, -8])
def test_a_clock_that_jumps_cuts_no_wait_short(tmp_path: Path, minutes: int) -> None:
    safe = replace(PLAIN, settles_after=timedelta(minutes=30), idempotent_for=timedelta(minutes=10))
    hub = Confirming("hub", safe)
    office = Office(tmp_path, {"hub": hub}, rates={"hub": "attempts = 2"})
    office.start()
    hub.script = [Uncertain("no answer")]
    hub.answers = [Unavailable("ask later")] * 99
    office.release("road")
    office.publisher.deliver("hub")
    assert office.one("road").state == "uncertain"
    office.wait(timedelta(minutes=9))
    clocks = Clocks(lambda: office.now, lambda: office.seconds)
    office.now += timedelta(minutes=minutes)
    jumps.judge(office.store, office.config, office.bench, "office", clocks)
    assert office.events("daemon.clock")
    if minutes > 0:
        hub.answers = []
    office.work()
    assert (office.one("road").state, len(hub.calls)) == ("uncertain", 1)


def test_what_turns_out_not_to_be_there_after_its_grace_is_asked_about_and_not_sent(tmp_path: Path) -> None:
    hub = Confirming("hub", replace(PLAIN, settles_after=timedelta(seconds=3)))
    office = Office(
        tmp_path, {"hub": hub}, rates={"hub": 'windows = ["always"]\ngrace = "10m"\nlate = "ask"'}
    )
    office.start()
    hub.script = [Uncertain("the answer was lost")]
    hub.answers = [Unavailable("it cannot be asked")] * 40
    office.release("road")
    office.work()
    office.wait(timedelta(hours=9))
    hub.answers = []
    office.work()
    office.work()
    assert (office.states("road"), len(hub.calls)) == (["missed"], 1)


def test_a_question_that_outlives_the_grace_stays_one_question(tmp_path: Path) -> None:
    hub = Confirming(
        "hub", replace(PLAIN, settles_after=timedelta(seconds=3), idempotent_for=timedelta(days=30))
    )
    office = Office(tmp_path, {"hub": hub}, rates={"hub": 'windows = ["always"]\ngrace = "2m"\nlate = "ask"'})
    office.start()
    hub.script = [Uncertain("the answer was lost")] * 9
    hub.answers = [Unavailable("it is down")] * 900
    office.release("road")
    for _ in range(120):
        office.work()
        office.wait(timedelta(seconds=15))
    assert office.states("road") == ["uncertain"]
    assert len(office.one("road").reason) < 500
    assert len(office.events()) < 60


def lose_the_answer(
    office: Office, monkeypatch: pytest.MonkeyPatch, verb: str, *, kept: bool = True
) -> list[str]:
    """Lose the connection once at the commit that holds such an event; the list is empty when it has happened."""
    write, lost = office.store.write, [verb]

    @contextmanager
    def unanswered(actor: str, **how: Any) -> Iterator[Any]:
        with write(actor, **how) as tx:
            yield tx
            breaks = bool(lost) and any(event.verb == verb for event in tx.events)
            if breaks and not kept:
                raise StoreUnavailable(f"the connection was lost at {lost.pop()}")
        if breaks:
            raise StoreUnavailable(f"the connection was lost at {lost.pop()}")

    monkeypatch.setattr(office.store, "write", unanswered)
    return lost


def test_an_outcome_whose_commit_was_not_answered_is_recorded_once(
    office: Office, hub: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.release("road")
    lost = lose_the_answer(office, monkeypatch, "delivery.live")
    office.work()
    assert (lost, office.one("road").state, len(hub.calls)) == ([], "live", 1)
    with office.store.read() as conn:
        verbs = [event.verb for event in chain.find(conn)]
    assert (verbs.count("delivery.live"), verbs.count("delivery.late-receipt")) == (1, 0)


@pytest.mark.parametrize("kept", [True, False])
def test_a_claim_whose_commit_was_not_answered_is_given_back_for_nothing_was_sent(
    office: Office, hub: Scripted, monkeypatch: pytest.MonkeyPatch, *, kept: bool
) -> None:
    office.release("road")
    lost = lose_the_answer(office, monkeypatch, "delivery.publishing", kept=kept)
    with pytest.raises(StoreUnavailable):
        office.publisher.deliver("hub")
    row = office.one("road")
    assert (lost, row.state, row.ambiguous, len(hub.calls)) == ([], "queued", False, 0)
    assert row.first_sent is None, "a new version of it may still be taken in"
    office.work()
    assert (office.one("road").state, len(hub.calls)) == ("live", 1)


def test_the_claim_of_another_is_not_given_back(office: Office, hub: Scripted) -> None:
    office.release("road")
    with office.store.write("daemon") as tx:
        claim = office.publisher._take(tx, office.setup().fitted["hub"], office.config, 0.0)
        assert claim is not None and deliveries.gate(tx, claim.delivery, claim.fence)
        since = tx.now
    with office.store.write("daemon") as tx:
        ending.take_back(tx, claim, since - timedelta(seconds=1), "the claim before it was not committed")
    assert (office.one("road").state, office.one("road").gate_at) == ("publishing", since)
    assert hub.calls == []


def test_a_claim_that_is_given_back_late_costs_the_channel_nothing(
    office: Office, hub: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lane waits for a store that is away, and is not taken for one that a plugin holds."""
    office.release("road")
    write, away = office.store.write, threading.Event()

    @contextmanager
    def broken(actor: str, **how: Any) -> Iterator[Any]:
        if away.is_set():
            raise StoreUnavailable("the database is away")
        with write(actor, **how) as tx:
            yield tx
        if any(event.verb == "delivery.publishing" for event in tx.events):
            away.set()
            raise StoreUnavailable("the connection was lost")

    monkeypatch.setattr(office.store, "write", broken)
    lanes = Lanes(office.publisher.deliver, lambda _why: None, lambda: 0.0)
    office.publisher.claimed = lambda delivery: lanes.holds(delivery.id)
    lanes.open("hub", 1)
    lanes.wake("hub")
    until(lambda: office.publisher.unrecorded)
    monkeypatch.setattr(office.store, "write", write)
    held = office.publisher.unrecorded
    for now in (1_000.0, 2_000.0):
        stranding.give_up_lost(
            office.store, lanes, office.publisher.owner, held or {"": ""}, timedelta(seconds=150), now
        )
    until(lambda: office.one("road").state in ("queued", "live"))
    with office.store.read() as conn:
        assert channels.get(conn, "hub").paused_until is None
    lanes.stop()
    assert len(hub.calls) <= 1


def test_a_claim_of_what_is_no_longer_there_is_nothing_to_give_back(office: Office) -> None:
    office.release("road")
    with office.store.write("daemon") as tx:
        claim = office.publisher._take(tx, office.setup().fitted["hub"], office.config, 0.0)
        assert claim is not None
        gone = replace(claim, delivery=claim.delivery.model_copy(update={"id": "none"}))
        ending.take_back(tx, gone, tx.now, "its commit was not answered")


def test_no_two_claims_under_way_bear_the_same_instant(office: Office) -> None:
    instants = []
    for _ in range(3):
        with office.store.write("daemon") as tx:
            instants.append(office.publisher._set_apart(tx))
            assert tx.now == instants[-1]
    assert len(set(instants)) == 3
    office.publisher._instants.clear()
    office.release("road")
    office.work()
    assert office.publisher._instants == set()
