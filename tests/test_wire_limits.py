"""What answers say of rate limits: waits are bounded, and the channel rests before the limit is hit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govpost.wire_limits import budget, retry_after

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DATE = {"date": "Sat, 21 Nov 2026 12:00:00 GMT"}


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("0", timedelta(0)),
        ("-5", timedelta(0)),
        ("1.5", timedelta(seconds=1.5)),
        ("999999999999999999999999999", timedelta(hours=24)),
        ("Sat, 21 Nov 2026 12:01:00 GMT", timedelta(minutes=1)),
        ("Sat, 21 Nov 2026 11:00:00 GMT", timedelta(0)),
        ("Sun, 22 Nov 2037 12:00:00 -0000", timedelta(hours=24)),
        ("soon", None),
        ("", None),
        ("nan", None),
    ],
)
def test_retry_after_is_read_bounded_and_never_negative(value: str, wait: timedelta | None) -> None:
    assert retry_after({"retry-after": value, **DATE}, NOW - timedelta(days=9)) == wait


def test_retry_after_without_the_servers_clock_counts_from_ours() -> None:
    later = {"retry-after": "Sat, 21 Nov 2026 14:00:00 GMT"}
    assert retry_after(later, NOW) == timedelta(hours=2)


@pytest.mark.parametrize(
    ("headers", "remaining", "reset"),
    [
        # Mastodon: an ISO 8601 instant (docs.joinmastodon.org/api/rate-limits)
        (
            {"x-ratelimit-limit": "300", "x-ratelimit-remaining": "299", "x-ratelimit-reset": "2026-11-21T12:05:00.0Z"},
            299,
            timedelta(minutes=5),
        ),
        # Bluesky: seconds since 1970 (packages/xrpc-server rate-limiter)
        (
            {"ratelimit-limit": "30", "ratelimit-remaining": "0", "ratelimit-reset": str(int(NOW.timestamp()) + 60)},
            0,
            timedelta(minutes=1),
        ),
        # The IETF draft: seconds from now, and a policy after the limit
        (
            {"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "7", "ratelimit-reset": "50"},
            7,
            timedelta(seconds=50),
        ),
        ({"x-ratelimit-remaining": "4", "x-ratelimit-reset": "2026-11-21T12:05:00"}, 4, timedelta(minutes=5)),
        ({"x-ratelimit-remaining": "4", "x-ratelimit-reset": "tomorrow"}, 4, None),
    ],
)  # fmt: skip
def test_every_way_to_write_a_limit_is_read(
    headers: dict[str, str], remaining: int, reset: timedelta | None
) -> None:
    found = budget(headers | DATE, NOW + timedelta(days=3))
    assert found is not None
    assert (found.remaining, found.reset) == (remaining, reset)


def test_an_answer_without_limits_says_nothing_of_them() -> None:
    assert budget({"x-ratelimit-limit": "300"}, NOW) is None
    assert budget({"x-ratelimit-remaining": "many"}, NOW) is None


@pytest.mark.parametrize(
    ("limit", "remaining", "rests"),
    [
        ("300", "5", False),
        ("300", "4", True),
        ("30", "2", False),
        ("30", "1", True),
        ("5", "1", False),
        ("5", "0", True),
    ],
)
def test_a_channel_rests_before_the_limit_is_hit(limit: str, remaining: str, rests: bool) -> None:
    headers = {"x-ratelimit-limit": limit, "x-ratelimit-remaining": remaining, "x-ratelimit-reset": "90"}
    found = budget(headers, NOW)
    assert found is not None
    assert found.rest == (timedelta(seconds=90) if rests else None)


def test_how_much_is_left_is_a_share_of_the_limit() -> None:
    half = budget({"x-ratelimit-limit": "300", "x-ratelimit-remaining": "150"}, NOW)
    unknown = budget({"x-ratelimit-remaining": "150"}, NOW)
    empty = budget({"x-ratelimit-remaining": "0"}, NOW)
    assert half and unknown and empty
    assert (half.share, unknown.share, empty.share) == (0.5, 1.0, 0.0)
    assert empty.rest is None


@given(
    st.dictionaries(
        st.sampled_from(["retry-after", "x-ratelimit-remaining", "x-ratelimit-reset", "date"]), st.text()
    )
)
def test_no_header_breaks_it_and_no_wait_is_longer_than_a_day(headers: dict[str, str]) -> None:
    found = budget(headers, NOW)
    waits = [retry_after(headers, NOW), found.reset if found else None]
    assert all(wait is None or timedelta(0) <= wait <= timedelta(hours=24) for wait in waits)


@pytest.mark.parametrize(
    "date",
    [
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2026 00:00:00 +99999999999999",
        "",
        "x" * 10_000,
    ],
)
def test_no_date_is_too_odd(date: str) -> None:
    headers = {"date": date, "retry-after": date, "x-ratelimit-remaining": "0", "x-ratelimit-reset": "5"}
    found = budget(headers, NOW)
    assert found is not None
    assert found.rest == timedelta(seconds=5)
    assert retry_after(headers, NOW) is None


@pytest.mark.parametrize("reset", ["1795262400000", "-5000", "999999999999999999999", "2019-01-01T00:00:00Z"])
def test_a_reset_that_is_past_or_too_far_off_to_be_meant_so_is_unknown(reset: str) -> None:
    found = budget({"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}, NOW)
    assert found is not None
    assert (found.reset, found.rest) == (None, None)


@pytest.mark.parametrize("reset", ["0", "-5", "2026-11-21T11:59:58Z", str(int(NOW.timestamp()) - 2)])
def test_a_reset_that_has_just_passed_means_soon(reset: str) -> None:
    found = budget({"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}, NOW)
    assert found is not None
    assert found.rest == found.reset == timedelta(seconds=10)


def test_a_rest_after_a_success_is_an_hour_at_most() -> None:
    found = budget({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "40000"}, NOW)
    assert found is not None
    assert found.rest == timedelta(hours=1)
    assert found.reset == timedelta(seconds=40_000)
