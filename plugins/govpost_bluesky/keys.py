"""From a delivery's key to the record's: the same each time, so that a repeat meets what is there."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta

from govpost import Variant

_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK = 10
_LENGTH = 13


def tid(microseconds: int, clock: int) -> str:
    """Write a timestamp and a clock identifier of 10 bits as a TID (atproto.com specs/tid)."""
    value = microseconds << _CLOCK | clock
    return "".join(_ALPHABET[value >> 5 * place & 31] for place in reversed(range(_LENGTH)))


def rkey(variant: Variant) -> str:
    """Return the record key of a delivery: the millisecond of its key (a UUIDv7), then 20 bits of the key's hash.

    The keys of a thread's parts are of one millisecond; each part comes a millisecond after the one it replies to, so
    that no two can meet and the server lists them in their order.
    """
    hashed = int.from_bytes(hashlib.sha256(variant.key.encode()).digest()[:8])
    milliseconds = max(_milliseconds(variant.key), _before(variant.reply_to) + 1)
    return tid(milliseconds * 1000 + hashed % 1000, (hashed >> 32) & (1 << _CLOCK) - 1)


def _before(reply_to: str | None) -> int:
    """Return the millisecond of the record that a part replies to."""
    name = (reply_to or "").rpartition("/")[2]
    if len(name) != _LENGTH or set(name) - set(_ALPHABET):
        return 0
    value = 0
    for letter in name:
        value = value << 5 | _ALPHABET.index(letter)
    return (value >> _CLOCK) // 1000


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
