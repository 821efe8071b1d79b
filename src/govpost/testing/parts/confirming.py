"""Asking a platform whether it holds a post."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from govpost.domain import Receipt, Variant
from govpost.errors import PublishError, Uncertain
from govpost.testing.bench import Bench
from govpost.testing.calls import demand, receipt_of, skip
from govpost.testing.fakes import Fake
from govpost.testing.parts.suite import Suite

_OTHER_KEY = "01920000-0000-7000-8000-00000000beef"


class Confirming(Suite):
    """Whether it is there"""

    def test_confirming_changes_nothing(self) -> None:
        with self._bench() as bench:
            receipt = bench.having("confirm")
            for known in (receipt, None):
                with bench.shows(0, "confirm"):
                    said = bench.confirm(bench.variant(), known)
                demand(not said.writes, "confirm is read only, but sent a request that writes")
                fine = said.outcome is None or isinstance(said.outcome, Receipt)
                demand(fine, f"confirm must give a Receipt or None, not {said.outcome!r}")

    def test_confirming_raises_when_it_cannot_tell(self) -> None:
        with self._bench() as bench:
            receipt = bench.on_the_wire("confirm").having("confirm")
            if not bench.confirm(bench.variant(), receipt).requests:
                skip("this platform confirms without the wire")
            for known in (receipt, None):
                for answer in (500, 401, Fake.REFUSED, Fake.SILENT):
                    outcome = bench.confirm(bench.variant(), known, answer).outcome
                    demand(
                        isinstance(outcome, PublishError),
                        f"confirm after {answer} must raise, not say {outcome!r}",
                    )

    def test_confirm_finds_what_was_published(self) -> None:
        with self._bench() as bench:
            receipt = bench.remembering("confirm").having("confirm")
            _found(bench, bench.variant(), receipt, receipt)

    def test_confirm_finds_a_post_whose_answer_was_lost(self) -> None:
        with self._bench() as bench:
            receipt = bench.remembering("confirm").having("confirm")
            _found(bench, bench.variant(), None, receipt)

    def test_confirm_finds_a_post_after_the_connection_broke(self) -> None:
        with self._bench() as bench:
            bench.remembering("confirm")
            variant = bench.variant()
            said = bench.publish(variant, Fake.LOST_AFTER)
            if not said.requests:
                skip("this platform does not use the wire")
            demand(isinstance(said.outcome, Uncertain), f"a lost answer is Uncertain, not {said.outcome!r}")
            found = bench.confirm(variant, None).outcome
            demand(isinstance(found, Receipt), f"the post is there, but confirm says {found!r}")

    def test_confirm_finds_nothing_that_was_never_published(self) -> None:
        with self._bench() as bench:
            bench.remembering("confirm")
            _not_found(bench, bench.variant(3), "nothing was published")

    def test_confirm_does_not_take_another_post_for_it(self) -> None:
        with self._bench() as bench:
            bench.remembering("confirm").having("confirm")
            mine = bench.variant()
            later = (mine.at or datetime.now(UTC)) + timedelta(hours=2)
            for text in (f"{mine.text[:-1]}s", mine.text[: len(mine.text) // 2], f"Correction: {mine.text}"):
                similar = text.strip()[: bench.capabilities.max_chars]
                other = replace(mine, key=_OTHER_KEY, text=similar, at=later)
                _not_found(bench, other, "only a similar post of another key was published")

    def test_confirm_tells_two_posts_apart(self) -> None:
        with self._bench() as bench:
            bench.remembering("confirm")
            receipts = {seed: receipt_of(bench.publish(bench.variant(seed))) for seed in (1, 2)}
            for seed, receipt in receipts.items():
                _found(bench, bench.variant(seed), None, receipt)
                _found(bench, bench.variant(seed), receipt, receipt)


def _found(bench: Bench, variant: Variant, known: Receipt | None, real: Receipt) -> None:
    how = "with its receipt" if known else "without its receipt"
    found: Any = bench.confirm(variant, known).outcome
    demand(isinstance(found, Receipt), f"confirm must find what was published, {how}, but says {found!r}")
    demand(
        found.remote_id == real.remote_id,
        f"confirm {how} names the post {found.remote_id!r}, publish named it {real.remote_id!r}",
    )


def _not_found(bench: Bench, variant: Variant, why: str) -> None:
    found = bench.confirm(variant, None).outcome
    demand(found is None, f"{why}, but confirm says {found!r}")
