"""`govpost status`, `doctor`, `audit` and `init`: how things stand, what is wrong, what happened, how to begin."""

from __future__ import annotations

import os
import pwd
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from cli_city import City, city
from govpost import config
from govpost.cli import attention, pulse
from govpost.cli.root import cli
from govpost.daemon import peers
from govpost.domain import Capabilities
from govpost.errors import Rejected, Uncertain
from govpost.states import PilotState, Role
from govpost.store import channels, deliveries, gathered, meta, pilots
from govpost.store.machine_rows import DaemonRecord
from govpost.store.rows import DELIVERY
from govpost.store.sqlite import Sqlite
from govpost.times import utcnow
from govpost.workspace import Workspace, open_workspace
from office import Office, Scripted
from test_addressing import bulletin_office


@pytest.fixture
def riverton(tmp_path: Path) -> City:
    return city(tmp_path)


@pytest.fixture
def opened(riverton: City) -> Workspace:
    workspace = open_workspace(riverton.root)
    yield workspace
    workspace.store.close()


def test_status_is_quiet_when_nobody_must_look(riverton: City) -> None:
    said = riverton.ok("status")
    assert "nobody has to look at anything" in said.out
    assert "daemon:     has never run here" in said.out
    found = riverton.ask("status")
    assert found["ok"]
    assert found["attention"] == []
    assert {"ok", "attention", "daemon", "frozen", "posts", "deliveries", "next_due"} <= found.keys()


def test_status_tells_when_something_is_due_and_no_daemon_runs(riverton: City) -> None:
    riverton.schedule("alpha")
    status = riverton.run("status")
    assert status.code == 1
    assert "1 delivery is due" in status.out
    riverton.deliver()
    after = riverton.ok("status").out
    assert "is not running, last heard of at" in after
    assert "posts:      1 published" in after


def test_status_warns_of_an_overdue_review_on_stderr_only(riverton: City) -> None:
    riverton.change("main_channel", 'reviewed = 2020-01-01\nreview_every = "90d"\nmain_channel')
    for command in ("status", "doctor"):
        said = riverton.ok(command)
        assert "the review of the strategy was due on 2020-03-31" in said.err
        assert "review of the strategy" not in said.out
    assert riverton.ok("post", "list").err == ""


def test_status_tells_of_a_second_receipt_for_one_key(riverton: City, opened: Workspace) -> None:
    post = riverton.schedule("alpha")
    with opened.store.write("daemon") as tx:
        subject = f"delivery:{post['deliveries'][0]['id']}"
        why = "the key was published twice: 1 and 2"
        tx.event("delivery.duplicate", subject, why=why, post=post["id"], channel="website")
    assert "duplicate: alpha on website: the key was published twice" in riverton.run("status").out


def test_status_asks_for_the_decision_when_a_pilot_has_ended(riverton: City, opened: Workspace) -> None:
    with opened.store.write("ben") as tx:
        pilot = pilots.get(tx.conn, "hub")
        ends = (utcnow() - timedelta(days=3)).date()
        pilots.move(tx, pilot, PilotState.SUSPENDED, frozenset({Role.ADMIN}), "x", ends=ends)
    said = riverton.run("status").out
    assert f"decision: hub: the pilot ended on {ends}" in said
    assert "govpost pilot graduate hub --reason TEXT  (or: govpost pilot retire hub --reason TEXT)" in said


def test_status_shows_a_pilot_that_a_rule_suspended(riverton: City, opened: Workspace) -> None:
    riverton.ok("pilot", "suspend", "website", "--reason", "by a person")
    with opened.store.write("daemon") as tx:
        hub = pilots.get(tx.conn, "hub")
        pilots.move(
            tx, hub, PilotState.SUSPENDED, frozenset({Role.DAEMON}), "its plugin broke", resumes_to="running"
        )
    said = riverton.run("status").out
    assert "suspended: hub: its plugin broke" in said
    assert "website" not in said


def test_status_shows_the_daemons_heartbeat_state_and_why(riverton: City, opened: Workspace) -> None:
    from govpost.daemon.lock import Lock

    lock = Lock(riverton.root / ".govpost")
    lock.take()

    def beat(age: int, why: str = "") -> str:
        at = utcnow() - timedelta(seconds=age)
        record = DaemonRecord(
            id="d", host="h", pid=7, version="0", started_at=at, heartbeat_at=at, state="running", why=why
        )
        with opened.store.write("daemon") as tx:
            meta.beat(tx, record)
        return riverton.run("status").out

    assert "daemon:     running, heartbeat 3 s ago, process 7 on h" in beat(3)
    assert "daemon: the daemon: the disk is full" in beat(3, "the disk is full")
    assert "its last heartbeat was 1 min" in beat(70)
    lock.free()
    assert "is not running" in beat(3)


