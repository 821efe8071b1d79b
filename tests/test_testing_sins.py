"""Every check of the conformance suite has a lie that it, and nothing else of its part, catches."""

from __future__ import annotations

import pytest

import sins_accounts
import sins_changing
import sins_posting
import sins_reading
from board import Board, Letters
from govpost.testing import check
from govpost.testing.contract_suite import PARTS
from govpost.testing.parts.failing import Failing
from sins import SINS

KINDS = (sins_posting, sins_changing, sins_reading, sins_accounts)


@pytest.mark.parametrize(("sin", "part", "names"), SINS, ids=[sin.__name__ for sin, _, _ in SINS])
def test_each_lie_is_caught_by_its_own_check(sin, part, names):
    failed = {result.name: result.message for result in check(sin(), [part]) if not result.ok}
    assert set(failed) == names
    assert all(failed.values())


@pytest.mark.parametrize("honest", [Board, Letters])
def test_the_honest_twins_are_not_accused(honest):
    assert [result for result in check(honest()) if not result.ok] == []


def test_every_check_has_its_lie():
    checks = {
        (part, name.removeprefix("test_").replace("_", " "))
        for part in PARTS
        for name in vars(part)
        if name.startswith("test_") and part is not Failing
    }
    lies = {(part, name) for _, part, names in SINS for name in names}
    assert sorted(name for part, name in checks - lies) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_lie_is_tried(kind):
    assert [sin for sin, _, _ in SINS if sin.__module__ == kind.__name__]
