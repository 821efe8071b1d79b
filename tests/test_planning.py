"""The posting rates hold through the store: across days, restarts, changed clocks, outages and changed rates."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from govpost import content, planning
from govpost.daemon import housekeeping
from govpost.domain import Capabilities
from govpost.editorial import queueing
from govpost.errors import Refused, Unavailable
from office import Office, Scripted

PLAIN = Capabilities(title=True, link=True)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
CHICAGO = ZoneInfo("America/Chicago")
DAYTIME = 'windows = ["08:00-18:00"]'


def agency(tmp_path: Path, rate: str, *, start: datetime | None = None) -> Office:
    office = Office(tmp_path, {"hub": Scripted("hub", PLAIN)}, rates={"hub": rate})
    if start is not None:
        office.now = start
    office.start()
    return office


def pair(tmp_path: Path, site: str, hub: str = DAYTIME) -> Office:
    platforms = {"site": Scripted("site", PLAIN), "hub": Scripted("hub", PLAIN)}
    office = Office(tmp_path, platforms, rates={"site": site, "hub": hub})
    office.start()
    return office


def run(office: Office, hours: float, step: timedelta = 20 * MINUTE) -> None:
    """Let hours pass with a daemon at work."""
    for _ in range(round(hours * HOUR / step)):
        office.wait(step)
        office.work()


def sent(office: Office, *slugs: str) -> list[datetime]:
    found = (office.one(slug).live_at for slug in slugs)
    return sorted(each.replace(tzinfo=each.tzinfo or UTC) for each in found if each is not None)


def slot(office: Office, slug: str, channel: str = "hub") -> datetime:
    return office.one(slug, channel).slot


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO)


TEN = [f"post-{number}" for number in range(10)]


def test_ten_posts_at_three_a_day_go_out_three_three_three_and_one(tmp_path: Path) -> None:
    office = agency(tmp_path, 'per_day = 3\nmin_gap = "2h"')
    for slug in TEN:
        office.release(slug)
    for day in range(5):
        run(office, 24)
        office.restart(f"daemon-{day}")
    days = Counter(instant.astimezone(CHICAGO).date() for instant in sent(office, *TEN))
    assert list(days.values()) == [3, 3, 3, 1]
    instants = sent(office, *TEN)
    assert all(later - earlier >= 2 * HOUR for earlier, later in pairwise(instants))


@pytest.mark.parametrize("night", ["2026-10-31T22:00", "2027-03-13T22:00"])
def test_the_gap_is_respected_while_the_clocks_change(tmp_path: Path, night: str) -> None:
    office = agency(tmp_path, 'min_gap = "2h"', start=local(night).astimezone(UTC))
    for slug in TEN[:5]:
        office.release(slug)
    run(office, 12)
    instants = sent(office, *TEN[:5])
    gaps = [later - earlier for earlier, later in pairwise(instants)]
    assert len(gaps) == 4
    assert all(2 * HOUR <= gap <= 2 * HOUR + 20 * MINUTE for gap in gaps)


def test_a_window_opens_by_the_wall_clock_on_both_sides_of_the_change(tmp_path: Path) -> None:
    office = agency(tmp_path, DAYTIME + "\nper_day = 1", start=local("2026-10-31T07:00").astimezone(UTC))
    for slug in TEN[:2]:
        office.release(slug)
    walls = [office.one(slug).wall for slug in TEN[:2]]
    assert walls == ["2026-10-31T08:00", "2026-11-01T08:00"]
    assert slot(office, TEN[1]) - slot(office, TEN[0]) == 25 * HOUR


def test_a_cancelled_slot_is_freed(tmp_path: Path) -> None:
    office = agency(tmp_path, "per_day = 1")
    office.release("road")
    freed = slot(office, "road")
    office.release("water")
    office.cancel("road")
    office.release("gas")
    assert slot(office, "gas") < slot(office, "water")
    assert slot(office, "gas") - freed <= MINUTE


def test_repeats_of_one_delivery_do_not_count(tmp_path: Path) -> None:
    office = agency(tmp_path, "per_day = 2")
    hub = office.platforms["hub"]
    hub.script = [Unavailable("busy"), Unavailable("busy")]
    office.release("road")
    office.release("water")
    run(office, 3)
    assert len(hub.calls) == 4
    assert {office.one("road").state, office.one("water").state} == {"live"}
    assert len({instant.date() for instant in sent(office, "road", "water")}) == 1


class TestTheMainChannel:
    def test_is_never_later_than_the_others(self, tmp_path: Path) -> None:
        office = pair(tmp_path, 'windows = ["15:00-16:00"]')
        office.release("road")
        assert slot(office, "road", "site") == local("2026-11-25T15:00") == slot(office, "road", "hub")

    def test_stays_first_when_a_higher_priority_moves_posts(self, tmp_path: Path) -> None:
        office = pair(
            tmp_path, 'slots = ["14:00", "15:00", "16:00", "17:00"]\nper_hour = 1', 'min_gap = "30m"'
        )
        for slug in TEN[:3]:
            office.release(slug)
        office.release("urgent", more="priority: high")
        assert slot(office, "urgent", "hub") <= slot(office, TEN[0], "hub")
        self.in_order(office, [*TEN[:3], "urgent"])

    def test_stays_first_where_only_another_channel_was_moved(self, tmp_path: Path) -> None:
        office = pair(tmp_path, 'slots = ["14:00", "15:00", "16:00"]\nper_day = 1')
        office.release("road")
        queueing.move(
            office.store, office.config, office.person("ben"), "road", local("2026-11-25T14:30"), "hub"
        )
        office.release("urgent", more="priority: high")
        assert slot(office, "road", "site") == local("2026-11-25T14:00")
        self.in_order(office, ["road", "urgent"])

    def test_stays_first_when_the_rates_are_changed(self, tmp_path: Path) -> None:
        office = pair(tmp_path, 'windows = ["14:00-16:00"]')
        for slug in TEN[:3]:
            office.release(slug)
        office.edit_config('windows = ["14:00-16:00"]', 'windows = ["16:00-17:00"]\nper_day = 1')
        housekeeping.take_over(office.store, office.config, office.bench, replan=True)
        assert [slot(office, slug, "site") for slug in TEN[:3]] == [
            local(f"2026-11-{day}T16:00") for day in (25, 26, 27)
        ]
        self.in_order(office, TEN[:3])

    def test_takes_the_others_along_when_it_alone_was_held_past_its_time(self, tmp_path: Path) -> None:
        office = pair(
            tmp_path, 'windows = ["13:00-14:00", "16:00-17:00"]\ngrace = "9h"', 'windows = ["15:00-18:00"]'
        )
        office.release("road")
        from govpost.store import channels

        with office.tx() as tx:
            channels.pause(tx, "site", channels.FOR_GOOD, "broken")
        run(office, 2.5)
        with office.tx() as tx:
            channels.resume(tx, "site", "mended")
        office.keep_house()
        assert slot(office, "road", "site") == local("2026-11-25T16:00")
        self.in_order(office, ["road"])

    def test_that_is_not_live_by_then_is_said_in_an_event(self, tmp_path: Path) -> None:
        office = pair(tmp_path, "per_hour = 9", "per_hour = 9")
        office.platforms["site"].script = [Unavailable("busy")]
        office.release("road")
        run(office, 0.1, MINUTE)
        (event,) = office.events("delivery.ahead-of-main")
        assert event.why == "it goes out although site, the main channel, is queued"
        assert office.one("road", "hub").state == "live"

    @staticmethod
    def in_order(office: Office, slugs: list[str]) -> None:
        for slug in slugs:
            assert slot(office, slug, "site") <= slot(office, slug, "hub"), slug


def test_a_higher_priority_moves_lower_ones_and_that_is_an_event(tmp_path: Path) -> None:
    office = agency(tmp_path, 'slots = ["14:00", "15:00", "16:00"]')
    office.edit_config("slots =", "per_hour = 1\nslots =")
    office.release("road")
    office.release("gas", more="priority: low")
    office.release("urgent", more="priority: high")
    assert slot(office, "urgent") == local("2026-11-25T14:00")
    assert slot(office, "road") > slot(office, "urgent")
    whys = {event.why for event in office.events("delivery.slot")}
    assert whys == {"moved for urgent, which has a higher priority"}
    office.release("calm", more="priority: low")
    assert slot(office, "calm") > slot(office, "gas")


def test_an_exact_time_is_never_moved_by_a_priority(tmp_path: Path) -> None:
    office = agency(tmp_path, "per_day = 1")
    office.release("road", more="at: 2026-11-25 15:00")
    office.release("urgent", more="priority: high")
    assert slot(office, "road") == local("2026-11-25T15:00")
    assert slot(office, "urgent") >= local("2026-11-26T00:00")


def test_a_changed_rate_gives_new_slots_with_events(tmp_path: Path) -> None:
    office = agency(tmp_path, "per_day = 3")
    for slug in TEN[:3]:
        office.release(slug)
    assert {slot(office, slug).date() for slug in TEN[:3]} == {office.now.date()}
    office.edit_config("per_day = 3", "per_day = 1")
    housekeeping.take_over(office.store, office.config, office.bench, replan=True)
    days = [slot(office, slug).astimezone(CHICAGO).day for slug in TEN[:3]]
    assert days == [25, 26, 27]
    events = office.events("delivery.slot")
    assert [event.why for event in events] == ["the posting rates were changed"] * 2
    assert housekeeping.take_over(office.store, office.config, office.bench, replan=True) is None
    assert len(office.events("delivery.slot")) == 2


def test_coming_back_after_an_outage_never_floods(tmp_path: Path) -> None:
    office = agency(tmp_path, 'per_day = 3\nmin_gap = "1h"\nlate = "send"')
    for slug in TEN:
        office.release(slug)
    office.wait(timedelta(days=3))
    office.restart()
    office.work()
    assert len(office.platforms["hub"].calls) == 1
    assert office.events("delivery.slot")
    for day in range(5):
        run(office, 24)
        office.restart(f"daemon-{day}")
    days = Counter(instant.astimezone(CHICAGO).date() for instant in sent(office, *TEN))
    assert sum(days.values()) == 10
    assert max(days.values()) <= 3


class TestThePilotsEnd:
    def test_leaves_nothing_new_planned_after_it(self, tmp_path: Path) -> None:
        office = Office(tmp_path, {"hub": Scripted("hub", PLAIN)}, rates={"hub": "per_day = 1"})
        office.edit_config('ends = "400d"', "ends = 2026-11-26")
        office.start()
        office.release("road")
        office.release("water")
        office.write("gas")
        assert office.take_in("gas").post is None
        office.edit_config("ends = 2026-11-26", "ends = 2026-11-27")
        housekeeping.take_over(office.store, office.config, office.bench, replan=False)
        office.release("gas")
        assert slot(office, "gas") >= local("2026-11-27T00:00")

    def test_in_an_outage_leaves_what_is_late_to_a_person_instead_of_sending_it_all(
        self, tmp_path: Path
    ) -> None:
        rate = 'per_day = 1\nlate = "send"'
        office = Office(tmp_path, {"hub": Scripted("hub", PLAIN)}, rates={"hub": rate})
        office.edit_config('ends = "400d"', "ends = 2026-11-28")
        office.start()
        for slug in TEN[:3]:
            office.release(slug)
        office.wait(timedelta(days=5))
        office.restart()
        run(office, 2)
        assert office.platforms["hub"].calls == []
        assert {office.one(slug).state for slug in TEN[:3]} == {"missed"}
        assert "its rate leaves no time for it any more" in office.one(TEN[0]).reason


def test_what_would_be_given_is_shown_and_nothing_is_booked(tmp_path: Path) -> None:
    office = agency(tmp_path, "per_day = 1")
    office.release("road")
    office.write("water", more="not_before: 2026-11-28 09:00")
    draft = content.load(office.root / "content/water/post.md", office.config)
    with office.tx() as tx:
        assert planning.preview(tx, office.config, draft, ["hub"]) == {"hub": local("2026-11-28T09:00")}
        assert planning.trial(tx, office.config, draft, ["hub"], None) == {}
    office.release("water", more="not_before: 2026-11-28 09:00")
    assert slot(office, "water") == local("2026-11-28T09:00")


def test_a_slot_that_was_taken_meanwhile_refuses_the_approval(tmp_path: Path) -> None:
    office = agency(tmp_path, 'min_gap = "2h"')
    for slug in ("road", "water"):
        office.write(slug, more="at: 2026-11-27 10:00")
        assert office.take_in(slug).post is not None
    office.approve("road")
    with pytest.raises(Refused, match="no free time"):
        office.approve("water")
    from govpost.draft_json import from_dict
    from govpost.store import posts

    with office.tx() as tx, pytest.raises(Refused, match="no slot for water: hub"):
        post = posts.find(tx.conn, "water")
        version = posts.version(tx.conn, post.id, 1)
        planning.schedule(tx, office.config, post, version, from_dict(version.draft, office.root))
    assert office.deliveries("water") == []


def test_the_parts_of_a_thread_share_one_slot_and_count_once(tmp_path: Path) -> None:
    hub = Scripted("hub", Capabilities(max_chars=60, threads=True))
    office = Office(tmp_path, {"hub": hub}, rates={"hub": "per_day = 2"})
    office.start()
    rows = office.release(
        "storm", "First sentence about the storm. Second sentence about water. Third about power."
    )
    assert len(rows) > 1
    assert len({row.slot for row in rows}) == 1
    office.release("road", "Short.")
    assert slot(office, "road").date() == rows[0].slot.date()
    run(office, 1)
    assert set(office.states("storm")) == {"live"}
