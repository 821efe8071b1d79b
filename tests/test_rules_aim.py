"""A post says what it is for, whom it is for, and where the official page is."""

import pytest

from govpost.rules.aim import MISSING, NO_OFFICIAL_PAGE
from ruling import context, said


@pytest.mark.parametrize("key", ["goal", "audience"])
def test_a_post_without_goal_or_audience_blocks(key):
    (found,) = said(MISSING, context(**{key: None}))
    assert found.message == f"the post has no {key}"
    assert f"'{key}: …'" in found.tip


def test_an_unknown_goal_blocks_and_the_nearest_one_is_named():
    (found,) = said(MISSING, context(goal="safty"))
    assert found.message == "no goal of the strategy is called 'safty' – did you mean 'safety'?"
    assert (found.line, found.tip) == (3, "known: safety, services")


def test_a_strategy_without_audiences_says_where_to_write_them():
    (found,) = said(MISSING, context(policy={"audiences": frozenset()}))
    assert "[strategy.audiences.…] in config.toml" in found.tip


def test_a_topic_is_free_until_the_strategy_lists_topics():
    assert said(MISSING, context(topic="rods")) == []
    topics = {"topics": frozenset({"roads"})}
    (found,) = said(MISSING, context(topic="rods", policy=topics))
    assert "no topic of the strategy is called 'rods' – did you mean 'roads'?" in found.message
    assert said(MISSING, context(topic=None, policy=topics)) == []


def test_a_post_needs_a_link_or_the_main_channel():
    assert said(NO_OFFICIAL_PAGE, context(channels=("hub",))) == []
    assert said(NO_OFFICIAL_PAGE, context(link=None)) == []
    (found,) = said(NO_OFFICIAL_PAGE, context(link=None, channels=("hub",)))
    assert (found.line, "website" in found.tip) == (5, True)


def test_without_a_main_channel_only_the_link_helps():
    (found,) = said(NO_OFFICIAL_PAGE, context(link=None, policy={"main_channel": ""}))
    assert found.tip == "write 'link: https://…' in the front matter"
