"""Everything a person switches: pilots, channels, plugins, the freeze. Each alone, each on the record."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cli_city import City, city, day, receiver
from govpost.editorial import freezing
from govpost.people import who
from govpost.store import deliveries, meta
from govpost.times import utcnow
from govpost.workspace import open_workspace


@pytest.fixture
def riverton(tmp_path: Path) -> City:
    return city(tmp_path)


def verbs(riverton: City) -> list[tuple[str, str]]:
    return [(each["actor"], each["verb"]) for each in riverton.ask("audit", "log")]


def test_a_pilot_starts_only_with_a_complete_charter(tmp_path: Path) -> None:
    riverton = city(tmp_path, start=False)
    riverton.change('question = "Do residents read it?"\n', "")
    said = riverton.run("pilot", "start", "hub")
    assert said.code == 1
    assert "the charter of hub is incomplete: question" in said.err
    found = riverton.ask("pilot", "list")
    assert [(each["channel"], each["state"], each["missing"]) for each in found] == [
        ("website", "proposed", ["question"]),
        ("hub", "proposed", ["question"]),
    ]
    assert {"channel", "platform", "state", "missing", "counts", "charter", "ends", "reason"} <= found[
        0
    ].keys()
    assert "charter in config.toml, not locked yet" in riverton.ok("pilot", "show", "hub").out
    assert "hub      webhook   proposed        question  none" in riverton.ok("pilot", "list").out
    assert ("ben", "pilot.propose") not in verbs(riverton)


def test_only_an_admin_starts_pilots(tmp_path: Path) -> None:
    assert city(tmp_path, start=False).run("pilot", "start", "hub", by="cleo").code == 1


def test_an_unknown_channel_is_answered_with_the_nearest(riverton: City) -> None:
    for line in (
        ("pilot", "start", "hup"),
        ("pilot", "show", "hup"),
        ("channel", "pause", "hup", "--reason", "x"),
    ):
        said = riverton.run(*line)
        assert said.code == 2
        assert "did you mean 'hub'?" in said.err


def test_a_pilot_is_suspended_resumed_graduated_and_retired_alone(riverton: City) -> None:
    riverton.schedule("alpha", channels="website, hub", more=f"at: {day(3)} 09:00\n")
    before = [each for each in riverton.ask("delivery", "list") if each["channel"] == "website"]
    for verb, state in (
        ("suspend", "suspended"),
        ("resume", "running"),
        ("graduate", "graduated"),
        ("retire", "retired"),
    ):
        assert riverton.run("pilot", verb, "hub").code == 2
        assert riverton.ask("pilot", verb, "hub", "--reason", "decided")["state"] == state
    assert [each for each in riverton.ask("delivery", "list") if each["channel"] == "website"] == before
    (hub,) = riverton.ask("delivery", "list", "--channel", "hub")
    assert (hub["state"], hub["reason"]) == ("cancelled", "the pilot of hub was retired: decided")
    said = riverton.ok("pilot", "show", "hub").out
    assert "charter, version 1, locked by ben" in said
    assert "caps:     posts 200" in said


def test_a_retired_pilot_keeps_what_is_uncertain(tmp_path: Path) -> None:
    with receiver(0) as url:
        riverton = city(tmp_path, hub=url)
        riverton.schedule("alpha", channels="hub")
        riverton.deliver()
    said = riverton.ok("pilot", "retire", "hub", "--reason", "decided").out
    assert "1 delivery is still uncertain" in said


def test_the_report_says_na_where_nothing_is_recorded(riverton: City) -> None:
    said = riverton.ok("pilot", "report", "hub").out
    assert "0 of 0 that ended (n/a)" in said
    assert "median n/a, p90 n/a, max n/a" in said
    assert riverton.ask("pilot", "report", "hub")["live"] == {"numerator": 0, "denominator": 0, "share": None}
    assert riverton.ask("pilot", "report", "hub")["lag_seconds"]["median"] is None


def test_the_report_counts_deliveries_by_outcome_and_their_lag(tmp_path: Path) -> None:
    with receiver(201, 201, 400) as url:
        riverton = city(tmp_path, hub=url)
        for slug in ("alpha", "beta", "gamma"):
            riverton.schedule(slug, channels="hub")
        riverton.deliver()
    website, hub = riverton.ask("pilot", "report")
    assert website["live"]["denominator"] == 0
    assert hub["counts"] == {"failed": 1, "live": 2}
    assert hub["live"]["numerator"], hub["live"]["denominator"] == (2, 3)
    assert 0 <= hub["lag_seconds"]["median"] <= hub["lag_seconds"]["max"] < 60
    assert "2 of 3 that ended (67%)" in riverton.ok("pilot", "report", "hub").out


def test_a_paused_channel_holds_what_is_queued_and_says_so(riverton: City) -> None:
    riverton.schedule("alpha", channels="website, hub")
    assert (
        "hub is paused until"
        in riverton.ok("channel", "pause", "hub", "--reason", "moving", "--for", "2h").out
    )
    states = {each["channel"]: (each["state"], each["reason"]) for each in riverton.ask("delivery", "list")}
    assert states == {"hub": ("held", "hub is paused: moving"), "website": ("queued", "")}
    assert "hub is paused: moving" in riverton.ok("channel", "list").out
    assert "paused: hub: moving" in riverton.run("status").out
    assert "it is held: hub is paused: moving" in riverton.ok("explain", "alpha").out
    found = riverton.ask("channel", "resume", "hub")
    assert (found["name"], found["paused"], found["obstacle"]) == ("hub", False, None)
    assert riverton.run("channel", "resume", "hub").code == 1
    assert "1 delivery is held" not in riverton.ok("channel", "pause", "hub", "--reason", "again").out
    assert riverton.ask("channel", "list")[1]["paused_until"] is None
    assert "hub goes on" in riverton.ok("channel", "resume", "hub", "--reason", "back").out
    assert {("ben", "channel.pause"), ("ben", "channel.resume")} <= set(verbs(riverton))
    assert riverton.run("channel", "pause", "hub", "--reason", "x", "--for", "soon").code == 2
    assert riverton.run("channel", "pause", "hub", "--reason", "x", by="ana").code == 1


def test_a_disabled_plugin_parks_its_channels_deliveries_and_nothing_is_lost(riverton: City) -> None:
    riverton.schedule("alpha", channels="website, hub")
    assert "held: hub" in riverton.ok("plugin", "disable", "webhook", "--reason", "it posts twice").out
    states = {each["channel"]: (each["state"], each["reason"]) for each in riverton.ask("delivery", "list")}
    assert states["hub"] == ("held", "the plugin webhook is disabled: it posts twice")
    assert states["website"] == ("queued", "")
    webhook = next(each for each in riverton.ask("plugin", "list") if each["name"] == "webhook")
    assert webhook["state"] == "disabled"
    assert webhook["platforms"] == ["webhook"]
    assert {"name", "version", "source", "state", "reason", "platforms"} == webhook.keys()
    assert "disabled" in riverton.ok("doctor").out
    assert riverton.run("plugin", "disable", "webhook", "--reason", "x").code == 1
    assert riverton.run("plugin", "enable", "webhook", by="cleo").code == 1
    assert riverton.ask("plugin", "enable", "webhook")["state"] == "loaded"
    assert riverton.run("plugin", "enable", "webhook").code == 1
    assert {("ben", "plugin.disable"), ("ben", "plugin.enable")} <= set(verbs(riverton))
    with receiver(201) as url:
        riverton.change("https://hub.example.gov/notices", url)
        assert "the settings of hub changed" not in riverton.ok("plugin", "list").out


def test_plugins_that_fail_are_listed_with_their_reason_and_the_rest_load(riverton: City) -> None:
    folder = riverton.root / "plugins"
    folder.mkdir(mode=0o755)
    (folder / "broken.py").write_text("import nothing_like_that\n")
    (folder / "website.py").write_text("x = 1\n")
    for path in folder.iterdir():
        path.chmod(0o644)
    said = riverton.ok("plugin", "list").out
    assert "ModuleNotFoundError" in said
    assert "another plugin is already called website" in said
    assert riverton.run("plugin", "check", "broken").code == 1
    assert riverton.run("plugin", "check", "brokn").code == 2
    doctor = riverton.run("doctor")
    assert doctor.code == 1
    assert "broken is failed" in doctor.out


def test_a_new_plugin_works_and_passes_the_suite(riverton: City) -> None:
    said = riverton.ok("plugin", "new", "noticeboard").out
    assert "noticeboard.py" in said
    for path in (riverton.root / "plugins").rglob("*"):
        path.chmod(path.stat().st_mode & ~0o022)
    assert "passed" in riverton.ok("plugin", "check", "noticeboard").out
    assert riverton.run("plugin", "new", "noticeboard").code == 1
    assert riverton.ask("plugin", "new", "another")["files"]


def test_a_plugin_that_sins_fails_the_check(riverton: City) -> None:
    riverton.ok("plugin", "new", "sinner")
    path = riverton.root / "plugins" / "sinner.py"
    path.write_text(path.read_text().replace("        answer.raise_for_status()\n", ""))
    path.chmod(0o644)
    path.parent.chmod(0o755)
    said = riverton.run("plugin", "check", "sinner")
    assert said.code == 1
    assert "FAILED" in said.out
    assert not all(each["ok"] for each in riverton.ask("plugin", "check", "sinner"))


def test_a_freeze_holds_everything_and_only_officers_and_admins_thaw(riverton: City) -> None:
    riverton.change('roles = ["reviewer", "officer"]', 'roles = ["reviewer", "publisher"]')
    riverton.schedule("alpha", channels="website, hub")
    assert riverton.run("freeze", "--reason", "x", by="ana").code == 1
    assert "2 deliveries are held" in riverton.ok("freeze", "--reason", "taken over", by="cleo").out
    assert {each["reason"] for each in riverton.ask("delivery", "list")} == {
        "everything is frozen by cleo: taken over"
    }
    again = riverton.run("freeze", "--reason", "x")
    assert "everything is frozen already, by cleo" in again.err
    status = riverton.run("status")
    assert status.code == 1
    assert "frozen: everything: frozen by cleo" in status.out
    assert "govpost thaw --reason TEXT" in status.out
    assert riverton.run("daemon", "--until-idle", by=None).code == 0
    assert {each["state"] for each in riverton.ask("delivery", "list")} == {"held"}
    assert riverton.run("thaw", "--reason", "x", by="cleo").code == 1


def test_thaw_asks_for_review_of_what_passed_its_time(riverton: City) -> None:
    riverton.schedule("alpha")
    riverton.schedule("later", more=f"at: {day(3)} 09:00\n")
    assert riverton.ask("freeze", "--reason", "x") == {"frozen": True, "held": 2, "on_the_wire": []}
    said = riverton.ok("thaw", "--reason", "all clear").out
    assert "the daemon lets go on 1 delivery" in said
    assert "look again: alpha on website is missed" in said
    (missed,) = riverton.ask("delivery", "list", "--state", "missed")
    assert missed["reason"] == freezing.PASSED
    assert f"govpost delivery retry {missed['id']}" in said
    assert "!! missed" in riverton.ok("queue", "list").out
    assert f"govpost delivery retry {missed['id']}" in riverton.ok("explain", "alpha").out
    riverton.ok("delivery", "retry", missed["id"])
    riverton.deliver()
    assert riverton.ask("post", "show", "alpha")["state"] == "published"
    assert riverton.run("thaw", "--reason", "x").code == 1
    assert {("ben", "freeze"), ("ben", "thaw")} <= set(verbs(riverton))


def test_thaw_names_what_is_uncertain_too(tmp_path: Path) -> None:
    with receiver(0) as url:
        riverton = city(tmp_path, hub=url)
        riverton.schedule("alpha", channels="hub")
        riverton.deliver()
    riverton.ok("freeze", "--reason", "x")
    assert "--live URL | --not-there | --give-up" in riverton.ok("thaw", "--reason", "x").out
    riverton.ok("freeze", "--reason", "x")
    assert riverton.ask("thaw", "--reason", "x")["review"][0]["state"] == "uncertain"


def test_freeze_names_what_is_on_the_wire(riverton: City) -> None:
    riverton.schedule("alpha")
    workspace = open_workspace(riverton.root)
    with workspace.store.write("daemon") as tx:
        row = deliveries.claim(
            tx, "website", owner="d1", lease=timedelta(minutes=1), gap=timedelta(), main_channel="website"
        )
        assert row is not None
        assert deliveries.gate(tx, row, deliveries.Fence("d1", row.tries))
    said = riverton.ok("freeze", "--reason", "x").out
    assert f"on the wire already, left to finish: alpha on website ({row.id})" in said
    workspace.store.close()


def test_what_may_be_public_is_uncertain_after_a_thaw_never_missed(riverton: City) -> None:
    riverton.schedule("alpha")
    workspace = open_workspace(riverton.root)
    ben = who(workspace.config, "ben")
    freezing.freeze(workspace.store, workspace.config, ben, "x")
    with workspace.store.write("daemon") as tx:
        (row,) = deliveries.in_state(tx.conn, "held")
        deliveries.move(tx, row, deliveries.DeliveryState.QUEUED, "x", ambiguous=True, first_sent=utcnow())
        assert meta.frozen(tx.conn)
    assert freezing.thaw(workspace.store, workspace.config, ben, "x").uncertain
    workspace.store.close()


def test_a_wrong_config_does_not_stop_a_freeze(tmp_path: Path) -> None:
    riverton = city(tmp_path)
    config = riverton.root / "config.toml"
    whole = config.read_text()
    config.write_text(whole + "\n[agnecy]\n")
    frozen = riverton.run("freeze", "--reason", "emergency", by="cleo")
    assert (frozen.code, "everything is frozen" in frozen.out) == (0, True)
    assert "since config.toml is wrong: config.toml" in frozen.err
    status = riverton.run("status")
    assert status.code == 1
    assert "config: config.toml" in status.out
    assert riverton.run("post", "list").code == 1
    assert riverton.run("thaw", "--reason", "over", by="cleo").code == 0
    config.write_text(whole)
    assert riverton.ok("status").code == 0
