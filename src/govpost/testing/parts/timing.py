"""Clocks that differ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2

from govpost.domain import Receipt, Variant
from govpost.testing.bench import Bench
from govpost.testing.calls import demand, receipt_of
from govpost.testing.parts.suite import Suite
from govpost.testing.words import leaves

_SKEW = timedelta(hours=1)
_WHEN = re.compile(r"schedul|publish_?(?:at|on)|post_date|\bdate(?:_gmt)?$", re.IGNORECASE)


class Timing(Suite):
    """Clocks that differ"""

    def test_a_post_due_an_hour_ago_is_published_now(self) -> None:
        with self._bench() as bench:
            _published_now(bench, -_SKEW)

    def test_a_post_due_by_a_clock_that_is_ahead_is_published_now(self) -> None:
        with self._bench() as bench:
            variant = _published_now(bench, _SKEW)
            requests = bench.afresh().publish(variant).requests if not bench.live else []
            for place in _postponed(requests):
                demand(False, f"{place} names an instant to come: the platform must not be told to wait")

    def test_a_post_is_found_whatever_the_clocks_say(self) -> None:
        with self._bench() as bench:
            bench.remembering("confirm")
            for seed, skew in enumerate((-_SKEW, _SKEW), start=1):
                variant = _at(bench, seed, skew)
                receipt = receipt_of(bench.publish(variant))
                found = bench.confirm(variant, None).outcome
                same = isinstance(found, Receipt) and found.remote_id == receipt.remote_id
                demand(same, f"a post due {_hours(skew)} must be found, but confirm says {found!r}")


def _published_now(bench: Bench, skew: timedelta) -> Variant:
    variant = _at(bench, 1, skew)
    with bench.shows(1, f"publishing a post due {_hours(skew)}"):
        receipt = receipt_of(bench.publish(variant))
    demand(not receipt.pending or skew < timedelta(0), f"a post due {_hours(skew)} must not be scheduled")
    demand(bench.reads(variant.text), f"a post due {_hours(skew)} must be public at once")
    return variant


def _at(bench: Bench, seed: int, skew: timedelta) -> Variant:
    return replace(bench.variant(seed), at=datetime.now(UTC).replace(microsecond=0) + skew)


def _hours(skew: timedelta) -> str:
    return "an hour ago" if skew < timedelta(0) else "in an hour by our clock"


def _postponed(requests: list[httpx2.Request]) -> Iterator[str]:
    """Yield the places of instants to come, where a field's name says that the platform waits for them."""
    soon = datetime.now(UTC) + timedelta(minutes=5)
    for request in requests:
        for place, text in leaves(request):
            if isinstance(text, str) and _WHEN.search(place):
                when = _instant(text)
                if when is not None and when > soon:
                    yield place


def _instant(text: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
