"""From a delivery's key to the record's: the same each time, so that a repeat meets what is there."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta

from govpost import Variant

_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HASHED = 20
_CLOCK = 10


def tid(microseconds: int, clock: int) -> str:
    """Write a timestamp and a clock identifier of 10 bits as a TID (atproto.com specs/tid)."""
    value = microseconds << _CLOCK | clock
    return "".join(_ALPHABET[value >> 5 * place & 31] for place in reversed(range(13)))


def rkey(key: str) -> str:
    """Return the record key of a delivery's key (a UUIDv7): its time to the second, then 30 bits of its hash.

    The parts of a thread get their keys within one millisecond. A record key as exact as that would have only 20 bits
    to tell them apart; to the second (2²⁰ µs) it has 30.
    """
    hashed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) >> 2
    moment = _milliseconds(key) * 1000 >> _HASHED << _HASHED
    return tid(moment | hashed >> _CLOCK, hashed & (1 << _CLOCK) - 1)


def created_at(variant: Variant, after: str | None = None) -> str:
    """Return the instant a record bears: the due one, or a millisecond past `after`, that of the part before.

    All parts of a thread are due at once, and readers see them in the order of this instant.
    """
    moment = variant.at or _EPOCH + timedelta(milliseconds=_milliseconds(variant.key))
    if after is not None:
        moment = max(moment, datetime.fromisoformat(after) + timedelta(milliseconds=1))
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _milliseconds(key: str) -> int:
    return uuid.UUID(key).int >> 80
