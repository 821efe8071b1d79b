"""The daemon: publishes what is due, stays up in trouble, stops cleanly, and never does anything twice."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from govpost import workspace as workspace_module
from govpost.daemon import stranding
from govpost.domain import Capabilities, Receipt, Variant
from govpost.editorial import freezing
from govpost.errors import GovpostError, Refused, Unavailable
from govpost.store import chain, channels, meta
from govpost.times import utcnow
from live import City, Live, Receiver, living, until
from office import Confirming, Office, Scripted

PLAIN = Capabilities(title=True, link=True)


@pytest.fixture
def hub() -> Scripted:
    return Scripted("hub", PLAIN)


@pytest.fixture
def office(tmp_path: Path, hub: Scripted) -> Office:
    return open_office(tmp_path, hub)


def open_office(root: Path, *platforms: Scripted, more: str = "") -> Office:
    office = Office(root, {each.name: each for each in platforms}, more=more, now=utcnow())
    office.start()
    return office


def not_before(minutes: int) -> str:
    wall = utcnow().astimezone(ZoneInfo("America/Chicago")) + timedelta(minutes=minutes)
    return f"not_before: {wall:%Y-%m-%d %H:%M}"


def verbs(office: Office) -> list[str]:
    with office.store.read() as conn:
        assert chain.verify(conn)[1] == []
        return [event.verb for event in chain.find(conn)]


# --- work ------------------------------------------------------------------------------------------------------


def test_it_publishes_what_is_due_and_ends_when_idle(office: Office, hub: Scripted) -> None:
    office.release("road")
    office.release("water")
    live = Live(office, "until-idle").start()
    live.join()
    assert [office.state(slug) for slug in ("road", "water")] == ["published", "published"]
    assert len(hub.calls) == 2
    assert live.row().state == "stopped"


def test_one_pass_does_what_is_due_and_ends(office: Office, hub: Scripted) -> None:
    hub.script = [Unavailable("busy")]
    office.release("road")
    Live(office, "once").start().join()
    assert (len(hub.calls), office.one("road").state) == (1, "queued")


def test_until_idle_waits_for_a_retry_that_is_near(office: Office, hub: Scripted) -> None:
    hub.script = [Unavailable("busy")]
    office.release("road")
    live = Live(office, "until-idle").start()
    until(lambda: hub.calls)
    until(lambda: office.one("road").state == "queued")
    live.both += timedelta(seconds=max(0.0, (office.one("road").due - live.now()).total_seconds()) + 1)
    live.join()
    assert office.one("road").state == "live"


def test_it_runs_until_told_to_stop_and_beats_meanwhile(office: Office, hub: Scripted) -> None:
    with living(office) as live:
        until(lambda: live.daemon._ready)
        office.now = live.now()
        office.release("road")
        until(lambda: office.one("road").state == "live")
        row = live.row()
        assert (row.state, row.why, row.config_hash) == ("running", "", office.config.hash)
    assert live.row().state == "stopped"
    assert "daemon.start" in verbs(office)


def test_a_slow_channel_waits_alone(tmp_path: Path) -> None:
    slow, quick = Scripted("slow", PLAIN), Scripted("quick", PLAIN)
    office = open_office(tmp_path, quick, slow)
    go_on = threading.Event()

    def hang(variant: Variant) -> Receipt:
        go_on.wait(20)
        return slow.accept(variant)

    slow.script = [hang, hang]
    for slug in ("road", "water", "storm"):
        office.release(slug)
    with living(office):
        until(lambda: len(quick.texts()) == 3)
        assert slow.texts() == []
        go_on.set()
        until(lambda: len(slow.texts()) == 3)


def test_without_goals_nothing_is_claimed_and_each_delivery_says_so(office: Office, hub: Scripted) -> None:
    office.release("road")
    text = (office.root / "config.toml").read_text()
    start, end = text.index("[strategy.goals"), text.index("[strategy.audiences")
    pilot = 'goal = "services"\n'
    (office.root / "config.toml").write_text((text[:start] + text[end:]).replace(pilot, ""))
    with living(office):
        until(lambda: "no_goal" in office.one("road").reason)
        time.sleep(0.5)
        assert hub.calls == []


# --- one daemon only -------------------------------------------------------------------------------------------


def test_a_second_daemon_is_refused_and_leaves_no_trace(office: Office, hub: Scripted) -> None:
    with living(office) as live:
        until(lambda: live.daemon._ready)
        second = Live(Office(office.root, {"hub": hub}, now=utcnow()))
        with pytest.raises(Refused, match="already running") as caught:
            second.daemon.run()
        assert caught.value.tip
        with office.store.read() as conn:
            assert [row.id for row in meta.daemons(conn)] == [live.daemon.id]


# --- the store in trouble --------------------------------------------------------------------------------------


def lock(office: Office) -> sqlite3.Connection:
    assert office.store.path is not None
    other = sqlite3.connect(office.store.path, isolation_level=None, check_same_thread=False, timeout=20)
    other.execute("BEGIN EXCLUSIVE")
    return other


def test_a_locked_store_stops_claims_and_is_over_when_it_is_free(office: Office, hub: Scripted) -> None:
    with living(office) as live:
        until(lambda: live.daemon._ready)
        office.now = live.now()
        other = lock(office)
        until(lambda: "locked" in live.daemon.presence.trouble)
        time.sleep(0.5)
        assert live.thread.is_alive()
        other.execute("ROLLBACK")
        until(lambda: live.daemon.presence.trouble == "")
        office.release("road")
        until(lambda: office.one("road").state == "live")
        other.close()


def test_a_daemon_started_while_the_store_is_locked_works_once_it_is_free(
    office: Office, hub: Scripted
) -> None:
    office.release("road")
    other = lock(office)
    live = Live(office).start()
    until(lambda: "locked" in live.daemon.presence.trouble)
    assert hub.calls == []
    other.execute("ROLLBACK")
    other.close()
    until(lambda: office.one("road").state == "live")
    live.stop()


def test_a_stop_while_the_store_is_locked_ends_soon(office: Office) -> None:
    live = Live(office).start()
    until(lambda: live.daemon._ready)
    other = lock(office)
    until(lambda: live.daemon.presence.trouble)
    live.stop(10)
    other.close()


def test_a_database_moved_away_stops_claims_until_it_is_back(office: Office, hub: Scripted) -> None:
    path = office.store.path
    assert path is not None
    with living(office) as live:
        until(lambda: live.daemon._ready)
        path.rename(path.with_name("away"))
        until(lambda: "unable to open" in live.daemon.presence.trouble)
        time.sleep(0.5)
        assert not path.exists()
        path.with_name("away").rename(path)
        until(lambda: live.daemon.presence.trouble == "")
        office.now = live.now()
        office.release("road")
        until(lambda: office.one("road").state == "live")


def test_a_full_disk_stops_claims_until_there_is_room(tmp_path: Path, hub: Scripted) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        office = open_office(disk, hub)
        live = Live(office).start()
        until(lambda: live.daemon._ready)
        office.now = live.now()
        office.release("road", more=not_before(3))
        with (disk / "ballast").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while True:
                file.write(b"x" * 512)
        until(lambda: "full" in live.daemon.presence.trouble)
        live.both += timedelta(minutes=5)
        time.sleep(1.5)
        assert hub.calls == []
        (disk / "ballast").unlink()
        until(lambda: office.one("road").state == "live")
        assert len(hub.calls) == 1
        live.stop()
        office.store.close()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_folder_that_cannot_be_used_is_waited_for(tmp_path: Path, hub: Scripted) -> None:
    office = Office(tmp_path, {"hub": hub}, now=utcnow())
    (tmp_path / ".govpost").write_text("a file in the way")
    live = Live(office).start()
    until(lambda: "cannot be used" in live.daemon.presence.trouble)
    (tmp_path / ".govpost").unlink()
    until(lambda: live.daemon._ready)
    live.stop()


def test_a_stop_while_the_folder_cannot_be_used_ends_at_once(tmp_path: Path, hub: Scripted) -> None:
    office = Office(tmp_path, {"hub": hub}, now=utcnow())
    (tmp_path / ".govpost").write_text("a file in the way")
    live = Live(office).start()
    until(lambda: "cannot be used" in live.daemon.presence.trouble)
    live.stop(5)


def test_a_receipt_the_store_does_not_take_at_first_is_kept_and_nothing_is_claimed_meanwhile(
    office: Office, hub: Scripted
) -> None:
    locks: list[sqlite3.Connection] = []

    def accept_and_lock(variant: Variant) -> Receipt:
        locks.append(lock(office))
        return hub.accept(variant)

    hub.script = [accept_and_lock]
    office.release("road")
    office.release("water")
    (office.root / "config.toml").write_text(
        (office.root / "config.toml")
        .read_text()
        .replace("[channels.hub.rate]", "threads = 1\n[channels.hub.rate]")
    )
    with living(office) as live:
        until(lambda: live.daemon.publisher.unrecorded)
        time.sleep(0.7)
        assert len(hub.calls) == 1
        locks[0].execute("ROLLBACK")
        locks[0].close()
        until(lambda: office.states("road") + office.states("water") == ["live", "live"])
    assert len(hub.calls) == 2


def test_a_thread_that_waits_for_the_store_is_not_lost(office: Office, hub: Scripted) -> None:
    locks: list[sqlite3.Connection] = []

    def accept_and_lock(variant: Variant) -> Receipt:
        locks.append(lock(office))
        return hub.accept(variant)

    hub.script = [accept_and_lock]
    office.release("road")
    with living(office) as live:
        until(lambda: live.daemon.publisher.unrecorded)
        live.both += timedelta(minutes=10)
        until(lambda: live.daemon.presence.trouble)
        locks[0].execute("ROLLBACK")
        locks[0].close()
        until(lambda: office.one("road").state == "live")
        time.sleep(0.3)
        assert live.daemon.lanes.lost() == 0
    assert "channel.pause" not in verbs(office)


# --- threads that are lost -------------------------------------------------------------------------------------


def test_a_call_that_never_returns_leaves_uncertain_pauses_its_channel_and_costs_its_thread(
    office: Office, hub: Scripted
) -> None:
    go_on = threading.Event()

    def hang(variant: Variant) -> Receipt:
        go_on.wait(30)
        return hub.accept(variant)

    hub.script = [hang]
    office.release("road")
    with living(office) as live:
        until(lambda: hub.calls)
        live.both += timedelta(seconds=200)
        until(lambda: office.one("road").state == "uncertain")
        until(lambda: live.daemon.lanes.lost() == 1)
        # The channel's other thread may be at a look just now; the one that hangs would be busy for good.
        until(lambda: live.daemon.lanes.busy() == [])
        with office.store.read() as conn:
            about = channels.get(conn, "hub")
        assert about.paused_until == channels.FOR_GOOD
        assert "did not return" in about.paused_why
        assert sum(thread.name.startswith("hub-") for thread in threading.enumerate()) >= 2
        go_on.set()
        until(lambda: office.one("road").state == "live")
    assert len(hub.calls) == 1


def test_a_claim_left_behind_by_a_fault_of_our_own_is_settled_when_its_lease_ends(
    office: Office, hub: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    office.release("road")
    with living(office) as live:
        broken = live.daemon.publisher._settle
        live.daemon.publisher._settle = lambda *_: 1 / 0  # type: ignore[method-assign, assignment]
        until(lambda: "a fault of govpost's own" in caplog.text)
        live.daemon.publisher._settle = broken  # type: ignore[method-assign]
        assert office.one("road").state == "publishing"
        stranding.give_back_orphans(office.store, live.daemon.lanes, live.daemon.id)
        assert office.one("road").state == "publishing"
        live.both += timedelta(seconds=200)
        until(lambda: office.one("road").state == "uncertain")
    assert len(hub.calls) == 1


# --- clocks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump", [timedelta(hours=3), timedelta(hours=-3)])
def test_a_clock_that_jumps_is_recorded_and_everything_is_judged_anew_before_the_next_claim(
    office: Office, hub: Scripted, jump: timedelta
) -> None:
    with living(office) as live:
        until(lambda: live.daemon._ready)
        live.shift = jump
        assert not live.daemon._may_claim()
        until(lambda: "daemon.clock" in verbs(office))
        until(live.daemon._may_claim)
        with office.store.read() as conn:
            kept = meta.get(conn, "clock-jump")
        assert abs(kept["seconds"] - jump.total_seconds()) < 5
    assert verbs(office).count("daemon.clock") == 1


def test_what_became_late_by_a_jump_is_judged_late_and_not_sent(office: Office, hub: Scripted) -> None:
    office.now = utcnow()
    office.release("road", more=not_before(30))
    with living(office) as live:
        until(lambda: live.daemon._ready)
        live.shift = timedelta(hours=5)
        until(lambda: office.one("road").state == "missed")
    assert hub.calls == []


# --- stopping, freezing ----------------------------------------------------------------------------------------


def test_a_freeze_ends_a_wait_for_a_retry(office: Office, hub: Scripted) -> None:
    hub.script = [Unavailable("busy")]
    office.release("road")
    with living(office) as live:
        until(lambda: hub.calls)
        until(lambda: office.one("road").state == "queued")
        freezing.freeze(office.store, office.config, office.person("cleo"), "a grave mistake")
        live.both += timedelta(minutes=10)
        until(lambda: office.one("road").state == "held")
        time.sleep(0.5)
    assert len(hub.calls) == 1
    assert "frozen" in office.one("road").reason


def test_the_time_to_drain_is_honoured_and_what_hangs_is_settled_by_the_next_start(
    tmp_path: Path, hub: Scripted
) -> None:
    office = open_office(tmp_path, hub, more='[daemon]\ndrain = "1s"')
    never = threading.Event()
    hub.script = [lambda variant: (never.wait(30), hub.accept(variant))[1]]
    office.release("road")
    live = Live(office).start()
    until(lambda: hub.calls)
    began = time.monotonic()
    live.stop()
    assert 0.9 < time.monotonic() - began < 6
    assert office.one("road").state == "publishing"
    Live(office, "until-idle").start().join()
    assert office.one("road").state == "uncertain"
    never.set()


def test_a_second_order_to_stop_ends_at_once(office: Office, hub: Scripted) -> None:
    never = threading.Event()
    hub.script = [lambda variant: (never.wait(30), hub.accept(variant))[1]]
    office.release("road")
    live = Live(office).start()
    until(lambda: hub.calls)
    live.daemon._on_stop(signal.SIGINT, None)
    time.sleep(0.3)
    assert live.thread.is_alive()
    live.stop(5)
    never.set()


def test_a_receipt_that_cannot_be_recorded_before_the_end_stands_in_the_log(
    tmp_path: Path, hub: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    office = open_office(tmp_path, hub, more='[daemon]\ndrain = "1s"')
    locks: list[sqlite3.Connection] = []

    def accept_and_lock(variant: Variant) -> Receipt:
        locks.append(lock(office))
        return hub.accept(variant)

    hub.script = [accept_and_lock]
    (row,) = office.release("road")
    live = Live(office).start()
    until(lambda: live.daemon.publisher.unrecorded)
    live.stop()
    assert f"delivery {row.id} is NOT RECORDED: receipt" in caplog.text
    assert "hub-1" in caplog.text
    locks[0].close()
    Live(office, "until-idle").start().join()
    assert office.one("road").state == "uncertain"
    assert len(hub.calls) == 1


# --- config ----------------------------------------------------------------------------------------------------


def test_an_edited_config_is_taken_over_and_its_rates_give_new_slots(office: Office, hub: Scripted) -> None:
    with living(office) as live:
        until(lambda: live.daemon._ready)
        path = office.root / "config.toml"
        path.write_text(
            path.read_text().replace('windows = ["always"]', 'windows = ["always"]\nmin_gap = "2h"')
        )
        until(lambda: live.daemon.workspace.config.rate("hub").min_gap == timedelta(hours=2))
        assert live.daemon.publisher.setup.config.rate("hub").min_gap == timedelta(hours=2)
    assert "config.change" in verbs(office)


def test_a_broken_config_leaves_the_old_one_in_force_and_the_daemon_says_so(office: Office) -> None:
    path = office.root / "config.toml"
    whole = path.read_text()
    with living(office) as live:
        until(lambda: live.daemon._ready)
        path.write_text(whole + "\n[broken\n")
        until(lambda: "config" in live.daemon.presence.notes)
        live.daemon.presence.beat("running")
        assert "config.toml is not taken over" in live.row().why
        path.unlink()
        time.sleep(1.2)
        assert "config.toml is not taken over" in live.row().why
        path.write_text(whole)
        until(lambda: not live.daemon.presence.notes)
        live.daemon.presence.beat("running")
        assert live.row().why == ""


def test_an_edit_while_the_store_is_locked_is_taken_over_afterwards(office: Office) -> None:
    path = office.root / "config.toml"
    with living(office) as live:
        until(lambda: live.daemon._ready)
        other = lock(office)
        until(lambda: live.daemon.presence.trouble)
        path.write_text(path.read_text().replace('windows = ["always"]', "per_day = 1"))
        time.sleep(1.5)
        other.execute("ROLLBACK")
        other.close()
        until(lambda: live.daemon.workspace.config.rate("hub").per_day == 1)
        until(lambda: "config.change" in verbs(office))


def test_wrong_settings_at_the_start_hold_everything_until_they_are_mended(
    office: Office, hub: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.release("road")

    live = Live(office)
    right = type(live.daemon.workspace).bench
    wrong = GovpostError("config.toml:9: [channels.hub] settings.url: is missing", "")

    def refuse(_self: object) -> None:
        raise wrong

    monkeypatch.setattr(type(live.daemon.workspace), "bench", refuse)
    live = Live(office).start()
    until(lambda: "settings.url" in live.daemon.presence.notes.get("config", ""))
    until(lambda: office.one("road").state == "held")
    assert "settings.url" in office.one("road").reason
    monkeypatch.setattr(type(live.daemon.workspace), "bench", right)
    live.daemon._on_hup(signal.SIGHUP, None)
    until(lambda: office.one("road").state == "live")
    live.stop()


# --- real processes --------------------------------------------------------------------------------------------


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def city(tmp_path: Path, receiver: Receiver) -> Iterator[City]:
    city = City(tmp_path, receiver.url)
    yield city
    city.end()


def test_a_process_publishes_until_it_is_idle(city: City, receiver: Receiver) -> None:
    row = city.release("road")
    process = city.daemon("until-idle")
    assert process.wait(120) == 0
    assert [post["key"] for post in receiver.posts] == [row.id]
    assert city.one("road").url == "https://hub.example/1"


def test_a_second_process_on_the_same_database_is_refused(city: City) -> None:
    first = city.daemon()
    until(city.rows)
    second = city.daemon()
    assert second.wait(120) == 1
    assert second.stderr is not None
    said = second.stderr.read()
    assert f"REFUSED a daemon is already running on this database (process {first.pid})" in said
    assert [row.pid for row in city.rows()] == [first.pid]


def test_killed_between_acceptance_and_receipt_it_is_uncertain_and_never_sent_again(
    city: City, receiver: Receiver
) -> None:
    go_on = threading.Event()
    receiver.behave = lambda _post: (201, {"id": str(go_on.wait(30))})
    city.release("road")
    first = city.daemon()
    until(lambda: receiver.posts)
    first.kill()
    first.wait()
    go_on.set()
    assert city.daemon("until-idle").wait(120) == 0
    row = city.one("road")
    assert (row.state, len(receiver.posts)) == ("uncertain", 1)
    assert "the daemon that held it stopped after the gate" in row.reason
    assert "delivery.uncertain" in city.verbs()


SLOW_STAGE = """
import time
from pathlib import Path
from govpost import Capabilities, Receipt, hookimpl

