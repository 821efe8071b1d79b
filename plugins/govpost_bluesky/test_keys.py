"""A delivery's key leads to one record key, whoever asks and however often."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govpost.times import uuid7
from govpost_bluesky.keys import created_at, rkey, tid
from govpost_bluesky.test_common import AT, SHARED, key, variant

TID = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")


def test_a_tid_is_written_as_in_the_vectors():
    path = SHARED / "vectors.json"
    if not path.exists():
        pytest.skip("vectors.json is not on this machine: ../shared/data/bsky is missing")
    for vector in json.loads(path.read_text())["tids"]:
        assert tid(vector["microseconds"], vector["clock_id"]) == vector["tid"]


@given(st.datetimes(datetime(2020, 1, 1), datetime(2200, 1, 1)))
def test_every_key_gives_a_valid_tid_and_the_same_again(moment):
    made = variant(key=uuid7(moment.replace(tzinfo=UTC)))
    assert TID.fullmatch(rkey(made))
    assert rkey(made) == rkey(made)


def test_keys_of_one_millisecond_part_ways():
    names = {rkey(variant(key=key(number))) for number in range(500)}
    assert len(names) == 500


def test_later_keys_sort_later():
    moments = [AT + timedelta(milliseconds=step) for step in range(20)]
    names = [rkey(variant(key=uuid7(moment))) for moment in moments]
    assert names == sorted(names)


def test_the_parts_of_a_thread_sort_in_their_order_though_their_keys_are_of_one_instant():
    names, parent = [], None
    for number in range(30):
        names.append(rkey(variant(key=key(number % 7), reply_to=parent)))
        parent = f"at://did:plc:example/app.bsky.feed.post/{names[-1]}"
    assert names == sorted(set(names))
    assert all(TID.fullmatch(name) for name in names)


def test_a_part_after_what_is_no_post_of_ours_has_its_own_instant():
    for stranger in ("42", "https://elsewhere.example/thirteen-long", ""):
        assert rkey(variant(reply_to=stranger)) == rkey(variant())


def test_a_record_bears_the_due_instant():
    assert created_at(variant()) == "2026-11-27T09:30:00.000Z"
    assert created_at(variant(at=AT.astimezone())) == "2026-11-27T09:30:00.000Z"


def test_without_a_due_instant_it_bears_that_of_the_key():
    assert created_at(variant(at=None)) == "2024-09-17T12:40:52.992Z"


def test_each_part_of_a_thread_is_a_millisecond_later():
    assert created_at(variant(), "2026-11-27T09:30:00.003Z") == "2026-11-27T09:30:00.004Z"
    assert created_at(variant(), "2026-11-27T08:00:00.000Z") == "2026-11-27T09:30:00.000Z"
