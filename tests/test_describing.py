"""What a platform can and cannot is read from the platform itself."""

from __future__ import annotations

from datetime import timedelta

from board import Board, Letters
from cli_city import city
from govpost import Capabilities
from govpost.cli.describing import abilities, markdown


class Bare:
    name = "bare"
    capabilities = Capabilities(max_chars=280, count="weighted", link_chars=23, max_bytes=900, max_media=0)

    def publish(self, variant, channel, http):
        raise NotImplementedError


class Adapted(Bare):
    capabilities = Capabilities(
        short_mentions=True,
        counted_options=("spoiler",),
        max_alt=1500,
        idempotent_for=timedelta(days=3650),
    )

    def adapted(self, channel):
        return self.capabilities


def told(platform):
    return {each.what: (each.can, each.how) for each in abilities(platform)}


def test_a_bare_platform_says_what_happens_instead():
    says = told(Bare())
    assert (
        says["text"][1] == "plain text, up to 280 weighted characters; 900 bytes at most; each link counts 23"
    )
    assert says["pictures"] == (False, "a post with pictures is refused before it is approved")
    assert says["correct a post"] == (
        False,
        "a correction is published as a new post that points to the old one",
    )
    assert says["take a post down"] == (
        False,
        "govpost says so and names the address; a person takes it down by hand",
    )
    assert says["repeat a lost request safely"] == (False, "never repeated blindly")
    assert says["threads"][0] is False


def test_every_part_that_is_there_is_named():
    says = told(Board())
    cannot = {what for what, (can, _) in says.items() if not can}
    assert cannot == {"send a copy to each recipient"}
    assert (
        says["options of its own in a post"][1] == "`warning`, `loud`, under `options:` in the front matter"
    )
    assert says["repeat a lost request safely"][1] == "for 1 h: the platform knows the key again"
    assert (
        says["limits that differ by channel"][1]
        == "taken from what the server says of itself; above are the defaults"
    )
    assert told(Letters())["send a copy to each recipient"][0] is True


def test_limits_are_said_in_words():
    says = told(Adapted())
    assert (
        says["text"][1]
        == "plain text, of any length; of @user@host only @user counts; `spoiler` counts as well"
    )
    assert says["descriptions of pictures"] == (True, "up to 1,500 characters")
    assert says["repeat a lost request safely"][1] == "at any time: the platform knows the key again"
    assert (
        says["limits that differ by channel"][1]
        == "taken from the channel's settings; above are the defaults"
    )


def test_the_table_for_a_readme_has_a_row_for_each():
    lines = markdown(Bare()).splitlines()
    assert lines[0] == "| what | can it | how, or what happens instead |"
    assert len(lines) == 2 + len(abilities(Bare()))
    assert "| threads | no | a text that is too long is refused before it is approved |" in lines


def test_plugin_show_says_what_its_platforms_can_and_cannot(tmp_path):
    riverton = city(tmp_path)
    said = riverton.ok("plugin", "show", "website").out
    assert "what website can and cannot" in said
    assert "no   count what became of a post" in said
    found = riverton.ask("plugin", "show", "webhook")
    assert found["state"] == "loaded"
    withdraw = next(each for each in found["can"] if each["what"] == "take a post down")
    assert (withdraw["platform"], withdraw["can"]) == ("webhook", False)
    assert riverton.run("plugin", "show", "webhok").code == 2


def test_a_plugin_that_does_not_load_is_shown_with_its_reason(tmp_path):
    riverton = city(tmp_path)
    (riverton.root / "plugins").mkdir(exist_ok=True)
    (riverton.root / "plugins" / "broken.py").write_text("import nothing_of_that_name\n")
    assert "nothing_of_that_name" in riverton.ok("plugin", "show", "broken").out
    assert riverton.ask("plugin", "show", "broken")["can"] == []


def test_plugin_check_names_each_check_with_the_counts(tmp_path):
    riverton = city(tmp_path)
    said = riverton.ok("plugin", "check", "webhook").out
    assert "What a failure means" in said
    assert "a lost answer is uncertain" in said
    results = riverton.ask("plugin", "check", "webhook")
    passed = sum(each["ok"] and not each["skipped"] for each in results)
    skipped = sum(each["skipped"] for each in results)
    assert f"webhook: {passed} of {passed} passed, {skipped} did not apply, 0 failed" in said
    assert all(each["message"] for each in results if each["skipped"])
