"""The website's promises: one page a post, the same bytes for the same key, pictures, confirmation."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

import govpost_website
from govpost import Action, Media, Platform, Rejected, Unavailable
from govpost.testing import PlatformContract
from govpost_website import records
from govpost_website.settings import Settings
from govpost_website.test_common import (
    WEB,
    Seen,
    amend,
    amendment,
    channel,
    confirm,
    key,
    page,
    picture,
    publish,
    tree,
    variant,
    withdraw,
)


class TestWebsiteContract(PlatformContract):
    """The conformance suite that every platform passes."""

    platform = WEB


# Publishing


def test_the_plugin_brings_one_platform_with_every_part_it_promises():
    (platform,) = govpost_website.govpost_platforms()
    assert isinstance(platform, Platform)
    assert platform.name == "website"
    assert platform.capabilities.max_chars is None
    assert platform.capabilities.idempotent_for == timedelta(days=3650)
    assert platform.capabilities.settles_after == timedelta()


def test_a_post_gets_a_page_at_the_address_of_its_receipt(tmp_path):
    receipt = publish(tmp_path, variant(title="Bridge closed", text="It is **closed**."))
    assert receipt.remote_id == key(1)
    assert receipt.url.startswith("https://news.example.gov/posts/bridge-closed-")
    assert "<strong>closed</strong>" in page(tmp_path, receipt)
    assert "Bridge closed" in (tmp_path / "index.html").read_text("utf-8")


def test_the_same_key_twice_gives_the_same_bytes_everywhere(tmp_path):
    what = variant(media=(picture(tmp_path / "bridge.png"),), link="https://example.gov/bridge")
    first = publish(tmp_path / "site", what)
    before = tree(tmp_path / "site", hidden=True)
    assert publish(tmp_path / "site", what) == first
    assert tree(tmp_path / "site", hidden=True) == before


def test_a_repeat_leaves_unchanged_files_untouched(tmp_path):
    publish(tmp_path, variant())
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}
    publish(tmp_path, variant())
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")} == before


def test_two_folders_given_the_same_posts_hold_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        receipt = publish(tmp_path / name, variant(1))
        publish(tmp_path / name, variant(2))
        amend(tmp_path / name, receipt, amendment(3))
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_everything_is_rebuilt_from_the_records(tmp_path):
    receipt = publish(tmp_path, variant(1))
    gone = publish(tmp_path, variant(2))
    amend(tmp_path, receipt, amendment(3))
    withdraw(tmp_path, gone)
    whole = tree(tmp_path)
    for path in [*tmp_path.glob("*.*"), *tmp_path.glob("posts/*"), *tmp_path.glob("archive/*")]:
        if path.name not in {".work", "site.json"}:
            path.unlink()
    (tmp_path / ".work" / "catalog.json").write_text("not JSON")
    publish(tmp_path, variant(1))
    assert tree(tmp_path) == whole


def test_a_page_or_month_that_went_missing_comes_back_with_the_next_post(tmp_path):
    receipt = publish(tmp_path, variant(1))
    for path in [*tmp_path.glob("posts/*"), *tmp_path.glob("archive/2026-11.html")]:
        path.unlink()
    publish(tmp_path, variant(2))
    assert "Words of notice 1" in page(tmp_path, receipt)
    assert "Notice 1" in (tmp_path / "archive" / "2026-11.html").read_text("utf-8")


def test_a_new_title_of_the_site_reaches_every_page(tmp_path):
    receipt = publish(tmp_path, variant(1))
    publish(tmp_path, variant(2), title="City of Elsewhere")
    assert "City of Elsewhere" in page(tmp_path, receipt)


def test_a_key_never_takes_other_words(tmp_path):
    publish(tmp_path, variant())
    before = tree(tmp_path)
    with pytest.raises(Rejected, match="other words"):
        publish(tmp_path, variant(text="Something else."))
    assert tree(tmp_path) == before


def test_without_a_due_time_the_key_tells_it_and_else_it_is_the_epoch(tmp_path):
    from_key = records.record_of(variant(at=None), Settings.of(channel(tmp_path)))
    plain = records.record_of(variant(at=None, key="plain-key"), Settings.of(channel(tmp_path)))
    other = records.record_of(
        variant(at=None, key="6fa459ea-ee8a-4ca4-894e-db77e160355e"), Settings.of(channel(tmp_path))
    )
    assert from_key.at == "2024-09-17T12:40:52Z"
    assert plain.at == other.at == "1970-01-01T00:00:00Z"


def test_public_files_can_be_read_by_a_web_server(tmp_path):
    publish(tmp_path / "new" / "site", variant())
    for path in (tmp_path / "new").rglob("*.*"):
        if ".work" not in path.parts and path.is_file():
            assert path.stat().st_mode & 0o777 == 0o644, path
    assert (tmp_path / "new" / "site" / "posts").stat().st_mode & 0o755 == 0o755


def test_the_newest_stands_first_and_months_hold_the_rest(tmp_path):
    for number in (1, 3, 2):
        publish(tmp_path, variant(number))
    publish(tmp_path, variant(4, at=datetime.fromisoformat("2026-10-05T08:00:00+00:00")))
    index = (tmp_path / "index.html").read_text("utf-8")
    assert (
        index.index("Notice 3") < index.index("Notice 2") < index.index("Notice 1") < index.index("Notice 4")
    )
    archive = (tmp_path / "archive" / "index.html").read_text("utf-8")
    assert archive.index("November 2026") < archive.index("October 2026")
    assert "Notice 4" not in (tmp_path / "archive" / "2026-11.html").read_text("utf-8")


# Pictures


def test_pictures_are_copied_with_their_descriptions(tmp_path):
    medium = picture(tmp_path / "bridge.png")
    receipt = publish(tmp_path / "site", variant(media=(medium,)))
    assert (tmp_path / "site" / "media" / f"{medium.sha256}.png").read_bytes() == medium.path.read_bytes()
    assert f'src="../media/{medium.sha256}.png" alt="{medium.alt}"' in page(tmp_path / "site", receipt)


def test_a_film_comes_with_its_captions(tmp_path):
    path = tmp_path / "siren.mp4"
    path.write_bytes(b"film")
    film = Media(
        path=path, mime="video/mp4", alt="The siren", captions="WEBVTT\n\n00:00.000 --> 00:01.000\nWail"
    )
    html = page(tmp_path / "site", publish(tmp_path / "site", variant(media=(film,))))
    (track,) = Seen(html).all("track")
    assert (tmp_path / "site" / "posts" / track["src"]).resolve().read_text().startswith("WEBVTT")


def test_a_picture_that_is_not_the_approved_one_is_rejected(tmp_path):
    medium = picture(tmp_path / "bridge.png")
    medium.path.write_bytes(b"another")
    with pytest.raises(Rejected, match="not the file that was approved"):
        publish(tmp_path / "site", variant(media=(medium,)))
    assert not (tmp_path / "site" / "records").exists()


def test_a_picture_that_is_gone_publishes_nothing(tmp_path):
    medium = picture(tmp_path / "bridge.png")
    medium.path.unlink()
    with pytest.raises(Unavailable, match="cannot be read"):
        publish(tmp_path / "site", variant(media=(medium,)))


def test_a_kind_of_file_that_browsers_do_not_show_is_rejected(tmp_path):
    with pytest.raises(Rejected, match="image/tiff"):
        publish(tmp_path, variant(media=(Media(path=tmp_path / "x.tif", mime="image/tiff"),)))


# Confirming


def test_a_post_is_confirmed_by_its_record_and_its_page(tmp_path):
    what = variant()
    assert confirm(tmp_path, what) is None
    receipt = publish(tmp_path, what)
    assert confirm(tmp_path, what) == confirm(tmp_path, what, receipt) == receipt
    for path in tmp_path.glob("posts/*"):
        path.unlink()
    assert confirm(tmp_path, what) is None


def test_a_correction_is_confirmed_only_once_it_stands_on_the_page(tmp_path):
    receipt = publish(tmp_path, variant())
    old = page(tmp_path, receipt)
    assert confirm(tmp_path, amendment(2), receipt) is None
    amend(tmp_path, receipt, amendment(2))
    assert confirm(tmp_path, amendment(2), receipt) == receipt
    next(tmp_path.glob("posts/*")).write_text(old)
    assert confirm(tmp_path, amendment(2), receipt) is None


def test_a_withdrawal_is_confirmed_by_its_tombstone(tmp_path):
    receipt = publish(tmp_path, variant())
    order = variant(9, action=Action.WITHDRAW)
    assert confirm(tmp_path, order, receipt) is None
    withdraw(tmp_path, receipt)
    assert confirm(tmp_path, order, receipt) == receipt
    assert confirm(tmp_path, variant(), receipt) is None


def test_words_in_a_body_cannot_pass_for_a_confirmation(tmp_path):
    receipt = publish(tmp_path, variant(text=f'data-key="{key(2)}"'))
    old = page(tmp_path, receipt)
    amend(tmp_path, receipt, amendment(2))
    next(tmp_path.glob("posts/*")).write_text(old)
    assert confirm(tmp_path, amendment(2), receipt) is None


def test_looking_that_fails_is_said_and_not_taken_for_absence(tmp_path):
    (tmp_path / "records" / f"{key(1)}.json").mkdir(parents=True)
    with pytest.raises(Unavailable, match="cannot be read"):
        confirm(tmp_path, variant())


# Settings


@pytest.mark.parametrize(
    ("setting", "bad"),
    [
        ("base_url", "http://news.example.gov/"),
        ("base_url", "https://ana@news.example.gov/"),
        ("base_url", "https://news.example.gov/?x"),
        ("base_url", "news"),
        ("folder", ""),
        ("folder", "."),
        ("language", "English!"),
        ("timezone", "Chicago"),
        ("colour", "blue"),
    ],
)
def test_settings_that_cannot_be_are_named(setting, bad):
    good = {"folder": "public", "base_url": "https://news.example.gov"}
    assert Settings.model_validate(good).base_url == "https://news.example.gov/"
    assert Settings.model_validate(good).name == "news.example.gov"
    with pytest.raises(ValidationError, match=setting):
        Settings.model_validate(good | {setting: bad})


def test_the_folder_may_be_any_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    publish(Path("public"), variant())
    assert (tmp_path / "public" / "index.html").exists()
