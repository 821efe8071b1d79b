"""What a post asks of one platform alone: checked by that platform, shown, approved, and sent as approved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, field_validator

from govpost.domain import Capabilities, Channel, Variant
from govpost.errors import Mistakes
from govpost.render import counted, fits, render
from office import Office, Scripted

ABLE = Capabilities(max_chars=60, threads=True, counted_options=("warning",))


class Options(BaseModel, frozen=True, extra="forbid"):
    warning: str = ""
    tags: tuple[str, ...] = ()


class Fediverse(Scripted):
    Options = Options


def office_with(tmp_path: Path, platform: Scripted | None = None) -> Office:
    office = Office(tmp_path, {"hub": platform or Fediverse("hub", ABLE)})
    office.start()
    return office


def test_options_reach_the_plugin_with_every_part(tmp_path: Path) -> None:
    office = office_with(tmp_path)
    office.release(
        "road", "One sentence here. " * 6, more="options:\n  hub: { warning: Storm, tags: [a, b] }"
    )
    office.work()
    calls = office.platforms["hub"].calls
    assert len(calls) > 1
    assert all(call.options == {"warning": "Storm", "tags": ["a", "b"]} for call in calls)


def test_a_changed_option_is_a_changed_post(tmp_path: Path) -> None:
    office = office_with(tmp_path)
    office.write("road", more="options:\n  hub: { warning: Storm }")
    first = office.take_in("road").post
    office.write("road", more="options:\n  hub: { warning: Flood }")
    second = office.take_in("road").post
    assert first and second
    assert first.digest != second.digest


@pytest.mark.parametrize(
    ("more", "said", "line"),
    [
        (
            "options:\n  hub:\n    warnin: Storm",
            "warnin: there is no such option – did you mean 'warning'?",
            10,
        ),
        ("options:\n  hub:\n    tags: 7", "tags: must be a list, such as [Notices]", 10),
    ],
)
def test_a_wrong_option_is_told_with_its_line(tmp_path: Path, more: str, said: str, line: int) -> None:
    office = office_with(tmp_path)
    office.write("road", more=more)
    with pytest.raises(Mistakes) as caught:
        office.take_in("road")
    (mistake,) = caught.value.mistakes
    assert (mistake.message, mistake.line) == (f"options.hub.{said}", line)
    assert "README" in mistake.tip


def test_a_platform_without_options_says_so(tmp_path: Path) -> None:
    office = office_with(tmp_path, Scripted("hub", ABLE))
    office.write("road", more="options:\n  hub: { warning: Storm }")
    with pytest.raises(Mistakes, match="the platform hub takes no options"):
        office.take_in("road")


def test_options_for_an_unknown_channel_block_the_post(tmp_path: Path) -> None:
    office = office_with(tmp_path)
    office.write("road", more="options:\n  hbu: { warning: Storm }")
    taken = office.take_in("road")
    assert "no channel is called 'hbu' – did you mean 'hub'?" in [f.message for f in taken.checked.findings]


def test_options_must_be_tables(tmp_path: Path) -> None:
    office = office_with(tmp_path)
    office.write("road", more="options:\n  hub: loud")
    with pytest.raises(Mistakes, match="must hold keys and values"):
        office.take_in("road")


def test_values_of_any_depth_are_kept_as_json(tmp_path: Path) -> None:
    office = office_with(tmp_path)
    more = "options:\n  other: { a: [1, 2.5, true, null, { b: x }], d: 2026-11-21 }"
    office.write("road", more=more)
    taken = office.take_in("road")
    assert taken.checked.draft.options["other"] == {"a": [1, 2.5, True, None, {"b": "x"}], "d": "2026-11-21"}


def test_words_of_an_option_count_with_the_text_where_the_platform_says_so(tmp_path: Path) -> None:
    office = office_with(tmp_path)
    office.write("road", "x" * 58, more="options:\n  hub: { warning: Storm }\nwording:\n  hub: " + "x" * 58)
    checked = office.take_in("road").checked
    (part,) = checked.variants["hub"]
    assert counted(part, ABLE) == 63
    assert fits(part, ABLE) == ["the text has 63 characters, 3 over the limit of 60"]
    assert checked.blocked


def test_a_thread_leaves_room_for_the_words_of_the_options(tmp_path: Path) -> None:
    office = office_with(tmp_path)
    office.write(
        "road", "Five words make one sentence. " * 8, more="options:\n  hub: { warning: A long warning }"
    )
    draft = office.take_in("road").checked.draft
    parts = render(draft, "hub", ABLE)
    assert len(parts) > 1
    assert all(counted(part, ABLE) <= 60 for part in parts)


def test_a_limit_of_bytes_holds_besides_the_limit_of_characters() -> None:
    able = Capabilities(max_chars=300, max_bytes=30)
    assert fits(Variant(key="", text="a" * 30), able) == []
    assert fits(Variant(key="", text="ñ" * 16), able) == ["the text has 32 bytes, 2 over the limit of 30"]


class Choosy(Scripted):
    """It will not take a post about bridges."""

    def refusals(self, variant: Variant, channel: Channel) -> list[str]:
        if "crash" in variant.text:
            raise KeyError("poll")
        return ["it holds a bridge"] if "bridge" in variant.text else []


def test_what_the_platform_will_not_take_blocks_the_post_before_anybody_approves_it(tmp_path: Path) -> None:
    office = office_with(tmp_path, Choosy("hub", Capabilities()))
    office.write("road", "The bridge is closed.")
    taken = office.take_in("road")
    assert taken.post is None
    assert "hub will not take it: it holds a bridge" in [each.message for each in taken.checked.findings]
    office.write("road", "A crash on Main Street.")
    found = [each.message for each in office.take_in("road").checked.findings]
    assert found == ["hub will not take it: the plugin of hub breaks at it: KeyError: 'poll'"]


def test_what_it_will_not_take_any_more_is_stopped_at_the_gate(tmp_path: Path) -> None:
    hub = Choosy("hub", Capabilities())
    office = office_with(tmp_path, hub)
    office.release("road", "The road is closed.")
    hub.refusals = lambda variant, channel: ["its limits have changed"]  # type: ignore[method-assign]
    office.work()
    assert (office.states("road"), hub.calls) == (["failed"], [])
    assert office.one("road").reason == "its limits have changed"


class Breaking(BaseModel, frozen=True):
    """Options whose own check breaks."""

    tone: Any = None

    @field_validator("tone")
    @classmethod
    def known(cls, tone: str) -> str:
        known: dict[str, str] = {}
        return known[tone]


class Careless(Fediverse):
    Options = Breaking  # type: ignore[assignment]


def test_options_that_break_their_plugin_are_a_line_that_names_it(tmp_path: Path) -> None:
    office = office_with(tmp_path, Careless("hub", ABLE))
    office.write("road", more="options:\n  hub: { tone: loud }")
    with pytest.raises(Mistakes) as caught:
        office.take_in("road")
    (mistake,) = caught.value.mistakes
    assert mistake.message == "options.hub: the plugin of hub breaks at these options: KeyError: 'loud'"
    assert mistake.line == 9


def test_words_for_a_channel_the_post_does_not_go_to_are_named(tmp_path: Path) -> None:
    office = Office(tmp_path, {"hub": Fediverse("hub", ABLE), "board": Scripted("board", ABLE)})
    office.start()
    office.write("road", channels=["board"], more="wording:\n  hub: Hello\noptions:\n  hub: { warning: x }")
    taken = office.take_in("road")
    assert taken.post is not None
    said = [(each.severity, each.message) for each in taken.checked.findings]
    assert said == [
        ("warns", "wording.hub is not used: the post does not go there"),
        ("warns", "options.hub is not used: the post does not go there"),
    ]
