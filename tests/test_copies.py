"""The copies of one bulletin together: how they are judged, counted, held, withdrawn, and what they cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cli_city import City, city
from govpost import duties, pilots
from govpost.daemon import idleness
from govpost.domain import Channel, Receipt, Variant
from govpost.editorial import freezing, resolving
from govpost.errors import NotWanted, PublishError, Rejected, Unavailable, Uncertain
from govpost.registry import Registry
from govpost.store import caps, conditions, copies, deliveries
from govpost.store.engine import Store
from govpost.store.rows import DELIVERY
from office import Office, Scripted
from test_addressing import PLAIN, Bulletin, bulletin_office, states_by_reader

ONE_A_DAY = 'windows = ["always"]\nper_day = 1\nmin_gap = "2h"'
ASK = 'windows = ["always"]\nlate = "ask"\ngrace = "2h"'


class Recalling(Bulletin):
    """It can take a copy back, unless the copy is one of `lost`."""

    def __init__(self, name: str, *readers: str) -> None:
        super().__init__(name, *readers)
        self.lost: set[str] = set()
        self.withdrawn: list[str] = []

    def accept(self, variant: Variant) -> Receipt:
        super().accept(variant)
        return Receipt(remote_id=variant.recipient or "")

    def withdraw(self, receipt: Receipt, notice: str, channel: Channel, http: Any) -> None:
        if receipt.remote_id in self.lost:
            raise Rejected("it cannot be recalled")
        self.withdrawn.append(receipt.remote_id)


def people(number: int) -> list[str]:
    return [f"r-{each}" for each in range(1, number + 1)]


def parted(office: Office, slug: str = "road", **options: Any) -> None:
    """Release a bulletin, so far that each recipient has a delivery of their own."""
    office.release(slug, **options)
    office.keep_house()
    office.publisher.deliver("bulletin")


def steps_of(store: Store, work: Callable[[Any], object]) -> int:
    """Return how many hundred instructions SQLite's machine takes for some work in one write transaction."""
    taken: list[None] = []

    def count() -> None:
        taken.append(None)

    with store.write("test") as tx:
        raw = tx.conn.connection.dbapi_connection
        raw.set_progress_handler(count, 100)
        try:
            work(tx)
        finally:
            raw.set_progress_handler(None, 0)
    return len(taken)


# --- what they cost ----------------------------------------------------------------------------------------------


def claim_within_head_start(tmp_path: Path, number: int) -> int:
    tmp_path.mkdir()
    bulletin = Bulletin("bulletin", *people(number))
    office = Office(tmp_path, {"web": Scripted("web", PLAIN), "bulletin": bulletin})
    office.start()
    office.release("road")
    office.keep_house()
    office.publisher.deliver("web")
    office.publisher.deliver("bulletin")

    def claim(tx: Any) -> None:
        options = {"owner": "test", "lease": timedelta(minutes=1), "gap": timedelta(), "main_channel": "web"}
        assert deliveries.claim(tx, "bulletin", **options) is not None

    return steps_of(office.store, claim)


def test_claiming_a_copy_costs_the_same_however_many_there_are(tmp_path: Path) -> None:
    few, many = (claim_within_head_start(tmp_path / str(number), number) for number in (200, 2000))
    assert many < 2 * few


def test_a_copy_needs_no_head_start_and_a_post_on_another_channel_does(tmp_path: Path) -> None:
    bulletin = Bulletin("bulletin", *people(2))
    office = Office(tmp_path, {"web": Scripted("web", PLAIN), "bulletin": bulletin})
    office.start()
    office.release("road")
    office.keep_house()
    assert not office.publisher.deliver("bulletin")
    office.publisher.deliver("web")
    office.publisher.deliver("bulletin")
    assert office.publisher.deliver("bulletin")
    assert bulletin.reached() == ["r-1"]