def test_status_warns_when_the_clock_jumped(riverton: City, opened: Workspace) -> None:
    with opened.store.write("daemon") as tx:
        meta.put(tx.conn, "clock-jump", {"at": tx.now.isoformat(), "seconds": 3600.0})
    assert "clock jumped by +3600 s" in riverton.ok("status").err


def test_a_channel_paused_for_good_is_named(riverton: City, opened: Workspace) -> None:
    with opened.store.write("daemon") as tx:
        channels.pause(tx, "hub", channels.FOR_GOOD, "the token is not accepted")
    assert "govpost channel resume hub --reason TEXT" in riverton.run("status").out


def test_doctor_looks_at_everything(riverton: City) -> None:
    said = riverton.ok("doctor").out
    for words in (
        "Python",
        "SQLite",
        "journal",
        "website is loaded",
        "a second person can approve",
        "Ben Cole (ben)",
    ):
        assert words in said
    found = riverton.ask("doctor")
    assert found["ok"]
    assert {"check", "ok", "detail", "tip"} == found["checks"][0].keys()
    assert "is nobody in config.toml" in riverton.ok("doctor", by=None).out


def test_doctor_says_whether_secrets_resolve_and_never_shows_them(
    riverton: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    riverton.change(
        'platform = "webhook"', 'platform = "webhook"\nsecrets = { signing_key = "env:RIVERTON_HUB" }'
    )
    monkeypatch.delenv("RIVERTON_HUB", raising=False)
    missing = riverton.run("doctor")
    assert missing.code == 1
    assert "hub.signing_key cannot be resolved here" in missing.out
    monkeypatch.setenv("RIVERTON_HUB", "hunter2")
    said = riverton.ok("doctor").out
    assert "hub.signing_key can be resolved" in said
    assert "hunter2" not in said


def test_doctor_finds_open_permissions_wrong_settings_and_missing_platforms(riverton: City) -> None:
    (riverton.root / ".govpost").chmod(0o755)
    said = riverton.run("doctor")
    assert said.code == 1
    assert "chmod go-rwx" in said.out
    riverton.change('platform = "webhook"', 'platform = "nothing"')
    assert "hub cannot publish: no plugin brings the platform nothing" in riverton.run("doctor").out
    riverton.change('base_url = "https://news.riverton.example.gov/"', "base_url = 3")
    assert "[channels.website] settings.base_url" in riverton.run("doctor").out


def test_doctor_tells_of_a_store_that_cannot_be_used(tmp_path: Path) -> None:
    riverton = city(tmp_path, start=False)
    (tmp_path / ".govpost").mkdir(mode=0o700)
    (tmp_path / ".govpost" / "govpost.db").write_bytes(b"this is no database at all, but a text" * 100)
    said = riverton.run("doctor")
    assert said.code == 1
    assert "the store cannot be used" in said.out


def test_doctor_asks_for_a_second_person(riverton: City) -> None:
    riverton.change('roles = ["author"]', "roles = []")
    assert "nobody can approve what another wrote" in riverton.run("doctor").out
    assert "there is no person 'zoe'" in riverton.run("doctor", by="zoe").out


def test_the_record_says_who_did_what_when_and_why(riverton: City) -> None:
    riverton.schedule("alpha")
    riverton.schedule("beta", channels="hub")
    said = riverton.ok("audit", "log", "--post", "alpha").out
    assert "post.add" in said
    assert "alpha on website" in said
    assert "beta" not in said
    by_cleo = riverton.ask("audit", "log", "--person", "cleo")
    assert {each["actor"] for each in by_cleo} == {"cleo"}
    assert {"id", "at", "actor", "verb", "subject", "old", "new", "why", "detail", "hash"} == by_cleo[
        0
    ].keys()
    hub = riverton.ask("audit", "log", "--channel", "hub")
    assert {each["detail"]["channel"] for each in hub} == {"hub"}
    assert riverton.ask("audit", "log", "--until", "2020-01-01") == []
    assert len(riverton.ask("audit", "log", "--since", "2020-01-01", "--limit", "2")) == 2
    assert riverton.ok("audit", "log", "--since", "2099-01-01T00:00:00Z").out == "nothing is on the record\n"
    assert riverton.run("audit", "log", "--since", "yesterday").code == 2


def test_verify_says_that_nothing_was_changed_and_prints_the_head(riverton: City) -> None:
    said = riverton.ok("audit", "verify").out
    head = said.splitlines()[-1].removeprefix("head: ")
    assert "nothing was changed" in said
    assert riverton.ok("audit", "verify", "--head", head).code == 0
    assert riverton.ask("audit", "verify")["head"] == head


def test_verify_says_where_the_record_was_changed_or_cut(riverton: City) -> None:
    head = riverton.ask("audit", "verify")["head"]
    database = sqlite3.connect(riverton.root / ".govpost" / "govpost.db")
    database.execute("UPDATE event SET why = 'nothing happened' WHERE id = 2")
    database.commit()
    said = riverton.run("audit", "verify")
    assert said.code == 1
    assert "broken: event 2 of" in said.out
    database.execute("DELETE FROM event WHERE id > 3")
    database.execute("UPDATE head SET event_id = 3, hash = (SELECT hash FROM event WHERE id = 3)")
    database.commit()
    database.close()
    cut = riverton.run("--json", "audit", "verify", "--head", head)
    assert cut.code == 1
    assert any("the end of the chain was cut off" in each for each in cut.json["troubles"])


def test_init_makes_a_workspace_that_works_with_the_caller_as_first_person(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    result = CliRunner().invoke(cli, ["init", str(folder)])
    assert result.exit_code == 0
    assert "a second person is needed" in result.stdout
    login = pwd.getpwuid(os.getuid()).pw_name
    loaded = config.load(folder)
    (person,) = loaded.people.values()
    assert person.login == login
    assert set(person.roles) == {Role.AUTHOR, Role.REVIEWER, Role.PUBLISHER, Role.ADMIN, Role.OFFICER}
    assert loaded.warnings(utcnow().date()) == []
    assert (folder / ".govpost").stat().st_mode & 0o777 == 0o700
    mine = City(folder)
    assert mine.ok("post", "check", "content", by=None).out == "welcome: nothing found\n"
    assert mine.ask("pilot", "start", "website", by=None)["state"] == "running"
    assert mine.ask("post", "add", "content", by=None)[0]["post"]["state"] == "submitted"
    assert (folder / ".govpost" / "govpost.db").stat().st_mode & 0o777 == 0o600
    assert "nobody can approve" in mine.run("doctor", by=None).out


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "welcome.md").write_text("mine")
    said = City(tmp_path).run("--json", "init", ".", by=None)
    assert said.code == 0
    assert [Path(each).name for each in said.json["files"]] == ["config.toml"]
    assert (tmp_path / "content" / "welcome.md").read_text() == "mine"
    again = City(tmp_path).run("init", ".", by=None)
    assert (again.code, "is a workspace already" in again.err) == (1, True)


def test_init_where_no_folder_can_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = City(tmp_path).run("init", "file/below", by=None)
    assert (said.code, "cannot be written" in said.err) == (1, True)


def test_a_channel_where_posts_stand_still_is_named_with_the_command_that_moves_them(riverton: City) -> None:
    riverton.write("alpha")
    riverton.ok("post", "add", "content/alpha.md", by="ana")
    riverton.ok("pilot", "suspend", "website", "--reason", "x", by="ben")
    riverton.ok("review", "approve", "alpha", by="cleo")
    said = riverton.run("status")
    assert said.code == 1
    assert "held: website: 1 post stands still" in said.out
    assert "govpost pilot resume website" in said.out


def test_the_copies_of_a_bulletin_take_one_line_however_many_fail(tmp_path: Path) -> None:
    office, bulletin = bulletin_office(tmp_path, *(f"r-{number}" for number in range(6)))
    bulletin.script = [
        *[Rejected("550 no such user")] * 3,
        Rejected("552 too big"),
        Uncertain("the reply was lost"),
    ]
    office.release("road")
    office.work()
    with office.store.read() as conn:
        found = attention.items(conn, office.config, office.store)
    lines = {item.kind: item for item in found if item.kind in attention.SETTLES}
    assert lines["failed"].subject == "road on bulletin, 4 copies of 6"
    assert lines["failed"].why == "most often: 550 no such user"
    assert "govpost delivery list --post road --state failed, then for each" in lines["failed"].command
    assert lines["uncertain"].subject == "road on bulletin, 1 copy of 6"
    assert lines["uncertain"].command.startswith("govpost delivery resolve")


def test_posts_that_are_gone_and_channels_that_say_nothing_are_named(tmp_path: Path) -> None:
    hub = Scripted("hub", Capabilities())
    office = Office(tmp_path, {"hub": hub})
    office.start()
    office.release("road")
    office.work()
    with office.tx("daemon") as tx:
        gathered.plan(tx, "hub", {office.one("road").id: None})
        gathered.put_reading(tx, office.one("road").id, gone_at=office.now)
        gathered.put_gathering(tx, "hub", failures=5, why="it answered 500")
    with office.store.read() as conn:
        found = {item.kind: item for item in attention.items(conn, office.config, office.store)}
    assert "no longer shows a post of ours, the newest road" in found["gone"].why
    assert (found["gathering"].subject, found["gathering"].why) == ("hub", "it answered 500")


def test_status_lists_every_daemon_and_names_one_that_fell_silent_while_it_holds_deliveries(
    riverton: City, opened: Workspace
) -> None:
    post = riverton.schedule("alpha")
    now = utcnow()
    with opened.store.write("daemon") as tx:
        for number, (state, age) in enumerate(
            (("running", 2), ("running", 90), ("stopped", 9), ("died", 200))
        ):
            at = now - timedelta(seconds=age)
            meta.beat(
                tx,
                DaemonRecord(
                    id=f"d{number}",
                    host=f"web{number}",
                    pid=number,
                    version="0.9",
                    started_at=at,
                    heartbeat_at=at,
                    state=state,
                    why="its plugins are old" if number == 0 else "",
                ),
            )
        row = deliveries.get(tx.conn, post["deliveries"][0]["id"])
        values = {"state": "publishing", "lease_owner": "d1", "lease_until": now}
        tx.conn.execute(update(DELIVERY).where(DELIVERY.c.id == row.id).values(values))
    opened.store.backend.several = True
    with opened.store.read() as conn:
        beat = pulse.pulse(conn, opened.store)
        found = {why for _, why, _ in pulse.troubles(conn, beat)}
    assert beat.running
    assert found == {"its plugins are old", "its last heartbeat was 1 min 30 s ago, and it holds deliveries"}
    said = riverton.run("status").out
    assert [line.split()[0] for line in said.splitlines() if line.startswith("web")] == [
        "web0",
        "web1",
        "web3",
    ]
    assert "silent since" in said
    told = {each["host"]: each for each in riverton.ask("status")["daemons"]}
    assert [told[f"web{number}"]["silent"] for number in range(4)] == [False, True, False, False]


def test_doctor_names_every_daemon_at_work(riverton: City, opened: Workspace) -> None:
    now = utcnow()
    with opened.store.write("daemon") as tx:
        record = DaemonRecord(
            id="d", host="web1", pid=7, version="0.9", started_at=now, heartbeat_at=now, state="running"
        )
        meta.beat(tx, record)
    assert "web1 (process 7), version 0.9: running" in riverton.ok("doctor").out


@pytest.mark.parametrize(("there", "alone"), [("website", True), ("elsewhere", False)])
def test_a_channel_that_no_daemon_has_the_secrets_for_is_named(
    riverton: City, opened: Workspace, monkeypatch: pytest.MonkeyPatch, there: str, alone: bool
) -> None:
    now = utcnow()
    with opened.store.write("daemon") as tx:
        for pid, lacking in enumerate(("website", there)):
            why = peers.lacks({lacking: "KEY is not set"})
            times = {"started_at": now, "heartbeat_at": now}
            meta.beat(
                tx,
                DaemonRecord(
                    id=f"d{pid}", host=f"web{pid}", pid=pid, version="1", state="running", why=why, **times
                ),
            )
    monkeypatch.setattr(Sqlite, "several", True)
    found = [each for each in riverton.ask("status")["attention"] if each["kind"] == "channel"]
    assert [each["subject"] for each in found] == (["website"] if alone else [])
    assert ("website: no daemon at work has what it takes" in riverton.run("doctor").out) == alone
