"""The other channels of a post wait for its main one: as soon as that got on, somebody has to look."""

from __future__ import annotations

from collections.abc import Callable

AT_MOST_EVERY = 0.25
"""In seconds: a look costs more than a delivery, and a wave of posts is many deliveries."""


class Following:
    """A lane's work that rings when the main channel got on: at once, then now and then, and after the last piece."""

    def __init__(
        self,
        work: Callable[[str], bool],
        main: Callable[[], str],
        ring: Callable[[], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._work = work
        self._main = main
        self._ring = ring
        self._monotonic = monotonic
        self._rang_at = float("-inf")
        self._news = False

    def __call__(self, channel: str) -> bool:
        """Do one piece of a channel's work; True when there may be more."""
        did = False
        try:
            did = self._work(channel)
        finally:
            if channel == self._main():
                self._note(did=did)
        return did

    def _note(self, *, did: bool) -> None:
        if did:
            self._news = True
        if self._news and (not did or self._monotonic() >= self._rang_at + AT_MOST_EVERY):
            self._news, self._rang_at = False, self._monotonic()
            self._ring()