def test_all_copies_are_held_released_and_cancelled_with_one_event_each(tmp_path: Path) -> None:
    office, _ = bulletin_office(tmp_path, *people(50))
    parted(office)
    with office.tx() as tx:
        assert duties.hold(tx, "bulletin", "by order") == 50
    office.keep_house()
    assert [event.detail["copies"] for event in office.events("delivery.held")] == [50]
    released = [event for event in office.events("delivery.queued") if event.why == "the reason is gone"]
    assert [event.detail["copies"] for event in released] == [50]
    assert len(office.cancel("road").stopped) == 50
    assert [event.detail["copies"] for event in office.events("delivery.cancelled")] == [50]
    assert (set(office.states("road")), office.state("road")) == ({"cancelled"}, "cancelled")


def test_copies_that_are_missed_together_leave_one_event_and_keep_why_they_were_held(tmp_path: Path) -> None:
    office, _ = bulletin_office(tmp_path, *people(50), rate=ASK)
    parted(office, more="expires: 2026-11-25 16:00")
    pilots.suspend(office.store, office.config, office.person("ben"), "bulletin", "a complaint")
    office.wait(timedelta(hours=5))
    office.keep_house()
    assert [event.detail["copies"] for event in office.events("delivery.missed")] == [50]
    why = "it expired on 2026-11-25T22:00:00Z; it was held: the pilot of bulletin is suspended: a complaint"
    assert {row.reason for row in office.deliveries("road")} == {why}
    assert office.state("road") == "scheduled"


def test_a_retired_channel_ends_all_its_copies(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, *people(4))
    bulletin.steps = {"r-1": [Uncertain("lost")]}
    parted(office)
    office.publisher.deliver("bulletin")
    pilots.retire(office.store, office.config, office.person("ben"), "bulletin", "over")
    assert states_by_reader(office) == {"r-1": "uncertain"} | dict.fromkeys(
        ("r-2", "r-3", "r-4"), "cancelled"
    )


# --- late --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", ["expires: 2026-11-26 12:00", ""])
def test_after_an_outage_no_copy_goes_out_that_expired_or_is_past_its_grace(
    tmp_path: Path, more: str
) -> None:
    office, bulletin = bulletin_office(tmp_path, *people(5), rate=ASK)
    parted(office, more=more)
    office.publisher.deliver("bulletin")
    office.publisher.deliver("bulletin")
    office.wait(timedelta(days=7))
    office.restart()
    office.work()
    assert bulletin.reached() == ["r-1", "r-2"]
    assert [row.state for row in office.deliveries("road")] == ["live"] * 2 + ["missed"] * 3


def test_no_copy_passes_the_gate_after_the_bulletin_expired(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, *people(3), rate='windows = ["always"]\nlate = "send"')
    parted(office, more="expires: 2026-11-25 12:30")
    office.wait(timedelta(hours=1))
    assert not office.publisher.deliver("bulletin")
    assert bulletin.calls == []


def test_a_long_list_is_not_late_while_its_copies_keep_going_out(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, *people(5), rate=ASK)
    parted(office)
    for _ in range(5):
        office.wait(timedelta(hours=1))
        office.keep_house()
        office.publisher.deliver("bulletin")
    assert bulletin.reached() == people(5)


def test_a_late_copy_that_may_have_gone_out_is_asked_about(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, *people(2), rate=ASK)
    bulletin.capabilities = replace(PLAIN, idempotent_for=timedelta(days=9))
    office.read_config()
    office.publisher.setup = office.setup()
    bulletin.steps = {"r-2": [Uncertain("lost")]}
    office.release("road")
    office.work()
    assert states_by_reader(office) == {"r-1": "live", "r-2": "queued"}
    office.wait(timedelta(days=1))
    office.keep_house()
    assert states_by_reader(office) == {"r-1": "live", "r-2": "uncertain"}
    assert "an earlier attempt may be public" in office.deliveries("road")[1].reason


def test_what_a_thaw_finds_late_is_all_copies_and_a_person_is_told_once(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, *people(4))
    parted(office)
    office.publisher.deliver("bulletin")
    ben = office.person("ben")
    assert freezing.freeze(office.store, office.config, ben, "a crisis").held == 3
    office.wait(timedelta(hours=1))
    thawed = freezing.thaw(office.store, office.config, ben, "over")
    assert [row.recipient for row in thawed.missed] in (["r-2"], ["r-3"], ["r-4"])
    office.work()
    assert bulletin.reached() == ["r-1"]
    assert states_by_reader(office) == {"r-1": "live"} | dict.fromkeys(("r-2", "r-3", "r-4"), "missed")


