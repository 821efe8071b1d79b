"""Each answer of a platform leads to one outcome; what may be public is never tried again blindly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govpost import outcomes
from govpost.domain import Capabilities, Receipt
from govpost.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Uncertain
from govpost.outcomes import Outcome, Standing
from govpost.rates import Rate

NOW = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ATTEMPT = 2 * MINUTE
FRESH = Standing(attempts=0, ambiguous=False, first_sent=NOW)
PLAIN = Capabilities()
REPEATS = Capabilities(idempotent_for=HOUR)


def after(
    error: PublishError,
    standing: Standing = FRESH,
    capabilities: Capabilities = PLAIN,
    rate: Rate | None = None,
) -> Outcome:
    return outcomes.of_error(error, standing, rate or Rate(), capabilities, NOW, ATTEMPT)


def test_a_receipt_means_live_and_ends_all_doubt() -> None:
    found = outcomes.of_receipt(Receipt(remote_id="1", url="https://a.example/1", raw={"id": 1}), NOW)
    assert (found.state, found.values["live_at"], found.values["ambiguous"]) == ("live", NOW, False)
    assert found.values["receipt"] == {"remote_id": "1", "url": "https://a.example/1", "raw": {"id": 1}}


def test_a_pending_receipt_is_asked_about_soon() -> None:
    found = outcomes.of_receipt(Receipt(remote_id="1", pending=True), NOW)
    assert (found.state, found.values["check_at"]) == ("pending", NOW + outcomes.FIRST_LOOK)
    assert "live_at" not in found.values


def test_unavailable_is_queued_again_and_uses_one_attempt() -> None:
    found = after(Unavailable("busy"))
    assert (found.state, found.values["attempts"], found.trouble) == ("queued", 1, True)
    assert found.values["due"] > NOW


def test_the_last_unavailable_fails() -> None:
    found = after(Unavailable("busy"), Standing(attempts=4, ambiguous=False, first_sent=NOW))
    assert (found.state, found.reason, found.trouble) == ("failed", "busy; all 5 attempts are used up", True)


def test_rejected_fails_at_once_and_says_what_to_do() -> None:
    found = after(Rejected("moved", tip="set url to https://b.example"))
    assert (found.state, found.reason, found.trouble) == (
        "failed",
        "moved (set url to https://b.example)",
        False,
    )


@pytest.mark.parametrize("error", [Rejected("no"), Unavailable("busy")])
def test_once_an_attempt_was_ambiguous_failed_is_closed(error: PublishError) -> None:
    found = after(error, Standing(attempts=4, ambiguous=True, first_sent=NOW))
    assert found.state == "uncertain"
    assert "an earlier attempt may have been published" in found.reason


@given(st.none() | st.timedeltas(min_value=timedelta(days=-2), max_value=timedelta(days=9)))
def test_rate_limited_uses_no_attempt_and_the_channel_waits_at_most_a_day(asked: timedelta | None) -> None:
    found = after(RateLimited("slow down", retry_after=asked))
    assert (found.state, "attempts" in found.values, found.trouble) == ("queued", False, False)
    assert found.channel_waits_until == found.values["due"]
    wait = found.values["due"] - NOW
    assert timedelta(seconds=1) <= wait <= timedelta(hours=24)
    assert asked is None or wait == max(timedelta(seconds=1), min(asked, timedelta(hours=24)))


def test_rate_limited_without_a_time_waits_a_minute() -> None:
    assert after(RateLimited("slow down")).channel_waits_until == NOW + MINUTE


def test_unauthorized_locks_the_channel_and_uses_no_attempt() -> None:
    found = after(Unauthorized("token refused"))
    assert (found.state, found.locked_out, dict(found.values)) == ("queued", True, {})


def test_an_unknown_error_is_uncertain() -> None:
    for error in (Uncertain("no answer"), PublishError("what")):
        found = after(error)
        assert (found.state, found.repeat_at, found.values["ambiguous"]) == ("uncertain", None, True)


def test_where_the_platform_keeps_the_key_the_whole_repeat_must_end_in_time() -> None:
    assert after(Uncertain(), capabilities=REPEATS).repeat_at is not None
    late = Standing(attempts=0, ambiguous=True, first_sent=NOW - HOUR + ATTEMPT)
    assert after(Uncertain(), late, REPEATS).repeat_at is None
    used_up = Standing(attempts=4, ambiguous=True, first_sent=NOW)
    assert after(Uncertain(), used_up, REPEATS).repeat_at is None


@given(st.timedeltas(min_value=timedelta(), max_value=2 * HOUR))
def test_a_repeat_is_safe_only_while_its_end_lies_within_the_time_the_key_is_kept(passed: timedelta) -> None:
    assert outcomes.repeat_is_safe(NOW, NOW + passed, REPEATS, ATTEMPT) == (passed + ATTEMPT <= HOUR)
    assert not outcomes.repeat_is_safe(NOW, NOW + passed, PLAIN, ATTEMPT)
    assert not outcomes.repeat_is_safe(None, NOW + passed, REPEATS, ATTEMPT)


def test_not_there_is_believed_after_the_deadline_and_the_settling_time_or_never() -> None:
    settles = Capabilities(settles_after=5 * MINUTE)
    assert outcomes.absence_counts_from(NOW, settles, ATTEMPT) == NOW + 7 * MINUTE
    assert outcomes.absence_counts_from(NOW, PLAIN, ATTEMPT) is None
    assert outcomes.absence_counts_from(NOW, PLAIN, ATTEMPT, NOW) is None
    assert outcomes.absence_counts_from(NOW, settles, ATTEMPT, NOW + MINUTE) == NOW + 7 * MINUTE


def test_an_attempt_that_lasted_longer_than_one_may_by_now_delays_it() -> None:
    settles = Capabilities(settles_after=5 * MINUTE)
    assert outcomes.absence_counts_from(NOW, settles, ATTEMPT, NOW + 10 * MINUTE) == NOW + 15 * MINUTE


@given(st.integers(1, 12), st.timedeltas(min_value=timedelta(seconds=10), max_value=timedelta(days=3)))
def test_the_attempts_spread_over_the_grace_each_wait_longer_than_the_last(
    attempts: int, grace: timedelta
) -> None:
    rate = Rate(attempts=attempts, grace=grace)
    waits = [outcomes.delay(used, rate) for used in range(1, attempts)]
    assert waits == sorted(waits)
    assert all(wait >= timedelta(seconds=1) for wait in waits)
    assert sum(waits, timedelta()) <= grace + timedelta(seconds=attempts)
    if waits:
        assert sum(waits, timedelta()) >= grace * 0.85


def test_the_breaker_opens_at_the_third_failure_and_rests_longer_each_time_up_to_half_an_hour() -> None:
    pauses = [outcomes.breaker_pause(failures) for failures in range(1, 40)]
    assert pauses[:4] == [None, None, MINUTE, 2 * MINUTE]
    known = [pause for pause in pauses if pause is not None]
    assert known == sorted(known)
    assert known[-1] == 30 * MINUTE


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=30)))
def test_looks_come_soon_at_first_and_then_ever_more_seldom(passed: timedelta) -> None:
    wait = outcomes.next_look(NOW, NOW + passed) - (NOW + passed)
    assert outcomes.FIRST_LOOK <= wait <= HOUR
