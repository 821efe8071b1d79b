"""The conformance suite of the optional parts: honest platforms pass, and each lie is caught by its own check."""

from __future__ import annotations

from board import Board, Letters
from govpost.testing import PlatformContract


class TestAnHonestPlatformKeepsEveryPart(PlatformContract):
    platform = Board()


class TestAnHonestPlatformWithRecipientsKeepsEveryPart(PlatformContract):
    platform = Letters()
