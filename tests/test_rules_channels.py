"""A post goes to known channels, within their limits, and nowhere twice."""

from dataclasses import replace

from govpost.domain import Capabilities
from govpost.rules.channels import OVER_LIMIT, REPEATED, UNKNOWN
from ruling import BRIDGE, context, said


def test_an_unknown_channel_blocks_and_the_nearest_one_is_named():
    (found,) = said(UNKNOWN, context(channels=("website", "hup")))
    assert found.message == "no channel is called 'hup' – did you mean 'hub'?"
    assert (found.line, found.channel, found.tip) == (6, "hup", "known: hub, website")


def test_wording_for_an_unknown_channel_blocks():
    (found,) = said(UNKNOWN, context(wording={"hup": ("x",)}))
    assert "'hup'" in found.message


def test_a_channel_that_stands_twice_blocks_once():
    (found,) = said(UNKNOWN, context(channels=("hub", "hub")))
    assert (found.message, found.line) == ("channel 'hub' stands twice", 6)


def test_a_post_without_channels_blocks():
    (found,) = said(UNKNOWN, context(channels=(), policy={"channels": frozenset()}))
    assert found.message == "the post goes to no channel"
    assert "none yet" in found.tip


def test_a_text_over_a_channels_limit_blocks_and_says_channel_count_limit_and_by_how_much():
    seen = context(capabilities=Capabilities(max_chars=30), channels=("hub",), link=None)
    (found,) = said(OVER_LIMIT, seen)
    assert found.message == "on hub the text has 37 characters, 7 over the limit of 30"
    assert found.tip.endswith('wording: { hub: "…" }')
    assert (found.line, found.channel) == (12, "hub")


def test_a_part_over_the_limit_is_named():
    seen = context(capabilities=Capabilities(max_chars=18, threads=True), channels=("hub",), link=None)
    (found,) = said(OVER_LIMIT, seen)
    assert found.message == "on hub, part 1 of 2: the text has 19 characters, 1 over the limit of 18"


def test_a_wording_over_the_limit_points_to_its_line():
    more = {"wording": {"hub": ("much too long",)}, "lines": {"wording": 7, "body": 12}}
    (found,) = said(OVER_LIMIT, context(capabilities=Capabilities(max_chars=5), channels=("hub",), **more))
    assert found.line == 7


def test_a_wording_in_parts_blocks_where_there_are_no_threads():
    (found,) = said(OVER_LIMIT, context(channels=("hub",), wording={"hub": ("One.", "Two.")}))
    assert found.message == "on hub there are no threads, and the wording has 2 parts"


def test_media_that_do_not_fit_block_at_their_line():
    capabilities = Capabilities(max_media=1, max_alt=10)
    seen = context(
        capabilities=capabilities, channels=("hub",), media=(replace(BRIDGE, alt="Barriers"), BRIDGE)
    )
    many, long = said(OVER_LIMIT, seen)
    assert many.message == "on hub there are 2 media files, the limit is 1"
    assert long.message.startswith("on hub bridge.jpg has a description of 15 characters")
    assert "take hub out of 'channels'" in long.tip


def test_a_channel_whose_platform_is_not_loaded_is_not_measured():
    assert said(OVER_LIMIT, context(policy={"capabilities": {}})) == []


def test_the_same_text_on_the_same_channel_within_seven_days_blocks():
    (found,) = said(REPEATED, context(policy={"repeats": {"hub": "old-road"}}))
    assert found.message == "on hub the same text is in the post 'old-road' within seven days"
    assert (found.line, found.channel) == (12, "hub")
