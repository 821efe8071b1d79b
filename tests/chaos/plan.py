"""What is done to a run, and when: drawn from the seed before it begins. When is a share of the work, not a time."""

from __future__ import annotations

import random
from dataclasses import dataclass

MOST = 0.88
"""The share of the work that is sure to be begun; what is cancelled never is."""
ALWAYS = {
    "stop": 2,
    "jump": 6,
    "read-only": 2,
    "edit": 2,
    "broken edit": 2,
    "channel away": 2,
    "cancel": 12,
    "withdraw": 12,
    "freeze": 1,
}
ON = {
    "sqlite": {"full disk": 3, "second daemon": 2},
    "postgresql": {"restart": 2, "partition": 2},
}
"""How often each is done in a run of 2,000 deliveries; fewer in a smaller one, once at least."""


@dataclass(frozen=True, order=True)
class Act:
    """One thing done when so large a share of the work has been begun; `draw` is its own random number."""

    at: float
    what: str
    draw: float


def plan(seed: int, kills: int, deliveries: int, store: str) -> list[Act]:
    """Return all acts in order: kills spread evenly with some jitter, the others anywhere, the freeze late."""
    rng = random.Random(seed)
    acts = [Act((n + rng.random()) / kills * MOST, "kill", rng.random()) for n in range(kills)]
    for what, times in (ALWAYS | ON[store]).items():
        many = max(1, round(times * min(deliveries / 2000, 10)))
        acts += [Act(_when(rng, what), what, rng.random()) for _ in range(many)]
    return sorted(acts)


def _when(rng: random.Random, what: str) -> float:
    """A freeze makes a person look at all that is still queued, so it comes when little is."""
    return rng.uniform(0.83, MOST) if what == "freeze" else rng.uniform(0.05, 0.8)