class Slow:
    name = "slow"
    capabilities = Capabilities(title=True, link=True)
    def stage(self, variant, channel, http):
        staging = Path(__file__).with_name("staging")
        if not staging.exists():
            staging.touch()
            time.sleep(60)
        return {}
    def publish(self, variant, channel, http):
        http.post(channel.settings["url"], json={"title": variant.title, "key": variant.key})
        return Receipt(remote_id="1")

@hookimpl
def govpost_platforms():
    return [Slow()]
"""


def test_killed_before_the_gate_it_is_published_once_by_the_next(tmp_path: Path, receiver: Receiver) -> None:
    (tmp_path / "plugins").mkdir(mode=0o755)
    (tmp_path / "plugins/slow.py").write_text(SLOW_STAGE)
    city = City(tmp_path, receiver.url, platform="slow")
    city.release("road")
    first = city.daemon()
    until((tmp_path / "plugins/staging").exists)
    first.kill()
    first.wait()
    assert city.one("road").state == "publishing"
    assert city.daemon("until-idle").wait(120) == 0
    assert (city.one("road").state, receiver.slugs()) == ("live", ["road"])
    city.end()


def test_a_stop_lets_the_request_on_the_wire_finish_and_records_it(city: City, receiver: Receiver) -> None:
    def slow(_post: object) -> tuple[int, dict[str, str]]:
        time.sleep(1)
        return 201, {"id": "7"}

    receiver.behave = slow
    city.release("road")
    process = city.daemon()
    until(lambda: receiver.posts)
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0
    assert (city.one("road").state, city.one("road").remote_id) == ("live", "7")
    assert city.rows()[0].state == "stopped"


def test_a_process_takes_over_a_config_by_signal_and_by_itself(city: City) -> None:
    process = city.daemon()
    until(lambda: any(row.state == "running" for row in city.rows()))
    hashes = {row.config_hash for row in city.rows()}
    for change, new in (('windows = ["always"]', "per_day = 3"), ("per_day = 3", "per_day = 2")):
        city.edit(change, new)
        process.send_signal(signal.SIGHUP)
        now = workspace_module.open_workspace(city.root).config.hash
        until(lambda now=now: city.rows()[0].config_hash == now, 20)
        hashes.add(now)
    assert len(hashes) == 3
    assert city.verbs().count("config.change") == 2
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0


def test_a_lost_answer_is_uncertain_and_the_process_goes_on(city: City, receiver: Receiver) -> None:
    receiver.behave = lambda post: None if post["title"] == "Road" else (201, {})
    city.release("road")
    city.release("water")
    assert city.daemon("until-idle").wait(120) == 0
    assert (city.one("road").state, city.one("water").state) == ("uncertain", "live")
    assert sorted(receiver.slugs()) == ["road", "water"]


def test_confirming_platforms_are_asked_by_the_daemon(tmp_path: Path) -> None:
    hub = Confirming("hub", Capabilities(title=True, link=True, settles_after=timedelta(seconds=1)))
    office = open_office(tmp_path, hub)
    hub.script = [hub.accept_then(RuntimeError("lost"))]
    office.release("road")
    with living(office) as live:
        until(lambda: hub.calls)
        live.both += timedelta(minutes=5)
        until(lambda: office.one("road").state == "live")
    assert len(hub.calls) == 1
