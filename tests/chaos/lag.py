"""One channel's trouble is its own: how long the calm channel waits while every other one hangs."""

from __future__ import annotations

import statistics
import time
from typing import Any

from chaos.acts import ATTEMPT
from chaos.platform_server import CALM
from chaos.processes import Platform, until
from chaos.world import World

SAMPLES = 5
BURNING = 3
"""How many posts hang on every other channel: more than a channel has threads."""
MUCH = ATTEMPT / 2
"""A channel that had to wait for another's hanging call would wait for the rest of an attempt."""


def measure(world: World, platform: Platform) -> dict[str, float]:
    """Return the median lag of the calm channel in seconds: alone, and while all others hang."""
    town = world.town
    for number in range(2 * SAMPLES + 1):
        town.write(f"calm-{number}", [CALM])
    for number in range(BURNING):
        town.write(f"burning-{number}", town.hostile)
    world.daemons.start()
    _lag(world, "calm-0")
    alone = [_lag(world, f"calm-{number + 1}") for number in range(SAMPLES)]
    platform.mood("burn")
    for number in range(BURNING):
        town.approve(f"burning-{number}")
    until(lambda: world.ledger.read() > SAMPLES + len(town.hostile), 5)
    burning = [_lag(world, f"calm-{SAMPLES + number + 1}") for number in range(SAMPLES)]
    found = {"alone": statistics.median(alone), "while all others hang": statistics.median(burning)}
    if found["while all others hang"] > found["alone"] + MUCH:
        world.breaches.append(f"the calm channel had to wait for others: {found}")
    return found


def _lag(world: World, slug: str) -> float:
    world.town.approve(slug)
    approved = time.time()
    asked: list[dict[str, Any]] = []

    def came() -> bool:
        world.ledger.read()
        asked[:] = [line for lines in world.ledger.requests.values() for line in lines if _is(line, slug)]
        return bool(asked)

    return float(asked[0]["at"]) - approved if until(came, 15) else 15.0


def _is(line: dict[str, Any], slug: str) -> bool:
    return bool(line["channel"] == CALM and line["about"] == slug.title())
