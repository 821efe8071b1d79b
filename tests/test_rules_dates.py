"""Nothing goes out that is over or was due before."""

from govpost.rules.dates import EXPIRED
from ruling import context, moment, said


def test_an_expired_post_blocks():
    (found,) = said(EXPIRED, context(expires=moment(0)))
    assert found.message == "the post expired at 2026-11-23 12:00 UTC"
    assert found.line == 9


def test_a_due_time_in_the_past_blocks():
    (found,) = said(EXPIRED, context(at=moment(-1)))
    assert found.message == "'at' is in the past: 2026-11-23 11:00 UTC"


def test_a_beginning_that_is_not_before_the_end_blocks():
    (found,) = said(EXPIRED, context(not_before=moment(2), expires=moment(2)))
    assert "leaves no time" in found.message


def test_times_in_order_pass():
    assert said(EXPIRED, context(at=moment(0), not_before=moment(-5), expires=moment(1))) == []
