"""A changed config.toml is an event that names the keys, never their values."""

from __future__ import annotations

from pathlib import Path

import pytest

from govpost import config_watch
from govpost.domain import Capabilities, Event
from govpost.store import chain
from office import Office, Scripted


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, {"hub": Scripted("hub", Capabilities())})


def note(office: Office) -> list[str]:
    with office.tx("daemon") as tx:
        return config_watch.note(tx, office.config)


def events(office: Office) -> list[Event]:
    with office.store.read() as conn:
        return [event for event in chain.find(conn) if event.verb.startswith("config.")]


def test_the_first_config_is_noted_once(office: Office) -> None:
    assert note(office)
    assert note(office) == []
    assert [event.verb for event in events(office)] == ["config.first"]


def test_a_change_names_its_keys_and_not_their_values(office: Office) -> None:
    note(office)
    before = office.config.hash
    office.edit_config('windows = ["always"]', 'windows = ["mon-fri 08:00-18:00"]\nper_day = 3')
    assert note(office) == ["channels.hub.rate.per_day", "channels.hub.rate.windows"]
    event = events(office)[-1]
    assert (event.verb, event.old, event.new) == ("config.change", before, office.config.hash)
    assert event.detail["keys"] == ["channels.hub.rate.per_day", "channels.hub.rate.windows"]
    assert "08:00" not in str(event)


def test_a_key_that_goes_is_named(office: Office) -> None:
    note(office)
    office.edit_config('deputy = "cleo"\n', "")
    assert note(office) == ["channels.hub.pilot.deputy"]


def test_an_edit_that_changes_no_key_is_an_event_all_the_same(office: Office) -> None:
    note(office)
    office.edit_config("[security]", "# a remark\n[security]")
    assert note(office) == []
    assert events(office)[-1].detail["keys"] == []


def test_an_empty_table_is_a_key_too(office: Office) -> None:
    note(office)
    office.edit_config("[security]", "[plugins]\n[security]")
    assert note(office) == ["plugins"]


def test_a_copy_that_was_deleted_comes_back(tmp_path: Path) -> None:
    office = Office(tmp_path, {"hub": Scripted("hub", Capabilities())})
    copy = tmp_path / ".govpost" / "config.last.toml"
    for _ in range(2):
        with office.tx() as tx:
            config_watch.note(tx, office.config)
        assert copy.read_text() == office.config.text
        assert copy.stat().st_mode & 0o777 == 0o600
        copy.unlink()
