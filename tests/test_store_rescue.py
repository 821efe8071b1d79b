"""What a clock that jumps, or a machine that sleeps, does to the times that waits are counted from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from govpost import settling
from govpost.domain import Capabilities
from govpost.errors import Uncertain
from govpost.store import deliveries, rescue
from office import Confirming, Office

HOUR = timedelta(hours=1)


@pytest.fixture
def office(tmp_path: Path, store_url: str) -> Iterator[Office]:
    hub = Confirming("hub", Capabilities(idempotent_for=2 * HOUR, settles_after=HOUR))
    office = Office(tmp_path, {"hub": hub})
    office.start()
    hub.script = [Uncertain("lost")]
    office.release("road")
    office.keep_house()
    office.publisher.deliver("hub")
    yield office
    office.store.close()


@pytest.mark.parametrize(
    ("jump", "sent", "gated"), [(5 * HOUR, timedelta(), 5 * HOUR), (-5 * HOUR, -5 * HOUR, timedelta())]
)
def test_no_wait_is_cut_short_by_a_jump_and_no_repeat_is_safe_for_longer(
    office: Office, jump: timedelta, sent: timedelta, gated: timedelta
) -> None:
    before = office.one("road")
    assert before.first_sent is not None
    assert before.gate_at is not None
    office.wait(5 * HOUR)
    with office.tx("daemon") as tx:
        rescue.follow_clock(tx, jump)
    after = office.one("road")
    assert (after.first_sent, after.gate_at) == (before.first_sent + sent, before.gate_at + gated)


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_nothing_counts_from_an_instant_that_has_yet_to_come(office: Office, jump: timedelta) -> None:
    office.now -= 2 * HOUR
    with office.tx("daemon") as tx:
        rescue.follow_clock(tx, jump)
    assert office.one("road").gate_at == office.now


def test_what_nobody_has_sent_stays_as_it_is(office: Office) -> None:
    office.release("water", more="not_before: 2026-11-28 08:00\n")
    before = office.one("water")
    with office.tx("daemon") as tx:
        rescue.follow_clock(tx, -HOUR)
    assert office.one("water") == before


def test_not_there_is_believed_only_when_what_a_lost_thread_may_have_sent_would_show(tmp_path: Path) -> None:
    """It was begun when an attempt might last ten minutes, and is taken back when one may last two."""
    hub = Confirming("hub", Capabilities(settles_after=timedelta(minutes=5)))
    office = Office(tmp_path, {"hub": hub})
    office.start()
    office.release("road")
    with office.tx("daemon") as tx:
        lease = timedelta(seconds=630)
        row = deliveries.claim(tx, "hub", owner="gone", lease=lease, gap=timedelta(), main_channel="hub")
        assert row is not None
        assert deliveries.gate(tx, row, deliveries.Fence("gone", row.tries))
    office.wait(631)
    with office.tx("daemon") as tx:
        assert rescue.rescue(tx, "office")
    settling.look(office.publisher, "hub")
    assert office.one("road").state == "uncertain"
    office.wait(timedelta(minutes=5))
    settling.look(office.publisher, "hub")
    assert office.one("road").state == "queued"
    office.store.close()
