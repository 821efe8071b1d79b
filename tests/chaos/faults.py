"""What the hostile platform does with a request: drawn from a seed, so that a run can be had again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

TEMPERAMENTS = ("none", "key", "lookup", "text")
"""No idempotency; an idempotency key; a look-up by key; a look-up by text."""


@dataclass(frozen=True)
class Fault:
    """One way to fail. `takes`: the post is stored. `unknown`: whoever asked cannot know whether it is."""

    name: str
    weight: int
    takes: bool = False
    unknown: bool = False
    reads: bool = False
    """Whether a question may be treated so too."""


ALL = (
    Fault("refused", 8, reads=True),
    Fault("reset-unread", 12, reads=True),
    Fault("reset-before", 12, unknown=True, reads=True),
    Fault("reset-after", 14, takes=True, unknown=True),
    Fault("408", 8),
    Fault("425", 8),
    Fault("429", 4),
    Fault("429-wait", 8, reads=True),
    Fault("429-date", 4),
    Fault("503-wait", 8, reads=True),
    Fault("500-before", 10, unknown=True, reads=True),
    Fault("500-after", 10, takes=True, unknown=True),
    Fault("502-after", 6, takes=True, unknown=True),
    Fault("504-after", 6, takes=True, unknown=True),
    Fault("half-before", 6, unknown=True, reads=True),
    Fault("half-after", 10, takes=True, unknown=True),
    Fault("garbage-before", 6, unknown=True, reads=True),
    Fault("garbage-after", 10, takes=True, unknown=True),
    Fault("not-http-after", 6, takes=True, unknown=True),
    Fault("302-before", 6, unknown=True, reads=True),
    Fault("303-after", 6, takes=True, unknown=True),
    Fault("308", 2),
    Fault("422", 2),
    Fault("hang-before", 5, unknown=True, reads=True),
    Fault("hang-after", 5, takes=True, unknown=True),
    Fault("late", 6, takes=True, unknown=True),
    Fault("twice", 6, takes=True),
)
BY_NAME = {fault.name: fault for fault in ALL}
OK = Fault("ok", 0, takes=True)

SHARE = 0.12
"""How many of the requests meet a fault in the hostile mood."""


def draw(seed: int, *about: object) -> float:
    """Return a number from 0 to 1 that depends on the seed and on what it is about, and on nothing else."""
    said = ":".join(map(str, (seed, *about))).encode()
    return int.from_bytes(hashlib.sha256(said).digest()[:8]) / 2**64


def choose(seed: int, *about: object, reading: bool = False, share: float = SHARE) -> Fault:
    """Return what happens to one request."""
    if draw(seed, "whether", *about) >= share:
        return OK
    faults = [fault for fault in ALL if fault.reads or not reading]
    place = draw(seed, "which", *about) * sum(fault.weight for fault in faults)
    for fault in faults:
        place -= fault.weight
        if place < 0:
            return fault
    return faults[-1]
