"""A bulletin goes to each recipient once: one delivery each, one slot, one place in the rate."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from govpost.domain import Capabilities, Channel, Receipt, Variant
from govpost.errors import NotWanted, Rejected, Unavailable, Uncertain
from govpost.store import caps, channels
from office import Office, Scripted, Step

PLAIN = Capabilities(title=True, link=True)


class Bulletin(Scripted):
    """Sends a copy to each of `readers`; what `steps` holds for one of them happens to their copy, one step a try."""

    def __init__(self, name: str, *readers: str) -> None:
        super().__init__(name, PLAIN)
        self.readers: Iterable[Any] = readers
        self.asked = 0
        self.trouble: BaseException | None = None
        self.steps: dict[str, list[Step]] = {}

    def publish(self, variant: Variant, channel: Channel, http: Any) -> Receipt:
        steps = self.steps.get(variant.recipient or "")
        if steps:
            self.script = [steps.pop(0)]
        return super().publish(variant, channel, http)

    def recipients(self, channel: Channel, http: Any) -> Iterable[str]:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        return self.readers

    def reached(self) -> list[str | None]:
        return [call.recipient for call in self.calls]


def bulletin_office(
    tmp_path: Path, *readers: str, rate: str = 'windows = ["always"]'
) -> tuple[Office, Bulletin]:
    bulletin = Bulletin("bulletin", *readers)
    office = Office(tmp_path, {"bulletin": bulletin}, rates={"bulletin": rate})
    office.start()
    return office, bulletin


def states_by_reader(office: Office, slug: str = "road") -> dict[str | None, str]:
    return {row.recipient: row.state for row in office.deliveries(slug) if row.action == "publish"}


def test_each_recipient_gets_exactly_one_copy_with_a_key_of_its_own(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, "r-1", "r-2", "r-3")
    office.release("road")
    office.work()
    office.work()
    assert sorted(filter(None, bulletin.reached())) == ["r-1", "r-2", "r-3"]
    assert len({call.key for call in bulletin.calls}) == 3
    assert office.states("road") == ["live"] * 3
    assert {(row.part, row.parts, row.recipient) for row in office.deliveries("road")} == {
        (1, 3, "r-1"),
        (2, 3, "r-2"),
        (3, 3, "r-3"),
    }
    assert office.state("road") == "published"


def test_the_list_is_read_once_when_the_post_is_due_and_not_before(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, "r-1", "r-2")
    office.release("road", more="not_before: 2026-11-25 14:00")
    office.work()
    assert bulletin.asked == 0
    office.wait(timedelta(hours=3))
    office.work()
    assert (bulletin.asked, len(bulletin.calls)) == (1, 2)


def test_all_copies_share_the_slot_and_count_once_in_the_rate(tmp_path: Path) -> None:
    rate = 'windows = ["always"]\nper_day = 1\nmin_gap = "2h"'
    office, bulletin = bulletin_office(tmp_path, "r-1", "r-2", "r-3", rate=rate)
    office.release("road")
    (second,) = office.release("park")
    office.work()
    assert len(bulletin.calls) == 3
    assert {row.slot for row in office.deliveries("road")} == {office.deliveries("road")[0].slot}
    assert second.slot.date() > office.now.date()
    with office.store.read() as conn:
        assert caps.spent(conn, "bulletin") == 1


def test_a_lost_reply_makes_that_copy_uncertain_and_no_other(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, "r-1", "r-2", "r-3")
    bulletin.steps = {"r-2": [bulletin.accept_then(Uncertain("the reply was lost"))]}
    office.release("road")
    office.work()
    office.wait(timedelta(hours=1))
    office.work()
    assert states_by_reader(office) == {"r-1": "live", "r-2": "uncertain", "r-3": "live"}
    assert sorted(filter(None, bulletin.reached())) == ["r-1", "r-2", "r-3"]


def test_a_refused_address_fails_its_copy_and_no_other(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, "r-1", "r-2", "r-3")
    bulletin.steps = {"r-2": [Rejected("550 no such user")]}
    office.release("road")
    office.work()
    assert states_by_reader(office) == {"r-1": "live", "r-2": "failed", "r-3": "live"}
    assert office.state("road") == "published"


def test_a_copy_that_nobody_wants_any_more_is_cancelled(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, "r-1", "r-2")
    bulletin.steps = {"r-2": [NotWanted("they unsubscribed")]}
    office.release("road")
    office.work()
    assert states_by_reader(office) == {"r-1": "live", "r-2": "cancelled"}
    assert office.state("road") == "published"
    (gone,) = [row for row in office.deliveries("road") if row.state == "cancelled"]
    assert gone.reason == "they unsubscribed"


def test_a_copy_that_may_have_gone_out_is_not_called_off_unseen(tmp_path: Path) -> None:
    able = Capabilities(idempotent_for=timedelta(days=1))
    bulletin = Bulletin("bulletin", "r-1")
    bulletin.capabilities = able
    office = Office(tmp_path, {"bulletin": bulletin})
    office.start()
    bulletin.steps = {"r-1": [Uncertain("lost"), NotWanted("they unsubscribed")]}
    office.release("road")
    office.work()
    office.wait(timedelta(minutes=30))
    office.work()
    assert len(bulletin.calls) == 2
    assert office.states("road") == ["uncertain"]


def test_a_list_that_cannot_be_read_now_is_asked_for_later(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, "r-1", "r-2")
    bulletin.trouble = Unavailable("the list server is down")
    office.release("road")
    office.work()
    (row,) = office.deliveries("road")
    assert (row.state, row.recipient, row.attempts) == ("queued", None, 1)
    bulletin.trouble = None
    office.wait(timedelta(minutes=10))
    office.work()
    assert office.states("road") == ["live", "live"]


@pytest.mark.parametrize(
    ("readers", "why"),
    [
        ((), "there is nobody to send it to"),
        (("r-1", "ana@riverton.example.gov"), "references that are none, or that show an address"),
        (("r-1", 7), "references that are none"),
        (("",), "references that are none"),
        ([f"r-{number}" for number in range(20_001)], "more than 20,000"),
    ],
)
def test_a_list_that_is_none_fails_with_its_reason_and_sends_nothing(
    tmp_path: Path, readers: Iterable[Any], why: str
) -> None:
    office, bulletin = bulletin_office(tmp_path)
    bulletin.readers = readers
    office.release("road")
    office.work()
    assert office.states("road") == ["failed"]
    assert why in office.one("road").reason
    assert bulletin.calls == []


def test_a_plugin_that_breaks_at_its_list_sends_nothing(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, "r-1")
    bulletin.trouble = KeyError("column")
    office.release("road")
    office.work()
    assert office.states("road") == ["queued"]
    assert bulletin.calls == []


def test_who_stands_in_the_list_twice_gets_one_copy(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, "r-1", "r-2", "r-1")
    office.release("road")
    office.work()
    assert sorted(filter(None, bulletin.reached())) == ["r-1", "r-2"]


def test_a_daemon_that_dies_among_the_copies_sends_each_of_the_others_once(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, *(f"r-{number}" for number in range(6)))
    office.release("road")
    office.keep_house()
    for _ in range(3):  # parting, then two copies
        office.publisher.deliver("bulletin")
    office.restart()
    office.work()
    assert sorted(filter(None, bulletin.reached())) == [f"r-{number}" for number in range(6)]


def test_cancelling_the_post_calls_off_what_has_not_gone_out(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, "r-1", "r-2", "r-3")
    office.release("road")
    office.keep_house()
    office.publisher.deliver("bulletin")
    office.publisher.deliver("bulletin")
    office.cancel("road")
    office.work()
    assert sorted(office.states("road")) == ["cancelled", "cancelled", "live"]
    assert len(bulletin.calls) == 1


def test_what_goes_to_each_recipient_is_what_was_approved(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, "r-1", "r-2")
    office.release("road", "The bridge opens on Monday.")
    office.work()
    assert {call.text for call in bulletin.calls} == {"The bridge opens on Monday."}
    with office.store.write("test") as tx:
        tx.conn.exec_driver_sql(
            "UPDATE delivery SET state='queued', variant=json_set(variant,'$.text','Spam')"
        )
    office.work()
    assert len(bulletin.calls) == 2


def test_copies_go_out_in_the_order_of_the_list_and_enter_with_one_event(tmp_path: Path) -> None:
    readers = [f"r-{number}" for number in range(40)]
    office, bulletin = bulletin_office(tmp_path, *readers)
    office.release("road")
    office.work()
    assert bulletin.reached() == readers
    assert [event.detail["copies"] for event in office.events("delivery.copies")] == [39]


def test_recipients_who_are_asked_to_come_later_do_not_stop_the_others(tmp_path: Path) -> None:
    readers = [f"r-{number}" for number in range(8)]
    office, bulletin = bulletin_office(tmp_path, *readers)
    bulletin.steps = {reader: [Unavailable("451 greylisted", alone=True)] for reader in readers[:5]}
    office.release("road")
    office.work()
    assert states_by_reader(office) == dict.fromkeys(readers[:5], "queued") | dict.fromkeys(
        readers[5:], "live"
    )
    with office.store.read() as conn:
        assert not channels.is_paused(channels.get(conn, "bulletin"), office.now)
    office.wait(timedelta(hours=1))
    office.work()
    assert set(office.states("road")) == {"live"}
