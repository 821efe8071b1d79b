"""Moving what is planned and settling what went wrong: always a person, always within the rate."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from govpost import outcomes, planning
from govpost.domain import Capabilities, Receipt
from govpost.editorial import freezing, queueing, resolving
from govpost.errors import Refused, Rejected, Uncertain, UsageFault
from govpost.store import channels, deliveries, rescue
from govpost.store.rows import DeliveryRecord
from office import Office, Scripted

PLAIN = Capabilities(title=True, link=True)
HOUR = timedelta(hours=1)
PUBLIC = "https://hub.example.gov/road"


@pytest.fixture
def hub() -> Scripted:
    return Scripted("hub", PLAIN)


@pytest.fixture
def office(tmp_path: Path, hub: Scripted) -> Office:
    rate = 'min_gap = "2h"\nper_day = 3\nwindows = ["08:00-20:00"]'
    office = Office(tmp_path, {"hub": hub}, rates={"hub": rate})
    office.start()
    return office


@pytest.fixture
def pair(tmp_path: Path) -> Office:
    office = Office(tmp_path, {"site": Scripted("site", PLAIN), "hub": Scripted("hub", PLAIN)})
    office.start()
    return office


def run(office: Office) -> None:
    """Let the next whole minute come, which is where slots lie, and do what is due."""
    office.wait(timedelta(minutes=1))
    office.work()


def move(
    office: Office, slug: str, hours: float, channel: str | None = None, by: str = "ben"
) -> list[DeliveryRecord]:
    at = office.now + hours * HOUR
    return queueing.move(office.store, office.config, office.person(by), slug, at, channel)


def send_now(office: Office, slug: str, channel: str | None = None, by: str = "ben") -> list[DeliveryRecord]:
    return queueing.now(office.store, office.config, office.person(by), slug, "burst main", channel)


def uncertain(office: Office, hub: Scripted) -> DeliveryRecord:
    hub.script = [Uncertain("no answer")]
    office.release("road")
    run(office)
    assert office.one("road").state == "uncertain"
    return office.one("road")


class TestMoving:
    def test_gives_another_time_and_says_who(self, office: Office) -> None:
        office.release("road", more="not_before: 2026-11-26 09:00")
        (row,) = move(office, "road", 24)
        assert (row.slot, row.due, row.fixed) == (office.now + 24 * HOUR, office.now + 24 * HOUR, True)
        assert row.wall == "2026-11-26T12:00"
        (event,) = office.events("delivery.slot")
        assert (event.actor, event.why) == ("ben", "moved by ben")

    def test_stays_within_not_before_and_expires(self, office: Office) -> None:
        office.release("road", more="not_before: 2026-11-26 09:00\nexpires: 2026-11-27 18:00")
        with pytest.raises(Refused, match="must not go out before"):
            move(office, "road", 2)
        with pytest.raises(Refused, match="expires on"):
            move(office, "road", 54)
        with pytest.raises(UsageFault, match="in the past"):
            move(office, "road", -2)

    def test_stays_within_the_rate_and_names_the_nearest_free_time(self, office: Office) -> None:
        office.release("road")
        office.release("water")
        with pytest.raises(Refused, match="min_gap") as refusal:
            move(office, "water", 1)
        assert "the nearest free time is 2026-11-25T20:0" in refusal.value.tip
        with pytest.raises(Refused, match="windows"):
            move(office, "water", 12)

    def test_is_for_publishers_and_for_what_waits(self, office: Office) -> None:
        office.release("road")
        with pytest.raises(Refused, match="may not move posts"):
            move(office, "road", 3, by="ana")
        run(office)
        with pytest.raises(Refused, match="nothing of road is waiting on hub"):
            move(office, "road", 3, "hub")

    def test_one_channel_never_puts_the_main_channel_last(self, pair: Office) -> None:
        pair.release("road", more="not_before: 2026-11-26 09:00")
        with pytest.raises(Refused, match="hub would come before site, the main channel"):
            move(pair, "road", 30, "site")
        move(pair, "road", 30, "hub")
        move(pair, "road", 30, "site")
        with pytest.raises(Refused, match="hub would come before site, the main channel"):
            move(pair, "road", 29, "hub")
        assert {row.slot for row in move(pair, "road", 40)} == {pair.now + 40 * HOUR}

    def test_later_ends_the_rush(self, office: Office) -> None:
        office.release("road")
        send_now(office, "road")
        (row,) = move(office, "road", 3)
        assert not row.rush


class TestSendingNow:
    def test_passes_the_gap_with_a_reason(self, office: Office, hub: Scripted) -> None:
        office.release("road")
        office.release("water")
        run(office)
        assert len(hub.calls) == 1
        (row,) = send_now(office, "water")
        assert (row.rush, row.due) == (True, office.now)
        office.work()
        assert len(hub.calls) == 2
        assert office.events("delivery.slot")[-1].why == "burst main"

    def test_does_not_pass_caps_or_windows(self, office: Office) -> None:
        for slug in ("one", "two", "three", "four"):
            office.release(slug)
        with pytest.raises(Refused, match="per_day"):
            send_now(office, "four")
        office.wait(9 * HOUR)
        with pytest.raises(Refused, match="windows"):
            send_now(office, "one")

    def test_does_not_overtake_the_main_channel(self, pair: Office) -> None:
        pair.release("road", more="at: 2026-11-26 09:00")
        with pytest.raises(Refused, match="would come before site"):
            send_now(pair, "road", "hub")
        assert len(send_now(pair, "road")) == 2

    def test_keeps_to_not_before_and_is_for_publishers(self, office: Office) -> None:
        office.release("road", more="not_before: 2026-11-26 09:00")
        with pytest.raises(Refused, match="must not go out before"):
            send_now(office, "road")
        with pytest.raises(Refused, match="may not send posts at once"):
            send_now(office, "road", by="cleo")


class TestTryingAgain:
    def retry(self, office: Office, slug: str = "road") -> DeliveryRecord:
        return resolving.retry(office.store, office.config, office.person("ben"), office.one(slug).id)

    def test_gives_a_failed_delivery_a_new_slot_and_fresh_attempts(
        self, office: Office, hub: Scripted
    ) -> None:
        hub.script = [Rejected("no")]
        office.release("road")
        run(office)
        assert office.state("road") == "failed"
        row = self.retry(office)
        assert (row.state, row.attempts, office.state("road")) == ("queued", 0, "scheduled")
        office.wait(HOUR)
        office.work()
        assert (office.state("road"), len({call.key for call in hub.calls})) == ("published", 1)

    def test_takes_a_slot_within_the_rate(self, office: Office, hub: Scripted) -> None:
        hub.script = [Rejected("no")]
        office.release("road")
        office.release("water")
        office.work()
        office.wait(office.one("water").slot - office.now)
        office.work()
        assert office.state("water") == "published"
        assert self.retry(office).slot >= office.one("water").slot + 2 * HOUR

    def test_waits_held_while_the_channel_is_stopped(self, office: Office, hub: Scripted) -> None:
        hub.script = [Rejected("no")]
        office.release("road")
        run(office)
        with office.tx() as tx:
            channels.pause(tx, "hub", channels.FOR_GOOD, "look at it")
        row = self.retry(office)
        assert (row.state, row.reason) == ("held", "hub is paused: look at it")

    def test_only_what_failed_or_was_missed(self, office: Office, hub: Scripted) -> None:
        office.release("road")
        with pytest.raises(Refused, match="only a failed or missed one"):
            self.retry(office)
        office.cancel("road")
        row = uncertain_other(office, hub)
        with pytest.raises(Refused) as refusal:
            resolving.retry(office.store, office.config, office.person("ben"), row.id)
        assert "delivery resolve" in refusal.value.tip

    def test_not_what_has_expired_or_has_no_time_left(self, office: Office, hub: Scripted) -> None:
        hub.script = [Rejected("no")]
        office.release("road", more="expires: 2026-11-25 14:00")
        run(office)
        office.release("water")
        run(office)
        with pytest.raises(Refused, match="no free time left"):
            self.retry(office)
        office.wait(2 * HOUR)
        with pytest.raises(Refused, match="expired on"):
            self.retry(office)

    def test_not_on_a_channel_that_is_gone_from_the_config(self, pair: Office) -> None:
        pair.release("road", channels=["hub"], more="not_before: 2026-11-26 09:00")
        pair.config = pair.config.model_copy(update={"channels": {"site": pair.config.channels["site"]}})
        with pytest.raises(Refused, match="no longer in config"):
            move(pair, "road", 30)
        with pytest.raises(Refused, match="no longer in config"):
            send_now(pair, "road")


def uncertain_other(office: Office, hub: Scripted) -> DeliveryRecord:
    hub.script = [Uncertain("no answer")]
    office.release("water")
    office.wait(HOUR)
    office.work()
    return office.one("water")


class TestSettling:
    def absent(self, office: Office) -> DeliveryRecord:
        return resolving.resolve_absent(
            office.store, office.config, office.fitted, office.person("ben"), office.one("road").id
        )

    def test_found_means_live_with_its_address(self, office: Office, hub: Scripted) -> None:
        row = uncertain(office, hub)
        found = resolving.resolve_live(
            office.store, office.person("ben"), row.id, "https://hub.example/7", None
        )
        assert (found.state, found.url, found.remote_id) == (
            "live",
            "https://hub.example/7",
            "https://hub.example/7",
        )
        assert office.state("road") == "published"
        assert office.events("delivery.live")[-1].actor == "ben"

    def test_found_keeps_the_platforms_own_id(self, office: Office, hub: Scripted) -> None:
        hub.script = [Receipt(remote_id="77", pending=True)]
        office.release("road")
        for _ in range(40):
            office.work()
            office.wait(timedelta(hours=1))
        row = office.one("road")
        assert row.state == "uncertain"
        found = resolving.resolve_live(
            office.store, office.person("ben"), row.id, "https://hub.example/7", None
        )
        assert (found.url, found.remote_id) == ("https://hub.example/7", "77")

    def test_found_needs_a_web_address(self, office: Office, hub: Scripted) -> None:
        row = uncertain(office, hub)
        for wrong in ("over there", "ftp://hub.example/1", "https:///x"):
            with pytest.raises(UsageFault, match="not a web address"):
                resolving.resolve_live(office.store, office.person("ben"), row.id, wrong, None)

    def test_not_there_waits_until_it_cannot_arrive_any_more(self, office: Office, hub: Scripted) -> None:
        hub.capabilities = Capabilities(title=True, link=True, settles_after=timedelta(minutes=5))
        office.read_config()
        uncertain(office, hub)
        office.wait(timedelta(minutes=6))
        with pytest.raises(Refused, match="it may still arrive: wait 1 min"):
            self.absent(office)
        office.wait(timedelta(minutes=1))
        row = self.absent(office)
        assert (row.state, row.ambiguous, row.attempts) == ("queued", False, 0)
        run(office)
        assert len({call.key for call in hub.calls}) == 1
        assert office.state("road") == "published"

    def test_not_there_after_it_expired_is_missed(self, office: Office, hub: Scripted) -> None:
        hub.script = [Uncertain("no answer")]
        office.release("road", more="expires: 2026-11-25 13:00")
        run(office)
        office.wait(2 * HOUR)
        self.absent(office)
        office.work()
        assert (office.one("road").state, len(hub.calls)) == ("missed", 1)

    def test_not_there_without_a_free_time_left_asks_a_person(self, office: Office, hub: Scripted) -> None:
        uncertain(office, hub)
        with office.tx() as tx:
            tx.conn.exec_driver_sql("UPDATE pilot SET ends = '2026-11-24'")
        office.wait(HOUR)
        row = self.absent(office)
        assert (row.state, "not there" in row.reason, "no free time" in row.reason) == ("missed", True, True)

    def test_giving_up_fails_it(self, office: Office, hub: Scripted) -> None:
        row = uncertain(office, hub)
        found = resolving.give_up(office.store, office.person("ben"), row.id)
        assert (found.state, found.ambiguous, office.state("road")) == ("failed", True, "failed")
        assert "may or may not be public" in found.reason

    def test_what_was_given_up_goes_again_only_when_somebody_says_it_is_not_there(
        self, office: Office, hub: Scripted
    ) -> None:
        hub.capabilities = Capabilities(title=True, link=True, settles_after=timedelta(minutes=5))
        office.read_config()
        row = uncertain(office, hub)
        resolving.give_up(office.store, office.person("ben"), row.id)
        with pytest.raises(Refused, match="it may be public on hub") as refusal:
            resolving.retry(office.store, office.config, office.person("ben"), row.id)
        assert f"govpost delivery retry {row.id} --not-there" in refusal.value.tip
        with pytest.raises(Refused, match="it may still arrive: wait"):
            self.retry_looked(office, row)
        office.wait(HOUR)
        again = self.retry_looked(office, row)
        assert (again.state, again.ambiguous) == ("queued", False)
        assert "who looked" in office.events("delivery.queued")[-1].why
        office.wait(2 * HOUR)
        office.work()
        assert (office.state("road"), len(hub.calls)) == ("published", 2)

    def test_what_was_given_up_and_then_found_public_is_live_and_goes_no_second_time(
        self, office: Office, hub: Scripted
    ) -> None:
        row = uncertain(office, hub)
        resolving.give_up(office.store, office.person("ben"), row.id)
        with pytest.raises(Refused, match="may not settle deliveries"):
            resolving.resolve_live(office.store, office.person("ana"), row.id, PUBLIC, None)
        found = resolving.resolve_live(office.store, office.person("ben"), row.id, PUBLIC, None)
        assert (found.state, found.ambiguous, found.url) == ("live", False, PUBLIC)
        assert office.state("road") == "published"
        office.wait(2 * HOUR)
        office.work()
        with pytest.raises(Refused, match="only a failed or missed one"):
            self.retry_looked(office, row)
        assert len(hub.calls) == 1

    def test_what_was_given_up_and_cancelled_can_still_be_found_and_taken_down(
        self, office: Office, hub: Scripted
    ) -> None:
        row = uncertain(office, hub)
        resolving.give_up(office.store, office.person("ben"), row.id)
        office.cancel("road")
        found = resolving.resolve_live(office.store, office.person("ben"), row.id, PUBLIC, None)
        assert (found.state, office.state("road")) == ("live", "published")
        assert "the post was cancelled: govpost post withdraw road" in found.reason

    def test_a_later_part_is_left_to_a_person_once_the_post_has_expired(
        self, office: Office, hub: Scripted
    ) -> None:
        hub.capabilities = Capabilities(title=True, link=True, max_chars=120, threads=True)
        office.read_config()
        hub.script = [Uncertain("no answer")]
        office.release("road", "One sentence about the road. " * 20, more="expires: 2026-11-27 12:00\n")
        run(office)
        first = office.deliveries("road")[0]
        resolving.give_up(office.store, office.person("ben"), first.id)
        office.wait(timedelta(days=9))
        resolving.resolve_live(office.store, office.person("ben"), first.id, PUBLIC, "7")
        office.work()
        states = [each.state for each in office.deliveries("road")]
        assert (states[:2], set(states[2:]), len(hub.calls)) == (["live", "missed"], {"held"}, 1)

    def test_what_is_found_days_later_takes_its_place_in_the_rate_where_it_was_sent(
        self, office: Office, hub: Scripted
    ) -> None:
        row = uncertain(office, hub)
        resolving.give_up(office.store, office.person("ben"), row.id)
        office.wait(timedelta(days=3))
        (water,) = office.release("water")
        resolving.resolve_live(office.store, office.person("ben"), row.id, PUBLIC, None)
        with office.tx() as tx:
            assert planning.replan(tx, office.config, "hub", "a look") == 0
        assert office.one("water").slot == water.slot

    def test_the_answer_that_comes_after_all_says_where_it_is(self, office: Office, hub: Scripted) -> None:
        row = uncertain(office, hub)
        resolving.give_up(office.store, office.person("ben"), row.id)
        values = outcomes.of_receipt(
            Receipt(remote_id="hub-1", url="https://hub.example/1"), office.now
        ).values
        with office.tx("daemon") as tx:
            rescue.late_receipt(tx, row, values)
        found = office.one("road")
        assert (found.state, found.remote_id, office.state("road")) == ("live", "hub-1", "published")

    def test_the_answer_to_what_a_person_has_seen_is_no_second_post(
        self, office: Office, hub: Scripted
    ) -> None:
        row = uncertain(office, hub)
        resolving.resolve_live(office.store, office.person("ben"), row.id, PUBLIC, None)
        values = outcomes.of_receipt(
            Receipt(remote_id="hub-1", url="https://hub.example/1"), office.now
        ).values
        with office.tx("daemon") as tx:
            rescue.late_receipt(tx, row, values)
        assert office.events("delivery.duplicate") == []

    def test_what_failed_for_sure_is_not_found_public(self, office: Office, hub: Scripted) -> None:
        hub.script = [Rejected("too long")]
        office.release("road")
        office.work()
        with pytest.raises(Refused, match="is failed; only an uncertain one"):
            resolving.resolve_live(office.store, office.person("ben"), office.one("road").id, PUBLIC, None)

    def test_a_freeze_does_not_make_what_was_given_up_forgotten(self, office: Office, hub: Scripted) -> None:
        row = uncertain(office, hub)
        resolving.give_up(office.store, office.person("ben"), row.id)
        freezing.freeze(office.store, office.config, office.person("ben"), "a rumour")
        office.wait(2 * HOUR)
        freezing.thaw(office.store, office.config, office.person("cleo"), "nothing in it")
        office.work()
        with pytest.raises(Refused, match="it may be public on hub"):
            resolving.retry(office.store, office.config, office.person("ben"), row.id)
        assert len(hub.calls) == 1

    def test_what_was_given_up_can_be_cancelled_and_says_still_that_it_may_be_public(
        self, office: Office, hub: Scripted
    ) -> None:
        row = uncertain(office, hub)
        resolving.give_up(office.store, office.person("ben"), row.id)
        office.cancel("road")
        found = office.one("road")
        assert (found.state, found.ambiguous, office.state("road")) == ("cancelled", True, "cancelled")
        assert found.reason.endswith("it was given up and may be public")

    def retry_looked(self, office: Office, row: DeliveryRecord) -> DeliveryRecord:
        return resolving.retry(office.store, office.config, office.person("ben"), row.id, office.fitted)

    def test_is_for_publishers_and_for_what_is_uncertain(self, office: Office, hub: Scripted) -> None:
        row = uncertain(office, hub)
        with pytest.raises(Refused, match="may not settle deliveries"):
            resolving.give_up(office.store, office.person("ana"), row.id)
        resolving.give_up(office.store, office.person("ben"), row.id)
        with pytest.raises(Refused, match="is failed; only an uncertain one"):
            resolving.give_up(office.store, office.person("ben"), row.id)


def test_a_delivery_is_found_by_its_id_or_a_unique_part_of_it(office: Office) -> None:
    (row,) = office.release("road")
    (other,) = office.release("water")
    with office.store.read() as conn:
        assert queueing.find(conn, row.id).id == row.id
        assert queueing.find(conn, row.id[-12:]).id == row.id
        with pytest.raises(Refused, match="more than one delivery"):
            queueing.find(conn, row.id[:6])
        for wrong in ("nothing", other.id[-3:]):
            with pytest.raises(Refused, match="there is no delivery"):
                queueing.find(conn, wrong)
        assert deliveries.next_due(conn, "nowhere") is None
