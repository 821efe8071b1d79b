"""Between deliveries: the late are judged, what is stopped is held with its reason, and nothing is stuck."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from govpost import duties, pilots
from govpost.daemon import housekeeping
from govpost.domain import Capabilities, Receipt
from govpost.errors import RateLimited, Unavailable, Uncertain
from govpost.registry import Registry
from govpost.store import channels, deliveries, meta
from govpost.workspace import Bench
from office import Changing, Confirming, Office, Scripted

PLAIN = Capabilities(title=True, link=True)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def agency(
    tmp_path: Path, rate: str = 'windows = ["always"]', hub: Scripted | None = None, cap: int = 1000
) -> Office:
    office = Office(tmp_path, {"hub": hub or Scripted("hub", PLAIN)}, rates={"hub": rate}, cap=cap)
    office.start()
    return office


def pause(office: Office, why: str = "broken") -> None:
    with office.tx() as tx:
        channels.pause(tx, "hub", channels.FOR_GOOD, why)


def resume(office: Office) -> None:
    with office.tx() as tx:
        channels.resume(tx, "hub", "mended")


def freeze(office: Office) -> None:
    with office.tx() as tx:
        meta.put(tx.conn, meta.FREEZE, {"by": "cleo", "reason": "storm", "at": "now"})


def unplug(office: Office, *gone: str) -> None:
    """Let the plugin of some channels be missing."""
    left = {name: fitted for name, fitted in office.fitted.items() if name not in gone}
    office.fitted = left
    office.bench = Bench(registry=Registry(), fitted=left, missing=dict.fromkeys(gone, "it failed to import"))
    office.publisher.setup = office.setup()


class TestTheLate:
    @pytest.mark.parametrize(
        ("late", "state"), [("ask", "missed"), ("expire", "cancelled"), ("send", "live")]
    )
    def test_are_asked_about_cancelled_or_sent_as_the_rate_says(
        self, tmp_path: Path, late: str, state: str
    ) -> None:
        office = agency(tmp_path, f'late = "{late}"\ngrace = "2h"')
        office.release("road")
        office.wait(2 * HOUR + MINUTE)
        office.restart()
        office.work()
        assert office.one("road").state == state
        if state != "live":
            assert office.one("road").reason == "late by 2 h 1 min, more than its grace of 2 h"

    def test_are_sent_within_the_grace(self, tmp_path: Path) -> None:
        office = agency(tmp_path)
        office.release("road")
        office.wait(2 * HOUR)
        office.work()
        assert office.one("road").state == "live"

    @pytest.mark.parametrize("late", ["ask", "expire", "send"])
    def test_that_expired_are_missed_and_never_sent(self, tmp_path: Path, late: str) -> None:
        office = agency(tmp_path, f'late = "{late}"')
        office.release("road", more="expires: 2026-11-25 12:30")
        office.wait(30 * MINUTE)
        office.work()
        assert office.platforms["hub"].calls == []
        assert (office.one("road").state, office.state("road")) == ("missed", "scheduled")
        assert office.one("road").reason == "it expired on 2026-11-25T18:30:00Z"

    def test_that_expired_are_not_even_claimed(self, tmp_path: Path) -> None:
        office = agency(tmp_path)
        office.release("road", more="expires: 2026-11-25 12:30")
        office.wait(30 * MINUTE)
        assert not office.publisher.deliver("hub")
        assert office.one("road").tries == 0

    def test_say_why_they_were_held_or_what_was_said_last(self, tmp_path: Path) -> None:
        hub = Scripted("hub", PLAIN)
        office = agency(tmp_path, hub=hub)
        hub.script = [Unavailable("busy")]
        office.release("road")
        office.work()
        pause(office)
        office.release("water")
        office.work()
        office.wait(3 * HOUR)
        office.work()
        assert office.one("water").reason.endswith("; it was held: hub is paused: broken")
        resume(office)
        hub.script = [Unavailable("busy")]
        office.release("gas")
        office.work()
        office.wait(3 * HOUR)
        office.work()
        assert office.one("gas").reason.endswith("; last: busy")

    def test_that_may_be_public_are_uncertain(self, tmp_path: Path) -> None:
        hub = Scripted("hub", Capabilities(title=True, link=True, idempotent_for=9 * HOUR))
        office = agency(tmp_path, hub=hub)
        hub.script = [Uncertain("no answer")]
        office.release("road")
        office.work()
        assert (office.one("road").state, office.one("road").ambiguous) == ("queued", True)
        pause(office)
        office.wait(3 * HOUR)
        office.keep_house()
        assert office.one("road").state == "uncertain"
        assert "an earlier attempt may be public" in office.one("road").reason

    def test_on_a_channel_gone_from_the_config_are_a_persons_question_too(self, tmp_path: Path) -> None:
        office = Office(tmp_path, {"site": Scripted("site", PLAIN), "hub": Scripted("hub", PLAIN)})
        office.start()
        office.release("road", channels=["hub"], more="not_before: 2026-11-26 09:00")
        office.config = office.config.model_copy(
            update={"channels": {"site": office.config.channels["site"]}}
        )
        office.keep_house()
        assert office.one("road").reason == "the channel hub is no longer in config.toml"
        office.wait(timedelta(days=2))
        office.keep_house()
        assert office.one("road").state == "missed"


class TestWhatIsHeld:
    def test_says_why_and_goes_on_when_the_reason_is_gone(self, tmp_path: Path) -> None:
        office = agency(tmp_path)
        office.release("road")
        pause(office)
        office.work()
        assert (office.one("road").state, office.one("road").reason) == ("held", "hub is paused: broken")
        resume(office)
        office.keep_house()
        assert (office.one("road").state, office.one("road").reason) == ("queued", "the reason is gone")

    def test_says_the_reason_that_holds_now(self, tmp_path: Path) -> None:
        office = agency(tmp_path)
        office.release("road")
        freeze(office)
        pause(office)
        office.keep_house()
        assert office.one("road").reason == "everything is frozen by cleo: storm"
        with office.tx() as tx:
            meta.drop(tx.conn, meta.FREEZE)
        office.keep_house()
        assert (office.one("road").state, office.one("road").reason) == ("held", "hub is paused: broken")

    def test_is_what_has_no_plugin_and_nothing_is_lost(self, tmp_path: Path) -> None:
        office = agency(tmp_path)
        office.release("road")
        fitted, bench = office.fitted, office.bench
        unplug(office, "hub")
        office.work()
        assert (office.one("road").state, office.one("road").reason) == ("held", "it failed to import")
        office.bench = Bench(registry=Registry(), fitted={}, missing={})
        office.keep_house()
        assert office.one("road").reason == "no plugin brings the platform hub"
        office.fitted, office.bench = fitted, bench
        office.publisher.setup = office.setup()
        office.work()
        assert office.one("road").state == "live"

    def test_past_its_slot_comes_back_within_the_rate(self, tmp_path: Path) -> None:
        office = agency(tmp_path, 'min_gap = "30m"')
        for slug in ("road", "water", "gas"):
            office.release(slug)
        pause(office)
        office.work()
        office.wait(1.8 * HOUR)
        resume(office)
        office.work()
        assert len(office.platforms["hub"].calls) == 1
        waiting = sorted(
            office.one(slug).slot for slug in ("road", "water", "gas") if office.states(slug) == ["queued"]
        )
        assert len(waiting) == 2
        assert waiting[1] - waiting[0] >= 30 * MINUTE

    def test_as_a_later_part_waits_for_the_earlier_one_alone(self, tmp_path: Path) -> None:
        office = agency(tmp_path, hub=Scripted("hub", Capabilities(max_chars=60, threads=True)))
        office.release(
            "storm", "First sentence about the storm. Second sentence about water. Third about power."
        )
        office.keep_house()
        assert office.deliveries("storm")[1].reason == "waits for part 1"
        pause(office)
        office.keep_house()
        assert office.deliveries("storm")[1].reason == "waits for part 1"


class TestCaps:
    def test_hold_what_is_beyond_them_with_one_event(self, tmp_path: Path) -> None:
        office = agency(tmp_path, cap=2)
        for slug in ("road", "water", "gas", "park"):
            office.release(slug)
        for _ in range(3):
            office.work()
            office.wait(MINUTE)
        assert len(office.platforms["hub"].calls) == 2
        states = [office.one(slug).state for slug in ("road", "water", "gas", "park")]
        assert sorted(states) == ["held", "held", "live", "live"]
        (event,) = office.events("pilot.cap")
        assert event.why == "the pilot of hub has used up its cap of 2 posts"
        assert office.one("park").reason == event.why

    def test_that_are_raised_let_it_go_on(self, tmp_path: Path) -> None:
        office = agency(tmp_path, cap=1)
        office.release("road")
        office.work()
        office.release("water")
        assert office.one("water").state == "held"
        office.work()
        office.edit_config("posts = 1 ", "posts = 2 ")
        housekeeping.take_over(office.store, office.config, office.bench, replan=False)
        office.work()
        assert office.one("water").state == "live"
        office.release("gas")
        office.work()
        assert len(office.events("pilot.cap")) == 2

    def test_say_so_once_it_is_they_that_hold(self, tmp_path: Path) -> None:
        office = agency(tmp_path, cap=1)
        office.release("road")
        office.release("water")
        freeze(office)
        office.keep_house()
        with office.tx() as tx:
            meta.drop(tx.conn, meta.FREEZE)
        office.work()
        office.work()
        held = [row for row in (office.one("road"), office.one("water")) if row.state == "held"]
        assert [row.reason for row in held] == ["the pilot of hub has used up its cap of 1 posts"]

    def test_do_not_hold_corrections_in_place(self, tmp_path: Path) -> None:
        hub = Changing("hub", PLAIN)
        office = agency(tmp_path, hub=hub, cap=1)
        office.release("road")
        office.work()
        office.write("fix", "Better.", more="corrects: road")
        assert office.take_in("fix").post is not None
        assert office.approve("fix").deliveries[0].state == "queued"
        office.work()
        assert len(hub.amended) == 1


class TestWhatMayBePublic:
    def test_without_a_safe_repeat_left_is_uncertain(self, tmp_path: Path) -> None:
        hub = Scripted("hub", Capabilities(title=True, link=True, idempotent_for=HOUR))
        office = agency(tmp_path, hub=hub)
        hub.script = [Uncertain("no answer")]
        office.release("road")
        office.work()
        pause(office)
        office.wait(30 * MINUTE)
        office.keep_house()
        assert office.one("road").state == "held"
        office.wait(29 * MINUTE)
        office.keep_house()
        assert (office.one("road").state, len(hub.calls)) == ("uncertain", 1)

    def test_on_a_channel_without_its_plugin_is_uncertain(self, tmp_path: Path) -> None:
        hub = Scripted("hub", Capabilities(title=True, link=True, idempotent_for=HOUR))
        office = agency(tmp_path, hub=hub)
        hub.script = [Uncertain("no answer")]
        office.release("road")
        office.work()
        unplug(office, "hub")
        office.keep_house()
        assert office.one("road").state == "uncertain"

    def test_and_is_pending_without_its_plugin_is_asked_of_a_person_in_the_end(self, tmp_path: Path) -> None:
        hub = Confirming("hub", PLAIN)
        office = agency(tmp_path, hub=hub)
        hub.script = [Receipt(remote_id="p", pending=True)]
        office.release("road")
        office.publisher.deliver("hub")
        unplug(office, "hub")
        office.wait(30 * MINUTE)
        office.keep_house()
        assert office.one("road").state == "pending"
        office.wait(HOUR)
        office.keep_house()
        assert office.one("road").state == "uncertain"
        assert "its plugin is not loaded" in office.one("road").reason


class TestARetiredChannel:
    def test_keeps_nothing_waiting_that_comes_back_later(self, tmp_path: Path) -> None:
        hub = Scripted("hub", PLAIN)
        office = agency(tmp_path, hub=hub)
        hub.script = [Unavailable("busy")]
        office.release("road")
        with office.tx("daemon") as tx:
            claimed = deliveries.claim(tx, "hub", owner="w", lease=HOUR, gap=timedelta(), main_channel="hub")
        assert claimed is not None
        pilots.retire(office.store, office.config, office.person("ben"), "hub", "over")
        office.restart()
        assert office.one("road").state == "cancelled"
        assert office.state("road") == "cancelled"

    def test_asks_about_what_may_be_public(self, tmp_path: Path) -> None:
        hub = Scripted("hub", Capabilities(title=True, link=True, idempotent_for=HOUR))
        office = agency(tmp_path, hub=hub)
        hub.script = [Uncertain("no answer")]
        office.release("road")
        office.work()
        pilots.retire(office.store, office.config, office.person("ben"), "hub", "over")
        assert office.one("road").state == "uncertain"
        for _ in range(3):
            office.wait(10 * MINUTE)
            office.work()
        assert (office.one("road").state, len(hub.calls)) == ("uncertain", 1)


def test_without_goals_what_is_due_says_no_goal_and_stays_queued(tmp_path: Path) -> None:
    office = agency(tmp_path)
    office.release("road")
    office.publisher.may_claim = lambda: bool(office.config.strategy.goals)
    goals = office.config.strategy
    office.config = office.config.model_copy(update={"strategy": goals.model_copy(update={"goals": {}})})
    office.work()
    row = office.one("road")
    assert (row.state, row.reason.split(":")[0]) == ("queued", "no_goal")
    office.config = office.config.model_copy(update={"strategy": goals})
    office.keep_house()
    assert office.one("road").reason == ""
    office.work()
    assert office.one("road").state == "live"


def test_holding_counts_what_it_held(tmp_path: Path) -> None:
    office = agency(tmp_path)
    office.release("road")
    office.release("water")
    with office.tx() as tx:
        assert duties.hold(tx, "hub", "by order") == 2
        assert duties.hold(tx, "hub", "by order") == 0


def test_what_a_platform_made_wait_does_not_flood_afterwards(tmp_path: Path) -> None:
    hub = Scripted("hub", PLAIN)
    office = Office(tmp_path, {"hub": hub}, rates={"hub": 'per_hour = 1\ngrace = "6h"'})
    office.start()
    for slug in ("one", "two", "three"):
        office.release(slug)
    hub.script = [RateLimited("slow down", retry_after=timedelta(hours=3))]
    office.work()
    office.wait(timedelta(hours=3, minutes=1))
    office.work()
    assert sorted(office.states("one") + office.states("two") + office.states("three")) == [
        "live",
        "queued",
        "queued",
    ]
    office.wait(timedelta(minutes=62))
    office.work()
    assert len(hub.held) == 2