# --- rate and cap ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [NotWanted("they unsubscribed"), Rejected("550 no such user")])
def test_a_first_reader_who_gets_nothing_leaves_the_bulletin_its_place(
    tmp_path: Path, trouble: PublishError
) -> None:
    bulletin = Bulletin("bulletin", *people(3))
    bulletin.steps = {"r-1": [trouble] * 3}
    office = Office(tmp_path, {"bulletin": bulletin}, rates={"bulletin": ONE_A_DAY}, cap=1)
    office.start()
    for slug in ("road", "park", "pool"):
        office.release(slug)
        office.work()
        office.wait(60)
    with office.store.read() as conn:
        assert caps.spent(conn, "bulletin") == 1
    assert {call.title for call in bulletin.calls} == {"Road"}
    assert office.deliveries("park")[0].slot.date() > office.now.date()


def test_a_bulletin_of_which_nothing_went_out_gives_its_place_back(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, *people(2), rate=ONE_A_DAY)
    bulletin.steps = {reader: [Rejected("550 no such user")] for reader in people(2)}
    office.release("road")
    office.work()
    with office.store.read() as conn:
        assert caps.spent(conn, "bulletin") == 0
    (second,) = office.release("park")
    assert second.slot.date() == office.now.date()


def test_no_copy_is_asked_about_cap_or_gap_again(tmp_path: Path) -> None:
    bulletin = Bulletin("bulletin", *people(3))
    bulletin.steps = {"r-1": [Unavailable("451 later", alone=True)]}
    office = Office(tmp_path, {"bulletin": bulletin}, rates={"bulletin": ONE_A_DAY}, cap=1)
    office.start()
    office.release("road")
    office.work()
    assert states_by_reader(office) == {"r-1": "queued", "r-2": "live", "r-3": "live"}
    with office.store.read() as conn:
        assert idleness.is_busy(conn, ["bulletin"], office.now + timedelta(hours=1))
    office.wait(timedelta(hours=1))
    office.work()
    assert set(office.states("road")) == {"live"}


def test_a_copy_that_is_tried_again_leaves_the_others_their_time(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, *people(3))
    bulletin.steps = {"r-2": [Rejected("550")], "r-3": [Unavailable("451 later", alone=True)]}
    office.release("road")
    office.work()
    _, failed, waiting = sorted(office.deliveries("road"), key=lambda row: row.part)
    office.wait(30)
    resolving.retry(office.store, office.config, office.person("ben"), failed.id)
    again = {row.recipient: row for row in office.deliveries("road")}
    assert (again["r-3"].due, again["r-3"].slot) == (waiting.due, waiting.slot)
    assert again["r-2"].due == office.now


# --- withdrawing -------------------------------------------------------------------------------------------------


def test_a_copy_that_cannot_be_withdrawn_keeps_no_other_public(tmp_path: Path) -> None:
    bulletin = Recalling("bulletin", *people(5))
    bulletin.lost = {"r-5"}
    office = Office(tmp_path, {"bulletin": bulletin})
    office.start()
    office.release("road")
    office.work()
    office.withdraw("road")
    office.work()
    assert sorted(bulletin.withdrawn) == people(4)
    assert states_by_reader(office) == dict.fromkeys(people(4), "withdrawn") | {"r-5": "live"}
    (failed,) = [row for row in office.deliveries("road") if row.state == "failed"]
    assert (failed.action, failed.recipient) == ("withdraw", "r-5")


def test_the_record_of_a_withdrawal_counts_the_copies_that_stay(tmp_path: Path) -> None:
    office, _ = bulletin_office(tmp_path, *people(3))
    office.release("road")
    office.work()
    assert len(office.withdraw("road").by_hand) == 3
    (event,) = office.events("post.withdraw")
    assert event.detail["by_hand"] == ["3 of the copies on bulletin"]


# --- copies and threads ------------------------------------------------------------------------------------------


def test_a_platform_cannot_send_copies_and_make_threads() -> None:
    both = Bulletin("bulletin", "r-1")
    both.capabilities = replace(PLAIN, threads=True)
    registry = Registry()
    registry.add("bulletin", "1", "tests", lambda: _module(both))
    assert registry.plugins[0].state == "failed"
    assert "a copy cannot be a thread" in registry.plugins[0].reason


