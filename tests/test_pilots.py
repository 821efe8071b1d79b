"""Each channel is a pilot of its own: started with a full charter, stopped, graduated or retired alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from govpost import pilots
from govpost.daemon import housekeeping
from govpost.domain import Capabilities
from govpost.editorial import resolving
from govpost.errors import Refused, Uncertain, UsageFault
from govpost.store import views
from office import Office, Scripted

PLAIN = Capabilities(title=True, link=True)
KEYS = ["question", "goal", "audience", "evidence", "why_here", "metric", "baseline", "target"]
KEYS += ["owner", "deputy", "ends"]

Verb = Callable[..., pilots.Pilot]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    platforms = {name: Scripted(name, PLAIN) for name in ("site", "hub", "board")}
    office = Office(tmp_path, platforms, rates=dict.fromkeys(platforms, 'min_gap = "1h"'))
    office.start()
    return office


def do(
    office: Office, verb: Verb, channel: str = "hub", reason: str = "as decided", by: str = "ben"
) -> pilots.Pilot:
    return verb(office.store, office.config, office.person(by), channel, reason)


def look(office: Office, channel: str = "hub") -> pilots.Pilot:
    with office.tx() as tx:
        return pilots.get(tx, office.config, channel)


class TestStarting:
    def new(self, tmp_path: Path) -> Office:
        return Office(tmp_path, {"site": Scripted("site", PLAIN), "hub": Scripted("hub", PLAIN)})

    def cut(self, office: Office, *keys: str) -> None:
        text = (office.root / "config.toml").read_text()
        head, mark, charter = text.partition("[channels.hub.pilot]")
        kept = [line for line in charter.splitlines() if line.split(" = ")[0] not in keys]
        (office.root / "config.toml").write_text(head + mark + "\n".join(kept))
        office.read_config()

    def test_is_refused_naming_each_missing_key(self, tmp_path: Path) -> None:
        office = self.new(tmp_path)
        self.cut(office, *KEYS, "caps")
        with pytest.raises(Refused) as refusal:
            office.start("hub")
        assert refusal.value.message == f"the charter of hub is incomplete: {', '.join([*KEYS, 'caps'])}"
        assert look(office).row.state == "proposed"

    @pytest.mark.parametrize("key", [*KEYS, "caps"])
    def test_is_refused_while_one_key_is_missing(self, tmp_path: Path, key: str) -> None:
        office = self.new(tmp_path)
        self.cut(office, key)
        with pytest.raises(Refused, match=f"incomplete: {key}$"):
            office.start("hub")
        assert look(office).missing == [key]

    def test_locks_the_charter_as_it_stands(self, office: Office) -> None:
        (charter,) = look(office).charters
        assert (charter.n, charter.person) == (1, "ben")
        assert (charter.body["baseline"], charter.body["target"], charter.body["ends"]) == (
            1,
            2,
            "2027-12-30",
        )
        assert (look(office).row.state, look(office).row.cap_posts) == ("running", 1000)

    def test_wants_an_admin_and_a_channel_that_config_knows(self, tmp_path: Path) -> None:
        office = self.new(tmp_path)
        with pytest.raises(Refused, match="may not start pilots"):
            pilots.start(office.store, office.config, office.person("cleo"), "hub")
        with pytest.raises(
            UsageFault, match=r"there is no channel 'hubb' in config\.toml – did you mean 'hub'"
        ):
            office.start("hubb")

    def test_is_refused_after_its_end_by_the_agencys_own_calendar(self, tmp_path: Path) -> None:
        office = self.new(tmp_path)
        office.now = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
        office.edit_config('ends = "400d"', "ends = 2026-11-25")
        office.start("hub")
        assert look(office).row.ends == date(2026, 11, 25)
        office.wait(timedelta(hours=3))
        with pytest.raises(Refused, match="ended on 2026-11-25"):
            office.start("site")

    def test_twice_is_refused(self, office: Office) -> None:
        with pytest.raises(Refused, match="the pilot of hub is running already"):
            office.start("hub")

    def test_is_needed_before_anything_goes_out(self, tmp_path: Path) -> None:
        office = self.new(tmp_path)
        office.start("site")
        office.release("road")
        office.work()
        assert (office.one("road", "site").state, office.one("road", "hub").state) == ("live", "held")
        assert office.one("road", "hub").reason == "the pilot of hub is proposed"
        office.start("hub")
        office.work()
        assert office.one("road", "hub").state == "live"


class TestEachAlone:
    @pytest.mark.parametrize("verbs", ["suspend", "suspend resume", "graduate", "retire", "suspend retire"])
    def test_leaves_every_other_channels_rows_byte_for_byte_as_they_were(
        self, office: Office, verbs: str
    ) -> None:
        for slug in ("road", "water", "gas"):
            office.release(slug)
        office.wait(60)
        office.work()
        before = {name: office.rows_of(name) for name in ("site", "board")}
        mine = office.rows_of("hub")
        for verb in verbs.split():
            do(office, getattr(pilots, verb))
        assert {name: office.rows_of(name) for name in ("site", "board")} == before
        assert office.rows_of("hub") != mine
        housekeeping.keep(office.store, office.config, office.bench, "office", at_once=True)
        assert {name: office.rows_of(name) for name in ("site", "board")} == before

    def test_others_publish_on_time_while_one_is_suspended(self, office: Office) -> None:
        do(office, pilots.suspend)
        office.release("road")
        office.wait(60)
        office.work()
        assert [office.one("road", name).state for name in ("site", "hub", "board")] == [
            "live",
            "held",
            "live",
        ]


class TestSuspending:
    def test_holds_what_is_queued_and_resumes_to_running(self, office: Office) -> None:
        office.release("road")
        found = do(office, pilots.suspend, reason="complaints")
        assert (found.row.state, found.row.resumes_to) == ("suspended", "running")
        assert office.one("road", "hub").reason == "the pilot of hub is suspended: complaints"
        assert do(office, pilots.resume).row.state == "running"
        office.wait(60)
        office.work()
        assert office.one("road", "hub").state == "live"

    def test_resumes_to_graduated_without_cap_or_end(self, office: Office) -> None:
        do(office, pilots.graduate)
        do(office, pilots.suspend)
        office.edit_config("caps = { posts = 1000 }", "caps = { posts = 7 }")
        housekeeping.take_over(office.store, office.config, office.bench, replan=False)
        row = do(office, pilots.resume).row
        assert (row.state, row.ends, row.cap_posts) == ("graduated", None, None)

    def test_can_only_be_ended_by_resuming_what_is_suspended(self, office: Office) -> None:
        with pytest.raises(Refused, match="the pilot of hub is running, not suspended"):
            do(office, pilots.resume)


@pytest.mark.parametrize("verb", [pilots.suspend, pilots.resume, pilots.graduate, pilots.retire])
def test_a_decision_is_an_admins(office: Office, verb: Verb) -> None:
    with pytest.raises(Refused, match="needs the role admin"):
        do(office, verb, by="cleo")
    assert look(office).row.state == "running"


class TestRetiring:
    def test_cancels_what_waits_and_publishes_nothing_more(self, office: Office) -> None:
        office.release("road")
        office.release("water")
        office.wait(60)
        office.work()
        found = do(office, pilots.retire)
        assert (found.row.state, found.open_question) == ("retired", 0)
        assert (office.one("road", "hub").state, office.one("water", "hub").state) == ("live", "cancelled")
        assert office.one("water", "hub").reason == "the pilot of hub was retired: as decided"
        with pytest.raises(Refused):
            office.start("hub")

    def test_keeps_what_is_uncertain_until_it_is_settled(self, office: Office) -> None:
        office.platforms["hub"].script = [Uncertain("no answer")]
        office.release("road")
        office.wait(60)
        office.work()
        assert do(office, pilots.retire).open_question == 1
        row = office.one("road", "hub")
        assert row.state == "uncertain"
        resolving.resolve_live(office.store, office.person("ben"), row.id, "https://hub.example/1", None)
        assert look(office).open_question == 0


class TestTheCharter:
    def test_edited_after_the_start_is_a_new_version_and_both_are_kept(self, office: Office) -> None:
        office.edit_config("target = 2\nowner", "target = 5\nowner")
        housekeeping.take_over(office.store, office.config, office.bench, replan=False)
        housekeeping.take_over(office.store, office.config, office.bench, replan=False)
        charters = look(office).charters
        assert [(charter.n, charter.body["target"], charter.person) for charter in charters] == [
            (1, 2, "ben"),
            (2, 5, "daemon"),
        ]
        (event,) = [event for event in office.events("pilot.charter", channel="hub") if event.old]
        assert (event.old, event.new, event.why) == ("1", "2", "config.toml was edited")

    def test_edited_binds_with_its_new_cap_and_end(self, office: Office) -> None:
        office.edit_config("caps = { posts = 1000 }", "caps = { minutes = 9 }")
        office.edit_config('ends = "400d"', "ends = 2026-12-24")
        housekeeping.take_over(office.store, office.config, office.bench, replan=False)
        assert (look(office).row.cap_posts, look(office).row.ends) == (None, date(2026, 12, 24))

    def test_of_a_pilot_that_never_started_or_is_over_is_nobodys_new_version(self, tmp_path: Path) -> None:
        office = Office(tmp_path, {"site": Scripted("site", PLAIN), "hub": Scripted("hub", PLAIN)})
        office.start("hub")
        do(office, pilots.retire)
        look(office, "site")
        office.edit_config("target = 2\nowner", "target = 5\nowner")
        housekeeping.take_over(office.store, office.config, office.bench, replan=False)
        assert (len(look(office).charters), look(office, "site").charters) == (1, [])


def test_counts_and_lag_come_from_what_is_recorded(office: Office) -> None:
    office.release("road")
    office.release("water")
    office.wait(120)
    office.work()
    assert look(office).counts == {"live": 1, "queued": 1}
    with office.store.read() as conn:
        (lag,) = views.lags(conn, "hub")
    assert timedelta(minutes=1) <= lag <= timedelta(minutes=2, milliseconds=1)


def test_every_decision_is_an_event_with_its_reason(office: Office) -> None:
    steps: list[tuple[Any, str]] = [
        (pilots.suspend, "complaints"),
        (pilots.resume, "settled"),
        (pilots.graduate, "it helps"),
        (pilots.retire, "the platform closes"),
    ]
    for verb, reason in steps:
        do(office, verb, reason=reason)
    whys = [event.why for event in office.events(channel="hub") if event.subject == "pilot:hub"]
    assert whys[-4:] == [reason for _, reason in steps]
