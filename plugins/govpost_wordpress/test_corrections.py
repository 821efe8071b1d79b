"""A correction changes what it names; the rest stays as people left it on the site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from govpost import Action, Channel, Media
from govpost_wordpress import example
from govpost_wordpress.test_common import CHANNEL, KEY, PLATFORM, POST, call, picture, publish, stage

USUAL = replace(
    CHANNEL, settings={**CHANNEL.settings, "categories": ["News"], "tags": ["city"], "comments": "open"}
)
ASKED = {
    "categories": ["Roads"],
    "tags": ["closure"],
    "excerpt": "Take Oak Street.",
    "comments": "closed",
    "sticky": True,
    "template": "wide.php",
}
NAMED = ("categories", "tags", "excerpt", "comment_status", "sticky", "template")


def corrected(
    *media: Media, channel: Channel = USUAL, new: tuple[Media, ...] = (), by_hand: int = 0, **options: Any
) -> tuple[Mapping[str, Any], Mapping[str, Any], example.Server]:
    """Publish, correct with these options, and return the post before and after."""
    server = example.Server()
    receipt = publish(server, replace(POST, media=media, options=ASKED), channel)
    (row,) = server.rows["posts"].values()
    if by_hand:
        server.rows["media"][by_hand] = {"id": by_hand, "slug": "town-hall", "alt_text": "Town hall"}
        row["featured_media"] = by_hand
    before = dict(row)
    words = {"key": f"{KEY[:-1]}c", "action": Action.AMEND, "text": "Open.", "media": new}
    variant = stage(server, replace(POST, options=options, **words), channel)
    call(lambda http: PLATFORM.amend(receipt, variant, channel, http), server)
    return before, row, server


def test_a_correction_that_names_no_options_changes_none() -> None:
    before, row, server = corrected()
    assert {name: row[name] for name in NAMED} == {name: before[name] for name in NAMED}
    assert [each["name"] for each in server.rows["categories"].values()] == ["Roads"]
    assert "Open." in row["content"]["raw"]


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        ({"excerpt": ""}, "excerpt", {"raw": ""}),
        ({"excerpt": "Open again."}, "excerpt", {"raw": "Open again."}),
        ({"comments": "open"}, "comment_status", "open"),
        ({"sticky": False}, "sticky", False),
        ({"tags": []}, "tags", []),
        ({"template": "narrow.php"}, "template", "narrow.php"),
    ],
)
def test_a_correction_changes_what_it_names(options: Mapping[str, Any], field: str, value: Any) -> None:
    before, row, _ = corrected(**options)
    assert row[field] == value != before[field]
    others = set(NAMED) - {field}
    assert {name: row[name] for name in others} == {name: before[name] for name in others}


def test_a_correction_may_move_a_post_to_another_category() -> None:
    _, row, server = corrected(categories=["News"])
    assert [server.rows["categories"][each]["name"] for each in row["categories"]] == ["News"]


def test_pictures_are_part_of_the_words_and_go_with_them(tmp_path: Path) -> None:
    _, row, _ = corrected(picture(tmp_path, 1))
    assert row["featured_media"] == 0 and "wp:image" not in row["content"]["raw"]
    before, row, server = corrected(picture(tmp_path, 1), new=(picture(tmp_path, 2),))
    assert row["featured_media"] not in (0, before["featured_media"])
    assert server.rows["media"][row["featured_media"]]["alt_text"] == "Picture 2"


def test_a_picture_that_an_editor_put_above_the_post_stays_until_the_correction_says_otherwise() -> None:
    assert corrected(by_hand=900)[1]["featured_media"] == 900
    assert corrected(by_hand=900, featured=0)[1]["featured_media"] == 0


def test_a_picture_above_the_post_that_is_gone_is_left_to_the_site() -> None:
    server = example.Server()
    receipt = publish(server)
    (row,) = server.rows["posts"].values()
    row["featured_media"] = 900
    variant = stage(server, replace(POST, key=f"{KEY[:-1]}c", action=Action.AMEND, text="Open."))
    call(lambda http: PLATFORM.amend(receipt, variant, CHANNEL, http), server)
    assert row["featured_media"] == 900 and "Open." in row["content"]["raw"]
