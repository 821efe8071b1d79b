"""Which daemons are alive, and which stands back because it works by something older than the newest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from govpost import hookimpl
from govpost.cli import pulse
from govpost.daemon import peers
from govpost.domain import Capabilities
from govpost.registry import Registry, load
from govpost.store.machine_rows import DaemonRecord
from office import Office, Scripted

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def row(name: str, **known: Any) -> DaemonRecord:
    fields = {
        "id": name,
        "host": f"host-{name}",
        "pid": 7,
        "version": "1",
        "started_at": NOW,
        "heartbeat_at": NOW - timedelta(seconds=3),
        "state": "running",
        "config_hash": "aaaa",
        "config_at": NOW,
        "plugins_hash": "hub:1",
        "loaded_at": NOW,
    }
    return DaemonRecord(**fields | known)


def test_one_that_agrees_with_all_others_works() -> None:
    assert peers.stands_back(row("a"), [row("b"), row("c")], NOW) == ""
    assert peers.stands_back(row("a"), [], NOW) == ""


def test_one_with_an_older_config_stands_back_and_the_newest_does_not() -> None:
    new = row("new", config_hash="bbbb", config_at=NOW + timedelta(seconds=1))
    said = peers.stands_back(row("old"), [new, row("c")], NOW, file="/srv/city/config.toml")
    assert said.startswith(
        "/srv/city/config.toml on host-old (process 7), written 2026-11-25 12:00:00 UTC, is older than that of"
        " the daemon on host-new (process 7), written 2026-11-25 12:00:01 UTC: "
    )
    assert peers.has_older_config(row("old", why=said))
    assert "touch it" in said
    assert peers.stands_back(new, [row("old"), row("c")], NOW) == ""


def test_status_tells_whoever_keeps_an_older_config_what_to_do_and_not_to_ask_the_doctor(
    tmp_path: Path,
) -> None:
    new = row("new", config_hash="bbbb", config_at=NOW + timedelta(seconds=1))
    old = row("old", why=peers.stands_back(row("old"), [new], NOW))
    beat = pulse.Pulse(daemons=[new, old], running=True, now=NOW)
    office = Office(tmp_path, {"hub": Scripted("hub", Capabilities(title=True))})
    with office.store.read() as conn:
        ((about, why, command),) = pulse.troubles(conn, beat)
    assert (about, why) == ("the daemon on host-old (process 7)", old.why)
    assert command == "copy the newer config.toml to host-old, or touch the one there if that is right"


def test_of_two_files_written_at_the_same_time_the_one_loaded_later_counts() -> None:
    late = row("late", config_hash="bbbb", loaded_at=NOW + timedelta(seconds=1))
    assert peers.stands_back(row("early"), [late], NOW)
    assert not peers.stands_back(late, [row("early")], NOW)


def test_exactly_one_of_two_stands_back_however_alike_they_are() -> None:
    one, other = row("a", config_hash="x"), row("b", config_hash="y")
    assert [bool(peers.stands_back(one, [other], NOW)), bool(peers.stands_back(other, [one], NOW))] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    "known",
    [
        {"state": "stopped"},
        {"state": "stopping"},
        {"state": "died"},
        {"heartbeat_at": NOW - timedelta(seconds=61)},
    ],
)
def test_who_is_not_at_work_does_not_count(known: dict[str, Any]) -> None:
    gone = row("gone", config_hash="bbbb", config_at=NOW + timedelta(days=1), **known)
    assert peers.stands_back(row("a"), [gone], NOW) == ""


def test_other_plugins_are_named_and_those_switched_off_do_not_count() -> None:
    new = row("new", plugins_hash="hub:2\nnews:1", loaded_at=NOW + timedelta(seconds=1))
    said = peers.stands_back(row("old"), [new], NOW)
    assert "what is loaded here of hub, news is not what the daemon on host-new" in said
    assert peers.stands_back(row("old"), [new], NOW, {"hub", "news"}) == ""
    assert "of news is not" in peers.stands_back(row("old"), [new], NOW, {"hub"})


def test_a_row_without_a_config_time_is_the_oldest() -> None:
    old = row("old", config_at=None, loaded_at=None, config_hash="bbbb")
    assert "written nobody knows when" in peers.stands_back(old, [row("new")], NOW)


def test_alive_is_who_was_heard_of_lately_and_never_said_it_ended() -> None:
    silent = row("b", heartbeat_at=NOW - peers.STALE - timedelta(seconds=1))
    before_the_clock_was_put_back = row("e", heartbeat_at=NOW + timedelta(hours=1))
    rows = [row("a"), silent, row("c", state="stopped"), row("d", state="stopping")]
    rows.append(before_the_clock_was_put_back)
    assert [each.id for each in peers.alive(rows, NOW)] == ["a", "d"]
    assert [each.id for each in rows if peers.is_silent(each, NOW)] == ["b", "e"]


class Hub:
    name = "hub"

    def __init__(self, **known: Any) -> None:
        self.capabilities = Capabilities(**known)

    def publish(self, variant: Any, channel: Any, http: Any) -> Any:
        raise NotImplementedError


def registry(version: str = "1", **known: Any) -> Registry:
    class Module:
        @hookimpl
        def govpost_platforms(self) -> list[Hub]:
            return [Hub(**known)]

    made = Registry()
    made.add("hub", version, "tests", Module)
    assert made.plugins[0].state == "loaded", made.plugins
    return made


def test_versions_and_capabilities_make_a_fingerprint() -> None:
    known = peers.fingerprints(registry())
    assert known == peers.fingerprints(registry())
    assert known.startswith("hub:")
    assert len({known, peers.fingerprints(registry("2")), peers.fingerprints(registry(max_chars=500))}) == 3


def test_the_order_of_a_set_is_no_difference() -> None:
    one, other = {"b", "a", "c"}, {"c", "b", "a"}
    assert peers.fingerprints(registry(media_types=one)) == peers.fingerprints(registry(media_types=other))


def test_an_edited_loose_plugin_has_another_fingerprint_and_a_broken_one_none(tmp_path: Path) -> None:
    text = (
        "from govpost import Capabilities, hookimpl\nclass Board:\n    name = 'board'\n"
        "    capabilities = Capabilities()\n    def publish(self, variant, channel, http): ...\n"
        "@hookimpl\ndef govpost_platforms(): return [Board()]\n"
    )
    (tmp_path / "board.py").write_text(text)
    before = peers.fingerprints(load(tmp_path, tmp_path, {}))
    (tmp_path / "board.py").write_text(text + "# mended\n")
    after = peers.fingerprints(load(tmp_path, tmp_path, {}))
    (tmp_path / "board.py").write_text("raise ValueError\n")
    broken = peers.fingerprints(load(tmp_path, tmp_path, {}))
    lines = [dict(line.split(":") for line in each.splitlines()) for each in (before, after, broken)]
    assert lines[0]["board"] != lines[1]["board"]
    assert "board" not in lines[2]
