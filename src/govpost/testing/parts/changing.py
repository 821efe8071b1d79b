"""Corrections and withdrawals."""

from __future__ import annotations

from dataclasses import replace

from govpost.domain import Action, Receipt
from govpost.errors import Rejected, Uncertain
from govpost.testing.bench import Bench
from govpost.testing.calls import demand, receipt_of
from govpost.testing.fakes import Fake
from govpost.testing.parts.suite import Suite


class Changing(Suite):
    """Corrections and withdrawals"""

    def test_withdrawing_twice_is_fine(self) -> None:
        with self._bench() as bench:
            receipt = bench.having("withdraw")
            answers = (None, None) if bench.live else (None, None, 404, 410)
            for answer in answers:
                error = bench.withdraw(receipt, answer).outcome
                demand(
                    error is None, f"withdraw must be at peace with a post that is gone, but raised {error!r}"
                )

    def test_a_failed_withdrawal_is_not_hidden(self) -> None:
        with self._bench() as bench:
            receipt = bench.on_the_wire("withdraw").having("withdraw")
            for answer in (500, 401, Fake.SILENT):
                demand(
                    bench.withdraw(receipt, answer).outcome is not None,
                    f"withdraw hides the failure {answer}",
                )

    def test_what_was_withdrawn_is_gone(self) -> None:
        with self._bench() as bench:
            receipt = bench.remembering("withdraw").having("withdraw")
            error = bench.withdraw(receipt).outcome
            demand(error is None, f"withdraw raised {error!r}")
            demand(
                not bench.side.has("public") or not bench.reads(bench.variant().text), "it is still public"
            )
            if hasattr(self.platform, "confirm"):
                for known in (receipt, None):
                    found = bench.confirm(bench.variant(), known).outcome
                    demand(found is None, f"the post was withdrawn, but confirm says {found!r}")

    def test_withdrawing_takes_down_one_post_alone(self) -> None:
        with self._bench() as bench:
            receipt = bench.remembering("withdraw").needs("public").having("withdraw")
            receipt_of(bench.publish(bench.variant(2)))
            bench.withdraw(receipt)
            demand(bench.reads(bench.variant(2).text), "withdraw took another post down as well")

    def test_amending_twice_is_fine(self) -> None:
        with self._bench() as bench:
            receipt, variant = bench.having("amend"), replace(bench.variant(2), action=Action.AMEND)
            for _ in range(2):
                receipt_of(bench.amend(receipt, variant))

    def test_a_correction_keeps_the_post_where_it_is(self) -> None:
        with self._bench() as bench:
            receipt = bench.remembering("amend").having("amend")
            with bench.shows(0, "amending twice"):
                for _ in range(2):
                    changed = receipt_of(bench.amend(receipt, bench.variant(2)))
                    _same(receipt, changed)
            demand(bench.reads(bench.variant(2).text), "the words of the correction are not public")

    def test_a_correction_can_be_confirmed(self) -> None:
        with self._bench() as bench:
            receipt = bench.remembering("amend").having("amend")
            bench.require("confirm")
            self._amended(bench, receipt)

    def _amended(self, bench: Bench, receipt: Receipt) -> None:
        variant = replace(bench.variant(2), action=Action.AMEND)
        changed = receipt_of(bench.amend(receipt, variant))
        found = bench.confirm(variant, changed).outcome
        demand(isinstance(found, Receipt), f"confirm must find a correction, but says {found!r}")
        _same(receipt, found)

    def test_a_refused_correction_is_not_hidden(self) -> None:
        with self._bench() as bench:
            receipt, variant = (
                bench.on_the_wire("amend").having("amend"),
                replace(bench.variant(2), action=Action.AMEND),
            )
            for answer, expected in ((422, Rejected), (500, Uncertain), (Fake.SILENT, Uncertain)):
                outcome = bench.amend(receipt, variant, answer).outcome
                demand(
                    isinstance(outcome, expected),
                    f"amend after {answer} must be {expected.__name__}, not {outcome!r}",
                )


def _same(receipt: Receipt, changed: Receipt) -> None:
    demand(
        changed.remote_id == receipt.remote_id,
        f"a correction must keep the remote_id {receipt.remote_id!r}, not make it {changed.remote_id!r}",
    )
    demand(
        None in (changed.url, receipt.url) or changed.url == receipt.url,
        f"a correction must keep the address {receipt.url}, not make it {changed.url}",
    )
