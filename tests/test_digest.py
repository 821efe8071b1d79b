"""What an approval covers: every word, link, description and byte, the settings and the times; and nothing besides."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govpost.digest import canonical, channel_digest, file_sha256, part_digest, post_digest, sha256, timing
from govpost.domain import Action, Draft, Media, Priority, Variant
from govpost.times import Moment

words = st.text(max_size=20)
maybe = st.none() | words
points = st.tuples(st.floats(-1, 1, width=16), st.floats(-1, 1, width=16))
media = st.builds(
    Media,
    path=st.just(Path("x")),
    mime=words,
    alt=words,
    captions=maybe,
    focus=st.none() | points,
    sha256=st.text("0123456789abcdef", min_size=4, max_size=4),
)
variants = st.builds(
    Variant,
    key=words,
    action=st.sampled_from(Action),
    text=words,
    title=maybe,
    link=maybe,
    language=maybe,
    corrects=maybe,
    media=st.lists(media, max_size=2).map(tuple),
)


@given(variants, st.sampled_from(["text", "title", "link", "language", "corrects", "answers"]), words)
def test_any_changed_word_changes_the_digest(variant: Variant, field: str, new: str) -> None:
    changed = replace(variant, **{field: new})
    assert (part_digest(changed) == part_digest(variant)) == (getattr(variant, field) == new)


@given(variants, media, st.sampled_from(["mime", "alt", "captions", "sha256"]), words)
def test_any_changed_description_caption_or_byte_changes_the_digest(
    variant: Variant, medium: Media, field: str, new: str
) -> None:
    one = replace(variant, media=(medium,))
    other = replace(variant, media=(replace(medium, **{field: new}),))
    assert (part_digest(one) == part_digest(other)) == (getattr(medium, field) == new)


@given(media, points)
def test_a_moved_focus_changes_the_digest(medium: Media, focus: tuple[float, float]) -> None:
    moved = Variant(key="", text="", media=(replace(medium, focus=focus),))
    still = Variant(key="", text="", media=(medium,))
    assert (part_digest(moved) == part_digest(still)) == (str(medium.focus) == str(focus))


def test_the_order_of_pictures_and_their_number_are_covered() -> None:
    one, two = (Media(path=Path(name), mime="image/png", sha256=name) for name in "ab")
    kinds = [(), (one,), (two,), (one, two), (two, one), (one, one)]
    assert len({part_digest(Variant(key="", text="", media=kind)) for kind in kinds}) == len(kinds)


@given(variants, words, words, st.dictionaries(words, words), st.datetimes(timezones=st.just(UTC)))
def test_key_reply_to_staged_and_slot_are_not_covered(
    variant: Variant, key: str, reply_to: str, staged: dict[str, str], at: datetime
) -> None:
    sent = replace(variant, key=key, reply_to=reply_to, staged=staged, at=at)
    assert part_digest(sent) == part_digest(variant)


def test_where_the_file_lies_is_not_covered_but_its_bytes_are() -> None:
    medium = Media(path=Path("content/a.png"), mime="image/png", sha256="aa")
    stored = Variant(key="", text="", media=(replace(medium, path=Path("store/aa")),))
    assert part_digest(stored) == part_digest(Variant(key="", text="", media=(medium,)))
    assert part_digest(stored, ["bb"]) != part_digest(stored)
    assert part_digest(stored, ["aa"]) == part_digest(stored)


settings = st.dictionaries(words, words | st.integers() | st.booleans(), max_size=3)


@given(
    words, words, settings, st.lists(words, max_size=3), words, words, settings, st.lists(words, max_size=3)
)
def test_a_channel_is_its_name_platform_settings_and_parts_in_order(
    name: str, platform: str, about: Any, parts: Any, name2: str, platform2: str, about2: Any, parts2: Any
) -> None:
    same = canonical([name, platform, about, parts]) == canonical([name2, platform2, about2, parts2])
    one = channel_digest(name, platform, about, parts)
    assert (one == channel_digest(name2, platform2, about2, parts2)) == same


def moment(wall: str, zone: str = "America/Chicago") -> Moment:
    return Moment(wall=wall, zone=zone, utc=datetime.fromisoformat(wall).replace(tzinfo=UTC))


DRAFT = Draft(slug="road", path=Path("p"), title="T", body="B")


@pytest.mark.parametrize("field", ["at", "not_before", "expires"])
def test_the_posts_own_times_are_covered(field: str) -> None:
    digests = {
        post_digest(timing(replace(DRAFT, **{field: value})), {})
        for value in (
            None,
            moment("2026-11-27T08:00"),
            moment("2026-11-27T08:01"),
            moment("2026-11-27T08:00", "UTC"),
        )
    }
    assert len(digests) == 4


def test_the_three_times_are_not_taken_for_each_other_and_the_priority_is_covered() -> None:
    when = moment("2026-11-27T08:00")
    changed = [replace(DRAFT, **{field: when}) for field in ("at", "not_before", "expires")]
    changed += [replace(DRAFT, priority=priority) for priority in Priority]
    assert len({post_digest(timing(draft), {}) for draft in changed}) == 6


def test_a_post_is_its_times_and_each_of_its_channels() -> None:
    times = timing(DRAFT)
    kinds: list[dict[str, str]] = [{}, {"a": "1"}, {"a": "2"}, {"b": "1"}, {"a": "1", "b": "1"}]
    assert len({post_digest(times, kind) for kind in kinds}) == len(kinds)
    assert post_digest(times, {"a": "1", "b": "2"}) == post_digest(times, {"b": "2", "a": "1"})


def test_the_file_that_is_digested_is_the_one_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "bridge.jpg"
    path.write_bytes(b"picture")
    assert file_sha256(path) == hashlib.sha256(b"picture").hexdigest()
    with pytest.raises(FileNotFoundError):
        file_sha256(tmp_path / "gone")


def test_equal_values_have_equal_bytes_and_nothing_that_is_no_number_is_digested() -> None:
    assert canonical({"b": 1, "a": "é\ud800"}) == canonical({"a": "é\ud800", "b": 1})
    assert sha256({"a": 1}) != sha256({"a": "1"})
    with pytest.raises(ValueError, match="JSON"):
        sha256(float("nan"))


COVERED = {"action", "text", "title", "link", "language", "corrects", "answers", "options", "media"}
NOT_COVERED = {"key", "reply_to", "recipient", "staged", "at"}


def test_every_value_of_a_variant_is_either_approved_or_known_to_be_the_engines_own() -> None:
    assert {field.name for field in fields(Variant)} == COVERED | NOT_COVERED


def test_a_changed_option_changes_the_digest() -> None:
    plain = Variant(key="", text="x", options={"warning": "storm"})
    assert part_digest(plain) != part_digest(replace(plain, options={"warning": "flood"}))
    assert part_digest(plain) == part_digest(replace(plain, recipient="r-1", staged={"a": 1}))
