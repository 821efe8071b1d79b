"""A copy for each recipient."""

from __future__ import annotations

import re
from dataclasses import replace

from govpost.errors import NotWanted
from govpost.testing.bench import Bench
from govpost.testing.calls import demand, receipt_of
from govpost.testing.parts.suite import Suite

_REFERENCE = re.compile(r"[!-?A-~]{1,200}")


class Addressing(Suite):
    """Recipients"""

    def test_references_are_short_and_say_nothing_of_the_person(self) -> None:
        with self._bench() as bench:
            for reference in _addressed(bench):
                fine = isinstance(reference, str) and _REFERENCE.fullmatch(reference)
                demand(
                    bool(fine),
                    f"{reference!r} is no reference: printable ASCII, no space, no @, at most 200 characters",
                )

    def test_each_recipient_is_named_once_and_always_the_same(self) -> None:
        with self._bench() as bench:
            first = _addressed(bench)
            demand(len(set(first)) == len(first), "recipients names somebody twice")
            again = bench.addresses().outcome
            demand(again == first, "recipients must give the same references again")

    def test_asking_for_recipients_changes_nothing(self) -> None:
        with self._bench() as bench:
            bench.require("recipients")
            with bench.shows(0, "recipients"):
                said = bench.addresses()
            demand(not said.writes, "recipients is read only, but sent a request that writes")

    def test_each_recipient_gets_one_copy(self) -> None:
        with self._bench() as bench:
            people = _addressed(bench.remembering("recipients"))[:3]
            variants = [
                replace(bench.variant(seed), recipient=who) for seed, who in enumerate(people, start=1)
            ]
            with bench.shows(len(people), f"a copy for each of {len(people)}"):
                receipts = [receipt_of(bench.publish(variant)) for variant in variants]
            names = {receipt.remote_id for receipt in receipts}
            demand(len(names) == len(people), "each copy needs a remote_id of its own")

    def test_who_is_no_longer_on_the_list_gets_nothing(self) -> None:
        with self._bench() as bench:
            known = _addressed(bench)
            gone = replace(bench.variant(), recipient=f"{known[0][:40]}gone")
            with bench.shows(0, "a copy for somebody who is no longer on the list"):
                said = bench.publish(gone)
            demand(
                isinstance(said.outcome, NotWanted),
                f"a copy for somebody who is no longer on the list is NotWanted, not {said.outcome!r}",
            )


def _addressed(bench: Bench) -> list[str]:
    bench.require("recipients")
    found = bench.addresses().outcome
    demand(isinstance(found, list), f"recipients must give references, but failed: {found!r}")
    demand(bool(found), "the example must have a recipient")
    references: list[str] = found
    return references
