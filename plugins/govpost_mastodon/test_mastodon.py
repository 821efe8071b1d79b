"""The plugin keeps the contract."""

from govpost.testing import PlatformContract
from govpost_mastodon import Mastodon, govpost_platforms


class TestMastodonKeepsTheContract(PlatformContract):
    platform = Mastodon()


def test_the_hook_brings_one_platform():
    assert [platform.name for platform in govpost_platforms()] == ["mastodon"]
