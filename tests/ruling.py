"""A post in order and the policy it is held against, for the tests of the rules."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from govpost.contract import Rule, RuleContext
from govpost.domain import Capabilities, Draft, Finding, Media
from govpost.render import render
from govpost.times import Moment, moment_of_instant

ANYTHING = Capabilities()
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BRIDGE = Media(path=Path("bridge.jpg"), mime="image/jpeg", alt="Orange barriers")


def moment(hours: int) -> Moment:
    """A time so many hours from now."""
    return moment_of_instant(NOW.replace(hour=12 + hours), "UTC")


def context(*, capabilities: Capabilities = ANYTHING, policy: dict | None = None, **draft) -> RuleContext:
    """A context in which every rule is content, but for what is changed."""
    values = {
        "slug": "road",
        "path": Path("content/road.md"),
        "title": "Road closed",
        "body": "The road is closed.\nGo by Oak Street.",
        "goal": "safety",
        "audience": "residents",
        "channels": ("website", "hub"),
        "link": "https://a.gov/road",
        "lines": {
            "title": 2,
            "goal": 3,
            "channels": 5,
            "channels.1": 6,
            "media.0": 8,
            "expires": 9,
            "body": 12,
        },
    }
    post = Draft(**{**values, **draft})
    names = [name for name in dict.fromkeys(post.channels) if name in {"website", "hub"}]
    found = RuleContext(
        draft=post,
        variants={name: render(post, name, capabilities) for name in names},
        capabilities=dict.fromkeys(names, capabilities),
        channels=frozenset({"website", "hub"}),
        main_channel="website",
        goals=frozenset({"safety", "services"}),
        audiences=frozenset({"residents"}),
        topics=None,
        now=NOW,
    )
    return replace(found, **(policy or {}))


def said(rule: Rule, seen: RuleContext) -> list[Finding]:
    """What one rule says."""
    found = list(rule.check(seen))
    assert all(each.rule == rule.id for each in found)
    return found
