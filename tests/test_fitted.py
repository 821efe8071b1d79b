"""Channels fitted out: settings checked by their platform, secrets only when they are used."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import BaseModel, field_validator

from govpost import fitted
from govpost.domain import Capabilities, Channel
from govpost.errors import Mistakes, Refused
from office import Changing, Office, Scripted

PLAIN = Capabilities(max_chars=300)


class Settings(BaseModel, frozen=True, extra="forbid"):
    room: str
    folder: Path = Path("out")
    wait: timedelta = timedelta(hours=1)

    @field_validator("room")
    @classmethod
    def _known(cls, room: str) -> str:
        if room == "attic":
            raise ValueError("there is no attic")
        if room == "cellar":
            raise KeyError("the plugin broke")
        return room


class Unreadable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("nobody reads this")


class Careful(Scripted):
    Settings = Settings

    def adapted(self, channel: Channel) -> Capabilities:
        if channel.settings["room"] == "roof":
            raise RuntimeError("no roof")
        if channel.settings["room"] == "door":
            raise SystemExit(4)
        if channel.settings["room"] == "fog":
            raise Unreadable
        if channel.settings["room"] == "void":
            return cast("Capabilities", None)
        return replace(self.capabilities, max_chars=len(channel.settings["room"]))


def open_office(root: Path, **platforms: Scripted) -> Office:
    return Office(root, platforms or {"hub": Careful("hub", PLAIN), "notes": Scripted("notes", PLAIN)})


def edit(office: Office, old: str, new: str) -> None:
    path = office.root / "config.toml"
    path.write_text(path.read_text().replace(old, new))
    from govpost.config import load

    office.config = load(office.root)


def test_settings_are_checked_and_filled_in_by_their_platform(tmp_path: Path) -> None:
    hub = open_office(tmp_path).fitted["hub"]
    assert hub.channel.settings == {"room": "hub", "folder": str(tmp_path / "out"), "wait": "PT1H"}
    assert hub.channel.secrets == {}
    assert hub.capabilities.max_chars == 3


def test_settings_pass_as_they_are_where_the_platform_says_nothing_of_them(tmp_path: Path) -> None:
    notes = open_office(tmp_path).fitted["notes"]
    assert notes.channel.settings == {"room": "notes"}
    assert notes.capabilities == PLAIN


def test_what_a_platform_can_do_besides_publishing_is_seen_on_it(tmp_path: Path) -> None:
    office = open_office(tmp_path, plain=Scripted("plain", PLAIN), able=Changing("able", PLAIN))
    plain, able = office.fitted["plain"], office.fitted["able"]
    assert (plain.stages, plain.confirms, plain.amends, plain.withdraws) == (False, False, False, False)
    assert (able.stages, able.confirms, able.amends, able.withdraws) == (False, True, True, True)


def test_a_channel_whose_platform_is_not_loaded_is_left_out(tmp_path: Path) -> None:
    office = open_office(tmp_path)
    del office.registry.platforms["notes"]
    assert list(fitted.fit_all(office.config, office.registry)) == ["hub"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('room = "attic"', "settings.room: there is no attic"),
        (
            'rom = "hub", room = "x"',
            "settings.rom: there is no such setting – did you mean 'room'?",
        ),
        ("", "settings.room: is missing"),
        ("room = 7", "settings.room: must be text; put it in quotes"),
    ],
)
def test_wrong_settings_name_file_line_and_key(tmp_path: Path, settings: str, said: str) -> None:
    office = open_office(tmp_path)
    edit(office, 'settings = { room = "hub" }', f"settings = {{ {settings} }}")
    with pytest.raises(Mistakes) as caught:
        fitted.fit_all(office.config, office.registry)
    (mistake,) = caught.value.mistakes
    lines = (tmp_path / "config.toml").read_text().splitlines()
    assert mistake.line is not None
    assert lines[mistake.line - 1].startswith("settings =") or lines[mistake.line - 1].startswith(
        "[channels.hub"
    )
    assert str(mistake).startswith(f"config.toml:{mistake.line}: [channels.hub] ")
    assert said in str(mistake)
    assert "README" in mistake.tip


def test_all_wrong_settings_are_named_at_once(tmp_path: Path) -> None:
    both: dict[str, Any] = {name: Careful(name, PLAIN) for name in ("hub", "news")}
    office = open_office(tmp_path, **both)
    edit(office, "room =", "rum =")
    with pytest.raises(Mistakes) as caught:
        fitted.fit_all(office.config, office.registry)
    assert {"hub", "news"} <= {
        str(each).split("channels.")[1].split("]")[0] for each in caught.value.mistakes
    }


@pytest.mark.parametrize("room", ["cellar", "roof", "door", "fog", "void"])
def test_a_plugin_that_breaks_at_its_settings_takes_no_other_channel_with_it(
    tmp_path: Path, room: str
) -> None:
    office = open_office(tmp_path)
    edit(office, 'room = "hub"', f'room = "{room}"')
    broken: dict[str, str] = {}
    assert list(fitted.fit_all(office.config, office.registry, broken)) == ["notes"]
    assert broken["hub"].startswith("the plugin of hub breaks at its settings: ")


def test_what_a_plugin_does_to_its_settings_reaches_no_later_delivery(tmp_path: Path) -> None:
    class Grabbing(Scripted):
        def adapted(self, channel: Channel) -> Capabilities:
            channel.settings["room"] = "elsewhere"  # type: ignore[index]
            return self.capabilities

    office = open_office(tmp_path, hub=Grabbing("hub", PLAIN))
    hub = office.fitted["hub"]
    hub.with_secrets().settings["room"] = "elsewhere"  # type: ignore[index]
    assert hub.with_secrets().settings == {"room": "hub"}
    assert office.config.channels["hub"].settings == {"room": "hub"}


def test_secrets_are_there_only_when_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = open_office(tmp_path)
    edit(
        office,
        'settings = { room = "hub" }',
        'settings = { room = "hub" }\nsecrets = { key = "env:HUB_KEY" }',
    )
    hub = fitted.fit_all(office.config, office.registry)["hub"]
    monkeypatch.delenv("HUB_KEY", raising=False)
    with pytest.raises(Refused, match="HUB_KEY is not set"):
        hub.with_secrets()
    monkeypatch.setenv("HUB_KEY", "s3cret")
    assert hub.with_secrets().secrets == {"key": "s3cret"}
    assert hub.channel.secrets == {}