def test_nor_may_its_server_make_it_thread(tmp_path: Path) -> None:
    class Adapting(Bulletin):
        def adapted(self, channel: Channel) -> Any:
            return replace(PLAIN, threads=True)

    office = Office(tmp_path, {"web": Scripted("web", PLAIN), "bulletin": Adapting("bulletin", "r-1")})
    assert list(office.fitted) == ["web"]


def test_a_thread_approved_before_its_platform_sent_copies_fails_with_its_reason(tmp_path: Path) -> None:
    bulletin = Scripted("bulletin", replace(PLAIN, threads=True, max_chars=60))
    office = Office(tmp_path, {"bulletin": bulletin})
    office.start()
    office.release("road", "One sentence here of words. " * 6)
    sends_copies = Bulletin("bulletin", "r-1", "r-2")
    office.registry.platforms["bulletin"] = sends_copies
    office.read_config()
    office.publisher.setup = office.setup()
    office.work()
    first, *others = office.deliveries("road")
    assert first.state == "failed"
    assert "approved as a thread" in first.reason
    assert {row.state for row in others} == {"held"}
    assert sends_copies.calls == []


def _module(platform: Any) -> Any:
    import types

    from govpost.contract import hookimpl

    module = types.ModuleType("bulletin")
    module.govpost_platforms = hookimpl(lambda: [platform], specname="govpost_platforms")  # type: ignore[attr-defined]
    return module


# --- the store ---------------------------------------------------------------------------------------------------


def test_only_the_copies_that_pass_the_test_move_together(tmp_path: Path) -> None:
    office, _ = bulletin_office(tmp_path, *people(4))
    parted(office)
    with office.tx() as tx:
        assert copies.move_all(tx, duties.DeliveryState.HELD, "why", DELIVERY.c.part > 2) == 2
        assert len(copies.one_of_each(tx.conn, conditions.is_copy())) == 2
    assert [row.state for row in office.deliveries("road")] == ["queued", "queued", "held", "held"]


# --- the command line --------------------------------------------------------------------------------------------

PLUGIN = """
from govpost import Capabilities, Receipt, hookimpl

class List:
    name = "list"
    capabilities = Capabilities(title=True, link=True)
    def recipients(self, channel, http):
        return [f"r-{each}" for each in range(1, 6)]
    def publish(self, variant, channel, http):
        return Receipt(remote_id=variant.recipient)

@hookimpl
def govpost_platforms():
    return [List()]
"""


@pytest.fixture
def town(tmp_path: Path) -> City:
    (tmp_path / "plugins").mkdir(mode=0o755)
    (tmp_path / "plugins" / "list.py").write_text(PLUGIN)
    (tmp_path / "plugins" / "list.py").chmod(0o644)
    made = city(tmp_path, start=False)
    made.change(
        'platform = "webhook"\nsettings = { url = "https://hub.example.gov/notices" }', 'platform = "list"'
    )
    made.ok("pilot", "start", "hub")
    made.schedule("road", channels="hub")
    made.deliver()
    return made


def test_the_command_line_says_of_copies_how_many_they_are(town: City) -> None:
    (reason,) = town.ask("explain", "road")["reasons"]
    assert reason["why"].startswith("5 copies of 5: it is public since")
    said = town.ok("post", "withdraw", "road", "--reason", "error")
    assert said.out.count("its platform cannot take it down") == 1
    assert "hub: 5 copies: its platform cannot take it down" in said.out


def test_a_copy_that_is_tried_again_looks_for_no_slot_of_its_own(tmp_path: Path) -> None:
    rate = 'windows = ["always"]\nper_day = 1'
    office, bulletin = bulletin_office(tmp_path, "r-1", "r-2", rate=rate)
    bulletin.script = [Rejected("550"), Rejected("550")]
    office.release("road")
    office.work()
    first = office.deliveries("road")[0]
    again = resolving.retry(office.store, office.config, office.person("ben"), first.id)
    assert (again.state, again.due) == ("queued", office.now)
    office.work()
    assert sorted(office.states("road")) == ["failed", "live"]
