"""Corrections and withdrawals: shown honestly, at the same address, and never undone by a repeat."""

from __future__ import annotations

from datetime import timedelta

import pytest

import govpost_website
from govpost import Receipt, Rejected
from govpost_website.test_common import (
    WITHDRAWN_AT,
    amend,
    amendment,
    channel,
    key,
    page,
    picture,
    publish,
    tree,
    variant,
    withdraw,
)

# Correcting


def test_a_correction_keeps_the_address_and_shows_what_was_said_before(tmp_path):
    receipt = publish(tmp_path, variant(text="Opens at noon."))
    assert amend(tmp_path, receipt, amendment(2, text="Opens at ten.", title="Library hours")) == receipt
    html = page(tmp_path, receipt)
    assert html.index("Corrected on") < html.index("Opens at ten.") < html.index("Earlier versions")
    assert html.index("Earlier versions") < html.index("Opens at noon.")
    assert "Corrected" in (tmp_path / "index.html").read_text("utf-8")


def test_correcting_twice_with_the_same_key_gives_the_same_bytes(tmp_path):
    receipt = publish(tmp_path, variant())
    amend(tmp_path, receipt, amendment(2))
    before = tree(tmp_path, hidden=True)
    assert amend(tmp_path, receipt, amendment(2)) == receipt
    assert tree(tmp_path, hidden=True) == before


def test_corrections_stand_in_the_order_of_their_times(tmp_path):
    receipt = publish(tmp_path, variant(1))
    amend(tmp_path, receipt, amendment(3, text="The third."))
    amend(tmp_path, receipt, amendment(2, text="The second."))
    html = page(tmp_path, receipt)
    assert html.index("The third.") < html.index("The second.") < html.index("Words of notice 1.")


def test_a_correction_of_a_correction_changes_the_same_page(tmp_path):
    receipt = publish(tmp_path, variant(1))
    amend(tmp_path, receipt, amendment(2))
    assert amend(tmp_path, Receipt(remote_id=key(2)), amendment(3)) == receipt


def test_a_post_entered_by_hand_is_found_by_its_address(tmp_path):
    receipt = publish(tmp_path, variant())
    assert amend(tmp_path, Receipt(remote_id=receipt.url), amendment(2)) == receipt
    with pytest.raises(Rejected, match="no page of the site"):
        withdraw(tmp_path, Receipt(remote_id="https://news.example.gov/posts/none.html"))


def test_what_is_not_on_the_site_cannot_be_corrected(tmp_path):
    with pytest.raises(Rejected, match="not on the site"):
        amend(tmp_path, Receipt(remote_id=key(5)), amendment(6))


def test_a_correction_published_on_its_own_links_to_what_it_corrects(tmp_path):
    linked = page(tmp_path, publish(tmp_path, variant(1, corrects="https://news.example.gov/posts/old.html")))
    assert '<a href="https://news.example.gov/posts/old.html">' in linked
    bare = page(tmp_path, publish(tmp_path, variant(2, corrects="javascript:alert(1)")))
    assert "This notice corrects an earlier one." in bare
    assert "javascript:" not in bare


# Withdrawing


def test_a_withdrawn_post_leaves_a_notice_at_its_address_and_none_of_its_words(tmp_path):
    medium = picture(tmp_path / "bridge.png")
    receipt = publish(tmp_path / "site", variant(text="Secret words.", media=(medium,)))
    amend(tmp_path / "site", receipt, amendment(2, text="More secret words."))
    withdraw(tmp_path / "site", receipt, "It named the wrong day.")
    html = page(tmp_path / "site", receipt)
    assert "Withdrawn: Notice 1" in html
    assert "30 November 2026, 16:05 UTC" in html
    assert "It named the wrong day." in html
    everything = b"".join(path.read_bytes() for path in (tmp_path / "site").rglob("*.*") if path.is_file())
    assert b"ecret words" not in everything
    assert not list((tmp_path / "site" / "media").iterdir())


def test_a_picture_that_another_post_shows_stays(tmp_path):
    medium = picture(tmp_path / "bridge.png")
    receipt = publish(tmp_path / "site", variant(1, media=(medium,)))
    publish(tmp_path / "site", variant(2, media=(medium,)))
    withdraw(tmp_path / "site", receipt)
    assert (tmp_path / "site" / "media" / f"{medium.sha256}.png").exists()


def test_withdrawing_twice_changes_nothing_and_keeps_the_first_time(tmp_path):
    receipt = publish(tmp_path, variant())
    withdraw(tmp_path, receipt)
    before = tree(tmp_path, hidden=True)
    later = govpost_website.Website(lambda: WITHDRAWN_AT + timedelta(days=3))
    later.withdraw(receipt, "Another reason.", channel(tmp_path), None)
    assert tree(tmp_path, hidden=True) == before


def test_a_repeat_or_correction_never_brings_a_withdrawn_post_back(tmp_path):
    receipt = publish(tmp_path, variant())
    withdraw(tmp_path, receipt)
    before = tree(tmp_path, hidden=True)
    with pytest.raises(Rejected, match="withdrawn"):
        publish(tmp_path, variant())
    with pytest.raises(Rejected, match="withdrawn"):
        amend(tmp_path, receipt, amendment(2))
    assert tree(tmp_path, hidden=True) == before


def test_withdrawing_what_was_never_there_is_success_and_stops_a_late_publish(tmp_path):
    withdraw(tmp_path, Receipt(remote_id=key(1)))
    assert not list(tmp_path.glob("posts/*"))
    with pytest.raises(Rejected, match="withdrawn"):
        publish(tmp_path, variant(1))
