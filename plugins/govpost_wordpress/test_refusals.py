"""What a site will not take is said before anybody approves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from govpost import Action, Variant
from govpost_wordpress.comments import LONGEST
from govpost_wordpress.test_common import CHANNEL, PLATFORM, POST, picture


def refused(variant: Variant, **limits: Any) -> list[str]:
    return list(PLATFORM.refusals(variant, replace(CHANNEL, limits={**CHANNEL.limits, **limits})))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"featured": 3}, "featured asks for picture 3, and the post has 2"),
        ({"featured": 2}, "featured asks for 2.mp4, and only a picture can stand above a post"),
        ({"type": "page", "categories": ["Roads"]}, "a page on the site takes no categories"),
        ({"type": "page", "tags": ["closure"]}, "a page on the site takes no tags"),
        ({"type": "page", "sticky": True}, "a page on the site takes no sticky"),
    ],
)
def test_options_that_cannot_be_are_refused_in_words(
    tmp_path: Path, options: Mapping[str, Any], words: str
) -> None:
    media = (picture(tmp_path, 1), picture(tmp_path, 2, "video/mp4"))
    assert refused(replace(POST, media=media, options=options)) == [words]


def test_a_picture_above_a_post_without_any_is_refused() -> None:
    assert refused(replace(POST, options={"featured": 1})) == [
        "featured asks for picture 1, and the post has none"
    ]


def test_what_the_site_takes_is_not_refused(tmp_path: Path) -> None:
    assert refused(POST) == []
    assert refused(replace(POST, options={"featured": 0, "sticky": True})) == []
    assert refused(replace(POST, media=(picture(tmp_path),), options={"featured": 1, "tags": ["a"]})) == []
    assert refused(replace(POST, options={"type": "page", "categories": [], "sticky": False})) == []


def test_what_the_user_may_not_do_is_refused() -> None:
    sticky, page = (replace(POST, options=asked) for asked in ({"sticky": True}, {"type": "page"}))
    assert refused(sticky, sticky=False) == ["govpost may not make posts sticky on the site"]
    assert refused(page, pages=False) == ["govpost may not publish pages on the site"]
    assert refused(sticky, sticky=True) == refused(page, pages=True) == []
    assert refused(POST, sticky=False, pages=False) == []


def test_an_answer_is_a_comment_and_has_only_words(tmp_path: Path) -> None:
    answer = replace(POST, answers="r1")
    assert refused(answer) == []
    (pictures,) = refused(replace(answer, media=(picture(tmp_path),)))
    assert "carries no pictures" in pictures
    (options,) = refused(replace(answer, options={"sticky": True, "tags": ["a"]}))
    assert "it has no sticky, tags" in options
    assert refused(replace(answer, text="&" * (LONGEST // 5))) == []
    (long,) = refused(replace(answer, text="&" * (LONGEST // 5 + 1)))
    assert f"room for {LONGEST} bytes" in long


def test_an_answer_is_not_corrected_and_a_post_is() -> None:
    correction = replace(POST, action=Action.AMEND)
    (why,) = refused(replace(correction, corrects="https://www.example.gov/fair/#comment-7"))
    assert "withdraw it" in why
    assert refused(replace(correction, corrects="https://www.example.gov/fair/")) == []
