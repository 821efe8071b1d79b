"""Waiting inside an attempt, for plugins: within its deadline, and only while nobody asks to stop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from govpost.errors import Unavailable
from govpost.wire_attempt import Client

if TYPE_CHECKING:
    import httpx2

_NAP = 0.25
_RESERVE = 5.0


def polls(http: httpx2.Client, *, every: float = 1.0, longest: float = 60.0) -> Iterator[int]:
    """Yield 0 at once, then 1, 2 … every `every` seconds; end after `longest` seconds or shortly before the deadline.

    Raises `Unavailable` when waiting has to stop, say at a freeze.
    """
    client = _ours(http)
    waited, turn = 0.0, 0
    while True:
        yield turn
        turn += 1
        if waited + every > longest or every + _RESERVE > time_left(http):
            return
        waited += _rest(client, every)


def time_left(http: httpx2.Client) -> float:
    """Return how many seconds this attempt may still take, for a plugin that opens connections of its own."""
    return max(0.0, _ours(http).budget.left())


def _rest(client: Client, seconds: float) -> float:
    left = seconds
    while left > 0:
        if client.stop():
            raise Unavailable("the wait for the platform was ended")
        client.sleep(min(_NAP, left))
        left -= _NAP
    return seconds


def _ours(http: httpx2.Client) -> Client:
    if not isinstance(http, Client):
        raise TypeError("this is not the client that govpost hands to platforms")
    return http
