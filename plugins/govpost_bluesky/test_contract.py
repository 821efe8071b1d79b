"""Bluesky keeps the contract."""

from govpost.testing import PlatformContract
from govpost_bluesky import Bluesky, govpost_platforms


class TestBlueskyKeepsTheContract(PlatformContract):
    platform = Bluesky()


def test_the_hook_brings_one_platform():
    assert [platform.name for platform in govpost_platforms()] == ["bluesky"]
