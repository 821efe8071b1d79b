"""Counting what became of posts."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from govpost.domain import Metrics, Receipt
from govpost.errors import PublishError, Unauthorized
from govpost.testing.bench import Bench
from govpost.testing.calls import demand, receipt_of, skip
from govpost.testing.fakes import Fake
from govpost.testing.parts.suite import Suite

_MOST = 100
_MOST_LIVE = 3


class Measuring(Suite):
    """Counts"""

    def test_the_counts_of_a_post_are_numbers_or_unknown(self) -> None:
        with self._bench() as bench:
            receipt = bench.remembering("measure").having("measure")
            found = _measured(bench, [receipt])
            demand(
                receipt.remote_id in found, f"measure left out a post that is there: {receipt.remote_id!r}"
            )
            for name, count in dataclasses.asdict(found[receipt.remote_id]).items():
                fine = count is None or (
                    isinstance(count, int) and not isinstance(count, bool) and count >= 0
                )
                demand(fine, f"{name} must be a number from 0, or None for unknown, not {count!r}")

    def test_a_post_that_is_gone_is_left_out_of_the_counts(self) -> None:
        with self._bench() as bench:
            bench.remembering("measure").require("withdraw")
            gone, there = (receipt_of(bench.publish(bench.variant(seed))) for seed in (1, 2))
            bench.withdraw(gone)
            found = _measured(bench, [gone, there])
            demand(gone.remote_id not in found, "a post that is gone must be left out, not counted as zero")
            demand(there.remote_id in found, "one post that is gone must not lose the counts of the others")
            demand(_measured(bench, [gone]) == {}, "only posts that are gone give an empty mapping")

    def test_a_post_that_never_was_is_left_out_of_the_counts(self) -> None:
        with self._bench() as bench:
            receipt = bench.remembering("measure").having("measure")
            unknown = dataclasses.replace(receipt, remote_id=_other(receipt.remote_id), url=None, raw={})
            found = _measured(bench, [unknown, receipt])
            demand(
                set(found) == {receipt.remote_id}, f"measure must name known posts alone, not {list(found)}"
            )

    def test_a_whole_batch_is_measured_in_one_call(self) -> None:
        with self._bench() as bench:
            bench.remembering("measure")
            size = min(bench.capabilities.measure_batch, _MOST_LIVE if bench.live else _MOST)
            receipts = [receipt_of(bench.publish(bench.variant(seed))) for seed in range(1, size + 1)]
            found = _measured(bench, receipts)
            missing = len({receipt.remote_id for receipt in receipts} - set(found))
            demand(
                not missing, f"{missing} of {size} posts were not measured: see capabilities.measure_batch"
            )

    def test_measuring_changes_nothing(self) -> None:
        with self._bench() as bench:
            receipt = bench.having("measure")
            with bench.shows(0, "measure"):
                said = bench.measure([receipt])
            demand(not said.writes, "measure is read only, but sent a request that writes")

    def test_measuring_raises_when_it_cannot_count(self) -> None:
        with self._bench() as bench:
            receipt = bench.on_the_wire("measure").having("measure")
            if not bench.measure([receipt]).requests:
                skip("this platform measures without the wire")
            for answer, expected in _CANNOT:
                outcome = bench.measure([receipt], answer).outcome
                demand(
                    isinstance(outcome, expected),
                    f"measure after {answer} must raise {expected.__name__}, not say {outcome!r}",
                )


_CANNOT: tuple[tuple[Any, type[PublishError]], ...] = (
    (500, PublishError),
    (401, Unauthorized),
    (Fake.REFUSED, PublishError),
    (Fake.SILENT, PublishError),
)


def _measured(bench: Bench, receipts: Sequence[Receipt]) -> Mapping[str, Metrics]:
    found = bench.measure(receipts).outcome
    demand(isinstance(found, Mapping), f"measure must give a mapping, not {found!r}")
    counts: Mapping[str, Metrics] = found
    wrong = [value for value in counts.values() if not isinstance(value, Metrics)]
    demand(not wrong, f"measure must give Metrics by remote_id, not {wrong[:1]}")
    return counts


def _other(remote_id: str) -> str:
    """Return the id of no post, of the same form."""
    if re.search(r"\d$", remote_id):
        return re.sub(r"\d+$", lambda found: "9" * max(9, len(found[0])), remote_id)
    return f"{remote_id[:-1]}{'b' if remote_id.endswith('a') else 'a'}"
