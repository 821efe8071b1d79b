"""Bluesky keeps the contract."""

from govpost.testing import PlatformContract
from govpost_bluesky import Bluesky


class TestBlueskyKeepsTheContract(PlatformContract):
    platform = Bluesky()
