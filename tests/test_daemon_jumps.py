"""Jumps of the clock that several daemons share: each is followed once, by whoever sees it first."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from govpost.daemon import clock, jumps
from govpost.daemon.clock import Clocks
from govpost.domain import Capabilities
from govpost.errors import StoreUnavailable, Uncertain
from govpost.fitted import Fitted
from govpost.store import channels, rescue
from office import Office, Scripted

MINUTES = timedelta(minutes=1)


class Host:
    """A daemon's view of time: the database's, as long as it reaches it, and else what it last heard."""

    def __init__(self, office: Office, name: str, *, wrong: timedelta = timedelta()) -> None:
        self.office, self.name = office, name
        self.away = timedelta()
        self.wrong = wrong
        self.sleeps = timedelta()
        self.clocks = Clocks(
            lambda: office.now + self.wrong + self.away,
            lambda: office.seconds,
            self.asleep,
        )

    def asleep(self) -> float:
        return self.sleeps.total_seconds()

    def hears(self) -> None:
        """Reach the database, and judge what it says of the time."""
        self.wrong = self.away = timedelta()
        office = self.office
        jumps.judge(office.store, office.config, office.bench, self.name, self.clocks)
        assert not self.clocks.parted()


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path, {"hub": Scripted("hub", Capabilities())})
    office.start()
    hub = office.platforms["hub"]
    hub.script = [Uncertain("no answer")]
    office.release("road")
    office.work()
    office.store.backend.several = True
    return office


def since(office: Office) -> datetime:
    """Return from when the open outcome counts."""
    sent = office.one("road").gate_at
    assert sent is not None
    return sent


def jump(office: Office, span: timedelta) -> None:
    """Let the database's clock jump."""
    office.now += span


def test_of_two_daemons_one_follows_a_jump(office: Office) -> None:
    sent, hosts = since(office), [Host(office, "a"), Host(office, "b")]
    for host in hosts:
        host.hears()
    jump(office, 60 * MINUTES)
    for host in hosts:
        host.hears()
    assert since(office) == sent + 60 * MINUTES
    assert len(office.events("daemon.clock")) == 1


def test_two_equal_jumps_in_a_row_are_two(office: Office) -> None:
    sent, hosts = since(office), [Host(office, "a"), Host(office, "b")]
    for host in hosts:
        host.hears()
    for _ in range(2):
        jump(office, 2 * MINUTES)
        for host in hosts:
            host.hears()
    assert since(office) == sent + 4 * MINUTES
    assert len(office.events("daemon.clock")) == 2


@pytest.mark.parametrize("spans", [(60,), (3, 3), (3, -10), (60, -60)])
def test_a_daemon_that_was_cut_off_follows_no_jump_again(office: Office, spans: tuple[int, ...]) -> None:
    sent, watching, away = since(office), Host(office, "a"), Host(office, "b")
    watching.hears()
    away.hears()
    for span in spans:
        jump(office, span * MINUTES)
        away.away -= span * MINUTES
        watching.hears()
    away.hears()
    assert since(office) == sent + sum(spans) * MINUTES
    assert len(office.events("daemon.clock")) == len(spans)


def test_what_nobody_has_followed_yet_is_followed_with_what_others_have(office: Office) -> None:
    sent, watching, away = since(office), Host(office, "a"), Host(office, "b")
    watching.hears()
    away.hears()
    jump(office, 10 * MINUTES)
    away.away -= 10 * MINUTES
    watching.hears()
    jump(office, 5 * MINUTES)
    away.hears()
    watching.hears()
    assert since(office) == sent + 15 * MINUTES


@pytest.mark.parametrize("wrong", [45 * MINUTES, -45 * MINUTES])
def test_a_machine_whose_clock_is_wrong_and_that_begins_without_the_database_follows_no_jump(
    office: Office, wrong: timedelta
) -> None:
    sent = since(office)
    Host(office, "a", wrong=wrong).hears()
    assert since(office) == sent
    assert not office.events("daemon.clock")


def test_a_machine_that_slept_shifts_nothing_in_the_rows_of_all(office: Office) -> None:
    sent, host = since(office), Host(office, "a")
    host.hears()
    jump(office, 50 * MINUTES)
    host.away, host.sleeps = -50 * MINUTES, 50 * MINUTES
    assert host.clocks.parted(), "until it has asked what time it is, it claims nothing"
    host.hears()
    assert since(office) == sent
    assert not office.events("daemon.clock")


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system does not tell how long it slept")
def test_the_databases_time_goes_on_while_the_machine_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    postgres = pytest.importorskip("govpost.store.postgres")
    told = postgres.DatabaseClock()
    told.saw(datetime(2026, 11, 25, 12, tzinfo=UTC), postgres.ticks())
    before, awake = told(), time.clock_gettime
    monkeypatch.setattr(time, "clock_gettime", lambda which: awake(which) + 3000)
    assert timedelta(minutes=50) <= told() - before < timedelta(minutes=51)
    assert 2999 < clock.slept() < 3001 + awake(time.CLOCK_BOOTTIME) - time.monotonic()


def test_a_daemon_alone_follows_every_jump(office: Office) -> None:
    office.store.backend.several = False
    sent, host = since(office), Host(office, "a")
    for span in (3, 3, -20):
        jump(office, span * MINUTES)
        host.hears()
    assert since(office) == sent - 14 * MINUTES
    assert len(office.events("daemon.clock")) == 3


class Torn(dict[str, Fitted]):
    """Channels at whose sight the connection breaks."""

    def __contains__(self, name: object) -> bool:
        raise StoreUnavailable("the server closed the connection")


@pytest.mark.parametrize("several", [True, False])
def test_a_jump_is_on_record_only_when_everything_was_shifted_and_judged_by_it(
    office: Office, several: bool
) -> None:
    office.store.backend.several = several
    sent, host = since(office), Host(office, "a")
    host.hears()
    jump(office, 60 * MINUTES)
    torn = replace(office.bench, fitted=Torn())
    with pytest.raises(StoreUnavailable):
        jumps.judge(office.store, office.config, torn, "a", host.clocks)
    assert host.clocks.parted(), "nothing is claimed by the new time yet"
    assert (since(office), office.events("daemon.clock")) == (sent, [])
    host.hears()
    assert since(office) == sent + 60 * MINUTES


def test_a_clock_that_was_put_back_makes_no_wait_longer(office: Office) -> None:
    host = Host(office, "a")
    host.hears()
    with office.tx("daemon") as tx:
        soon = office.now + MINUTES
        channels.put(tx, "hub", paused_until=soon, next_allowed_at=soon, gap_until=soon)
        channels.put(tx, "wall", paused_until=channels.FOR_GOOD)
        rescue.look_again(tx, office.one("road"), soon, "")
    jump(office, -300 * MINUTES)
    host.hears()
    with office.store.read() as conn:
        hub, wall = channels.get(conn, "hub"), channels.get(conn, "wall")
    waits = {hub.paused_until, hub.next_allowed_at, hub.gap_until, office.one("road").check_at}
    assert waits == {office.now + MINUTES}
    assert wall.paused_until == channels.FOR_GOOD


def test_a_clock_that_was_put_on_leaves_the_waits_of_a_channel_as_they_were_said(office: Office) -> None:
    host = Host(office, "a")
    host.hears()
    later = office.now + 90 * MINUTES
    with office.tx("daemon") as tx:
        channels.put(tx, "hub", next_allowed_at=later)
    jump(office, 60 * MINUTES)
    host.hears()
    with office.store.read() as conn:
        assert channels.get(conn, "hub").next_allowed_at == later
