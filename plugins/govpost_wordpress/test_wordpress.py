"""The plugin keeps the contract."""

from __future__ import annotations

from govpost.testing import PlatformContract
from govpost_wordpress import WordPress


class TestWordPressKeepsTheContract(PlatformContract):
    platform = WordPress()
