"""What is stopped stays stopped, what is public is named, and the record stays."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from govpost import pilots
from govpost.cli import attention
from govpost.domain import Capabilities, Receipt
from govpost.editorial import resolving
from govpost.errors import Refused, Rejected, Uncertain
from govpost.store import deliveries
from govpost.store.deliveries import Fence
from govpost.store.rows import DeliveryRecord
from office import Changing, Confirming, Office, Scripted

PLAIN = Capabilities(title=True, link=True)
LEASE = timedelta(minutes=3)


@pytest.fixture
def hub() -> Changing:
    return Changing("hub", PLAIN)


@pytest.fixture
def office(tmp_path: Path, hub: Changing) -> Office:
    office = Office(tmp_path, {"hub": hub})
    office.start()
    return office


def claim(office: Office, *, gate: bool = False) -> DeliveryRecord:
    with office.tx("daemon") as tx:
        claimed = deliveries.claim(tx, "hub", owner="w", lease=LEASE, gap=timedelta(), main_channel="hub")
        assert claimed is not None
        if gate:
            assert deliveries.gate(tx, claimed, Fence("w", claimed.tries))
    return claimed


def orders(office: Office, slug: str = "road") -> list[str]:
    return [row.state for row in office.deliveries(slug) if row.action == "withdraw"]


class TestCancelling:
    def test_stops_what_has_not_gone_out(self, office: Office, hub: Changing) -> None:
        (row,) = office.release("road")
        stopped = office.cancel("road")
        assert ([each.id for each in stopped.stopped], stopped.too_late) == ([row.id], [])
        assert (office.state("road"), office.states("road")) == ("cancelled", ["cancelled"])
        office.work()
        assert hub.calls == []

    def test_takes_back_a_delivery_that_is_being_prepared(self, office: Office) -> None:
        office.release("road")
        claimed = claim(office)
        assert office.cancel("road").stopped[0].id == claimed.id
        assert office.state("road") == "cancelled"
        with office.tx("daemon") as tx:
            assert not deliveries.gate(tx, claimed, Fence("w", claimed.tries))

    def test_names_what_has_passed_the_gate(self, office: Office) -> None:
        office.release("road")
        claimed = claim(office, gate=True)
        stopped = office.cancel("road")
        assert (stopped.stopped, [row.id for row in stopped.too_late]) == ([], [claimed.id])
        assert office.state("road") == "scheduled"
        assert office.events("post.cancel")[-1].detail["too_late"] == [claimed.id]

    def test_leaves_what_is_public_and_stops_the_rest(self, tmp_path: Path) -> None:
        office = Office(tmp_path, {"one": Scripted("one", PLAIN), "two": Scripted("two", PLAIN)})
        office.start("one")
        office.release("road")
        office.work()
        office.cancel("road")
        assert (office.one("road", "one").state, office.one("road", "two").state) == ("live", "cancelled")
        assert office.state("road") == "published"
        with pytest.raises(Refused) as refusal:
            office.cancel("road")
        assert "post withdraw road" in refusal.value.tip

    def test_lets_nothing_out_later_that_turns_out_not_to_be_there(self, tmp_path: Path) -> None:
        hub = Confirming("hub", Capabilities(title=True, link=True, settles_after=timedelta(minutes=5)))
        office = Office(tmp_path, {"hub": hub})
        office.start()
        hub.script = [Uncertain("no answer")]
        office.release("road")
        office.work()
        assert [row.state for row in office.cancel("road").too_late] == ["uncertain"]
        for _ in range(5):
            office.wait(timedelta(minutes=10))
            office.work()
        assert len(hub.calls) == 1
        assert "its release was taken back" in office.one("road").reason
        office.cancel("road")
        assert office.state("road") == "cancelled"

    def test_makes_no_safe_repeat_of_what_may_be_public(self, tmp_path: Path) -> None:
        hub = Scripted("hub", Capabilities(title=True, link=True, idempotent_for=timedelta(hours=1)))
        office = Office(tmp_path, {"hub": hub})
        office.start()
        hub.script = [Uncertain("no answer")]
        office.release("road")
        office.work()
        assert office.one("road").state == "queued"
        office.cancel("road")
        for _ in range(5):
            office.wait(timedelta(minutes=5))
            office.work()
        assert (len(hub.calls), office.one("road").state) == (1, "uncertain")

    def test_closes_what_failed_on_a_published_post(self, tmp_path: Path) -> None:
        one, two = Scripted("one", PLAIN), Scripted("two", PLAIN)
        two.script = [Rejected("no")]
        office = Office(tmp_path, {"one": one, "two": two})
        office.start()
        office.release("road")
        office.work()
        assert office.state("road") == "published"
        assert [row.channel for row in office.cancel("road").stopped] == ["two"]
        assert (office.state("road"), office.one("road", "two").state) == ("published", "cancelled")

    def test_of_a_failed_post_ends_it_and_it_cannot_be_tried_again(
        self, office: Office, hub: Changing
    ) -> None:
        hub.script = [Rejected("no"), Uncertain("no answer")]
        office.release("road")
        office.work()
        office.cancel("road")
        assert office.state("road") == "cancelled"
        office.release("water")
        office.work()
        assert office.one("water").state == "uncertain"
        office.cancel("water")
        resolving.give_up(office.store, office.person("ben"), office.one("water").id)
        with pytest.raises(Refused, match="nothing more of it goes out"):
            resolving.retry(office.store, office.config, office.person("ben"), office.one("water").id)

    def test_of_what_is_not_scheduled_yet_is_the_authors_right_too(self, office: Office) -> None:
        office.write("road")
        office.take_in("road")
        assert office.cancel("road", by="ana").post.state == "cancelled"
        office.release("water")
        with pytest.raises(Refused, match="may not cancel posts"):
            office.cancel("water", by="ana")
        with pytest.raises(Refused, match="nothing left to cancel"):
            office.cancel("road")

    def test_a_part_cancels_those_after_it(self, tmp_path: Path) -> None:
        office = Office(tmp_path, {"hub": Changing("hub", Capabilities(max_chars=60, threads=True))})
        office.start()
        office.release(
            "road", "First sentence about the storm. Second sentence about water. Third about power."
        )
        office.cancel("road")
        assert set(office.states("road")) == {"cancelled"}


class TestWithdrawing:
    def test_takes_down_what_is_public_with_the_words_of_its_reason(
        self, office: Office, hub: Changing
    ) -> None:
        office.release("road")
        office.work()
        stopped = office.withdraw("road", "security")
        assert (len(stopped.stopped), stopped.by_hand) == (1, [])
        office.work()
        assert hub.withdrawn == [("hub-1", office.config.withdrawal["security"])]
        assert (office.state("road"), office.events("post.withdraw")[-1].why) == ("withdrawn", "security")

    def test_wants_a_reason_code_that_config_knows(self, office: Office) -> None:
        office.release("road")
        office.work()
        with pytest.raises(Refused) as refusal:
            office.withdraw("road", "eror")
        assert "did you mean 'error'" in refusal.value.message
        assert refusal.value.tip == "the codes are: error, violation, security"

    def test_is_a_publishers_and_only_of_what_is_public(self, office: Office) -> None:
        office.release("road")
        with pytest.raises(Refused, match="nothing of it is public"):
            office.withdraw("road")
        assert office.one("road").state == "queued"
        with pytest.raises(Refused, match="may not withdraw posts"):
            office.withdraw("road", by="ana")

    def test_names_what_must_be_done_by_hand_where_the_platform_cannot(self, tmp_path: Path) -> None:
        office = Office(tmp_path, {"hub": Confirming("hub", PLAIN)})
        office.start()
        office.release("road")
        office.work()
        stopped = office.withdraw("road")
        assert ([row.url for row in stopped.by_hand], orders(office)) == (["https://hub.example/1"], [])
        assert office.events("post.withdraw")[-1].detail["by_hand"] == ["https://hub.example/1"]

    def test_twice_takes_down_once(self, office: Office, hub: Changing) -> None:
        office.release("road")
        office.work()
        office.withdraw("road")
        assert office.withdraw("road").stopped == []
        assert orders(office) == ["queued"]
        office.work()
        assert len(hub.withdrawn) == 1
        with pytest.raises(Refused, match="road is withdrawn"):
            office.withdraw("road")

    def test_again_after_it_failed_orders_it_anew(
        self, office: Office, hub: Changing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        office.release("road")
        office.work()
        office.withdraw("road")

        def no(*_: object) -> None:
            raise Rejected("not now")

        with monkeypatch.context() as patch:
            patch.setattr(hub, "withdraw", no)
            office.work()
        assert orders(office) == ["failed"]
        office.withdraw("road")
        assert sorted(orders(office)) == ["cancelled", "queued"]
        office.work()
        assert (office.state("road"), len(hub.withdrawn)) == ("withdrawn", 1)

    def test_cancels_what_has_not_gone_out_and_names_what_is_open(self, tmp_path: Path) -> None:
        names = ("one", "two", "three")
        platforms: dict[str, Scripted] = {name: Changing(name, PLAIN) for name in names}
        office = Office(tmp_path, platforms)
        office.start("one", "three")
        platforms["three"].script = [Uncertain("no answer")]
        office.release("road")
        office.work()
        stopped = office.withdraw("road")
        assert {row.channel for row in stopped.stopped} == {"one", "two"}
        assert [row.channel for row in stopped.too_late] == ["three"]

    def test_lets_nothing_out_later_that_was_uncertain(self, tmp_path: Path) -> None:
        one = Changing("one", PLAIN)
        two = Changing("two", Capabilities(title=True, link=True, settles_after=timedelta(minutes=5)))
        two.script = [Uncertain("no answer")]
        office = Office(tmp_path, {"one": one, "two": two})
        office.start()
        office.release("road")
        office.work()
        office.withdraw("road")
        for _ in range(4):
            office.work()
            office.wait(timedelta(minutes=10))
        assert (len(two.calls), office.state("road")) == (1, "withdrawn")

    def test_that_a_person_saw_done_withdraws_the_post(
        self, office: Office, hub: Changing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        office.release("road")
        office.work()
        office.withdraw("road")

        def lost(*_: object) -> None:
            raise Uncertain("no answer")

        monkeypatch.setattr(hub, "withdraw", lost)
        office.work()
        (order,) = [row for row in office.deliveries("road") if row.action == "withdraw"]
        assert order.state == "uncertain"
        gone = resolving.resolve_absent(
            office.store, office.config, office.fitted, office.person("ben"), order.id
        )
        assert (gone.state, office.state("road")) == ("live", "withdrawn")

    def test_that_a_person_saw_undone_is_ordered_again(
        self, office: Office, hub: Changing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        office.release("road")
        office.work()
        office.withdraw("road")
        asked: list[object] = []

        def lost(*about: object) -> None:
            asked.append(about)
            raise Uncertain("no answer")

        monkeypatch.setattr(hub, "withdraw", lost)
        office.work()
        (order,) = [row for row in office.deliveries("road") if row.action == "withdraw"]
        assert "--not-there (it is gone) | --live URL (it is still public)" in attention.settles(
            order, "road"
        )
        still = resolving.resolve_live(
            office.store, office.person("ben"), order.id, "https://hub.example/1", None
        )
        assert (still.state, office.state("road")) == ("queued", "published")
        office.work()
        assert len(asked) == 2
        given_up = resolving.give_up(office.store, office.person("ben"), order.id)
        assert attention.settles(given_up, "road").startswith(
            f"govpost delivery retry {order.id}  (or, if it is gone"
        )
        again = resolving.retry(office.store, office.config, office.person("ben"), order.id)
        assert (again.state, office.state("road")) == ("queued", "published")

    def test_waits_while_its_channel_is_stopped(self, office: Office, hub: Changing) -> None:
        office.release("road")
        office.work()
        pilots.suspend(office.store, office.config, office.person("ben"), "hub", "review")
        office.withdraw("road")
        assert orders(office) == ["held"]
        pilots.resume(office.store, office.config, office.person("ben"), "hub", "done")
        office.work()
        assert office.state("road") == "withdrawn"

    def test_is_by_hand_on_a_channel_that_is_retired(self, office: Office) -> None:
        office.release("road")
        office.release("water")
        office.work()
        office.withdraw("road")
        pilots.retire(office.store, office.config, office.person("ben"), "hub", "over")
        assert orders(office) == ["missed"]
        assert "by hand" in next(row.reason for row in office.deliveries("road") if row.state == "missed")
        assert [row.channel for row in office.withdraw("road").by_hand] == ["hub"]
        assert orders(office) == ["cancelled"]
        assert office.withdraw("water").stopped == []

    def test_with_a_remark_keeps_it(self, office: Office) -> None:
        from govpost.editorial import stopping

        office.release("road")
        office.work()
        stopping.withdraw(
            office.store, office.config, office.fitted, office.person("ben"), "road", "error", "wrong day"
        )
        assert office.events("post.withdraw")[-1].why == "error: wrong day"

    def test_of_a_pending_post_follows_when_it_shows(self, office: Office, hub: Changing) -> None:
        hub.script = [Receipt(remote_id="p", pending=True)]
        office.release("road")
        office.work()
        with pytest.raises(Refused, match="nothing of it is public"):
            office.withdraw("road")
        assert office.one("road").state == "pending"
