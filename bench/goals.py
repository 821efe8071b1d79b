"""What was promised and what was found: one line a question for people, JSON for `bench/run.py`."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter

SIZES = ("tiny", "short", "long")


@dataclass(frozen=True, kw_only=True)
class Found:
    """One answer. `ok` is None where nothing was promised or it cannot be asked here; `note` says what limits."""

    what: str
    found: str
    goal: str = ""
    ok: bool | None = None
    note: str = ""
    values: dict[str, float] | None = None

    def line(self) -> str:
        """Return it for people."""
        goal = f"; goal: {self.goal}" if self.goal else ""
        note = f" ({self.note})" if self.note else ""
        return f"{self.what}: {self.found}{goal}: {self.verdict}{note}"

    @property
    def verdict(self) -> str:
        """Say whether the goal is reached."""
        return {True: "reached", False: "MISSED", None: "for the record"}[self.ok]


def median_seconds(runs: int, work: Callable[[], object]) -> float:
    """Return the median seconds of so many runs."""
    seconds = []
    for _ in range(runs):
        began = perf_counter()
        work()
        seconds.append(perf_counter() - began)
    return statistics.median(seconds)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of the values lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def run(about: str, measure: Callable[[str], list[Found]]) -> None:
    """Read --size and --json, measure, print."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--size", choices=SIZES, default="short")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.size)
    for each in found:
        print(each.line(), file=sys.stderr if options.json else sys.stdout)
    if options.json:
        print(json.dumps([asdict(each) for each in found]))
